"""Pruning inside a training: only epochs with all of the zeros count, and a stopped one resumes to the same bits."""

import keras
import numpy as np
import pytest

from advisor.artifacts import DataBundle, Part
from advisor.compression import GradualPruning, plan_pruning
from advisor.training import Recipe, train

pytestmark = pytest.mark.slow
EPOCHS, END = 8, 0.5
RECIPE = Recipe(
    task="regression",
    loss="mse",
    optimizer="nadam",
    schedule="one_cycle",
    maximum_rate=0.01,
    batch_size=16,
    max_epochs=EPOCHS,
    counted_from_share=END,
    divergence_factor=1e12,
)


@pytest.fixture(scope="module")
def bundle():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(96, 4)).astype(np.float32)
    y = (x[:, :1] - 2 * x[:, 1:2]).astype(np.float32)
    parts = [Part(x[at], y[at], np.arange(96)[at]) for at in (slice(0, 64), slice(64, 80), slice(80, 96))]
    return DataBundle("regression", *parts, (), ("y",), "0")


def prune(bundle, folder=None, *, resume=False, stop_after=None):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,), name="features")
    hidden = keras.layers.Dense(16, activation="relu", name="dense_1")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="output")(hidden))
    pruning, told = GradualPruning(model, plan_pruning(model, 0.75), end_share=END), []
    report = train(
        pruning.model,
        bundle,
        RECIPE,
        seed=0,
        checkpoints=folder,
        resume=resume,
        callbacks=[pruning.callback()],
        on_epoch=lambda epoch, planned: told.append(epoch.number),
        should_stop=None if stop_after is None else lambda: len(told) == stop_after,
    )
    return report, told, pruning.finish()


def test_the_best_epoch_has_all_of_the_zeros_and_a_stopped_pruning_resumes_to_the_same_bits(bundle, tmp_path):
    report, told, whole = prune(bundle)
    assert told == list(range(1, EPOCHS + 1))
    assert report.best_epoch >= END * EPOCHS
    kernels = [layer.get_weights()[0] for layer in whole.layers[1:]]
    assert sum((kernel == 0).sum() for kernel in kernels) >= 0.75 * sum(kernel.size for kernel in kernels)
    stopped, first, _ = prune(bundle, tmp_path, stop_after=3)
    assert stopped.interrupted
    assert first == [1, 2, 3]
    again, rest, resumed = prune(bundle, tmp_path, resume=True)
    assert rest == list(range(4, EPOCHS + 1))
    assert again.best_epoch == report.best_epoch
    for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        assert np.array_equal(one, other)
