"""Whatever the rules are: the engine does what the semantics say, and every decision can be traced to the facts."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import AdvisorError, InferenceError
from advisor.inference import Decision, Reason, Trace, compiled, standing_rules, trace
from advisor.knowledge.cells import Space
from advisor.knowledge.conditions import Atom, atoms, holds
from advisor.knowledge.loading import read_rulebook
from advisor.knowledge.rulebook import DECIDED, Rulebook
from advisor.problem.facts import FactType

many = settings(
    max_examples=int(os.environ.get("ADVISOR_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _fact(name: str, kind: str, **more: Any) -> FactType:
    return FactType(**{"name": name, "kind": kind, "title": name, "meaning": name, "question": "", "why": "", **more})


FACTS = {
    "color": _fact(
        "color", "enum", default="red", choice_meanings=MappingProxyType(dict.fromkeys(["red", "green", "blue"], ""))
    ),
    "size": _fact("size", "int", nullable=True, minimum=0, maximum=9),
    "weight": _fact("weight", "number", default=1.0, minimum=0),
    "round": _fact("round", "bool", default=False),
}

DECLARATIONS = """\
rulebook: random
version: "1"
title: A random rulebook
layers: [{layers}]
parameters:
  low: {{value: 3, unit: u, meaning: m, because: b, source: {{work: w, at: a}}}}
  high: {{value: 6.5, unit: u, meaning: m, because: b, source: {{work: w, at: a}}}}
derived:
  mood: {{values: [good, bad], meaning: m, otherwise: good}}
  calm: {{type: bool, meaning: m}}
slots:
  shape: {{title: t, group: g, values: [box, ball, cone], meaning: m}}
  amount: {{title: t, group: g, type: int, nullable: true, meaning: m}}
  parts: {{title: t, group: g, values: [lid, base, wall], list: true, collect: true, meaning: m}}
  name: {{title: t, group: g, values: [north, south], meaning: m}}
"""

CASE = (
    "    because: b\n    source: {work: w, at: a}\n    limits: l\n    cornerstone: {given: {}, expect: {name: north}}\n"
)
BIBLIOGRAPHY = b"works: {w: {kind: book, authors: [a], title: t, year: 2000}}"

# What may be written, by the numbers of the rules that may write it; a rule reads only what no later rule writes.
WRITERS = {"mood": range(0, 3), "calm": range(2, 4), "shape": range(3, 6), "amount": range(5, 8), "parts": range(0, 9)}
WRITERS["name"] = range(7, 10)
COUNT = 10
VALUES = {
    "mood": ["good", "bad"],
    "calm": ["true", "false"],
    "shape": ["box", "ball", "cone"],
    "amount": ["0", "1", "null", "{parameter: low}", "{copy: size}"],
    "parts": ["[]", "[lid]", "[base, wall]", "[wall, lid]"],
    "name": ["north", "south"],
}
CONDITIONS = {
    "color": ["red", "[red, blue]", "{not: green}", "{not: [red, green]}"],
    "size": ["{lt: low}", "{gt: 0, le: high}", "{ge: high}", "null", "{not: null}", "[0, null]", "low"],
    "weight": ["{lt: low}", "{ge: low}", "{gt: high}", "{not: 1}"],
    "round": ["true", "false"],
    "mood": ["good", "{not: good}"],
    "calm": ["true", "{not: true}", "null", "[false, null]"],
    "decided.shape": ["box", "[ball, cone]", "{not: box}"],
    "decided.amount": ["{ge: low}", "null", "{not: 0}", "{lt: high}"],
}


@st.composite
def conditions(draw: st.DrawFn, number: int, depth: int = 0) -> str:
    readable = [name for name in CONDITIONS if name in FACTS or max(WRITERS[name.removeprefix(DECIDED)]) < number]
    names = draw(st.lists(st.sampled_from(readable), max_size=3, unique=True))
    parts = [f"{name}: {draw(st.sampled_from(CONDITIONS[name]))}" for name in names]
    if depth < 2 and draw(st.integers(0, 3)) == 0:
        branches = [draw(conditions(number, depth + 1)) for _ in range(draw(st.integers(1, 2)))]
        parts.append(f"{draw(st.sampled_from(['any', 'all']))}: [{', '.join(branches)}]")
    return "{" + ", ".join(parts) + "}"


@st.composite
def rule_texts(draw: st.DrawFn) -> list[str]:
    """Draw the texts of rules that cannot form a cycle: a rule depends on rules of smaller numbers only."""
    ranks = draw(st.permutations(range(COUNT)))
    rules = []
    for number in range(COUNT):
        text = f"  - rule: r{number}\n    title: t\n    layer: l{ranks[number]}\n"
        condition = draw(conditions(number))
        if condition != "{}":
            text += f"    when: {condition}\n"
        writable = [name for name, numbers in WRITERS.items() if number in numbers]
        names = draw(st.lists(st.sampled_from(writable), min_size=1, max_size=2, unique=True))
        values = {name: draw(st.sampled_from(VALUES[name])) for name in names}
        for key, wanted in (("conclude", ("mood", "calm")), ("set", ("shape", "amount", "parts", "name"))):
            written = ", ".join(f"{name}: {value}" for name, value in values.items() if name in wanted)
            if written:
                text += f"    {key}: {{{written}}}\n"
        later = [f"r{each}" for each in range(number + 1, COUNT)] + (["base"] if number < 6 else ["r9"])
        defeated = draw(st.lists(st.sampled_from(later), max_size=2, unique=True)) if number + 1 < COUNT else []
        if defeated and draw(st.booleans()):
            text += f"    defeats: [{', '.join(defeated)}]\n"
        rules.append(text + CASE)
    base = "shape: box, name: north, parts: [], amount: 1" if draw(st.integers(0, 4)) else "shape: box"
    rules.append(f"  - rule: base\n    title: t\n    layer: bottom\n    set: {{{base}}}\n{CASE}")
    return rules


def random_conditions(source: random.Random, number: int, depth: int = 0) -> str:
    """Return what ``conditions`` draws, quickly."""
    readable = [name for name in CONDITIONS if name in FACTS or max(WRITERS[name.removeprefix(DECIDED)]) < number]
    parts = [f"{name}: {source.choice(CONDITIONS[name])}" for name in source.sample(readable, source.randint(0, 3))]
    if depth < 2 and source.randint(0, 3) == 0:
        branches = [random_conditions(source, number, depth + 1) for _ in range(source.randint(1, 2))]
        parts.append(f"{source.choice(['any', 'all'])}: [{', '.join(branches)}]")
    return "{" + ", ".join(parts) + "}"


def random_rules(source: random.Random, count: int) -> list[str]:
    """Return what ``rule_texts`` draws, quickly: for runs of very many examples.

    Args:
        source: Decides everything.
        count: Number of rules besides the base, up to ``COUNT``.
    """
    ranks = source.sample(range(COUNT), count)
    rules = []
    for number, rank in enumerate(ranks):
        text = f"  - rule: r{number}\n    title: t\n    layer: l{rank}\n"
        condition = random_conditions(source, number)
        text += "" if condition == "{}" else f"    when: {condition}\n"
        writable = [name for name, numbers in WRITERS.items() if number in numbers]
        names = source.sample(writable, min(len(writable), source.randint(1, 2)))
        for key, wanted in (("conclude", ("mood", "calm")), ("set", ("shape", "amount", "parts", "name"))):
            written = ", ".join(f"{name}: {source.choice(VALUES[name])}" for name in names if name in wanted)
            text += f"    {key}: {{{written}}}\n" if written else ""
        later = [f"r{each}" for each in range(number + 1, count)] + (["base"] if number < 6 else [])
        defeated = source.sample(later, min(len(later), source.randint(0, 2))) if number + 1 < count else []
        text += f"    defeats: [{', '.join(defeated)}]\n" if defeated else ""
        rules.append(text + CASE)
    base = "shape: box, name: north, parts: [], amount: 1"
    return [*rules, f"  - rule: base\n    title: t\n    layer: bottom\n    set: {{{base}}}\n{CASE}"]


def random_facts(source: random.Random) -> dict[str, Any]:
    """Return a problem."""
    return {
        "color": source.choice(["red", "green", "blue"]),
        "size": source.choice([None, *range(10)]),
        "weight": source.choice([0, 1, 3, 6.5, source.uniform(0, 10)]),
        "round": source.choice([True, False]),
    }


def build(rules: list[str], files: int = 1) -> Rulebook | None:
    """Load rules from some files; None when one of their conditions can never hold."""
    layers = ", ".join(["bottom", *(f"l{rank}" for rank in range(COUNT))])
    contents = {"rulebook.yaml": DECLARATIONS.format(layers=layers).encode(), "bibliography.yaml": BIBLIOGRAPHY}
    for file in range(files):
        contents[f"rules-{file}.yaml"] = ("rules:\n" + "".join(rules[file::files])).encode()
    try:
        return read_rulebook(contents, FACTS)
    except AdvisorError as error:
        assert {finding.code for finding in error.findings} == {"K116"}  # noqa: PT017  # nothing else may be wrong
        return None


facts_of_problems = st.fixed_dictionaries(
    {
        "color": st.sampled_from(["red", "green", "blue"]),
        "size": st.one_of(st.none(), st.integers(0, 9)),
        "weight": st.one_of(st.sampled_from([0, 1, 3, 6.5]), st.floats(0, 10)),
        "round": st.booleans(),
    }
)


class Reference:
    """The semantics, as simple and slow as they can be written."""

    def __init__(self, book: Rulebook, facts: Mapping[str, Any]) -> None:
        self.book = book
        self.facts = facts

    def rule_holds(self, rule: Any) -> bool:
        values = {atom.fact: self.value(atom.fact) for atom in atoms(rule.when)}
        # A slot that nobody decides is unknown to those who read it.
        return holds(rule.when, {name: None if value == "nothing" else value for name, value in values.items()})

    def stands(self, rule: Any) -> bool:
        defeaters = [other for other in self.book.rules if rule.id in other.defeats]
        return self.rule_holds(rule) and not any(self.stands(other) for other in defeaters)

    def value(self, name: str) -> Any:
        if name in self.facts:
            return self.facts[name]
        target = name.removeprefix(DECIDED)
        written = []
        for rule in self.book.rules:
            for assignment in rule.sets if name.startswith(DECIDED) else rule.concludes:
                if assignment.target == target and self.stands(rule):
                    value = self.value(assignment.copy) if assignment.copy else assignment.value
                    written.append((rule.rank, value))
        if not written:
            return "nothing" if name.startswith(DECIDED) else self.book.derived[name].otherwise
        if name == "decided.parts":
            return tuple(part for part in ("lid", "base", "wall") if any(part in value for _, value in written))
        return max(written, key=lambda each: each[0])[1]


@many
@given(rules=rule_texts(), facts=facts_of_problems)
def test_the_compiled_engine_does_what_the_semantics_say(rules: list[str], facts: dict[str, Any]) -> None:
    book = build(rules)
    if book is None:
        return
    reference = Reference(book, facts)
    expected = {slot: reference.value(DECIDED + slot) for slot in book.slots}
    gaps = {slot for slot, value in expected.items() if value == "nothing"}
    try:
        inference = compiled(book).decide(facts)
    except InferenceError as error:
        assert {finding.place for finding in error.findings} == gaps  # noqa: PT017  # which slots is the point
        return
    assert gaps == set()
    assert inference.values == expected
    assert inference.derived == {name: reference.value(name) for name in book.derived}
    assert list(inference.holds) == [reference.rule_holds(rule) for rule in book.rules]
    assert standing_rules(book, inference.holds) == [reference.stands(rule) for rule in book.rules]


def traced(book: Rulebook | None, facts: Mapping[str, Any]) -> Trace | None:
    if book is None:
        return None
    try:
        return trace(book, facts, compiled(book).decide(facts))
    except InferenceError:
        return None


def told(found: Trace | None) -> Any:
    """Return a trace without the places of rules, so that traces of differently laid out files can be compared."""
    if found is None:
        return None

    def reasons(each: tuple[Reason, ...]) -> list[Any]:
        return [(str(reason.condition), reason.value, reason.origin, reason.rule) for reason in each]

    def decision(each: Decision) -> Any:
        return (
            each.value,
            each.rule.id if each.rule else None,
            reasons(each.reasons),
            [rule.id for rule in each.contributors],
            [(lost.rule.id, lost.value) for lost in each.overrode],
            [(gone.rule.id, gone.value, [rule.id for rule in gone.by]) for gone in each.defeated],
        )

    return (
        {name: decision(each) for name, each in {**found.decisions, **found.derived}.items()},
        {rule: reasons(each) for rule, each in found.reasons.items()},
        found.defeated,
        {rule: reasons(each) for rule, each in found.silent.items()},
    )


@many
@given(rules=rule_texts(), facts=facts_of_problems, seed=st.integers(0, 99), files=st.integers(1, 4))
def test_the_order_of_rules_and_files_never_matters(
    rules: list[str], facts: dict[str, Any], seed: int, files: int
) -> None:
    check_order(build(rules), shuffled(rules, seed, files), facts)


def shuffled(rules: list[str], seed: int, files: int) -> Rulebook | None:
    """Load the rules of a book in another order, from some files."""
    return build(random.Random(seed).sample(rules, len(rules)), files)


def check_order(one: Rulebook | None, other: Rulebook | None, facts: dict[str, Any]) -> None:
    """Compare all that comes out of a book that was laid out in two ways."""
    assert (one is None) is (other is None)
    if one is not None and other is not None:
        assert one.sha256 == other.sha256
        assert told(traced(one, facts)) == told(traced(other, facts))


@many
@given(rules=rule_texts(), facts=facts_of_problems)
def test_a_withdrawn_rule_comes_back_when_its_defeaters_go(rules: list[str], facts: dict[str, Any]) -> None:
    check_return(build(rules), rules, facts)


def check_return(whole: Rulebook | None, rules: list[str], facts: dict[str, Any]) -> None:
    """Take out the rules that withdrew another one, one after the other, and see that one at work again."""
    found = traced(whole, facts)
    for withdrawn, by in found.defeated.items() if found is not None else ():
        remaining = [text for text in rules if text.split()[2] not in by]
        remaining = [_without(text, by) for text in remaining]
        book = build(remaining)
        assert book is not None
        try:
            inference = compiled(book).decide(facts)
        except InferenceError:
            continue
        position = book.positions[withdrawn]
        stands = standing_rules(book, inference.holds)
        others = [other for other in book.defeaters[position] if stands[other]]
        assert stands[position] is (inference.holds[position] and not others)
        if stands[position]:
            rule = book.rules[position]
            again = trace(book, facts, inference)
            for written in rule.sets:
                decision = again.decisions[written.target]
                behind = [decision.rule, *decision.contributors, *(lost.rule for lost in decision.overrode)]
                assert rule in behind or book.slots[written.target].collect


def _without(text: str, gone: tuple[str, ...]) -> str:
    """Return a rule's text without some of the rules that it defeats."""
    lines = []
    for line in text.splitlines():
        if line.startswith("    defeats:"):
            left = [name for name in line.partition("[")[2].rstrip("]").split(", ") if name not in gone]
            line = f"    defeats: [{', '.join(left)}]"
        if line != "    defeats: []":
            lines.append(line)
    return "\n".join(lines) + "\n"


@many
@given(rules=rule_texts(), facts=facts_of_problems)
def test_every_decision_is_justified_down_to_the_facts_of_the_problem(rules: list[str], facts: dict[str, Any]) -> None:
    check_justified(build(rules), facts)


def check_justified(book: Rulebook | None, facts: dict[str, Any]) -> None:
    """Follow every decision down to the facts of the problem."""
    found = traced(book, facts)
    if book is None or found is None:
        return
    values: dict[str, Any] = {**facts}
    values.update({name: decision.value for name, decision in found.derived.items()})
    values.update({DECIDED + name: decision.value for name, decision in found.decisions.items()})

    def justified(decision: Decision, above: tuple[str, ...]) -> None:
        assert decision.name not in above
        if decision.rule is None:
            assert decision.value == book.derived[decision.name].otherwise
            return
        assert decision.rule.id not in found.defeated
        assert {part.fact for part in decision.rule.when.parts if isinstance(part, Atom)} <= {
            reason.fact for reason in decision.reasons
        }
        for reason in decision.reasons:
            assert reason.value == values[reason.fact]
            assert reason.condition.holds(reason.value)
            if reason.origin != "input":
                source = found.derived if reason.origin == "derived" else found.decisions
                below = source[reason.fact.removeprefix(DECIDED)]
                assert reason.rule == (below.rule.id if below.rule else "")
                justified(below, (*above, decision.name))
        for lost in decision.overrode:
            assert lost.rule.rank < decision.rule.rank
            assert lost.value != decision.value

    for decision in [*found.decisions.values(), *found.derived.values()]:
        justified(decision, ())
    assert set(found.reasons) | set(found.silent) == {rule.id for rule in book.rules}
    for rule_id, failed in found.silent.items():
        assert failed
        assert not any(reason.condition.holds(reason.value) for reason in failed)
        assert not set(found.reasons) & {rule_id}


@many
@given(rules=rule_texts(), facts=facts_of_problems)
def test_every_problem_is_decided_as_the_representative_of_its_cell(rules: list[str], facts: dict[str, Any]) -> None:
    book = build(rules)
    if book is None:
        return
    space = Space(book)
    cone = space.cone([*(DECIDED + slot for slot in book.slots), *book.derived])
    compared = [atom for rule in book.rules for atom in atoms(rule.when)]
    copies = any(assignment.copy == "size" for rule in book.rules for assignment in rule.sets)
    copied = [atom for atom in compared if copies and atom.fact == "decided.amount"]
    stand_in = dict(facts)
    for name, values in cone.axes.items():
        telling = [atom for atom in compared if atom.fact == name] + (copied if name == "size" else [])
        behaviour = [atom.holds(facts[name]) for atom in telling]
        (stand_in[name],) = [value for value in values if [atom.holds(value) for atom in telling] == behaviour][:1]
    one, other = Reference(book, facts), Reference(book, stand_in)
    assert [one.rule_holds(rule) for rule in book.rules] == [other.rule_holds(rule) for rule in book.rules]
