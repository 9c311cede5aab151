"""What a user should know before using a recommendation: what pulls apart, what was given up, what isn't done yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.recommendation.cost import Estimate
from advisor.recommendation.plan import Step


@dataclass(frozen=True)
class Caution:
    """Something to know before using the recommendation.

    Attributes:
        code: Its stable code.
        message: What it is, in whole sentences.
        about: The fields and slots that it is about.
    """

    code: str
    message: str
    about: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the warning as a JSON-ready dictionary."""
        return {"code": self.code, "message": self.message, "about": list(self.about)}


def cautions_of(
    facts: Mapping[str, Any],
    values: Mapping[str, Any],
    plan: Sequence[Step],
    estimate: Estimate | None,
    withdrawn: Sequence[tuple[str, str, str]],
) -> tuple[Caution, ...]:
    """Return what should be said beside the decisions.

    Args:
        facts: Facts of the problem.
        values: Slot → value.
        plan: The plan, for what isn't carried out yet.
        estimate: Cost of the network, if it is known.
        withdrawn: Rules that held and were withdrawn: id, title, and the titles of the rules that withdrew them.
    """
    found: list[Caution] = []

    def warn(code: str, message: str, *about: str) -> None:
        found.append(Caution(code, message, about))

    for rule, title, by in withdrawn:
        warn("W101", f"Given up: “{title}”, because of “{by}”.", rule)
    _about_latency(facts, values, warn)
    wanted, layers = facts["hidden_layers"], values.get("hidden_layers")
    if wanted is not None and layers is not None and wanted != layers:
        warn(
            "W105",
            f"You asked for {wanted} hidden layers; {layers} are advised. To keep yours, edit the recommendation.",
            "hidden_layers",
        )
    budget = facts["size_budget_kb"]
    if budget is not None and estimate is not None and estimate.bytes > budget * 1000:
        warn(
            "W106",
            f"The weights alone take about {estimate.bytes / 1000:,.0f} kB, more than the size budget of "
            f"{budget:,g} kB. A smaller network, a lower precision or a sparse model is needed to meet it.",
            "size_budget_kb",
        )
    preferred = facts["preferred_optimizer"]
    if preferred is not None and values.get("optimizer") != preferred:
        warn("W107", f"You prefer {preferred}, but the rules decided otherwise.", "preferred_optimizer", "optimizer")
    preferred = facts["preferred_schedule"]
    if preferred is not None and values.get("learning_rate_schedule") != preferred:
        message = f"You prefer the schedule {preferred}, but the rules decided otherwise."
        warn("W108", message, "preferred_schedule", "learning_rate_schedule")
    waiting = [step for step in plan if step.status == "not_carried_out_yet"]
    if waiting:
        names = ", ".join(step.step.replace("_", " ") for step in waiting)
        slots = tuple(slot for step in waiting for slot in step.slots)
        warn("W110", f"Advised, but not carried out by this version: {names}.", *slots)
    return tuple(found)


def _about_latency(facts: Mapping[str, Any], values: Mapping[str, Any], warn: Any) -> None:
    budget = facts["latency_budget_ms"]
    is_fast = budget is not None or facts["latency_importance"] == "high"
    if is_fast and values.get("mc_dropout"):
        samples, fewest = values.get("mc_samples"), values.get("mc_minimum_samples")
        how_many = f" {samples} times" if samples else " many times"
        message = (
            f"Speed and certainty pull against each other: MC Dropout runs the network{how_many} for each prediction."
        )
        if budget is not None and fewest:
            message += (
                f" The latency budget decides how many passes are affordable. Below {fewest} the budget is kept, and "
                "what is sure of less takes their place: only the last layers are sampled, or one calibrated pass is "
                "made, which can't tell rows unlike all others. The run's own recommendation says which was needed."
            )
        warn("W102", message, "latency_budget_ms", "latency_importance", "risk_sensitive", "mc_dropout")
    if is_fast and facts["sparsity"] != "none":
        warn(
            "W103",
            "Zeros make the file smaller. They make predictions faster only where the runtime exploits them, so they "
            "count towards the latency only as measured.",
            "sparsity",
            "latency_budget_ms",
        )
    if budget is not None and facts["latency_importance"] == "low":
        warn(
            "W104",
            f"Latency is called unimportant, yet there is a budget of {budget:g} ms. "
            "The budget is kept as a requirement.",
            "latency_importance",
            "latency_budget_ms",
        )
