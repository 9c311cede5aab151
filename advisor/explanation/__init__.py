"""Explanations of a recommendation; they read it and change nothing."""

from advisor.explanation.explain import Explanation, explain, why
from advisor.explanation.rendering import Style

__all__ = ["Explanation", "Style", "explain", "why"]
