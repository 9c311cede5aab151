"""The input space in cells: for every fact the values that rules can tell apart, one representative each.

Conditions compare facts with constants only, so finitely many problems stand for all of them, and what holds for each
of these holds for every problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from advisor.knowledge.conditions import NOWHERE, AllOf, AnyOf, Atom, Condition, atoms, negated
from advisor.knowledge.dependencies import Dependencies, Node, dependencies, read_names
from advisor.knowledge.domains import Domain, Scalar, Value
from advisor.knowledge.generation import GAP, expression, standing, statements, variable

if TYPE_CHECKING:
    from advisor.knowledge.rulebook import Rulebook

Axes = Mapping[str, tuple[Value, ...]]
NOTHING: Mapping[str, Value] = MappingProxyType({})


def representatives(domain: Domain, compared: Sequence[Atom], preferred: Value = None) -> tuple[Value, ...]:
    """Return one value for every way in which some comparisons can come out.

    Args:
        domain: The values that there are.
        compared: The comparisons to tell apart.
        preferred: The value to take where several are alike (a fact's default).

    Returns:
        Values of the domain; no two satisfy the same of the comparisons.
    """
    found: dict[tuple[bool, ...], Value] = {}
    for value in _candidates(domain, compared, preferred):
        found.setdefault(tuple(atom.holds(value) for atom in compared), value)
    return tuple(found.values())


def _candidates(domain: Domain, compared: Sequence[Atom], preferred: Value) -> Iterator[Value]:
    if preferred is not None or domain.nullable:
        yield preferred
    if domain.is_list:
        yield ()
        samples: tuple[Scalar, ...] = domain.choices or ("a_word", 1, 0.5, True)
        yield tuple(sample for sample in samples if domain.accepts_element(sample))[:1]
    elif domain.kind == "enum":
        yield from domain.choices
    elif domain.kind == "bool":
        yield from (False, True)
    elif domain.kind == "word":
        words = {value for atom in compared for value in atom.values if isinstance(value, str)}
        yield from sorted(words)
        yield "_".join(["other", *sorted(words)])
    else:
        yield from _numbers(
            domain, {value for atom in compared for value in atom.values if isinstance(value, int | float)}
        )
    if domain.nullable:
        yield None


def _numbers(domain: Domain, thresholds: Iterable[float]) -> Iterator[float]:
    whole = domain.kind == "int"
    low = -math.inf if domain.minimum is None else domain.minimum
    high = math.inf if domain.maximum is None else domain.maximum
    cuts = sorted({low, *(cut for cut in thresholds if low < cut < high), high})
    for cut, following in pairwise(cuts):
        for number in (cut, between(cut, following, whole=whole)):
            if number is not None and math.isfinite(number) and domain.in_range(number):
                if not whole:
                    yield number
                elif number == int(number):
                    yield int(number)
    if math.isfinite(high) and domain.in_range(high) and (not whole or high == int(high)):
        yield int(high) if whole else high


def between(low: float, high: float, *, whole: bool) -> float | None:
    """Return a simple number strictly between two others (which may be infinite), or None if there is none."""
    if math.isinf(low) and math.isinf(high):
        return 1
    if math.isinf(low):
        return math.ceil(high) - 1
    above = math.floor(low) + 1
    if above < high:
        return above
    middle = low + (high - low) / 2
    return middle if not whole and low < middle < high else None


def satisfying(
    domains: Mapping[str, Domain], conditions: Iterable[Condition], preferred: Mapping[str, Value] = NOTHING
) -> dict[str, Value] | None:
    """Return values of the facts for which conditions hold together, or None if there are none.

    Every name counts as free here, whether it's a fact, derived, computed or decided.

    Args:
        domains: The values that each name may take.
        conditions: What must hold.
        preferred: The values to take where several are alike.
    """
    wanted = list(conditions)
    mentioned: dict[str, list[Atom]] = {}
    for condition in wanted:
        for atom in atoms(condition):
            mentioned.setdefault(atom.fact, []).append(atom)
    values = {
        name: representatives(domains[name], compared, preferred.get(name)) for name, compared in mentioned.items()
    }
    left = _narrowed(values, wanted)
    return None if left is None else {name: options[0] for name, options in left.items()}


def _narrowed(values: dict[str, tuple[Value, ...]], wanted: Sequence[Condition]) -> dict[str, tuple[Value, ...]] | None:
    left = dict(values)
    choices: list[AnyOf] = []
    waiting = list(wanted)
    while waiting:
        condition = waiting.pop()
        if isinstance(condition, AllOf):
            waiting += condition.parts
        elif isinstance(condition, AnyOf):
            choices.append(condition)
        else:
            left[condition.fact] = tuple(filter(condition.holds, left[condition.fact]))
            if not left[condition.fact]:
                return None
    if not choices:
        return left
    first, *others = choices
    for part in first.parts:
        found = _narrowed(left, [part, *others])
        if found is not None:
            return found
    return None


@dataclass(frozen=True)
class Cone:
    """Everything that some steps of inference depend on.

    Attributes:
        steps: The steps, in order.
        axes: Facts and computed numbers that are read → their representative values.
    """

    steps: tuple[Node, ...]
    axes: Axes

    @property
    def size(self) -> int:
        """The number of cells."""
        return math.prod(map(len, self.axes.values()))


class Space:
    """The input space of a rulebook; computed numbers count as free."""

    def __init__(self, rulebook: Rulebook) -> None:
        """Work out what depends on what."""
        self.rulebook = rulebook
        self.free = frozenset(rulebook.computed)
        self.dependencies: Dependencies = dependencies(rulebook, free=self.free)
        self.defaults = {name: fact.default for name, fact in rulebook.facts.items()}

    def cone(self, wanted: Iterable[Node]) -> Cone:
        """Return everything that some steps depend on, with the values that these can tell apart."""
        steps = self.dependencies.cone(wanted)
        axes = {}
        for name, reaching in self.compared(steps).items():
            axes[name] = representatives(self.rulebook.domains[name], reaching, self.defaults.get(name))
        return Cone(steps, axes)

    def compared(self, steps: Sequence[Node]) -> dict[str, list[Atom]]:
        """Return what steps read from outside (facts and computed numbers), each with the comparisons that it meets."""
        rulebook = self.rulebook
        compared: dict[str, list[Atom]] = {}
        copies: dict[str, set[str]] = {}
        names: dict[str, None] = {}
        for step in steps:
            if isinstance(step, int):
                for atom in atoms(rulebook.rules[step].when):
                    compared.setdefault(atom.fact, []).append(atom)
            names.update(dict.fromkeys(read_names(rulebook, step, free=self.free)))
            if isinstance(step, str) and step not in self.free:
                for copied in read_names(rulebook, step):
                    copies.setdefault(copied, set()).add(step)
        found = {}
        for name in sorted(names):
            if rulebook.origin(name) in ("input", "computed"):
                found[name] = _reaching(name, compared, copies)
                found[name] += [atom for each in rulebook.impossible for atom in atoms(each) if atom.fact == name]
        return found

    def both_stand(self, first: int, second: int) -> dict[str, Value] | None:
        """Return facts for which two rules stand together, or None when there are none."""
        cone = self.cone((first, second))
        axes = dict(cone.axes)
        for position in (first, second):
            for part in self.rulebook.rules[position].when.parts:
                if isinstance(part, Atom) and part.fact in axes:
                    axes[part.fact] = tuple(filter(part.holds, axes[part.fact]))
        found = f"{standing(self.rulebook, first)} and {standing(self.rulebook, second)}"
        return self.witness(cone.steps, axes, found)

    def witness(
        self, steps: Sequence[Node], axes: Mapping[str, tuple[Value, ...]], found: str
    ) -> dict[str, Value] | None:
        """Return facts of a possible problem for which an expression over the steps' variables is true, or None.

        Args:
            steps: The steps of a cone.
            axes: Its axes, or parts of them.
            found: A Python expression over the variables of ``generation.statements``.
        """
        for cell in self.matching(steps, axes, found):
            completed = self.completed(cell)
            if completed is not None:
                return completed
        return None

    def matching(
        self, steps: Sequence[Node], axes: Mapping[str, tuple[Value, ...]], found: str
    ) -> Iterator[dict[str, Value]]:
        """Yield the cells in which an expression over the steps' variables is true, contradictory ones left out."""
        rulebook = self.rulebook
        names = [variable(rulebook, name) for name in axes]
        cell = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        inside = [each for each in rulebook.impossible if all(atom.fact in axes for atom in atoms(each))]
        lines = ["def search(cells):", f"  for {cell} in cells:" if names else "  for _ in cells:"]
        lines += [f"    if {expression(rulebook, each)}: continue" for each in inside]
        lines += [f"    {line}" for line in statements(rulebook, steps)]
        lines += [f"    if {found}: yield {cell}"]
        namespace: dict[str, Any] = {"GAP": GAP}
        exec(compile("\n".join(lines), "<proof>", "exec"), namespace)
        for values in namespace["search"](product(*axes.values())):
            yield dict(zip(axes, values, strict=True))

    def completed(self, cell: Mapping[str, Value]) -> dict[str, Value] | None:
        """Return a cell with further facts such that no facts contradict each other, or None when they always do."""
        given = [Atom(name, "in", (value,), ("",), NOWHERE) for name, value in cell.items()]
        possible = satisfying(self.rulebook.domains, [*given, *map(negated, self.rulebook.impossible)], self.defaults)
        return None if possible is None else {**possible, **cell}


def _reaching(name: str, compared: Mapping[str, list[Atom]], copies: Mapping[str, set[str]]) -> list[Atom]:
    found: list[Atom] = []
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            found += compared.get(current, [])
            waiting += sorted(copies.get(current, ()))
    return found


def problem_of(rulebook: Rulebook, cell: Mapping[str, Value]) -> dict[str, Value]:
    """Return a cell as a problem: what differs from the defaults, and the required facts."""
    problem: dict[str, Value] = {}
    for name, fact in rulebook.facts.items():
        if name in cell and cell[name] != fact.default:
            problem[name] = cell[name]
        elif fact.required:
            fallback: Scalar = fact.default if fact.default is not None else next(iter(fact.choices), None)
            problem[name] = cell.get(name, fallback)
    return problem
