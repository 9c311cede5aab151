"""Whether each requirement is met: only ever said of something measured on the delivered artefact."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.artifacts import Latency, Verdict
from advisor.errors import Finding, RequestError

_COMPARISONS = ("at_most", "at_least")


@dataclass(frozen=True)
class Measurement:
    """One number measured on the delivered artefact.

    Attributes:
        value: The number.
        unit: Its unit; must be the requirement's.
        how: How it was measured, in one sentence.
    """

    value: float
    unit: str
    how: str


def latency_measurement(latency: Latency) -> Measurement:
    """Return a measured latency as what a latency budget is compared with: the 99th percentile."""
    how = (
        f"99th percentile of {latency.calls} single-row predictions after warming up, on one thread; "
        f"the median was {latency.p50_ms:.4g} ms ({latency.host})."
    )
    return Measurement(latency.p99_ms, "ms", how)


def size_measurement(size_bytes: int, artifact: str) -> Measurement:
    """Return a measured size as what a size budget is compared with: thousands of bytes."""
    return Measurement(size_bytes / 1000, "kB", f"Bytes of {artifact} on disk, {size_bytes}, divided by 1,000.")


def sparsity_measurement(fraction: float, artifact: str) -> Measurement:
    """Return a measured sparsity as what a sparsity target is compared with."""
    return Measurement(fraction, "fraction", f"Fraction of exact zeros in the kernels of {artifact}.")


def metric_cost_measurement(cost: float, before: float, after: float) -> Measurement:
    """Return what a precision costs as what the allowed cost is compared with: a share of the validation metric."""
    how = f"Validation metric of the network in 32 bits, {before:.4g}, and of the delivered file, {after:.4g}."
    return Measurement(cost, "fraction", how)


def verdicts(requirements: Sequence[Mapping[str, Any]], measurements: Mapping[str, Measurement]) -> tuple[Verdict, ...]:
    """Compare every requirement with what was measured.

    Args:
        requirements: As in a recommendation: ``name``, ``required``, ``unit``, ``comparison`` (at_most or at_least).
        measurements: Name of the requirement → measurement.

    Returns:
        One verdict for each requirement, in their order.

    Raises:
        RequestError: If a requirement was not measured, its comparison is unknown, or the units differ: there is no
            verdict then, rather than a guess.
    """
    found, findings = [], []
    for requirement in requirements:
        name, required, unit = str(requirement["name"]), float(requirement["required"]), str(requirement["unit"])
        comparison = str(requirement["comparison"])
        measured = measurements.get(name)
        if comparison not in _COMPARISONS:
            findings.append(Finding("R120", name, f"unknown comparison {comparison!r}; allowed: at_most, at_least."))
        elif measured is None or not math.isfinite(measured.value):
            findings.append(Finding("R120", name, "the requirement was not measured, so nothing can be said about it."))
        elif measured.unit != unit:
            findings.append(Finding("R120", name, f"required in {unit!r}, but measured in {measured.unit!r}."))
        else:
            met = measured.value <= required if comparison == "at_most" else measured.value >= required
            found.append(Verdict(name, required, measured.value, unit, met, measured.how))
    if findings:
        raise RequestError(*findings)
    return tuple(found)
