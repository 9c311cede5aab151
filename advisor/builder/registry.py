"""Everything that the builder can carry out: slot → value → the function that does it.

Each function takes the Keras to build with first (those of ``target_scaling`` take the targets).
What is not here can't be built, and the builder says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.builder.namespace import Namespace
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


def _l1(keras: Namespace, strength: float) -> Any:
    return keras.regularizers.L1(strength)


def _l2(keras: Namespace, strength: float) -> Any:
    return keras.regularizers.L2(strength)


def _l1_l2(keras: Namespace, strength: float) -> Any:
    return keras.regularizers.L1L2(l1=strength, l2=strength)


def _no_regularizer(keras: Namespace, strength: float) -> None:
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
REGULARIZATIONS: Mapping[str, Part] = {"none": _no_regularizer, "l1": _l1, "l2": _l2, "l1_l2": _l1_l2}
DROPOUTS: Mapping[str, Part] = {"none": _no_layer, "dropout": _dropout, "alpha_dropout": _alpha_dropout}
INPUT_NORMALIZATIONS: Mapping[str, Part] = {"standardize": _standardize}
ARCHITECTURES: Mapping[str, Part] = {"dense_stack": _dense_stack}

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
    "target_scaling": TARGET_SCALINGS,
}
"""Slots whose values are words."""

NUMBERS: Mapping[str, tuple[float, float, bool]] = {
    "hidden_layers": (0, 1000, True),
    "units": (1, 100_000, True),
    "batch_normalization_momentum": (0.0, 1.0, False),
    "categorical_encoding_limit": (0, 100_000, True),
    "embedding_size": (1, 10_000, True),
    "regularization_strengths": (0.0, 1e6, False),
    "dropout_rates": (0.0, 0.95, False),
    "seed": (0, 2**63 - 1, True),
}
"""Slots whose values are numbers: least, greatest, and whether they are whole."""
