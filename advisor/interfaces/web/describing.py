"""The page that describes the HTTP interface: made from the OpenAPI document, for people, without a script."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from advisor.interfaces.web.pages import page

GROUPS = {
    "/v1/recommendations": "Advice",
    "/v1/explanations": "Advice",
    "/v1/rulebooks": "Knowledge",
    "/v1/schemas": "Knowledge",
    "/v1/datasets": "Data",
    "/v1/jobs": "Training",
}
OTHER = "Watching the service"
SHOWN = ("Problem", "JobRequest", "ProblemDetails")
"""The documents whose fields are listed: those that a caller writes, and the one that says what is wrong."""
LONGEST_EXAMPLE = 1200
GUESSED = "Successful Response"
"""What the framework says of a status that a route doesn't answer with."""


async def get_docs(request: Request) -> Response:
    """Answer with the description of every route."""
    text = await run_in_threadpool(lambda: json.dumps(request.app.openapi()))
    view = await run_in_threadpool(_view, text)
    return page("docs", **view)


@lru_cache(maxsize=2)
def _view(text: str) -> dict[str, Any]:
    """Return what the page shows of an OpenAPI document."""
    document = json.loads(text)
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        title = next((title for start, title in GROUPS.items() if path.startswith(start)), OTHER)
        for method, operation in operations.items():
            groups.setdefault(title, []).append(_operation(document, method.upper(), path, operation))
    schemas = document["components"]["schemas"]
    needs_token = bool(document.get("security"))
    return {
        "version": document["info"]["version"],
        "about": document["info"]["description"].split("\n\n"),
        "needs_token": needs_token,
        "groups": [{"title": title, "id": _anchor(title), "operations": each} for title, each in groups.items()],
        "schemas": [_schema(name, schemas[name]) for name in SHOWN if name in schemas],
    }


def _anchor(text: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())


def _operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    schemas, examples = document["components"]["schemas"], document["components"]["examples"]
    contents: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    kind = next(iter(contents), "")
    body: Mapping[str, Any] = contents.get(kind, {})
    sent = _example(body, examples)
    name = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
    answers = [
        {"status": status, "description": each["description"], "is_good": status.startswith("2")}
        for status, each in sorted(operation["responses"].items())
        if each["description"] != GUESSED
    ]
    good: Mapping[str, Any] = next((operation["responses"][each["status"]] for each in answers if each["is_good"]), {})
    returns: Mapping[str, Any] = good.get("content", {})
    answer = next(iter(returns), "")
    return {
        "id": _anchor(f"{method} {path}"),
        "method": method,
        "path": path,
        "summary": operation["summary"],
        "parameters": [
            {
                "name": each["name"],
                "place": each["in"],
                "required": each.get("required", False),
                "type": _type(each.get("schema", {})),
                "description": each.get("description", ""),
            }
            for each in operation.get("parameters", ())
        ],
        "kinds": list(contents),
        "body": name if name in schemas else "",
        "has_fields": name in SHOWN,
        "curl": _curl(method, path, kind, sent),
        "answer": answer,
        "example": _cut(_example(returns.get(answer, {}), examples)),
        "answers": answers,
    }


def _example(content: Mapping[str, Any], examples: Mapping[str, Any]) -> Any:
    """Return the first example of a content; None without one."""
    for each in content.get("examples", {}).values():
        told = examples[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        return told.get("value")
    return None


def _cut(example: Any) -> str:
    if example is None:
        return ""
    text = json.dumps(example, indent=2, ensure_ascii=False)
    return text if len(text) <= LONGEST_EXAMPLE else text[:LONGEST_EXAMPLE].rsplit("\n", 1)[0] + "\n  …"


def _curl(method: str, path: str, kind: str, body: Any) -> str:
    """Return the route as a command that can be copied; ``$SERVICE`` is the address."""
    words = ["curl", "-s"]
    if method not in ("GET", "POST"):
        words += ["-X", method]
    if path.endswith("/events"):
        words += ["-N"]
    command = f"{' '.join(words)} $SERVICE{path}"
    if method != "POST":
        return command
    command += f" -H {shlex.quote(f'Content-Type: {kind}')}"
    if kind != "application/json":
        return f"{command} --data-binary @data.csv"
    text = json.dumps(body) if body is not None else ""
    if not text or len(text) > 400:
        return f"{command} -d @document.json"
    return f"{command} \\\n  -d {shlex.quote(text)}"


def _schema(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    return {
        "name": name,
        "id": _anchor(name),
        "description": schema.get("description", "").split("\n")[0],
        "fields": [
            {
                "name": field,
                "required": field in required,
                "type": _type(each),
                "description": each.get("description", ""),
            }
            for field, each in schema.get("properties", {}).items()
        ],
    }


def _type(schema: Mapping[str, Any]) -> str:
    """Return what a value may be, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    bounds = [
        schema.get("minimum", schema.get("exclusiveMinimum")),
        schema.get("maximum", schema.get("exclusiveMaximum")),
    ]
    if kind in ("integer", "number") and None not in bounds:
        return f"{kind}, {bounds[0]:,} to {bounds[1]:,}"
    return kind
