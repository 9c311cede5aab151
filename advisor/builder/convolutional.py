"""The body of a convolutional network, over pictures (two dimensions) or series (one)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.builder.dense_stack import (
    activation_layer,
    as_vector,
    dense_block,
    dropout_layer,
    has_bias,
    normalization_layer,
)
from advisor.builder.namespace import Namespace, Tensor
from advisor.builder.registry import (
    CONVOLUTIONS,
    KERNEL_INITIALIZERS,
    NORMALIZATION_POSITIONS,
    POOLINGS,
    REGULARIZATIONS,
)
from advisor.errors import BuildError, Finding

if TYPE_CHECKING:
    from advisor.builder.blueprint import Blueprint

LAYERS_OF_A_STAGE = 2
"""Convolution layers at each resolution."""


def convolutional(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    """Append convolution layers, two at each resolution, and hand the last feature maps over as a vector.

    Between two resolutions the maps are halved by max pooling and the filters are doubled; maps that are less than two
    wide aren't halved any more. The layers of block i are called ``convolution_i`` (a separable one has
    ``depthwise_i`` before it), ``normalization_i`` and ``activation_i``. Dropout stands before the output only:
    neighbouring values of a map are so alike that dropping some of them hides nothing.

    Raises:
        BuildError: If the rows are no pictures and no series.
    """
    rank = len(inputs.shape) - 2
    if rank not in (1, 2):
        raise BuildError(
            Finding(
                "B102",
                "architecture",
                "convolutions need rows with a place for each value: pictures or series.",
                "Take dense_stack, wide_and_deep or residual for a table.",
            )
        )
    tensor = inputs
    last = blueprint.hidden_layers
    for index in range(1, last + 1):
        stage, within = divmod(index - 1, LAYERS_OF_A_STAGE)
        # A separable convolution saves nothing on the one or three channels of a picture.
        kind = "standard" if index == 1 else blueprint.convolution
        tensor = CONVOLUTIONS[kind](keras, tensor, blueprint, index, blueprint.filters << stage)
        ordered = NORMALIZATION_POSITIONS[blueprint.normalization_position](
            normalization_layer(keras, blueprint, index), activation_layer(keras, blueprint, index)
        )
        for layer in ordered:
            if layer is not None:
                tensor = layer(tensor)
        ends_a_stage = within == LAYERS_OF_A_STAGE - 1 or index == last
        if ends_a_stage and (index < last or blueprint.pooling == "flatten") and min(tensor.shape[1:-1]) > 1:
            tensor = _layer(keras, "MaxPooling", rank)(2, name=f"pool_{stage + 1}")(tensor)
    return POOLINGS[blueprint.pooling](keras, tensor, blueprint)


def standard_convolution(keras: Namespace, inputs: Tensor, blueprint: Blueprint, index: int, filters: int) -> Tensor:
    """Append ``convolution_<index>``, whose output is as large as its input."""
    return _convolution(keras, inputs, blueprint, index, filters, blueprint.kernel_size)


def separable_convolution(keras: Namespace, inputs: Tensor, blueprint: Blueprint, index: int, filters: int) -> Tensor:
    """Append a convolution of each channel by itself, ``depthwise_<index>``, and one that mixes the channels.

    Source:
        Howard et al. 2017, "MobileNets", section 3.1.
    """
    name = f"depthwise_{index}"
    depthwise = _layer(keras, "DepthwiseConv", len(inputs.shape) - 2)(
        blueprint.kernel_size,
        padding="same",
        use_bias=False,
        depthwise_initializer=KERNEL_INITIALIZERS[blueprint.kernel_initializer](keras, blueprint.seed_of(name)),
        depthwise_regularizer=REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength),
        name=name,
    )
    return _convolution(keras, depthwise(inputs), blueprint, index, filters, 1)


def _convolution(
    keras: Namespace, inputs: Tensor, blueprint: Blueprint, index: int, filters: int, window: int
) -> Tensor:
    name = f"convolution_{index}"
    return _layer(keras, "Conv", len(inputs.shape) - 2)(
        filters,
        window,
        padding="same",
        use_bias=has_bias(blueprint),
        kernel_initializer=KERNEL_INITIALIZERS[blueprint.kernel_initializer](keras, blueprint.seed_of(name)),
        kernel_regularizer=REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength),
        name=name,
    )(inputs)


def flatten(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    """Append one dense block that reads every place of the feature maps."""
    return dense_block(keras, as_vector(keras, inputs), blueprint, blueprint.hidden_layers + 1)


def global_average(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    """Append the mean of each feature map, and dropout where there is some."""
    tensor = _layer(keras, "GlobalAveragePooling", len(inputs.shape) - 2)(name="global_average")(inputs)
    dropout = dropout_layer(keras, blueprint, blueprint.hidden_layers + 1)
    return tensor if dropout is None else dropout(tensor)


def _layer(keras: Namespace, name: str, rank: int) -> Any:
    return getattr(keras.layers, f"{name}{rank}D")
