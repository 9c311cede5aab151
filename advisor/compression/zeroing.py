"""Sets the tiny weights of a trained network to zero, as many as the validation metric allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.compression.graph import Graph
from advisor.compression.masking import PRUNABLE

Model = Any
STEPS = 16
"""Halvings of the search for the threshold: the fraction of zeros is found to within 1/65,536."""


@dataclass(frozen=True)
class Zeroed:
    """A network whose tiny weights are zero.

    Attributes:
        model: The network; the original is left as it was.
        threshold: Weights below this, in absolute value, are zero.
        fraction: Fraction of zeros in all kernels together.
        cost: What the metric lost by it, as the given function measures it.
    """

    model: Model
    threshold: float
    fraction: float
    cost: float


def zero_tiny_weights(model: Model, cost: Callable[[Model], float], *, allowed: float) -> Zeroed:
    """Find the highest threshold below which weights can be zero at an allowed cost.

    The search halves the interval of fractions. The cost needn't grow evenly with the fraction: what is returned was
    measured to be within what is allowed, though another fraction might be as well.

    Args:
        model: The trained network.
        cost: What a network loses in the validation metric, beside the one that it is
            compared with; at most 0 if nothing.
        allowed: Largest cost.

    Returns:
        The network with the most zeros found, at least those that cost nothing (weights that are zero already).
    """
    graph = Graph(model)
    names = [name for name, layer in graph.layers.items() if type(layer).__name__ in PRUNABLE]
    sizes = np.sort(np.concatenate([np.abs(graph.weights[name][0]).ravel() for name in names]))
    working = graph.build()
    layers = {name: working.get_layer(name) for name in names}
    original = {name: [np.array(each) for each in layers[name].get_weights()] for name in names}

    def cut(count: int) -> float:
        """Zero the ``count`` smallest weights of all kernels, and return what that costs."""
        below = threshold(count)
        for name, layer in layers.items():
            kernel, *bias = original[name]
            layer.set_weights([np.where(np.abs(kernel) < below, 0, kernel), *bias])
        return cost(working)

    def threshold(count: int) -> float:
        return float(sizes[count]) if count < len(sizes) else float("inf")

    low, high, low_cost = 0, len(sizes), cut(0)
    for _ in range(STEPS):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        found = cut(middle)
        if found <= allowed:
            low, low_cost = middle, found
        else:
            high = middle
    cut(low)
    kernels: list[Array] = [layer.get_weights()[0] for layer in layers.values()]
    zeros = sum(int(kernel.size - np.count_nonzero(kernel)) for kernel in kernels)
    return Zeroed(working, threshold(low), zeros / sum(kernel.size for kernel in kernels), low_cost)
