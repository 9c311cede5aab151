"""Errors as RFC 9457 problem details, each with the paths of the fields that it is about."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from advisor.errors import AdvisorError, Finding, RequestError

MEDIA_TYPE = "application/problem+json"
_PATH = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
_NOT_JSON = frozenset({"P101", "P102", "P103"})
_NOT_THERE = frozenset({"K100", "R101", "R106", "R143"})
_CONFLICT = re.compile("P2..|R141")


class ErrorDocument(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="Stable code; the reference has a page of them.", examples=["P105"])
    place: str = Field(description="The field, parameter or place in the text.", examples=["sparsity"])
    message: str = Field(description="What is wrong, with the value as it was received.")
    hint: str = Field(description="What to do next; may be empty.")
    pointer: Annotated[str, Field(pattern="^#/")] | None = Field(
        default=None, description="JSON pointer to the field of the body.", examples=["#/sparsity"]
    )


class ProblemDetails(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="The kind of problem, by its first code.", examples=["urn:advisor:error:P105"])
    title: str = Field(description="The status in words.", examples=["Unprocessable Content"])
    status: int = Field(description="The status.", examples=[422])
    detail: str = Field(description="What is wrong, in one sentence.")
    errors: list[ErrorDocument] = Field(description="Everything that is wrong.")


class UnanswerableError(RequestError):
    """A well-formed question that this recommendation has no answer to."""


def status_of(error: AdvisorError) -> int:
    """Return the status that says what kind of mistake an error is."""
    stated: int | None = getattr(error, "status", None)
    if stated is not None:
        return stated
    codes = [finding.code for finding in error.findings]
    if any(code in _NOT_JSON for code in codes):
        return 400
    if any(code in _NOT_THERE for code in codes):
        return 404
    if isinstance(error, UnanswerableError):
        return 404 if "P105" in codes else 409
    return 409 if all(_CONFLICT.fullmatch(code) for code in codes) else 422


def details(status: int, findings: Sequence[Finding], *, in_body: bool = True) -> bytes:
    """Return problem details as JSON.

    Args:
        status: The status.
        findings: What is wrong.
        in_body: Whether places are fields of the body, and not parameters or headers.
    """
    errors = []
    for finding in findings:
        entry = finding.as_dict()
        if in_body and _PATH.fullmatch(finding.place):
            entry["pointer"] = "#/" + finding.place.replace(".", "/")
        errors.append(entry)
    document: Mapping[str, object] = {
        "type": f"urn:advisor:error:{findings[0].code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{findings[0].place}: {findings[0].message}" if findings[0].place else findings[0].message,
        "errors": errors,
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")
