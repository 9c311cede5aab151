"""Cuts a functional Keras model before its first dropout layer and hands it its masks from outside.

Only dropout layers become random. Everything else is called as in prediction, so Batch Normalization keeps to its
learned statistics and no weight or state changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from advisor.artifacts import Mask, SamplingParts
from advisor.errors import BuildError, Finding

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
_MASKED = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout")


def random_layers(model: Any) -> tuple[str, ...]:
    """Return the names of the layers that are random in training, from the inputs on.

    Args:
        model: A functional Keras model.
    """
    return tuple(node.operation.name for node in _nodes(_flat(model)) if _is_random(node.operation))


def sampling_parts(model: Any, *, last_only: bool = False) -> SamplingParts:
    """Cut a model into what is the same for every sample and what is random.

    Args:
        model: A functional Keras model with one output; nested models are looked into.
        last_only: Make only the last dropout layer random: cheaper, and blind to what the lower layers don't know.

    Returns:
        The two parts; they share every weight with the model.

    Raises:
        BuildError: If no layer is random, or the answer doesn't depend on one.
    """
    import keras

    whole = _flat(model)
    names = [node.operation.name for node in _nodes(whole) if _is_random(node.operation)]
    if not names:
        raise _no_dropout()
    chosen = set(names[-1:] if last_only else names)
    touched: set[int] = set()
    random_nodes = []
    for node in _nodes(whole):
        if node.operation.name in chosen or any(id(tensor) in touched for tensor in node.input_tensors):
            random_nodes.append(node)
            touched.update(id(tensor) for tensor in node.output_tensors)
    if id(whole.outputs[0]) not in touched:
        raise _no_dropout()
    shared: dict[int, Any] = {}
    for node in random_nodes:
        for tensor in node.input_tensors:
            if id(tensor) not in touched:
                shared.setdefault(id(tensor), tensor)
    values = {
        key: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=f"shared_{number}")
        for number, (key, tensor) in enumerate(shared.items())
    }
    inputs = list(values.values())
    masks: list[Mask] = []
    draws_inside = False
    for node in random_nodes:
        operation = node.operation
        args, kwargs = node.arguments.fill_in(values)
        if operation.name in chosen and type(operation).__name__ in _MASKED:
            mask = Mask(f"mask_{len(masks)}", _mask_shape(operation, args[0]), float(operation.rate))
            given = keras.Input(mask.shape, name=mask.name)
            masks.append(mask)
            inputs.append(given)
            outputs = _masked(operation, args[0], given)
        elif operation.name in chosen:
            draws_inside = True
            outputs = operation(*args, **{**kwargs, "training": True})
        else:
            outputs = operation(*args, **_as_in_prediction(operation, kwargs))
        results = outputs if isinstance(outputs, list | tuple) else [outputs]
        values.update(zip(map(id, node.output_tensors), results, strict=True))
    prefix = keras.Model(whole.inputs, list(shared.values()), name="prefix")
    suffix = keras.Model(inputs, values[id(whole.outputs[0])], name="suffix")
    return SamplingParts(prefix, suffix, tuple(masks), draws_inside, tuple(n for n in names if n in chosen))


def _no_dropout() -> BuildError:
    return BuildError(
        Finding(
            "U101",
            "",
            "the network has no dropout layer with a rate above 0, so there is nothing to sample.",
            "Train with risk_sensitive: true (or latency_importance: low), which puts dropout into the network.",
        )
    )


def _nodes(model: Any) -> Iterator[Any]:
    """Yield the calls of a functional model, inputs first."""
    # Keras offers no public way to walk through a model's graph; this is the one place that does.
    by_depth = model._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if not node.is_input:
                yield node


def _flat(model: Any) -> Any:
    """Return the model itself, or one without nested models when a nested one is random."""
    import keras

    if not any(_is_nested(node.operation) for node in _nodes(model)):
        return model
    return keras.Model(model.inputs, _unfold(model, list(model.inputs)), name=f"{model.name}_flat")


def _unfold(model: Any, inputs: list[Any]) -> Any:
    values = dict(zip(map(id, model.inputs), inputs, strict=True))
    for node in _nodes(model):
        args, kwargs = node.arguments.fill_in(values)
        if _is_nested(node.operation):
            given = args[0] if isinstance(args[0], list | tuple) else [args[0]]
            outputs = _unfold(node.operation, list(given))
        else:
            outputs = node.operation(*args, **kwargs)
        results = outputs if isinstance(outputs, list | tuple) else [outputs]
        values.update(zip(map(id, node.output_tensors), results, strict=True))
    results = [values[id(tensor)] for tensor in model.outputs]
    return results if len(results) > 1 else results[0]


def _is_nested(operation: Any) -> bool:
    return hasattr(operation, "_nodes_by_depth") and bool(random_layers(operation))


def _is_random(operation: Any) -> bool:
    if type(operation).__name__ in _MASKED:
        return float(operation.rate) > 0
    layers = [operation, getattr(operation, "forward_layer", None), getattr(operation, "backward_layer", None)]
    cells = [getattr(layer, "cell", None) for layer in layers if layer is not None]
    cells += [inner for cell in cells for inner in getattr(cell, "cells", ())]
    return any(
        float(getattr(cell, "dropout", 0) or 0) > 0 or float(getattr(cell, "recurrent_dropout", 0) or 0) > 0
        for cell in cells
    )


def _as_in_prediction(operation: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with training switched off, where the call names it."""
    return {**kwargs, "training": False} if "training" in kwargs else kwargs


def _mask_shape(layer: Any, inputs: Any) -> tuple[int, ...]:
    """Return the shape of one sample's mask; an axis that shares one draw has length 1."""
    shape = tuple(inputs.shape)
    if type(layer).__name__.startswith("SpatialDropout"):
        first = getattr(layer, "data_format", "channels_last") == "channels_first"
        noise = (None, shape[1], *(1,) * (len(shape) - 2)) if first else (None, *(1,) * (len(shape) - 2), shape[-1])
    else:
        noise = getattr(layer, "noise_shape", None) or (None,) * len(shape)
    sizes = tuple(own if given is None else given for given, own in zip(noise[1:], shape[1:], strict=True))
    if any(size is None for size in sizes):
        raise BuildError(
            Finding(
                "U102",
                layer.name,
                "this dropout layer draws a mask of unknown length.",
                "Give it a noise_shape that shares one draw over the axis of unknown length.",
            )
        )
    return tuple(int(size) for size in sizes)


def _masked(layer: Any, inputs: Any, mask: Any) -> Any:
    """Return what a dropout layer does with this mask of zeros and ones."""
    rate = float(layer.rate)
    if type(layer).__name__ != "AlphaDropout":
        return inputs * (mask * (1.0 / (1.0 - rate)))
    lowest = -SELU_ALPHA * SELU_SCALE
    a = ((1 - rate) * (1 + rate * lowest**2)) ** -0.5
    b = -a * lowest * rate
    # a (x m + lowest (1 - m)) + b, put so that only two operations are as long as the inputs
    return (inputs * a - a * lowest) * mask + (a * lowest + b)
