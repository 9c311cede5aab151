"""Where two rulebooks decide differently: every cell of a slot's joint dependency cone, run through both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from advisor.knowledge.cells import Axes, Space, representatives
from advisor.knowledge.conditions import Atom, atoms
from advisor.knowledge.generation import GAP, expression, statements, variable
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.knowledge.domains import Value
    from advisor.knowledge.rulebook import Rulebook

Evaluate = Callable[..., Any]


@dataclass(frozen=True)
class JointCone:
    """The input space that one slot or derived fact depends on in either of two rulebooks.

    Attributes:
        axes: Fact or computed number → one value for every way in which comparisons of either rulebook come out.
        compared: Fact or computed number → those comparisons.
        old: Function from a value of each axis to the first rulebook's value.
        new: Function from a value of each axis to the second rulebook's value.
        possible: Function from a value of each axis to whether these facts don't contradict each other.
    """

    axes: Axes
    compared: Mapping[str, list[Atom]]
    old: Evaluate
    new: Evaluate
    possible: Evaluate

    @property
    def size(self) -> int:
        """The number of cells, impossible ones included."""
        return math.prod(map(len, self.axes.values()))

    def cells(self) -> Iterator[tuple[Value, ...]]:
        """Yield the possible cells, as a value of each axis."""
        possible = self.possible
        return (cell for cell in product(*self.axes.values()) if possible(*cell))

    def differing(self) -> Iterator[tuple[tuple[Value, ...], Any, Any]]:
        """Yield the cells where the rulebooks differ, with the value of each (``GAP`` for none)."""
        old, new, possible = self.old, self.new, self.possible
        for cell in product(*self.axes.values()):
            before, after = old(*cell), new(*cell)
            if before != after and possible(*cell):
                yield cell, before, after


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
        _evaluator(old.rulebook, cones[0], axes, name),
        _evaluator(new.rulebook, cones[1], axes, name),
        _possible(old.rulebook, axes),
    )


def _evaluator(rulebook: Rulebook, steps: tuple[Any, ...], axes: Axes, name: str) -> Evaluate:
    result = variable(rulebook, name) if steps else "GAP"
    return _function(axes, [*statements(rulebook, steps), f"return {result}"], rulebook)


def _possible(rulebook: Rulebook, axes: Axes) -> Evaluate:
    inside = [each for each in rulebook.impossible if all(atom.fact in axes for atom in atoms(each))]
    test = " or ".join(f"({expression(rulebook, each)})" for each in inside) or "False"
    return _function(axes, [f"return not ({test})"], rulebook)


def _function(axes: Axes, body: list[str], rulebook: Rulebook) -> Evaluate:
    arguments = [("f_" if name in rulebook.facts else "q_") + name for name in axes]
    lines = [f"def evaluate({', '.join(arguments)}):", *(f"  {line}" for line in body)]
    namespace: dict[str, Any] = {"GAP": GAP}
    exec(compile("\n".join(lines), "<cone>", "exec"), namespace)
    evaluate: Evaluate = namespace["evaluate"]
    return evaluate


def targets(*rulebooks: Rulebook) -> tuple[str, ...]:
    """Return the slots (as ``decided.<slot>``) of some rulebooks, each once, in declared order."""
    return tuple(dict.fromkeys(DECIDED + slot for rulebook in rulebooks for slot in rulebook.slots))
