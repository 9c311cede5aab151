"""The routes of data sets and jobs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic_core import to_json
from starlette.requests import ClientDisconnect

from advisor.errors import Finding
from advisor.interfaces.service.jobs import descriptions
from advisor.interfaces.service.jobs.datasets import too_large
from advisor.interfaces.service.jobs.documents import read_request
from advisor.interfaces.service.jobs.events import RETRY, as_text
from advisor.interfaces.service.jobs.media import ANY, UPLOADS
from advisor.interfaces.service.jobs.records import JobError, JobEvent
from advisor.interfaces.service.numbers import with_whole_numbers
from advisor.interfaces.service.queries import read_query, refuse_parameters

if TYPE_CHECKING:
    from advisor.interfaces.service.jobs.service import JobService
    from advisor.interfaces.service.settings import Settings

_JSON = "application/json"
_KEY = re.compile(r"[!-~]{1,255}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_ALONE = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
}
"""Headers of files of runs, whose texts come from what somebody uploaded: nothing in them may act."""


def jobs_of(request: Request) -> JobService:
    """Return the service behind the routes.

    Raises:
        JobError: If it is not there (yet).
    """
    found: JobService | None = request.app.state.jobs
    if found is None:
        message = "this service trains nothing: it has no data folder, or is starting."
        raise JobError(503, Finding("J100", "", message, "Start it with: advisor serve --data-dir FOLDER"))
    return found


def add_jobs(app: FastAPI, settings: Settings) -> None:
    """Add the routes to an application that has a data folder."""
    _add_datasets(app)
    _add_job_routes(app, settings)
    _add_results(app)


def add_refusals(app: FastAPI) -> None:
    """Let an application without a data folder say so."""
    for path in ("/v1/datasets", "/v1/datasets/{rest:path}", "/v1/jobs", "/v1/jobs/{rest:path}"):

        async def refuse(request: Request) -> Response:
            jobs_of(request)
            return Response(status_code=204)

        app.add_api_route(path, refuse, methods=["GET", "POST", "DELETE"], include_in_schema=False)


def _add_datasets(app: FastAPI) -> None:
    @app.post("/v1/datasets", **descriptions.ADD_DATASET)
    async def post_dataset(request: Request) -> Response:
        jobs, given = jobs_of(request), read_query(request, descriptions.ADD_DATASET)
        form = _format_of(request, given.get("format"))
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length[:20]) > jobs.limits.most_upload_bytes:
            raise too_large(jobs.limits)
        try:
            key = _key_of(request)
            replayed = _replayed(jobs.knows_upload(key))
            dataset = await jobs.add_dataset(request.stream(), form, name=given.get("name"), key=key)
        except ClientDisconnect:
            raise JobError(400, Finding("R166", "", "the body broke off.")) from None
        return _json(dataset.document(), 201, {"Location": f"/v1/datasets/{dataset.id}", **replayed})

    @app.get("/v1/datasets", **descriptions.DATASETS)
    async def get_datasets(request: Request) -> Response:
        refuse_parameters(request)
        return _json({"datasets": [each.document() for each in await jobs_of(request).datasets()]})

    @app.get("/v1/datasets/{id}", **descriptions.DATASET)
    async def get_dataset(request: Request) -> Response:
        refuse_parameters(request)
        return _json((await jobs_of(request).dataset(request.path_params["id"])).document())

    @app.delete("/v1/datasets/{id}", **descriptions.REMOVE_DATASET)
    async def delete_dataset(request: Request) -> Response:
        refuse_parameters(request)
        await jobs_of(request).remove_dataset(request.path_params["id"])
        return Response(status_code=204)

    @app.get("/v1/datasets/{id}/profile", **descriptions.PROFILE)
    async def get_profile(request: Request) -> Response:
        given = read_query(request, descriptions.PROFILE)
        target = given.pop("target", None)
        found = await jobs_of(request).profile(request.path_params["id"], target, **given)
        return _json(found)


def _add_job_routes(app: FastAPI, settings: Settings) -> None:
    @app.post("/v1/jobs", **descriptions.ADD_JOB)
    async def post_job(request: Request) -> Response:
        refuse_parameters(request)
        asked = with_whole_numbers(await request.body(), read_request)
        jobs, key = jobs_of(request), _key_of(request)
        replayed = _replayed(jobs.knows_order(key))
        job = await jobs.submit(asked.order(settings.rulebook), key=key)
        return _json(job.document(), 202, {"Location": f"/v1/jobs/{job.id}", **replayed})

    @app.get("/v1/jobs", **descriptions.JOBS)
    async def get_jobs(request: Request) -> Response:
        given = read_query(request, descriptions.JOBS)
        found = await jobs_of(request).jobs(state=given.get("state"), limit=given["limit"])
        return _json({"jobs": [each.document() for each in found]})

    @app.get("/v1/jobs/{id}", **descriptions.JOB)
    async def get_job(request: Request) -> Response:
        refuse_parameters(request)
        return _json((await jobs_of(request).job(request.path_params["id"])).document())

    @app.delete("/v1/jobs/{id}", **descriptions.CANCEL_JOB)
    async def delete_job(request: Request) -> Response:
        given, name = read_query(request, descriptions.CANCEL_JOB), request.path_params["id"]
        if "remove" in given:
            await jobs_of(request).remove_job(name)
            return Response(status_code=204)
        job = await jobs_of(request).cancel(name)
        return _json(job.document(), 202)


def _add_results(app: FastAPI) -> None:
    @app.get("/v1/jobs/{id}/events", **descriptions.EVENTS)
    async def get_events(request: Request) -> Response:
        refuse_parameters(request)
        jobs, name = jobs_of(request), request.path_params["id"]
        after = request.headers.get("last-event-id", "0")
        job = await jobs.job(name)
        if not _NUMBER.fullmatch(after):
            message = f"{after[:40]!r} is no number of an event."
            raise JobError(400, Finding("J133", "Last-Event-ID", message, "Send the id of the last event that came."))
        # No content tells a browser that it need not come back.
        if job.is_over and not await jobs.past_events(name, int(after)):
            return Response(status_code=204)
        stream = _stream(jobs.events(name, int(after)))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, headers=headers, media_type="text/event-stream")

    @app.get("/v1/jobs/{id}/artifacts/{name:path}", **descriptions.ARTIFACT)
    async def get_artifact(request: Request) -> Response:
        refuse_parameters(request)
        found = await jobs_of(request).artifact(request.path_params["id"], request.path_params["name"])
        shown = "inline" if found.name == "report.html" else "attachment"
        return FileResponse(
            found.path,
            media_type=found.media_type,
            filename=found.path.name,
            content_disposition_type=shown,
            headers={**_ALONE, "ETag": f'"{found.sha256}"'},
        )


async def _stream(events: AsyncIterator[JobEvent | None]) -> AsyncIterator[bytes]:
    yield RETRY
    async for event in events:
        yield as_text(event)


def _replayed(is_known: bool) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if is_known else {}


def _json(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(to_json(document), status, headers=dict(headers or {}), media_type=_JSON)


def _format_of(request: Request, stated: str | None) -> str | None:
    """Return the format that a request states; None where its bytes must tell."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == ANY:
        return stated
    if kind in UPLOADS and stated in (None, UPLOADS[kind]):
        return UPLOADS[kind]
    if kind in UPLOADS:
        message = f"the body is called {kind}, and the format {stated}."
        raise JobError(409, Finding("J111", "format", message, "Leave one of them out."))
    hint = f"Send one of: {', '.join(UPLOADS)}, {ANY}"
    raise JobError(415, Finding("J134", "Content-Type", f"data are not called {kind[:60]!r}.", hint))


def _key_of(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        message = "the key is not 1 to 255 visible ASCII characters."
        raise JobError(400, Finding("R170", "Idempotency-Key", message))
    return key
