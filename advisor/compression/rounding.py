"""Rounds the kernels of dense layers to 8 bits so that the weights make up for each other's errors.

A converter rounds each weight by itself to the nearest of 255 levels. Where inputs go together, what rounding one
weight does to a neuron's sum can mostly be undone by the weights that are rounded after it, and by the bias, which
isn't rounded at all. What the layers before have changed in the inputs is made up for in the same way.

Source: Frantar, Ashkboos, Hoefler & Alistarh 2023, "GPTQ: Accurate Post-Training Quantization for Generative
Pre-trained Transformers", section 3; weights have made up for others since Hassibi & Stork 1993, "Optimal Brain
Surgeon".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.compression.graph import Graph

Model = Any

LARGEST = 127
"""Largest integer of a weight; the smallest is its negative, so that zero stays zero."""
DAMPING = 0.01
"""Part of an input's mean square that is added to it, so that inputs that hardly vary make up for little. Source:
Frantar et al. 2023, section 3.3, where it is a part of the mean over inputs; those of first layers differ in units."""
MOST_INPUTS = 2048
"""Layers with more inputs are left to the converter: the time grows with their third power (judgement)."""
MOST_ROWS = 2048
"""Inputs of a layer that are looked at, evenly spread over rows and their steps or places (judgement)."""


def round_kernels(model: Model, rows: Array, axis_of_scales: Callable[[Array], int | None]) -> Model:
    """Return a copy of a model whose dense kernels are exactly what a file with 8-bit weights can hold.

    Weights that are zero stay zero. Other layers, and dense ones of more than :data:`MOST_INPUTS` inputs, stay as they
    are.

    Args:
        model: A functional model with one input in which every layer is used once.
        rows: Training rows, float32 (n, …), at best :data:`MOST_ROWS`, that show which inputs go together.
        axis_of_scales: Says along which axis of a kernel (inputs, neurons) the weights share a scale; None for one
            scale for all.

    Raises:
        CompressionError: If the model can't be copied.
    """
    import keras

    rounded = Graph(model).build()
    layers = [layer for layer in rounded.layers if type(layer).__name__ == "Dense"]
    if not layers:
        return rounded
    probe = keras.Model(rounded.inputs, [layer.input for layer in layers])

    def inputs_of_layers() -> list[Array]:
        found = [np.asarray(each, np.float64) for each in probe([rows], training=False)]
        return [_some(each.reshape(-1, each.shape[-1])) for each in found]

    originally = inputs_of_layers()
    for position, layer in enumerate(layers):
        kernel, *bias = (np.asarray(weights, np.float64) for weights in layer.get_weights())
        before, now = originally[position], inputs_of_layers()[position]
        seen = np.isfinite(before).all(1)  # steps that are padding may not be
        if len(kernel) <= MOST_INPUTS and seen.any():
            axis = axis_of_scales(kernel)
            layer.set_weights(list(round_kernel(kernel, bias[0] if bias else None, before[seen], now[seen], axis)))
    return rounded


def round_kernel(kernel: Array, bias: Array | None, before: Array, now: Array, axis: int | None) -> tuple[Array, ...]:
    """Round one kernel, so that a neuron's sums over inputs as they are now are near those over inputs as they were.

    Args:
        kernel: Weights, float64 (inputs, neurons).
        bias: Float64 (neurons,), not rounded; None where there is none.
        before: Inputs of the layer in the original model, float64 (n, inputs).
        now: The same after the layers before it were rounded.
        axis: Along which axis weights share a scale, which is a :data:`LARGEST`-th of the largest of them; None for
            one scale. The largest weight is kept, so that whoever looks for the scale finds it again.

    Returns:
        The kernel, all whose weights are whole multiples of their scales, and the bias where there is one; for a
        neuron that few inputs leave nothing to make up with, the nearest multiples.
    """
    largest = np.abs(kernel).max(axis, keepdims=True)
    scales = np.broadcast_to(np.where(largest > 0, largest, 1.0) / LARGEST, kernel.shape)
    wanted = before @ kernel
    table, weights = now, kernel
    if bias is not None:
        table, weights = np.hstack([now, np.ones((len(now), 1))]), np.vstack([kernel, bias])
    square = table.T @ table / len(table)
    inputs = np.arange(len(kernel))
    power = square[inputs, inputs].copy()
    square[inputs, inputs] += np.where(power > 0, DAMPING * power, 1.0)
    weights = weights + np.linalg.solve(square, table.T @ (wanted - now @ kernel) / len(table))
    # Inputs whose rounding matters most come first, while most others can still make up for it; the bias comes last.
    order = np.argsort(-power * np.square(scales).mean(1), kind="stable")
    order = np.append(order, np.arange(len(kernel), len(weights)))
    upper = np.linalg.cholesky(np.linalg.inv(square[np.ix_(order, order)])).T
    weights = weights[order]
    for place, index in enumerate(order[: len(kernel)]):
        original, scale = kernel[index], scales[index]
        integers = np.clip(np.rint(weights[place] / scale), -LARGEST, LARGEST)
        kept = (original == 0) | (np.abs(original) > (LARGEST - 0.5) * scale)
        integers[kept] = np.rint(original[kept] / scale[kept])
        error = (weights[place] - integers * scale) / upper[place, place]
        weights[place] = integers * scale
        weights[place + 1 :] -= np.outer(upper[place, place + 1 :], error)
    weights = weights[np.argsort(order)]
    nearest = np.rint(kernel / scales) * scales
    if bias is not None:
        nearest = np.vstack([nearest, bias + (wanted - now @ nearest).mean(0)])
        wanted = wanted + bias
    far, near = (np.square(wanted - table @ each).mean(0) for each in (weights, nearest))
    result = np.where(far <= near, weights, nearest)
    return (result[: len(kernel)], *result[len(kernel) :])


def _some(table: Array) -> Array:
    """Return at most :data:`MOST_ROWS` rows, evenly spread."""
    return table[:: -(-len(table) // MOST_ROWS)]
