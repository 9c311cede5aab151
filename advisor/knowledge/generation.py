"""What rules mean, as Python: statements that work out rules and values. Values enter only through ``repr``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.knowledge.conditions import SIGNS, AllOf, Atom, Condition
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.knowledge.dependencies import Node
    from advisor.knowledge.domains import Value
    from advisor.knowledge.rulebook import Rulebook


class Gap:
    """Marks a slot without a value; it is equal to nothing and smaller or larger than nothing."""

    def __lt__(self, other: object) -> bool:
        return False

    __le__ = __gt__ = __ge__ = __lt__

    def __repr__(self) -> str:
        return "GAP"


GAP = Gap()
"""The sentinel for a slot without a value; generated code knows it by this name."""


def variable(rulebook: Rulebook, name: str) -> str:
    """Return the variable that holds the value of a readable name."""
    if name.startswith(DECIDED):
        return "s_" + name.removeprefix(DECIDED)
    return f"{ {'derived': 'd', 'computed': 'q', 'input': 'f', 'decided': 's'}[rulebook.origin(name)] }_{name}"


def expression(rulebook: Rulebook, condition: Condition) -> str:
    """Return a Python expression that is True or False as the condition holds or not."""
    if isinstance(condition, Atom):
        return _comparison(rulebook, condition)
    if not condition.parts:
        return "True"
    return (" and " if isinstance(condition, AllOf) else " or ").join(
        f"({expression(rulebook, part)})" if not isinstance(part, Atom) else expression(rulebook, part)
        for part in condition.parts
    )


def _comparison(rulebook: Rulebook, atom: Atom) -> str:
    name = variable(rulebook, atom.fact)
    if atom.operator in ("in", "not_in"):
        positive = atom.operator == "in"
        if len(atom.values) > 1:
            return f"{name} {'in' if positive else 'not in'} {atom.values!r}"
        value = atom.values[0]
        if value is None or isinstance(value, bool):
            return f"{name} {'is' if positive else 'is not'} {value!r}"
        return f"{name} {'==' if positive else '!='} {value!r}"
    compared = f"{name} {SIGNS[atom.operator]} {atom.values[0]!r}"
    domain = rulebook.domains[atom.fact]
    return f"({name} is not None and {compared})" if domain.nullable else compared


def statements(rulebook: Rulebook, steps: Iterable[Node]) -> list[str]:
    """Return the statements that work out some steps, which must be in order and complete.

    Rule ``i`` gives ``h<i>`` (its condition holds) and, when a rule may defeat it, ``a<i>`` (it stands).
    A slot gives ``s_<slot>`` (or ``GAP``), a derived fact ``d_<name>``. Computed numbers must be assigned by the
    caller: their steps are passed over.

    Args:
        rulebook: The rulebook.
        steps: Steps as in ``Dependencies.cone``.
    """
    lines = []
    for step in steps:
        if isinstance(step, int):
            lines.append(f"h{step} = {expression(rulebook, rulebook.rules[step].when)}")
            if rulebook.defeaters[step]:
                defeated = " or ".join(standing(rulebook, defeater) for defeater in rulebook.defeaters[step])
                lines.append(f"a{step} = h{step} and not ({defeated})")
        elif step not in rulebook.computed:
            lines.append(f"{variable(rulebook, step)} = {_choice(rulebook, step)}")
    return lines


def standing(rulebook: Rulebook, position: int) -> str:
    """Return the variable that tells whether a rule stands."""
    return f"{'a' if rulebook.defeaters[position] else 'h'}{position}"


def is_certain(rulebook: Rulebook, position: int) -> bool:
    """Tell whether a rule stands for every problem: no condition, and nothing defeats it."""
    return not rulebook.rules[position].when.parts and not rulebook.defeaters[position]


def may_be_undecided(rulebook: Rulebook, name: str) -> bool:
    """Tell whether nothing guarantees that some rule writes a slot."""
    return not any(is_certain(rulebook, position) for position in rulebook.writers[name])


def _choice(rulebook: Rulebook, name: str) -> str:
    slot = rulebook.slots.get(name.removeprefix(DECIDED)) if name.startswith(DECIDED) else None
    if slot is not None and slot.collect:
        return _collection(rulebook, name, slot.domain.choices)
    text = ""
    for position in rulebook.writers[name]:
        value = rulebook.written(position, name)
        text += f"{variable(rulebook, value.copy) if value.copy else repr(value.value)}"
        if is_certain(rulebook, position):
            return text
        text += f" if {standing(rulebook, position)} else "
    return text + (repr(GAP) if slot is not None else repr(rulebook.derived[name].otherwise))


def _collection(rulebook: Rulebook, name: str, choices: Iterable[str]) -> str:
    contributors: dict[str, list[str]] = {}
    writers = rulebook.writers[name]
    for position in writers:
        for element in _elements(rulebook.written(position, name).value):
            contributors.setdefault(element, []).append(standing(rulebook, position))
    parts = [
        f"(({choice!r},) if {' or '.join(contributors[choice])} else ())"
        for choice in choices
        if choice in contributors
    ]
    union = " + ".join(parts) or "()"
    if not may_be_undecided(rulebook, name):
        return union
    anyone = " or ".join(standing(rulebook, position) for position in writers)
    return f"({union}) if {anyone} else {GAP!r}" if anyone else repr(GAP)


def _elements(value: Value) -> tuple[str, ...]:
    return tuple(str(element) for element in value) if isinstance(value, tuple) else ()
