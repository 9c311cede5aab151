"""The layers between a picture's values and its first convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.builder.namespace import Namespace, Tensor

if TYPE_CHECKING:
    from advisor.builder.blueprint import Blueprint

PACKAGE = "advisor"
AUGMENTATION = "augmentation"
COLOURS = 3


@dataclass(frozen=True)
class ImageLayerClasses:
    """The layer classes of pictures.

    Attributes:
        standardize_channels: Subtract each channel's mean, and multiply by the inverse of its deviation.
        light_augmentation: In training, shift and mirror pictures a little.
    """

    standardize_channels: Any
    light_augmentation: Any


def light_augmentation(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    """Append random shifts by up to a share of the picture, and mirroring of colour pictures.

    Only colour pictures are mirrored: they are mostly photographs, and a mirrored photograph shows the same thing;
    pictures in grey are often letters, digits and scans, where left and right matter. (A judgement of this project.)
    """
    height, width, channels = inputs.shape[1:]
    return image_layer_classes(keras).light_augmentation(
        shift=[round(side * blueprint.augmentation_shift) for side in (height, width)],
        mirror=channels == COLOURS,
        seed=blueprint.seed_of(AUGMENTATION),
        name=AUGMENTATION,
    )(inputs)


@lru_cache(maxsize=4)
def image_layer_classes(keras: Namespace) -> ImageLayerClasses:
    """Return the layer classes made for a Keras, registered there under the package ``advisor``."""
    register = keras.saving.register_keras_serializable(package=PACKAGE)

    @register
    class StandardizeChannels(keras.layers.Layer):
        """Subtract ``center`` and multiply by ``factor``, channel by channel."""

        def __init__(self, center: Sequence[float], factor: Sequence[float], **others: Any) -> None:
            super().__init__(**others)
            self.center, self.factor = list(center), list(factor)

        def call(self, inputs: Tensor) -> Tensor:
            return (inputs - np.asarray(self.center, np.float32)) * np.asarray(self.factor, np.float32)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "center": self.center, "factor": self.factor}

    @register
    class LightAugmentation(keras.layers.Layer):
        """In training, shift each picture by up to ``shift`` (rows, columns), and mirror half of them.

        What a shift uncovers is filled by repeating the edge. Two products with matrices of zeros and ones do
        all of it, which every compiler knows.
        """

        def __init__(self, shift: Sequence[int], mirror: bool, seed: int, **others: Any) -> None:
            super().__init__(**others)
            self.shift, self.mirror, self.seed = list(shift), bool(mirror), int(seed)
            self.generator = keras.random.SeedGenerator(self.seed)

        def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
            if not training:
                return inputs
            ops = keras.ops
            rows = ops.shape(inputs)[0]
            tensor = inputs
            for axis, (side, most) in enumerate(zip(inputs.shape[1:3], self.shift, strict=True), start=1):
                moved = keras.random.randint((rows, 1), -most, most + 1, seed=self.generator)
                places = ops.clip(ops.arange(side)[None, :] + moved, 0, side - 1)
                if axis == 2 and self.mirror:
                    mirrored = keras.random.randint((rows, 1), 0, 2, seed=self.generator)
                    places = ops.where(mirrored == 1, side - 1 - places, places)
                chosen = ops.one_hot(places, side, dtype=inputs.dtype)
                tensor = ops.einsum("nij,njwc->niwc" if axis == 1 else "nij,nhjc->nhic", chosen, tensor)
            return tensor

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def get_config(self) -> dict[str, Any]:
            own = {"shift": self.shift, "mirror": self.mirror, "seed": self.seed}
            return {**super().get_config(), **own}

    return ImageLayerClasses(StandardizeChannels, LightAugmentation)
