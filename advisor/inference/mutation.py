"""Mutation: every condition, value and rank of a rulebook is changed, and its cases must notice.

A mutant that no case notices is compared with the rulebook on every cell of every cone that the change can reach: when
all values are equal it is equivalent, and no case could notice it; otherwise it's a survivor, with a problem that shows
the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from advisor.inference.cases import complete_facts
from advisor.inference.difference import joint_cone
from advisor.inference.quantities import QUANTITIES
from advisor.knowledge.cells import Space, problem_of
from advisor.knowledge.conditions import SIGNS, AllOf, AnyOf, Atom, Condition, Operator, Place, negated, show
from advisor.knowledge.contradictions import condition_findings
from advisor.knowledge.dependencies import Dependencies, Node, dependencies
from advisor.knowledge.generation import GAP, may_be_undecided, statements, variable
from advisor.knowledge.rulebook import DECIDED, Assignment

if TYPE_CHECKING:
    from types import CodeType

    from advisor.knowledge.domains import Domain, Scalar, Value
    from advisor.knowledge.rulebook import Case, Rule, Rulebook

Outcome = Literal["killed", "refused", "equivalent", "survived"]
_STRICTNESS: Mapping[Operator, Operator] = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt"}


@dataclass(frozen=True)
class Mutant:
    """One change of a rulebook and what came of it.

    Attributes:
        rule: Id of the changed rule.
        change: What was changed, in words.
        place: Where.
        outcome: ``killed`` by a case, ``refused`` by the checks of loading (a clash, a condition that
            nothing satisfies, null where it is no value), proven ``equivalent``, or ``survived``.
        killer: The case that noticed, as ``rule/case``; empty when none did.
        target: For a survivor a slot or derived fact that differs.
        values: For a survivor its value in the rulebook and in the mutant.
        witness: For a survivor a problem for which they differ.
    """

    rule: str
    change: str
    place: Place
    outcome: Outcome
    killer: str = ""
    target: str = ""
    values: tuple[Any, ...] = ()
    witness: Mapping[str, Value] | None = None


@dataclass(frozen=True)
class _Change:
    rule: Rule
    position: int
    said: str
    place: Place
    moved: bool = False


def mutate(rulebook: Rulebook) -> Iterator[Mutant]:
    """Yield every mutant of a rulebook with its outcome, in the order of the rules."""
    judge = _Judge(rulebook)
    for position, rule in enumerate(rulebook.rules):
        for change in _changes(rulebook, position, rule):
            yield judge.judge(change)


def mattering(rulebook: Rulebook) -> Iterator[Mutant]:
    """Yield for every comparison of every condition what comes of leaving it out: killed means shown to matter."""
    judge = _Judge(rulebook)
    for position, rule in enumerate(rulebook.rules):
        for change in _changes(rulebook, position, rule):
            if change.said.startswith("without "):
                yield judge.judge(change)


def _giving(rule: Rule, kind: str, assignments: tuple[Assignment, ...]) -> Rule:
    """Return the rule with other assignments of a kind, ``sets`` or ``concludes``."""
    return replace(rule, sets=assignments) if kind == "sets" else replace(rule, concludes=assignments)


def _changes(book: Rulebook, position: int, rule: Rule) -> Iterator[_Change]:
    for parts, said, place in _conditions(book, rule.when):
        yield _Change(replace(rule, when=AllOf(parts)), position, said, place)
    for kind in ("sets", "concludes"):
        assignments: tuple[Assignment, ...] = getattr(rule, kind)
        for index, each in enumerate(assignments):
            rest = assignments[:index] + assignments[index + 1 :]
            yield _Change(_giving(rule, kind, rest), position, f"{each.target} no longer given", each.place)
            domain = (book.slots if kind == "sets" else book.derived)[each.target].domain
            for value in _others(domain, each):
                other = replace(each, value=value, copy="", parameters=())
                changed = (*assignments[:index], other, *assignments[index + 1 :])
                said = f"{each.target}: {each.copy or show(each.value)} becomes {show(value)}"
                yield _Change(_giving(rule, kind, changed), position, said, each.place)
    for defeated in rule.defeats:
        rest_of = tuple(each for each in rule.defeats if each != defeated)
        place = rule.place_of(f"defeats.{defeated}")
        yield _Change(replace(rule, defeats=rest_of), position, f"no longer withdraws {defeated}", place)
    layers = list(book.layers)
    for rank in (rule.rank - 1, rule.rank + 1):
        if 0 <= rank < len(layers):
            moved = replace(rule, rank=rank, layer=layers[rank])
            said = f"moved from layer {rule.layer} to {layers[rank]}"
            yield _Change(moved, position, said, rule.place_of("layer"), moved=True)


def _conditions(book: Rulebook, condition: AllOf | AnyOf) -> Iterator[tuple[tuple[Condition, ...], str, Place]]:
    """Yield the parts of a condition with one comparison changed, or left out."""
    for index, part in enumerate(condition.parts):
        before, after = condition.parts[:index], condition.parts[index + 1 :]
        if isinstance(part, Atom):
            yield (*before, *after), f"without {part}", part.place
            yield (*before, negated(part), *after), f"{part} negated", part.place
            for other, said, place in _comparisons(book.domains[part.fact], part):
                yield (*before, other, *after), said, place
        else:
            for parts, said, place in _conditions(book, part):
                yield (*before, type(part)(parts), *after), said, place


def _comparisons(domain: Domain, atom: Atom) -> Iterator[tuple[Atom, str, Place]]:
    if atom.operator in SIGNS:
        swapped = replace(atom, operator=_STRICTNESS[atom.operator])
        yield swapped, f"{atom} becomes {swapped}", atom.place
        bound: Any = atom.values[0]
        steps = (bound - 1, bound + 1) if domain.kind == "int" else (bound * 0.9, bound * 1.1)
        for moved in steps:
            shifted = replace(atom, values=(moved,), parameters=("",))
            yield shifted, f"{atom} becomes {shifted}", atom.place
        return
    for index, value in enumerate(atom.values):
        rest = atom.values[:index] + atom.values[index + 1 :]
        if rest:
            fewer = replace(atom, values=rest, parameters=("",) * len(rest))
            yield fewer, f"{atom} becomes {fewer}", atom.place
        for other in domain.choices:
            if other not in atom.values and isinstance(value, str):
                swapped = replace(atom, values=(*rest, other), parameters=("",) * len(atom.values))
                yield swapped, f"{atom} becomes {swapped}", atom.place


def _others(domain: Domain, assignment: Assignment) -> Iterator[Value]:
    """Yield other values than the one that is given."""
    value = assignment.value
    if domain.is_list:
        given = value if isinstance(value, tuple) else ()
        if given:
            yield given[:-1]
        extra = next((each for each in domain.choices or (0.987, 9) if each not in given), None)
        if extra is not None and domain.accepts_element(extra):
            yield (*given, extra)
    elif domain.kind == "enum":
        yield from (each for each in domain.choices if each != value)
    elif domain.kind == "bool":
        yield value is not True
    elif domain.kind == "word":
        yield f"other_{value}"
    else:
        yield from _numbers(domain, value)
    if domain.nullable and value is not None and not domain.is_list:
        yield None


def _numbers(domain: Domain, value: Any) -> Iterator[Scalar]:
    number = value if isinstance(value, int | float) else 1
    moved = (number - 1, number + 1) if domain.kind == "int" else (number * 0.9, number * 1.1 or 0.5)
    yield from (each for each in moved if each != value and domain.accepts_element(each))


class _Judge:
    """Replays cases on mutants: only what a change can reach is worked out again."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.book = rulebook
        self.dependencies: Dependencies = dependencies(rulebook)
        self.space = Space(rulebook)
        self.cases: list[tuple[int, Case, dict[str, Any]]] = []
        shared: dict[str, Any] = {"GAP": GAP}
        shared.update({f"quantity_{name}": QUANTITIES[name].compute for name in rulebook.computed})
        code = _program(rulebook, self.dependencies.order)
        for position, rule in enumerate(rulebook.rules):
            for case in rule.cases:
                values = dict(shared)
                values.update({f"f_{name}": value for name, value in complete_facts(rulebook, case.given).items()})
                exec(code, values)
                self.cases.append((position, case, values))
        self.checks = [
            [(variable(rulebook, DECIDED + name if name in rulebook.slots else name), value)
             for name, value in case.expect.items()]
            for _, case, _ in self.cases
        ]  # fmt: skip
        self.following: dict[Node, list[Node]] = {}
        for step, before in self.dependencies.needs.items():
            for each in before:
                self.following.setdefault(each, []).append(step)

    def judge(self, change: _Change) -> Mutant:
        rules = list(self.book.rules)
        rules[change.position] = change.rule
        mutated = replace(self.book, rules=tuple(rules))
        for name in ("domains", "origins", "positions"):  # a mutant keeps its names
            mutated.__dict__[name] = getattr(self.book, name)
        rule = self.book.rules[change.position].id
        if any(condition_findings([change.rule], mutated.domains, mutated)):
            return Mutant(rule, change.said, change.place, "refused")
        reached = self.reached(change.position)
        killer = self.killer(change, mutated, reached)
        if killer:
            return Mutant(rule, change.said, change.place, "killed", killer)
        space = Space(mutated)
        if change.moved and _clashes(space, change.position):
            return Mutant(rule, change.said, change.place, "refused")
        for name in self.touched(change.position):  # what follows from these alone can't differ unless they do
            cone = joint_cone(self.space, space, name)
            for cell, old, new in cone.differing():
                facts = self.space.completed(dict(zip(cone.axes, cell, strict=True)))
                if facts is not None:
                    target = name.removeprefix(DECIDED)
                    witness = problem_of(self.book, facts)
                    witness.update({each: facts[each] for each in self.book.computed if each in facts})
                    return Mutant(rule, change.said, change.place, "survived", "", target, (old, new), witness)
        return Mutant(rule, change.said, change.place, "equivalent")

    def reached(self, position: int) -> list[Node]:
        """Return the steps that a changed rule can change, in order."""
        rule = self.book.rules[position]
        waiting: list[Node] = [position, *(self.book.positions[each] for each in rule.defeats)]
        seen: set[Node] = set()
        while waiting:
            step = waiting.pop()
            if step not in seen:
                seen.add(step)
                waiting += self.following.get(step, ())
        return [step for step in self.dependencies.order if step in seen]

    def touched(self, position: int) -> list[str]:
        """Return the slots and derived facts that a rule writes, or that a rule writes which it withdraws, in order."""
        waiting, rules = [position], set[int]()
        while waiting:
            rule = waiting.pop()
            rules.add(rule)
            waiting += (self.book.positions[each] for each in self.book.rules[rule].defeats)  # never in a circle
        written = {name for name, writers in self.book.writers.items() if rules.intersection(writers)}
        return [step for step in self.dependencies.order if step in written]

    def killer(self, change: _Change, mutated: Rulebook, reached: Sequence[Node]) -> str:
        code = _program(mutated, reached)
        slots = [variable(mutated, step) for step in reached if isinstance(step, str) and step.startswith(DECIDED)]
        own = [index for index, each in enumerate(self.cases) if each[0] == change.position]
        others = [index for index, each in enumerate(self.cases) if each[0] != change.position]
        for index in (*own, *others):
            position, case, base = self.cases[index]
            values = dict(base)
            exec(code, values)
            wrong = any(values[name] != expected for name, expected in self.checks[index])
            wrong = wrong or any(values[slot] is GAP for slot in slots)
            if position == change.position:
                held = values[f"h{position}"]
                wrong = wrong or (case.name == "cornerstone" and not held)
                wrong = wrong or (case.name == "contrast" and held and bool(self.book.rules[position].when.parts))
            if wrong:
                return f"{self.book.rules[position].id}/{case.name}"
        return ""


def _clashes(space: Space, position: int) -> bool:
    """Tell whether a rule and another of its layer both stand for a problem and give different values."""
    book = space.rulebook
    rule = book.rules[position]
    for name, writers in book.writers.items():
        if position not in writers or (name.startswith(DECIDED) and book.slots[name.removeprefix(DECIDED)].collect):
            continue
        mine = book.written(position, name)
        for other in writers:
            theirs = book.written(other, name)
            if other == position or book.rules[other].rank != rule.rank:
                continue
            if (theirs.value, theirs.copy) != (mine.value, mine.copy) and space.both_stand(position, other):
                return True
    return False


def _program(book: Rulebook, steps: Sequence[Node]) -> CodeType:
    lines: list[str] = []
    for step in steps:
        if isinstance(step, str) and step in book.computed:
            reads = book.computed[step].reads
            call = f"quantity_{step}({', '.join(variable(book, name) for name in reads)})"
            open_slots = [name for name in reads if name.startswith(DECIDED) and may_be_undecided(book, name)]
            if open_slots:
                undecided = " or ".join(f"{variable(book, name)} is GAP" for name in open_slots)
                call = f"None if {undecided} else {call}"
            lines.append(f"{variable(book, step)} = {call}")
        else:
            lines += statements(book, (step,))
    return compile("\n".join(lines), "<mutant>", "exec")
