"""What is wrong between rules: unknown references, conditions that cannot hold, cycles and clashes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from advisor.errors import Finding
from advisor.knowledge.cells import Space, problem_of, satisfying
from advisor.knowledge.conditions import Atom, atoms, negated, show
from advisor.knowledge.dependencies import dependencies, say_cycle
from advisor.knowledge.reading import suggestion
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from advisor.knowledge.conditions import Condition
    from advisor.knowledge.domains import Domain, Value
    from advisor.knowledge.rulebook import Assignment, Rule, Rulebook


def reference_findings(rules: Sequence[Rule]) -> Iterator[Finding]:
    """Yield repeated rule ids and defeated rules that don't exist."""
    first: dict[str, Rule] = {}
    for rule in sorted(rules, key=lambda each: each.place):
        if rule.id in first:
            message = f"rule id {rule.id!r} is used twice (first in {first[rule.id].place})"
            yield Finding("K111", str(rule.place), message, "Give every rule its own id.")
        elif rule.id:
            first[rule.id] = rule
    for rule in rules:
        for defeated in rule.defeats:
            place = str(rule.place_of(f"defeats.{defeated}"))
            if defeated == rule.id:
                yield Finding("K113", place, f"rule {rule.id!r} defeats itself")
            elif defeated not in first:
                yield Finding("K113", place, f"unknown rule {defeated!r} in 'defeats'{suggestion(defeated, first)}")


def condition_findings(rules: Sequence[Rule], domains: Mapping[str, Domain], book: Rulebook) -> Iterator[Finding]:
    """Yield conditions that no problem satisfies, and copied facts that may be null where null is no value."""
    possible = [({atom.fact for atom in atoms(each)}, negated(each)) for each in book.impossible]
    for rule in rules:
        if rule.when.parts and satisfying(domains, [rule.when, *_entangled(rule, possible)]) is None:
            place = str(rule.place_of("when"))
            if satisfying(domains, [rule.when]) is None:
                yield Finding("K116", place, f"the condition of rule {rule.id!r} contradicts itself: {rule.when}")
                continue
            yield Finding("K116", place, f"no problem can satisfy the condition of rule {rule.id!r}: {rule.when}")
        for assignment in rule.assignments:
            if assignment.copy and _copies_null(rule, assignment, domains, book):
                copied = f"{assignment.copy!r}, which may be null, to {assignment.target!r}, which may not"
                hint = f"Add  {assignment.copy}: {{not: null}}  to 'when', or declare the target nullable."
                yield Finding("K121", str(assignment.place), f"rule {rule.id!r} copies {copied}", hint)


def _entangled(rule: Rule, possible: Sequence[tuple[set[str], Condition]]) -> list[Condition]:
    """Return what must hold besides a rule's condition: the others speak of other facts, and hold for some problem."""
    facts = {atom.fact for atom in atoms(rule.when)}
    found: list[Condition] = []
    left = list(possible)
    while met := [each for each in left if not facts.isdisjoint(each[0])]:
        left = [each for each in left if facts.isdisjoint(each[0])]
        found += [condition for _, condition in met]
        facts = facts.union(*(names for names, _ in met))
    return found


def _copies_null(rule: Rule, assignment: Assignment, domains: Mapping[str, Domain], book: Rulebook) -> bool:
    is_slot = assignment in rule.sets
    target = book.slots[assignment.target].domain if is_slot else book.derived[assignment.target].domain
    if target.nullable or not domains[assignment.copy].nullable:
        return False
    unknown = Atom(assignment.copy, "in", (None,), ("",), assignment.place)
    return satisfying(domains, [rule.when, unknown]) is not None


def cycle_findings(rulebook: Rulebook) -> Iterator[Finding]:
    """Yield the cycle among rules and values, if there is one; it names its rules."""
    cycle = dependencies(rulebook).cycle
    if cycle:
        rule, words = say_cycle(rulebook, cycle)
        hint = "Break the cycle: let a condition read facts of the problem instead."
        yield Finding("K117", str(rule.place), f"rules depend on each other in a cycle: {words}", hint)


def clash_findings(rulebook: Rulebook) -> Iterator[Finding]:
    """Yield pairs of rules of one layer that give one slot different values for the same problem, with that problem."""
    space: Space | None = None
    together: dict[tuple[int, int], dict[str, Value] | None] = {}
    for name, writers in rulebook.writers.items():
        if name.startswith(DECIDED) and rulebook.slots[name.removeprefix(DECIDED)].collect:
            continue
        for second, first in combinations(sorted(writers), 2):
            if not _may_clash(rulebook, name, second, first):
                continue
            pair = (second, first)
            if pair not in together:
                together[pair] = None
                whens = [rulebook.rules[position].when for position in pair]
                if satisfying(rulebook.domains, whens) is not None:
                    space = space or Space(rulebook)
                    together[pair] = space.both_stand(*pair)
            witness = together[pair]
            if witness is not None:
                yield _clash(rulebook, name, first, second, witness)


def _may_clash(rulebook: Rulebook, name: str, first: int, second: int) -> bool:
    rules = rulebook.rules
    if rules[first].rank != rules[second].rank:
        return False
    if first in rulebook.defeaters[second] or second in rulebook.defeaters[first]:
        return False
    one, other = rulebook.written(first, name), rulebook.written(second, name)
    return (one.copy, one.value) != (other.copy, other.value)


def _clash(rulebook: Rulebook, name: str, first: int, second: int, witness: Mapping[str, Value]) -> Finding:
    one, other = rulebook.written(first, name), rulebook.written(second, name)
    problem = ", ".join(f"{fact}: {show(value)}" for fact, value in problem_of(rulebook, witness).items())
    free = ", ".join(f"{fact}: {show(witness[fact])}" for fact in rulebook.computed if fact in witness)
    rules = rulebook.rules
    return Finding(
        "K118",
        str(one.place),
        f"rules {rules[second].id!r} and {rules[first].id!r} of layer {rules[first].layer!r} both stand and give "
        f"{one.target!r} different values ({_said(other)} in {other.place}, {_said(one)} here) for the problem "
        f"{{{problem}}}" + (f" when {free}" if free else ""),
        "Let one defeat the other, put them into different layers, or narrow a condition.",
    )


def _said(assignment: Assignment) -> str:
    return f"a copy of {assignment.copy}" if assignment.copy else show(assignment.value)
