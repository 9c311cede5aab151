"""A network's twin in the legacy Keras, of the layers that TensorFlow's toolkit quantizes.

It is made layer by layer over the network's graph. What only acts in training is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.compression.graph import Graph
from advisor.errors import CompressionError, Finding

Model = Any
Layer = Any

_CONVOLUTION = ("kernel_size", "strides", "padding", "dilation_rate", "use_bias")
_POOLING = ("pool_size", "strides", "padding")
_WITH_KERNEL: Mapping[str, tuple[str, ...]] = {
    "Dense": ("units", "use_bias"),
    "Conv2D": ("filters", "groups", *_CONVOLUTION),
    "DepthwiseConv2D": ("depth_multiplier", *_CONVOLUTION),
    "SeparableConv2D": ("filters", "depth_multiplier", *_CONVOLUTION),
}
_WITHOUT_KERNEL: Mapping[str, tuple[str, ...]] = {
    "MaxPooling2D": _POOLING,
    "AveragePooling2D": _POOLING,
    "GlobalAveragePooling2D": ("keepdims",),
    "Flatten": (),
    "Reshape": ("target_shape",),
    "ZeroPadding2D": ("padding",),
    "Add": (),
    "Concatenate": ("axis",),
}
"""Layers and the settings that their twins share with them."""
_ACTIVATIONS = frozenset({"linear", "relu", "leaky_relu", "sigmoid", "tanh", "softmax"})
"""Activations that the toolkit quantizes; it refuses ELU and SELU."""
_ONLY_IN_TRAINING = frozenset({"Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout2D"})
_OTHERS = frozenset({"InputLayer", "Activation", "ReLU", "LeakyReLU", *_ONLY_IN_TRAINING})
_DEFAULT_SLOPE = 0.2
"""Slope of Keras 3's activation ``leaky_relu``; the layer ``LeakyReLU`` says its own."""


def build_twin(tf_keras: Any, network: Model) -> Model:
    """Build the twin, with the same weights and the same answers.

    Args:
        tf_keras: The legacy Keras.
        network: A functional or sequential model of Keras 3 with one input and one output.

    Returns:
        An uncompiled model.

    Raises:
        CompressionError: If the network has layers that the toolkit can't quantize; all of them are named.
    """
    graph = Graph(network)
    unusable = [why for layer in graph.layers.values() if (why := _unusable(layer))]
    if unusable or not any(graph.weights.values()):
        raise CompressionError(
            Finding(
                "C106",
                "quantization_aware_int8",
                f"the toolkit can't quantize {', '.join(unusable) or 'a network without weights'}.",
                "It quantizes dense layers, convolutions of pictures, their poolings, sums and concatenations, with "
                f"{', '.join(sorted(_ACTIVATIONS - {'linear'}))}.",
            )
        )
    tensors: dict[str, Any] = {}
    merged = _merged(graph)
    for name, layer in graph.layers.items():
        if type(layer).__name__ == "InputLayer":
            first = tensors[name] = tf_keras.Input(layer.output.shape[1:], name="features")
            continue
        sources = [tensors[each] for each in graph.inputs(name)]
        tensor = sources[0] if len(sources) == 1 else sources
        weights = layer.get_weights()
        for made in [] if name in merged.values() else _made(tf_keras, layer, name in merged):
            tensor = made(tensor)
            count = len(made.weights)
            made.set_weights(weights[:count])
            weights = weights[count:]
        tensors[name] = tensor
    return tf_keras.Model(first, tensors[graph.outputs[0]])


def _activation(layer: Layer) -> str:
    own = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return {"ReLU": "relu", "LeakyReLU": "leaky_relu"}.get(type(layer).__name__, own)


def _unusable(layer: Layer) -> str:
    """Say which layer can't be quantized and what it is; empty for one that can."""
    kind, activation, config = type(layer).__name__, _activation(layer), layer.get_config()
    if kind not in _OTHERS and kind not in _WITH_KERNEL and kind not in _WITHOUT_KERNEL:
        return f"{layer.name} ({kind})"
    if config.get("data_format") == "channels_first":
        return f"{layer.name} (channels first)"
    if kind == "ReLU" and (config["max_value"] is not None or config["negative_slope"] or config["threshold"]):
        return f"{layer.name} (a ReLU with a bound or a slope)"
    return "" if activation in _ACTIVATIONS else f"{layer.name} ({activation})"


def _merged(graph: Graph) -> dict[str, str]:
    """Return layers with a kernel → the ReLU behind each that is merged into it.

    The toolkit knows that the runtime merges them. Left a layer of its own, a ReLU makes it forget the kernel before.
    """
    return {
        before: name
        for name, layer in graph.layers.items()
        if type(layer).__name__ in ("Activation", "ReLU")
        and _activation(layer) == "relu"
        and (before := graph.only_input(name)) is not None
        and type(graph.layers[before]).__name__ in _WITH_KERNEL
        and graph.is_linear(before)
        and graph.consumers(before) == [name]
    }


def _made(tf_keras: Any, layer: Layer, relu_follows: bool) -> list[Layer]:
    """Return the layers that one layer becomes, in order; their weights are the layer's, in order too."""
    kind, name, config = type(layer).__name__, layer.name, layer.get_config()
    activation = "relu" if relu_follows else _activation(layer)
    layers, made = tf_keras.layers, []
    if kind in _WITHOUT_KERNEL:
        made.append(getattr(layers, kind)(**{key: config[key] for key in _WITHOUT_KERNEL[kind]}, name=name))
    elif kind in _WITH_KERNEL:
        settings = {key: config[key] for key in _WITH_KERNEL[kind]}
        if kind == "SeparableConv2D":
            filters, use_bias = settings.pop("filters"), settings.pop("use_bias")
            made.append(layers.DepthwiseConv2D(**settings, use_bias=False, name=f"{name}__depthwise"))
            kind, settings = "Conv2D", {"filters": filters, "kernel_size": 1, "use_bias": use_bias}
        inside = activation if activation == "relu" else "linear"
        made.append(getattr(layers, kind)(**settings, activation=inside, name=name))
        activation = "linear" if inside == activation else activation
    called = f"{name}__activation" if made else name
    if activation == "leaky_relu":
        made.append(layers.LeakyReLU(config.get("negative_slope", _DEFAULT_SLOPE), name=called))
    elif activation != "linear":
        made.append(layers.Activation(activation, name=called))
    return made
