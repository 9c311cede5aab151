"""Merges Batch Normalization and the standardization of inputs into the linear layers beside them, exactly.

After training both are a fixed multiplication and addition for each channel. Next to a linear layer they can be
multiplied into its weights: the same function with one layer less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.compression.graph import Graph
from advisor.errors import CompressionError, Finding

Model = Any
Affine = tuple[Array, Array]
"""Scale and shift of each channel, float64."""

TOLERANCE = 1e-5
"""Largest difference that a folded model may show on rows that are given to check it, relative to answers above 1."""


@dataclass(frozen=True)
class Folding:
    """A folded model and what was done to it.

    Attributes:
        model: The folded model; the original is left as it was.
        folded: Pairs (layer that is gone, layer that it is now part of).
        kept: Layer that could not be folded → why.
    """

    model: Model
    folded: tuple[tuple[str, str], ...]
    kept: Mapping[str, str]


def fold(
    model: Model,
    *,
    batch_normalization: bool = True,
    standardization: bool = False,
    target_units: bool = False,
    rows: Array | None = None,
) -> Folding:
    """Fold what can be folded.

    Batch Normalization goes into the linear layer (dense, convolution, depthwise or transposed convolution) directly
    before it, or else into the dense layers directly behind it. The standardization of inputs goes into the dense
    layers behind it; missing numbers are still filled in.

    Args:
        model: A functional or sequential model in which every layer is used once.
        batch_normalization: Whether to fold Batch Normalization.
        standardization: Whether to fold the layer that standardizes inputs.
        target_units: Whether to fold the layer that turns a linear output into the user's units.
        rows: Inputs on which both models must agree to within :data:`TOLERANCE`; None checks nothing.

    Returns:
        The folded model; what was asked for but couldn't be done is in ``kept``, with its reason.

    Raises:
        CompressionError: If the folded model answers differently.
    """
    graph = Graph(model)
    done: list[tuple[str, str]] = []
    kept: dict[str, str] = {}
    wanted = (
        (batch_normalization, "BatchNormalization", _fold_normalization),
        (standardization, "Standardize", _fold_standardization),
        (target_units, "TargetUnits", _fold_target_units),
    )
    for is_wanted, kind, act in wanted:
        for name in graph.names_of(kind) if is_wanted else []:
            into = act(graph, name)
            if isinstance(into, str):
                kept[name] = into
            else:
                done += [(name, each) for each in into]
    folded = graph.build() if done else model
    if done and rows is not None:
        _check(model, folded, rows)
    return Folding(folded, tuple(done), kept)


def difference(model: Model, other: Model, rows: Array) -> float:
    """Return the largest difference between two models' answers, relative where answers are above 1."""
    import tensorflow as tf

    table = tf.constant(rows)
    a, b = (np.asarray(each(table, training=False), np.float64) for each in (model, other))
    return float((np.abs(a - b) / np.maximum(1.0, np.abs(a))).max(initial=0.0))


def _check(model: Model, folded: Model, rows: Array) -> None:
    found = difference(model, folded, rows)
    if not found <= TOLERANCE:
        raise CompressionError(
            Finding(
                "C101",
                "fold",
                f"the folded model differs by {found:.3g} over {len(rows)} rows; allowed: {TOLERANCE:g}.",
                "Inputs whose mean is very large beside their spread lose digits; the model is delivered unfolded.",
            )
        )


# --------------------------------------------------------------------------------- Batch Normalization


def _affine(layer: Any) -> Affine:
    """Return what Batch Normalization does at inference, as scale and shift."""

    def numbers(weight: Any) -> Array:
        return np.asarray(weight, np.float64)

    mean, variance = numbers(layer.moving_mean), numbers(layer.moving_variance)
    scale = 1.0 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * numbers(layer.gamma)
    shift = -mean * scale
    if layer.center:
        shift = shift + numbers(layer.beta)
    return scale, shift


def _last(kernel: Array, scale: Array) -> Array:
    return np.asarray(kernel * scale)


def _depthwise(kernel: Array, scale: Array) -> Array:
    return np.asarray(kernel * scale.reshape(kernel.shape[-2:]))


def _transposed(kernel: Array, scale: Array) -> Array:
    return np.asarray(kernel * scale[:, None])


_BEFORE: Mapping[str, Callable[[Array, Array], Array]] = {
    "Dense": _last,
    "Conv1D": _last,
    "Conv2D": _last,
    "Conv3D": _last,
    "DepthwiseConv1D": _depthwise,
    "DepthwiseConv2D": _depthwise,
    "Conv1DTranspose": _transposed,
    "Conv2DTranspose": _transposed,
    "Conv3DTranspose": _transposed,
}
"""Linear layers that take a following normalization in: how a kernel is multiplied by the scale of its outputs."""


def _fold_normalization(graph: Graph, name: str) -> list[str] | str:
    layer = graph.layers[name]
    channel_axis = layer.axis[0] if isinstance(layer.axis, list | tuple) else layer.axis
    if channel_axis not in (-1, len(graph.shape(name)) - 1):
        return "it normalizes another axis than the last"
    scale, shift = _affine(layer)
    before = graph.only_input(name)
    if before is not None:
        linear = graph.layers[before]
        kind = type(linear).__name__
        if kind in _BEFORE and graph.is_linear(before) and graph.consumers(before) == [name]:
            if kind != "Dense" and getattr(linear, "data_format", "channels_last") != "channels_last":
                return f"{before} has its channels first"
            weights = graph.weights[before]
            bias = weights[1] if linear.use_bias or graph.has_new_bias(before) else np.zeros(len(scale))
            graph.set_linear(before, [_BEFORE[kind](weights[0], scale), bias * scale + shift])
            graph.bypass(name)
            return [before]
    behind = graph.consumers(name)
    if behind and name not in graph.outputs and all(_is_dense(graph, each) for each in behind):
        for each in behind:
            _into_dense(graph, each, slice(None), scale, shift)
        graph.bypass(name)
        return behind
    return "nothing linear stands directly before it, and not only dense layers stand directly behind it"


# --------------------------------------------------------------------------------- standardization of inputs


def _fold_standardization(graph: Graph, name: str) -> list[str] | str:
    layer = graph.layers[name]
    scale = np.asarray(layer.factor, np.float64)
    shift = -np.asarray(layer.center, np.float64) * scale
    targets: list[tuple[str, slice]] = []
    for each in graph.consumers(name):
        if _is_dense(graph, each):
            targets.append((each, slice(0, len(scale))))
            continue
        if type(graph.layers[each]).__name__ != "Concatenate" or graph.inputs(each).count(name) != 1:
            return f"{each} stands between it and the first linear layer"
        first = graph.offset(each, name)
        for behind in graph.consumers(each):
            if not _is_dense(graph, behind):
                return f"{behind} is not a dense layer"
            targets.append((behind, slice(first, first + len(scale))))
    if not targets or name in graph.outputs:
        return "there is no linear layer behind it"
    for dense, part in targets:
        _into_dense(graph, dense, part, scale, shift)
    graph.configure(name, center=[0.0] * len(scale), factor=[1.0] * len(scale))
    return [dense for dense, _ in targets]


def _fold_target_units(graph: Graph, name: str) -> list[str] | str:
    layer = graph.layers[name]
    scale, shift = np.asarray(layer.scale, np.float64), np.asarray(layer.shift, np.float64)
    before = graph.only_input(name)
    between: list[str] = []
    while before is not None and type(graph.layers[before]).__name__ == "Activation" and graph.is_linear(before):
        between.append(before)
        before = graph.only_input(before)
    if before is None or not _is_dense(graph, before) or not graph.is_linear(before):
        return "the output has an activation"
    weights = graph.weights[before]
    bias = weights[1] if len(weights) > 1 else np.zeros(len(scale))
    graph.set_linear(before, [weights[0] * scale, bias * scale + shift])
    graph.bypass(name)
    return [before]


def _is_dense(graph: Graph, name: str) -> bool:
    return type(graph.layers[name]).__name__ == "Dense" and len(graph.inputs(name)) == 1


def _into_dense(graph: Graph, name: str, part: slice, scale: Array, shift: Array) -> None:
    """Let a dense layer take its inputs (or this part of them) before they are scaled and shifted."""
    weights = graph.weights[name]
    kernel = weights[0].copy()
    bias = weights[1] if len(weights) > 1 else np.zeros(kernel.shape[1])
    bias = bias + shift @ kernel[part]
    kernel[part] *= scale[:, None]
    graph.set_linear(name, [kernel, bias])
