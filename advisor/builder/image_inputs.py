"""Pictures: statistics of each channel; variation in training and standardization as the first layers."""

from __future__ import annotations

import numpy as np

from advisor.artifacts import Array, InputSpec, Statistics
from advisor.builder.blueprint import Blueprint
from advisor.builder.image_layers import image_layer_classes
from advisor.builder.kinds import Prepare
from advisor.builder.namespace import Model, Namespace, Tensor, floats, program_keras
from advisor.builder.registry import AUGMENTATIONS
from advisor.builder.serving import CORE, Serving
from advisor.builder.spread import spread
from advisor.errors import BuildError, Finding

IMAGE = "image"
STANDARDIZED = "standardized"


def fit_inputs(x_train: Array, spec: InputSpec) -> tuple[Array, Array, Array]:
    """Learn mean and deviation of each channel, in float64.

    Raises:
        BuildError: If there are no pictures, their shape differs, or a value is not finite.
    """
    if x_train.shape[1:] != spec.shape or not len(x_train):
        raise BuildError(
            Finding("B105", "", f"the training pictures have shape {x_train.shape}, wanted (rows, {spec.shape}).")
        )
    if not np.isfinite(x_train).all():
        raise BuildError(
            Finding("B108", IMAGE, "values that aren't finite can't be standardized.", "Replace them in the pictures.")
        )
    channels = [x_train[..., index].astype(np.float64) for index in range(spec.shape[-1])]
    mean = np.array([channel.mean() for channel in channels])
    return mean, np.array([spread(channel) for channel in channels]), np.zeros(len(channels), dtype=bool)


def draw_up_preparation(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Prepare:
    """Return the function that appends variation (in training) and standardization.

    Raises:
        BuildError: If the statistics are of other pictures.
    """
    if len(statistics.mean) != spec.shape[-1]:
        raise BuildError(
            Finding(
                "B105",
                "",
                f"the statistics describe {len(statistics.mean)} channels, the pictures have {spec.shape[-1]}.",
                "Fit the statistics on the same pictures.",
            )
        )

    def prepare(keras: Namespace, features: Tensor) -> Tensor:
        varied = AUGMENTATIONS[blueprint.augmentation](keras, features, blueprint)
        return image_layer_classes(keras).standardize_channels(
            center=floats(statistics.mean), factor=floats(1.0 / statistics.scale), name=STANDARDIZED
        )(varied)

    return prepare


def build_serving(core: Model, spec: InputSpec) -> Serving:
    """Put a model with the input ``image`` around the core: values as in the picture, float32 (rows, height, …)."""
    keras = program_keras()
    image = keras.Input(shape=spec.shape, name=IMAGE, dtype="float32")
    inner = keras.Model(core.inputs[0], core.outputs[0], name=CORE)
    return Serving(keras.Model({IMAGE: image}, inner(image), name="serving"), {IMAGE: IMAGE}, {IMAGE: "float32"})
