"""Makes stated uncertainty come true, on rows that neither training nor choosing nor the test has used."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from advisor.artifacts import Array
from advisor.errors import DataError, Finding
from advisor.uncertainty.distribution import SMALLEST, mixture_log_density, tempered

FEWEST_CALIBRATION_ROWS = 10
"""With 10 rows the highest interval that can be promised is 10/11, just above the usual 90 %."""
_SALT = 6061
_TEMPERATURES = (0.05, 20.0)
_STEPS = 60
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def split_validation(y: Array, task: str, *, share: float, seed: int) -> tuple[Array, Array]:
    """Split the validation rows: some to stop and choose by, some to calibrate on.

    Each class is split by itself (for one column of classes), so that a rare one is in both.

    Args:
        y: Encoded targets of the validation rows.
        task: The problem's task.
        share: Share of the rows to calibrate on.
        seed: Decides the split, with the number of rows.

    Returns:
        Positions for choosing, and positions for calibration, each sorted.

    Raises:
        DataError: If the calibration part is too small, or holds only one class.
    """
    generator = np.random.default_rng([seed, _SALT, len(y)])
    flat = np.asarray(y).reshape(-1) if task in ("binary", "multiclass") else np.zeros(len(y))
    calibration: list[Array] = []
    spare = 0.0
    for each in np.unique(flat):
        rows = generator.permutation(np.flatnonzero(flat == each))
        spare += len(rows) * share
        taken = math.floor(spare + 0.5)
        spare -= taken
        calibration.append(rows[:taken])
    chosen = np.sort(np.concatenate(calibration)) if calibration else np.zeros(0, np.int64)
    check_calibration(np.asarray(y)[chosen], task)
    rest = np.setdiff1d(np.arange(len(y)), chosen)
    return rest, chosen


def check_calibration(y: Array, task: str) -> None:
    """Refuse a calibration part that nothing can be learned from.

    Raises:
        DataError: If it has fewer than 10 rows, or one class only.
    """
    hint = "Give more validation rows (--validation, or more rows in all), or leave uncertainty out."
    if len(y) < FEWEST_CALIBRATION_ROWS:
        raise DataError(
            Finding(
                "U106",
                "validation",
                f"{len(y)} rows are left to calibrate on, a part of the validation rows; "
                f"at least {FEWEST_CALIBRATION_ROWS} are needed.",
                hint,
            )
        )
    if task in ("binary", "multiclass") and len(np.unique(y)) < 2:
        raise DataError(
            Finding("U107", "validation", "the rows to calibrate on hold only one class; two are needed.", hint)
        )


def fit_noise(samples: Array, y: Array, degrees: Sequence[float] = ()) -> tuple[Array, Array]:
    """Return the observation noise under which observed values are most likely.

    Args:
        samples: Answers of the sampled networks, (rows, samples, outputs).
        y: Observed values, (rows, outputs).
        degrees: Degrees of freedom of Student's t, each above 2, that are tried beside the Gaussian, from the lightest
            tails to the heaviest, until the values become less likely.

    Returns:
        Standard deviation of each output, and its degrees of freedom (infinite: Gaussian), each (outputs,).
    """
    truth = np.asarray(y, np.float64).reshape(len(samples), -1)
    found = []
    for output in range(samples.shape[2]):
        one, seen = samples[:, :, output : output + 1], truth[:, output : output + 1]
        error = float(np.sqrt(np.mean((seen[:, 0] - one.mean(axis=1)[:, 0]) ** 2)))
        if error <= SMALLEST:
            found.append((SMALLEST, math.inf))
            continue
        best = math.inf
        kept = (error, math.inf)
        for free in (math.inf, *sorted(map(float, degrees), reverse=True)):

            def loss(log_noise: float, one: Array = one, seen: Array = seen, free: float = free) -> float:
                noise, freedom = np.array([math.exp(log_noise)]), np.array([free])
                return -float(mixture_log_density(one, noise, seen, freedom).mean())

            log_noise = _minimum(loss, math.log(error * 0.02), math.log(error * 2.0))
            reached = loss(log_noise)
            if reached >= best:
                break
            best, kept = reached, (math.exp(log_noise), free)
        found.append(kept)
    return np.array([noise for noise, _ in found]), np.array([free for _, free in found])


def fit_temperature(logits: Array, y: Array, task: str) -> float:
    """Return the temperature at which observed classes are most likely.

    Args:
        logits: Sampled answers before the last activation, (rows, samples, outputs).
        y: Encoded targets, as in :class:`advisor.artifacts.Part`.
        task: ``binary``, ``multiclass`` or ``multilabel``.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.
    """
    low, high = (math.log(each) for each in _TEMPERATURES)
    return math.exp(_minimum(lambda log_t: class_loss(tempered(logits, math.exp(log_t), task), y, task), low, high))


def class_loss(sampled: Array, y: Array, task: str) -> float:
    """Return the mean negative log-likelihood of observed classes under the mean probabilities."""
    p = np.clip(sampled.mean(axis=1), SMALLEST, 1.0)
    if task == "multilabel":
        truth = np.asarray(y, np.float64).reshape(p.shape)
        other = np.clip(1.0 - sampled.mean(axis=1), SMALLEST, 1.0)
        return -float((truth * np.log(p) + (1 - truth) * np.log(other)).sum(axis=1).mean())
    return -float(np.log(p[np.arange(len(p)), np.asarray(y).reshape(-1).astype(np.int64)]).mean())


def conformal_scores(samples: Array, noise: Array, y: Array) -> Array:
    """Return how many predicted standard deviations calibration rows lie off, sorted, (rows, outputs).

    Source:
        Angelopoulos and Bates 2021, "A Gentle Introduction to Conformal Prediction", section 2.2 (scaled residuals).
    """
    truth = np.asarray(y, np.float64).reshape(len(samples), -1)
    spread = np.sqrt(samples.var(axis=1, dtype=np.float64) + np.asarray(noise, np.float64) ** 2)
    scores = np.abs(truth - samples.mean(axis=1, dtype=np.float64)) / np.maximum(spread, SMALLEST)
    return np.sort(scores, axis=0)


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function of one number is least: a coarse grid, then golden section around its best point."""
    grid = np.linspace(low, high, 21)
    best = int(np.argmin([function(float(each)) for each in grid]))
    a, b = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    for _ in range(_STEPS):
        if b - a < 1e-4:
            break
        left, right = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
        if function(left) <= function(right):
            b = right
        else:
            a = left
    return (a + b) / 2
