"""What an explanation rests on beside the document: the rulebook, and what it decided for the facts."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from advisor.errors import Finding, ProblemError, RequestError
from advisor.inference import Inference, Trace, decide, trace
from advisor.knowledge import Rulebook, load_rulebook
from advisor.knowledge.rulebook import DECIDED
from advisor.recommendation import Recommendation, recommend


@dataclass(frozen=True)
class Grounds:
    """A rulebook and what it decided for some facts.

    Attributes:
        rulebook: The rulebook.
        inference: What it decided.
        stated: Names of the facts that were stated.
        measured: Facts that were measured on data, and how.
    """

    rulebook: Rulebook
    inference: Inference
    stated: AbstractSet[str]
    measured: Mapping[str, str]

    @property
    def facts(self) -> Mapping[str, Any]:
        """Every fact of the problem."""
        return self.inference.facts

    @cached_property
    def trace(self) -> Trace:
        """Why everything is as it is."""
        return trace(self.rulebook, self.inference.facts, self.inference)

    @cached_property
    def everything(self) -> dict[str, Any]:
        """The value of every readable name."""
        values: dict[str, Any] = {**self.inference.facts, **self.inference.derived, **self.inference.computed}
        values.update((DECIDED + slot, value) for slot, value in self.inference.values.items())
        return values

    def with_changes(self, changes: Mapping[str, Any]) -> Recommendation:
        """Return what is advised when some facts are different.

        Args:
            changes: Facts by name with their other values.

        Raises:
            ProblemError: If the changed facts are no valid problem.
        """
        problem = {name: value for name, value in self.facts.items() if name in self.stated} | dict(changes)
        measured = {name: how for name, how in self.measured.items() if name not in changes}
        return recommend(problem, self.rulebook, measured=measured)

    def without(self, fact: str) -> Recommendation:
        """Return what is advised when a fact is not stated, and with it those that would contradict its absence."""
        left = {name: value for name, value in self.facts.items() if name in self.stated and name != fact}
        while True:
            try:
                measured = {name: how for name, how in self.measured.items() if name in left}
                return recommend(left, self.rulebook, measured=measured)
            except ProblemError as error:
                contradicting = {finding.place for finding in error.findings}
                if contradicting.isdisjoint(left):
                    raise
                left = {name: value for name, value in left.items() if name not in contradicting}


def grounds_of(recommendation: Recommendation, rulebook: str | Rulebook | None = None) -> Grounds:
    """Return what a recommendation rests on.

    Args:
        recommendation: The recommendation; one that was read from JSON names its rulebook.
        rulebook: The rulebook, or its name or folder, where it isn't found by the recommendation's own word.

    Raises:
        KnowledgeError: If there is no such rulebook.
        RequestError: If the rulebook has changed since.
    """
    if recommendation.basis is not None and rulebook is None:
        return Grounds(*recommendation.basis)
    named = recommendation.rulebook
    if not isinstance(rulebook, Rulebook):
        rulebook = load_rulebook(named["name"] if rulebook is None else rulebook)
    if rulebook.sha256 != named["sha256"]:
        message = (
            f"the recommendation was made by {named['name']} {named['version']} ({named['sha256'][:12]}…), "
            f"but this rulebook is {rulebook.name} {rulebook.version} ({rulebook.sha256[:12]}…)."
        )
        hint = "Recommend again with this rulebook, or name the rulebook's folder with --rulebook."
        raise RequestError(Finding("R141", "rulebook", message, hint))
    facts = {name: fact.default for name, fact in rulebook.facts.items()} | dict(recommendation.document["problem"])
    origins = recommendation.trace["facts"]
    return Grounds(
        rulebook,
        decide(rulebook, facts),
        frozenset(name for name in facts if origins.get(name, {"origin": "given"})["origin"] != "default"),
        {name: each["how"] for name, each in origins.items() if each["origin"] == "measured"},
    )
