"""What the routes answer: recommendations, explanations, rulebooks and schemas, from strict JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from advisor.errors import AdvisorError, ArtifactError, Finding, KnowledgeError, RequestError
from advisor.interfaces.service.numbers import with_whole_numbers
from advisor.interfaces.service.observing import LOGGER
from advisor.interfaces.service.problem_details import UnanswerableError
from advisor.knowledge import list_rulebooks, load_rulebook

if TYPE_CHECKING:
    from starlette.requests import Request

    from advisor.explanation import Explanation
    from advisor.knowledge import Rulebook
    from advisor.recommendation import Recommendation

Parameters = Mapping[str, Sequence[str]]
_MALFORMED = frozenset({"R142", "R175"})
QUESTIONS = ("why", "why_not", "what_if", "counterfactual", "given_up")


class _Answered(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LabelledValue(_Answered):
    """A value and what it is called."""

    label: str
    value: str


class EntryDocument(_Answered):
    """One point of an explanation."""

    values: list[LabelledValue]
    reason: str
    notes: list[str]
    depth: int


class TableDocument(_Answered):
    """A table in words."""

    columns: list[str]
    rows: list[list[str]]


class SectionDocument(_Answered):
    """A part of an explanation."""

    title: str
    entries: list[EntryDocument]
    table: TableDocument | None = None


class ExplanationDocument(_Answered):
    """An explanation in words."""

    title: str
    summary: str
    sections: list[SectionDocument]
    hints: list[str] = Field(description="What else can be asked on the command line.")
    data: dict[str, Any] | None = Field(default=None, description="The same for programs, where there is more to it.")


class RuleDocument(_Answered):
    """A rule."""

    rule: str
    title: str
    layer: str
    because: str
    limits: str


class RulebookSummary(_Answered):
    """A rulebook in short."""

    name: str
    version: str
    title: str
    sha256: str
    rules: int = Field(description="How many rules it has.")


class RulebookList(_Answered):
    """The rulebooks that can be asked."""

    rulebooks: list[RulebookSummary]


class RulebookPage(_Answered):
    """A rulebook with its rules."""

    name: str
    version: str
    title: str
    sha256: str
    slots: dict[str, str] = Field(description="What it decides: slot → title.")
    rules: list[RuleDocument]


@cache
def _names() -> tuple[str, ...]:
    return list_rulebooks()


def known_rulebook(name: str) -> Rulebook:
    """Return a rulebook that comes with Advisor; a service never opens a folder that a request names.

    Raises:
        KnowledgeError: If there is no such rulebook.
    """
    names = _names()
    if name not in names:
        message = f"there is no rulebook {name[:100]!r}."
        raise KnowledgeError(Finding("K100", "rulebook", message, f"Rulebooks: {', '.join(names)}."))
    return load_rulebook(name)


def parameters_of(request: Request) -> Parameters:
    """Return the query parameters of a request, each with all its values."""
    given: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        given.setdefault(name, []).append(value)
    return given


def check_parameters(given: Parameters, allowed: Sequence[str], repeatable: Sequence[str] = ()) -> None:
    """Check the names of query parameters, and that each is given once.

    Raises:
        RequestError: If one is unknown, or given twice.
    """
    for name, values in given.items():
        if name not in allowed:
            hint = f"Parameters: {', '.join(allowed)}." if allowed else "This route takes no parameters."
            raise RequestError(Finding("R173", name, f"there is no parameter {name[:100]!r}.", hint))
        if len(values) > 1 and name not in repeatable:
            raise RequestError(Finding("R174", name, f"the parameter {name!r} is given twice.", "Give it once."))


def explanation_of(body: bytes, asked: Parameters) -> dict[str, Any]:
    """Return the explanation of a recommendation.

    Args:
        body: The recommendation as JSON.
        asked: Query parameters: at most one question.

    Raises:
        AdvisorError: If the body is no recommendation, or the question can't be answered.
    """
    from advisor.recommendation import Recommendation

    check_parameters(asked, QUESTIONS, ("what_if",))
    if len(asked) > 1:
        names = " and ".join(asked)
        raise UnanswerableError(Finding("R144", names, "these are two questions.", "Ask them one after the other."))
    found = with_whole_numbers(body, Recommendation.from_json)
    try:
        if not asked:
            from advisor.explanation import explain

            return explain(found).as_dict()
        question, texts = next(iter(asked.items()))
        return _QUESTIONS[question](found, texts).as_dict()
    except AdvisorError as error:
        if any(finding.code in _MALFORMED for finding in error.findings):
            raise
        raise UnanswerableError(*error.findings) from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as failure:
        # The form was checked, but a recommendation written by hand may refer to rules, works or facts that it lacks.
        LOGGER.warning("a recommendation could not be explained", exc_info=True)
        message = f"the recommendation contradicts itself or is not complete: {type(failure).__name__} {failure}."
        hint = "Send a recommendation as it was answered by POST /v1/recommendations."
        raise ArtifactError(Finding("P290", "", message, hint)) from None


def _why(found: Recommendation, texts: Sequence[str]) -> Explanation:
    from advisor.explanation import why

    return why(found, texts[0])


def _why_not(found: Recommendation, texts: Sequence[str]) -> Explanation:
    from advisor.explanation import why_not
    from advisor.explanation.asking import pair

    slot, value = pair(texts[0], "why_not", "SLOT")
    return why_not(found, slot, value, rulebook=_rulebook_of(found))


def _what_if(found: Recommendation, texts: Sequence[str]) -> Explanation:
    from advisor.explanation import what_if
    from advisor.explanation.asking import pair

    changes = dict(pair(text, "what_if", "FIELD") for text in texts)
    return what_if(found, changes, rulebook=_rulebook_of(found))


def _counterfactual(found: Recommendation, texts: Sequence[str]) -> Explanation:
    from advisor.explanation import counterfactual
    from advisor.explanation.asking import pair

    slot, value = pair(texts[0], "counterfactual", "SLOT")
    return counterfactual(found, slot, value, rulebook=_rulebook_of(found))


def _given_up(found: Recommendation, texts: Sequence[str]) -> Explanation:
    from advisor.explanation import given_up

    if texts != ["true"]:
        raise RequestError(Finding("R175", "given_up", "this question takes the value true.", "Send given_up=true"))
    return given_up(found, rulebook=_rulebook_of(found))


_QUESTIONS: Mapping[str, Callable[[Recommendation, Sequence[str]], Explanation]] = {
    "why": _why,
    "why_not": _why_not,
    "what_if": _what_if,
    "counterfactual": _counterfactual,
    "given_up": _given_up,
}


def _rulebook_of(found: Recommendation) -> Rulebook:
    return known_rulebook(found.rulebook["name"])


def rulebook_list() -> RulebookList:
    """Return the rulebooks that come with Advisor."""
    books = [load_rulebook(name) for name in list_rulebooks()]
    return RulebookList(
        rulebooks=[
            RulebookSummary(
                name=book.name, version=book.version, title=book.title, sha256=book.sha256, rules=len(book.rules)
            )
            for book in books
        ]
    )


def rulebook_page(name: str) -> RulebookPage:
    """Return a rulebook with its rules.

    Raises:
        KnowledgeError: If there is no such rulebook.
    """
    book = known_rulebook(name)
    return RulebookPage(
        name=book.name,
        version=book.version,
        title=book.title,
        sha256=book.sha256,
        slots={slot: each.title for slot, each in book.slots.items()},
        rules=[
            RuleDocument(rule=each.id, title=each.title, layer=each.layer, because=each.because, limits=each.limits)
            for each in book.rules
        ],
    )
