"""Where the training of a forecast starts: at the ridge solution."""

from __future__ import annotations

import numpy as np

from advisor.artifacts import Array, InputSpec, Part
from advisor.builder.namespace import Model
from advisor.builder.series_inputs import WIDE

STRENGTHS = (1.0, 10.0, 100.0, 1000.0, 10000.0)
"""Ridge strengths that are tried on the validation windows, with standardized changes."""


def start_forecast(core: Model, spec: InputSpec, scale: Array, train: Part, val: Part) -> float | None:
    """Give the wide path of a forecast the ridge solution, and let the recurrent part start from nothing.

    Every channel is one more example of the same map: from the changes of a window since its last value to the changes
    that follow. Nothing happens to other networks, or without a wide path.

    Args:
        core: The untrained network; changed in place.
        spec: What it reads.
        scale: Deviation of each channel, as in the statistics.
        train: Training windows.
        val: Validation windows, which choose the strength.

    Returns:
        The strength, or None where nothing was done.
    """
    if "horizon" not in spec.details or WIDE not in {layer.name for layer in core.layers}:
        return None
    x, y = _changes(train, spec, scale)
    x_val, y_val = _changes(val, spec, scale)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    gram, cross = (x - mean_x).T @ (x - mean_x), (x - mean_x).T @ (y - mean_y)
    best: tuple[float, float, Array, Array] | None = None
    for strength in STRENGTHS:
        kernel = np.linalg.solve(gram + strength * np.eye(len(gram)), cross)
        bias = mean_y - mean_x @ kernel
        error = float(((x_val @ kernel + bias - y_val) ** 2).mean())
        if best is None or error < best[0]:
            best = (error, strength, kernel, bias)
    assert best is not None  # STRENGTHS isn't empty
    core.get_layer(WIDE).set_weights([best[2].astype(np.float32), best[3].astype(np.float32)])
    output = core.get_layer("output")
    output.set_weights([np.zeros_like(each) for each in output.get_weights()])
    return best[1]


def _changes(part: Part, spec: InputSpec, scale: Array) -> tuple[Array, Array]:
    """Return windows and what follows as changes since the last value, (n · channels, window) and (…, horizon)."""
    channels, horizon = spec.shape[1], int(spec.details["horizon"])
    windows = part.x.astype(np.float64)
    last = windows[:, -1:, :]
    after = part.y.astype(np.float64).reshape(len(part), horizon, channels)
    x = ((windows - last) / scale).transpose(0, 2, 1).reshape(-1, spec.shape[0])
    y = ((after - last) / scale).transpose(0, 2, 1).reshape(-1, horizon)
    return x, y
