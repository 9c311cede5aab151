"""What stated uncertainty is worth on the test rows: likelihood, calibration, coverage, strange rows, abstaining."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from advisor.artifacts import Array, Latency, Part
from advisor.pipeline.preparation import Prepared
from advisor.uncertainty import (
    ClassDistribution,
    Statement,
    ValueDistribution,
    bootstrap_band,
    calibration_error,
    class_loss,
    coverage,
    fit_noise,
    mixture_log_density,
    quality_by_coverage,
    reliability_bins,
    tempered,
)
from advisor.uncertainty.assessment import LEVELS

JUDGED_ROWS = 4096
"""Most rows of one kind that the noise is estimated on, and that networks are judged by: more cost time, not error."""
SHIFT = 3.0
"""Standard deviations by which the shifted copy of the test rows is moved: rows that training never saw."""

Answer = Callable[[Array], Array]


def shared_noise(
    prepared: Prepared, calibration: Part, answer: Answer, calibrating: Array, values: Mapping[str, Any]
) -> tuple[Array, Array]:
    """Return the noise of observations and its degrees of freedom, from all rows that were kept from training.

    The rows that the network was chosen by say as much about the noise as those that it is calibrated on, and a small
    table has few of either. What intervals cover still rests on the calibration rows alone.

    Args:
        prepared: Data and decisions; its validation rows are those for choosing.
        calibration: The rows to calibrate on.
        answer: From encoded rows to answers, (rows, samples, outputs).
        calibrating: The answers to the calibration rows.
        values: Slots of the recommendation.
    """
    chosen_by = prepared.bundle.val
    kept = slice(None, JUDGED_ROWS)
    answers = np.concatenate([answer(chosen_by.x[kept]), calibrating])
    width = answers.shape[2]
    y = np.concatenate([np.reshape(chosen_by.y[kept], (-1, width)), np.reshape(calibration.y, (-1, width))])
    return fit_noise(answers, y, values.get("noise_degrees_of_freedom") or ())


def assess(
    prepared: Prepared,
    statement: Statement,
    calibration: Part,
    answer: Answer,
    single: Answer,
    latency: Latency,
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """Measure what is stated on the test rows.

    Args:
        prepared: Data and decisions.
        statement: How the model states its uncertainty.
        calibration: The rows that it was calibrated on.
        answer: The sampled answers of encoded rows, (rows, samples, outputs).
        single: The single pass's answers, (rows, outputs), comparable with them.
        latency: Latency of one answer with its uncertainty.
        values: Slots of the recommendation.

    Returns:
        The section ``uncertainty`` of ``metrics.json``, JSON-ready.
    """
    test = prepared.bundle.test
    answers = answer(test.x)
    shifted = answer(shifted_rows(prepared, test.x))
    if statement.is_of_classes:
        measured = _assess_classes(statement, answers, shifted, single, test)
    else:
        plain_noise = shared_noise(
            prepared,
            calibration,
            lambda rows: single(rows)[:, None, :],
            single(calibration.x)[:, None, :],
            values,
        )
        measured = _assess_values(statement, plain_noise, answers, shifted, single, test)
    return {
        "method": statement.method,
        "samples": statement.samples,
        "calibration_rows": statement.calibration_rows,
        "latency": asdict(latency),
        "fastest": dict(statement.faster),
        **measured,
    }


def shifted_rows(prepared: Prepared, rows: Array) -> Array:
    """Return a copy that training never saw: numbers moved by three standard deviations, words in reverse order."""
    if np.issubdtype(rows.dtype, np.integer):
        if rows.ndim < 4:
            return np.asarray(rows[:, ::-1])
        spread = float(prepared.bundle.train.x[:1000].std())
        return np.clip(rows + SHIFT * spread, 0, np.iinfo(rows.dtype).max).astype(rows.dtype)
    scale = np.asarray(prepared.statistics.scale, np.float64)
    if rows.ndim == 2 and scale.shape == rows.shape[1:]:
        return np.asarray(rows + SHIFT * np.where(scale == 1.0, 0.0, scale), np.float32)
    spread = float(np.nanstd(prepared.bundle.train.x[:1000].astype(np.float64)))
    return np.asarray(rows + SHIFT * spread, rows.dtype)


def _assess_values(
    statement: Statement,
    plain_noise: tuple[Array, Array],
    answers: Array,
    shifted: Array,
    single: Answer,
    test: Part,
) -> dict[str, Any]:
    stated, strange = _values(statement, answers), _values(statement, shifted)
    y = np.asarray(test.y, np.float64).reshape(len(test), -1)
    plain = single(test.x)[:, None, :]
    uncalibrated = replace(stated, scores=np.zeros((0, y.shape[1])))
    levels = [level for level in LEVELS if level * (statement.calibration_rows + 1) <= statement.calibration_rows]
    covered = {}
    for level in levels:
        low, high = stated.interval(level)
        covered[f"{level:g}"] = {
            "calibrated": coverage(low, high, y),
            "gaussian": coverage(*uncalibrated.interval(level), y),
            "mean_width": float(np.mean(high - low)),
        }
    mean = np.asarray(answers.mean(axis=1, dtype=np.float64))
    errors = ((y - mean) ** 2).mean(axis=1)
    doubt = _per_row(stated.std)

    def rmse(rows: Array) -> float:
        return float(np.sqrt(errors[rows].mean()))

    return {
        "noise": list(statement.noise),
        "degrees_of_freedom": [each if np.isfinite(each) else None for each in statement.degrees],
        "test": {
            "rmse": rmse(np.arange(len(y))),
            "log_likelihood": float(stated.log_prob(y).mean()),
            "single_pass_rmse": float(np.sqrt(((y - plain[:, 0]) ** 2).mean())),
            "single_pass_log_likelihood": float(mixture_log_density(plain, plain_noise[0], y, plain_noise[1]).mean()),
        },
        "coverage": covered,
        "doubt": "std",
        "in_distribution": _summary(doubt, _per_row(stated.epistemic)),
        "out_of_distribution": _summary(_per_row(strange.std), _per_row(strange.epistemic)),
        "quality": "rmse",
        "quality_by_coverage": [list(each) for each in quality_by_coverage(doubt, rmse)],
    }


def _assess_classes(statement: Statement, answers: Array, shifted: Array, single: Answer, test: Part) -> dict[str, Any]:
    task, y = statement.task, test.y
    after, strange = _classes(statement, answers), _classes(statement, shifted)
    before = _classes(replace(statement, temperature=1.0), answers)
    plain = single(test.x)[:, None, :]
    once = ClassDistribution(tempered(plain, statement.single_temperature, task), task, after.classes)
    sure = {name: _confidence(each, y, task) for name, each in (("before", before), ("after", after))}
    right = sure["after"][1]

    def accuracy(rows: Array) -> float:
        return float(right[rows].mean()) if task != "multilabel" else float(right.reshape(len(y), -1)[rows].mean())

    return {
        "temperature": statement.temperature,
        "single_temperature": statement.single_temperature,
        "test": {
            "accuracy": accuracy(np.arange(len(y))),
            "log_likelihood": -class_loss(after.sampled, y, task),
            "uncalibrated_log_likelihood": -class_loss(before.sampled, y, task),
            "single_pass_log_likelihood": -class_loss(tempered(plain, 1.0, task), y, task),
            "calibrated_single_pass_log_likelihood": -class_loss(once.sampled, y, task),
        },
        "calibration": {
            **{name: _reliability(*each) for name, each in sure.items()},
            "single_pass": _reliability(*_confidence(once, y, task)),
        },
        "doubt": "entropy",
        "in_distribution": _summary(after.entropy, after.mutual_information),
        "out_of_distribution": _summary(strange.entropy, strange.mutual_information),
        "quality": "accuracy",
        "quality_by_coverage": [list(each) for each in quality_by_coverage(after.entropy, accuracy)],
    }


def _values(statement: Statement, answers: Array) -> ValueDistribution:
    stated = statement.distribution(answers)
    assert isinstance(stated, ValueDistribution)
    return stated


def _classes(statement: Statement, answers: Array) -> ClassDistribution:
    stated = statement.distribution(answers)
    assert isinstance(stated, ClassDistribution)
    return stated


def _confidence(stated: ClassDistribution, y: Array, task: str) -> tuple[Array, Array]:
    """Return the probability of each answer and whether it is right; labels count one by one."""
    p = stated.probabilities
    if task == "multilabel":
        return np.maximum(p, 1 - p).reshape(-1), ((p >= 0.5) == (np.asarray(y) >= 0.5)).reshape(-1).astype(float)
    return p.max(axis=1), (p.argmax(axis=1) == np.asarray(y).reshape(-1).astype(np.int64)).astype(float)


def _reliability(confidence: Array, right: Array) -> dict[str, Any]:
    low, high = bootstrap_band(lambda rows: calibration_error(confidence[rows], right[rows]), len(right))
    return {
        "expected_calibration_error": calibration_error(confidence, right),
        "band_90": [low, high],
        "bins": [list(each) for each in reliability_bins(confidence, right)],
    }


def _per_row(table: Array) -> Array:
    return table if table.ndim == 1 else np.asarray(table.mean(axis=1))


def _summary(whole: Array, epistemic: Array) -> Mapping[str, float]:
    return {"mean": float(np.mean(whole)), "epistemic": float(np.mean(epistemic))}
