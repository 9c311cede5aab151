"""From the measured section ``uncertainty`` to what the report shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.report import Calibration, Doubt
from advisor.uncertainty.assessment import calibration_error, reliability_bins

_TITLES = {
    "rmse": "RMSE of the mean",
    "single_pass_rmse": "RMSE of a single pass",
    "accuracy": "Accuracy of the mean",
    "log_likelihood": "Log-likelihood",
    "uncalibrated_log_likelihood": "Log-likelihood before calibration",
    "single_pass_log_likelihood": "Log-likelihood of a single pass",
    "calibrated_single_pass_log_likelihood": "Log-likelihood of a calibrated single pass",
}


def calibration_of(measured: Mapping[str, Any], method: str, rows: int) -> Calibration:
    """Return whether stated confidence comes true: of classes by bins, of values by the levels of intervals.

    Args:
        measured: The section ``uncertainty`` of ``metrics.json``.
        method: How it was calibrated.
        rows: Number of test rows.
    """
    if "calibration" in measured:
        before, after = measured["calibration"]["before"], measured["calibration"]["after"]
        return Calibration(
            bins=_bins(after["bins"]),
            error=after["expected_calibration_error"],
            method=method,
            bins_before=_bins(before["bins"]),
            error_before=before["expected_calibration_error"],
            band=(after["band_90"][0], after["band_90"][1]),
            band_before=(before["band_90"][0], before["band_90"][1]),
        )
    covered = {float(level): each for level, each in measured["coverage"].items()}
    bins = {
        key: tuple((level, each[key], rows) for level, each in covered.items()) for key in ("calibrated", "gaussian")
    }
    errors = {
        key: sum(abs(share - level) for level, share, _ in each) / max(len(each), 1) for key, each in bins.items()
    }
    return Calibration(bins["calibrated"], errors["calibrated"], method, bins["gaussian"], errors["gaussian"])


def stated_calibration(task: str, y: Array, answers: Array) -> Calibration | None:
    """Return whether the delivered model's probabilities come true as they are; None where it states none.

    Args:
        task: The task.
        y: Targets of the test rows.
        answers: What the model answers: probabilities of classes or labels, as in :func:`advisor.evaluation.measure`.
    """
    if task not in ("binary", "multiclass", "multilabel"):
        return None
    p, truth = np.asarray(answers, np.float64), np.asarray(y)
    p = p.reshape(len(p), -1)
    if task == "binary":
        p = np.column_stack([1 - p[:, -1], p[:, -1]])
    if task == "multilabel":
        confidence = np.maximum(p, 1 - p).reshape(-1)
        right = ((p >= 0.5) == (truth.reshape(p.shape) >= 0.5)).reshape(-1)
    else:
        confidence, right = p.max(axis=1), p.argmax(axis=1) == truth.reshape(-1)
    return Calibration(reliability_bins(confidence, right), calibration_error(confidence, right))


def doubt_of(measured: Mapping[str, Any]) -> Doubt:
    """Return how uncertainty is stated and what that is worth, for the report.

    Args:
        measured: The section ``uncertainty`` of ``metrics.json``.
    """
    numbers = [(_TITLES.get(name, name), value) for name, value in measured["test"].items()]
    word = "Standard deviation" if measured["doubt"] == "std" else "Entropy"
    for title, key in (("test rows", "in_distribution"), ("test rows shifted by 3 deviations", "out_of_distribution")):
        numbers.append((f"{word}, mean over {title}", measured[key]["mean"]))
        numbers.append((f"Epistemic part, mean over {title}", measured[key]["epistemic"]))
    return Doubt(
        method=measured["method"],
        samples=measured["samples"],
        calibration_rows=measured["calibration_rows"],
        numbers=tuple(numbers),
        intervals=tuple(
            (float(level), each["calibrated"], each["gaussian"]) for level, each in measured.get("coverage", {}).items()
        ),
        quality=measured["quality"],
        quality_by_coverage=tuple((share, value) for share, value in measured["quality_by_coverage"]),
    )


def _bins(bins: Any) -> tuple[tuple[float, float, int], ...]:
    return tuple((stated, observed, rows) for stated, observed, rows in bins)
