"""The learning-rate range test: where does the loss turn when the rate grows exponentially?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.artifacts import Array
from advisor.errors import Finding, TrainingError
from advisor.training.optimizers import range_divisor
from advisor.training.recipe import Recipe

# Batches at the lowest rates whose mean loss stands for that of the untrained network.
_UNTRAINED_BATCHES = 10


@dataclass(frozen=True)
class RangeTest:
    """What the range test found.

    Attributes:
        maximum_rate: The rate to use as 1cycle's maximum.
        blow_up_rate: Rate at which the loss shot up; None when it never did.
        curve: Pairs (rate, smoothed loss), up to where the loss shot up.
    """

    maximum_rate: float
    blow_up_rate: float | None
    curve: tuple[tuple[float, float], ...]


def rates_of(recipe: Recipe) -> Array:
    """Return the exponentially growing rates of the test, float64."""
    return np.geomspace(recipe.range_test_first, recipe.range_test_last, recipe.range_test_steps)


def read_curve(rates: Array, losses: Array, recipe: Recipe) -> RangeTest:
    """Choose the maximum rate from the losses of a range test.

    The losses are smoothed by a bias-corrected moving average. The loss *shoots up* where the smoothed loss is no
    longer finite or exceeds the untrained network's loss by ``range_test_blow_up``; the maximum is that rate divided
    by ``range_test_divisor``. If the loss never shoots up (a network with Batch Normalization can bear any rate), the
    maximum is the rate of the lowest smoothed loss; where so few rows were learned by heart that nothing could shoot up
    any more, it is the rate at which they were.

    Args:
        rates: Rate of each step, growing.
        losses: Training loss of the steps' batches; may hold NaN and infinity, and may end early.
        recipe: Gives the numbers of the criterion.

    Raises:
        TrainingError: If not even the first loss is finite.

    Source:
        Smith 2018, "A disciplined approach to neural network hyper-parameters: Part 1"; HOML2 ch. 11, "Learning rate".
    """
    if len(losses) == 0 or not np.isfinite(losses[0]):
        message = f"the training loss is not finite at the lowest learning rate, {rates[0]:.3g}."
        raise TrainingError(Finding("T103", "", message, "Check the inputs and the target."))
    head = losses[:_UNTRAINED_BATCHES]
    untrained = float(np.mean(head[np.isfinite(head)], dtype=np.float64))
    limit = recipe.range_test_blow_up * untrained
    curve: list[tuple[float, float]] = []
    mean, blow_up = 0.0, None
    for step, (rate, loss) in enumerate(zip(rates, losses, strict=False), start=1):
        mean = recipe.range_test_smoothing * mean + (1 - recipe.range_test_smoothing) * float(loss)
        smooth = mean / (1 - recipe.range_test_smoothing**step)
        if not smooth <= limit:
            blow_up = float(rate)
            break
        curve.append((float(rate), smooth))
    divisor = recipe.range_test_divisor or range_divisor(recipe.optimizer, recipe.schedule)
    if blow_up is not None:
        return RangeTest(blow_up / divisor, blow_up, tuple(curve))
    learned = [rate for rate, loss in curve if loss < recipe.range_test_learned * untrained]
    return RangeTest(learned[0] if learned else min(curve, key=lambda pair: pair[1])[0], None, tuple(curve))
