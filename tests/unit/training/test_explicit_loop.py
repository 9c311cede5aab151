"""The readable loop that the generated script holds, spelled out: it must end with the very same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from advisor.artifacts import DataBundle
from advisor.training import Recipe, train

from .cases import bundle, network, recipe, statistics, weights_of

pytestmark = pytest.mark.slow


def _one_cycle(step: int, total: int, maximum: float, chosen: Recipe) -> tuple[float, float]:
    place, half = step / max(total - 1, 1), (1 - chosen.annihilation_fraction) / 2
    start = maximum / chosen.start_divisor
    knots = (0, half, 2 * half, 1)
    rate = np.interp(place, knots, (start, maximum, start, start / chosen.annihilation_divisor))
    high, low = chosen.momentum, chosen.momentum - chosen.momentum_drop
    return float(rate), float(np.interp(place, knots, (high, low, high, high)))


def _explicit(model: Any, data: DataBundle, chosen: Recipe, seed: int) -> None:
    """Train with momentum or Nadam, one compiled step after the other, keeping the best validation epoch."""
    import keras
    import tensorflow as tf

    scale = statistics(data)
    y_train, y_val = (
        part.y
        if scale is None
        else ((part.y.astype(np.float64) - scale.target_mean) / scale.target_scale).astype(np.float32)
        for part in (data.train, data.val)
    )
    loss_of = keras.losses.mean_squared_error if scale is not None else keras.losses.sparse_categorical_crossentropy
    weights = [variable.value for variable in model.trainable_variables]
    first = [tf.Variable(tf.zeros_like(weight)) for weight in weights]
    second = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    @tf.function(jit_compile=True)  # type: ignore[misc]  # TensorFlow ships no types
    def train_step(x: Any, y: Any, row: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of(y, model(x, training=True)))
            for penalty in model.losses:
                loss += penalty
        for weight, gradient, m, v in zip(weights, tape.gradient(loss, weights), first, second, strict=True):
            if chosen.optimizer == "sgd_momentum":
                moved = m * row[1] - gradient * row[0]
                m.assign(moved)
                weight.assign_add(moved)
            else:
                mean = m + (gradient - m) * (1 - chosen.beta_1)
                square = v + (tf.square(gradient) - v) * (1 - chosen.beta_2)
                m.assign(mean)
                v.assign(square)
                weight.assign_sub(
                    row[0] * (row[1] * mean + row[2] * gradient) / (tf.sqrt(square * row[3]) + chosen.epsilon)
                )

    @tf.function  # type: ignore[misc]
    def validate() -> Any:
        return tf.reduce_sum(loss_of(y_val, model(data.val.x, training=False))) / len(data.val)

    rows, batch = len(data.train), min(chosen.batch_size, len(data.train))
    steps = rows // batch
    total = steps * chosen.max_epochs
    count = np.arange(1, total + 2, dtype=np.float64)
    decay = chosen.beta_1 * (1 - 0.5 * 0.96**count)
    product = np.cumprod(decay)
    assert isinstance(chosen.maximum_rate, float)
    best, best_loss = model.get_weights(), float(validate())
    step = 0
    for epoch in range(1, chosen.max_epochs + 1):
        order = np.random.default_rng([seed, epoch]).permutation(rows)
        for index in range(steps):
            rate, momentum = _one_cycle(step, total, chosen.maximum_rate, chosen)
            row = [rate, momentum]
            if chosen.optimizer == "nadam":
                row = [
                    rate,
                    decay[step + 1] / (1 - product[step + 1]),
                    (1 - decay[step]) / (1 - product[step]),
                    1 / (1 - chosen.beta_2 ** (step + 1.0)),
                ]
            taken = order[index * batch : (index + 1) * batch]
            train_step(data.train.x[taken], y_train[taken], np.array(row, np.float32))
            step += 1
        loss = float(validate())
        if loss < best_loss:
            best, best_loss = model.get_weights(), loss
    model.set_weights(best)


@pytest.mark.parametrize("optimizer", ["sgd_momentum", "nadam"])
@pytest.mark.parametrize(
    ("task", "dropout", "l2", "bn"), [("regression", 0.0, 0.0, False), ("multiclass", 0.2, 0.001, True)]
)
def test_an_explicit_loop_with_a_compiled_step_gives_the_same_bits(
    optimizer: str, task: str, dropout: float, l2: float, bn: bool
) -> None:
    data = bundle(task, 300)
    chosen = recipe(task, optimizer=optimizer, max_epochs=5)
    models = [network(data, units=(32, 24), dropout=dropout, l2=l2, bn=bn) for _ in range(2)]
    train(models[0], data, chosen, seed=7, statistics=statistics(data))
    _explicit(models[1], data, chosen, 7)
    assert weights_of(models[0]) == weights_of(models[1])
