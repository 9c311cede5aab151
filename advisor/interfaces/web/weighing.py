"""What would be advised otherwise: for a highlighted answer, and for the fields that a visitor tries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from advisor.explanation import what_if
from advisor.explanation.wording import say_value
from advisor.interfaces.web.state import Visit
from advisor.interfaces.wizard.machine import answer, complete
from advisor.problem import FACTS
from advisor.problem.facts import Value

if TYPE_CHECKING:
    from advisor.knowledge import Rulebook
    from advisor.recommendation import Recommendation


def tried(visit: Visit, values: Mapping[str, Value]) -> tuple[Visit, tuple[str, ...]]:
    """Return a visit with some answers changed, and the titles of the answers that no longer fit and were dropped.

    Raises:
        ProblemError: If a value is not allowed, or contradicts what stays.
    """
    interview = visit.interview
    dropped: list[str] = []
    for name, value in values.items():
        interview, gone = answer(interview, name, value)
        dropped += gone
    return replace(visit, interview=interview), tuple(FACTS[name].title for name in dropped)


def changes_of(visit: Visit, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return every fact that differs once some answers are changed, those included that are dropped with them.

    Raises:
        ProblemError: If a value is not allowed, or contradicts what stays.
    """
    then, _ = tried(visit, values)
    now = complete(visit.interview)
    return {name: value for name, value in complete(then.interview).items() if value != now[name]}


def difference(found: Recommendation, changes: Mapping[str, Value], book: Rulebook) -> dict[str, Any]:
    """Return what would be advised otherwise.

    Args:
        found: The recommendation as it is.
        changes: Facts with their other values.
        book: The rulebook that decided.

    Returns:
        The summary in a sentence, the tables, and the decisions that change as (title, before, after).
    """
    if not changes:
        return {"summary": "That is the problem as it is: nothing changes.", "tables": [], "decisions": []}
    told = what_if(found, changes, rulebook=book)
    titles = told.data["titles"]
    return {
        "summary": told.outline.summary,
        "tables": [
            {
                "title": section.title,
                "columns": section.table.columns if section.table else (),
                "rows": section.table.rows if section.table else (),
                "entries": [entry.reason for entry in section.entries],
            }
            for section in told.outline.sections
        ],
        "decisions": [
            (titles[each["name"]], say_value(each["before"]), say_value(each["after"]))
            for each in told.data["decisions"]
        ],
    }
