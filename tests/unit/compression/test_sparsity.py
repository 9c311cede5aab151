"""Zeros where they were asked for, as many as were asked for, and exact."""

import keras
import numpy as np
import pytest

from advisor.compression import GradualPruning, mask_of, plan_pruning, zero_tiny_weights
from advisor.errors import CompressionError
from advisor.framework import kernels_of

pytestmark = pytest.mark.slow


def net(inputs=8, units=20):
    keras.utils.set_random_seed(0)
    tensor = features = keras.Input((inputs,), name="features")
    for index in (1, 2):
        tensor = keras.layers.Dense(units, activation="relu", name=f"dense_{index}")(tensor)
    return keras.Model(features, keras.layers.Dense(1, name="output")(tensor))


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("pattern", ["unstructured", "block"])
@pytest.mark.parametrize("inputs", [8, 13])
def test_a_mask_has_at_least_the_wanted_zeros_and_hardly_more(fraction, pattern, inputs):
    kernel = np.random.default_rng(0).normal(size=(inputs, 20))
    zeros = float((mask_of(kernel, fraction, pattern) == 0).mean())
    assert fraction <= zeros <= fraction + (4 if pattern == "block" else 1) / kernel.size


def test_unstructured_pruning_removes_the_smallest_weights():
    kernel = np.random.default_rng(0).normal(size=(10, 10))
    mask = mask_of(kernel, 0.7)
    assert np.abs(kernel[mask == 0]).max() < np.abs(kernel[mask == 1]).min()


@pytest.mark.parametrize("inputs", [8, 13, 2])
def test_two_of_four_leaves_at_most_two_of_every_four_along_the_inputs(inputs):
    mask = mask_of(np.random.default_rng(0).normal(size=(inputs, 6)), 0.5, "two_of_four")
    for first in range(0, inputs, 4):
        group = mask[first : first + 4]
        assert (group.sum(axis=0) <= 2).all()
        assert ((group == 0).sum(axis=0) * 2 >= len(group)).all()


def test_blocks_go_or_stay_together():
    mask = mask_of(np.random.default_rng(0).normal(size=(16, 6)), 0.5, "block").reshape(4, 4, 6)
    assert (mask.min(axis=1) == mask.max(axis=1)).all()


def test_the_output_and_tiny_layers_stay_dense_where_the_others_can_make_up_for_them():
    target = plan_pruning(net(units=100), 0.9, smallest=500, spared=("output",))
    assert set(target.fractions) == {"dense_1/kernel", "dense_2/kernel"}
    sizes = {"dense_1/kernel": 800, "dense_2/kernel": 10000}
    kept = sum((1 - target.fractions[path]) * size for path, size in sizes.items()) + 100
    assert kept == pytest.approx(0.1 * 10900)
    assert set(plan_pruning(net(units=4), 0.9, smallest=500).fractions) == {*sizes, "output/kernel"}


def test_impossible_wishes_are_refused_with_their_numbers():
    with pytest.raises(CompressionError, match=r"0\.5, but 0\.9"):
        plan_pruning(net(), 0.9, pattern="two_of_four")


def zeros_of(model):
    arrays = [np.asarray(kernel) for kernel in kernels_of(model).values()]
    return sum(int((each == 0).sum()) for each in arrays) / sum(each.size for each in arrays)


def test_gradual_pruning_reaches_the_target_in_a_copy():
    model = net()
    pruning = GradualPruning(model, plan_pruning(model, 0.8), end_share=0.75)
    rows = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)
    before = np.asarray(model(rows))
    assert np.array_equal(np.asarray(pruning.model(rows)), before)
    callback = pruning.callback()
    callback.set_params({"epochs": 4})
    shares = []
    for epoch in range(4):
        callback.on_epoch_begin(epoch)
        shares.append(zeros_of(pruning.model))
    assert shares == sorted(shares)
    assert shares[1] < 0.8 <= shares[2] == shares[3]
    weights = pruning.model.get_weights()
    pruned = pruning.finish()
    assert all(np.array_equal(one, other) for one, other in zip(pruned.get_weights(), weights, strict=True))
    assert [layer.name for layer in pruned.layers] == [layer.name for layer in model.layers]
    assert all(kernel.constraint is None for kernel in kernels_of(pruned).values())
    assert np.array_equal(np.asarray(model(rows)), before)


def test_portions_come_only_as_often_as_asked_for_and_all_are_there_in_time():
    pruning = GradualPruning(net(), plan_pruning(net(), 0.5), begin_share=0.2, end_share=0.8, every_epochs=3)
    shares = []
    for epoch in range(10):
        pruning.on_epoch_begin(epoch, 10)
        shares.append(float(np.mean(np.asarray(pruning.model.get_layer("dense_1").kernel) == 0)))
    assert shares[1] == 0 < shares[2] == shares[4] < shares[5] < shares[7] == shares[9] == 0.5


@pytest.mark.parametrize("pattern", ["unstructured", "two_of_four", "block"])
def test_convolutions_are_pruned_like_dense_layers(pattern):
    keras.utils.set_random_seed(0)
    tensor = features = keras.Input((8, 8, 3), name="features")
    tensor = keras.layers.Conv2D(8, 3, activation="relu", name="conv")(tensor)
    tensor = keras.layers.DepthwiseConv2D(3, name="depthwise")(tensor)
    tensor = keras.layers.SeparableConv2D(12, 3, name="separable")(tensor)
    model = keras.Model(features, keras.layers.Dense(2, name="output")(keras.layers.GlobalAveragePooling2D()(tensor)))
    target = plan_pruning(model, 0.5, pattern=pattern)
    parts = ["conv/kernel", "depthwise/kernel", "separable/depthwise_kernel", "separable/pointwise_kernel"]
    assert list(target.fractions) == [*parts, "output/kernel"]
    rows = np.random.default_rng(0).normal(size=(5, 8, 8, 3)).astype(np.float32)
    pruning = GradualPruning(model, target)
    assert np.allclose(np.asarray(pruning.model(rows)), np.asarray(model(rows)), atol=1e-6)
    pruned = pruning.finish()
    kernel = pruned.get_layer("conv").get_weights()[0]
    assert (kernel == 0).mean() >= 0.5
    if pattern == "two_of_four":
        groups = kernel.reshape(-1, 8)[:24].reshape(6, 4, 8)
        assert ((groups == 0).sum(axis=1) >= 2).all()
    assert zeros_of(pruned) >= 0.5


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_recurrent_cells_are_pruned_in_both_directions(cell, tmp_path):
    from advisor.builder import laid_out
    from advisor.evaluation import measure_litert_sparsity, measure_sparsity
    from advisor.export import export_litert

    keras.utils.set_random_seed(0)
    features = keras.Input((6, 3), name="features")
    both = keras.layers.Bidirectional(getattr(keras.layers, cell)(12, return_sequences=True), name="recurrent_1")
    tensor = getattr(keras.layers, cell)(10, name="recurrent_2")(both(features))
    model = keras.Model(features, keras.layers.Dense(2, name="output")(tensor))
    pruning = GradualPruning(model, plan_pruning(model, 0.8, spared=("output",)))
    pruning.model.compile("adam", "mse")
    rows = np.random.default_rng(0).normal(size=(64, 6, 3)).astype(np.float32)
    pruning.model.fit(rows, rows[:, 0, :2], epochs=2, verbose=0, callbacks=[pruning.callback()])
    pruned = pruning.finish()
    assert (np.asarray(pruned.get_layer("output").kernel) != 0).all()
    found = measure_sparsity(pruned)
    assert 0.8 <= found.fraction < 0.81
    assert len(found.kernels) == 7
    path = tmp_path / "pruned.tflite"
    export_litert(laid_out(pruned), path)
    stored = measure_litert_sparsity(path)
    assert (stored.zeros, stored.weights) == (found.zeros, found.weights)


def test_tiny_weights_are_zeroed_as_far_as_the_cost_allows():
    model = net()
    for layer in model.layers[1:]:
        kernel, bias = layer.get_weights()
        tiny = np.random.default_rng(1).random(kernel.shape) < 0.6
        layer.set_weights([np.where(tiny, kernel * 1e-6, np.sign(kernel) * (0.1 + np.abs(kernel))), bias])
    rows = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    before = np.asarray(model(rows))

    def cost(other):
        return float(np.abs(np.asarray(other(rows)) - before).max())

    done = zero_tiny_weights(model, cost, allowed=1e-3)
    assert done.cost <= 1e-3
    assert 0.55 < done.fraction < 0.65
    assert cost(model) == 0.0
