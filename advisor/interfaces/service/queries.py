"""Query parameters, checked against the description that the OpenAPI document shows of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from advisor.errors import Finding, RequestError
from advisor.interfaces.service.answering import check_parameters, parameters_of

if TYPE_CHECKING:
    from starlette.requests import Request

_NUMBER = re.compile(r"[0-9]{1,15}")
_SHOWN = 40


def read_query(request: Request, route: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query parameters of a request as the description of its route has them.

    Args:
        request: The request.
        route: Keywords of the route, as `openapi.route` makes them; its parameters are strings (with an enumeration
            or lengths) and whole numbers (with limits).

    Returns:
        Each parameter that was given, and the defaults of those that were not, by name.

    Raises:
        RequestError: If a parameter is unknown, given twice, or has a value that its description excludes.
    """
    described = route["openapi_extra"].get("parameters", ())
    schemas = {each["name"]: each["schema"] for each in described if each["in"] == "query"}
    given = parameters_of(request)
    check_parameters(given, tuple(schemas))
    defaults = {name: schema["default"] for name, schema in schemas.items() if "default" in schema}
    return defaults | {name: _value(name, values[0], schemas[name]) for name, values in given.items()}


def refuse_parameters(request: Request) -> None:
    """Check that a request has no query parameters.

    Raises:
        RequestError: If it has one.
    """
    check_parameters(parameters_of(request), ())


def _value(name: str, text: str, schema: Mapping[str, Any]) -> str | int:
    shown = f"{text[:_SHOWN]!r}"
    if "enum" in schema:
        if text in schema["enum"]:
            return text
        raise RequestError(Finding("R175", name, f"it can't be {shown}.", f"Allowed: {', '.join(schema['enum'])}."))
    if schema["type"] == "integer":
        least, most = schema["minimum"], schema["maximum"]
        if _NUMBER.fullmatch(text) and least <= int(text) <= most:
            return int(text)
        raise RequestError(Finding("R175", name, f"it can't be {shown}.", f"Send a whole number, {least} to {most}."))
    least, most = schema.get("minLength", 0), schema["maxLength"]
    if least <= len(text) <= most:
        return text
    message = f"it has {len(text)} letters."
    raise RequestError(Finding("R175", name, message, f"Send {least} to {most} letters."))
