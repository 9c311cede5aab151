"""The body of a dense network whose blocks add to what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.builder.dense_stack import (
    activation_layer,
    as_vector,
    dense_block,
    dense_layer,
    dropout_layer,
    normalization_layer,
)
from advisor.builder.namespace import Namespace, Tensor
from advisor.builder.registry import REGULARIZATIONS

if TYPE_CHECKING:
    from advisor.builder.blueprint import Blueprint

LAYERS_OF_A_BLOCK = 2


def residual(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    """Append blocks of two dense layers with a skip connection around each; an odd last layer is a block of its own.

    The sum comes before the last activation of a block, as in the original. Where the widths differ (around the first
    block), the skip connection is a linear layer ``skip_<block>`` without bias.

    Source:
        He et al. 2016, "Deep Residual Learning for Image Recognition", section 3.
    """
    tensor = as_vector(keras, inputs)
    for block, first in enumerate(range(1, blueprint.hidden_layers + 1, LAYERS_OF_A_BLOCK), start=1):
        last = min(first + LAYERS_OF_A_BLOCK - 1, blueprint.hidden_layers)
        tensor = _block(keras, tensor, blueprint, block, first, last)
    return tensor


def _block(keras: Namespace, inputs: Tensor, blueprint: Blueprint, block: int, first: int, last: int) -> Tensor:
    skip, tensor = inputs, inputs
    for index in range(first, last):
        tensor = dense_block(keras, tensor, blueprint, index)
    if not blueprint.skip_connections:
        return dense_block(keras, tensor, blueprint, last)
    if inputs.shape[-1] != blueprint.units:
        name = f"skip_{block}"
        skip = keras.layers.Dense(
            blueprint.units,
            use_bias=False,
            kernel_initializer=keras.initializers.GlorotUniform(seed=blueprint.seed_of(name)),
            kernel_regularizer=REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength),
            name=name,
        )(inputs)
    add = keras.layers.Add(name=f"add_{block}")
    activation = activation_layer(keras, blueprint, last)
    normalization = normalization_layer(keras, blueprint, last)
    tensor = dense_layer(keras, blueprint, last)(tensor)
    if blueprint.normalization_position == "after_activation":
        tensor = add([normalization(activation(tensor)), skip])
    else:
        tensor = normalization(tensor) if normalization is not None else tensor
        tensor = activation(add([tensor, skip]))
    dropout = dropout_layer(keras, blueprint, last)
    return tensor if dropout is None else dropout(tensor)
