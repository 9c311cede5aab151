"""The pages of a recommendation: the reasons, the drawing, what would be otherwise, and the documents to take along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from advisor.errors import AdvisorError, Finding
from advisor.explanation import explain
from advisor.explanation.wording import say_comparison
from advisor.interfaces.web.asking import options_of, typed
from advisor.interfaces.web.pages import HEADERS, go_to, is_fragment, page, say_answer
from advisor.interfaces.web.state import Visit, written
from advisor.interfaces.web.visiting import book_of, jobs_of, visit_of
from advisor.interfaces.web.weighing import changes_of, difference, tried
from advisor.interfaces.wizard.machine import complete, missing, parse_answer, relevant
from advisor.problem import FACTS
from advisor.recommendation import Recommendation, recommend
from advisor.report.decisions import decision_groups, plan_lines
from advisor.report.graphing import drawn_decisions

TRY = "if."
"""Prefix of the fields that a visitor tries out."""
SECTIONS = {
    "decisions": "Decisions",
    "graph": "How it was decided",
    "try": "What if",
    "requirements": "Requirements",
    "plan": "Plan",
    "next": "What next",
}


async def get_advice(request: Request) -> Response:
    """Answer with the recommendation, explained."""
    visit, _ = await visit_of(request)
    if missing(visit.interview):
        return go_to(visit.link("/ask"))
    return await run_in_threadpool(_advice, request, visit, None)


async def get_what_if(request: Request) -> Response:
    """Answer with what would be otherwise: the difference alone for a script, the whole page without one."""
    visit, more = await visit_of(request, besides=[TRY + name for name in FACTS])
    if missing(visit.interview):
        return go_to(visit.link("/ask"))
    trial = await run_in_threadpool(_trial, request, visit, more)
    if is_fragment(request):
        return page("difference", trial=trial)
    return await run_in_threadpool(_advice, request, visit, trial)


async def get_problem(request: Request) -> Response:
    """Answer with the problem as a file."""
    return await _document(request, "problem.json")


async def get_recommendation(request: Request) -> Response:
    """Answer with the recommendation as a file."""
    return await _document(request, "recommendation.json")


async def _document(request: Request, name: str) -> Response:
    visit, _ = await visit_of(request)
    if missing(visit.interview):
        return go_to(visit.link("/ask"))
    found = await run_in_threadpool(recommendation_of, request, visit)
    text = found.problem.to_json() if name == "problem.json" else found.to_json()
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text + "\n", headers=headers, media_type="application/json")


def recommendation_of(request: Request, visit: Visit) -> Recommendation:
    """Return what is advised for a visit.

    Raises:
        AdvisorError: If the answers contradict each other.
    """
    facts, how = visit.facts()
    return recommend(facts, book_of(request, visit), measured=how)


def _trial(request: Request, visit: Visit, more: Mapping[str, str]) -> dict[str, Any]:
    now = complete(visit.interview)
    findings: list[Finding] = []
    values = {}
    for field, text in more.items():
        name = field.removeprefix(TRY)
        try:
            value = parse_answer(FACTS[name], text)
        except AdvisorError as error:
            findings += error.findings
            continue
        if value != now[name]:
            values[name] = value
    told: dict[str, Any] = {"texts": dict(more), "findings": findings, "dropped": (), "link": ""}
    if findings:
        return told
    try:
        then, dropped = tried(visit, values)
        changes = changes_of(visit, values)
        told |= difference(recommendation_of(request, visit), changes, book_of(request, visit))
    except AdvisorError as error:
        return {**told, "findings": error.findings}
    return {**told, "dropped": dropped, "link": then.link("/advice") if changes else ""}


def _advice(request: Request, visit: Visit, trial: Mapping[str, Any] | None) -> Response:
    found = recommendation_of(request, visit)
    document = found.document
    groups = decision_groups(document, {})
    limits = jobs_of(request)
    return page(
        "advice",
        visit=visit,
        summary=explain(found, brief=True).outline.summary,
        book=document["rulebook"],
        sections=[{"id": key, "title": title} for key, title in SECTIONS.items()],
        warnings=[each["message"] for each in document["warnings"]],
        groups=groups,
        graph=drawn_decisions(document, groups),
        fields=_fields(visit, trial),
        trial=trial,
        requirements=[
            {
                "title": each["name"].capitalize(),
                "bound": say_comparison(each),
                "measured_as": each["measured_as"],
            }
            for each in document["requirements"]
        ],
        plan=[line for line in plan_lines(document) if line["status"] != "not needed"],
        estimate=_estimate(document["estimate"]),
        has_jobs=limits is not None,
    )


def _estimate(cost: Mapping[str, Any] | None) -> dict[str, str] | None:
    if cost is None:
        return None
    return {
        "parameters": f"{cost['parameters']:,}",
        "size": f"{cost['bytes'] / 1000:,.1f} kB",
        "multiply_adds": f"{cost['multiply_adds']:,}",
        "assumes": cost["assumes"],
    }


def _fields(visit: Visit, trial: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return every fact that can be tried out, with its present value or the one that is being tried."""
    now = complete(visit.interview)
    tried_texts: Mapping[str, str] = trial["texts"] if trial else {}
    wrong = {finding.place for finding in trial["findings"]} if trial else set()
    fields = []
    for name in relevant(visit.interview):
        fact, text = FACTS[name], tried_texts.get(TRY + name)
        options = options_of(fact, now[name])
        if text is not None:
            options = [{**option, "chosen": option["value"] == text} for option in options]
        fields.append(
            {
                "name": TRY + name,
                "id": f"try-{name.replace('_', '-')}",
                "title": fact.title,
                "unit": "" if fact.unit in fact.title.lower() else fact.unit,
                "empty": fact.null_means if fact.nullable else "",
                "options": options,
                "text": text if text is not None else typed(now[name]),
                "now": say_answer(name, now[name]),
                "is_wrong": name in wrong,
                "is_stated": name in visit.interview.answers or name in visit.interview.measured,
                "written": written(now[name]),
            }
        )
    return fields
