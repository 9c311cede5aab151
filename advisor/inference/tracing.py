"""The trace: why every slot has its value, rebuilt from an inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from advisor.knowledge.conditions import AllOf, Atom, Condition, holds
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.inference.engine import Inference
    from advisor.knowledge.domains import Value
    from advisor.knowledge.rulebook import Origin, Rule, Rulebook


class Reason(NamedTuple):
    """A fact that satisfied a condition, or failed it.

    Attributes:
        condition: The comparison.
        value: The fact's value.
        origin: Where the value comes from: ``input``, ``derived``, ``computed`` or ``decided``.
        rule: For a derived fact or decided slot the id of the rule behind it; else (or when no rule is) an empty text.
    """

    condition: Atom
    value: Value
    origin: Origin
    rule: str

    @property
    def fact(self) -> str:
        """The fact's name."""
        return self.condition.fact


class Overridden(NamedTuple):
    """A standing rule that lost a slot to a rule of a higher layer, and what it would have set."""

    rule: Rule
    value: Value


class Defeated(NamedTuple):
    """A rule that was withdrawn, what it would have set, and the standing rules that defeated it."""

    rule: Rule
    value: Value
    by: tuple[Rule, ...]


class Decision(NamedTuple):
    """Why a slot or derived fact has its value.

    Attributes:
        name: The slot or derived fact.
        value: Its value.
        rule: The rule that won; None for a derived fact that nobody concluded.
        reasons: The facts that satisfied the rule's condition.
        contributors: Further rules that stand behind the value: of the same opinion, or other contributors of a
            collecting slot.
        overrode: Standing rules of lower layers that would have set another value.
        defeated: Withdrawn rules that would have set it.
    """

    name: str
    value: Value
    rule: Rule | None
    reasons: tuple[Reason, ...]
    contributors: tuple[Rule, ...]
    overrode: tuple[Overridden, ...]
    defeated: tuple[Defeated, ...]


class Trace(NamedTuple):
    """Why everything is as it is.

    Attributes:
        decisions: Slot → decision.
        derived: Derived fact → decision.
        reasons: Id of each rule whose condition holds → the facts that satisfied it.
        defeated: Id of each withdrawn rule → ids of the standing rules that defeated it.
        silent: Id of each rule whose condition fails → the comparisons that fail.
    """

    decisions: dict[str, Decision]
    derived: dict[str, Decision]
    reasons: dict[str, tuple[Reason, ...]]
    defeated: dict[str, tuple[str, ...]]
    silent: dict[str, tuple[Reason, ...]]


def standing_rules(rulebook: Rulebook, held: tuple[bool, ...]) -> list[bool]:
    """Return for each rule whether it stands: its condition holds and no standing rule defeats it."""
    stands = list(held)
    settled: set[int] = set()

    def settle(position: int) -> bool:
        if position not in settled:
            settled.add(position)
            defeaters = rulebook.defeaters[position]
            if defeaters and stands[position]:
                stands[position] = not any([settle(defeater) for defeater in defeaters])
        return stands[position]

    for position, defeaters in enumerate(rulebook.defeaters):
        if defeaters:
            settle(position)
    return stands


def trace(rulebook: Rulebook, facts: Mapping[str, Any], inference: Inference) -> Trace:
    """Return why every slot has its value.

    Args:
        rulebook: The rulebook that decided.
        facts: The facts that it decided on.
        inference: What it decided.
    """
    rules, held = rulebook.rules, inference.holds
    stands = standing_rules(rulebook, held)
    values: dict[str, Any] = {**facts, **inference.derived, **inference.computed}
    values.update({DECIDED + slot: value for slot, value in inference.values.items()})
    winners: dict[str, str] = {}
    for name, writers in rulebook.writers.items():
        for position in writers:
            if stands[position]:
                winners[name] = rules[position].id
                break
    reasons: dict[str, tuple[Reason, ...]] = {}
    silent: dict[str, tuple[Reason, ...]] = {}
    origins = rulebook.origins
    for rule, holding in zip(rules, held, strict=True):
        found: list[Reason] = []
        for part in rule.when.parts:
            if isinstance(part, Atom):
                value = values[part.fact]
                if holding or not part.holds(value):
                    found.append(Reason(part, value, origins[part.fact], winners.get(part.fact, "")))
            else:
                _collect(part, holding, values, origins, winners, found)
        (reasons if holding else silent)[rule.id] = tuple(found)
    defeated = {
        rule.id: tuple(rules[defeater].id for defeater in rulebook.defeaters[position] if stands[defeater])
        for position, rule in enumerate(rules)
        if held[position] and not stands[position]
    }
    found_decisions: list[dict[str, Decision]] = [{}, {}]
    for name, writers in rulebook.writers.items():
        is_slot = name.startswith(DECIDED)
        target = name[len(DECIDED) :] if is_slot else name
        collects = is_slot and rulebook.slots[target].collect
        found_decisions[0 if is_slot else 1][target] = _decision(
            rulebook, name, target, writers, values, held, stands, reasons, defeated, collects=collects
        )
    return Trace(found_decisions[0], found_decisions[1], reasons, defeated, silent)


def _collect(
    condition: Condition,
    wanted: bool,
    values: Mapping[str, Any],
    origins: Mapping[str, Origin],
    winners: Mapping[str, str],
    found: list[Reason],
) -> None:
    """Add the comparisons that make a condition hold (or fail): of an ``any`` that holds, the parts that do."""
    if isinstance(condition, Atom):
        name = condition.fact
        found.append(Reason(condition, values[name], origins[name], winners.get(name, "")))
        return
    everything = isinstance(condition, AllOf) is wanted
    for part in condition.parts:
        if everything or holds(part, values) is wanted:
            _collect(part, wanted, values, origins, winners, found)


def _decision(
    rulebook: Rulebook,
    name: str,
    target: str,
    writers: tuple[int, ...],
    values: Mapping[str, Any],
    held: tuple[bool, ...],
    stands: list[bool],
    reasons: Mapping[str, tuple[Reason, ...]],
    defeated: Mapping[str, tuple[str, ...]],
    *,
    collects: bool,
) -> Decision:
    value = values[name]
    winner: Rule | None = None
    contributors: list[Rule] = []
    overrode: list[Overridden] = []
    withdrawn: list[Defeated] = []
    for position in writers:
        if not held[position]:
            continue
        rule = rulebook.rules[position]
        written = rulebook.written(position, name)
        proposed = values[written.copy] if written.copy else written.value
        if not stands[position]:
            withdrawn.append(Defeated(rule, proposed, tuple(rulebook.rule(each) for each in defeated[rule.id])))
        elif winner is None:
            winner = rule
        elif collects:
            if proposed:
                contributors.append(rule)
        elif proposed == value:
            contributors.append(rule)
        else:
            overrode.append(Overridden(rule, proposed))
    because = reasons[winner.id] if winner is not None else ()
    return Decision(target, value, winner, because, tuple(contributors), tuple(overrode), tuple(withdrawn))
