"""Zeros where they were asked for, as many as were asked for, and exact."""

import keras
import numpy as np
import pytest

from advisor.compression import GradualPruning, mask_of, plan_pruning, with_masks, without_masks, zero_tiny_weights
from advisor.errors import CompressionError

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
    assert set(target.fractions) == {"dense_1", "dense_2"}
    kept = sum((1 - target.fractions[name]) * size for name, size in (("dense_1", 800), ("dense_2", 10000))) + 100
    assert kept == pytest.approx(0.1 * 10900)
    assert set(plan_pruning(net(units=4), 0.9, smallest=500).fractions) == {"dense_1", "dense_2", "output"}


def test_impossible_wishes_are_refused_with_their_numbers():
    with pytest.raises(CompressionError, match=r"0\.5, but 0\.9"):
        plan_pruning(net(), 0.9, pattern="two_of_four")


def test_gradual_pruning_reaches_the_target_and_masks_leave_exact_zeros():
    model = net()
    target = plan_pruning(model, 0.8)
    masked = with_masks(model, target)
    rows = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)
    assert np.array_equal(np.asarray(masked(rows)), np.asarray(model(rows)))
    pruning = GradualPruning(target, ramp_epochs=3)
    pruning.callback(masked)
    shares = []
    for epoch in range(4):
        pruning.on_epoch_begin(epoch)
        kernels = [layer.kernel * layer.mask for layer in masked.layers if hasattr(layer, "mask")]
        shares.append(float(np.mean([np.mean(np.asarray(kernel) == 0) for kernel in kernels])))
        pruning.on_epoch_end(epoch, {"val_loss": [9.0, 1.0, 3.0, 4.0][epoch]})
    assert shares == sorted(shares)
    assert pruning.finish() == 3.0
    pruned = without_masks(masked, model)
    assert np.allclose(np.asarray(pruned(rows)), np.asarray(masked(rows)), atol=1e-6)
    kernels = [w for w in pruned.get_weights() if w.ndim == 2]
    assert sum((w == 0).sum() for w in kernels) / sum(w.size for w in kernels) >= 0.8
    assert [layer.name for layer in pruned.layers] == [layer.name for layer in model.layers]


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
