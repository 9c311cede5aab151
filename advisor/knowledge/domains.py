"""The values that a name may take: one description for facts, derived facts, computed numbers and slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from advisor.problem.facts import FactType

Scalar = str | bool | int | float | None
Value = Scalar | tuple[Scalar, ...]
Kind = Literal["enum", "bool", "int", "number", "word"]

KINDS: tuple[Kind, ...] = ("bool", "int", "number", "word")
_SPOKEN = {"bool": "true or false", "int": "a whole number", "number": "a number", "word": "a word"}


@dataclass(frozen=True, slots=True)
class Domain:
    """What values a name may take.

    Attributes:
        kind: ``enum`` (one of ``choices``), ``bool``, ``int``, ``number`` or ``word`` (any word).
        choices: The words of an enum, in the order in which they are declared.
        nullable: Whether ``null`` (unknown, or nothing) is a value.
        is_list: Whether a value is a list of such elements.
        minimum: Smallest number, or None.
        maximum: Largest number, or None.
        minimum_is_allowed: False when numbers must lie above the minimum.
        maximum_is_allowed: False when numbers must lie below the maximum.
    """

    kind: Kind
    choices: tuple[str, ...] = ()
    nullable: bool = False
    is_list: bool = False
    minimum: float | None = None
    maximum: float | None = None
    minimum_is_allowed: bool = True
    maximum_is_allowed: bool = True

    @property
    def is_numeric(self) -> bool:
        """Whether values are single numbers, so that they can be compared by size."""
        return self.kind in ("int", "number") and not self.is_list

    def accepts(self, value: Value) -> bool:
        """Tell whether a value belongs to the domain (a bool is never a number)."""
        if value is None:
            return self.nullable
        if self.is_list:
            return isinstance(value, tuple) and all(self.accepts_element(element) for element in value)
        return not isinstance(value, tuple) and self.accepts_element(value)

    def accepts_element(self, value: Scalar) -> bool:
        """Tell whether a scalar other than null is of the right kind and in range."""
        return self.has_kind(value) and (self.kind != "enum" or value in self.choices) and self.in_range(value)

    def has_kind(self, value: Scalar) -> bool:
        """Tell whether a scalar has the right type, whatever its range."""
        if self.kind in ("enum", "word"):
            return isinstance(value, str)
        if self.kind == "bool":
            return isinstance(value, bool)
        if isinstance(value, bool):
            return False
        return isinstance(value, int) or (self.kind == "number" and isinstance(value, float))

    def in_range(self, value: Scalar) -> bool:
        """Tell whether a number lies within the bounds; everything that is no number does."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        low, high = self.minimum, self.maximum
        if low is not None and (value < low or (value == low and not self.minimum_is_allowed)):
            return False
        return high is None or value < high or (value == high and self.maximum_is_allowed)

    def __str__(self) -> str:
        """Say in words which values are allowed."""
        words = ", ".join(self.choices) if self.kind == "enum" else _SPOKEN[self.kind]
        if self.minimum is not None:
            words += f", {'at least' if self.minimum_is_allowed else 'above'} {self.minimum:g}"
        if self.maximum is not None:
            words += f", {'at most' if self.maximum_is_allowed else 'below'} {self.maximum:g}"
        if self.is_list:
            words = f"a list of: {words}"
        return f"{words}, or null" if self.nullable else words


def domain_of_fact(fact: FactType) -> Domain:
    """Return the domain of a fact of the vocabulary."""
    return Domain(
        kind=fact.kind,
        choices=fact.choices,
        nullable=fact.nullable,
        minimum=fact.minimum,
        maximum=fact.maximum,
        minimum_is_allowed=fact.minimum_is_allowed,
        maximum_is_allowed=fact.maximum_is_allowed,
    )
