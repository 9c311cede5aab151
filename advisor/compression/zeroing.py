"""Sets the tiny weights of a trained network to zero, as many as the validation metric allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.compression.graph import Graph
from advisor.framework import kernels_of

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
    working = Graph(model).build()
    kernels = kernels_of(working)
    original = {path: np.array(kernel) for path, kernel in kernels.items()}
    sizes = np.sort(np.concatenate([np.abs(weights, dtype=np.float64).ravel() for weights in original.values()]))

    def cut(count: int) -> float:
        """Zero the ``count`` smallest weights of all kernels, and return what that costs."""
        below = threshold(count)
        for path, weights in original.items():
            kernels[path].assign(np.where(np.abs(weights) < below, 0, weights))
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
    zeros = sum(int(weights.size - np.count_nonzero(weights)) for weights in map(np.asarray, kernels.values()))
    return Zeroed(working, threshold(low), zeros / len(sizes), low_cost)
