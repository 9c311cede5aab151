"""What differs between two recommendations: for a what-if, and for any two side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.explanation import wording
from advisor.explanation.asking import fact_changes
from advisor.explanation.grounds import Grounds
from advisor.explanation.outline import Entry, Outline, Section, Table
from advisor.explanation.voice import counted
from advisor.problem import FACTS
from advisor.recommendation import Recommendation

_STATUS = {
    "carried_out": "done",
    "not_carried_out_yet": "advised, not carried out by this version",
    "not_needed": "not needed",
}


def what_if_outline(
    grounds: Grounds, now: Recommendation, changes: Mapping[str, Any]
) -> tuple[Outline, dict[str, Any]]:
    """Return what would be advised otherwise if some facts were different.

    Args:
        grounds: What the recommendation rests on.
        now: The recommendation.
        changes: Facts by name, with values or how they are written.

    Raises:
        RequestError: If a field is unknown.
        ProblemError: If the changed facts are no valid problem.
    """
    then = grounds.with_changes(fact_changes(changes))
    data = differences(now.document, then.document)
    what = "; ".join(f"{each['title']}: {each['after']} instead of {each['before']}" for each in _said(data["facts"]))
    asked = ", ".join(f"{name} = {wording.say_value(then.document['problem'][name])}" for name in changes)
    if not data["facts"]:
        return Outline(f"What if {asked}", "That is the problem as it is: nothing changes."), data
    summary = f"{what}. {_sentence(_summary(data))}"
    return Outline(f"What if {asked}", summary, tuple(_sections(data, "Now", "Then"))), data


def contrast_outline(first: Recommendation, second: Recommendation) -> tuple[Outline, dict[str, Any]]:
    """Return what two recommendations advise differently, and the facts behind it."""
    data = differences(first.document, second.document)
    books = [f"{each.rulebook['name']} {each.rulebook['version']}" for each in (first, second)]
    by = "" if books[0] == books[1] else f" The first was decided by {books[0]}, the second by {books[1]}."
    facts = (
        counted(len(data["facts"]), "fact differs", "facts differ") if data["facts"] else "The problems are the same"
    )
    return Outline(
        "Two recommendations side by side",
        f"{facts}; {_summary(data)}{by}",
        tuple(_sections(data, "First", "Second")),
    ), data


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs between two recommendations, as data.

    Args:
        before: The document of one.
        after: The document of the other.
    """
    return {
        "facts": _changed(before["problem"], after["problem"]),
        "decisions": [
            {**each, "rule": _rules(after, each["name"]), "rule_before": _rules(before, each["name"])}
            for each in _changed(_values(before), _values(after))
        ],
        "rules_changed": [
            each
            for each in _changed(
                {slot: _rules(before, slot) for slot in before["decisions"]},
                {slot: _rules(after, slot) for slot in after["decisions"]},
            )
            if _values(before).get(each["name"]) == _values(after).get(each["name"])
        ],
        "requirements": _changed(_requirements(before), _requirements(after)),
        "plan": _changed(*({each["step"]: each["status"] for each in side["plan"]} for side in (before, after))),
        "warnings": _changed(*({each["message"]: True for each in side["warnings"]} for side in (before, after))),
        "estimate": _changed(before["estimate"] or {}, after["estimate"] or {}),
        "titles": {slot: decision["title"] for side in (before, after) for slot, decision in side["decisions"].items()},
    }


def _values(document: Mapping[str, Any]) -> dict[str, Any]:
    return {slot: decision["value"] for slot, decision in document["decisions"].items()}


def _rules(document: Mapping[str, Any], slot: str) -> str:
    decision = document["decisions"].get(slot)
    return "" if decision is None else wording.say_list([decision["rule"], *decision.get("further_rules", ())])


def _requirements(document: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: wording.say_comparison(each) for each in document["requirements"]}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = [*before, *(name for name in after if name not in before)]
    return [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name) or (name in before) != (name in after)
    ]


def _summary(data: Mapping[str, Any]) -> str:
    number = len(data["decisions"])
    if number:
        return f"{counted(number, 'decision changes', 'decisions change')}."
    if data["rules_changed"]:
        return "every value stays the same, but not always for the same reason."
    return "no decision changes."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _said(facts: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "title": FACTS[each["name"]].title,
            "before": wording.say_fact_value(each["name"], each["before"]),
            "after": wording.say_fact_value(each["name"], each["after"]),
        }
        for each in facts
    ]


def _sections(data: Mapping[str, Any], before: str, after: str) -> list[Section]:
    titles = data["titles"]
    facts = tuple((each["title"], each["before"], each["after"]) for each in _said(data["facts"]))
    decisions = tuple(
        (titles[each["name"]], wording.say_value(each["before"]), wording.say_value(each["after"]), each["rule"])
        for each in data["decisions"]
    )
    reasons = tuple(
        (titles[each["name"]], each["before"] or "none", each["after"] or "none") for each in data["rules_changed"]
    )
    wanted = tuple(
        (each["name"].replace("_", " ").capitalize(), each["before"] or "none", each["after"] or "none")
        for each in data["requirements"]
    )
    plan = tuple(
        (each["name"].replace("_", " ").capitalize(), *(_STATUS.get(each[side], "") for side in ("before", "after")))
        for each in data["plan"]
    )
    cost = tuple(
        (
            _COSTS[each["name"]],
            *("unknown" if each[side] is None else wording.say_value(each[side]) for side in ("before", "after")),
        )
        for each in data["estimate"]
        if each["name"] in _COSTS
    )
    found = [
        _tabled("The facts", ("Fact", before, after), facts),
        _tabled("The decisions", ("Decision", before, after, f"By ({after.lower()})"), decisions),
        _tabled("The same value for another reason", ("Decision", before, after), reasons),
        _tabled("Requirements", ("Requirement", before, after), wanted),
        _tabled("Steps of the plan", ("Step", before, after), plan),
        _tabled("Cost, counted before anything is built", ("Cost", before, after), cost),
    ]
    for heading, side in (
        (f"Worth knowing only {before.lower()}", "before"),
        (f"Worth knowing {after.lower()}", "after"),
    ):
        told = tuple(Entry(reason=each["name"]) for each in data["warnings"] if each[side])
        if told:
            found.append(Section(heading, told))
    return [section for section in found if section is not None]


_COSTS = {"parameters": "Parameters", "bytes": "Bytes of the weights", "multiply_adds": "Multiply-adds a row"}


def _tabled(title: str, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Section | None:
    return Section(title, table=Table(columns, rows)) if rows else None
