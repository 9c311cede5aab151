"""Explanations of a recommendation; they read it and change nothing.

``explain(recommendation)`` is the way in. Every explanation has ``text()``, ``markdown()`` and ``as_dict()``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.explanation.explain import (
    Explanation,
    RecommendationExplanation,
    certify,
    contrast,
    counterfactual,
    explain,
    given_up,
    what_if,
    why,
    why_not,
)
from advisor.explanation.rendering import Style

if TYPE_CHECKING:
    from advisor.explanation.graph import decision_graph_svg

__all__ = [
    "Explanation",
    "RecommendationExplanation",
    "Style",
    "certify",
    "contrast",
    "counterfactual",
    "decision_graph_svg",
    "explain",
    "given_up",
    "what_if",
    "why",
    "why_not",
]


def __getattr__(name: str) -> Any:
    """Import what draws when it's first asked for."""
    if name == "decision_graph_svg":
        from advisor.explanation.graph import decision_graph_svg

        return decision_graph_svg
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
