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

EXAMPLE = {
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
    404: "There is no such rulebook, slot, value or field.",
    405: "The route doesn't take this method.",
    408: "The body did not arrive in time.",
    409: "Facts contradict each other, the rulebook has changed, or the idempotency key belongs to another request.",
    413: "The body is too large, or nested too deeply.",
    415: "The body is not called application/json.",
    421: "The name in Host is not one of this machine.",
    422: "A field or parameter is unknown, missing or has a wrong value.",
    429: "Too many requests at the same time.",
    500: "The service failed at this request.",
    503: "The service is starting or stopping.",
}
_ALWAYS = (401, 405, 421, 429, 500)
_WITH_BODY = (*_ALWAYS, 400, 404, 408, 409, 413, 415, 422)


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
    )


def _content(name: str, media_type: str = "application/json", **more: Any) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}, **more}}


def _route(
    identity: str,
    summary: str,
    answer: dict[str, Any],
    problems: tuple[int, ...],
    *,
    is_open: bool = False,
    **extra: Any,
) -> dict[str, Any]:
    """Return the keywords of a route."""
    responses: dict[int, dict[str, Any]] = {200: {"description": "The answer.", "content": answer}}
    for status in sorted(problems):
        headers: dict[str, Any] = {}
        if status == 401:
            headers = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
        responses[status] = {
            "description": _MEANINGS.get(status, HTTPStatus(status).phrase),
            "content": _content("ProblemDetails", MEDIA_TYPE),
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


def _parameter(place: str, name: str, schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "description": meaning, "schema": schema}


_KEY = _parameter(
    "header",
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "The same key and request get the same answer again; the key with another request is refused.",
)
_PAIR = {"type": "string", "pattern": "^[a-z][a-z_]*=[a-z0-9_.]*$", "maxLength": 200}
_NAMES = {"type": "string", "enum": list(list_rulebooks())}

RECOMMENDATIONS = _route(
    "recommend",
    "Advise on a problem",
    _content("RecommendationDocument"),
    _WITH_BODY,
    parameters=[_parameter("query", "rulebook", _NAMES, "The rulebook that decides."), _KEY],
    requestBody={
        "required": True,
        "content": _content("Problem", examples={"sparse": {"summary": "A sparse classifier", "value": EXAMPLE}}),
    },
)
EXPLANATIONS = _route(
    "explain",
    "Explain a recommendation, or answer one question about it",
    _content("ExplanationDocument"),
    _WITH_BODY,
    parameters=[
        _parameter("query", "why", {"type": "string", "maxLength": 200}, "Explain one slot, down to the facts."),
        _parameter("query", "why_not", _PAIR, "SLOT=VALUE: why it is not another value."),
        _parameter("query", "what_if", {"type": "array", "items": _PAIR}, "FIELD=VALUE: what that would change."),
        _parameter("query", "counterfactual", _PAIR, "SLOT=VALUE: what would have to change for this value."),
        _parameter("query", "given_up", {"type": "string", "enum": ["true"]}, "What pulled against what."),
        _KEY,
    ],
    requestBody={
        "required": True,
        "content": _content(
            "RecommendationDocument", examples={"sparse": {"$ref": "#/components/examples/Recommendation"}}
        ),
    },
)
RULEBOOKS = _route("listRulebooks", "List the rulebooks", _content("RulebookList"), (*_ALWAYS, 422))
RULEBOOK = _route(
    "showRulebook",
    "Show a rulebook",
    _content("RulebookPage"),
    (*_ALWAYS, 404, 422),
    parameters=[_parameter("path", "name", _NAMES, "Name of the rulebook.")],
)
SCHEMA = _route(
    "showSchema",
    "Show the JSON Schema of a document",
    {"application/schema+json": {"schema": {"type": "object"}}},
    (*_ALWAYS, 404, 422),
    parameters=[
        _parameter("path", "name", {"type": "string", "enum": ["problem", "recommendation"]}, "Which document.")
    ],
)
_STATE = {
    "application/json": {
        "schema": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    }
}
HEALTH = _route("health", "Tell whether the process runs", _STATE, (405, 500), is_open=True)
READINESS = _route("readiness", "Tell whether requests are answered", _STATE, (405, 500, 503), is_open=True)
METRICS = _route("metrics", "Metrics for Prometheus", {"text/plain": {"schema": {"type": "string"}}}, _ALWAYS)


def document_of(app: FastAPI, settings: Settings) -> dict[str, Any]:
    """Return the OpenAPI document of the application; made once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    models = (Problem, RecommendationDocument, ExplanationDocument, RulebookList, RulebookPage, ProblemDetails)
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    components = document.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **schemas["$defs"]}
    components["examples"] = {
        "Recommendation": {"summary": "A recommendation for a sparse classifier", "value": recommend(EXAMPLE).to_dict()}
    }
    if settings.token is not None:
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"bearer": []}]
    app.openapi_schema = document
    return document
