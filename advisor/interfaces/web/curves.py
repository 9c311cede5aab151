"""The learning curve while a network trains: a small drawing made of two lines, as an ``<svg>`` element."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.report.wording import number

WIDTH, HEIGHT = 1000.0, 200.0
_MOST = 300
_LOG_RATIO = 10
"""Ratio of the highest loss to the lowest above which a linear drawing would flatten what is to be seen."""


@dataclass(frozen=True)
class Curve:
    """A learning curve, ready for a template.

    Attributes:
        network: Which network it is of.
        text: What can be seen in it.
        training: Points of the training loss, as an SVG polyline has them.
        validation: Points of the validation loss.
        low: Loss at the bottom of the drawing, in words.
        high: Loss at its top, in words.
        first: First epoch.
        last: Last epoch drawn.
        is_logarithmic: Whether equal steps of the drawing are equal factors of the loss.
        width: Width of the drawing, in its own units.
        height: Height of the drawing.
    """

    network: str
    text: str
    training: str
    validation: str
    low: str
    high: str
    first: int
    last: int
    is_logarithmic: bool = False
    width: float = WIDTH
    height: float = HEIGHT


def curve_of(network: str, epochs: Sequence[Mapping[str, Any]]) -> Curve | None:
    """Return the curve of some epochs; None while there is no finite loss.

    Args:
        network: Name of the network.
        epochs: What was told of each epoch: ``number``, ``loss``, ``val_loss``.
    """
    step = max(1, math.ceil(len(epochs) / _MOST))
    some = [each for place, each in enumerate(epochs) if place % step == 0 or place == len(epochs) - 1]
    losses = [float(each[key]) for each in some for key in ("loss", "val_loss") if _is_finite(each.get(key))]
    if not losses:
        return None
    low, high = min(losses), max(losses)
    is_logarithmic = low > 0 and high / low > _LOG_RATIO
    measure = math.log if is_logarithmic else float
    bottom = measure(low)
    span = measure(high) - bottom or abs(high) or 1.0
    first, last = int(some[0]["number"]), int(some[-1]["number"])

    def points(key: str) -> str:
        return " ".join(
            f"{_across(int(each['number']), first, last):.1f},{_down((measure(float(each[key])) - bottom) / span):.1f}"
            for each in some
            if _is_finite(each.get(key))
        )

    end = some[-1]
    text = (
        f"After epoch {last} of {network} the training loss is {number(end.get('loss'))} "
        f"and the validation loss {number(end.get('val_loss'))}."
    )
    lines = points("loss"), points("val_loss")
    return Curve(network, text, *lines, number(low, 3), number(high, 3), first, last, is_logarithmic)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _across(epoch: int, first: int, last: int) -> float:
    return WIDTH * ((epoch - first) / (last - first) if last > first else 0.5)


def _down(share: float) -> float:
    return HEIGHT * (1.0 - share)
