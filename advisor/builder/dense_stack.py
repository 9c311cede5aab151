"""The body of a simple stack of dense layers, and the one with a wide path beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    tensor = as_vector(keras, inputs)
    for index in range(1, blueprint.hidden_layers + 1):
        tensor = dense_block(keras, tensor, blueprint, index)
    return tensor


def wide_and_deep(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    """Append a dense stack, and hand the prepared inputs to the output layer beside it.

    Source:
        Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", section 3.
    """
    vector = as_vector(keras, inputs)
    deep = dense_stack(keras, vector, blueprint)
    return keras.layers.Concatenate(name="wide_and_deep")([deep, vector]) if blueprint.wide_path else deep


def as_vector(keras: Namespace, inputs: Tensor) -> Tensor:
    """Return one vector a row: pictures and series are laid out in one line."""
    return inputs if len(inputs.shape) == 2 else keras.layers.Flatten(name="flatten")(inputs)


def dense_block(keras: Namespace, tensor: Tensor, blueprint: Blueprint, index: int) -> Tensor:
    """Append one dense layer with its normalization, activation and dropout."""
    dense = dense_layer(keras, blueprint, index)
    ordered = NORMALIZATION_POSITIONS[blueprint.normalization_position](
        normalization_layer(keras, blueprint, index), activation_layer(keras, blueprint, index)
    )
    for layer in (dense, *ordered, dropout_layer(keras, blueprint, index)):
        if layer is not None:
            tensor = layer(tensor)
    return tensor


def has_bias(blueprint: Blueprint) -> bool:
    """Return whether layers with a kernel have a bias: not where Batch Normalization subtracts it again."""
    return blueprint.normalization != "batch_normalization" or blueprint.normalization_position != "before_activation"


def dense_layer(keras: Namespace, blueprint: Blueprint, index: int) -> Any:
    """Return ``dense_<index>``."""
    name = f"dense_{index}"
    return keras.layers.Dense(
        blueprint.units,
        use_bias=has_bias(blueprint),
        kernel_initializer=KERNEL_INITIALIZERS[blueprint.kernel_initializer](keras, blueprint.seed_of(name)),
        kernel_regularizer=REGULARIZATIONS[blueprint.regularization](
            keras, blueprint.regularization_strength, reads_inputs=index == 1
        ),
        name=name,
    )


def normalization_layer(keras: Namespace, blueprint: Blueprint, index: int) -> Any:
    """Return ``normalization_<index>``, or None without normalization."""
    return NORMALIZATIONS[blueprint.normalization](
        keras, name=f"normalization_{index}", momentum=blueprint.batch_normalization_momentum
    )


def activation_layer(keras: Namespace, blueprint: Blueprint, index: int) -> Any:
    """Return ``activation_<index>``."""
    return ACTIVATIONS[blueprint.activation](keras, f"activation_{index}")


def dropout_layer(keras: Namespace, blueprint: Blueprint, index: int) -> Any:
    """Return ``dropout_<index>``, or None without dropout."""
    name = f"dropout_{index}"
    return DROPOUTS[blueprint.dropout](keras, rate=blueprint.dropout_rate, seed=blueprint.seed_of(name), name=name)
