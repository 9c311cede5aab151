"""Series: channels standardized inside the model, padding flagged; windows for forecasts without their level."""

from __future__ import annotations

from typing import Any

import numpy as np

from advisor.artifacts import Array, InputSpec, Statistics
from advisor.builder.blueprint import Blueprint
from advisor.builder.kinds import Head, Prepare
from advisor.builder.namespace import Model, Namespace, Tensor, floats, program_keras
from advisor.builder.recurrent_layers import recurrent_layer_classes
from advisor.builder.serving import CORE, Serving
from advisor.builder.spread import spread
from advisor.errors import BuildError, Finding

SERIES = "series"
WINDOW = "window"
STANDARDIZED = "standardized_steps"
SEGMENTS = "segments"
WIDE = "wide_forecast"
FORECASTS = "forecasts"


def fit_inputs(x_train: Array, spec: InputSpec) -> tuple[Array, Array, Array]:
    """Learn mean and deviation of each channel over all steps that exist, in float64.

    Raises:
        BuildError: If there are no series, or their shape differs.
    """
    if x_train.shape[1:] != spec.shape or not len(x_train):
        raise BuildError(
            Finding("B105", "", f"the training series have shape {x_train.shape}, wanted (rows, {spec.shape}).")
        )
    channels = [
        x_train[..., index][~np.isnan(x_train[..., index])].astype(np.float64) for index in range(spec.shape[1])
    ]
    mean = np.array([values.mean() if len(values) else 0.0 for values in channels])
    scale = np.array([spread(values) if len(values) else 1.0 for values in channels])
    return mean, scale, np.zeros(spec.shape[1], dtype=bool)


def draw_up_preparation(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Prepare:
    """Return the function that appends standardization, with padding flagged, or cuts windows into segments.

    Raises:
        BuildError: If the statistics are of other series, or the architecture reads no steps.
    """
    if len(statistics.mean) != spec.shape[1]:
        raise BuildError(
            Finding("B105", "", f"the statistics describe {len(statistics.mean)} channels, not {spec.shape[1]}.")
        )
    if blueprint.architecture != "recurrent":
        raise BuildError(
            Finding(
                "B102", "architecture", f"{blueprint.architecture!r} can't be built for series; allowed: recurrent."
            )
        )
    factor = floats(1.0 / statistics.scale)

    def prepare(keras: Namespace, features: Tensor) -> Tensor:
        layers = recurrent_layer_classes(keras)
        if "horizon" in spec.details:
            return layers.windows(factor=factor, segment=spec.details["segment"], name=SEGMENTS)(features)
        return layers.standardize_steps(center=floats(statistics.mean), factor=factor, name=STANDARDIZED)(features)

    return prepare


def draw_up_head(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Head | None:
    """Return how the answers for each channel become forecasts; None where series have a label.

    The output layer answers for one channel at a time, with the same weights for all. A wide path, a linear map of
    the window that training leaves alone (see :mod:`advisor.builder.series_start`), is added to it, and then the
    channel's last value.
    """
    if "horizon" not in spec.details:
        return None
    horizon, channels = int(spec.details["horizon"]), spec.shape[1]
    shift = statistics.target_mean if statistics.target_mean is not None else np.zeros(horizon * channels)
    scale = statistics.target_scale if statistics.target_scale is not None else np.ones(horizon * channels)

    def finish(keras: Namespace, features: Tensor, prepared: Tensor, answer: Tensor) -> Tensor:
        if blueprint.wide_path:
            flat = keras.layers.Flatten(name="whole_window")(prepared)
            wide = keras.layers.Dense(horizon, kernel_initializer="zeros", trainable=False, name=WIDE)(flat)
            answer = keras.layers.Add(name="wide_and_recurrent")([answer, wide])
        return recurrent_layer_classes(keras).forecasts(
            channels=list(range(channels)),
            spread=floats(statistics.scale),
            shift=floats(shift),
            scale=floats(scale),
            name=FORECASTS,
        )([answer, features])

    return Head(horizon, finish)


def build_serving(core: Model, spec: InputSpec) -> Serving:
    """Put a model with the input ``series`` (or ``window``) around the core: float32 (rows, steps, channels).

    A step of ``series`` whose values are all NaN is padding.
    """
    keras = program_keras()
    name = WINDOW if "horizon" in spec.details else SERIES
    raw = keras.Input(shape=spec.shape, name=name, dtype="float32")
    inner = keras.Model(core.inputs[0], core.outputs[0], name=CORE)
    model: Any = keras.Model({name: raw}, inner(raw), name="serving")
    return Serving(model, {name: name}, {name: "float32"})
