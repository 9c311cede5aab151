"""Layers for rows of steps, some of which may be padding: what is there, what was read, and its summary.

A prepared row is (steps, values + 1): the last number of a step is 1 where the step exists and 0 where it is padding.
The mask is thus ordinary arithmetic, which every runtime has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from advisor.builder.namespace import Namespace, Tensor

PACKAGE = "advisor"
FAR_BELOW = 1e4
"""Its negative is what padding steps count as when a maximum is taken; every state lies far above."""


@dataclass(frozen=True)
class RecurrentLayerClasses:
    """The layer classes of one Keras.

    Attributes:
        step_values: The numbers of each step, without the flag.
        step_flags: Whether each step exists, as booleans.
        pool_steps: Largest and mean value over the steps that exist.
        mean_step: Sum over the steps that exist, divided by the root of their number.
        standardize_steps: Missing values filled, channels standardized, padding flagged.
        token_embeddings: Codes of tokens looked up in trained tables, padding flagged.
        token_votes: What each token adds to the outputs by itself, summed over the text.
        windows: Each channel of a window by itself, without its level, cut into segments.
        forecasts: Answers for each channel put together, with the level put back.
    """

    step_values: Any
    step_flags: Any
    pool_steps: Any
    mean_step: Any
    standardize_steps: Any
    token_embeddings: Any
    token_votes: Any
    windows: Any
    forecasts: Any


def _constant(numbers: Sequence[float]) -> Any:
    return np.asarray(numbers, dtype=np.float32)


@lru_cache(maxsize=2)
def recurrent_layer_classes(namespace: Namespace) -> RecurrentLayerClasses:
    """Return the layer classes made for a Keras, registered there under the package ``advisor``."""
    ops = namespace.ops
    register = namespace.saving.register_keras_serializable(package=PACKAGE)
    base: Any = namespace.layers.Layer

    @register
    class StepValues(base):
        """The numbers of each step, without the flag."""

        def call(self, inputs: Tensor) -> Tensor:
            return inputs[:, :, :-1]

    @register
    class StepFlags(base):
        """Whether each step exists, as booleans."""

        def call(self, inputs: Tensor) -> Tensor:
            return inputs[:, :, -1] > 0.5

        def compute_output_spec(self, inputs: Tensor) -> Any:
            return namespace.KerasTensor(inputs.shape[:2], dtype="bool")

    @register
    class PoolSteps(base):
        """Largest and mean state over the steps that exist, side by side; takes states and the prepared row.

        No state may be as low as ``-bound``, which is what a padding step counts as; both are 0 where no step exists.
        """

        def __init__(self, bound: float = FAR_BELOW, **others: Any) -> None:
            super().__init__(**others)
            self.bound = float(bound)
            self.supports_masking = True

        def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
            return None

        def call(self, inputs: Sequence[Tensor]) -> Tensor:
            states, flags = inputs[0], inputs[1][:, :, -1:]
            there = states * flags
            largest = ops.max(there - self.bound * (1.0 - flags), axis=1)
            largest = largest + self.bound * (1.0 - ops.max(flags, axis=1))
            count = ops.maximum(ops.sum(flags, axis=1), 1.0)
            return ops.concatenate([largest, ops.sum(there, axis=1) / count], axis=1)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0][0], 2 * input_shape[0][2])

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "bound": self.bound}

    @register
    class MeanStep(base):
        """Sum over the steps that exist, divided by the root of their number.

        The sum of n independent numbers is about root n times as large as one of them, so that the size of the answer
        doesn't depend on the number of steps.
        """

        def call(self, inputs: Tensor) -> Tensor:
            flags = inputs[:, :, -1:]
            count = ops.maximum(ops.sum(flags, axis=1), 1.0)
            return ops.sum(inputs[:, :, :-1] * flags, axis=1) / ops.sqrt(count)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0], input_shape[2] - 1)

    @register
    class StandardizeSteps(base):
        """Standardize the channels of series; a step whose values are all NaN is padding.

        A single missing value is filled by the mean of its channel, which is 0 after standardization.
        """

        def __init__(self, center: Sequence[float], factor: Sequence[float], **others: Any) -> None:
            super().__init__(**others)
            self.center, self.factor = list(center), list(factor)

        def call(self, inputs: Tensor) -> Tensor:
            # The converter to ONNX keeps a choice free of NaN only where it hangs directly on this question.
            missing = ops.isnan(inputs)
            flags = ops.max(ops.cast(ops.logical_not(missing), "float32"), axis=2, keepdims=True)
            values = ops.where(missing, _constant(self.center), inputs)
            return ops.concatenate([(values - _constant(self.center)) * _constant(self.factor), flags], axis=2)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (*input_shape[:2], input_shape[2] + 1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "center": self.center, "factor": self.factor}

    @register
    class TokenEmbeddings(base):
        """Codes (rows, steps, kinds of token), each kind looked up in a table of its own; padding has code 0.

        A code that is none counts as unknown.
        """

        def __init__(self, codes: Sequence[int], size: int, seeds: Sequence[int], **others: Any) -> None:
            super().__init__(**others)
            self.codes, self.size, self.seeds = list(codes), int(size), list(seeds)

        def build(self, input_shape: Any) -> None:
            self.tables = [
                self.add_weight(
                    name=f"table_{index}",
                    shape=(codes, self.size),
                    initializer=namespace.initializers.RandomUniform(-0.25, 0.25, seed=seed),
                )
                for index, (codes, seed) in enumerate(zip(self.codes, self.seeds, strict=True))
            ]
            super().build(input_shape)

        def call(self, inputs: Tensor) -> Tensor:
            import tensorflow as tf

            flags = ops.cast(inputs[:, :, :1] > 0.5, "float32")
            limits = _constant(self.codes)
            known = ops.where(ops.logical_and(inputs >= 0.0, inputs < limits), inputs, np.float32(1))
            codes = ops.cast(known, "int32")
            found = [tf.gather(table, codes[:, :, index]) for index, table in enumerate(self.tables)]
            return ops.concatenate([*(each * flags for each in found), flags], axis=2)

        def compute_output_spec(self, inputs: Tensor) -> Any:
            return namespace.KerasTensor((*inputs.shape[:2], len(self.codes) * self.size + 1), dtype="float32")

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "codes": self.codes, "size": self.size, "seeds": self.seeds}

    @register
    class TokenVotes(base):
        """Codes (rows, steps, kinds of token) to the sum of what each token adds to the outputs, (rows, outputs).

        A code that is none counts as unknown; padding adds nothing.
        """

        def __init__(self, codes: Sequence[int], outputs: int, **others: Any) -> None:
            super().__init__(**others)
            self.codes, self.outputs = list(codes), int(outputs)

        def build(self, input_shape: Any) -> None:
            self.tables = [
                self.add_weight(name=f"table_{index}", shape=(codes, self.outputs), initializer="zeros")
                for index, codes in enumerate(self.codes)
            ]
            super().build(input_shape)

        def call(self, inputs: Tensor) -> Tensor:
            import tensorflow as tf

            flags = ops.cast(inputs[:, :, :1] > 0.5, "float32")
            limits = _constant(self.codes)
            known = ops.where(ops.logical_and(inputs >= 0.0, inputs < limits), inputs, np.float32(1))
            codes = ops.cast(known, "int32")
            votes = sum(tf.gather(table, codes[:, :, index]) for index, table in enumerate(self.tables))
            return ops.sum(votes * flags, axis=1)

        def compute_output_spec(self, inputs: Tensor) -> Any:
            return namespace.KerasTensor((inputs.shape[0], self.outputs), dtype="float32")

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "codes": self.codes, "outputs": self.outputs}

    @register
    class Windows(base):
        """Windows (rows, steps, channels) to (rows · channels, segments, steps of a segment).

        Each channel is standardized, and its last value, its level, is subtracted.
        """

        def __init__(self, factor: Sequence[float], segment: int, **others: Any) -> None:
            super().__init__(**others)
            self.factor, self.segment = list(factor), int(segment)

        def call(self, inputs: Tensor) -> Tensor:
            steps = inputs.shape[1]
            change = (inputs - inputs[:, -1:, :]) * _constant(self.factor)
            return ops.reshape(ops.transpose(change, (0, 2, 1)), (-1, steps // self.segment, self.segment))

        def compute_output_spec(self, inputs: Tensor) -> Any:
            shape = (None, inputs.shape[1] // self.segment, self.segment)
            return namespace.KerasTensor(shape, dtype="float32")

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor, "segment": self.segment}

    @register
    class Forecasts(base):
        """Changes (rows · channels, horizon) and windows to forecasts (rows, horizon · answered channels).

        The changes count from each channel's last value; ``scale`` and ``shift`` are the units of training.
        """

        def __init__(
            self,
            channels: Sequence[int],
            spread: Sequence[float],
            shift: Sequence[float],
            scale: Sequence[float],
            **others: Any,
        ) -> None:
            super().__init__(**others)
            self.channels, self.spread = list(channels), list(spread)
            self.shift, self.scale = list(shift), list(scale)

        def call(self, inputs: Sequence[Tensor]) -> Tensor:
            changes, windows = inputs
            count, horizon = windows.shape[2], changes.shape[-1]
            table = ops.transpose(ops.reshape(changes, (-1, count, horizon)), (0, 2, 1))
            values = table * _constant(self.spread) + windows[:, -1:, :]
            if self.channels != list(range(count)):
                values = ops.concatenate([values[:, :, index : index + 1] for index in self.channels], axis=2)
            values = ops.reshape(values, (-1, horizon * len(self.channels)))
            return (values - _constant(self.shift)) * _constant([1.0 / each for each in self.scale])

        def compute_output_spec(self, inputs: Sequence[Tensor]) -> Any:
            shape = (inputs[1].shape[0], inputs[0].shape[-1] * len(self.channels))
            return namespace.KerasTensor(shape, dtype="float32")

        def get_config(self) -> dict[str, Any]:
            own = {"channels": self.channels, "spread": self.spread, "shift": self.shift, "scale": self.scale}
            return {**super().get_config(), **own}

    return RecurrentLayerClasses(
        StepValues, StepFlags, PoolSteps, MeanStep, StandardizeSteps, TokenEmbeddings, TokenVotes, Windows, Forecasts
    )
