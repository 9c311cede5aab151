"""Reads what is asked for: slots, fields and their values, as words from a command line or as Python values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from advisor.errors import Finding, RequestError
from advisor.explanation import wording
from advisor.knowledge import Rulebook
from advisor.knowledge.domains import Domain, Value
from advisor.problem import FACTS
from advisor.problem.checking import suggestion, unknown_field

_NOTHING = ("null", "none", "unknown", "")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


def pair(text: str, option: str, left: str) -> tuple[str, str]:
    """Return both sides of ``NAME=VALUE``.

    Args:
        text: What was given.
        option: The option that it was given for.
        left: What the name should be, in capitals.

    Raises:
        RequestError: If there is no equals sign.
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        message = f"{text!r} is not of the form {left}=VALUE."
        example = "activation=relu" if left == "SLOT" else "sparsity=sparse"
        raise RequestError(Finding("R142", option, message, f"Such as: {option} {example}"))
    return name.strip(), value.strip()


def check_slot(rulebook: Rulebook, slot: str) -> None:
    """Raise a ``RequestError`` that suggests a slot if there is no such one."""
    if slot not in rulebook.slots:
        message = f"nothing is decided about {slot!r}{suggestion(slot, rulebook.slots)}"
        raise RequestError(Finding("R101", slot, message, f"Decided are: {', '.join(rulebook.slots)}."))


def check_fields(fields: Iterable[str]) -> None:
    """Raise a ``RequestError`` that suggests fields if there are no such ones."""
    unknown = [unknown_field(name) for name in fields if name not in FACTS]
    if unknown:
        raise RequestError(*unknown)


def slot_value(rulebook: Rulebook, slot: str, given: Any) -> Value:
    """Return the value of a slot that was asked for.

    Args:
        rulebook: The rulebook.
        slot: The slot.
        given: A value, or how it is written; elements of a list are separated by commas.

    Raises:
        RequestError: If there is no such slot, or the slot can't have that value.
    """
    check_slot(rulebook, slot)
    domain = rulebook.slots[slot].domain
    value: Value = _read(domain, given) if isinstance(given, str) else given
    value = tuple(value) if isinstance(value, list) else value
    if domain.is_list and not isinstance(value, tuple):
        value = (value,)
    if domain.accepts(value):
        return value
    shown = wording.say_value(value)
    message = f"{shown!r} is no value of {slot}{suggestion(shown, domain.choices)}"
    raise RequestError(Finding("R143", slot, message, f"Values: {_allowed(rulebook, slot)}."))


def fact_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changed facts with the values that words stand for; what is no value is left to the problem's check.

    Raises:
        RequestError: If a field is unknown.
    """
    check_fields(changes)
    found = {}
    for name, given in changes.items():
        fact = FACTS[name]
        domain = Domain(fact.kind, fact.choices, fact.nullable)
        found[name] = _read(domain, given) if isinstance(given, str) else given
    return found


def values_of(rulebook: Rulebook, slot: str) -> tuple[Value, ...]:
    """Return the values that the rules of a rulebook set a slot to, in the order in which they are declared."""
    positions = rulebook.writers["decided." + slot]
    written = [rulebook.written(position, "decided." + slot) for position in positions]
    if rulebook.slots[slot].collect:
        elements = {element for each in written if isinstance(each.value, tuple) for element in each.value}
        return tuple(choice for choice in rulebook.slots[slot].domain.choices if choice in elements)
    values = {each.value for each in written if not each.copy}
    values |= {choice for each in written if each.copy in FACTS for choice in FACTS[each.copy].choices}
    choices = rulebook.slots[slot].domain.choices
    return tuple(
        sorted(values, key=lambda each: (choices.index(each) if each in choices else len(choices), _order(each)))
    )


def _order(value: Value) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float)
    return (not is_number, float(value) if isinstance(value, int | float) else 0.0, str(value))


def _allowed(rulebook: Rulebook, slot: str) -> str:
    domain = rulebook.slots[slot].domain
    return ", ".join(domain.choices) if domain.choices else str(domain)


def _read(domain: Domain, text: str) -> Any:
    if domain.is_list:
        parts = [part.strip() for part in text.strip("[]() ").split(",") if part.strip()]
        if len(parts) == 1 and parts[0] in _NOTHING and parts[0] not in domain.choices:
            return ()
        return tuple(_read_one(domain, part) for part in parts)
    return _read_one(domain, text)


def _read_one(domain: Domain, text: str) -> Any:
    if text in domain.choices:
        return text
    lowered = text.lower()
    if domain.kind == "bool" and lowered in _TRUTH:
        return _TRUTH[lowered]
    if domain.nullable and lowered in _NOTHING:
        return None
    if domain.kind in ("int", "number"):
        digits = text.replace(",", "").replace("_", "")
        for kind in (int, float):
            try:
                return kind(digits)
            except ValueError:
                continue
    return text
