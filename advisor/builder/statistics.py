"""What preprocessing learns from the training rows: centers, scales, missing values, and the units of the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from advisor.artifacts import Array, InputSpec, Statistics
from advisor.builder.columns import EncodedColumn
from advisor.builder.kinds import inputs_of, spec_of
from advisor.builder.spread import spread
from advisor.errors import BuildError, Finding

NUMERIC_TASKS = ("regression", "forecasting")

_BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
_BOUND_MARGIN = 0.02
"""Part of the output range left free at either end when the bounds are only known from the data (a judgement):
an output at the very end of a sigmoid would need infinite weights."""


def target_scaling(target_scaling_value: str, output_activation: str) -> str:
    """Return how targets are scaled, given what the output can reach.

    An output activation fixes a range, and scaling must not move it:

    - ``linear`` reaches everything: ``standardize`` shifts and scales, ``scale`` only scales.
    - ``softplus`` reaches positive numbers: only scaling keeps them positive, so ``standardize`` becomes ``scale``.
    - ``sigmoid`` and ``tanh`` reach an interval: the bounds of the target are mapped on it (``interval``).
    """
    if target_scaling_value == "none" or output_activation == "linear":
        return target_scaling_value
    return "interval" if output_activation in _BOUNDS else "scale"


def fit_statistics(
    x_train: Array,
    inputs: InputSpec | Sequence[EncodedColumn],
    y_train: Array | None,
    task: str,
    scale_target: str,
    *,
    output_activation: str = "linear",
) -> Statistics:
    """Learn from the training rows, in float64, what preprocessing needs.

    Args:
        x_train: Encoded training rows, float32; for a table (rows, width), where NaN is missing in numbers, code 0 in
            codes.
        inputs: What the network reads; for a table the encoded columns are enough.
        y_train: Targets of a regression in the user's units, (rows,) or (rows, outputs); unread for other tasks.
        task: The problem's task.
        scale_target: The slot ``target_scaling``: ``standardize``, ``scale`` or ``none``.
        output_activation: The slot of that name; see :func:`target_scaling` for why it matters.

    Returns:
        Statistics. Constant columns have scale 1. A column without a single value has mean 0 and scale 1. Booleans
        and cyclic parts of dates have scale 1; their mean only stands in for missing values. Codes have
        mean 0 and scale 1. ``target_mean`` is what is subtracted from targets, ``target_scale`` what divides them:
        0 and 1 where nothing is scaled, None for classification.

    Raises:
        BuildError: If there are no rows, the width differs, an input is infinite, or targets lie where the output
            activation can't reach.
    """
    mean, scale, has_missing = inputs_of(spec_of(inputs)).fit_inputs(x_train, spec_of(inputs))
    if task not in NUMERIC_TASKS or y_train is None:
        return Statistics(mean, scale, has_missing)
    shift, factor = _fit_target(np.asarray(y_train, np.float64), scale_target, output_activation)
    return Statistics(mean, scale, has_missing, shift, factor)


def initial_output_bias(
    y_train: Array, statistics: Statistics, *, task: str, outputs: int, output_activation: str
) -> Array:
    """Return the output bias with which an untrained model predicts the mean or the class shares.

    Training then spends no steps on finding what can be counted. A judgement of this project, with the shares smoothed
    by one more row of each class so that none is zero.

    Args:
        y_train: Training targets as in :class:`advisor.artifacts.Part`, a regression's in the user's units.
        statistics: Statistics fitted on the same rows.
        task: The problem's task.
        outputs: Number of outputs, as for ``build_core``.
        output_activation: The slot of that name.

    Returns:
        Bias before the output activation, float32 (outputs,).
    """
    if task == "multiclass":
        counts = np.bincount(np.asarray(y_train, np.int64).ravel(), minlength=outputs).astype(np.float64) + 1.0
        logs = np.log(counts / counts.sum())
        return np.asarray(logs - logs.mean(), np.float32)
    y = np.asarray(y_train, np.float64).reshape(len(y_train), -1)
    if task in NUMERIC_TASKS:
        mean = y.mean(axis=0)
        if statistics.target_mean is not None and statistics.target_scale is not None:
            mean = (mean - statistics.target_mean) / statistics.target_scale
    else:
        mean = (y.sum(axis=0) + 1.0) / (len(y) + 2.0)
    if output_activation == "softplus":
        mean = np.maximum(mean, 1e-3)
        bias = mean + np.log(-np.expm1(-mean))
    elif output_activation == "sigmoid":
        mean = np.clip(mean, 1e-3, 1 - 1e-3)
        bias = np.log(mean / (1 - mean))
    elif output_activation == "tanh":
        bias = np.arctanh(np.clip(mean, -0.999, 0.999))
    else:
        bias = mean
    return np.asarray(bias, np.float32)


def _fit_target(y: Array, scale_target: str, output_activation: str) -> tuple[Array, Array]:
    y = y.reshape(len(y), -1)
    if not np.isfinite(y).all():
        raise BuildError(
            Finding("B107", "target", "some training targets are missing or infinite.", "Drop those rows.")
        )
    how = target_scaling(scale_target, output_activation)
    if how == "interval":
        shift, factor = _interval(y, *_BOUNDS[output_activation])
    elif how in TARGET_SCALINGS:
        shift, factor = TARGET_SCALINGS[how](y)
    else:
        allowed = ", ".join(TARGET_SCALINGS)
        raise BuildError(Finding("B102", "target_scaling", f"{how!r} can't be built; allowed: {allowed}."))
    _check_reach((y - shift) / factor, output_activation, y)
    return shift, factor


def _interval(y: Array, low: float, high: float) -> tuple[Array, Array]:
    """Map targets on [low, high]: as they are if they lie there already, else from their least to their greatest."""
    if y.min() >= low and y.max() <= high:
        return np.zeros(y.shape[1]), np.ones(y.shape[1])
    least, greatest = y.min(axis=0), y.max(axis=0)
    spread = np.where(greatest > least, greatest - least, 1.0)
    margin = _BOUND_MARGIN * (high - low)
    factor = spread / (high - low - 2 * margin)
    return least - (low + margin) * factor, factor


def _check_reach(scaled: Array, output_activation: str, y: Array) -> None:
    low, high = {"softplus": (0.0, np.inf), **_BOUNDS}.get(output_activation, (-np.inf, np.inf))
    if scaled.min() < low - 1e-9 or scaled.max() > high + 1e-9:
        raise BuildError(
            Finding(
                "B107",
                "target",
                f"targets from {y.min():g} to {y.max():g} can't be reached by a {output_activation} output, "
                f"which gives {low:g} to {high:g}.",
                "State the true target_range of the problem (unbounded, positive or bounded).",
            )
        )


def _as_they_are(y: Array) -> tuple[Array, Array]:
    return np.zeros(y.shape[1]), np.ones(y.shape[1])


def _scaled(y: Array) -> tuple[Array, Array]:
    return np.zeros(y.shape[1]), np.array([spread(each) for each in y.T])


def _standardized(y: Array) -> tuple[Array, Array]:
    return y.mean(axis=0), np.array([spread(each) for each in y.T])


TARGET_SCALINGS: Mapping[str, Callable[[Array], tuple[Array, Array]]] = {
    "standardize": _standardized,
    "scale": _scaled,
    "none": _as_they_are,
}
