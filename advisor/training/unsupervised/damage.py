"""Layers that damage rows, so that a network can learn to restore them: values of other rows, hidden patches and steps.

They damage in training and in validation alike: to restore what is whole says nothing. In validation the damage is the
same each time, so that epochs can be compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

PACKAGE = "advisor"
MASKS = 1024
"""Masks of patches, drawn once; each row of each step takes one. Drawing a number for each value would take longer than
the training step (measured: 5.8 s instead of 0.7 s an epoch of 17,500 pictures of 784 values)."""


@dataclass(frozen=True)
class DamageLayers:
    """The layer classes that damage rows.

    Attributes:
        swap_values: Values of a table's rows replaced by those of other rows.
        hide_patches: Square patches of pictures hidden.
        hide_steps: Whole steps of series hidden.
    """

    swap_values: Any
    hide_patches: Any
    hide_steps: Any


@lru_cache(maxsize=1)
def damage_layers() -> DamageLayers:
    """Return the layer classes of the program's Keras."""
    import keras
    import numpy as np

    ops, register = keras.ops, keras.saving.register_keras_serializable(package=PACKAGE)

    class Damage(keras.layers.Layer):
        """What all kinds of damage share: their rate, and chances that are the same in every validation."""

        def __init__(self, rate: float, seed: int, **others: Any) -> None:
            super().__init__(**others)
            self.rate, self.seed = float(rate), int(seed)
            self.generator = keras.random.SeedGenerator(self.seed)

        def chances(self, shape: Any, training: bool | None) -> Any:
            """Return numbers between 0 and 1, new ones at each step of training."""
            return keras.random.uniform(shape, seed=self.generator if training else self.seed)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "rate": self.rate, "seed": self.seed}

    @register
    class SwapValues(Damage):
        """Replace each value, at the given rate, by that of the same column in another row of the batch.

        Every column keeps its own distribution (numbers stay standardized, codes stay codes, missing stays missing),
        so that a network that normalizes itself is given what it was derived for.
        """

        def call(self, inputs: Any, training: bool | None = None) -> Any:
            rows, width = ops.shape(inputs)[0], inputs.shape[1]
            chances = self.chances((2, rows, width), training)
            count = ops.cast(rows, "float32")
            shift = ops.cast(ops.floor(chances[0] * count), "int32")
            source = ops.mod(ops.arange(rows, dtype="int32")[:, None] + shift, ops.cast(rows, "int32"))
            others = ops.take_along_axis(inputs, source, axis=0)
            return ops.where(chances[1] < np.float32(self.rate), others, inputs)

    @register
    class HidePatches(Damage):
        """Put 0, the mean of standardized pictures, into square patches, each hidden at the given rate."""

        def __init__(self, rate: float, seed: int, patch: int, **others: Any) -> None:
            super().__init__(rate, seed, **others)
            self.patch = int(patch)

        def call(self, inputs: Any, training: bool | None = None) -> Any:
            rows, (height, width) = ops.shape(inputs)[0], inputs.shape[1:3]
            chosen = ops.cast(ops.floor(self.chances((rows,), training) * np.float32(MASKS)), "int32")
            kept = ops.take(self._masks(math.ceil(height / self.patch), math.ceil(width / self.patch)), chosen, axis=0)
            kept = ops.repeat(ops.repeat(kept, self.patch, axis=1), self.patch, axis=2)
            return inputs * ops.cast(kept[:, :height, :width], inputs.dtype)

        def _masks(self, height: int, width: int) -> Any:
            drawn = np.random.default_rng(self.seed).random((MASKS, height, width, 1))
            return (drawn >= self.rate).astype(np.float32)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "patch": self.patch}

    @register
    class HideSteps(Damage):
        """Put 0 into whole steps of prepared series, each at the given rate; the flag, their last number, stays."""

        def call(self, inputs: Any, training: bool | None = None) -> Any:
            kept = self.chances((ops.shape(inputs)[0], inputs.shape[1], 1), training) >= np.float32(self.rate)
            return ops.concatenate([inputs[:, :, :-1] * ops.cast(kept, inputs.dtype), inputs[:, :, -1:]], axis=2)

    return DamageLayers(SwapValues, HidePatches, HideSteps)
