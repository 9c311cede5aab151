"""Layers of one network as the lower layers of another."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from advisor.artifacts import InputSpec
from advisor.builder import (
    Trunk,
    build_core,
    carried_statistics,
    carried_tables,
    carried_weights,
    draw_up,
    end_of_preparation,
    fit_statistics,
    put_in,
    table_inputs,
)
from advisor.errors import BuildError

from .conftest import COLUMNS, DEFAULT, SELF_NORMALIZING, table

CATEGORIES = {"colour": ("blue", "green", "red"), "city": ("a", "b", "c", "d", "e", "f", "g")}


def statistics_of(columns, x):
    y = np.zeros((len(x), 1), np.float32)
    return fit_statistics(x, columns, y + np.arange(len(x))[:, None], "regression", "standardize")


def core_of(columns=COLUMNS, x=None, *, values=DEFAULT, seed=0, architecture="dense_stack", statistics=None, body=None):
    statistics = statistics if statistics is not None else statistics_of(columns, table() if x is None else x)
    return build_core(
        values, columns, statistics, task="regression", outputs=1, seed=seed, architecture=architecture, body=body
    )


def trunk_of(core):
    return Trunk(core, end_of_preparation(core))


def test_a_dense_stack_can_be_cut_behind_each_hidden_layer():
    trunk = trunk_of(core_of())
    assert [cut.layer for cut in trunk.cuts] == ["activation_1", "activation_2"]
    assert trunk.cuts[-1].kernels == ("dense_1", "dense_2")


def test_a_residual_network_is_cut_between_its_blocks_only():
    values = {**DEFAULT, "hidden_layers": 4, "normalization": "batch_normalization"}
    values["normalization_position"] = "before_activation"
    trunk = trunk_of(core_of(values=values, architecture="residual"))
    assert [cut.layer for cut in trunk.cuts] == ["activation_2", "activation_4"]


def test_a_wide_path_is_kept_with_all_layers_or_not_at_all():
    trunk = trunk_of(core_of(architecture="wide_and_deep"))
    assert [cut.layer for cut in trunk.cuts] == ["wide_and_deep"]


@pytest.mark.parametrize("architecture", ["dense_stack", "wide_and_deep", "residual"])
@pytest.mark.parametrize("values", [DEFAULT, SELF_NORMALIZING])
def test_a_graft_with_the_source_s_weights_answers_like_the_source(architecture, values):
    source = core_of(values=values, architecture=architecture)
    trunk = trunk_of(source)
    graft = trunk.graft(trunk.cuts[-1])
    grown = core_of(values={**DEFAULT, "units": 3}, seed=9, body=graft)
    keys = table_inputs(source, InputSpec("table", (7,), COLUMNS), CATEGORIES).keys
    put_in(grown, {graft.name_of(name): arrays for name, arrays in carried_weights(trunk, keys, keys).items()})
    for name in ("output", "embeddings"):
        grown.get_layer(name).set_weights(source.get_layer(name).get_weights())
    x = table(seed=3)
    np.testing.assert_allclose(source(x), grown(x), atol=1e-6)


def test_fewer_layers_are_replaced_by_those_that_the_rules_want():
    trunk = trunk_of(core_of(values={**SELF_NORMALIZING, "hidden_layers": 3}))
    grown = core_of(values={**DEFAULT, "units": 5}, body=trunk.graft(trunk.cuts[0], above=2))
    kinds = {layer.name: layer for layer in grown.layers}
    assert [kinds[f"activation_{k}"].activation.__name__ for k in (1, 2, 3)] == ["selu", "elu", "elu"]
    assert [kinds[f"dense_{k}"].units for k in (1, 2, 3)] == [16, 5, 5]
    dropped = core_of(body=trunk.graft(trunk.cuts[0]))
    assert not {"dense_2", "dense_3"} & {layer.name for layer in dropped.layers}


def test_dropout_and_penalties_follow_the_new_recipe():
    values = {**DEFAULT, "dropout": "dropout", "dropout_rates": [0.3], "regularization": "l1"}
    values["regularization_strengths"] = [0.01]
    trunk = trunk_of(core_of(values=values))
    bare = core_of(body=trunk.graft(trunk.cuts[-1]))
    assert not [layer for layer in bare.layers if "Dropout" in type(layer).__name__]
    assert not bare.losses
    sampled = core_of(values={**values, "dropout_rates": [0.1]}, body=trunk.graft(trunk.cuts[-1], dropout=True))
    assert [layer.rate for layer in sampled.layers if type(layer).__name__ == "Dropout"] == [0.1, 0.1]
    assert len(sampled.losses) == 3


def test_columns_in_common_keep_their_rows_and_others_begin_fresh():
    source = core_of()
    mine = (COLUMNS[4], COLUMNS[0], type(COLUMNS[0])("new", "numeric"), COLUMNS[5])
    x = table()[:, [4, 0, 2, 5]]
    own = statistics_of(mine, x + np.float32(1))
    spec, theirs = InputSpec("table", (4,), mine), table_inputs(source, InputSpec("table", (7,), COLUMNS), CATEGORIES)
    matched = carried_statistics(spec, own, theirs)
    fresh = core_of(mine, statistics=matched)
    read = table_inputs(fresh, spec, CATEGORIES)
    assert {("number", "constant"), ("number", "price"), ("number", "new")} <= set(read.keys)
    weights = carried_weights(trunk_of(source), theirs.keys, read.keys)
    kernel, old = weights["dense_1"][0], source.get_layer("dense_1").get_weights()[0]
    for index, key in enumerate(read.keys):
        if key in theirs.keys:
            np.testing.assert_array_equal(kernel[index], old[theirs.keys.index(key)])
        else:
            assert np.isnan(kernel[index]).all()
    assert np.isnan(kernel[read.keys.index(("number", "new"))]).all()
    first = fresh.get_layer("dense_1").get_weights()[0]
    put_in(fresh, weights)
    filled = fresh.get_layer("dense_1").get_weights()[0]
    assert np.isfinite(filled).all()
    place = read.keys.index(("number", "new"))
    np.testing.assert_array_equal(filled[place], first[place])
    # What is matched is standardized as the source's layers are used to.
    assert read.numbers["price"] == pytest.approx(theirs.numbers["price"])
    assert matched.mean[2] == own.mean[2]


def test_categories_are_matched_by_their_labels_not_their_codes():
    source = core_of()
    spec = InputSpec("table", (7,), COLUMNS)
    other = {"colour": ("green", "red", "violet"), "city": ("b", "a", "c", "d", "e", "f", "new")}
    theirs = table_inputs(source, spec, CATEGORIES)
    fresh = core_of(seed=5)
    assert ("category", "colour", "violet") in table_inputs(fresh, spec, other).keys
    (city,) = carried_tables(fresh, spec, other, theirs)
    table_of_source = source.get_layer("embeddings").get_weights()[0]
    np.testing.assert_array_equal(city[2:4], table_of_source[[3, 2]])
    assert np.isnan(city[8]).all()
    assert np.isfinite(city[:8]).all()


def test_weights_of_another_shape_are_refused_and_nothing_is_changed():
    core = core_of()
    before = core.get_layer("dense_2").get_weights()
    with pytest.raises(BuildError, match=r"B122.*shapes"):
        put_in(core, {"dense_2": before, "dense_1": [np.zeros((3, 3)), np.zeros(3)]})
    np.testing.assert_array_equal(core.get_layer("dense_2").get_weights()[0], before[0])


def test_a_sequential_network_of_somebody_else_is_read():
    network = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(3, 3, activation="relu", name="image"),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    trunk = Trunk(network)
    assert trunk.reads_raw
    assert trunk.shape == (4, 4, 1)
    assert [len(cut.kernels) for cut in trunk.cuts] == [1, 2]
    graft = trunk.graft(trunk.cuts[-1])
    assert "reused_image" in graft.kept
    assert not any("dropout" in name for name in graft.kept)


def test_a_network_that_masks_its_steps_is_read_and_made_anew():
    layers = [keras.layers.Masking(), keras.layers.GRU(3, return_sequences=True), keras.layers.GRU(2)]
    network = keras.Sequential([keras.Input((5, 2)), *layers, keras.layers.Dense(1)])
    trunk = Trunk(network)
    assert trunk.line() == tuple(layer.name for layer in network.layers)
    graft = trunk.graft(trunk.cuts[-1])
    inputs = keras.Input((5, 2))
    made = keras.Model(inputs, graft(keras, inputs, draw_up(DEFAULT, task="regression", outputs=1, seed=0)))
    put_in(made, {name: network.get_layer(name).get_weights() for name in trunk.cuts[-1].kernels})
    x = np.random.default_rng(0).normal(size=(4, 5, 2)).astype(np.float32)
    x[1, 2:] = 0.0
    np.testing.assert_allclose(made(x), keras.Model(network.inputs[0], network.layers[-2].output)(x), atol=1e-6)


def test_a_line_ends_where_a_layer_reads_another_than_the_one_before():
    inputs = keras.Input((5, 2))
    first = keras.layers.GRU(3, name="first")(inputs)
    both = keras.layers.Concatenate()([first, keras.layers.Flatten()(inputs)])
    assert Trunk(keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(2)(both)))).line() == ("first",)


def several_inputs():
    a, b = keras.Input((2,)), keras.Input((2,))
    return keras.Model([a, b], keras.layers.Dense(1)(keras.layers.Concatenate()([a, b])))


def used_twice():
    a = keras.Input((2,))
    dense = keras.layers.Dense(2)
    return keras.Model(a, keras.layers.Dense(1)(dense(dense(a))))


def nested():
    a = keras.Input((2,))
    return keras.Model(a, keras.layers.Dense(1)(keras.Sequential([keras.layers.Dense(2)])(a)))


def with_an_operation():
    a = keras.Input((2,))
    return keras.Model(a, keras.layers.Dense(1)(keras.ops.exp(keras.layers.Dense(2)(a))))


def linear():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def without_kernels():
    return keras.Sequential([keras.Input((2,)), keras.layers.Flatten()])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (several_inputs, "2 inputs"),
        (used_twice, "several times"),
        (nested, "network of its own"),
        (with_an_operation, "an operation that is no layer"),
        (linear, "no hidden layer"),
        (without_kernels, "no layer with a kernel"),
    ],
)
def test_a_network_that_cannot_be_cut_is_refused(make, why):
    with pytest.raises(BuildError, match=f"B120.*{why}"):
        Trunk(make(), place="theirs.keras")


def test_layers_that_cannot_read_the_new_inputs_are_one_clear_error():
    layers = [keras.layers.Conv2D(3, 5, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(1)]
    trunk = Trunk(keras.Sequential([keras.Input((8, 8, 1)), *layers]), place="theirs.keras")
    small = keras.Input((3, 3, 1))
    blueprint = draw_up(DEFAULT, task="regression", outputs=1, seed=0)
    with pytest.raises(BuildError, match=r"theirs.keras  B123.*conv2d"):
        trunk.graft(trunk.cuts[-1])(keras, small, blueprint)
