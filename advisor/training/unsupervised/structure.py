"""Where the body of a built network begins and ends, found by the names that the builder gives."""

from __future__ import annotations

from typing import Any

OUTPUT = "output"
PREPARED = ("standardized", "standardized_steps", "embedded_tokens")
"""Last layer of the preparation: of pictures, series, texts."""
EMBEDDINGS = "embeddings"
RECURRENT = "recurrent_1"
BESIDE = ("wide_and_deep", "wide_and_recurrent")
"""Layers that put a body and a path beside it together, the body first."""
AVERAGE = "global_average"


def body_end(core: Any) -> Any:
    """Return the tensor at the end of the body: what the output layer reads, without a wide path.

    The wide path hands damaged inputs straight on; what could be copied from there, the body wouldn't learn.
    Where the body ends with the mean of feature maps, its end is the maps: the mean doesn't know places any more.
    """
    layers = {layer.name: layer for layer in core.layers}
    if AVERAGE in layers:
        return layers[AVERAGE].input
    beside = next((layers[name] for name in BESIDE if name in layers), None)
    return layers[OUTPUT].input if beside is None else beside.input[0]


def body_start(core: Any) -> Any:
    """Return the tensor at the beginning of the body, for pictures, series and texts."""
    layers = {layer.name: layer for layer in core.layers}
    return next(layers[name].output for name in PREPARED if name in layers)


def body_layers(core: Any, upto: Any) -> list[Any]:
    """Return the layers with weights that a tensor is computed by, in order from the input."""
    import keras

    trunk = keras.Model(core.inputs[0], upto)
    within = {layer.name for layer in trunk.layers}
    return [layer for layer in core.layers if layer.name in within and layer.weights]


def holds_kernel(layer: Any) -> bool:
    """Tell whether a layer multiplies its input by a kernel."""
    return any("kernel" in str(weight.path).rsplit("/", 1)[-1] for weight in layer.weights)
