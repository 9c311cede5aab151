"""Checks a problem against the vocabulary: what was stated, or everything that is wrong with it."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from advisor.errors import Finding, ProblemError
from advisor.problem.contradictions import contradictions
from advisor.problem.facts import FactType
from advisor.problem.vocabulary import FACTS

_DEFAULTS: Mapping[str, Any] = {name: fact.default for name, fact in FACTS.items()}
_REQUIRED = tuple(name for name, fact in FACTS.items() if fact.required)


def check_facts(raw: object) -> tuple[dict[str, Any], frozenset[str]]:
    """Check what was stated about a problem.

    Args:
        raw: Facts by name, as read from JSON.

    Returns:
        Every fact by name, in the vocabulary's order and with defaults; and the names of the stated ones.

    Raises:
        ProblemError: With one finding for each unknown or missing field, wrong value, and contradiction.
    """
    if not isinstance(raw, Mapping):
        message = f"a problem is one object with named fields, not {show(raw)}."
        hint = 'Such as {"task": "multiclass", "architecture": "dense_stack"}.'
        raise ProblemError(Finding("P104", "", message, hint))
    facts = dict(_DEFAULTS)
    found = []
    for name, value in raw.items():
        fact = FACTS.get(name) if isinstance(name, str) else None
        if fact is None:
            found.append(unknown_field(str(name)))
            continue
        value = _as_meant(fact, value)
        if fact.accepts(value):
            facts[name] = float(value) if fact.kind == "number" and value is not None else value
        else:
            found.append(refused(fact, value))
    found += [
        Finding("P106", name, f"the field {name!r} is missing.", f"Give one of: {FACTS[name].allowed}.")
        for name in _REQUIRED
        if name not in raw
    ]
    stated = frozenset(raw)
    found = found or contradictions(facts, stated)
    if found:
        raise ProblemError(*found)
    return facts, stated


def check_stated(raw: Mapping[str, Any]) -> None:
    """Check facts that data will complete: each by itself; required ones may be missing.

    Raises:
        ProblemError: If a fact is unknown, or its value not allowed.
    """
    found = [
        refused(FACTS[name], value) if name in FACTS else unknown_field(str(name))
        for name, value in raw.items()
        if name not in FACTS or not FACTS[name].accepts(_as_meant(FACTS[name], value))
    ]
    if found:
        raise ProblemError(*found)


def _as_meant(fact: FactType, value: Any) -> Any:
    """Return 3 for 3.0 where a whole number is wanted: JSON has one kind of number."""
    whole = fact.kind == "int" and type(value) is float and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value


def refused(fact: FactType, value: object) -> Finding:
    """Return the finding for a value that isn't one of a fact's values."""
    allowed = f"Allowed: {fact.allowed}."
    if fact.kind == "enum" and isinstance(value, str):
        message = f"{show(value)} is not one of its values{suggestion(value, fact.choices)}"
        return Finding("P107", fact.name, message, allowed)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and (fact.kind == "number" or (fact.kind == "int" and isinstance(value, int))):
        return Finding("P109", fact.name, f"{show(value)} is out of range.", allowed)
    return Finding("P108", fact.name, f"{show(value)} is {_kind_of(value)}.", allowed)


def unknown_field(name: str) -> Finding:
    """Return the finding for a field that the vocabulary doesn't know."""
    message = f"{name!r} is not a field of a problem{suggestion(name, FACTS)}"
    return Finding("P105", name, message, "See all fields with: advisor rules show --vocabulary")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the closest known word, or a full stop when none is close."""
    plain = {name.replace("_", "").lower(): name for name in known}
    close = difflib.get_close_matches(word.replace("_", "").replace("-", "").lower(), plain, n=1, cutoff=0.7)
    return f"; did you mean {plain[close[0]]!r}?" if close else "."


def show(value: object) -> str:
    """Return a received value as a person should see it: as JSON where that's possible, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_KINDS: tuple[tuple[type, str], ...] = (
    (str, "text"),
    (int, "a whole number"),
    (float, "a number with a fraction"),
    (list, "a list"),
    (dict, "an object"),
)


def _kind_of(value: object) -> str:
    if value is None:
        return "not a value here"
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    return next((words for kind, words in _KINDS if isinstance(value, kind)), f"a {type(value).__name__}")
