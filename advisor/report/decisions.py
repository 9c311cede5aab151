"""Decisions as a reader meets them: grouped, and together where one rule made several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.explanation.effect import without_effect
from advisor.report.wording import counted, in_sentence, joined, shown, words

STATUS = {
    "carried_out": ("carried out", "good"),
    "not_carried_out_yet": ("not carried out yet", "warn"),
    "not_needed": ("not needed", "small"),
}
OTHER = "Other decisions"
Reason = tuple[str, str]
Members = list[tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Line:
    """A label and a value."""

    title: str
    value: str
    id: str = ""
    status: str = ""


@dataclass(frozen=True)
class Source:
    """Where a claim comes from; the link is empty or an address of the web."""

    text: str
    link: str = ""


@dataclass(frozen=True)
class Card:
    """Decisions that one rule made for one reason."""

    id: str
    rule: str
    because: str
    sources: tuple[Source, ...]
    values: tuple[Line, ...]
    more: tuple[Line, ...]


@dataclass(frozen=True)
class Group:
    """Cards about one side of the model.

    Attributes:
        title: Heading.
        cards: What was decided for.
        unused: What was decided against without having to override anything: shown on demand.
        unused_titles: What that is about, in a few words.
    """

    title: str
    cards: tuple[Card, ...]
    unused: tuple[Card, ...]
    unused_titles: str


def anchor(*parts: str) -> str:
    """Return an id for HTML made of readable characters only."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-") or "part"


def decision_groups(recommendation: Mapping[str, Any], slots: Mapping[str, Mapping[str, Any]]) -> list[Group]:
    """Return every decision of a recommendation, in its order, grouped and joined by rule.

    Args:
        recommendation: The recommendation's JSON document.
        slots: Slot → {title, group}, used where a decision doesn't say it itself.

    Returns:
        Groups in the order of their first decision. No decision is left out.
    """
    undone = {
        slot
        for step in recommendation.get("plan", ())
        if step.get("status") == "not_carried_out_yet"
        for slot in step.get("slots", ())
    }
    grouped: dict[str, dict[Reason, Members]] = {}
    for slot, decision in recommendation.get("decisions", {}).items():
        group = str(decision.get("group") or slots.get(slot, {}).get("group") or OTHER)
        reason = (str(decision.get("rule", "")), str(decision.get("because", "")))
        grouped.setdefault(group, {}).setdefault(reason, []).append((slot, decision))
    rules = recommendation.get("trace", {})
    rules = rules.get("rules", {}) if isinstance(rules, Mapping) else {}
    works = recommendation.get("works", {})
    groups = []
    for title, reasons in grouped.items():
        cards: list[Card] = []
        unused: list[Card] = []
        titles: list[str] = []
        settings = 0
        for (rule, because), members in _parted(recommendation, reasons):
            lines = tuple(
                Line(
                    str(decision.get("title") or slots.get(slot, {}).get("title") or words(slot)),
                    shown(decision.get("value")),
                    anchor("slot", slot),
                    "not carried out yet" if slot in undone else "",
                )
                for slot, decision in members
            )
            card = Card(
                anchor("rule", title, rule, members[0][0]),
                rule,
                because.strip(),
                sources(members[0][1].get("source"), works),
                lines,
                tuple(_more(members, rules.get(rule, {}))),
            )
            idle = all(without_effect(recommendation, slot) for slot, _ in members)
            if idle or all(_is_unused(slot, decision, undone) for slot, decision in members):
                unused.append(card)
                settings += len(members) if idle else 0
                titles += [] if idle else [in_sentence(line.title) for line in lines]
            else:
                cards.append(card)
        if settings:
            titles.append(f"{counted(settings, 'setting')} without effect here")
        groups.append(Group(words(title), tuple(cards), tuple(unused), joined(titles)))
    return groups


def _parted(recommendation: Mapping[str, Any], reasons: Mapping[Reason, Members]) -> Iterator[tuple[Reason, Members]]:
    """Yield the decisions of each rule, those that mean nothing for this problem apart from the others."""
    for reason, members in reasons.items():
        idle = [member for member in members if without_effect(recommendation, member[0])]
        for part in ([member for member in members if member not in idle], idle):
            if part:
                yield reason, part


def sources(given: Any, works: Mapping[str, Any]) -> tuple[Source, ...]:
    """Return where a claim comes from, with the works' full citations and links.

    Args:
        given: A text, one mapping of work and place, or several.
        works: Key of a work → citation, link.
    """
    found = []
    for each in _listed(given):
        if not isinstance(each, Mapping):
            found.append(Source(str(each)))
            continue
        work = works.get(str(each.get("work")), {})
        title = each.get("citation") or work.get("citation") or each.get("title") or each.get("work") or ""
        link = str(each.get("link") or work.get("link") or "")
        text = ", ".join(str(part) for part in (title, each.get("at")) if part)
        found.append(Source(text, link if link.startswith(("https://", "http://")) else ""))
    return tuple(found)


def _is_unused(slot: str, decision: Mapping[str, Any], undone: set[str]) -> bool:
    value = decision.get("value")
    nothing = value in (None, False, 0, "none", "") or (isinstance(value, list | tuple) and not value)
    return nothing and slot not in undone and not decision.get("overrides")


def _more(members: list[tuple[str, Mapping[str, Any]]], rule: Mapping[str, Any]) -> Iterable[Line]:
    several = len(members) > 1
    facts = {name: value for _, decision in members for name, value in (decision.get("facts") or {}).items()}
    if facts:
        yield Line("Facts", joined(f"{words(name).lower()} = {shown(value)}" for name, value in facts.items()))
    for slot, decision in members:
        suffix = f" ({words(slot).lower()})" if several else ""
        overrides = [_rival(each) for each in _listed(decision.get("overrides"))]
        if overrides:
            yield Line(f"Instead of{suffix}", joined(overrides))
        alternatives = [_rival(each) for each in _listed(decision.get("alternatives"))]
        if alternatives:
            yield Line(f"Alternatives{suffix}", joined(alternatives, "or"))
    if rule.get("limits"):
        yield Line("When not to trust it", str(rule["limits"]).strip())


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def _rival(given: Any) -> str:
    """Return what was overridden, or could be chosen instead, in words."""
    if not isinstance(given, Mapping):
        return shown(given)
    text = shown(given["value"]) if "value" in given else str(given.get("rule", ""))
    if "value" in given and given.get("rule"):
        text += f" ({given['rule']})"
    if given.get("because"):
        text += f": {str(given['because']).strip().rstrip('.')}"
    return text


def plan_lines(recommendation: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the steps of the plan with their status in words."""
    lines = []
    for step in recommendation.get("plan", ()):
        status, tone = STATUS.get(str(step.get("status", "")), (words(str(step.get("status", ""))).lower(), "small"))
        does = str(step.get("does") or words(str(step.get("step", ""))))
        lines.append({"does": does, "status": status, "tone": tone})
    return lines
