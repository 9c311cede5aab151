"""The metrics of every task, by their usual definitions, ready for JSON; what is undefined says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import DataError, Finding

HALF = 0.5


@dataclass(frozen=True)
class PrimaryMetric:
    """The one metric by which models of a task are compared.

    Attributes:
        name: Its name in :attr:`Metrics.values`.
        title: Its name for people.
        higher_is_better: Whether a larger value is better.
    """

    name: str
    title: str
    higher_is_better: bool


PRIMARY_METRICS: Mapping[str, PrimaryMetric] = {
    "regression": PrimaryMetric("rmse", "root mean squared error", False),
    "forecasting": PrimaryMetric("rmse", "root mean squared error", False),
    "binary": PrimaryMetric("accuracy", "accuracy", True),
    "multiclass": PrimaryMetric("accuracy", "accuracy", True),
    "multilabel": PrimaryMetric("accuracy", "accuracy per label", True),
}
"""Accuracy also where classes are rare: balanced accuracy and AUC stand beside it, and the comparison with baselines
looks at balanced accuracy too when accuracy sees no gain over the majority class."""


@dataclass(frozen=True)
class Metrics:
    """Metrics of one model on one set of rows.

    Attributes:
        task: The task.
        values: Metric → value; None where it is undefined.
        undefined: Metric → why it is undefined.
        rows: Number of rows measured.
        contributions: What each row adds to the primary metric, but for a constant, float64 (rows,): whether it is
            right, or its squared error divided by twice the RMSE (the delta method). Of several outputs the mean.
    """

    task: str
    values: Mapping[str, float | None]
    undefined: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    contributions: Array = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    @property
    def standard_error(self) -> float | None:
        """Standard error of the primary metric over the rows; None when there are fewer than two."""
        each = self.contributions
        return float(each.std() / np.sqrt(len(each))) if len(each) > 1 else None

    @property
    def primary(self) -> float | None:
        """Value of the task's primary metric."""
        return self.values[primary_metric(self.task).name]

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary without NaN."""
        return {
            "task": self.task,
            "rows": self.rows,
            "primary": primary_metric(self.task).name,
            "standard_error": self.standard_error,
            "values": dict(self.values),
            "undefined": dict(self.undefined),
        }


def primary_metric(task: str) -> PrimaryMetric:
    """Return the metric by which models of a task are compared.

    Raises:
        DataError: If the task has no metrics.
    """
    if task not in PRIMARY_METRICS:
        raise DataError(Finding("D102", "task", f"{task!r} has no metrics; allowed: {', '.join(PRIMARY_METRICS)}."))
    return PRIMARY_METRICS[task]


def measure(task: str, y: Array, answers: Array) -> Metrics:
    """Measure a model's answers with every metric of its task.

    Args:
        task: The task.
        y: Targets, encoded as in :class:`advisor.artifacts.Part` (for a regression in the user's units).
        answers: What the model answers, in the order of ``y``: values (n, outputs), or probabilities: (n,) or (n, 1) of
            the second class, (n, classes), or (n, labels).

    Returns:
        The metrics.

    Raises:
        DataError: If there are no rows, shapes don't fit, or an answer isn't a finite number.
    """
    primary_metric(task)
    return _MEASURES[task](np.asarray(y), np.asarray(answers, dtype=np.float64))


def regression_metrics(y: Array, prediction: Array, *, task: str = "regression") -> Metrics:
    """Return RMSE, MAE and R² of predicted values, in the units of ``y``.

    With several outputs each metric is the mean over outputs. R² is undefined for fewer than two rows, and for a
    target that doesn't vary.
    """
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    truth, guess = _columns(np.asarray(y, np.float64)), _columns(np.asarray(prediction, np.float64))
    _check(truth, guess, truth.shape == guess.shape)
    values: dict[str, float | None] = {
        "rmse": float(root_mean_squared_error(truth, guess)),
        "mae": float(mean_absolute_error(truth, guess)),
        "r2": None,
    }
    undefined = {}
    if len(truth) < 2:
        undefined["r2"] = "R² needs at least two rows."
    elif np.any(truth.max(axis=0) == truth.min(axis=0)):
        undefined["r2"] = "The target doesn't vary in these rows."
    else:
        values["r2"] = float(r2_score(truth, guess))
    squares = (truth - guess) ** 2
    twice = 2 * np.sqrt(squares.mean(axis=0))
    contributions = np.divide(squares, twice, out=np.zeros_like(squares), where=twice > 0).mean(axis=1)
    return Metrics(task, values, undefined, len(truth), contributions)


def binary_metrics(y: Array, probability: Array) -> Metrics:
    """Return the metrics of two classes from the probability of the second one; it is predicted from 0.5 on.

    Accuracy, balanced accuracy (mean recall of the classes that occur), area under the ROC curve, average precision,
    log loss (natural logarithm), Brier score (mean squared error of the probability) and expected calibration error.
    AUC and balanced accuracy need both classes; average precision needs the second one.
    """
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

    truth, p = _columns(np.asarray(y)), _columns(np.asarray(probability, np.float64))
    p = p[:, 1:] if p.shape[1:] == (2,) else p
    _check(truth, p, truth.shape == p.shape and truth.shape[1:] == (1,))
    t, q = truth[:, 0].astype(np.int64), _as_probabilities(p)[:, 0]
    predicted = (q >= HALF).astype(np.int64)
    right = predicted == t
    values: dict[str, float | None] = {
        "accuracy": float(right.mean()),
        "balanced_accuracy": None,
        "auc": None,
        "average_precision": None,
        "log_loss": float(log_loss(t, q, labels=[0, 1])),
        "brier": float(brier_score_loss(t, q, labels=[0, 1], pos_label=1)),
        "expected_calibration_error": expected_calibration_error(np.where(predicted == 1, q, 1 - q), right),
    }
    undefined = {}
    if len(np.unique(t)) == 2:
        values["balanced_accuracy"] = balanced_accuracy(t, predicted)
        values["auc"] = float(roc_auc_score(t, q))
    else:
        undefined["balanced_accuracy"] = undefined["auc"] = "Only one class occurs in these rows."
    if t.any():
        values["average_precision"] = float(average_precision_score(t, q))
    else:
        undefined["average_precision"] = "The second class doesn't occur in these rows."
    return Metrics("binary", values, undefined, len(t), right.astype(np.float64))


def multiclass_metrics(y: Array, probabilities: Array) -> Metrics:
    """Return the metrics of several classes; the most probable one is predicted.

    Accuracy, balanced accuracy (mean recall of the classes that occur; undefined when only one does), macro F1 (mean
    over classes that occur or are predicted), log loss and expected calibration error.
    """
    from sklearn.metrics import f1_score, log_loss

    truth, p = np.asarray(y), np.asarray(probabilities, np.float64)
    truth = truth.reshape(-1) if truth.ndim == 2 and truth.shape[1] == 1 else truth
    _check(truth, p, truth.ndim == 1 and p.ndim == 2 and len(truth) == len(p) and p.shape[1] > 1)
    p = _as_probabilities(p)
    t = truth.astype(np.int64)
    if t.min() < 0 or t.max() >= p.shape[1]:
        raise DataError(Finding("D102", "", f"class numbers must be from 0 to {p.shape[1] - 1}."))
    predicted = p.argmax(axis=1)
    right = predicted == t
    sums = p.sum(axis=1, keepdims=True)
    values: dict[str, float | None] = {
        "accuracy": float(right.mean()),
        "balanced_accuracy": None,
        "macro_f1": float(f1_score(t, predicted, average="macro", zero_division=0.0)),
        "log_loss": float(log_loss(t, p / sums, labels=list(range(p.shape[1])))),
        "expected_calibration_error": expected_calibration_error(p.max(axis=1), right),
    }
    undefined = {}
    if len(np.unique(t)) > 1:
        values["balanced_accuracy"] = balanced_accuracy(t, predicted)
    else:
        undefined["balanced_accuracy"] = "Only one class occurs in these rows."
    return Metrics("multiclass", values, undefined, len(t), right.astype(np.float64))


def multilabel_metrics(y: Array, probabilities: Array) -> Metrics:
    """Return the metrics of labels that may hold together; each is predicted from 0.5 on.

    Accuracy (share of right labels), subset accuracy (share of rows with all labels right), macro F1 (mean over labels;
    0 for a label that neither occurs nor is predicted), mean average precision (over labels that occur) and log loss
    (mean over labels).
    """
    from sklearn.metrics import average_precision_score, f1_score

    truth, p = np.asarray(y), np.asarray(probabilities, np.float64)
    _check(truth, p, truth.ndim == 2 and truth.shape == p.shape)
    p = _as_probabilities(p)
    t = truth.astype(np.int64)
    predicted = (p >= HALF).astype(np.int64)
    right = predicted == t
    occurring = np.flatnonzero(t.any(axis=0))
    tiny = float(np.finfo(np.float64).eps)
    clipped = np.clip(p, tiny, 1 - tiny)
    values: dict[str, float | None] = {
        "accuracy": float(right.mean()),
        "subset_accuracy": float(right.all(axis=1).mean()),
        "macro_f1": float(np.mean([f1_score(t[:, k], predicted[:, k], zero_division=0.0) for k in range(t.shape[1])])),
        "mean_average_precision": None,
        "log_loss": float(-np.where(t == 1, np.log(clipped), np.log(1 - clipped)).mean()),
    }
    undefined = {}
    if len(occurring):
        scores = [average_precision_score(t[:, k], p[:, k]) for k in occurring]
        values["mean_average_precision"] = float(np.mean(scores))
    else:
        undefined["mean_average_precision"] = "No label occurs in these rows."
    return Metrics("multilabel", values, undefined, len(t), right.mean(axis=1))


def balanced_accuracy(y: Array, predicted: Array) -> float:
    """Return the mean recall of the classes that occur in ``y``, in [0, 1]."""
    return float(np.mean([np.mean(predicted[y == each] == each) for each in np.unique(y)]))


def expected_calibration_error(confidence: Array, correct: Array, *, bins: int = 15) -> float:
    """Return the gap between stated confidence and observed accuracy.

    Args:
        confidence: Probability given to the predicted class, in [0, 1], shape (samples,).
        correct: Whether the predicted class was the true one, shape (samples,).
        bins: Number of equal-width confidence bins; more bins, more noise.

    Returns:
        Sample-weighted mean gap over the non-empty bins, as a fraction in [0, 1].

    Raises:
        DataError: If there are no samples, the lengths differ or a confidence leaves [0, 1].

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.

    Examples:
        >>> round(expected_calibration_error(np.array([0.9, 0.6]), np.array([True, False])), 2)
        0.35
    """
    stated, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    _check(stated, right, stated.ndim == 1 and stated.shape == right.shape)
    stated = _as_probabilities(stated)
    # The bins are open to the left and closed to the right, as in the source.
    place = np.clip(np.ceil(stated * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=right - stated, minlength=bins)
    return float(np.abs(gaps).sum() / len(stated))


def _columns(table: Array) -> Array:
    return table[:, None] if table.ndim == 1 else table


def _check(y: Array, answers: Array, shapes_fit: bool) -> None:
    if not len(y):
        raise DataError(Finding("D102", "", "there are no rows to measure."))
    if not shapes_fit:
        raise DataError(Finding("D102", "", f"targets of shape {y.shape} and answers of {answers.shape} don't fit."))
    if not (np.isfinite(y).all() and np.isfinite(answers).all()):
        raise DataError(Finding("D102", "", "a target or an answer isn't a finite number."))


def _as_probabilities(p: Array) -> Array:
    slack = 1e-6  # float32 sums
    if p.min() < -slack or p.max() > 1 + slack:
        raise DataError(Finding("D102", "", f"probabilities must be from 0 to 1; found {p.min():g} to {p.max():g}."))
    return np.clip(p, 0.0, 1.0)


def _forecasting_metrics(y: Array, answers: Array) -> Metrics:
    return regression_metrics(y, answers, task="forecasting")


_MEASURES: Mapping[str, Callable[[Array, Array], Metrics]] = {
    "regression": regression_metrics,
    "forecasting": _forecasting_metrics,
    "binary": binary_metrics,
    "multiclass": multiclass_metrics,
    "multilabel": multilabel_metrics,
}
