"""Searches the cells of a slot's dependency cone for the smallest changes that lead to a wanted value.

Every cell is decided once and kept as a bitmask of (fact, cell) pairs. What a cell changes is then one operation, and
the minimal sets of changes are the ones that contain no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from advisor.explanation.pieces import Cell, cells
from advisor.knowledge import Rulebook
from advisor.knowledge.cells import Space
from advisor.knowledge.conditions import NOWHERE, AllOf, Atom, atoms
from advisor.knowledge.dependencies import Node, read_names
from advisor.knowledge.domains import Value
from advisor.knowledge.generation import GAP, expression, statements, variable
from advisor.knowledge.rulebook import DECIDED

_MOST_LOOPS = 15
_MOST_TABLES = 256


@dataclass(frozen=True)
class Table:
    """Every cell of a slot's cone with the value that it leads to.

    Attributes:
        axes: Fact or computed number → its cells.
        bits: (fact, number of its cell) → bit.
        reached: Value → the cells that lead to it, each the bits of its axes.
        size: The number of cells that were decided; contradictory ones are none.
    """

    axes: Mapping[str, tuple[Cell, ...]]
    bits: Mapping[tuple[str, int], int]
    reached: Mapping[Any, tuple[int, ...]]
    size: int

    def cell_of(self, name: str, value: Any) -> int:
        """Return the number of the cell that a value belongs to."""
        return next(number for number, cell in enumerate(self.axes[name]) if cell.holds(value))

    def mask(self, names: Iterable[str]) -> int:
        """Return the bits of all cells of some axes."""
        wanted = set(names)
        return sum(bit for (name, _), bit in self.bits.items() if name in wanted)

    def pairs(self, mask: int) -> dict[str, int]:
        """Return the (fact, cell) pairs in a bitmask."""
        return {name: number for (name, number), bit in self.bits.items() if mask & bit}


_spaces: WeakKeyDictionary[Rulebook, tuple[Space, dict[Any, Table]]] = WeakKeyDictionary()


def space_of(rulebook: Rulebook) -> tuple[Space, dict[Any, Table]]:
    """Return a rulebook's input space and the tables that were made of it, worked out once."""
    known = _spaces.get(rulebook)
    if known is None:
        known = _spaces[rulebook] = (Space(rulebook), {})
    return known


def table_of(rulebook: Rulebook, slot: str, wanted: Value, stated: Mapping[str, Any]) -> Table:
    """Return the decided cells of a slot's cone.

    Args:
        rulebook: The rulebook.
        slot: The slot.
        wanted: The value in question; it makes cells of its own where a rule copies a fact to the slot.
        stated: Facts that differ from their defaults; those that could contradict a changed fact become axes too.
    """
    space, tables = space_of(rulebook)
    steps = space.dependencies.cone([DECIDED + slot])
    read = {name for step in steps for name in read_names(rulebook, step, free=space.free)}
    names = [name for name in sorted(read) if rulebook.origin(name) in ("input", "computed")]
    names += _entangled(rulebook, names, stated)
    asked = [Atom(DECIDED + slot, "in", (wanted,), ("",), NOWHERE)] if _copies(rulebook, steps, slot) else []
    key = (slot, tuple(names), wanted if asked else None)
    known = tables.get(key)
    if known is None:
        if len(tables) >= _MOST_TABLES:
            tables.clear()
        axes = axes_of(rulebook, steps, names, asked)
        known = tables[key] = _decided(rulebook, slot, steps, axes, space)
    return known


def _copies(rulebook: Rulebook, steps: Sequence[Node], slot: str) -> bool:
    targets = {DECIDED + slot}
    return any(
        rulebook.written(position, name).copy
        for name in targets.intersection(step for step in steps if isinstance(step, str))
        for position in rulebook.writers[name]
    )


def _entangled(rulebook: Rulebook, names: Sequence[str], stated: Mapping[str, Any]) -> list[str]:
    """Return further stated facts that may contradict the facts in question, or each other."""
    found: list[str] = []
    grown = True
    while grown:
        grown = False
        for each in rulebook.impossible:
            facts = {atom.fact for atom in atoms(each)}
            if facts.isdisjoint(names) and facts.isdisjoint(found):
                continue
            for fact in sorted(facts.intersection(stated).difference(names, found)):
                found.append(fact)
                grown = True
    return found


def axes_of(
    rulebook: Rulebook, steps: Sequence[Node], names: Iterable[str], asked: Sequence[Atom] = ()
) -> dict[str, tuple[Cell, ...]]:
    """Return the cells that some steps, and the contradictions, can tell apart.

    Args:
        rulebook: The rulebook.
        steps: The steps.
        names: Facts and computed numbers.
        asked: Further comparisons.
    """
    compared: dict[str, list[Atom]] = {}
    copies: dict[str, set[str]] = {}
    for atom in asked:
        compared.setdefault(atom.fact, []).append(atom)
    for step in steps:
        if isinstance(step, int):
            for atom in atoms(rulebook.rules[step].when):
                compared.setdefault(atom.fact, []).append(atom)
        elif step not in rulebook.computed:
            for copied in read_names(rulebook, step):
                copies.setdefault(copied, set()).add(step)
    for each in rulebook.impossible:
        for atom in atoms(each):
            compared.setdefault(atom.fact, []).append(atom)
    axes = {}
    for name in names:
        found: list[Atom] = []
        waiting = [name]
        while waiting:  # copies can't go round in a circle: loading refuses cycles
            current = waiting.pop()
            found += compared.get(current, [])
            waiting += sorted(copies.get(current, ()))
        default = rulebook.facts[name].default if name in rulebook.facts else None
        axes[name] = cells(rulebook.domains[name], found, default)
    return axes


def _decided(
    rulebook: Rulebook, slot: str, steps: Sequence[Node], axes: dict[str, tuple[Cell, ...]], space: Space
) -> Table:
    """Decide every cell, by nested loops in which each step stands as far out as what it needs."""
    names = list(axes)
    bits: dict[tuple[str, int], int] = {}
    for name in names:
        for number in range(len(axes[name])):
            bits[name, number] = 1 << len(bits)
    loops = [[name] for name in names[:_MOST_LOOPS]] + ([names[_MOST_LOOPS:]] if names[_MOST_LOOPS:] else [])
    depth = {name: level for level, loop in enumerate(loops, start=1) for name in loop}
    inside = [each for each in rulebook.impossible if all(atom.fact in axes for atom in atoms(each))]
    lines: list[list[str]] = [[] for _ in range(len(loops) + 1)]
    for each in inside:
        lines[_deepest(each, depth)].append(f"if {expression(rulebook, each)}: continue")
    reached: dict[Node, int] = {}
    for step in steps:
        needed = [reached.get(each, 0) for each in space.dependencies.needs[step]]
        needed += [depth.get(name, 0) for name in read_names(rulebook, step, free=space.free)]
        reached[step] = depth[step] if step in depth and isinstance(step, str) else max(needed, default=0)
        lines[reached[step]] += statements(rulebook, (step,))
    found: dict[Any, list[int]] = {}
    source = ["def search(found):", "  m0 = 0", *(f"  {line}" for line in lines[0])]
    namespace: dict[str, Any] = {"GAP": GAP}
    for level, loop in enumerate(loops, start=1):
        namespace[f"cells{level}"] = _combined(loop, axes, bits)
        assigned = ", ".join(variable(rulebook, name) for name in loop)
        indent = "  " * level
        source.append(f"{indent}for ({assigned},), b in cells{level}:")
        source += [f"{indent}  {line}" for line in lines[level]]
        source.append(f"{indent}  m{level} = m{level - 1} | b")
    indent = "  " * (len(loops) + 1)
    value = variable(rulebook, DECIDED + slot)
    source.append(f"{indent}if {value} in found: found[{value}].append(m{len(loops)})")
    source.append(f"{indent}else: found[{value}] = [m{len(loops)}]")
    exec(compile("\n".join(source), f"<cells of {slot}>", "exec"), namespace)
    namespace["search"](found)
    return Table(axes, bits, {each: tuple(masks) for each, masks in found.items()}, sum(map(len, found.values())))


def _deepest(condition: AllOf, depth: Mapping[str, int]) -> int:
    return max(depth[atom.fact] for atom in atoms(condition))


def _combined(
    loop: Sequence[str], axes: Mapping[str, tuple[Cell, ...]], bits: Mapping[tuple[str, int], int]
) -> tuple[tuple[tuple[Any, ...], int], ...]:
    found: list[tuple[tuple[Any, ...], int]] = [((), 0)]
    for name in loop:
        found = [
            ((*values, cell.sample), mask | bits[name, number])
            for values, mask in found
            for number, cell in enumerate(axes[name])
        ]
    return tuple(found)


def minimal(masks: Iterable[int]) -> list[int]:
    """Return the bitmasks that contain no other, the smallest first."""
    every = set(masks)
    if 0 in every:
        return [0]
    # Most cells contain one of the single changes that suffice; one pass over the bits is rid of them all.
    found = sorted(mask for mask in every if not mask & (mask - 1))
    single = sum(found)
    left = sorted((mask for mask in every if not mask & single), key=lambda mask: (mask.bit_count(), mask))
    while left:
        least = left[0]
        found.append(least)
        left = [mask for mask in left if mask & least != least]
    return found
