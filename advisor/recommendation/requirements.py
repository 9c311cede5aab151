"""The requirements that a delivered model is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Requirement:
    """One number that the delivered model must keep.

    Attributes:
        name: ``latency``, ``size``, ``sparsity`` or ``metric_cost``.
        required: The number.
        unit: Its unit.
        comparison: Whether the measured number must be at most or at least that.
        measured_as: What is measured, in words.
        stated_by: ``problem`` when the user gave the number, ``rulebook`` when a rule did.
    """

    name: str
    required: float
    unit: str
    comparison: Literal["at_most", "at_least"]
    measured_as: str
    stated_by: Literal["problem", "rulebook"]

    def as_dict(self) -> dict[str, Any]:
        """Return the requirement as a JSON-ready dictionary."""
        return {
            "name": self.name,
            "required": self.required,
            "unit": self.unit,
            "comparison": self.comparison,
            "measured_as": self.measured_as,
            "stated_by": self.stated_by,
        }


def requirements_of(facts: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """Return the requirements in a problem and in what was decided for it."""
    found = []
    if facts["latency_budget_ms"] is not None:
        found.append(
            Requirement(
                "latency",
                facts["latency_budget_ms"],
                "ms",
                "at_most",
                "99th percentile of one raw-row prediction of the delivered model on this host, single thread, "
                "warmed up, at least 1,000 calls",
                "problem",
            )
        )
    if facts["size_budget_kb"] is not None:
        found.append(
            Requirement(
                "size", facts["size_budget_kb"], "kB", "at_most", "bytes of the delivered model / 1,000", "problem"
            )
        )
    target = facts["sparsity_target"]
    stated = target is not None
    if not stated and facts["sparsity"] != "none":
        target = values.get("sparsity_target")
    if target is not None:
        found.append(
            Requirement(
                "sparsity",
                target,
                "fraction",
                "at_least",
                "fraction of exactly zero weights in the kernels of the delivered model",
                "problem" if stated else "rulebook",
            )
        )
    allowed = values.get("allowed_metric_cost")
    if facts["target_device"] == "microcontroller" and allowed is not None:
        found.append(
            Requirement(
                "metric_cost",
                float(allowed),
                "fraction",
                "at_most",
                "share of the validation metric that integers throughout cost, against the same network in 32 bits",
                "rulebook",
            )
        )
    return tuple(found)
