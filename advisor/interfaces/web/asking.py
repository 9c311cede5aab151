"""The pages that ask: start, one question after the other, and the summary to correct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from advisor.errors import AdvisorError, Finding, ProblemError
from advisor.explanation.wording import first_sentence
from advisor.interfaces.service.openapi import EXAMPLE
from advisor.interfaces.web.pages import go_to, page, say_answer
from advisor.interfaces.web.state import Visit, written
from advisor.interfaces.web.visiting import book_of, jobs_of, visit_of
from advisor.interfaces.web.weighing import changes_of, difference
from advisor.interfaces.wizard.machine import (
    Interview,
    Question,
    answer,
    back,
    missing,
    next_question,
    parse_answer,
    question_about,
    relevant,
)
from advisor.interfaces.wizard.relying import rules_relying_on
from advisor.problem import FACTS, FactType
from advisor.problem.facts import Value
from advisor.recommendation import recommend

ASKED, GIVEN, THEN = "about", "value", "then"
SUMMARY = "summary"
MOST_RULES = 12


async def get_start(request: Request) -> Response:
    """Answer with the start page."""
    example = Visit(Interview(answers=EXAMPLE)).link("/advice")
    return page("start", has_jobs=jobs_of(request) is not None, example=example)


async def get_question(request: Request) -> Response:
    """Answer with the next question, or with one about a fact that is to be corrected."""
    visit, more = await visit_of(request, besides=(ASKED, THEN, "dropped"))
    question = _question(visit.interview, more.get(ASKED, ""))
    if question is None:
        return go_to(visit.link("/summary"))
    return _asked(request, visit, question, then=more.get(THEN, ""), dropped=more.get("dropped", ""))


async def get_answer(request: Request) -> Response:
    """Take an answer: on to the next question, or the same question again with what is wrong."""
    visit, more = await visit_of(request, besides=(ASKED, GIVEN, THEN))
    name, then = more.get(ASKED, ""), more.get(THEN, "")
    if name not in relevant(visit.interview):
        return go_to(visit.link("/ask"))
    question = question_about(visit.interview, name)
    if GIVEN not in more and FACTS[name].kind in ("enum", "bool"):
        finding = Finding("P106", name, "nothing is chosen yet.", "Choose one of the answers.")
        return _asked(request, visit, question, then=then, findings=[finding])
    given = more.get(GIVEN, "")
    try:
        interview, dropped = answer(visit.interview, name, parse_answer(FACTS[name], given))
    except ProblemError as error:
        return _asked(request, visit, question, then=then, findings=error.findings, given=given)
    told = {"dropped": ",".join(dropped)} if dropped else {}
    reached = replace(visit, interview=interview)
    if then == SUMMARY and not missing(interview):
        return go_to(reached.link("/summary", **told))
    return go_to(reached.link("/ask", **told))


async def get_preview(request: Request) -> Response:
    """Answer with what the highlighted answer would change: a part of the question's page."""
    visit, more = await visit_of(request, besides=(ASKED, GIVEN, THEN))
    name = more.get(ASKED, "")
    told: Mapping[str, Any] = {"state": "unknown"}
    if name in relevant(visit.interview) and not missing(visit.interview):
        try:
            value = parse_answer(FACTS[name], more.get(GIVEN, ""))
            told = await run_in_threadpool(_preview, request, visit, name, value)
        except AdvisorError as error:
            told = {"state": "impossible", "findings": error.findings}
    return page("preview", preview=told)


def _preview(request: Request, visit: Visit, name: str, value: Value) -> Mapping[str, Any]:
    book = book_of(request, visit)
    facts, how = visit.facts()
    changed = changes_of(visit, {name: value})
    found = difference(recommend(facts, book, measured=how), changed, book)
    return {"state": "known", **found, "answer": say_answer(name, value)}


async def get_summary(request: Request) -> Response:
    """Answer with everything that was answered, and what is taken for the rest."""
    visit, more = await visit_of(request, besides=("dropped",))
    if missing(visit.interview):
        return go_to(visit.link("/ask"))
    names = relevant(visit.interview)
    return page(
        "summary",
        visit=visit,
        lines=[_line(visit, name) for name in names],
        measured=[_measured(visit, name) for name in visit.interview.measured if name not in names],
        dropped=_titles(more.get("dropped", "")),
        books=_books(request, visit),
        back=_back_link(visit),
        is_complete=next_question(visit.interview) is None,
    )


def _question(interview: Interview, name: str) -> Question | None:
    if name in relevant(interview):
        return question_about(interview, name)
    return next_question(interview)


def _asked(
    request: Request,
    visit: Visit,
    question: Question,
    *,
    then: str = "",
    findings: list[Finding] | None = None,
    given: str | None = None,
    dropped: str = "",
) -> Response:
    fact = question.fact
    relying = rules_relying_on(book_of(request, visit), fact.name)
    names = relevant(visit.interview)
    return page(
        "question",
        422 if findings else 200,
        visit=visit,
        question=question,
        fact=fact,
        options=options_of(fact, question.default if question.has_default else ...),
        text=given if given is not None else typed(question.default),
        offered=say_answer(fact.name, question.default) if question.has_default else "",
        is_measured=fact.name in visit.interview.measured,
        rules=[{"title": rule.title, "because": first_sentence(rule.because)} for rule in relying.directly],
        more_rules=len(relying.further),
        then=then,
        findings=findings or [],
        dropped=_titles(dropped),
        back=visit.link("/summary") if then == SUMMARY else _back_link(visit),
        answered=[_line(visit, name) for name in names if name in visit.interview.answers],
        can_skip=not missing(visit.interview),
        has_preview=not missing(visit.interview),
    )


def options_of(fact: FactType, chosen: object) -> list[dict[str, Any]]:
    """Return the answers to choose from, each with its meaning; none for numbers that are typed."""
    if fact.kind == "bool":
        found: list[tuple[Value, str, str]] = [(False, "no", ""), (True, "yes", "")]
    else:
        found = [(choice, say_answer(fact.name, choice), meaning) for choice, meaning in fact.choice_meanings.items()]
    if found and fact.nullable:
        found.insert(0, (None, fact.null_means, ""))
    return [
        {"value": written(value), "word": word, "meaning": meaning, "chosen": value == chosen}
        for value, word, meaning in found
    ]


def typed(value: Value) -> str:
    """Return a number as it stands in the field that it is typed into."""
    if value is None or isinstance(value, bool):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _line(visit: Visit, name: str) -> dict[str, Any]:
    """Return one line of the summary: an answer, or what is taken without one."""
    fact, interview = FACTS[name], visit.interview
    is_answered = name in interview.answers
    is_measured = not is_answered and name in interview.measured
    value = interview.answers[name] if is_answered else interview.measured.get(name, fact.default)
    because = "" if is_answered else interview.how.get(name, "") if is_measured else fact.default_because
    return {
        "name": name,
        "title": fact.title,
        "value": say_answer(name, value),
        "origin": "answered" if is_answered else "measured" if is_measured else "default",
        "because": because,
        "edit": visit.link("/ask", about=name, then=SUMMARY),
    }


def _measured(visit: Visit, name: str) -> dict[str, Any]:
    value = visit.interview.measured[name]
    return {
        "title": FACTS[name].title,
        "value": say_answer(name, value),
        "because": visit.interview.how.get(name, ""),
    }


def _back_link(visit: Visit) -> str:
    if not visit.interview.answers:
        return "/"
    return replace(visit, interview=back(visit.interview)).link("/ask")


def _titles(names: str) -> list[str]:
    return [FACTS[name].title for name in names.split(",") if name in FACTS]


def _books(request: Request, visit: Visit) -> list[dict[str, Any]]:
    from advisor.interfaces.service.answering import known_rulebook
    from advisor.knowledge import list_rulebooks

    chosen = book_of(request, visit).name
    return [{"name": name, "title": known_rulebook(name).title, "chosen": name == chosen} for name in list_rulebooks()]
