"""What the user stated, completed by what was measured; what the user stated wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.problem.conditions import holds
from advisor.problem.contradictions import contradictions
from advisor.problem.vocabulary import FACTS


def complete_facts(
    stated: Mapping[str, Any], measured: Mapping[str, Any], how: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the facts that were stated, completed by measured ones.

    A measured fact is left out when the user stated it, when it makes no sense beside what was stated (such as a
    range of the target for a classification), or when it would contradict what was stated.

    Args:
        stated: Facts that the user stated.
        measured: Facts that were measured.
        how: For each measured fact, how it was measured.

    Returns:
        The facts of the problem (not checked yet), and for each measured one how it was measured.
    """
    facts = {**{name: fact.default for name, fact in FACTS.items()}, **measured, **stated}
    used = {
        name: value
        for name, value in measured.items()
        if name not in stated and name in FACTS and holds(FACTS[name].asked_when, facts)
    }
    if facts["task"] is not None:
        defaults = {name: fact.default for name, fact in FACTS.items()}
        for name in list(used):
            trial = {**defaults, **used, **stated}
            if FACTS[name].accepts(used[name]) and any(
                finding.place == name for finding in contradictions(trial, {*used, *stated})
            ):
                del used[name]
    return {**used, **stated}, {name: how.get(name, "") for name in used}
