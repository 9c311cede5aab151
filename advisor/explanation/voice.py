"""How conditions, and the facts that they read, are said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from advisor.explanation import wording
from advisor.knowledge import Rulebook
from advisor.knowledge.conditions import AllOf, Atom, Condition
from advisor.problem import FACTS

_SIGNS = {"lt": "below", "le": "at most", "gt": "above", "ge": "at least"}


class Voice:
    """Says what a rulebook talks about.

    Attributes:
        rulebook: The rulebook.
    """

    __slots__ = ("_titles", "rulebook")

    def __init__(self, rulebook: Rulebook) -> None:
        """Learn the names of slots."""
        self.rulebook = rulebook
        self._titles = {name: slot.title for name, slot in rulebook.slots.items()}

    def title(self, name: str) -> str:
        """Return the name for people of anything that a condition may read."""
        return wording.title_of(name, self._titles)

    def value(self, name: str, value: Any) -> str:
        """Return a value with its unit."""
        if name in self.rulebook.computed:
            return "unknown" if value is None else f"{wording.say_value(value)} {self.rulebook.computed[name].unit}"
        if name in self.rulebook.derived or name.startswith(wording.DECIDED):
            return wording.say_value(value)
        return wording.say_fact_value(name, value)

    def fact(self, name: str, value: Any) -> str:
        """Return a name with its value: ``Latency budget: 5 ms``."""
        return f"{self.title(name)}: {self.value(name, value)}"

    def wanted(self, atom: Atom) -> str:
        """Return what a comparison asks for, such as ``at most 5 ms`` or ``sparse or very_sparse``."""
        words = [self.value(atom.fact, value) for value in atom.values]
        if atom.operator in _SIGNS:
            return f"{_SIGNS[atom.operator]} {words[0]}"
        either = alternatives(words)
        if atom.operator == "in":
            return either
        if atom.values == (None,) and atom.fact in FACTS:
            return "stated"
        return f"anything but {either}"

    def condition(self, condition: Condition) -> str:
        """Return a condition in words; an empty one always holds."""
        if isinstance(condition, Atom):
            return f"{self.title(condition.fact)} is {self.wanted(condition)}"
        joint = " and " if isinstance(condition, AllOf) else ", or "
        return joint.join(map(self.condition, condition.parts)) or "always"


def alternatives(words: Iterable[str]) -> str:
    """Return words as a person offers them: ``a, b or c``."""
    listed = list(words)
    return " or ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def counted(number: int, one: str, several: str) -> str:
    """Return a number with its word: ``1 rule``, ``3 rules``."""
    return f"{number:,} {one if number == 1 else several}"
