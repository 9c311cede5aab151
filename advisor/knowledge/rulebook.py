"""A loaded rulebook: declarations, rules and what they cite, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from advisor.knowledge.conditions import AllOf, Place
from advisor.knowledge.domains import Domain, Value, domain_of_fact

if TYPE_CHECKING:
    from advisor.problem.facts import FactType

Origin = Literal["input", "derived", "computed", "decided"]
DECIDED = "decided."


@dataclass(frozen=True, slots=True)
class Work:
    """A work that rules cite.

    Attributes:
        name: Key in the bibliography.
        kind: book, paper, software, documentation, measurement or judgement.
        authors: Who wrote it.
        title: Its title.
        year: When it was published.
        published: Publisher, conference or journal; empty when there is none.
        link: Where to read it; empty when there is none.
    """

    name: str
    kind: str
    authors: tuple[str, ...]
    title: str
    year: int
    published: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a claim comes from: a work of the bibliography and the place in it."""

    work: str
    at: str
    place: Place


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named number (or word) that rules refer to instead of writing it down.

    Attributes:
        name: Its name.
        value: Its value.
        unit: Its unit; empty for words and booleans.
        meaning: What it says.
        because: Why it has this value.
        sources: Where the value comes from.
        place: Where the value is written.
    """

    name: str
    value: Value
    unit: str
    meaning: str
    because: str
    sources: tuple[Source, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class DerivedFact:
    """A fact that rules conclude.

    Attributes:
        name: Its name.
        domain: Its values.
        meaning: What it says.
        choice_meanings: What each value means, where the rulebook says so.
        otherwise: Its value when no standing rule concludes one.
        place: Where it's declared.
    """

    name: str
    domain: Domain
    meaning: str
    choice_meanings: Mapping[str, str]
    otherwise: Value
    place: Place


@dataclass(frozen=True, slots=True)
class ComputedNumber:
    """A number that a registered Python function computes from facts and decided slots; null when unknown."""

    name: str
    unit: str
    meaning: str
    reads: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Slot:
    """Something that is decided.

    Attributes:
        name: Its name.
        title: Its name for people.
        group: The group that it's printed in.
        domain: Its values.
        meaning: What it says.
        choice_meanings: What each value means, where the rulebook says so.
        collect: Whether every standing rule contributes elements, instead of one rule winning.
        place: Where it's declared.
    """

    name: str
    title: str
    group: str
    domain: Domain
    meaning: str
    choice_meanings: Mapping[str, str]
    collect: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Assignment:
    """One value that a rule sets or concludes.

    Attributes:
        target: The slot or derived fact.
        value: The constant, with parameters resolved; None when it's copied.
        copy: The fact that is copied, or an empty string.
        parameters: The names of the parameters in the value.
        place: Where the value is written.
    """

    target: str
    value: Value
    copy: str
    parameters: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Case:
    """A problem and what must come out of it.

    Attributes:
        name: ``cornerstone``, ``contrast`` or ``example 1``, ``example 2``, …
        given: Facts of the problem; the others have their defaults.
        expect: Values of slots and derived facts.
        place: Where the case is written.
    """

    name: str
    given: Mapping[str, Value]
    expect: Mapping[str, Value]
    place: Place


@dataclass(frozen=True, slots=True)
class Rule:
    """One claim: under a condition it sets slots, concludes facts and defeats other rules.

    Attributes:
        id: Its stable name.
        title: The advice in one line.
        layer: Name of its layer.
        rank: Position of its layer, 0 for the lowest.
        when: Its condition.
        sets: The slots that it sets.
        concludes: The derived facts that it concludes.
        defeats: The rules that it withdraws.
        alternatives: For a slot, other values that the source names.
        because: The mechanism behind the advice.
        sources: Where it comes from.
        limits: When not to trust it.
        cases: The cornerstone first, then contrast and further examples.
        place: Where it's written.
        places: Line and column of its keys' values, by key; of a defeated rule's name under ``defeats.<rule>``.
    """

    id: str
    title: str
    layer: str
    rank: int
    when: AllOf
    sets: tuple[Assignment, ...]
    concludes: tuple[Assignment, ...]
    defeats: tuple[str, ...]
    alternatives: Mapping[str, tuple[Value, ...]]
    because: str
    sources: tuple[Source, ...]
    limits: str
    cases: tuple[Case, ...]
    place: Place
    places: Mapping[str, tuple[int, int]]

    def place_of(self, key: str) -> Place:
        """Return where the value of one of its keys is written, or where the rule is when it has no such key."""
        return Place(self.place.file, *self.places[key]) if key in self.places else self.place

    @property
    def cornerstone(self) -> Case:
        """The case that the rule was written for."""
        return self.cases[0]

    @property
    def contrast(self) -> Case | None:
        """The case in which the rule must stay silent, if one is given."""
        return next((case for case in self.cases if case.name == "contrast"), None)

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """What the rule sets, then what it concludes."""
        return self.sets + self.concludes


@dataclass(frozen=True, eq=False)
class Rulebook:
    """A checked rulebook.

    Attributes:
        name: Its name, such as ``homl2``.
        version: Its version.
        title: Its title.
        about: What it is, in a paragraph; may be empty.
        sha256: Digest of its content; comments, layout and order of files don't change it.
        layers: Layer → meaning (may be empty), lowest first.
        groups: Group of slots → title, in printing order.
        parameters: Name → parameter.
        derived: Name → derived fact.
        computed: Name → computed number.
        slots: Name → slot, in declared order.
        rules: The rules, by layer and then by id.
        bibliography: The cited works by name.
        facts: The vocabulary that the rules were checked against.
        impossible: Conditions that no problem satisfies, because its facts would contradict each other.
        places: Where layers and groups are declared, as ``layers.<name>`` and ``groups.<name>``.
    """

    name: str
    version: str
    title: str
    about: str
    layers: Mapping[str, str]
    groups: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    derived: Mapping[str, DerivedFact]
    computed: Mapping[str, ComputedNumber]
    slots: Mapping[str, Slot]
    rules: tuple[Rule, ...]
    bibliography: Mapping[str, Work]
    facts: Mapping[str, FactType] = field(repr=False)
    impossible: tuple[AllOf, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)

    @cached_property
    def sha256(self) -> str:
        """Digest of the content; comments, layout and the order of files and keys don't change it."""
        from advisor.knowledge.canonical import digest

        return digest(self)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Rule id → position in ``rules`` (the rule's bit in an inference)."""
        return {rule.id: position for position, rule in enumerate(self.rules)}

    def rule(self, rule_id: str) -> Rule:
        """Return a rule by its id.

        Raises:
            KeyError: If there is no such rule.
        """
        return self.rules[self.positions[rule_id]]

    @cached_property
    def domains(self) -> Mapping[str, Domain]:
        """The domain of every name that a condition may read (slots as ``decided.<slot>``)."""
        return readable_domains(self.facts, self.derived, self.computed, self.slots)

    def origin(self, name: str) -> Origin:
        """Tell where the value of a readable name comes from."""
        if name.startswith(DECIDED):
            return "decided"
        return "derived" if name in self.derived else "computed" if name in self.computed else "input"

    @cached_property
    def origins(self) -> Mapping[str, Origin]:
        """Where the value of every readable name comes from."""
        return {name: self.origin(name) for name in self.domains}

    @cached_property
    def writers(self) -> Mapping[str, tuple[int, ...]]:
        """Slot (as ``decided.<slot>``) or derived fact → positions of the rules that write it, highest layer first."""
        found: dict[str, list[int]] = {DECIDED + slot: [] for slot in self.slots}
        found.update({name: [] for name in self.derived})
        for position in sorted(range(len(self.rules)), key=lambda p: (-self.rules[p].rank, self.rules[p].id)):
            rule = self.rules[position]
            for assignment in rule.sets:
                found[DECIDED + assignment.target].append(position)
            for assignment in rule.concludes:
                found[assignment.target].append(position)
        return {name: tuple(positions) for name, positions in found.items()}

    def written(self, position: int, name: str) -> Assignment:
        """Return what a rule writes to a derived fact or to ``decided.<slot>``.

        Raises:
            StopIteration: If the rule doesn't write it; ``writers`` tells which ones do.
        """
        rule = self.rules[position]
        if name.startswith(DECIDED):
            slot = name.removeprefix(DECIDED)
            return next(assignment for assignment in rule.sets if assignment.target == slot)
        return next(assignment for assignment in rule.concludes if assignment.target == name)

    @cached_property
    def defeaters(self) -> tuple[tuple[int, ...], ...]:
        """For each rule the positions of the rules that defeat it."""
        found: list[list[int]] = [[] for _ in self.rules]
        for position, rule in enumerate(self.rules):
            for defeated in rule.defeats:
                found[self.positions[defeated]].append(position)
        return tuple(map(tuple, found))


NUMBER_OR_UNKNOWN = Domain("number", nullable=True)


def readable_domains(
    facts: Mapping[str, FactType],
    derived: Mapping[str, DerivedFact],
    computed: Mapping[str, ComputedNumber],
    slots: Mapping[str, Slot],
) -> dict[str, Domain]:
    """Return the domain of every name that a condition may read (slots as ``decided.<slot>``)."""
    found = {name: domain_of_fact(fact) for name, fact in facts.items()}
    found.update({name: fact.domain for name, fact in derived.items()})
    found.update({name: NUMBER_OR_UNKNOWN for name in computed})
    found.update({DECIDED + name: slot.domain for name, slot in slots.items()})
    return found
