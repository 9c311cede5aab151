"""The problem: its vocabulary, its strict JSON form, and what in it contradicts itself.

``Problem`` is imported when it is first used: deciding needs only its facts, and pydantic takes its time to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.problem.checking import check_facts
from advisor.problem.contradictions import CONTRADICTIONS, Contradiction
from advisor.problem.facts import FactType
from advisor.problem.merging import complete_facts
from advisor.problem.vocabulary import FACTS

if TYPE_CHECKING:
    from advisor.problem.problem import Problem

__all__ = ["CONTRADICTIONS", "FACTS", "Contradiction", "FactType", "Problem", "check_facts", "complete_facts"]


def __getattr__(name: str) -> Any:
    """Import ``Problem`` when it is first asked for."""
    if name == "Problem":
        from advisor.problem.problem import Problem

        return Problem
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
