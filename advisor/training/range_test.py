"""The learning-rate range test: where does the loss turn when the rate grows exponentially?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.artifacts import Array
from advisor.errors import Finding, TrainingError
from advisor.training.recipe import Recipe


@dataclass(frozen=True)
class RangeTest:
    """What the range test found.

    Attributes:
        maximum_rate: The rate to use as 1cycle's maximum.
        turning_point: Rate of the lowest smoothed loss before the loss shoots up.
        curve: Pairs (rate, smoothed loss), up to where the loss blew up.
    """

    maximum_rate: float
    turning_point: float
    curve: tuple[tuple[float, float], ...]


def rates_of(recipe: Recipe) -> Array:
    """Return the exponentially growing rates of the test, float64."""
    return np.geomspace(recipe.range_test_first, recipe.range_test_last, recipe.range_test_steps)


def read_curve(rates: Array, losses: Array, recipe: Recipe) -> RangeTest:
    """Choose the maximum rate from the losses of a range test.

    The losses are smoothed by a bias-corrected moving average. The curve ends where the smoothed loss is no longer
    finite or exceeds its lowest value so far by ``range_test_blow_up``. The *turning point* is the rate of the lowest
    smoothed loss; the maximum is that rate divided by ``range_test_divisor``.

    Args:
        rates: Rate of each step, growing.
        losses: Training loss of each step's batch; may hold NaN and infinity.
        recipe: Gives the numbers of the criterion.

    Raises:
        TrainingError: If not even the first losses are finite.

    Source:
        Smith 2018, "A disciplined approach to neural network hyper-parameters: Part 1"; HOML2 ch. 11, "Learning rate".
    """
    smooth = np.empty(len(losses))
    mean, lowest, end = 0.0, np.inf, len(losses)
    for step, loss in enumerate(losses):
        mean = recipe.range_test_smoothing * mean + (1 - recipe.range_test_smoothing) * float(loss)
        smooth[step] = mean / (1 - recipe.range_test_smoothing ** (step + 1))
        if not np.isfinite(smooth[step]) or smooth[step] > recipe.range_test_blow_up * lowest:
            end = step
            break
        lowest = min(lowest, smooth[step])
    if end == 0:
        raise TrainingError(
            Finding(
                "T103",
                "",
                f"the training loss is not finite at the lowest learning rate, {rates[0]:.3g}.",
                "Check the inputs and the target.",
            )
        )
    turning = float(rates[int(np.argmin(smooth[:end]))])
    curve = tuple((float(rate), float(loss)) for rate, loss in zip(rates[:end], smooth[:end], strict=True))
    return RangeTest(turning / recipe.range_test_divisor, turning, curve)
