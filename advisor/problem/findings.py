"""Turns pydantic's reports into findings: where, what was received, what is allowed, what to do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from advisor.errors import Finding
from advisor.problem.vocabulary import FACTS


def show(value: Any) -> str:
    """Return a received value as a person should see it: as JSON where that's possible, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def findings_of(error: ValidationError) -> list[Finding]:
    """Return one finding for each field that pydantic refused."""
    found: dict[str, Finding] = {}
    for detail in error.errors(include_url=False):
        finding = _finding(detail)
        found.setdefault(finding.place or finding.message, finding)
    return list(found.values())


def _finding(detail: ErrorDetails) -> Finding:
    place = str(detail["loc"][0]) if detail["loc"] else ""
    received = detail["input"]
    if not place:
        message = f"a problem is one object with named fields, not {show(received)}."
        return Finding("P104", "", message, 'Such as {"task": "multiclass", "architecture": "dense_stack"}.')
    fact = FACTS.get(place)
    if fact is None:
        return unknown_field(place)
    if detail["type"] == "missing":
        return Finding("P106", place, f"the field {place!r} is missing.", f"Give one of: {fact.allowed}.")
    if fact.kind == "enum" and isinstance(received, str):
        close = suggestion(received, fact.choice_meanings)
        return Finding("P107", place, f"{show(received)} is not one of its values{close}", f"Allowed: {fact.allowed}.")
    is_number = isinstance(received, int | float) and not isinstance(received, bool)
    if is_number and fact.kind in ("int", "number") and detail["type"] != "int_type":
        return Finding("P109", place, f"{show(received)} is out of range.", f"Allowed: {fact.allowed}.")
    return Finding("P108", place, f"{show(received)} is {_kind_of(received)}.", f"Allowed: {fact.allowed}.")


def unknown_field(name: str) -> Finding:
    """Return the finding for a field that the vocabulary doesn't know."""
    message = f"{name!r} is not a field of a problem{suggestion(name, FACTS)}"
    return Finding("P105", name, message, "See all fields with: advisor rules show --vocabulary")


def suggestion(word: str, known: Mapping[str, object]) -> str:
    """Return ``; did you mean 'x'?`` for the closest known word, or a full stop when none is close."""
    plain = {name.replace("_", "").lower(): name for name in known}
    close = difflib.get_close_matches(word.replace("_", "").replace("-", "").lower(), plain, n=1, cutoff=0.7)
    return f"; did you mean {plain[close[0]]!r}?" if close else "."


def _kind_of(value: Any) -> str:
    if value is None:
        return "not a value here"
    if isinstance(value, bool):
        return "a truth value"
    kinds: tuple[tuple[type, str], ...] = (
        (str, "text"),
        (int, "a whole number"),
        (float, "a number with a fraction"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), f"a {type(value).__name__}")
