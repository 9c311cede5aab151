"""The service's OpenAPI description: from the models, with examples, limits and every status."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from advisor.interfaces.service.answering import ExplanationDocument, RulebookList, RulebookPage
from advisor.interfaces.service.problem_details import MEDIA_TYPE, ProblemDetails
from advisor.interfaces.service.settings import Settings
from advisor.knowledge import list_rulebooks
from advisor.problem import Problem
from advisor.recommendation import recommend
from advisor.recommendation.document import RecommendationDocument

if TYPE_CHECKING:
    from fastapi import FastAPI

    from advisor.interfaces.service.jobs.limits import JobLimits

EXAMPLE: dict[str, Any] = {
    "task": "multiclass",
    "architecture": "dense_stack",
    "features": 20,
    "outputs": 5,
    "labeled_rows": 12000,
    "sparsity": "sparse",
}
_MEANINGS = {
    400: "The body is not strict JSON (NaN and keys given twice included), or a header is malformed.",
    401: "The bearer token is missing or wrong.",
    404: "There is no such rulebook, slot, value, field, data set, job or file.",
    405: "The route doesn't take this method.",
    408: "The body did not arrive in time.",
    409: "Facts contradict each other or the data, the rulebook has changed, the data can't be used, "
    "or the idempotency key belongs to another request.",
    413: "The body is too large, or nested too deeply.",
    415: "The body is not called what the route takes.",
    421: "The name in Host is not one of this machine.",
    422: "A field or parameter is unknown, missing or has a wrong value.",
    429: "Too many requests at the same time, or too many jobs wait.",
    500: "The service failed at this request.",
    503: "The service is starting or stopping.",
    507: "There is no room for more data.",
}
_ANSWERS = {
    201: "It was taken in.",
    202: "It was accepted; the job tells how it goes on.",
    204: "There is nothing to send.",
}
ALWAYS = (401, 405, 421, 429, 500)
WITH_BODY = (*ALWAYS, 400, 404, 408, 409, 413, 415, 422)


def version() -> str:
    """Return the version of the program."""
    return installed_version("advisor")


def description(settings: Settings) -> str:
    """Return what the service does, and its limits."""
    return (
        "Advice on deep networks: a problem in, an explained recommendation out; the same problem and rules give the "
        "same bytes. JSON is read strictly: unknown fields, keys given twice, NaN and infinities are refused. "
        "Errors are problem details (RFC 9457).\n\n"
        f"Limits: a body has at most {settings.most_bytes:,} bytes and {settings.most_depth} levels (413) and arrives "
        f"within {settings.body_seconds:g} s (408); at most {settings.most_requests} requests are answered at the same "
        f"time (429 with Retry-After). Answers to an Idempotency-Key are kept for {settings.kept_seconds / 3600:g} "
        f"hours, the latest {settings.kept_answers} of them, at most {settings.kept_bytes:,} bytes."
        + (limits_of_jobs(settings.jobs) if settings.data_dir is not None else "")
    )


def limits_of_jobs(limits: JobLimits) -> str:
    """Return the limits of uploads and jobs, in words."""
    return (
        f"\n\nTraining: an upload has at most {limits.most_upload_bytes:,} bytes and {limits.most_rows:,} rows (413); "
        f"{limits.most_datasets:,} data sets are kept, and with the runs at most {limits.most_stored_bytes:,} bytes "
        f"(507). {limits.most_running} job(s) run at the same time, and {limits.most_waiting} wait (429). A job takes "
        f"at most {limits.job_seconds:g} s, {limits.cpu_seconds:,} s of processor time, and {limits.memory_bytes:,} "
        f"bytes of memory. The latest {limits.most_kept_jobs:,} jobs are kept. At most {limits.most_watchers} "
        "streams of events are open at the same time (429)."
    )


def content(name: str, media_type: str = "application/json", **more: Any) -> dict[str, Any]:
    """Return a content that a named model describes."""
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}, **more}}


def route(
    identity: str,
    summary: str,
    answer: dict[str, Any],
    problems: tuple[int, ...],
    *,
    is_open: bool = False,
    statuses: tuple[int, ...] = (200,),
    answer_headers: dict[str, Any] | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Return the keywords of a route.

    Args:
        identity: Name of the operation.
        summary: What it does, in a sentence.
        answer: The content of the answer; empty where there is none.
        problems: Statuses that come with problem details.
        is_open: Whether it needs no token.
        statuses: Statuses of the answer.
        answer_headers: Headers of the answer.
        extra: Further parts of the operation.
    """
    responses: dict[int, dict[str, Any]] = {}
    for status in statuses:
        responses[status] = {"description": _ANSWERS.get(status, "The answer.")}
        if answer and status != 204:
            responses[status]["content"] = answer
        if answer_headers and status != 204:
            responses[status]["headers"] = answer_headers
    for status in sorted(problems):
        headers: dict[str, Any] = {}
        if status == 401:
            headers = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
        responses[status] = {
            "description": _MEANINGS.get(status, HTTPStatus(status).phrase),
            "content": content("ProblemDetails", MEDIA_TYPE),
            **({"headers": headers} if headers else {}),
        }
    if is_open:
        extra["security"] = []
    return {
        "operation_id": identity,
        "summary": summary,
        "responses": responses,
        "openapi_extra": extra,
        "response_model": None,
    }


def parameter(place: str, name: str, schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    """Return the description of a parameter."""
    return {"name": name, "in": place, "required": place == "path", "description": meaning, "schema": schema}


KEY = parameter(
    "header",
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "The same key and request get the same answer again; the key with another request is refused.",
)
_PAIR = {"type": "string", "pattern": "^[a-z][a-z_]*=[a-z0-9_.]*$", "maxLength": 200}
_NAMES = {"type": "string", "enum": list(list_rulebooks())}

RECOMMENDATIONS = route(
    "recommend",
    "Advise on a problem",
    content("RecommendationDocument"),
    WITH_BODY,
    parameters=[parameter("query", "rulebook", _NAMES, "The rulebook that decides."), KEY],
    requestBody={
        "required": True,
        "content": content("Problem", examples={"sparse": {"summary": "A sparse classifier", "value": EXAMPLE}}),
    },
)
EXPLANATIONS = route(
    "explain",
    "Explain a recommendation, or answer one question about it",
    content("ExplanationDocument"),
    WITH_BODY,
    parameters=[
        parameter("query", "why", {"type": "string", "maxLength": 200}, "Explain one slot, down to the facts."),
        parameter("query", "why_not", _PAIR, "SLOT=VALUE: why it is not another value."),
        parameter("query", "what_if", {"type": "array", "items": _PAIR}, "FIELD=VALUE: what that would change."),
        parameter("query", "counterfactual", _PAIR, "SLOT=VALUE: what would have to change for this value."),
        parameter("query", "given_up", {"type": "string", "enum": ["true"]}, "What pulled against what."),
        KEY,
    ],
    requestBody={
        "required": True,
        "content": content(
            "RecommendationDocument", examples={"sparse": {"$ref": "#/components/examples/Recommendation"}}
        ),
    },
)
RULEBOOKS = route("listRulebooks", "List the rulebooks", content("RulebookList"), (*ALWAYS, 422))
RULEBOOK = route(
    "showRulebook",
    "Show a rulebook",
    content("RulebookPage"),
    (*ALWAYS, 404, 422),
    parameters=[parameter("path", "name", _NAMES, "Name of the rulebook.")],
)
SCHEMA = route(
    "showSchema",
    "Show the JSON Schema of a document",
    {"application/schema+json": {"schema": {"type": "object"}}},
    (*ALWAYS, 404, 422),
    parameters=[
        parameter("path", "name", {"type": "string", "enum": ["problem", "recommendation"]}, "Which document.")
    ],
)
_STATE = {
    "application/json": {
        "schema": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    }
}
HEALTH = route("health", "Tell whether the process runs", _STATE, (405, 500), is_open=True)
READINESS = route("readiness", "Tell whether requests are answered", _STATE, (405, 500, 503), is_open=True)
METRICS = route("metrics", "Metrics for Prometheus", {"text/plain": {"schema": {"type": "string"}}}, ALWAYS)


def _name_problem_fields(schemas: dict[str, Any]) -> None:
    """Say which fields a job's problem may have: those of a problem, of which the data answer some."""
    fields = {
        key: value for key, value in schemas["Problem"].items() if key not in ("required", "title", "description")
    }
    schemas["ProblemFields"] = {"title": "ProblemFields", "description": "Some fields of a problem.", **fields}
    described = schemas["JobRequest"]["properties"]
    described["problem"] = {"$ref": "#/components/schemas/ProblemFields"}
    described["recommendation"]["anyOf"] = [{"$ref": "#/components/schemas/RecommendationDocument"}, {"type": "null"}]
    described["rulebook"]["anyOf"] = [_NAMES, {"type": "null"}]


def document_of(app: FastAPI, settings: Settings) -> dict[str, Any]:
    """Return the OpenAPI document of the application; made once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    models: list[Any] = [
        Problem,
        RecommendationDocument,
        ExplanationDocument,
        RulebookList,
        RulebookPage,
        ProblemDetails,
    ]
    examples: dict[str, Any] = {
        "Recommendation": {"summary": "A recommendation for a sparse classifier", "value": recommend(EXAMPLE).to_dict()}
    }
    if settings.data_dir is not None:
        from advisor.interfaces.service.jobs.descriptions import EXAMPLES, MODELS

        models += MODELS
        examples |= EXAMPLES
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    components = document.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **schemas["$defs"]}
    if settings.data_dir is not None:
        _name_problem_fields(components["schemas"])
    components["examples"] = examples
    if settings.token is not None:
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"bearer": []}]
    app.openapi_schema = document
    return document
