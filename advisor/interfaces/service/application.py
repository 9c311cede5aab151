"""The HTTP application: its routes, and errors as problem details."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Route

from advisor.errors import AdvisorError, Finding
from advisor.interfaces.service import openapi
from advisor.interfaces.service.answering import (
    check_parameters,
    explanation_of,
    known_rulebook,
    parameters_of,
    rulebook_list,
    rulebook_page,
)
from advisor.interfaces.service.gate import Gate
from advisor.interfaces.service.jobs.routes import add_jobs, add_refusals
from advisor.interfaces.service.jobs.service import JobService
from advisor.interfaces.service.numbers import with_whole_numbers
from advisor.interfaces.service.observing import Metrics
from advisor.interfaces.service.problem_details import MEDIA_TYPE, details, status_of
from advisor.interfaces.service.queries import refuse_parameters
from advisor.interfaces.service.settings import Settings
from advisor.interfaces.web import add_pages
from advisor.knowledge import list_rulebooks
from advisor.recommendation import recommend

_JSON = "application/json"


class _PlainRoute(APIRoute):
    """A route whose handler takes the request as it came: bodies are read strictly, and by nobody else before."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


class _Described(FastAPI):
    """An application that describes its routes in an OpenAPI document of our own."""

    def __init__(self, settings: Settings, **others: Any) -> None:
        super().__init__(**others)
        self._settings = settings

    def openapi(self) -> dict[str, Any]:
        return openapi.document_of(self, self._settings)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application.

    Args:
        settings: Limits and token; None takes the defaults, which are meant for loopback.

    Returns:
        An ASGI application; it answers without training anything and loads no deep-learning framework.
    """
    settings = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for name in list_rulebooks():
            known_rulebook(name)
        if settings.data_dir is not None:
            app.state.jobs = JobService(settings.data_dir, settings.jobs, metrics.jobs)
            app.state.jobs.start()
        app.state.is_ready = True
        yield
        app.state.is_ready = False
        if app.state.jobs is not None:
            await app.state.jobs.close()
            app.state.jobs = None

    app = _Described(
        settings,
        title="Advisor",
        version=openapi.version(),
        description=openapi.description(settings),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.is_ready = False
    app.state.jobs = None
    app.router.route_class = _PlainRoute
    app.add_middleware(Gate, settings=settings, metrics=metrics)
    app.add_exception_handler(AdvisorError, _advisor_error)
    app.add_exception_handler(HTTPException, _http_error)
    _add_advice(app, settings)
    _add_knowledge(app)
    if settings.data_dir is not None:
        add_jobs(app, settings)
    else:
        add_refusals(app)
    _add_watching(app, metrics)
    add_pages(app, settings)
    return app


def _add_advice(app: FastAPI, settings: Settings) -> None:
    @app.post("/v1/recommendations", **openapi.RECOMMENDATIONS)
    async def post_recommendation(request: Request) -> Response:
        name = settings.rulebook
        if request.scope["query_string"]:
            given = parameters_of(request)
            check_parameters(given, ("rulebook",))
            name = given["rulebook"][0]
        book = known_rulebook(name)
        found = with_whole_numbers(await request.body(), lambda body: recommend(body, book))
        return Response(to_json(dict(found.document)), media_type=_JSON)

    @app.post("/v1/explanations", **openapi.EXPLANATIONS)
    async def post_explanation(request: Request) -> Response:
        told = await run_in_threadpool(explanation_of, await request.body(), parameters_of(request))
        return Response(to_json(told), media_type=_JSON)


def _add_knowledge(app: FastAPI) -> None:
    @app.get("/v1/rulebooks", **openapi.RULEBOOKS)
    async def get_rulebooks(request: Request) -> Response:
        refuse_parameters(request)
        return Response(rulebook_list().model_dump_json(), media_type=_JSON)

    @app.get("/v1/rulebooks/{name}", **openapi.RULEBOOK)
    async def get_rulebook(request: Request) -> Response:
        refuse_parameters(request)
        return Response(rulebook_page(request.path_params["name"]).model_dump_json(), media_type=_JSON)

    @app.get("/v1/schemas/{name}", **openapi.SCHEMA)
    async def get_schema(request: Request) -> Response:
        import json

        from advisor.interfaces.cli.schema import schema_of

        refuse_parameters(request)
        return Response(json.dumps(schema_of(request.path_params["name"])), media_type="application/schema+json")


def _add_watching(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/healthz", **openapi.HEALTH)
    async def get_health(request: Request) -> Response:
        return Response('{"status":"ok"}', media_type=_JSON)

    @app.get("/readyz", **openapi.READINESS)
    async def get_readiness(request: Request) -> Response:
        jobs: JobService | None = app.state.jobs
        if app.state.is_ready and (jobs is None or jobs.is_ready()):
            told = {"status": "ready", "jobs": "off" if jobs is None else "ready"}
            return Response(to_json(told), media_type=_JSON)
        finding = Finding("R176", "", "the service is starting or stopping.", "Try again in a moment.")
        return Response(details(503, [finding], in_body=False), 503, media_type=MEDIA_TYPE)

    @app.get("/metrics", **openapi.METRICS)
    async def get_metrics(request: Request) -> Response:
        return Response(generate_latest(metrics.registry), headers={"content-type": CONTENT_TYPE_LATEST})


async def _advisor_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, AdvisorError):
        raise error
    status = status_of(error)
    wait = getattr(error, "retry_after", None)
    headers = None if wait is None else {"Retry-After": str(wait)}
    return Response(details(status, error.findings), status, headers=headers, media_type=MEDIA_TYPE)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    message = {404: "there is no such route.", 405: "this route doesn't take this method."}.get(
        error.status_code, str(error.detail)
    )
    finding = Finding("R177", "", message, "The routes are described at /openapi.json")
    body = details(error.status_code, [finding], in_body=False)
    headers = {"Allow": ", ".join(_methods_of(request))} if error.status_code == 405 else error.headers
    return Response(body, error.status_code, headers=headers, media_type=MEDIA_TYPE)


def _methods_of(request: Request) -> list[str]:
    """Return the methods that the path of a request takes, over all routes."""
    path, found = request.scope["path"], set[str]()
    for route in request.app.routes:
        if isinstance(route, Route) and route.path_regex.match(path):
            found |= route.methods or set()
    return sorted(found)
