"""Changes of the facts behind a computed number, where its cells decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from advisor.explanation.changing import Table, axes_of
from advisor.explanation.pieces import Cell, Span
from advisor.inference import QUANTITIES
from advisor.knowledge import Rulebook
from advisor.knowledge.conditions import atoms
from advisor.knowledge.dependencies import dependencies, read_names
from advisor.knowledge.generation import GAP, expression, statements, variable
from advisor.knowledge.rulebook import DECIDED


class Numbers:
    """Reaches cells of computed numbers by changing the facts behind them.

    A computed number is taken to rise, or to fall, with each of its facts while the others stay: then the ends of a
    fact's cells show all that the fact can do. Facts that rules read too stay in their cell of the table: other cells
    of theirs are other changes.
    """

    def __init__(self, rulebook: Rulebook, table: Table, facts: Mapping[str, Any], fixed: Iterable[str]) -> None:
        """Find the facts behind the computed numbers of a table.

        Args:
            rulebook: The rulebook.
            table: The decided cells, in which computed numbers count as free.
            facts: The facts before any change.
            fixed: Facts that may not change.
        """
        self.rulebook = rulebook
        self.table = table
        self.names = [name for name in table.axes if name in rulebook.computed]
        whole = dependencies(rulebook)
        steps = whole.cone(self.names)
        read = {name for step in steps for name in read_names(rulebook, step)}
        self.read = sorted(name for name in read if rulebook.origin(name) == "input")
        self.shared = [name for name in self.read if name in table.axes]
        self.cells = axes_of(rulebook, steps, [name for name in self.read if name not in set(fixed)])
        self.ends = {
            name: list(dict.fromkeys([*_all_ends(found), *_all_ends(table.axes.get(name, ()))]))
            for name, found in self.cells.items()
        }
        numbers = {name for step in steps if step in rulebook.computed for name in rulebook.computed[str(step)].reads}
        copied = {
            written.copy for rule in rulebook.rules for written in rule.sets if DECIDED + written.target in numbers
        }
        self.direct = (numbers | copied) & set(self.read)
        lines = ["def compute(facts):"]
        lines += [f"  {variable(rulebook, name)} = facts[{name!r}]" for name in self.read]
        namespace: dict[str, Any] = {"GAP": GAP}
        for step in steps:
            if isinstance(step, str) and step in rulebook.computed:
                namespace[f"quantity_{step}"] = QUANTITIES[step].compute
                arguments = ", ".join(variable(rulebook, name) for name in rulebook.computed[step].reads)
                lines.append(f"  {variable(rulebook, step)} = quantity_{step}({arguments})")
            else:
                lines += [f"  {line}" for line in statements(rulebook, (step,))]
        lines.append(f"  return ({''.join(variable(rulebook, name) + ', ' for name in self.names)})")
        lines += _contradictory(rulebook)
        exec(compile("\n".join(lines), "<computed numbers>", "exec"), namespace)
        self.compute: Callable[[Mapping[str, Any]], tuple[Any, ...]] = namespace["compute"]
        self._contradictory: Callable[[Mapping[str, Any]], bool] = namespace["contradictory"]
        self._cells_of_values: dict[tuple[Any, ...], int] = {}
        self._known: dict[Any, list[dict[str, Any]]] = {}

    def reaches(self, facts: Mapping[str, Any], allowed: Iterable[int]) -> bool:
        """Tell whether the computed numbers lie in one of some combinations of cells."""
        values = self.compute(facts)
        mask = self._cells_of_values.get(values)
        if mask is None:
            mask = 0
            for name, value in zip(self.names, values, strict=True):
                mask |= self.table.bits[name, self.table.cell_of(name, value)]
            self._cells_of_values[values] = mask
        return mask in allowed

    def further(self, facts: Mapping[str, Any], allowed: frozenset[int]) -> list[dict[str, Any]]:
        """Return the minimal further changes that bring the computed numbers into one of some combinations of cells.

        Args:
            facts: The facts, with what was changed already.
            allowed: Combinations of cells, as bits.
        """
        key = (tuple(facts[name] for name in self.shared), allowed)
        if key not in self._known:
            self._known[key] = self._search(facts, allowed)
        return self._known[key]

    def beyond(self, name: str, end: Any, now: Any) -> Any:
        """Return the farthest value from an end of a cell towards which the cell goes on: now, or its other end."""
        cell = next(each for each in self.cells[name] if each.holds(end))

        def is_near(value: Any) -> bool:
            return cell.holds(value) and self._stays(name, end, value)

        if is_near(now):
            return now
        return next((other for other in self.ends[name] if other != end and is_near(other)), end)

    def _stays(self, name: str, now: Any, value: Any) -> bool:
        """Tell whether two values lie in one cell of the table, or no rule of it reads the fact."""
        return name not in self.table.axes or self.table.cell_of(name, now) == self.table.cell_of(name, value)

    def _choices(self, facts: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return the values that each fact may be changed to without another change of the table's cells."""
        found = {}
        for name, ends in self.ends.items():
            now = facts[name]
            others = [
                each for each in ends if (each != now or type(each) is not type(now)) and self._stays(name, now, each)
            ]
            if name not in self.direct:  # of such a fact only the cell counts, and one value stands for it
                by_cell = {self._cell(name, each): each for each in reversed(others)}
                others = [each for cell, each in by_cell.items() if cell != self._cell(name, now)]
            if others:
                found[name] = others
        return found

    def _cell(self, name: str, value: Any) -> int:
        return next(number for number, cell in enumerate(self.cells[name]) if cell.holds(value))

    def _search(self, facts: Mapping[str, Any], allowed: frozenset[int]) -> list[dict[str, Any]]:
        if self.reaches(facts, allowed):
            return [{}]
        found: list[dict[str, Any]] = []
        level: list[dict[str, Any]] = [{}]
        choices = self._choices(facts)
        for _ in choices:
            following = []
            for changes in level:
                later = list(choices)
                later = later[later.index(next(reversed(changes))) + 1 :] if changes else later
                for name in later:
                    for value in choices[name]:
                        more = {**changes, name: value}
                        if any(each.items() <= more.items() for each in found):
                            continue
                        changed = {**facts, **more}
                        if self.reaches(changed, allowed) and not self._contradictory(changed):
                            found.append(more)
                        else:
                            following.append(more)
            level = following
        return found


def _contradictory(rulebook: Rulebook) -> list[str]:
    """Return the lines of a function that tells whether facts contradict each other."""
    read = sorted({atom.fact for each in rulebook.impossible for atom in atoms(each)})
    conditions = " or ".join(f"({expression(rulebook, each)})" for each in rulebook.impossible) or "False"
    lines = ["def contradictory(facts):", *(f"  {variable(rulebook, name)} = facts[{name!r}]" for name in read)]
    return [*lines, f"  return {conditions}"]


def _all_ends(found: Iterable[Cell]) -> list[Any]:
    return [end for cell in found for end in _ends(cell)]


def _ends(cell: Cell) -> list[Any]:
    found: list[Any] = []
    for piece in cell.pieces:
        if not isinstance(piece, Span):
            found.append(piece)
            continue
        for towards in (-math.inf, math.inf):
            end = piece.nearest(towards)
            if math.isfinite(end):
                found.append(int(end) if piece.whole else end)
    return list(dict.fromkeys(found))
