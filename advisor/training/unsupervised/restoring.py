"""Row losses: how far a network is from having restored a row, as the last layer of what is trained without labels.

The network's answer is its own loss, one number a row and never below 0. Training it towards 0 by the mean absolute
error is then the same as training by that loss, and every part of ordinary training serves: range test, schedule,
stopping, checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

PACKAGE = "advisor"


@dataclass(frozen=True)
class LossLayers:
    """The layer classes that compare what was restored with what was there.

    Attributes:
        table_loss: For encoded rows of a table.
        value_loss: For standardized pictures.
    """

    table_loss: Any
    value_loss: Any


@lru_cache(maxsize=1)
def loss_layers() -> LossLayers:
    """Return the layer classes of the program's Keras."""
    import keras
    import numpy as np

    ops, register = keras.ops, keras.saving.register_keras_serializable(package=PACKAGE)

    @register
    class TableLoss(keras.layers.Layer):
        """Mean over the columns: squared error of standardized numbers, cross-entropy of codes.

        The cross-entropy is divided by that of a guess among all codes, so that a column of codes weighs about as much
        as a number, whose guess has the squared error 1. Squared errors above ``limit`` grow linearly (Huber): one
        extreme value must not outweigh a row. A number that is missing isn't asked for.
        """

        def __init__(
            self,
            numbers: Sequence[int],
            mean: Sequence[float],
            factor: Sequence[float],
            codes: Sequence[Sequence[int]],
            limit: float,
            **others: Any,
        ) -> None:
            super().__init__(**others)
            self.numbers, self.mean, self.factor = list(numbers), list(mean), list(factor)
            self.codes, self.limit = [list(each) for each in codes], float(limit)

        def call(self, inputs: Any) -> Any:
            rows, restored = inputs
            total = ops.zeros_like(rows[:, 0])
            place = len(self.numbers)
            if self.numbers:
                values = ops.take(rows, np.asarray(self.numbers, np.int32), axis=1)
                known = ops.logical_not(ops.isnan(values))
                values = ops.where(known, values, np.asarray(self.mean, np.float32))
                wanted = (values - np.asarray(self.mean, np.float32)) * np.asarray(self.factor, np.float32)
                far = ops.abs(restored[:, :place] - wanted)
                limit = np.float32(self.limit)
                lost = ops.where(far <= limit, far * far, limit * (np.float32(2.0) * far - limit))
                total += ops.sum(lost * ops.cast(known, "float32"), axis=1)
            for column, count in self.codes:
                code = ops.cast(ops.clip(ops.nan_to_num(rows[:, column], nan=1.0), 0, count - 1), "int32")
                logits = restored[:, place : place + count]
                lost = keras.losses.sparse_categorical_crossentropy(code, logits, from_logits=True)
                total += lost / np.float32(math.log(max(count, 2)))
                place += count
            return ops.expand_dims(total / np.float32(len(self.numbers) + len(self.codes)), 1)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0][0], 1)

        def get_config(self) -> dict[str, Any]:
            own = {"numbers": self.numbers, "mean": self.mean, "factor": self.factor, "codes": self.codes}
            return {**super().get_config(), **own, "limit": self.limit}

    @register
    class ValueLoss(keras.layers.Layer):
        """Mean squared error over all values of a row."""

        def call(self, inputs: Any) -> Any:
            wanted, restored = (ops.reshape(each, (ops.shape(each)[0], math.prod(each.shape[1:]))) for each in inputs)
            return ops.mean(ops.square(wanted - restored), axis=1, keepdims=True)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0][0], 1)

    return LossLayers(TableLoss, ValueLoss)
