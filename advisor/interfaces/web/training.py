"""The pages of trainings: begin one, watch it grow, read its report."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from advisor.errors import Finding, RequestError
from advisor.interfaces.web.curves import Curve, curve_of
from advisor.interfaces.web.pages import HEADERS, check_same_origin, go_to, is_fragment, page, texts
from advisor.interfaces.web.state import Visit
from advisor.interfaces.web.visiting import need_jobs, visit_of
from advisor.report.wording import duration, number, size, words

if TYPE_CHECKING:
    from advisor.interfaces.service.jobs import Job, JobEvent

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
_NOTHING_YET = dict.fromkeys(("stage", "detail", "network", "epoch", "max_epochs", "val_metric", "metric"))
_FORM_BYTES = 16 * 1024
_SHOWN = 40


async def post_train(request: Request) -> Response:
    """Begin a training with the visit's data, and go to its page."""
    from advisor.interfaces.service.jobs import JobOrder

    check_same_origin(request)
    visit, _ = await visit_of(request)
    jobs = need_jobs(request)
    if not visit.data:
        raise RequestError(Finding("R197", "data", "there are no data to train with.", "Upload a file first."))
    form = await _fields(request)
    if not visit.target:
        raise RequestError(Finding("R197", "target", "no target column is chosen.", "Choose one on the data's page."))
    order = JobOrder(
        dataset=visit.data,
        target=visit.target,
        problem=stated(visit),
        rulebook=visit.rulebook or request.app.state.web_rulebook,
        seed=int(_number(form, "seed", 0, 2**31 - 1) or 0),
        options=visit.said_of_data(),
        time_budget_seconds=_number(form, "minutes", 0.1, 24 * 60, factor=60.0),
    )
    job = await jobs.submit(order)
    return go_to(f"/runs/{job.id}")


def stated(visit: Visit) -> dict[str, Any]:
    """Return what the visitor said and the data don't say as well; the rest is measured again by the training."""
    interview = visit.interview
    return {
        name: value
        for name, value in interview.answers.items()
        if name not in interview.measured or interview.measured[name] != value
    }


async def get_runs(request: Request) -> Response:
    """Answer with the latest trainings."""
    found = await need_jobs(request).jobs(limit=50)
    return page("runs", runs=[_in_short(job) for job in found])


async def get_run(request: Request) -> Response:
    """Answer with the page of one training."""
    return page("run", **await _run(request))


async def get_progress(request: Request) -> Response:
    """Answer with how far a training is: a part of its page for a script, else the page."""
    return page("progress" if is_fragment(request) else "run", **await _run(request))


async def get_report(request: Request) -> Response:
    """Answer with the report of a run."""
    found = await need_jobs(request).artifact(request.path_params["job"], "report.html")
    headers = {**HEADERS, "Content-Security-Policy": REPORT_POLICY}
    return FileResponse(found.path, headers=headers, media_type="text/html; charset=utf-8")


async def post_cancel(request: Request) -> Response:
    """Stop a training."""
    check_same_origin(request)
    job = await need_jobs(request).cancel(request.path_params["job"])
    return go_to(f"/runs/{job.id}")


async def _fields(request: Request) -> dict[str, str]:
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _FORM_BYTES:
        raise RequestError(Finding("R196", "", f"this form is larger than {_FORM_BYTES:,} bytes."))
    async with request.form(max_files=0, max_fields=8) as form:
        return texts(form)


def _number(form: Mapping[str, str], name: str, least: float, most: float, *, factor: float = 1.0) -> float | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        message = f"{text[:40]!r} is not allowed here."
        raise RequestError(Finding("R198", name, message, f"Give a number from {least:g} to {most:,.0f}, or nothing."))
    return value * factor


async def _run(request: Request) -> dict[str, Any]:
    jobs = need_jobs(request)
    job = await jobs.job(request.path_params["job"])
    events = await jobs.past_events(job.id)
    files: dict[bool, list[dict[str, str]]] = {True: [], False: []}
    for name, each in sorted(job.files.items()):
        line = {"name": name, "size": size(each["bytes"]), "address": f"/v1/jobs/{job.id}/artifacts/{name}"}
        files["/" not in name or PurePosixPath(name).suffix in MODELS].append(line)
    return {
        "job": job,
        "title": job.order.target or "the target",
        "is_over": job.is_over,
        "state": STATES.get(job.state, job.state),
        "curve": _curve(events),
        "progress": {**_NOTHING_YET, **job.progress},
        "stages": _stages(events),
        "told": [event.data for event in events if event.kind == "event"][-_SHOWN:],
        "result": job.result,
        "tiles": _tiles(job.result or {}),
        "requirements": [_requirement(each) for each in (job.result or {}).get("requirements", ())],
        "files": files[True],
        "more_files": files[False],
        "comparison": (job.result or {}).get("metrics", {}).get("comparison", ()),
        "has_report": "report.html" in job.files,
        "took": duration(job.ended - job.started) if job.ended and job.started else "",
    }


MODELS = (".keras", ".tflite", ".onnx")
"""Endings of the files that hold a whole model."""
STATES = {
    "queued": "waiting for its turn",
    "running": "running",
    "finished": "finished",
    "failed": "failed",
    "cancelled": "stopped",
}


def _in_short(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "target": job.order.target or "the target",
        "state": STATES.get(job.state, job.state),
        "tone": {"finished": "good", "failed": "bad"}.get(job.state, "small"),
        "created": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(job.created)),
    }


def _tiles(result: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the numbers that are asked for first: how good, how fast, how large."""
    metrics = result.get("metrics", {})
    value = metrics.get("test", {}).get(result.get("primary"))
    tiles = []
    if value is not None:
        tiles.append({"title": f"{result['primary']} on {metrics['rows']['test']:,} test rows", "value": number(value)})
    if metrics.get("latency"):
        title = "one prediction, 99th percentile"
        tiles.append({"title": title, "value": f"{number(metrics['latency']['p99_ms'], 3)} ms"})
    if metrics.get("artifacts"):
        smallest = min(each["bytes"] for each in metrics["artifacts"])
        tiles.append({"title": "smallest delivered file", "value": size(smallest)})
    return tiles


def _stages(events: Sequence[JobEvent]) -> list[dict[str, str]]:
    return [
        {"title": words(str(event.data.get("name", ""))), "detail": str(event.data.get("detail", ""))}
        for event in events
        if event.kind == "stage"
    ]


def _requirement(line: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": words(str(line.get("name", ""))), **line}


def _curve(events: Sequence[JobEvent]) -> Curve | None:
    """Return the learning curve of the network that is in training, or was trained last."""
    epochs: list[Mapping[str, Any]] = []
    for event in events:
        if event.kind == "epoch":
            # A training that starts anew, after its loss diverged, counts from the first epoch again.
            if epochs and _is_anew(event.data, epochs[-1]):
                epochs = []
            epochs.append(event.data)
    return curve_of(str(epochs[-1]["network"]), epochs) if epochs else None


def _is_anew(epoch: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return bool(epoch["network"] != before["network"] or epoch["number"] <= before["number"])
