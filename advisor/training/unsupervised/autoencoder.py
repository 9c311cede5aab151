"""A denoising autoencoder around the body of a built network: damage, body, restoring, row loss."""

from __future__ import annotations

import math
from typing import Any

from advisor.artifacts import InputSpec, Statistics
from advisor.errors import Finding, TrainingError
from advisor.training.unsupervised.damage import damage_layers
from advisor.training.unsupervised.restoring import loss_layers
from advisor.training.unsupervised.settings import Settings
from advisor.training.unsupervised.structure import body_end, body_start

CODE = "code"
DECODER_FILTERS = 16
"""Feature maps of the layers that grow a picture from what the body found. They are thrown away afterwards and stay
small, so that the body does the work."""


def autoencoder(core: Any, inputs: InputSpec, statistics: Statistics, settings: Settings, seed: int) -> tuple[Any, Any]:
    """Build the network that is trained to restore damaged rows; it shares the body's layers with ``core``.

    Args:
        core: The recommended network, from encoded rows to answers.
        inputs: What it reads.
        statistics: What its inputs are standardized with.
        settings: Kind and rate of the damage.
        seed: Decides the damage and the first weights of the restoring layers.

    Returns:
        The network from encoded rows to row losses (rows, 1), and the tensor of ``core`` where the body ends.

    Raises:
        TrainingError: If rows of this kind can't be restored.

    Source:
        Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders", section 2.
    """
    build = {"table": _of_tables, "image": _of_pictures}.get(inputs.kind)
    if build is None:
        raise TrainingError(
            Finding("T122", "unsupervised_method", f"{settings.method!r} can't be carried out for {inputs.kind}.")
        )
    end = body_end(core)
    return build(core, end, inputs, statistics, settings, seed), end


def _of_tables(core: Any, end: Any, inputs: InputSpec, statistics: Statistics, settings: Settings, seed: int) -> Any:
    import keras

    numbers = [index for index, column in enumerate(inputs.columns) if column.kind != CODE]
    codes = [[index, column.cardinality] for index, column in enumerate(inputs.columns) if column.kind == CODE]
    features = keras.Input(shape=inputs.shape, name="features", dtype="float32")
    damaged = damage_layers().swap_values(settings.damage_rate, seed, name="damage")(features)
    found = keras.Model(core.inputs[0], end, name="body")(damaged)
    width = len(numbers) + sum(count for _, count in codes)
    restored = _linear(width, seed)(found)
    loss = loss_layers().table_loss(
        numbers=numbers,
        mean=[float(statistics.mean[index]) for index in numbers],
        factor=[float(1.0 / statistics.scale[index]) for index in numbers],
        codes=codes,
        limit=settings.error_limit,
        name="loss",
    )([features, restored])
    return keras.Model(features, loss, name="autoencoder")


def _of_pictures(core: Any, end: Any, inputs: InputSpec, statistics: Statistics, settings: Settings, seed: int) -> Any:
    import keras

    start = body_start(core)
    features = keras.Input(shape=inputs.shape, name="features", dtype="float32")
    whole = keras.Model(core.inputs[0], start, name="prepare")(features)
    damaged = damage_layers().hide_patches(settings.damage_rate, seed, settings.patch_size, name="damage")(whole)
    found = keras.Model(start, end, name="body")(damaged)
    convolutional = any("Conv" in type(layer).__name__ for layer in core.layers)
    if convolutional:
        restored = _grown(found, inputs.shape, seed)
    else:
        flat = _linear(math.prod(inputs.shape), seed)(found)
        restored = keras.layers.Reshape(inputs.shape, name="picture")(flat)
    loss = loss_layers().value_loss(name="loss")([whole, restored])
    return keras.Model(features, loss, name="autoencoder")


def _grown(found: Any, shape: tuple[int, ...], seed: int) -> Any:
    """Append convolutions that double the maps until they are as large as the picture, and cut them to it."""
    import keras

    height, width, channels = shape
    tensor = found
    if len(tensor.shape) == 2:
        side = [math.ceil(each / 4) for each in (height, width)]
        tensor = _linear(math.prod(side) * DECODER_FILTERS, seed, "spread")(tensor)
        tensor = keras.layers.Reshape((*side, DECODER_FILTERS), name="maps")(tensor)
    number = 0
    while tensor.shape[1] < height or tensor.shape[2] < width:
        number += 1
        tensor = keras.layers.UpSampling2D(2, name=f"grow_{number}")(tensor)
        tensor = _convolution(DECODER_FILTERS, seed, f"restore_{number}", "relu")(tensor)
    surplus = ((0, tensor.shape[1] - height), (0, tensor.shape[2] - width))
    if any(after for _, after in surplus):
        tensor = keras.layers.Cropping2D(surplus, name="cut")(tensor)
    return _convolution(channels, seed, "picture", None)(tensor)


def _convolution(filters: int, seed: int, name: str, activation: str | None) -> Any:
    import keras

    kind = keras.initializers.HeNormal if activation else keras.initializers.GlorotUniform
    return keras.layers.Conv2D(
        filters, 3, padding="same", activation=activation, kernel_initializer=kind(seed=seed), name=name
    )


def _linear(units: int, seed: int, name: str = "restored") -> Any:
    import keras

    return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed=seed), name=name)
