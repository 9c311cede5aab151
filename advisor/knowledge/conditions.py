"""The conditions of a rule's ``when``: comparisons of one fact with constants, joined by all and any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, cast

from advisor.knowledge.domains import Value

Operator = Literal["in", "not_in", "lt", "le", "gt", "ge"]
SIGNS: Mapping[Operator, str] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


class Place(NamedTuple):
    """Where something is written: file, line and column (both counted from 1)."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Render as ``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison of one fact with constants.

    Attributes:
        fact: The name as written: a fact, a derived fact, a computed number, or ``decided.<slot>``.
        operator: ``in`` (equal to one of ``values``), ``not_in`` (to none of them), or a comparison with ``values[0]``.
        values: The constants, with parameters resolved.
        parameters: For each constant the name of the parameter that it came from, or an empty string.
        place: Where the constant is written.
    """

    fact: str
    operator: Operator
    values: tuple[Value, ...]
    parameters: tuple[str, ...]
    place: Place

    def holds(self, value: Any) -> bool:
        """Tell whether a fact's value satisfies the comparison; null satisfies no comparison by size."""
        if self.operator == "in":
            return value in self.values
        if self.operator == "not_in":
            return value not in self.values
        if value is None:
            return False
        bound: Any = self.values[0]
        if self.operator == "lt":
            return bool(value < bound)
        if self.operator == "le":
            return bool(value <= bound)
        return bool(value > bound) if self.operator == "gt" else bool(value >= bound)

    def __str__(self) -> str:
        """Render the comparison for people, parameters by name and value."""
        words = [
            f"{show(value)} ({name})" if name else show(value)
            for value, name in zip(self.values, self.parameters, strict=True)
        ]
        if self.operator == "in":
            return f"{self.fact} = {' or '.join(words)}"
        if self.operator == "not_in":
            return f"{self.fact} is not {' or '.join(words)}"
        return f"{self.fact} {SIGNS[self.operator]} {words[0]}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must hold; without parts it always holds."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        """Render the parts joined by *and*."""
        return " and ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts) or "always"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part must hold."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        """Render the parts joined by *or*."""
        return " or ".join(f"({part})" if isinstance(part, AllOf) else str(part) for part in self.parts)


Condition = Atom | AllOf | AnyOf


def atoms(condition: Condition) -> Iterator[Atom]:
    """Yield every comparison in a condition, in the order in which they are written."""
    if isinstance(condition, Atom):
        yield condition
    else:
        for part in condition.parts:
            yield from atoms(part)


def holds(condition: Condition, values: Mapping[str, Any]) -> bool:
    """Tell whether a condition holds for the values of its facts."""
    if isinstance(condition, Atom):
        return condition.holds(values[condition.fact])
    if isinstance(condition, AllOf):
        return all(holds(part, values) for part in condition.parts)
    return any(holds(part, values) for part in condition.parts)


_OPPOSITE: Mapping[Operator, Operator] = {
    "in": "not_in",
    "not_in": "in",
    "lt": "ge",
    "le": "gt",
    "gt": "le",
    "ge": "lt",
}


def negated(condition: Condition) -> Condition:
    """Return the condition that holds exactly when another doesn't (null fails a comparison by size)."""
    if isinstance(condition, AllOf):
        return AnyOf(tuple(map(negated, condition.parts)))
    if isinstance(condition, AnyOf):
        return AllOf(tuple(map(negated, condition.parts)))
    opposite = replace(condition, operator=_OPPOSITE[condition.operator])
    if condition.operator in SIGNS:
        return AnyOf((opposite, Atom(condition.fact, "in", (None,), ("",), condition.place)))
    return opposite


NOWHERE = Place("", 0, 0)


def condition_from(when: Mapping[str, Any], place: Place = NOWHERE) -> AllOf:
    """Return a condition from plain data in the form of a rule's ``when``, which is taken to be correct.

    Args:
        when: Names with a value, a list of values, or a mapping with ``lt``, ``le``, ``gt``, ``ge`` and ``not``;
            ``any`` and ``all`` hold lists of conditions.
        place: Where it comes from.
    """
    parts: list[Condition] = []
    for name, wanted in when.items():
        if name in ("any", "all"):
            branches = tuple(condition_from(branch, place) for branch in wanted)
            parts.append(AnyOf(branches) if name == "any" else AllOf(branches))
            continue
        for sign, value in wanted.items() if isinstance(wanted, Mapping) else [("in", wanted)]:
            operator = cast(Operator, "not_in" if sign == "not" else sign)
            values = tuple(value) if isinstance(value, list | tuple) else (value,)
            parts.append(Atom(name, operator, values, ("",) * len(values), place))
    return AllOf(tuple(parts))


def show(value: Value) -> str:
    """Render a value as it is written in a rule file."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(show, value))}]"
    return str(value)
