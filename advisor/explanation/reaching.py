"""What would have to be different for a slot to have a wanted value: all minimal sets of changes, or none, proven."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.errors import ProblemError
from advisor.explanation import wording
from advisor.explanation.asking import check_fields, slot_value
from advisor.explanation.changing import Table, minimal, table_of
from advisor.explanation.computed import Numbers
from advisor.explanation.grounds import Grounds
from advisor.explanation.outline import Entry, Outline, Section
from advisor.explanation.pieces import Piece, Span, joined, say_pieces
from advisor.explanation.voice import Voice, counted
from advisor.inference import decide
from advisor.knowledge import Rulebook
from advisor.knowledge.domains import Value
from advisor.knowledge.rulebook import DECIDED
from advisor.problem import FACTS, check_facts


@dataclass(frozen=True)
class Change:
    """One fact that would have to be different.

    Attributes:
        fact: The fact.
        pieces: The values that do, with the other changes of the set as they are.
        value: One of them, the nearest to what it is now.
    """

    fact: str
    pieces: tuple[Piece, ...]
    value: Any


Changes = tuple[Change, ...]


@dataclass(frozen=True)
class Counterfactual:
    """What would have to be different.

    Attributes:
        slot: The slot.
        wanted: Its wanted value.
        verdict: ``so`` when it has that value, ``found``, ``impossible`` under this rulebook, or ``fixed`` when only
            changes of fixed facts lead to it.
        sets: The minimal sets of changes, smallest first.
        fixed: The facts that may not change.
        cells: How many cells were decided for the answer.
    """

    slot: str
    wanted: Value
    verdict: str
    sets: tuple[Changes, ...]
    fixed: tuple[str, ...]
    cells: int


def find_counterfactual(grounds: Grounds, slot: str, given: Any, fixed: Collection[str] = ()) -> Counterfactual:
    """Return all minimal sets of changes to the problem that lead to a wanted value.

    Args:
        grounds: What the recommendation rests on.
        slot: The slot.
        given: The wanted value, or how it is written; of a slot that collects elements, those that it should contain.
        fixed: Facts that may not change.

    Raises:
        RequestError: If there is no such slot, value or field.
    """
    rulebook = grounds.rulebook
    wanted = slot_value(rulebook, slot, given)
    check_fields(fixed)
    kept = tuple(sorted(set(fixed)))
    table = _table(rulebook, grounds.facts, slot, wanted)
    if _does(rulebook, slot, wanted, grounds.inference.values[slot]):
        return Counterfactual(slot, wanted, "so", ((),), kept, table.size)
    found = minimal_changes(rulebook, grounds.facts, slot, wanted, kept)
    right = [each for each in found if _is_right(rulebook, grounds.facts, slot, wanted, each)]
    if right:
        return Counterfactual(slot, wanted, "found", tuple(merged(rulebook, grounds.facts, right)), kept, table.size)
    verdict = "fixed" if kept and _reaching(rulebook, table, slot, wanted) else "impossible"
    return Counterfactual(slot, wanted, verdict, (), kept, table.size)


def minimal_changes(
    rulebook: Rulebook, facts: Mapping[str, Any], slot: str, wanted: Value, fixed: Collection[str] = ()
) -> list[Changes]:
    """Return the minimal sets of changes to facts that lead to a wanted value, one for each choice of cells.

    Args:
        rulebook: The rulebook.
        facts: Every fact; with them the slot has another value.
        slot: The slot.
        wanted: Its wanted value.
        fixed: Facts that may not change.
    """
    table = _table(rulebook, facts, slot, wanted)
    reaching = _reaching(rulebook, table, slot, wanted)
    if any(name in rulebook.computed for name in table.axes):
        return _with_numbers(rulebook, facts, table, reaching, fixed)
    return _among_facts(facts, table, reaching, fixed)


def _table(rulebook: Rulebook, facts: Mapping[str, Any], slot: str, wanted: Value) -> Table:
    differing = {name: value for name, value in facts.items() if value != rulebook.facts[name].default}
    return table_of(rulebook, slot, wanted, differing)


def _reaching(rulebook: Rulebook, table: Table, slot: str, wanted: Value) -> list[int]:
    return [mask for value, masks in table.reached.items() if _does(rulebook, slot, wanted, value) for mask in masks]


def _does(rulebook: Rulebook, slot: str, wanted: Value, value: Any) -> bool:
    if rulebook.slots[slot].collect and wanted and isinstance(wanted, tuple) and isinstance(value, tuple):
        return all(each in value for each in wanted)
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _among_facts(
    facts: Mapping[str, Any], table: Table, reaching: Iterable[int], fixed: Collection[str]
) -> list[Changes]:
    now = sum(table.bits[name, table.cell_of(name, facts[name])] for name in table.axes)
    forbidden = table.mask(fixed)
    changed = {mask & ~now for mask in reaching}
    left = minimal(mask for mask in changed if not mask & forbidden)
    return [_changes(facts, table, mask) for mask in left]


def _changes(facts: Mapping[str, Any], table: Table, mask: int) -> Changes:
    found = []
    for name, number in table.pairs(mask).items():
        cell = table.axes[name][number]
        found.append(Change(name, cell.pieces, cell.nearest(facts[name])))
    return tuple(found)


def _with_numbers(
    rulebook: Rulebook,
    now: Mapping[str, Any],
    table: Table,
    reaching: Iterable[int],
    fixed: Collection[str],
) -> list[Changes]:
    """Search where computed numbers play a part: what they come to depends on the other changes."""
    numbers = Numbers(rulebook, table, now, fixed)
    of_numbers = table.mask(numbers.names)
    standing = sum(table.bits[name, table.cell_of(name, now[name])] for name in table.axes if name not in numbers.names)
    forbidden = table.mask(fixed)
    allowed: dict[int, set[int]] = {}
    for mask in reaching:
        changed = mask & ~standing & ~of_numbers
        if not changed & forbidden:
            allowed.setdefault(changed, set()).add(mask & of_numbers)
    # What further changes a mask needs depends on these two; of masks that need the same, the smallest do.
    of_shared = table.mask(numbers.shared)
    alike: dict[tuple[int, frozenset[int]], list[int]] = {}
    for mask, combinations in allowed.items():
        alike.setdefault((mask & of_shared, frozenset(combinations)), []).append(mask)
    smallest = [mask for masks in alike.values() for mask in minimal(masks)]
    complete: list[int] = []
    found: list[tuple[int, dict[str, Any]]] = []
    for mask in sorted(smallest, key=lambda each: (each.bit_count(), each)):
        if any(mask & each == each for each in complete):
            continue
        facts = {**now, **{change.fact: change.value for change in _changes(now, table, mask)}}
        for more in numbers.further(facts, frozenset(allowed[mask])):
            if not more:
                complete.append(mask)
            if not any(mask & each == each and extra.items() <= more.items() for each, extra in found):
                found.append((mask, more))
    return [
        (
            *(each for each in _changes(now, table, mask) if each.fact not in more),
            *_ends(now, table, numbers, mask, more, frozenset(allowed[mask])),
        )
        for mask, more in found
        if all(value != now[name] or type(value) is not type(now[name]) for name, value in more.items())
    ]


def _ends(
    before: Mapping[str, Any],
    table: Table,
    numbers: Numbers,
    mask: int,
    more: Mapping[str, Any],
    allowed: frozenset[int],
) -> Changes:
    """Return changes of facts behind a computed number; a single one as far as it must go and no farther."""
    if len(more) != 1:
        return tuple(Change(name, _exactly(value), value) for name, value in more.items())
    ((name, end),) = more.items()
    now = before[name]
    facts = {**before, **{change.fact: change.value for change in _changes(before, table, mask)}}
    bad = numbers.beyond(name, end, now)
    if not isinstance(end, int) or not isinstance(bad, int) or isinstance(end, bool):
        return (Change(name, _exactly(end), end),)
    good = bad if numbers.reaches({**facts, name: bad}, allowed) else end
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        if numbers.reaches({**facts, name: middle}, allowed):
            good = middle
        else:
            bad = middle
    low, high = sorted((good, end))
    return (Change(name, (Span(low, high, True, True, True),), good),)


def _exactly(value: Any) -> tuple[Piece, ...]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return (value,)
    return (Span(value, value, True, True, isinstance(value, int)),)


def _is_right(rulebook: Rulebook, now: Mapping[str, Any], slot: str, wanted: Value, changes: Changes) -> bool:
    """Tell whether the changed problem is valid and really leads to the value."""
    try:
        facts, _ = check_facts({**now, **{change.fact: change.value for change in changes}})
    except ProblemError:
        return False
    return _does(rulebook, slot, wanted, decide(rulebook, facts).values[slot])


def merged(rulebook: Rulebook, facts: Mapping[str, Any], found: Iterable[Changes]) -> list[Changes]:
    """Return sets put together that differ only in the values of one fact, smallest first."""
    sets = [tuple(sorted(each, key=lambda change: list(rulebook.facts).index(change.fact))) for each in found]
    for fact in rulebook.facts:
        groups: dict[Any, list[Changes]] = {}
        for each in sets:
            others = tuple((change.fact, change.pieces) for change in each if change.fact != fact)
            has = any(change.fact == fact for change in each)
            groups.setdefault((others, has), []).append(each)
        sets = [_united(facts, fact, group) for group in groups.values()]
    order = {fact: place for place, fact in enumerate(rulebook.facts)}
    return sorted(sets, key=lambda each: (len(each), [order[change.fact] for change in each], str(each)))


def _united(facts: Mapping[str, Any], fact: str, group: list[Changes]) -> Changes:
    members = [change for each in group for change in each if change.fact == fact]
    if len(members) < 2:
        return group[0]
    pieces = tuple(joined(piece for change in members for piece in change.pieces))
    now = facts[fact]
    value = members[0].value
    if isinstance(now, int | float) and not isinstance(now, bool):
        numbers = [change.value for change in members if change.value is not None]
        value = min(numbers, key=lambda number: abs(number - now), default=None)
    return tuple(Change(fact, pieces, value) if change.fact == fact else change for change in group[0])


def counterfactual_outline(
    grounds: Grounds, slot: str, given: Any, fixed: Collection[str] = ()
) -> tuple[Outline, dict[str, Any]]:
    """Return what would have to be different, for people and as data.

    Args:
        grounds: What the recommendation rests on.
        slot: The slot.
        given: The wanted value, or how it is written.
        fixed: Facts that may not change.

    Raises:
        RequestError: If there is no such slot, value or field.
    """
    found = find_counterfactual(grounds, slot, given, fixed)
    voice = Voice(grounds.rulebook)
    shown = wording.say_value(found.wanted)
    title = voice.title(DECIDED + slot)
    data = _data(found, grounds, voice)
    entries = tuple(_entry(voice, grounds, changes) for changes in found.sets if changes)
    sections = [Section("What would have to change", entries, is_numbered=True)] if entries else []
    if found.fixed:
        held = tuple(Entry(reason=f"{voice.fact(name, grounds.facts[name])}.") for name in found.fixed)
        sections.append(Section("Held fixed", held))
    hints: tuple[str, ...] = ()
    if entries:
        asked = " ".join(f"--what-if {change.fact}={_written(change.value)}" for change in found.sets[0])
        hints = (f"See everything that would follow: advisor explain RECOMMENDATION.json {asked}",)
    return Outline(
        f"What would lead to {slot} = {shown}", _summary(found, grounds, title, shown), tuple(sections), hints
    ), data


def _summary(found: Counterfactual, grounds: Grounds, title: str, shown: str) -> str:
    book = grounds.rulebook.name
    contains = grounds.rulebook.slots[found.slot].collect and bool(found.wanted)
    checked = f"({counted(found.cells, 'case', 'cases')}: all that its rules can tell apart)"
    if found.verdict == "so":
        return f"{title} {'contains' if contains else 'is'} {shown} already; nothing has to change."
    now = wording.say_value(grounds.inference.values[found.slot])
    verb = "contain" if contains else "be"
    if found.verdict == "impossible":
        return f"{title} is {now}. That it should {verb} {shown} is impossible under the rulebook {book} {checked}."
    if found.verdict == "fixed":
        return f"{title} is {now}. No change of the other facts makes it {verb} {shown} {checked}."
    number = len(found.sets)
    how = "There is 1 smallest way" if number == 1 else f"There are {number:,} ways, none of which contains another,"
    return f"{title} is {now}. {how} to make it {verb} {shown}; everything else may stay as it is."


def _entry(voice: Voice, grounds: Grounds, changes: Changes) -> Entry:
    words = []
    for change in changes:
        now = voice.value(change.fact, grounds.facts[change.fact])
        words.append(f"{voice.title(change.fact)}: {say_pieces(voice, change.fact, change.pieces)} (now {now})")
    unasked = [change.fact for change in changes if not FACTS[change.fact].asked]
    notes = tuple(f"{voice.title(fact)}: {FACTS[fact].meaning}" for fact in unasked)
    return Entry(reason="; and ".join(words) + ".", notes=notes)


def _written(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _data(found: Counterfactual, grounds: Grounds, voice: Voice) -> dict[str, Any]:
    return {
        "slot": found.slot,
        "wanted": list(found.wanted) if isinstance(found.wanted, tuple) else found.wanted,
        "verdict": found.verdict,
        "fixed": list(found.fixed),
        "cells": found.cells,
        "sets": [
            [
                {
                    "fact": change.fact,
                    "now": grounds.facts[change.fact],
                    "value": change.value,
                    "values": say_pieces(voice, change.fact, change.pieces),
                }
                for change in changes
            ]
            for changes in found.sets
        ],
    }
