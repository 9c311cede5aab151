"""The way in: an explanation as text, Markdown or dictionary."""

from __future__ import annotations

from typing import Any

from advisor.explanation.outline import Outline, outline_of
from advisor.explanation.rendering import PLAIN, Style, render_markdown, render_text
from advisor.explanation.why import outline_of_why
from advisor.recommendation import Recommendation


class Explanation:
    """An explanation; text, Markdown and dictionary say the same.

    Attributes:
        outline: What is said.
    """

    __slots__ = ("outline",)

    def __init__(self, outline: Outline) -> None:
        """Hold the outline."""
        self.outline = outline

    def __str__(self) -> str:
        """Return the explanation as text of 80 columns."""
        return self.text()

    def text(self, *, width: int = 80, style: Style = PLAIN) -> str:
        """Return the explanation as text for a terminal.

        Args:
            width: Columns.
            style: How kinds of text are painted; nothing is painted without one.
        """
        return render_text(self.outline, width=width, style=style)

    def markdown(self) -> str:
        """Return the explanation as Markdown."""
        return render_markdown(self.outline)

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as a JSON-ready dictionary."""
        return self.outline.as_dict()


def explain(recommendation: Recommendation, *, brief: bool = False) -> Explanation:
    """Explain a whole recommendation.

    Args:
        recommendation: What to explain.
        brief: Keep one sentence of each reason.
    """
    return Explanation(outline_of(recommendation, brief=brief))


def why(recommendation: Recommendation, slot: str) -> Explanation:
    """Explain why a slot has its value, down to the facts of the problem.

    Raises:
        RequestError: If nothing is decided about the slot.
    """
    return Explanation(outline_of_why(recommendation, slot))
