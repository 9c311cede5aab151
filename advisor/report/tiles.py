"""The few numbers that a report opens with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from advisor.report.inputs import NETWORK, ReportInputs
from advisor.report.verdict import metric_title
from advisor.report.wording import number, size


@dataclass(frozen=True)
class Tile:
    """One number.

    Attributes:
        title: What it is.
        value: The number, with its unit.
        note: What to compare it with; may be empty.
    """

    title: str
    value: str
    note: str = ""


def tiles(inputs: ReportInputs) -> list[Tile]:
    """Return what is asked first about a delivered network: how good, how fast, how large, and whether that is enough.

    Args:
        inputs: Everything that the page says.
    """
    return [*_quality(inputs), *_latency(inputs), *_size(inputs), *_kept(inputs)]


def _quality(inputs: ReportInputs) -> list[Tile]:
    metrics = inputs.metrics
    values = {score.name: score.values.get(metrics.primary, math.nan) for score in metrics.scores}
    own = values.pop(NETWORK, math.nan)
    if not math.isfinite(own):
        return []
    others = [value for value in values.values() if math.isfinite(value)]
    best = (max if metrics.greater_is_better else min)(others) if others else None
    title = f"{metric_title(metrics, metrics.primary)}, {metrics.part} rows"
    note = "" if best is None else f"the best simpler model: {number(best)}"
    return [Tile(title, f"{number(own)} {metrics.unit}".strip(), note)]


def _latency(inputs: ReportInputs) -> list[Tile]:
    if inputs.latency is None:
        return []
    median = f"median {number(inputs.latency.p50_ms, 3)} ms"
    return [Tile("One prediction, 99th percentile", f"{number(inputs.latency.p99_ms, 3)} ms", median)]


def _size(inputs: ReportInputs) -> list[Tile]:
    if not inputs.artifacts:
        return []
    smallest = min(inputs.artifacts, key=lambda item: item.bytes)
    parameters = "" if inputs.parameters is None else f"{inputs.parameters:,} trainable parameters"
    return [Tile("Smallest delivered file", size(smallest.bytes), parameters)]


def _kept(inputs: ReportInputs) -> list[Tile]:
    if not inputs.verdicts:
        return []
    met = sum(verdict.met for verdict in inputs.verdicts)
    missed = len(inputs.verdicts) - met
    note = "each measured on the delivered model" if not missed else f"✗ {missed} missed"
    return [Tile("Stated requirements met", f"{met} of {len(inputs.verdicts)}", note)]
