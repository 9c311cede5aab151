"""Where two rulebooks decide differently: every cell of a slot's joint dependency cone, run through both."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advisor.knowledge.cells import Axes, Space, representatives
from advisor.knowledge.conditions import Atom, atoms
from advisor.knowledge.generation import GAP, expression, statements, variable
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.knowledge.domains import Value
    from advisor.knowledge.rulebook import Rulebook

Table = tuple[NDArray[np.int64], list[Any]]
"""Which value each cell has, over the axes that matter (the others have length 1), and those values."""


@dataclass(frozen=True)
class JointCone:
    """The input space that one slot or derived fact depends on in either of two rulebooks.

    Attributes:
        axes: Fact or computed number → one value for every way in which comparisons of either rulebook come out.
        compared: Fact or computed number → those comparisons.
        old: The first rulebook's value for each cell.
        new: The second rulebook's value.
        possible: Whether the facts of a cell don't contradict each other.
    """

    axes: Axes
    compared: Mapping[str, list[Atom]]
    old: Table
    new: Table
    possible: Table

    @property
    def size(self) -> int:
        """The number of cells, impossible ones included."""
        return math.prod(map(len, self.axes.values()))

    def differing(self) -> Iterator[tuple[tuple[Value, ...], Any, Any]]:
        """Yield the cells where the rulebooks differ, with the value of each (``GAP`` for none)."""
        labels, pairs = self.labels()
        values = list(self.axes.values())
        for place in np.argwhere(labels > 0).tolist():
            cell = tuple(axis[index] for axis, index in zip(values, place, strict=True))
            yield cell, *pairs[labels[tuple(place)] - 1]

    def labels(self) -> tuple[NDArray[np.int64], list[tuple[Any, Any]]]:
        """Return which pair of values each cell gets, and the pairs.

        Returns:
            With one dimension for each axis: -1 for impossible cells, 0 where the rulebooks agree, else one more than
            the place of the pair (old value, new value).
        """
        (old, before), (new, after), (possible, verdicts) = self.old, self.new, self.possible
        pairs: list[tuple[Any, Any]] = []
        of_values = np.zeros((len(before), len(after)), np.int64)
        for row, column in product(range(len(before)), range(len(after))):
            if before[row] != after[column]:
                pairs.append((before[row], after[column]))
                of_values[row, column] = len(pairs)
        labels = np.where(np.array(verdicts)[possible], of_values[old, new], -1)
        return np.broadcast_to(labels, tuple(map(len, self.axes.values()))), pairs


def _table(axes: Axes, lines: list[str], result: str, rulebook: Rulebook) -> Table:
    """Work out a value for every cell.

    Each assignment is worked out once for each combination of the values that it reads, and kept over the axes that
    these depend on: few cells, where all axes together have very many.

    Args:
        axes: Fact or computed number → its values.
        lines: Assignments in order, as of ``generation.statements``.
        result: The expression to work out in the end.
        rulebook: Says which axes are facts.
    """
    tables: dict[str, Table] = {}
    for place, (name, values) in enumerate(axes.items()):
        shape = [1] * len(axes)
        shape[place] = len(values)
        tables[("f_" if name in rulebook.facts else "q_") + name] = np.arange(len(values)).reshape(shape), list(values)
    for line in [*lines, f"result = {result}"]:
        name, _, text = line.partition(" = ")
        tree = ast.parse(text, mode="eval")
        read = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & tables.keys())
        combined, combinations = _combined([tables[each] for each in read], len(axes))
        code = compile(tree, "<cone>", "eval")
        found: dict[tuple[type, Any], int] = {}
        numbers = []
        for combination in combinations:
            value = eval(code, {"GAP": GAP}, dict(zip(read, combination, strict=True)))
            numbers.append(found.setdefault((type(value), value), len(found)))
        tables[name] = np.array(numbers)[combined], [value for _, value in found]
    return tables["result"]


def _combined(tables: list[Table], dimensions: int) -> tuple[NDArray[np.int64], list[tuple[Any, ...]]]:
    """Return which combination of some tables' values each cell has, and those combinations that there are."""
    codes: NDArray[np.int64] = np.zeros((1,) * dimensions, np.int64)
    combinations: list[tuple[Any, ...]] = [()]
    for own, values in tables:
        codes = codes * len(values) + own
        there = np.flatnonzero(np.bincount(codes.ravel(), minlength=len(combinations) * len(values)))
        combinations = [(*combinations[code // len(values)], values[code % len(values)]) for code in there.tolist()]
        numbers = np.zeros(there[-1] + 1, np.int64)
        numbers[there] = np.arange(len(there))
        codes = numbers[codes]
    return codes, combinations


def joint_cone(old: Space, new: Space, name: str) -> JointCone:
    """Return what a slot (as ``decided.<slot>``) or derived fact depends on in two rulebooks of one vocabulary.

    Args:
        old: The first rulebook's space.
        new: The second one's.
        name: A name that at least one of them writes; the other's value is then ``GAP``.
    """
    cones = [space.dependencies.cone((name,)) if name in space.rulebook.writers else () for space in (old, new)]
    compared: dict[str, list[Atom]] = {}
    for space, steps in zip((old, new), cones, strict=True):
        for axis, reaching in space.compared(steps).items():
            compared.setdefault(axis, []).extend(reaching)
    axes = {}
    for axis in sorted(compared):
        domain = (old if axis in old.rulebook.domains else new).rulebook.domains[axis]
        axes[axis] = representatives(domain, compared[axis], old.defaults.get(axis))
    return JointCone(
        axes,
        compared,
        _values(old.rulebook, cones[0], axes, name),
        _values(new.rulebook, cones[1], axes, name),
        _possible(old.rulebook, axes),
    )


def _values(rulebook: Rulebook, steps: tuple[Any, ...], axes: Axes, name: str) -> Table:
    return _table(axes, statements(rulebook, steps), variable(rulebook, name) if steps else "GAP", rulebook)


def _possible(rulebook: Rulebook, axes: Axes) -> Table:
    inside = [each for each in rulebook.impossible if all(atom.fact in axes for atom in atoms(each))]
    test = " or ".join(f"({expression(rulebook, each)})" for each in inside) or "False"
    return _table(axes, [], f"not ({test})", rulebook)


def targets(*rulebooks: Rulebook) -> tuple[str, ...]:
    """Return the slots (as ``decided.<slot>``) of some rulebooks, each once, in declared order."""
    return tuple(dict.fromkeys(DECIDED + slot for rulebook in rulebooks for slot in rulebook.slots))
