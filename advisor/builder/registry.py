"""Everything that the builder can carry out: slot → value → the function that does it.

Each function takes the Keras to build with first (those of ``target_scaling`` take the targets).
What is not here can't be built, and the builder says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.builder.namespace import Namespace
from advisor.builder.regularizers import group_l1_class
from advisor.builder.statistics import TARGET_SCALINGS

Part = Callable[..., Any]


def _initializer(name: str) -> Part:
    def make(keras: Namespace, seed: int) -> Any:
        return getattr(keras.initializers, name)(seed=seed)

    return make


def _activation(identifier: str) -> Part:
    def make(keras: Namespace, name: str) -> Any:
        return keras.layers.Activation(identifier, name=name)

    return make


def _no_layer(keras: Namespace, **settings: Any) -> None:
    return None


def _batch_normalization(keras: Namespace, *, name: str, momentum: float) -> Any:
    return keras.layers.BatchNormalization(momentum=momentum, name=name)


def _layer_normalization(keras: Namespace, *, name: str, momentum: float) -> Any:
    return keras.layers.LayerNormalization(name=name)


def _dropout(keras: Namespace, *, rate: float, seed: int, name: str) -> Any:
    return keras.layers.Dropout(rate, seed=seed, name=name)


def _alpha_dropout(keras: Namespace, *, rate: float, seed: int, name: str) -> Any:
    return keras.layers.AlphaDropout(rate, seed=seed, name=name)


def _l1(keras: Namespace, strength: float, *, reads_inputs: bool = False) -> Any:
    return keras.regularizers.L1(strength)


def _l2(keras: Namespace, strength: float, *, reads_inputs: bool = False) -> Any:
    return keras.regularizers.L2(strength)


def _l1_l2(keras: Namespace, strength: float, *, reads_inputs: bool = False) -> Any:
    return keras.regularizers.L1L2(l1=strength, l2=strength)


def _group_l1_on_inputs(keras: Namespace, strength: float, *, reads_inputs: bool = False) -> Any:
    return group_l1_class(keras)(strength) if reads_inputs else None


def _decay_while_training(keras: Namespace, strength: float, *, reads_inputs: bool = False) -> None:
    return None  # weight decay is a part of the optimizer's step: the network has no penalty


def _no_regularizer(keras: Namespace, strength: float, *, reads_inputs: bool = False) -> None:
    return None


def _normalize_before(normalization: Any, activation: Any) -> list[Any]:
    return [normalization, activation]


def _normalize_after(normalization: Any, activation: Any) -> list[Any]:
    return [activation, normalization]


def _standardize(keras: Namespace, **settings: Any) -> Any:
    from advisor.builder.layers import layer_classes

    return layer_classes(keras).standardize(**settings)


def _dense_stack(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    from advisor.builder.dense_stack import dense_stack

    return dense_stack(keras, inputs, blueprint)


def _wide_and_deep(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    from advisor.builder.dense_stack import wide_and_deep

    return wide_and_deep(keras, inputs, blueprint)


def _residual(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    from advisor.builder.residual import residual

    return residual(keras, inputs, blueprint)


def _convolutional(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    from advisor.builder.convolutional import convolutional

    return convolutional(keras, inputs, blueprint)


def _standard_convolution(keras: Namespace, inputs: Any, blueprint: Any, index: int, filters: int) -> Any:
    from advisor.builder.convolutional import standard_convolution

    return standard_convolution(keras, inputs, blueprint, index, filters)


def _separable_convolution(keras: Namespace, inputs: Any, blueprint: Any, index: int, filters: int) -> Any:
    from advisor.builder.convolutional import separable_convolution

    return separable_convolution(keras, inputs, blueprint, index, filters)


def _flatten(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    from advisor.builder.convolutional import flatten

    return flatten(keras, inputs, blueprint)


def _global_average(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    from advisor.builder.convolutional import global_average

    return global_average(keras, inputs, blueprint)


def _light_augmentation(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    from advisor.builder.image_layers import light_augmentation

    return light_augmentation(keras, inputs, blueprint)


def _as_it_is(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    return inputs


def _recurrent(keras: Namespace, inputs: Any, blueprint: Any) -> Any:
    from advisor.builder.recurrent import recurrent

    return recurrent(keras, inputs, blueprint)


def _gru(keras: Namespace, *, units: int, **settings: Any) -> Any:
    return keras.layers.GRU(units, use_cudnn=False, **settings)


def _lstm(keras: Namespace, *, units: int, **settings: Any) -> Any:
    return keras.layers.LSTM(units, use_cudnn=False, **settings)


def _token_votes(keras: Namespace, **settings: Any) -> Any:
    from advisor.builder.recurrent_layers import recurrent_layer_classes

    return recurrent_layer_classes(keras).token_votes(**settings)


KERNEL_INITIALIZERS: Mapping[str, Part] = {
    "he_normal": _initializer("HeNormal"),
    "lecun_normal": _initializer("LecunNormal"),
    "glorot_uniform": _initializer("GlorotUniform"),
}
# Keras's own "leaky_relu" has slope 0.2 on the negative side, which HOML2 ch. 11 reports to work better than 0.01.
ACTIVATIONS: Mapping[str, Part] = {
    name: _activation(name) for name in ("elu", "selu", "relu", "leaky_relu", "tanh", "silu")
}
OUTPUT_ACTIVATIONS: Mapping[str, Part] = {
    name: _activation(name) for name in ("linear", "softplus", "sigmoid", "tanh", "softmax")
}
NORMALIZATIONS: Mapping[str, Part] = {
    "none": _no_layer,
    "batch_normalization": _batch_normalization,
    "layer_normalization": _layer_normalization,
}
NORMALIZATION_POSITIONS: Mapping[str, Part] = {
    "none": _normalize_before,
    "before_activation": _normalize_before,
    "after_activation": _normalize_after,
}
REGULARIZATIONS: Mapping[str, Part] = {
    "none": _no_regularizer,
    "l1": _l1,
    "l2": _l2,
    "l1_l2": _l1_l2,
    "group_l1_on_inputs": _group_l1_on_inputs,
    "weight_decay": _decay_while_training,
}
DROPOUTS: Mapping[str, Part] = {"none": _no_layer, "dropout": _dropout, "alpha_dropout": _alpha_dropout}
INPUT_NORMALIZATIONS: Mapping[str, Part] = {"standardize": _standardize}
ARCHITECTURES: Mapping[str, Part] = {
    "dense_stack": _dense_stack,
    "wide_and_deep": _wide_and_deep,
    "residual": _residual,
    "convolutional": _convolutional,
    "recurrent": _recurrent,
}
TOKEN_VOTES: Mapping[str, Part] = {"none": _no_layer, "naive_bayes": _token_votes}
RECURRENT_CELLS: Mapping[str, Part] = {"gru": _gru, "lstm": _lstm}
CONVOLUTIONS: Mapping[str, Part] = {"standard": _standard_convolution, "separable": _separable_convolution}
POOLINGS: Mapping[str, Part] = {"flatten": _flatten, "global_average": _global_average}
AUGMENTATIONS: Mapping[str, Part] = {"none": _as_it_is, "light": _light_augmentation}

REGISTRY: Mapping[str, Mapping[str, Part]] = {
    "architecture": ARCHITECTURES,
    "kernel_initializer": KERNEL_INITIALIZERS,
    "activation": ACTIVATIONS,
    "normalization": NORMALIZATIONS,
    "normalization_position": NORMALIZATION_POSITIONS,
    "output_activation": OUTPUT_ACTIVATIONS,
    "input_normalization": INPUT_NORMALIZATIONS,
    "regularization": REGULARIZATIONS,
    "dropout": DROPOUTS,
    "convolution": CONVOLUTIONS,
    "pooling": POOLINGS,
    "augmentation": AUGMENTATIONS,
    "recurrent_cell": RECURRENT_CELLS,
    "token_votes": TOKEN_VOTES,
    "target_scaling": TARGET_SCALINGS,
}
"""Slots whose values are words."""

NUMBERS: Mapping[str, tuple[float, float, bool]] = {
    "hidden_layers": (0, 1000, True),
    "units": (1, 100_000, True),
    "batch_normalization_momentum": (0.0, 1.0, False),
    "categorical_encoding_limit": (0, 100_000, True),
    "embedding_size": (1, 10_000, True),
    "filters": (1, 10_000, True),
    "kernel_size": (1, 31, True),
    "recurrent_units": (1, 10_000, True),
    "cross_buckets": (0, 10_000_000, True),
    "augmentation_shift": (0.0, 1.0, False),
    "regularization_strengths": (0.0, 1e6, False),
    "dropout_rates": (0.0, 0.95, False),
    "seed": (0, 2**63 - 1, True),
}
"""Slots whose values are numbers: least, greatest, and whether they are whole."""
