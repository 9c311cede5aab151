"""Measures stated uncertainty on rows with known answers: calibration, coverage, and what abstaining buys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from advisor.artifacts import Array

BINS = 15
RESAMPLES = 200
LEVELS = (0.5, 0.8, 0.9, 0.95)
COVERAGES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 11))


def reliability_bins(confidence: Array, correct: Array, *, bins: int = BINS) -> tuple[tuple[float, float, int], ...]:
    """Return mean stated confidence, observed accuracy and number of rows of each non-empty bin of equal width."""
    place = np.clip(np.ceil(np.asarray(confidence) * bins).astype(np.int64) - 1, 0, bins - 1)
    found = []
    for each in np.unique(place):
        rows = place == each
        found.append((float(confidence[rows].mean()), float(np.mean(correct[rows])), int(rows.sum())))
    return tuple(found)


def calibration_error(confidence: Array, correct: Array, *, bins: int = BINS) -> float:
    """Return the expected calibration error: the mean gap between confidence and accuracy over bins of equal width.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.
    """
    place = np.clip(np.ceil(np.asarray(confidence) * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=np.asarray(correct, np.float64) - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def bootstrap_band(
    measure: Callable[[Array], float], rows: int, *, seed: int = 0, share: float = 0.9
) -> tuple[float, float]:
    """Return the band that holds this share of a measure's values over rows drawn with replacement.

    Drawing rows twice makes a calibration error larger on average; the band is moved so that the average of the
    draws is the measured value.

    Args:
        measure: From row positions to a measure that is never below 0.
        rows: Number of rows.
        seed: Decides the draws.
        share: Share of the values inside the band.
    """
    generator = np.random.default_rng(seed)
    values = np.array([measure(generator.integers(0, rows, rows)) for _ in range(RESAMPLES)])
    low, high = np.quantile(values - values.mean() + measure(np.arange(rows)), [(1 - share) / 2, (1 + share) / 2])
    return max(float(low), 0.0), max(float(high), 0.0)


def coverage(lower: Array, upper: Array, y: Array) -> float:
    """Return the share of observed values inside their intervals, over rows and outputs."""
    truth = np.asarray(y).reshape(lower.shape)
    return float(np.mean((truth >= lower) & (truth <= upper)))


def quality_by_coverage(
    uncertainty: Array, quality: Callable[[Array], float], shares: Sequence[float] = COVERAGES
) -> tuple[tuple[float, float], ...]:
    """Return what the surest rows are worth: (share of rows decided, quality on them).

    Args:
        uncertainty: One number a row; the rows with the least are decided first.
        quality: From row positions to the metric.
        shares: Shares of the rows to decide.
    """
    order = np.argsort(uncertainty, kind="stable")
    return tuple((share, quality(order[: max(1, round(share * len(order)))])) for share in shares)
