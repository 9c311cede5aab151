"""Small data sets and networks for the tests of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from advisor.artifacts import DataBundle, Part, Statistics
from advisor.training import Recipe


def bundle(task: str = "regression", rows: int = 160, *, shape: tuple[int, ...] = (4,), seed: int = 0) -> DataBundle:
    """Return a learnable bundle; every part has its own rows."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, *shape)).astype(np.float32)
    flat = x.reshape(rows, -1)
    signal = np.sin(flat[:, 0]) + flat[:, 1] * flat[:, 2]
    if task == "regression":
        y = (10 + 3 * signal[:, None]).astype(np.float32)
    elif task == "multiclass":
        y = np.digitize(signal, [-0.5, 0.5]).astype(np.int32)
    elif task == "multilabel":
        y = np.stack([signal > 0, flat[:, 3] > 0.5], axis=1).astype(np.float32)
    else:
        y = (signal > 0.8).astype(np.float32)[:, None]
    cuts = (rows // 2, rows * 3 // 4)
    numbers = np.split(np.arange(rows), cuts)
    parts = [Part(x[index], y[index], index) for index in numbers]
    return DataBundle(task, *parts, classes=(), target_names=("y",), sha256=f"{task}-{rows}-{shape}-{seed}")


def statistics(data: DataBundle) -> Statistics | None:
    """Return what standardizing a regression's targets needs."""
    if data.task != "regression":
        return None
    width = data.train.x.shape[1]
    none = np.zeros(width)
    return Statistics(none, none + 1, none > 0, data.train.y.mean(axis=0), data.train.y.std(axis=0))


def network(
    data: DataBundle,
    *,
    units: Sequence[int] = (16, 16),
    dropout: float = 0.0,
    seed: int = 3,
    l2: float = 0.0,
    bn: bool = False,
) -> Any:
    """Return a dense network for the bundle, with its output activation."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    inputs = keras.Input(data.train.x.shape[1:])
    x = layers.Flatten()(inputs) if data.train.x.ndim > 2 else inputs
    for width in units:
        x = layers.Dense(width, kernel_regularizer=keras.regularizers.L2(l2) if l2 else None)(x)
        if bn:
            x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("elu")(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    outputs = int(data.train.y.max()) + 1 if data.task == "multiclass" else data.train.y.shape[1]
    activation = {"regression": None, "multiclass": "softmax"}.get(data.task, "sigmoid")
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(x))


def recipe(task: str = "regression", **changes: Any) -> Recipe:
    """Return a short recipe for the task, with the changes given as fields or slots."""
    loss = {"regression": "mse", "multiclass": "sparse_categorical_crossentropy"}.get(task, "binary_crossentropy")
    values: dict[str, Any] = {
        "task": task,
        "loss": loss,
        "optimizer": "nadam",
        "learning_rate_schedule": "one_cycle",
        "maximum_learning_rate": 0.01,
        "batch_size": 16,
        "max_epochs": 6,
        "early_stopping": "restore_best",
        "range_test_steps": 60,
    }
    return Recipe.from_values({**values, **changes})


def weights_of(model: Any) -> bytes:
    """Return all weights as bytes, for comparing to the last bit."""
    return b"".join(np.asarray(weight).tobytes() for weight in model.get_weights())
