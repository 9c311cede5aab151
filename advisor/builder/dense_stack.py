"""The body of a simple stack of dense layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.builder.namespace import Namespace, Tensor
from advisor.builder.registry import (
    ACTIVATIONS,
    DROPOUTS,
    KERNEL_INITIALIZERS,
    NORMALIZATION_POSITIONS,
    NORMALIZATIONS,
    REGULARIZATIONS,
)

if TYPE_CHECKING:
    from advisor.builder.blueprint import Blueprint


def dense_stack(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    """Append the hidden blocks, each a dense layer with its normalization, activation and dropout.

    The layers of block i are called ``dense_i``, ``normalization_i``, ``activation_i`` and ``dropout_i``, those that
    there are. A dense layer directly before Batch Normalization has no bias: the normalization subtracts it again.
    """
    tensor = inputs
    for index in range(1, blueprint.hidden_layers + 1):
        tensor = _block(keras, tensor, blueprint, index)
    return tensor


def _block(keras: Namespace, tensor: Tensor, blueprint: Blueprint, index: int) -> Tensor:
    name = f"dense_{index}"
    before = blueprint.normalization_position == "before_activation"
    dense = keras.layers.Dense(
        blueprint.units,
        use_bias=not (before and blueprint.normalization == "batch_normalization"),
        kernel_initializer=KERNEL_INITIALIZERS[blueprint.kernel_initializer](keras, blueprint.seed_of(name)),
        kernel_regularizer=REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength),
        name=name,
    )
    normalization = NORMALIZATIONS[blueprint.normalization](
        keras, name=f"normalization_{index}", momentum=blueprint.batch_normalization_momentum
    )
    activation = ACTIVATIONS[blueprint.activation](keras, f"activation_{index}")
    name = f"dropout_{index}"
    dropout = DROPOUTS[blueprint.dropout](keras, rate=blueprint.dropout_rate, seed=blueprint.seed_of(name), name=name)
    ordered = NORMALIZATION_POSITIONS[blueprint.normalization_position](normalization, activation)
    for layer in (dense, *ordered, dropout):
        if layer is not None:
            tensor = layer(tensor)
    return tensor
