"""Where a visitor of the pages stands: an interview and its data, written whole into the address and read from it.

Nothing is kept on the server, so that going back, bookmarks and several windows work as in any other page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from advisor.errors import Finding, ProblemError, RequestError
from advisor.interfaces.wizard.machine import Interview, parse_answer, stated_facts
from advisor.problem import FACTS
from advisor.problem.facts import Value

KEPT = "was."
"""Prefix of answers that were taken back and are offered again."""
DATA, TARGET, RULEBOOK = "data", "target", "rulebook"
ABOUT = "data."
"""Prefix of what is said about the data besides their target."""
COUNTS = ("horizon", "window")
OPTIONS = ("data_kind", "time", *COUNTS, "series_id", "split_column")
"""What may be said about them; the two counts are numbers of steps, the others columns or words."""
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Visit:
    """Where a visitor stands.

    Attributes:
        interview: The answers, and what the data said.
        data: Id of the uploaded data; empty without data.
        target: Their target column, as it was chosen.
        rulebook: Name of the rulebook that decides.
        options: What else is said about the data: some of :data:`OPTIONS`.
    """

    interview: Interview = field(default_factory=Interview)
    data: str = ""
    target: str = ""
    rulebook: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def pairs(self) -> Pairs:
        """Return the visit as names and texts, for an address or for the hidden fields of a form."""
        own = ((DATA, self.data), (TARGET, self.target), (RULEBOOK, self.rulebook))
        return (
            *((name, written(value)) for name, value in self.interview.answers.items()),
            *((KEPT + name, written(value)) for name, value in self.interview.kept.items()),
            *((name, text) for name, text in own if text),
            *((ABOUT + name, text) for name, text in self.options.items()),
        )

    def link(self, path: str, **more: str) -> str:
        """Return the address of a page for this visit."""
        query = urlencode([*self.pairs(), *more.items()])
        return f"{path}?{query}" if query else path

    def answered(self, answers: Mapping[str, Value]) -> Visit:
        """Return the visit with other answers, and none that wait to be offered again."""
        return replace(self, interview=replace(self.interview, answers=answers, kept={}))

    def said_of_data(self) -> dict[str, str | int]:
        """Return what is said about the data besides their target, as the training takes it.

        Raises:
            RequestError: If a number of steps is none.
        """
        said: dict[str, str | int] = {}
        for name, text in self.options.items():
            if name in COUNTS and not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 9):
                message = f"{text[:40]!r} is no number of steps."
                raise RequestError(Finding("R198", name, message, "Give a whole number from 1 on, or nothing."))
            said[name] = int(text) if name in COUNTS else text
        return said

    def facts(self) -> tuple[dict[str, Value], dict[str, str]]:
        """Return the facts of the problem, and for those that were measured how."""
        facts = stated_facts(self.interview)
        measured, how = self.interview.measured, self.interview.how
        return facts, {name: how.get(name, "") for name in facts if name in measured and facts[name] == measured[name]}


def written(value: Value) -> str:
    """Return how an answer is written in an address.

    Examples:
        >>> [written(value) for value in (True, None, 2.0, 20000, "none")]
        ['yes', 'null', '2', '20000', 'none']
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value)


def read_visit(given: Iterable[tuple[str, str]], *, besides: Iterable[str] = ()) -> tuple[Visit, dict[str, str]]:
    """Read a visit from the parameters of an address.

    Args:
        given: Names and texts, in the order of the address: the order in which the questions were answered.
        besides: Names of further parameters that the page takes.

    Returns:
        The visit (without what its data say), and the further parameters.

    Raises:
        ProblemError: If a text is no answer to its question.
        RequestError: If a parameter is unknown, or given twice.
    """
    allowed = {*besides}
    answers: dict[str, Value] = {}
    kept: dict[str, Value] = {}
    own = {DATA: "", TARGET: "", RULEBOOK: ""}
    options: dict[str, str] = {}
    more: dict[str, str] = {}
    seen: set[str] = set()
    for name, text in given:
        if name in seen:
            raise RequestError(Finding("R174", name, f"the parameter {name[:100]!r} is given twice.", "Give it once."))
        seen.add(name)
        if name in allowed:
            more[name] = text
        elif name in own:
            own[name] = text[:500]
        elif name.startswith(ABOUT) and name.removeprefix(ABOUT) in OPTIONS:
            if text.strip():
                options[name.removeprefix(ABOUT)] = text.strip()[:500]
        elif name in FACTS:
            answers[name] = _read(name, text)
        elif name.startswith(KEPT) and name.removeprefix(KEPT) in FACTS:
            kept[name.removeprefix(KEPT)] = _read(name.removeprefix(KEPT), text)
        else:
            message = f"the address has an unknown part {name[:100]!r}."
            raise RequestError(Finding("R173", name[:100], message, "Begin again at the start page."))
    kept = {name: value for name, value in kept.items() if name not in answers}
    return Visit(Interview(answers=answers, kept=kept), own[DATA], own[TARGET], own[RULEBOOK], options), more


def _read(name: str, text: str) -> Value:
    if len(text) > 100:
        raise ProblemError(Finding("P109", name, "the answer is longer than any answer is.", "Begin again."))
    return parse_answer(FACTS[name], text)


def measured_by(visit: Visit, facts: Mapping[str, Any], how: Mapping[str, str]) -> Visit:
    """Return the visit with what its data say."""
    known = {name: value for name, value in facts.items() if name in FACTS and FACTS[name].accepts(value)}
    return replace(visit, interview=replace(visit.interview, measured=known, how=dict(how)))
