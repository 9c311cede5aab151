"""Learning rate and momentum as pure functions of the global step.

The values of an epoch are computed before it, in float64, and enter the compiled epoch as an input: the range test, a
retry at a lower rate and a resumed run all use the graph that is already there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from advisor.artifacts import Array
from advisor.training.recipe import Recipe

Schedule = Callable[[Array, int, float, Recipe], tuple[Array, Array]]


def one_cycle(steps: Array, total: int, maximum: float, recipe: Recipe) -> tuple[Array, Array]:
    """Return rate and momentum of 1cycle at the given steps.

    The rate rises linearly from ``maximum / start_divisor`` to ``maximum`` in the first half of what precedes the
    annihilation, falls back linearly in the second half, and then falls linearly by ``annihilation_divisor``. The
    momentum moves the other way, from ``momentum`` down by ``momentum_drop`` and back, and stays there to the end.

    Args:
        steps: Global step numbers, from 0.
        total: Number of steps of the whole training.
        maximum: Highest rate.
        recipe: Gives the divisors, the share of the annihilation and the momentum.

    Returns:
        Rates and momenta, float64, one for each step.

    Source:
        Smith 2018, "A disciplined approach to neural network hyper-parameters: Part 1"; HOML2 ch. 11, "1Cycle
        scheduling".
    """
    place = np.asarray(steps, np.float64) / max(total - 1, 1)
    half = (1.0 - recipe.annihilation_fraction) / 2
    start = maximum / recipe.start_divisor
    last = start / recipe.annihilation_divisor
    knots = (0.0, half, 2 * half, 1.0)
    rates = np.interp(place, knots, (start, maximum, start, last))
    high, low = recipe.momentum, recipe.momentum - recipe.momentum_drop
    return rates, np.interp(place, knots, (high, low, high, high))


def constant(steps: Array, total: int, maximum: float, recipe: Recipe) -> tuple[Array, Array]:
    """Return the maximum rate and the full momentum at every step; arguments as in :func:`one_cycle`."""
    shape = np.shape(steps)
    return np.full(shape, maximum), np.full(shape, recipe.momentum)


def lowered(losses: Iterable[float], recipe: Recipe) -> float:
    """Return what performance scheduling has multiplied the rate by after some epochs.

    After ``plateau_epochs`` epochs in a row without a lower validation loss the rate is multiplied by
    ``plateau_factor``, and the count starts anew.

    Args:
        losses: Validation loss of every epoch so far.
        recipe: Gives the factor and the number of epochs; other schedules than ``performance`` are never lowered.

    Source:
        HOML3 ch. 11, "Performance scheduling".
    """
    factor, best, waited = 1.0, math.inf, 0
    if recipe.schedule != "performance":
        return factor
    for loss in losses:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited == recipe.plateau_epochs:
            factor, waited = factor * recipe.plateau_factor, 0
    return factor


def rising_epochs(epochs: int, recipe: Recipe) -> int:
    """Return in how many of the epochs the schedule still raises the rate, so that patience has to wait."""
    return int(epochs * (1.0 - recipe.annihilation_fraction) / 2) if recipe.schedule == "one_cycle" else 0


SCHEDULES: dict[str, Schedule] = {"one_cycle": one_cycle, "constant": constant, "performance": constant}
"""Schedule → rate and momentum within an epoch. The maximum of ``performance`` is lowered between epochs."""
