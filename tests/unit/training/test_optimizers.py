from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from advisor.training.optimizers import METHODS, controls, decays, update

from .cases import recipe

STEPS = 30


def _keras(name: str, decay: float) -> Any:
    import keras

    return {
        "sgd_momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.95, weight_decay=decay or None),
        "sgd_nesterov": lambda: keras.optimizers.SGD(0.01, momentum=0.95, nesterov=True, weight_decay=decay or None),
        "rmsprop": lambda: keras.optimizers.RMSprop(0.01, weight_decay=decay or None),
        "nadam": lambda: keras.optimizers.Nadam(0.01, weight_decay=decay or None),
        "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=decay),
    }[name]()


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", sorted(METHODS))
def test_updates_equal_those_of_keras(name: str, decay: float) -> None:
    import keras
    import tensorflow as tf

    start = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    gradients = np.random.default_rng(1).normal(size=(STEPS, 5, 3)).astype(np.float32)
    theirs = keras.Variable(start)
    optimizer = _keras(name, decay)
    optimizer.build([theirs])
    chosen = recipe(optimizer=name, learning_rate_schedule="constant", weight_decay=decay)
    rows = controls(np.arange(STEPS), np.full(STEPS, 0.01), np.full(STEPS, 0.95), chosen)
    method = METHODS[name]
    mine = tf.Variable(start)
    slots = [tf.Variable(tf.zeros_like(mine)) for _ in method.slots]
    assert rows.shape == (STEPS, 1 + method.width)
    for gradient, row in zip(gradients, rows, strict=True):
        optimizer.apply([tf.constant(gradient)], [theirs])
        update(mine, tf.constant(gradient), slots, tf.constant(row), chosen)
    assert np.allclose(mine.numpy(), np.asarray(theirs), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_coefficients_depend_on_the_global_step_only(name: str) -> None:
    chosen = recipe(optimizer=name)
    rates = np.geomspace(0.001, 0.1, 20)
    momenta = np.linspace(0.95, 0.85, 20)
    whole = controls(np.arange(20), rates, momenta, chosen)
    later = controls(np.arange(12, 20), rates[12:], momenta[12:], chosen)
    assert np.array_equal(whole[12:], later)
    assert whole.dtype == np.float32


def test_only_kernels_and_embeddings_decay() -> None:
    import tensorflow as tf

    decaying, still = recipe(weight_decay=0.1), recipe()
    assert decays(tf.Variable([[1.0]]), decaying)
    assert not decays(tf.Variable([1.0]), decaying)
    assert not decays(tf.Variable([[1.0]]), still)


def test_decay_is_apart_from_the_gradient_and_grows_with_the_rate() -> None:
    import tensorflow as tf

    chosen = recipe(optimizer="sgd_nesterov", weight_decay=0.5)
    kernel, nothing = tf.Variable([[2.0]]), tf.constant([[0.0]])
    update(kernel, nothing, [tf.Variable([[0.0]])], tf.constant([0.1, 0.9]), chosen)
    assert float(kernel[0, 0]) == pytest.approx(2.0 * (1 - 0.1 * 0.5))
