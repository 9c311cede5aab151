"""The way in: explanations as text, Markdown or dictionary, all of which say the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from advisor.explanation.outline import Outline, outline_of
from advisor.explanation.rendering import PLAIN, Style, render_markdown, render_text
from advisor.explanation.why import outline_of_why, why_data
from advisor.recommendation import Recommendation

if TYPE_CHECKING:
    from advisor.knowledge import Rulebook

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Explanation:
    """An explanation; text, Markdown and dictionary say the same.

    Attributes:
        outline: What is said.
        data: The same for programs, where there is more to it than words.
    """

    __slots__ = ("data", "outline")

    def __init__(self, outline: Outline, data: Mapping[str, Any] = _NOTHING) -> None:
        """Hold the outline and its data."""
        self.outline = outline
        self.data = data

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
        """Return the explanation as a JSON-ready dictionary; ``data`` is there where programs need more than words."""
        told = self.outline.as_dict()
        if self.data:
            told["data"] = dict(self.data)
        return told


class RecommendationExplanation(Explanation):
    """The explanation of a whole recommendation, of which further questions can be asked.

    Examples:
        >>> from advisor.recommendation import recommend
        >>> told = explain(recommend({"task": "binary", "architecture": "dense_stack", "sparsity": "sparse"}))
        >>> told.counterfactual("activation", "selu").data["sets"][0][0]["fact"]
        'sparsity'

    Attributes:
        outline: What is said.
        data: Nothing; the recommendation itself is the data.
        recommendation: What is explained.
    """

    __slots__ = ("recommendation",)

    def __init__(self, outline: Outline, recommendation: Recommendation) -> None:
        """Hold the outline and the recommendation."""
        super().__init__(outline)
        self.recommendation = recommendation

    def why(self, slot: str) -> Explanation:
        """Explain why a slot has its value; see :func:`why`."""
        return why(self.recommendation, slot)

    def why_not(self, slot: str, value: Any) -> Explanation:
        """Explain why a slot doesn't have another value; see :func:`why_not`."""
        return why_not(self.recommendation, slot, value)

    def what_if(self, **changes: Any) -> Explanation:
        """Tell what would be advised if some facts were different; see :func:`what_if`."""
        return what_if(self.recommendation, changes)

    def counterfactual(self, slot: str, value: Any, *, fixed: Collection[str] = ()) -> Explanation:
        """Tell what would have to be different for a wanted value; see :func:`counterfactual`."""
        return counterfactual(self.recommendation, slot, value, fixed=fixed)

    def contrast(self, other: Recommendation) -> Explanation:
        """Set another recommendation beside this one; see :func:`contrast`."""
        return contrast(self.recommendation, other)

    def given_up(self) -> Explanation:
        """Tell what pulled against what, which won, and what it costs; see :func:`given_up`."""
        return given_up(self.recommendation)

    def certify(self) -> Explanation:
        """Have the recommendation checked independently; see :func:`certify`."""
        return certify(self.recommendation)

    def graph(self, slot: str | None = None) -> str:
        """Return the decisions, or those behind one slot, drawn as SVG; see :func:`decision_graph_svg`."""
        from advisor.explanation.graph import decision_graph_svg

        return decision_graph_svg(self.recommendation.document, slot=slot)


def explain(recommendation: Recommendation, *, brief: bool = False) -> RecommendationExplanation:
    """Explain a whole recommendation.

    Args:
        recommendation: What to explain.
        brief: Keep one sentence of each reason.

    Returns:
        The explanation; ask it further: ``.why(slot)``, ``.why_not(slot, value)``, ``.what_if(field=value)``,
        ``.counterfactual(slot, value)``, ``.contrast(other)``, ``.given_up()``, ``.certify()``, ``.graph()``.
    """
    return RecommendationExplanation(outline_of(recommendation, brief=brief), recommendation)


def why(recommendation: Recommendation, slot: str) -> Explanation:
    """Explain why a slot has its value, down to the facts of the problem.

    Raises:
        RequestError: If nothing is decided about the slot.
    """
    return Explanation(outline_of_why(recommendation, slot), why_data(recommendation, slot))


def why_not(
    recommendation: Recommendation, slot: str, value: Any, *, rulebook: str | Rulebook | None = None
) -> Explanation:
    """Explain why a slot doesn't have another value: which rules would have set it, and what kept them from it.

    Args:
        recommendation: What to explain.
        slot: The slot.
        value: The other value, or how it is written; elements of a list are separated by commas.
        rulebook: The rulebook (or its name or folder) of a recommendation that was read from JSON, where it isn't found
            by the name in it.

    Raises:
        RequestError: If there is no such slot or value, or the rulebook has changed since.
    """
    from advisor.explanation.grounds import grounds_of
    from advisor.explanation.untaken import why_not_outline

    return Explanation(*why_not_outline(grounds_of(recommendation, rulebook), slot, value))


def what_if(
    recommendation: Recommendation, changes: Mapping[str, Any], *, rulebook: str | Rulebook | None = None
) -> Explanation:
    """Tell what would be advised if some facts were different.

    Args:
        recommendation: What to compare with.
        changes: Facts by name, with their other values or how these are written.
        rulebook: As for :func:`why_not`.

    Raises:
        RequestError: If there is no such field, or the rulebook has changed since.
        ProblemError: If the changed facts are no valid problem.
    """
    from advisor.explanation.differing import what_if_outline
    from advisor.explanation.grounds import grounds_of

    return Explanation(*what_if_outline(grounds_of(recommendation, rulebook), recommendation, changes))


def counterfactual(
    recommendation: Recommendation,
    slot: str,
    value: Any,
    *,
    fixed: Collection[str] = (),
    rulebook: str | Rulebook | None = None,
) -> Explanation:
    """Tell what would have to be different for a slot to have a wanted value.

    All minimal sets of changes are found, smallest first: none contains another. Where there are none, that is proven
    by deciding every case that the slot's rules can tell apart.

    Args:
        recommendation: What to start from.
        slot: The slot.
        value: The wanted value, or how it is written; of a slot that collects elements, those that it should contain.
        fixed: Facts that may not change.
        rulebook: As for :func:`why_not`.

    Raises:
        RequestError: If there is no such slot, value or field, or the rulebook has changed since.
    """
    from advisor.explanation.grounds import grounds_of
    from advisor.explanation.reaching import counterfactual_outline

    return Explanation(*counterfactual_outline(grounds_of(recommendation, rulebook), slot, value, fixed))


def contrast(first: Recommendation, second: Recommendation) -> Explanation:
    """Set two recommendations side by side: the facts that differ, and what is decided differently."""
    from advisor.explanation.differing import contrast_outline

    return Explanation(*contrast_outline(first, second))


def given_up(recommendation: Recommendation, *, rulebook: str | Rulebook | None = None) -> Explanation:
    """Tell what pulled against what, which of them won, and what each wish costs.

    Args:
        recommendation: What to explain.
        rulebook: As for :func:`why_not`.

    Raises:
        RequestError: If the rulebook has changed since.
    """
    from advisor.explanation.grounds import grounds_of
    from advisor.explanation.tradeoffs import given_up_outline

    return Explanation(*given_up_outline(grounds_of(recommendation, rulebook), recommendation))


def certify(recommendation: Recommendation, *, rulebook: str | Rulebook | None = None) -> Explanation:
    """Have a recommendation checked by an independent program: every decision against the rules as data.

    Args:
        recommendation: What to check.
        rulebook: As for :func:`why_not`.

    Returns:
        The verdict; ``data["is_certified"]`` says it in a word.

    Raises:
        KnowledgeError: If there is no such rulebook.
    """
    from advisor.explanation.certifying import certificate_outline

    return Explanation(*certificate_outline(recommendation, rulebook))
