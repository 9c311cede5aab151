"""The pages that take data: a form for a file, and what the file says about the problem."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from advisor.errors import AdvisorError, Finding, RequestError
from advisor.interfaces.service.problem_details import status_of
from advisor.interfaces.web.pages import check_same_origin, go_to, page, say_answer, texts
from advisor.interfaces.web.state import ABOUT, OPTIONS, Visit, read_visit
from advisor.interfaces.web.visiting import jobs_of, need_jobs, profile_of, visit_of
from advisor.interfaces.wizard.machine import next_question, relevant
from advisor.problem import FACTS
from advisor.problem.facts import Value

if TYPE_CHECKING:
    from starlette.types import Message, Receive

FORMATS = {
    "csv": "csv",
    "tsv": "tsv",
    "parquet": "parquet",
    "jsonl": "jsonl",
    "arrow": "arrow",
    "npz": "npz",
    "zip": "zip",
}
_PART = 1024 * 1024
_FORM_BYTES = 64 * 1024
"""Bytes that a form may have beside its file."""


async def get_upload(request: Request) -> Response:
    """Answer with the form for a file."""
    visit, _ = read_visit(request.query_params.multi_items())
    return _form(request, without_data(visit))


async def post_upload(request: Request) -> Response:
    """Take a file, and go on to what it says."""
    check_same_origin(request)
    visit, _ = read_visit(request.query_params.multi_items())
    visit = without_data(visit)
    try:
        dataset, target = await _store(request)
    except AdvisorError as error:
        return _form(request, visit, error)
    return go_to(replace(visit, data=dataset, target=target).link("/data/said"))


async def get_said(request: Request) -> Response:
    """Answer with what the data say about the problem, and a way to choose another target."""
    plain, _ = read_visit(request.query_params.multi_items())
    if not plain.data:
        return go_to(plain.link("/data"))
    findings: list[Finding] = []
    try:
        found = await profile_of(request, plain)
        visit, _ = await visit_of(request)
    except AdvisorError as error:
        if not (plain.target or plain.options) or status_of(error) == 404:
            raise
        findings = error.findings
        visit = replace(without_data(plain), data=plain.data)
        found = await profile_of(request, visit)
    return page(
        "said",
        status_of(RequestError(*findings)) if findings else 200,
        visit=visit,
        found=found,
        findings=findings,
        columns=_targets(found),
        facts=[
            {"title": FACTS[name].title, "value": say_answer(name, value), "how": found["how"].get(name, "")}
            for name, value in found["facts"].items()
            if name in FACTS
        ],
        notes=found["notes"],
        own=[pair for pair in visit.pairs() if pair[0] != "target" and not pair[0].startswith(ABOUT)],
        options={name: plain.options.get(name, "") for name in OPTIONS},
        kinds=FACTS["data_kind"].choice_meanings,
        confirm=_confirmed(visit).link("/ask"),
        one_by_one=visit.link("/ask"),
        left=_left(_confirmed(visit)),
    )


def without_data(visit: Visit) -> Visit:
    """Return the visit without its data and what is said about them."""
    return replace(visit, data="", target="", options={})


def _confirmed(visit: Visit) -> Visit:
    """Return the visit with every answer confirmed that the data gave to a question that is asked."""
    answers: dict[str, Value] = dict(visit.interview.answers)
    while True:
        known = visit.answered(answers)
        new = [name for name in relevant(known.interview) if name not in answers and name in visit.interview.measured]
        if not new:
            return known
        answers[new[0]] = visit.interview.measured[new[0]]


def _left(visit: Visit) -> int:
    question = next_question(visit.interview)
    if question is None:
        return 0
    return sum(name not in visit.interview.answers for name in relevant(visit.interview))


def _targets(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": column["name"], "kind": column["kind"], "chosen": column["name"] == found["target"]}
        for column in found["columns"]
    ]


def _form(request: Request, visit: Visit, error: AdvisorError | None = None) -> Response:
    jobs = jobs_of(request)
    return page(
        "data",
        200 if error is None else status_of(error),
        visit=visit,
        has_jobs=jobs is not None,
        limits=jobs.limits if jobs is not None else None,
        formats=sorted(FORMATS),
        findings=error.findings if error is not None else [],
    )


async def _store(request: Request) -> tuple[str, str]:
    """Store the file of a form, and return its id and the target that the form names."""
    jobs = need_jobs(request)
    most = jobs.limits.most_upload_bytes
    small = Request(request.scope, _bounded(request.receive, most + _FORM_BYTES))
    try:
        async with small.form(max_files=1, max_fields=4) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise RequestError(
                    Finding("R194", "file", "no file is chosen.", "Choose a file and send the form again.")
                )
            name = PurePath(file.filename.replace("\\", "/")).name
            kind = FORMATS.get(PurePath(name).suffix.lower().removeprefix("."))
            if kind is None:
                hint = f"Its name must end in one of: {', '.join(sorted(FORMATS))}."
                raise RequestError(Finding("R195", "file", f"the format of {name[:100]!r} is not known.", hint))
            dataset = await jobs.add_dataset(_parts(file), kind, name=name)
            return dataset.id, texts(form).get("target", "").strip()
    except HTTPException as failure:
        message = f"the form can't be read: {failure.detail}"
        raise RequestError(Finding("R194", "file", message, "Choose a file and send the form again.")) from None


def _bounded(receive: Receive, most: int) -> Receive:
    """Return what passes a body on until it has more bytes than are allowed."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            hint = "Send a part of the rows, or a smaller format such as Parquet."
            raise RequestError(Finding("R196", "file", f"the file is larger than {most:,} bytes.", hint))
        return message

    return bounded


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(_PART):
        yield part
