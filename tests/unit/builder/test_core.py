from __future__ import annotations

import itertools

import numpy as np
import pytest

from advisor.builder import build_core, count_cost, fit_statistics, lay_out, logits_model, split_core, with_target_units
from advisor.builder.registry import ACTIVATIONS, DROPOUTS, KERNEL_INITIALIZERS, NORMALIZATIONS, REGULARIZATIONS
from advisor.errors import BuildError

from .conftest import COLUMNS, DEFAULT, SELF_NORMALIZING, Column, table


def build(change=None, columns=COLUMNS, x=None, base=DEFAULT, statistics=None, **others):
    if statistics is None:
        statistics = fit_statistics(table() if x is None else x, columns, None, "binary", "none")
    given = {"task": "regression", "outputs": 1, "seed": 7, **others}
    return build_core({**base, **(change or {})}, columns, statistics, **given)


def layer_names(core):
    return [layer.name for layer in core.layers if not layer.name.startswith(("features", "numbers"))]


def prepared(keras, core, x):
    return keras.Model(core.inputs[0], core.get_layer("prepared").output)(x).numpy()


NUMBER = (Column("x", "numeric"),)


def test_preprocessing_equals_a_reference_written_in_numpy(keras):
    x = table()
    x[0, 3] = 1  # an unknown category
    x[1, 5] = 0  # missing, which training never saw
    x[2, 5] = 44  # a code that does not exist
    statistics = fit_statistics(table(), COLUMNS, None, "binary", "none")
    core = build(statistics=statistics)
    embedding = core.get_layer("embeddings").get_weights()[0]
    assert not embedding[:2].any()

    def scaled(index):
        filled = np.where(np.isnan(x[:, index]), np.float32(statistics.mean[index]), x[:, index])
        return (filled - np.float32(statistics.mean[index])) * np.float32(1 / statistics.scale[index])

    boolean = np.where(np.isnan(x[:, 2]), np.float32(statistics.mean[2]), x[:, 2])
    city = np.where((x[:, 5] >= 0) & (x[:, 5] < 9), x[:, 5], 1).astype(int)
    wanted = np.column_stack(
        [scaled(0), scaled(1), boolean, scaled(4), scaled(6)]
        + [np.isnan(x[:, index]) for index in (0, 2, 6)]
        + [x[:, 3] == code for code in (0, 2, 3, 4)]
        + [embedding[city]]
    ).astype(np.float32)
    got = prepared(keras, core, x)
    np.testing.assert_array_equal(got, wanted)
    assert got.shape[1] == lay_out(COLUMNS, statistics, 4).width


def test_missing_numbers_become_exactly_the_training_mean_however_large(keras):
    x = np.array([[2019.0, 1e6], [2020.0, 1e6 + 1], [np.nan, np.nan]], np.float32)
    columns = (Column("year", "numeric"), Column("money", "numeric"))
    got = prepared(keras, build(columns=columns, x=x), x)
    np.testing.assert_array_equal(got[2], [0, 0, 1, 1])
    np.testing.assert_allclose(got[:2, :2], [[-1, -1], [1, 1]], atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, 0.1])
def test_a_column_without_information_is_zero(keras, value):
    x = np.full((5, 1), value, np.float32)
    core = build(columns=NUMBER, x=x)
    assert not keras.Model(core.inputs[0], core.get_layer("numbers").output)(x).numpy().any()


def test_layers_are_called_and_ordered_as_documented():
    change = {"hidden_layers": 1, "dropout": "dropout", "dropout_rates": [0.1], "normalization": "batch_normalization"}
    x = np.zeros((2, 1), np.float32)
    before = build({**change, "normalization_position": "before_activation"}, NUMBER, x)
    after = build({**change, "normalization_position": "after_activation"}, NUMBER, x)
    end = ["dropout_1", "output", "output_activation"]
    assert layer_names(before) == ["dense_1", "normalization_1", "activation_1", *end]
    assert layer_names(after) == ["dense_1", "activation_1", "normalization_1", *end]
    assert not before.get_layer("dense_1").use_bias
    assert after.get_layer("dense_1").use_bias
    assert before.get_layer("normalization_1").momentum == 0.9
    assert before.get_layer("dropout_1").rate == 0.1


@pytest.mark.parametrize(("name", "gain"), [("he_normal", 2.0), ("lecun_normal", 1.0)])
def test_normal_initializers_have_the_variance_they_are_named_for(name, gain):
    core = build({"kernel_initializer": name, "units": 300}, NUMBER, np.zeros((2, 1), np.float32))
    kernel = core.get_layer("dense_2").get_weights()[0]
    assert kernel.var() == pytest.approx(gain / 300, rel=0.02)
    assert abs(kernel.mean()) < 1e-3
    assert np.abs(kernel).max() > 1.9 * kernel.std()  # no uniform distribution reaches this far


@pytest.mark.parametrize("dropout", ["none", "alpha_dropout"])
def test_self_normalizing_nets_keep_mean_zero_and_variance_one_through_twenty_layers(keras, dropout):
    columns = tuple(Column(f"x{index}", "numeric") for index in range(30))
    x = np.random.default_rng(0).normal(5, 3, (600, 30)).astype(np.float32)
    change = {"hidden_layers": 20, "units": 200, "dropout": dropout, "dropout_rates": [0.1]}
    core = build(change, columns, x, base=SELF_NORMALIZING)
    last = "activation_20" if dropout == "none" else "dropout_20"
    hidden = keras.Model(core.inputs[0], core.get_layer(last).output)
    answers = hidden(x, training=dropout != "none").numpy()
    assert abs(answers.mean()) < 0.1
    assert answers.var() == pytest.approx(1, abs=0.25)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    change = {"dropout": "dropout", "dropout_rates": [0.3]}
    one, same, other = build(change), build(change), build(change, seed=8)
    for first, second in zip(one.get_weights(), same.get_weights(), strict=True):
        assert first.tobytes() == second.tobytes()
    assert any((a != b).any() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
    x = table()
    np.testing.assert_array_equal(one(x, training=True), same(x, training=True))


def test_a_deeper_net_starts_with_the_weights_of_the_shallower_one():
    shallow, deep = build(), build({"hidden_layers": 3})
    for name in ("dense_1", "dense_2"):
        np.testing.assert_array_equal(shallow.get_layer(name).get_weights()[0], deep.get_layer(name).get_weights()[0])


@pytest.mark.parametrize(
    ("kind", "penalty"),
    [
        ("l1", lambda k: 0.1 * np.abs(k).sum()),
        ("l2", lambda k: 0.1 * (k**2).sum()),
        ("l1_l2", lambda k: 0.1 * (np.abs(k).sum() + (k**2).sum())),
    ],
)
def test_the_penalty_is_that_of_all_dense_kernels(kind, penalty):
    core = build({"regularization": kind, "regularization_strengths": [0.1]})
    kernels = [core.get_layer(name).get_weights()[0] for name in ("dense_1", "dense_2", "output")]
    assert float(sum(core.losses)) == pytest.approx(sum(penalty(kernel) for kernel in kernels), rel=1e-4)
    assert not build().losses


def test_leaky_relu_has_the_documented_slope(keras):
    core = build({"activation": "leaky_relu"})
    np.testing.assert_allclose(core.get_layer("activation_1")(np.float32([[-1.0, 2.0]])), [[-0.2, 2.0]], rtol=1e-6)


def test_logits_are_the_answers_before_the_output_activation():
    core = build({"output_activation": "softmax"}, task="multiclass", outputs=3)
    x = table()
    logits = np.exp(logits_model(core)(x).numpy().astype(np.float64))
    np.testing.assert_allclose(core(x), logits / logits.sum(axis=1, keepdims=True), rtol=1e-5)


def test_a_bias_sets_the_first_answer():
    bias = np.float32([3.0])
    core = build({"hidden_layers": 0}, output_bias=bias)
    np.testing.assert_array_equal(core.get_layer("output").get_weights()[1], bias)
    with pytest.raises(BuildError, match="output_bias"):
        build(output_bias=np.float32([1, 2]))


@pytest.mark.parametrize("limit", [4, 100])
def test_a_split_core_answers_as_the_whole_one_with_the_same_layers(limit):
    x = table()
    core = build({"categorical_encoding_limit": limit})
    if limit == 4:
        assert split_core(core) is None  # its embedding is trained
        return
    prepare, rest = split_core(core)
    np.testing.assert_array_equal(rest(prepare(x)), core(x))
    assert not prepare.weights
    assert rest.get_layer("dense_1") is core.get_layer("dense_1")


def test_a_split_core_of_numbers_alone_has_no_joined_layer():
    x = np.float32([[1], [2], [3]])
    core = build(columns=NUMBER, x=x)
    prepare, rest = split_core(core)
    np.testing.assert_array_equal(rest(prepare(x)), core(x))


def test_delivered_regressions_answer_in_the_users_units():
    x, y = table(), np.random.default_rng(0).normal([100, -5], [10, 0.1], (64, 2))
    statistics = fit_statistics(x, COLUMNS, y, "regression", "standardize")
    core = build(statistics=statistics, outputs=2)
    delivered = with_target_units(core, statistics)
    wanted = core(x).numpy() * np.float32(statistics.target_scale) + np.float32(statistics.target_mean)
    np.testing.assert_allclose(delivered(x), wanted, rtol=1e-6)
    core.get_layer("output").set_weights([weight * 2 for weight in core.get_layer("output").get_weights()])
    assert np.abs(delivered(x).numpy() - wanted).max() > 1e-3  # weights are shared, not copied
    with pytest.raises(BuildError, match="2 targets were scaled, 1 outputs"):
        build(statistics=statistics)


def test_classifiers_and_unscaled_regressions_are_delivered_as_they_are():
    core = build()
    assert with_target_units(core, fit_statistics(table(), COLUMNS, None, "binary", "none")) is core
    y = np.arange(64.0)
    assert with_target_units(core, fit_statistics(table(), COLUMNS, y, "regression", "none")) is core


@pytest.mark.parametrize("normalization", ["none", "batch_normalization", "layer_normalization"])
def test_cost_is_what_the_arithmetic_says(normalization):
    change = {"normalization": normalization, "normalization_position": "before_activation"}
    statistics = fit_statistics(table(), COLUMNS, None, "binary", "none")
    layout = lay_out(COLUMNS, statistics, 4)
    units, outputs = 16, 2
    sizes = [layout.width, units, units, outputs]
    kernels = sum(first * second for first, second in itertools.pairwise(sizes))
    hidden = {"none": units, "batch_normalization": 4 * units, "layer_normalization": 3 * units}[normalization]
    cost = count_cost(build(change, statistics=statistics, outputs=outputs))
    assert cost.multiply_adds == kernels
    assert cost.parameters == layout.embedding_parameters + kernels + 2 * hidden + outputs
    assert cost.bytes == 4 * cost.parameters
    moving = 2 * 2 * units if normalization == "batch_normalization" else 0
    assert cost.parameters - cost.trainable_parameters == moving


def test_a_recommended_embedding_size_reaches_the_model():
    assert build({"embedding_size": 8}).get_layer("embeddings").get_weights()[0].shape == (9, 8)


def test_every_registered_value_builds():
    x = np.zeros((2, 1), np.float32)
    variants = [{"kernel_initializer": name} for name in KERNEL_INITIALIZERS]
    variants += [{"activation": name} for name in ACTIVATIONS]
    variants += [{"normalization": name, "normalization_position": "after_activation"} for name in NORMALIZATIONS]
    variants += [{"regularization": name, "regularization_strengths": [0.1]} for name in REGULARIZATIONS]
    variants += [{"dropout": name, "dropout_rates": [0.1]} for name in DROPOUTS]
    for change in variants:
        assert build(change, NUMBER, x)(x).shape == (2, 1)
