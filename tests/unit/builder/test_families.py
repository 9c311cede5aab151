"""Wide & deep, residual and convolutional networks: what is connected to what, and what it costs."""

import itertools

import numpy as np
import pytest

from advisor.artifacts import InputSpec
from advisor.builder import build_core, count_cost, fit_statistics, logits_model
from advisor.data.encoding import EncodedColumn
from advisor.errors import BuildError
from advisor.recommendation import recommend

TABLE = InputSpec("table", (5,), tuple(EncodedColumn(f"x{k}", f"x{k}", "numeric") for k in range(5)))
WISHES = (
    {},
    {"latency_importance": "high"},
    {"hidden_layers": 1},
    {"hidden_layers": 7},
    {"sparsity": "sparse"},
    {"overfitting_observed": True},
    {"labeled_rows": 300},
    {"labeled_rows": 60000},
    {"risk_sensitive": True},
)


def image(height: int, width: int, channels: int) -> InputSpec:
    return InputSpec("image", (height, width, channels))


def built(facts, spec, change=None):
    found = recommend(facts)
    values = {**found.values, **(change or {})}
    outputs = 1 if facts["task"] == "binary" else facts["outputs"]
    x = np.random.default_rng(0).normal(size=(16, *spec.shape)).astype(np.float32)
    statistics = fit_statistics(x, spec, None, facts["task"], "none")
    core = build_core(
        values, spec, statistics, task=facts["task"], outputs=outputs, seed=1, architecture=facts["architecture"]
    )
    return found, core, x


def facts_of(architecture, spec, **others):
    facts = {"task": "multiclass", "architecture": architecture, "outputs": 3, "features": int(np.prod(spec.shape))}
    if spec.kind == "image":
        names = ("image_height", "image_width", "image_channels")
        facts |= {"data_kind": "image", **dict(zip(names, spec.shape, strict=True))}
    return {**facts, **others}


def distinct():
    """Return one problem for every distinct network that the wishes lead to."""
    seen = set()
    cases = [(a, TABLE) for a in ("dense_stack", "wide_and_deep", "residual")]
    cases += [("convolutional", image(*shape)) for shape in ((28, 28, 1), (9, 14, 3), (3, 2, 1))]
    cases += [("residual", image(6, 5, 3))]
    for (architecture, spec), wish in itertools.product(cases, WISHES):
        facts = facts_of(architecture, spec, **wish)
        values = recommend(facts).values
        network = ("hidden_layers", "units", "normalization", "normalization_position", "convolution", "filters")
        key = (architecture, spec.shape, *(str(values[slot]) for slot in (*network, "pooling", "precision")))
        if key not in seen:
            seen.add(key)
            yield pytest.param(facts, spec, id="-".join(map(str, (architecture, *spec.shape, len(seen)))))


@pytest.mark.parametrize(("facts", "spec"), list(distinct()))
def test_the_estimate_is_what_the_built_network_costs(facts, spec):
    found, core, _ = built(facts, spec)
    cost = count_cost(core)
    estimate = found.estimate
    assert (estimate["parameters"], estimate["trainable_parameters"], estimate["multiply_adds"]) == (
        cost.parameters,
        cost.trainable_parameters,
        cost.multiply_adds,
    )


def test_the_wide_path_leads_the_inputs_straight_to_the_output():
    _, core, x = built(facts_of("wide_and_deep", TABLE), TABLE)
    kernel, bias = core.get_layer("output").get_weights()
    assert kernel.shape == (105, 3)
    core.get_layer("output").set_weights([np.concatenate([np.zeros((100, 3)), kernel[100:]]), bias])
    expected = ((x - x.astype(np.float64).mean(axis=0)) / x.astype(np.float64).std(axis=0)) @ kernel[100:] + bias
    assert np.allclose(logits_model(core)(x), expected, atol=1e-5)


def test_a_residual_block_whose_layers_are_silent_hands_on_its_input():
    change = {"hidden_layers": 2, "units": 5, "normalization": "none", "normalization_position": "none"}
    _, core, x = built(facts_of("residual", TABLE), TABLE, {**change, "activation": "relu"})
    core.get_layer("dense_2").set_weights([np.zeros((5, 5)), np.zeros(5)])
    kernel, bias = core.get_layer("output").get_weights()
    prepared = (x - x.astype(np.float64).mean(axis=0)) / x.astype(np.float64).std(axis=0)
    assert np.allclose(logits_model(core)(x), np.maximum(prepared, 0) @ kernel + bias, atol=1e-5)


def test_every_block_but_the_first_adds_without_a_layer_of_its_own():
    _, core, _ = built(facts_of("residual", TABLE), TABLE)
    names = {layer.name for layer in core.layers}
    assert {"skip_1", "add_1", "add_2", "add_3"} <= names
    assert "skip_2" not in names


def test_convolutions_double_their_filters_when_the_maps_are_halved():
    _, core, _ = built(facts_of("convolutional", image(28, 28, 1)), image(28, 28, 1))
    shapes = [core.get_layer(f"convolution_{index}").output.shape[1:] for index in range(1, 7)]
    assert shapes == [(28, 28, 32)] * 2 + [(14, 14, 64)] * 2 + [(7, 7, 128)] * 2
    assert core.get_layer("dense_7").kernel.shape == (3 * 3 * 128, 100)


def test_a_tight_latency_takes_separable_convolutions_and_averages_the_maps():
    spec = image(28, 28, 3)
    _, core, _ = built(facts_of("convolutional", spec, latency_importance="high"), spec)
    names = [layer.name for layer in core.layers]
    assert "depthwise_1" not in names
    assert {"depthwise_2", "global_average"} <= set(names)
    assert not any(name.startswith("dense") for name in names)


def test_pictures_are_varied_in_training_only():
    spec = image(12, 12, 3)
    _, core, x = built(facts_of("convolutional", spec, labeled_rows=500), spec)
    layer = core.get_layer("augmentation")
    assert np.array_equal(layer(x, training=False), x)
    varied = np.asarray(layer(x, training=True))
    assert varied.shape == x.shape
    assert not np.array_equal(varied, x)
    assert set(np.unique(varied)) <= set(np.unique(x))


def test_grey_pictures_are_shifted_and_never_mirrored():
    spec = image(12, 12, 1)
    _, core, _ = built(facts_of("convolutional", spec, labeled_rows=500), spec)
    rising = np.broadcast_to(np.arange(12, dtype=np.float32)[None, None, :, None], (64, 12, 12, 1)).copy()
    varied = np.asarray(core.get_layer("augmentation")(rising, training=True))
    assert (np.diff(varied, axis=2) >= 0).all()


def test_channels_are_standardized_by_the_training_pictures():
    spec = image(4, 4, 3)
    x = np.random.default_rng(0).normal([3.0, 50.0, 9.0], [1.0, 20.0, 0.0], size=(50, 4, 4, 3)).astype(np.float32)
    statistics = fit_statistics(x, spec, None, "binary", "none")
    values = recommend(facts_of("convolutional", spec, task="multiclass")).values
    core = build_core(values, spec, statistics, task="multiclass", outputs=3, seed=0, architecture="convolutional")
    found = np.asarray(core.get_layer("standardized")(x))
    assert np.allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    assert np.allclose(found.std(axis=(0, 1, 2)), [1, 1, 0], atol=1e-4)


def test_convolutions_over_a_table_are_refused():
    with pytest.raises(BuildError, match="pictures or series"):
        built(facts_of("convolutional", TABLE), TABLE)


def test_statistics_of_other_pictures_are_refused():
    statistics = fit_statistics(np.zeros((3, 4, 4, 1), np.float32), image(4, 4, 1), None, "binary", "none")
    values = recommend(facts_of("convolutional", image(4, 4, 3))).values
    with pytest.raises(BuildError, match="1 channels, the pictures have 3"):
        build_core(
            values, image(4, 4, 3), statistics, task="multiclass", outputs=3, seed=0, architecture="convolutional"
        )
