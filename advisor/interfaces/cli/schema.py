"""``advisor schema``: the JSON Schema of the documents that go in and out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from advisor.errors import Finding, RequestError
from advisor.interfaces.cli.streams import to_json, write_line

NAMES = ("problem", "recommendation")


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a document.

    Raises:
        RequestError: If there is no such document.
    """
    if name == "problem":
        from advisor.problem import Problem

        found = Problem.model_json_schema()
    elif name == "recommendation":
        from advisor.recommendation.document import RecommendationDocument

        found = RecommendationDocument.model_json_schema()
    else:
        from advisor.problem.checking import suggestion

        message = f"there is no schema {name!r}{suggestion(name, dict.fromkeys(NAMES))}"
        raise RequestError(Finding("R106", name, message, f"Schemas: {', '.join(NAMES)}."))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def schema(
    name: Annotated[str, typer.Argument(metavar="problem|recommendation", help="Which document.")],
    json: Annotated[bool, typer.Option("--json", help="JSON is what is printed anyway.")] = False,
) -> None:
    """Print the JSON Schema of a document."""
    write_line(to_json(schema_of(name)))
