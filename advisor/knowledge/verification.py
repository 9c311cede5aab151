"""Proofs over the whole input space: no gap, and every rule, value, fact and parameter has its use.

What a loaded rulebook already is (without clashes and cycles, every name known) was proven when it was loaded; this is
the rest. Every slot is looked at over its own dependency cone, so the number of cells stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from advisor.errors import Finding
from advisor.knowledge.cells import Space, problem_of
from advisor.knowledge.conditions import atoms, show
from advisor.knowledge.generation import GAP, expression, standing, statements, variable
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.knowledge.domains import Value
    from advisor.knowledge.rulebook import Rule, Rulebook

Buildable = Callable[[str, Any], bool]


@dataclass(frozen=True)
class Proven(Finding):
    """A finding with the problem that shows it.

    Attributes:
        witness: Facts that differ from their defaults, and the required ones; None when no problem can show it.
    """

    witness: Mapping[str, Value] | None = None


@dataclass(frozen=True)
class Verification:
    """What was proven about a rulebook.

    Attributes:
        rulebook: The rulebook.
        findings: What is wrong; empty when everything holds.
        remarks: What is worth knowing but not wrong: rules that repeat a lower layer, values that are announced only.
        cells: The number of cells that were looked at, over all cones.
        values: Slot → the values that some problem gets; a copied value is left out.
    """

    rulebook: Rulebook
    findings: tuple[Proven, ...]
    remarks: tuple[Proven, ...]
    cells: int
    values: Mapping[str, tuple[Value, ...]]


@dataclass
class _Target:
    """A slot or derived fact, with every set of rules that stand together for it and a problem for each."""

    name: str
    writers: tuple[int, ...]
    collect: bool
    together: dict[int, dict[str, Value]] = field(default_factory=dict)


def verify(rulebook: Rulebook, buildable: Buildable | None = None, announced: Buildable | None = None) -> Verification:
    """Prove over the whole input space that a rulebook leaves no gap and holds nothing without use.

    Args:
        rulebook: A loaded rulebook; loading has refused clashes, cycles and unknown names.
        buildable: Tells whether a slot's value is carried out; None leaves that out.
        announced: Tells whether a slot's value that is not carried out is known to be so; it becomes a remark.
    """
    return _Proof(rulebook).run(buildable, announced or (lambda slot, value: False))


class _Proof:
    def __init__(self, rulebook: Rulebook) -> None:
        self.book = rulebook
        self.space = Space(rulebook)
        self.cells = 0
        self.stands: dict[int, dict[str, Value]] = {}
        self.walked: dict[tuple[int, ...], dict[int, dict[str, Value]]] = {}
        self.remarks: list[Proven] = []

    def run(self, buildable: Buildable | None, announced: Buildable) -> Verification:
        targets = [self.target(name) for name in self.book.writers]
        by_name = {target.name: target for target in targets}
        findings = [finding for target in targets for finding in self.gap(target)]
        for position, rule in enumerate(self.book.rules):
            findings += self.rule(position, rule, by_name)
        values = {
            target.name.removeprefix(DECIDED): self.reached(target)
            for target in targets
            if target.name.startswith(DECIDED)
        }
        if buildable is not None:
            findings += self.unbuildable(by_name, buildable, announced)
        findings += _unused(self.book)
        findings.sort(key=_order)
        self.remarks.sort(key=_order)
        reached = {slot: tuple(value for value, _ in found) for slot, found in values.items()}
        return Verification(self.book, tuple(findings), tuple(self.remarks), self.cells, reached)

    def target(self, name: str) -> _Target:
        """Walk the cone of a slot or derived fact, and keep each set of rules that stand together."""
        book, space = self.book, self.space
        slot = book.slots.get(name.removeprefix(DECIDED)) if name.startswith(DECIDED) else None
        found = _Target(name, book.writers[name], slot is not None and slot.collect)
        if found.writers in self.walked:  # the same rules set another slot as well, so they stand together there too
            found.together = self.walked[found.writers]
            return found
        self.walked[found.writers] = found.together
        cone = space.cone((name,))
        self.cells += cone.size
        bits = [f"{standing(book, position)} << {bit}" for bit, position in enumerate(found.writers)]
        names = [variable(book, axis) for axis in cone.axes]
        cell = f"({', '.join(names)}{',' if len(names) == 1 else ''})" if names else "_"
        inside = [each for each in book.impossible if all(atom.fact in cone.axes for atom in atoms(each))]
        lines = ["def walk(cells, seen):", f"  for {cell} in cells:"]
        lines += [f"    if {expression(book, each)}: continue" for each in inside]
        lines += [f"    {line}" for line in statements(book, cone.steps[:-1])]
        lines += [f"    together = {' | '.join(bits) or '0'}", "    if together not in seen:"]
        lines += [f"      seen[together] = {cell if names else '()'}"]
        namespace: dict[str, Any] = {"GAP": GAP}
        exec(compile("\n".join(lines), f"<proof of {name}>", "exec"), namespace)
        seen: dict[int, tuple[Value, ...]] = {}
        namespace["walk"](product(*cone.axes.values()), seen)
        for together, values in seen.items():
            witness = space.completed(dict(zip(cone.axes, values, strict=True)))
            if witness is None:  # this very cell contradicts facts outside the cone; another one may not
                exact = f"({' | '.join(bits) or '0'}) == {together}"
                witness = space.witness(cone.steps, cone.axes, exact)
            if witness is not None:
                found.together[together] = witness
                for bit, position in enumerate(found.writers):
                    if together >> bit & 1:
                        self.stands.setdefault(position, witness)
        return found

    def gap(self, target: _Target) -> Iterator[Proven]:
        if target.name.startswith(DECIDED) and 0 in target.together:
            slot = self.book.slots[target.name.removeprefix(DECIDED)]
            yield self.finding(
                "K140",
                str(slot.place),
                f"no rule gives {slot.name!r} a value",
                target.together[0],
                "Add a rule without condition in the lowest layer, or widen one.",
            )

    def rule(self, position: int, rule: Rule, targets: Mapping[str, _Target]) -> Iterator[Proven]:
        if position not in self.stands:
            cone = self.space.cone((position,))
            self.cells += cone.size
            witness = self.space.witness(cone.steps, cone.axes, standing(self.book, position))
            if witness is None:
                yield self.dead(position, rule)
                return
            self.stands[position] = witness
        useless: list[str] = []
        repeats = True
        uses = 0
        for assignment in rule.assignments:
            target = targets[DECIDED + assignment.target if assignment in rule.sets else assignment.target]
            bit = 1 << target.writers.index(position)
            standing_with = {together: cell for together, cell in target.together.items() if together & bit}
            losing = [together for together in standing_with if not self.wins(target, together) & bit]
            if len(losing) == len(standing_with):
                witness = standing_with[losing[0]]
                others = self.names(target, self.wins(target, losing[0]))
                yield self.finding(
                    "K142",
                    str(assignment.place),
                    f"rule {rule.id!r} never wins {assignment.target!r}: rules of higher layers always do, "
                    f"such as {others}",
                    witness,
                    "Take the value out, or move the rule to a higher layer.",
                )
                uses += 1
                continue
            winning = [together for together in standing_with if self.wins(target, together) & bit]
            needed = [
                together for together in winning if self.value(target, together) != self.value(target, together & ~bit)
            ]
            uses += bool(needed)
            if not needed:
                useless.append(self.names(target, winning[0] & ~bit))
                repeats = repeats and all(
                    not target.collect and self.rank(target, together & ~bit) < rule.rank for together in winning
                )
        withdrawing = 0
        for defeated in rule.defeats:
            other = self.book.positions[defeated]
            cone = self.space.cone((position, other))
            self.cells += cone.size
            together = f"{standing(self.book, position)} and h{other}"
            if self.space.witness(cone.steps, cone.axes, together) is None:
                place = str(rule.place_of(f"defeats.{defeated}"))
                message = f"rule {rule.id!r} never withdraws {defeated!r}: they never hold together"
                yield Proven("K144", place, message, "Take it out of 'defeats'.", None)
            else:
                withdrawing += 1
        if useless and not uses and not withdrawing:
            message = f"rule {rule.id!r} changes nothing: wherever it wins, {useless[0]} says the same"
            hint = "Take the rule out, or narrow the other one."
            if repeats:
                hint = "That is no mistake: it has a reason of its own, and holds when the lower layer is changed."
            found = self.finding("K143", str(rule.place), message, self.stands[position], hint)
            if repeats:
                self.remarks.append(found)
            else:
                yield found

    def dead(self, position: int, rule: Rule) -> Proven:
        cone = self.space.cone((position,))
        witness = self.space.witness(cone.steps, cone.axes, f"h{position}")
        if witness is None:
            place = str(rule.place_of("when"))
            message = f"rule {rule.id!r} is dead: no problem satisfies its condition {rule.when}"
            return Proven("K141", place, message, "Correct the condition, or take the rule out.", None)
        defeaters = " or ".join(repr(self.book.rules[each].id) for each in self.book.defeaters[position])
        message = f"rule {rule.id!r} is dead: wherever it holds, {defeaters} withdraws it"
        return self.finding("K141", str(rule.place), message, witness, "Narrow the rule that withdraws it.")

    def unbuildable(
        self, targets: Mapping[str, _Target], buildable: Buildable, announced: Buildable
    ) -> Iterator[Proven]:
        for slot in self.book.slots:
            target = targets[DECIDED + slot]
            for value, (position, witness) in self.reached(target):
                if not buildable(slot, value):
                    place = str(self.book.written(position, target.name).place)
                    message = f"{slot!r} = {show(value)} is recommended but can't be built yet"
                    hint = "Carry it out and add it to the capabilities, or recommend something else."
                    found = self.finding("K147", place, message, witness, hint)
                    if announced(slot, value):
                        self.remarks.append(found)
                    else:
                        yield found

    def reached(self, target: _Target) -> list[tuple[Value, tuple[int, dict[str, Value]]]]:
        """Return the constants that win somewhere, each with a winning rule and a problem."""
        found: dict[str, tuple[Value, tuple[int, dict[str, Value]]]] = {}
        for together, witness in target.together.items():
            winners = self.wins(target, together)
            for bit, position in enumerate(target.writers):
                written = self.book.written(position, target.name)
                if winners >> bit & 1 and not written.copy:
                    found.setdefault(repr(written.value), (written.value, (position, witness)))
        return [found[key] for key in sorted(found)]

    def wins(self, target: _Target, together: int) -> int:
        """Return which of the rules that stand together win: all in the highest layer (all that a slot collects)."""
        if target.collect or not together:
            return together
        ranks = {
            bit: self.book.rules[position].rank for bit, position in enumerate(target.writers) if together >> bit & 1
        }
        highest = max(ranks.values())
        return sum(1 << bit for bit, rank in ranks.items() if rank == highest)

    def rank(self, target: _Target, together: int) -> int:
        """Return the rank of the rules that win, -1 when there are none."""
        winners = self.wins(target, together)
        return max(
            (self.book.rules[each].rank for bit, each in enumerate(target.writers) if winners >> bit & 1), default=-1
        )

    def value(self, target: _Target, together: int) -> object:
        """Return what rules that stand together give (a copy stands for itself)."""
        winners = self.wins(target, together)
        given = [
            self.book.written(position, target.name)
            for bit, position in enumerate(target.writers)
            if winners >> bit & 1
        ]
        if not given:
            return GAP if target.name.startswith(DECIDED) else (self.book.derived[target.name].otherwise, "")
        if target.collect:
            return frozenset(element for each in given if isinstance(each.value, tuple) for element in each.value)
        return given[0].value, given[0].copy

    def names(self, target: _Target, together: int) -> str:
        winners = self.wins(target, together)
        named = [
            repr(self.book.rules[position].id) for bit, position in enumerate(target.writers) if winners >> bit & 1
        ]
        return " and ".join(named) or "the value without a rule"

    def finding(self, code: str, place: str, message: str, cell: Mapping[str, Value], hint: str) -> Proven:
        witness = problem_of(self.book, cell)
        free = {name: cell[name] for name in self.book.computed if name in cell}
        shown = ", ".join(f"{name}: {show(value)}" for name, value in {**witness, **free}.items())
        return Proven(code, place, f"{message}, for example for the problem {{{shown}}}", hint, witness)


def _unused(book: Rulebook) -> Iterator[Proven]:
    conditions = [atom for rule in book.rules for atom in atoms(rule.when)]
    assignments = [assignment for rule in book.rules for assignment in rule.assignments]
    read = {atom.fact for atom in conditions} | {assignment.copy for assignment in assignments}
    used = {name for atom in conditions for name in atom.parameters}
    used |= {name for assignment in assignments for name in assignment.parameters}
    concluded = {assignment.target for rule in book.rules for assignment in rule.concludes}
    take_out = "Use it or take it out."
    for name, parameter in book.parameters.items():
        if name not in used:
            yield Proven("K146", str(parameter.place), f"no rule uses the parameter {name!r}", take_out)
    for name, fact in book.derived.items():
        if name not in concluded:
            yield Proven("K145", str(fact.place), f"no rule concludes the derived fact {name!r}", take_out)
        elif name not in read:
            yield Proven("K145", str(fact.place), f"no rule reads the derived fact {name!r}", take_out)
    for name, number in book.computed.items():
        if name not in read:
            yield Proven("K146", str(number.place), f"no rule reads the computed number {name!r}", take_out)
    yield from _units(book)
    for layer in book.layers.keys() - {rule.layer for rule in book.rules}:
        yield Proven("K146", str(book.places[f"layers.{layer}"]), f"no rule is in the layer {layer!r}", take_out)
    for group in book.groups.keys() - {slot.group for slot in book.slots.values()}:
        yield Proven("K146", str(book.places[f"groups.{group}"]), f"no slot is in the group {group!r}", take_out)


def _units(book: Rulebook) -> Iterator[Proven]:
    for rule in book.rules:
        for atom in atoms(rule.when):
            if atom.fact in book.facts:
                fact = book.facts[atom.fact]
                unit = fact.unit or ("fraction" if fact.kind == "number" else "")
            elif atom.fact in book.computed:
                unit = book.computed[atom.fact].unit
            else:
                continue
            for name in filter(None, atom.parameters):
                given = book.parameters[name].unit
                if unit and given not in ("", unit):
                    message = f"{name!r} is in {given}, but {atom.fact!r} in {unit}"
                    yield Proven("K148", str(atom.place), message, "Give the parameter in the unit of the fact.")


def _order(finding: Finding) -> tuple[str, int, int, str]:
    file, line, column = finding.place.rsplit(":", 2)
    return file, int(line), int(column), finding.message
