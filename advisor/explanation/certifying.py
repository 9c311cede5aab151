"""Hands a recommendation and its rulebook to the independent checker, and says what came of it."""

from __future__ import annotations

import json
from typing import Any

from advisor.explanation.certificate import objections
from advisor.explanation.outline import Entry, Outline, Section
from advisor.explanation.voice import counted
from advisor.knowledge import Rulebook, load_rulebook
from advisor.knowledge.canonical import content
from advisor.recommendation import Recommendation


def rulebook_data(rulebook: Rulebook) -> dict[str, Any]:
    """Return a rulebook as plain data, as the checker reads it; its digest is the rulebook's."""
    found: dict[str, Any] = json.loads(json.dumps(content(rulebook)))
    return found


def rulebook_for(recommendation: Recommendation, rulebook: str | Rulebook | None = None) -> Rulebook:
    """Return the rulebook to check against: the given one, or the one by which the recommendation was made."""
    if isinstance(rulebook, Rulebook):
        return rulebook
    if rulebook is None and recommendation.basis is not None:
        return recommendation.basis[0]
    return load_rulebook(recommendation.rulebook["name"] if rulebook is None else rulebook)


def certificate_outline(
    recommendation: Recommendation, rulebook: str | Rulebook | None = None
) -> tuple[Outline, dict[str, Any]]:
    """Return the verdict of the independent checker, for people and as data.

    Args:
        recommendation: What to check.
        rulebook: The rulebook, or its name or folder; by default the one that the recommendation names.

    Raises:
        KnowledgeError: If there is no such rulebook.
    """
    document = json.loads(recommendation.to_json(indent=None))
    found = objections(document, rulebook_data(rulebook_for(recommendation, rulebook)))
    book = document["rulebook"]
    data = {"is_certified": not found, "objections": found, "rulebook": book, "rules": len(document["trace"]["rules"])}
    named = f"{book['name']} {book['version']} (sha256 {book['sha256'][:12]}…)"
    if found:
        summary = f"The recommendation does not follow from {named}."
        return Outline(
            "Not certified", summary, (Section("Objections", tuple(Entry(reason=f"{each}.") for each in found)),)
        ), data
    number = counted(len(document["decisions"]), "decision", "decisions")
    summary = (
        f"Every decision follows from {named}. An independent check of {number} found that the rules said to apply are "
        "exactly those whose conditions hold, that each withdrawn rule was withdrawn by a standing one, and that no "
        "higher rule says otherwise."
    )
    return Outline("Certified", summary), data
