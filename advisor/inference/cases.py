"""Replaying the cases of a rulebook: what each rule was written for must still come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from advisor.errors import Finding, InferenceError
from advisor.inference.engine import compiled
from advisor.knowledge.conditions import show

if TYPE_CHECKING:
    from advisor.knowledge.domains import Value
    from advisor.knowledge.rulebook import Case, Rule, Rulebook


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case.

    Attributes:
        rule: The rule that it belongs to.
        case: The case.
        findings: What came out otherwise than expected; empty when the case passes.
    """

    rule: Rule
    case: Case
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.findings


def complete_facts(rulebook: Rulebook, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return given facts with the defaults of the others."""
    return {name: given.get(name, fact.default) for name, fact in rulebook.facts.items()}


def run_cornerstones(
    rulebook: Rulebook, complete: Callable[[Mapping[str, Value]], Mapping[str, Any]] | None = None
) -> tuple[CaseResult, ...]:
    """Replay every case of every rule.

    Args:
        rulebook: The rulebook.
        complete: Function from given facts to all facts; by default the vocabulary's defaults are added.

    Returns:
        One result for each case, in the order of the rules.
    """
    results = []
    for rule in rulebook.rules:
        for case in rule.cases:
            facts = complete_facts(rulebook, case.given) if complete is None else complete(case.given)
            results.append(CaseResult(rule, case, tuple(_findings(rulebook, rule, case, facts))))
    return tuple(results)


def _findings(rulebook: Rulebook, rule: Rule, case: Case, facts: Mapping[str, Any]) -> list[Finding]:
    try:
        inference = compiled(rulebook).decide(facts)
    except InferenceError as error:
        return [
            Finding(each.code, str(case.place), f"{case.name} of rule {rule.id!r}: {each.message}")
            for each in error.findings
        ]
    came: dict[str, Any] = {**inference.derived, **inference.values}
    found = [
        Finding(
            "K130",
            str(case.place),
            f"{case.name} of rule {rule.id!r} fails: {name!r} is {show(came[name])}, expected {show(expected)}",
        )
        for name, expected in case.expect.items()
        if came[name] != expected
    ]
    holding = inference.holds[rulebook.positions[rule.id]]
    if case.name == "cornerstone" and not holding:
        found.append(
            Finding("K130", str(case.place), f"cornerstone of rule {rule.id!r} fails: the rule doesn't hold there")
        )
    if case.name == "contrast" and holding and rule.when.parts:
        message = f"contrast of rule {rule.id!r} fails: the rule holds there"
        found.append(Finding("K130", str(case.place), message, "A contrast is a problem for which the rule is silent."))
    return found
