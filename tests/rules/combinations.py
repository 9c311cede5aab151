"""Every combination of values that some slots can have together, without visiting every cell.

The facts are gone through one after the other. What was decided so far is kept only as far as later steps still read
it, so that problems which can no longer be told apart become one: hundreds of millions of cells shrink to thousands of
states.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from advisor.knowledge import Rulebook
from advisor.knowledge.cells import Space
from advisor.knowledge.conditions import atoms
from advisor.knowledge.dependencies import Node, read_names
from advisor.knowledge.generation import GAP, expression, statements, variable
from advisor.knowledge.rulebook import DECIDED


def combinations(rulebook: Rulebook, facts: Iterable[str], slots: Iterable[str]) -> set[tuple[Any, ...]]:
    """Return every combination of values that facts and slots have in some problem.

    Numbers that Advisor computes count as free, so that a few combinations may be more than there are.

    Args:
        rulebook: The rulebook.
        facts: Facts that tell combinations apart.
        slots: Slots.

    Returns:
        (values of the facts, values of the slots) in the order given.
    """
    space = Space(rulebook)
    wanted = [*facts, *(DECIDED + slot for slot in slots)]
    cone = space.cone(tuple(name for name in wanted if name.startswith(DECIDED)))
    steps = [step for step in cone.steps if isinstance(step, int) or step not in rulebook.computed]
    reads = {step: _reads(rulebook, space, step) for step in steps}
    writes: dict[Node, set[str]] = {step: _writes(rulebook, step) for step in steps}
    impossible = [each for each in rulebook.impossible if all(atom.fact in cone.axes for atom in atoms(each))]
    refused = [
        ({variable(rulebook, atom.fact) for atom in atoms(each)}, expression(rulebook, each)) for each in impossible
    ]
    keep = {variable(rulebook, name) for name in wanted}
    known: set[str] = set()
    names: list[str] = []
    states: set[tuple[Any, ...]] = {()}
    waiting, left = list(steps), list(cone.axes)
    while left:
        axis = min(left, key=lambda name: _unlocks(variable(rulebook, name), known, waiting, reads))
        left.remove(axis)
        known.add(variable(rulebook, axis))
        lines = [f"({', '.join(names)}{',' if names else ''}) = state"] if names else []
        lines.append(f"{variable(rulebook, axis)} = value")
        for needed, condition in [each for each in refused if each[0] <= known]:
            lines.append(f"if {condition}: return None")
            refused.remove((needed, condition))
        for step in list(waiting):
            if reads[step] <= known:
                lines += statements(rulebook, (step,))
                known |= writes[step]
                waiting.remove(step)
        live = keep.union(*(reads[step] for step in waiting), *(needed for needed, _ in refused))
        names = sorted(known & live)
        lines.append(f"return ({', '.join(names)}{',' if names else ''})")
        namespace: dict[str, Any] = {"GAP": GAP}
        exec("def advance(state, value):\n" + "\n".join(f"  {line}" for line in lines), namespace)
        advance = namespace["advance"]
        states = {
            after for state in states for value in cone.axes[axis] if (after := advance(state, value)) is not None
        }
    assert not waiting
    order = [names.index(variable(rulebook, name)) for name in wanted]
    return {tuple(state[place] for place in order) for state in states}


def _reads(rulebook: Rulebook, space: Space, step: Node) -> set[str]:
    found = {variable(rulebook, name) for name in read_names(rulebook, step, free=space.free)}
    if isinstance(step, int):
        return found | {_standing(rulebook, defeater) for defeater in rulebook.defeaters[step]}
    return found | {_standing(rulebook, position) for position in rulebook.writers[step]}


def _writes(rulebook: Rulebook, step: Node) -> set[str]:
    if isinstance(step, int):
        return {f"h{step}", f"a{step}"} if rulebook.defeaters[step] else {f"h{step}"}
    return {variable(rulebook, step)}


def _standing(rulebook: Rulebook, position: int) -> str:
    return f"{'a' if rulebook.defeaters[position] else 'h'}{position}"


def _unlocks(name: str, known: set[str], waiting: list[Node], reads: dict[Node, set[str]]) -> tuple[int, str]:
    """Return how many further facts the steps that read a fact wait for: few first."""
    others = [
        len({each for each in reads[step] if each[:2] in ("f_", "q_")} - known - {name})
        for step in waiting
        if name in reads[step]
    ]
    return (min(others, default=0) * 10 - sum(each == 0 for each in others), name)
