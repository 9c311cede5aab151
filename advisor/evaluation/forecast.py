"""What a forecast must beat on the same windows: repeating the last value or season, and ridge regression."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from advisor.artifacts import Array, DataBundle, InputSpec, Part
from advisor.evaluation.baselines import Baseline
from advisor.evaluation.metrics import measure

RIDGE_STRENGTHS = (1.0, 10.0, 100.0, 1000.0, 10000.0)


def measure_forecast_baselines(bundle: DataBundle, spec: InputSpec) -> tuple[Baseline, ...]:
    """Measure the usual simple forecasts on the test windows.

    Args:
        bundle: Windows; targets are steps times channels, step by step.
        spec: What a forecast reads; its details name ``horizon`` and ``season`` (0 without one).

    Returns:
        ``naive`` (the last value again), ``seasonal_naive`` (the last season again, where there is one that the window
        holds) and ``ridge`` (a linear map of the changes of each channel, the same for all; its strength is chosen on
        the validation windows).
    """
    horizon, season = int(spec.details["horizon"]), int(spec.details.get("season", 0))
    made: list[tuple[str, str, Callable[[], Callable[[Array], Array]], int]] = [
        ("naive", "the last value again", lambda: lambda x: repeat_last(x, horizon), 0)
    ]
    if 0 < season <= spec.shape[0]:
        made.append(("seasonal_naive", "the last season again", lambda: lambda x: repeat_season(x, horizon, season), 0))
    made.append(("ridge", "ridge regression", lambda: _fit_ridge(bundle, horizon), len(bundle.train)))
    baselines = []
    for name, title, fit, rows in made:
        started = time.perf_counter()
        answers = fit()(bundle.test.x)
        seconds = time.perf_counter() - started
        baselines.append(Baseline(name, title, measure(bundle.task, bundle.test.y, answers), seconds, rows))
    return tuple(baselines)


def repeat_last(x: Array, horizon: int) -> Array:
    """Return the last value of each channel for every step, (n, horizon · channels)."""
    return np.repeat(x[:, -1:, :], horizon, axis=1).reshape(len(x), -1)


def repeat_season(x: Array, horizon: int, season: int) -> Array:
    """Return the last season of each channel again and again, (n, horizon · channels)."""
    places = x.shape[1] - season + np.arange(horizon) % season
    return np.asarray(x[:, places, :]).reshape(len(x), -1)


def standardized_errors(y: Array, answers: Array, scale: Array) -> tuple[float, float]:
    """Return mean squared and mean absolute error in standard deviations of each channel.

    Args:
        y: What came, (n, horizon · channels).
        answers: What was forecast, likewise.
        scale: Deviation of each channel on the training rows, (channels,).
    """
    difference = (np.asarray(answers, np.float64) - y).reshape(len(y), -1, len(scale)) / scale
    return float((difference**2).mean()), float(np.abs(difference).mean())


def _fit_ridge(bundle: DataBundle, horizon: int) -> Callable[[Array], Array]:
    scale = bundle.train.x.astype(np.float64).std(axis=(0, 1))
    scale = np.where(scale > 0, scale, 1.0)
    x, y = _changes(bundle.train, horizon, scale)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    gram, cross = (x - mean_x).T @ (x - mean_x), (x - mean_x).T @ (y - mean_y)
    x_val, y_val = _changes(bundle.val, horizon, scale)
    kernels = [np.linalg.solve(gram + strength * np.eye(len(gram)), cross) for strength in RIDGE_STRENGTHS]
    errors = [float((((x_val - mean_x) @ kernel + mean_y - y_val) ** 2).mean()) for kernel in kernels]
    kernel = kernels[int(np.argmin(errors))]

    def predict(windows: Array) -> Array:
        last = windows[:, -1:, :].astype(np.float64)
        changes = ((windows - last) / scale).transpose(0, 2, 1)
        after = ((changes - mean_x) @ kernel + mean_y).transpose(0, 2, 1) * scale + last
        return np.asarray(after.reshape(len(windows), -1))

    return predict


def _changes(part: Part, horizon: int, scale: Array) -> tuple[Array, Array]:
    windows = part.x.astype(np.float64)
    last = windows[:, -1:, :]
    after = part.y.astype(np.float64).reshape(len(part), horizon, -1)
    x = ((windows - last) / scale).transpose(0, 2, 1).reshape(-1, windows.shape[1])
    return x, ((after - last) / scale).transpose(0, 2, 1).reshape(-1, horizon)
