"""Losses and validation metrics: row by row, from the model's output (after its output activation)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.training.recipe import Recipe

Loss = Callable[[Any, Any, Recipe], Any]


def _mse(y: Any, output: Any, recipe: Recipe) -> Any:
    import keras

    return keras.losses.mean_squared_error(y, output)


def _mae(y: Any, output: Any, recipe: Recipe) -> Any:
    import keras

    return keras.losses.mean_absolute_error(y, output)


def _huber(y: Any, output: Any, recipe: Recipe) -> Any:
    import keras

    return keras.losses.huber(y, output, delta=recipe.huber_delta)


def _binary(y: Any, output: Any, recipe: Recipe) -> Any:
    import keras

    return keras.losses.binary_crossentropy(y, output)


def _multiclass(y: Any, output: Any, recipe: Recipe) -> Any:
    import keras

    return keras.losses.sparse_categorical_crossentropy(y, output)


# Inside a graph Keras finds the sigmoid or softmax behind the output and takes the cross-entropy of its logits.
LOSSES: dict[str, Loss] = {
    "mse": _mse,
    "huber": _huber,
    "mae": _mae,
    "binary_crossentropy": _binary,
    "sparse_categorical_crossentropy": _multiclass,
}


def row_scores(y: Any, output: Any, task: str, scale: Any = 1.0) -> Any:
    """Return one number a row whose mean is the accuracy (classification) or the mean squared error (regression).

    Args:
        y: Encoded targets.
        output: The model's output.
        task: The problem's task.
        scale: What one unit of a standardized target is in the user's units; a number or (outputs,).

    Returns:
        float32 (rows,). Multilabel: the share of right labels of the row.
    """
    import tensorflow as tf

    if task == "multiclass":
        return tf.cast(tf.equal(tf.argmax(output, axis=-1, output_type=y.dtype), y), tf.float32)
    if task in ("binary", "multilabel"):
        right = tf.equal(tf.cast(output > 0.5, y.dtype), y)
        return tf.reduce_mean(tf.cast(right, tf.float32), axis=tuple(range(1, right.shape.rank)))
    return tf.reduce_mean(tf.square((output - y) * scale), axis=tuple(range(1, output.shape.rank)))


def class_weights(y: Array, task: str) -> Array | None:
    """Return the weight of each class that gives every class the same say, or None when there are no classes.

    Args:
        y: Encoded training targets.
        task: The problem's task.

    Returns:
        Multiclass: float32 (classes,). Binary and multilabel: float32 (labels, 2), for 0 and 1. A class weighs
        rows / (classes times its rows), so that the training rows weigh 1 on average; a class without rows weighs 0.
    """
    if task == "multiclass":
        counts = np.bincount(y)
        present = max(int((counts > 0).sum()), 1)
        return np.where(counts > 0, len(y) / (present * np.maximum(counts, 1)), 0.0).astype(np.float32)
    if task in ("binary", "multilabel"):
        ones = y.sum(axis=0, dtype=np.float64)
        counts = np.stack([len(y) - ones, ones], axis=1)
        present = np.maximum((counts > 0).sum(axis=1, keepdims=True), 1)
        return np.where(counts > 0, len(y) / (present * np.maximum(counts, 1)), 0.0).astype(np.float32)
    return None


def row_weights(y: Array, weights: Array, task: str) -> Array:
    """Return the weight of every row: its class's, or the mean over its labels (multilabel); float32 (rows,)."""
    if task == "multiclass":
        chosen: Array = weights[np.minimum(y, len(weights) - 1)]
        return chosen
    of_label: Array = np.where(y > 0.5, weights[:, 1], weights[:, 0])
    mean: Array = of_label.mean(axis=1, dtype=np.float64).astype(np.float32)
    return mean
