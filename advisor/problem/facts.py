"""What a fact is: type, unit, meaning, and everything needed to ask a person for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Value = str | bool | int | float | None
Kind = Literal["enum", "bool", "int", "number"]
Condition = Mapping[str, object]


@dataclass(frozen=True)
class FactType:
    """One fact that a problem may state; the one source of its question, help text, schema and glossary entry.

    Attributes:
        name: Name in JSON, rules and Python.
        kind: ``enum`` (one of ``choices``), ``bool``, ``int`` or ``number``.
        title: Name for people.
        meaning: What the fact says (glossary entry).
        question: How a person is asked for it.
        why: Why it is asked: what depends on the answer.
        default: Value when nothing is said; meaningless when ``required``.
        default_because: Why that is the default.
        required: Whether a problem without it is refused.
        nullable: Whether ``null`` (unknown, or not wanted) is a value.
        choice_meanings: For an enum, each choice with what it means, in the order in which they are offered.
        minimum: Smallest value, or None.
        maximum: Largest value, or None.
        minimum_is_allowed: False when the value must lie above the minimum.
        maximum_is_allowed: False when the value must lie below the maximum.
        unit: Unit of a number, empty when it has none.
        null_means: What ``null`` says, when it's a value.
        asked_when: Condition on earlier answers under which the question is relevant (as in a rule's ``when``);
            None when it's always relevant.
        asked: False for facts that are measured or observed and that no person is asked for.
        examples: Values for documentation.
    """

    name: str
    kind: Kind
    title: str
    meaning: str
    question: str
    why: str
    default: Value = None
    default_because: str = ""
    required: bool = False
    nullable: bool = False
    choice_meanings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    minimum: float | None = None
    maximum: float | None = None
    minimum_is_allowed: bool = True
    maximum_is_allowed: bool = True
    unit: str = ""
    null_means: str = ""
    asked_when: Condition | None = None
    asked: bool = True
    examples: tuple[Value, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """The words of an enum, in the order in which they are offered; empty for other kinds."""
        return tuple(self.choice_meanings)

    @property
    def allowed(self) -> str:
        """Say in words which values are allowed."""
        if self.kind == "enum":
            words = ", ".join(self.choices)
        elif self.kind == "bool":
            words = "true, false"
        else:
            words = ("a whole number" if self.kind == "int" else "a number") + self._range()
            words += f" ({self.unit})" if self.unit else ""
        return f"{words}, or null ({self.null_means or 'unknown'})" if self.nullable else words

    def _range(self) -> str:
        low, high = self._bound(self.minimum), self._bound(self.maximum)
        above = f"from {low}" if self.minimum_is_allowed else f"above {low}"
        below = f"up to {high}" if self.maximum_is_allowed else f"below {high}"
        if low and high:
            both_allowed = self.minimum_is_allowed and self.maximum_is_allowed
            return f" from {low} to {high}" if both_allowed else f" {above} and {below}"
        return f" {above}" if low else f" {below}" if high else ""

    def _bound(self, bound: float | None) -> str:
        if bound is None:
            return ""
        return f"{int(bound):,}" if bound == int(bound) else f"{bound:g}"

    def accepts(self, value: object) -> bool:
        """Tell whether a value is one of this fact's values (a bool is never a number)."""
        if value is None:
            return self.nullable
        if self.kind == "enum":
            return isinstance(value, str) and value in self.choice_meanings
        if self.kind == "bool":
            return isinstance(value, bool)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.kind == "int" and not isinstance(value, int):
            return False
        above = self.minimum is None or value > self.minimum or (self.minimum_is_allowed and value == self.minimum)
        below = self.maximum is None or value < self.maximum or (self.maximum_is_allowed and value == self.maximum)
        return above and below
