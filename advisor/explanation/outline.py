"""An explanation as an outline, from which text, Markdown and dictionaries are rendered: all say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor.explanation import wording
from advisor.explanation.effect import is_off, without_effect
from advisor.problem import FACTS
from advisor.recommendation import Recommendation


@dataclass(frozen=True)
class Entry:
    """A few labelled values with the reason that they share.

    Attributes:
        values: Label and value, for people.
        reason: Why, in whole sentences; may be empty.
        notes: Rule, source, alternatives and what was overridden, one sentence each.
        depth: How deep it stands in a chain of reasons; only used without values.
    """

    values: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True)
class Table:
    """Rows of words under column headings.

    Attributes:
        columns: The headings.
        rows: Their rows, one word or phrase for each column.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading with its entries.

    Attributes:
        title: The heading.
        entries: What stands below it.
        is_numbered: Whether the entries are steps in order.
        table: A table that stands before the entries, if there is one.
    """

    title: str
    entries: tuple[Entry, ...] = ()
    is_numbered: bool = False
    table: Table | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the section as a JSON-ready dictionary; ``table`` is there only where there is one."""
        told: dict[str, Any] = {
            "title": self.title,
            "entries": [
                {
                    "values": [{"label": label, "value": value} for label, value in entry.values],
                    "reason": entry.reason,
                    "notes": list(entry.notes),
                    "depth": entry.depth,
                }
                for entry in self.entries
            ],
        }
        if self.table is not None:
            told["table"] = {"columns": list(self.table.columns), "rows": [list(row) for row in self.table.rows]}
        return told


@dataclass(frozen=True)
class Outline:
    """A whole explanation.

    Attributes:
        title: What is explained, in a line.
        summary: The most important in whole sentences.
        sections: The rest.
        hints: What to do next.
    """

    title: str
    summary: str
    sections: tuple[Section, ...] = ()
    hints: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return the outline as a JSON-ready dictionary."""
        return {
            "title": self.title,
            "summary": self.summary,
            "sections": [section.as_dict() for section in self.sections],
            "hints": list(self.hints),
        }


def outline_of(recommendation: Recommendation, *, brief: bool = False) -> Outline:
    """Return the outline of a whole recommendation.

    Args:
        recommendation: What to explain.
        brief: Keep one sentence of each reason, and leave out what was overridden.
    """
    document = recommendation.document
    sections = [_problem(document)]
    sections += _decisions(document, brief)
    sections += [_requirements(document), _plan(document), *_estimate(document), *_warnings(document)]
    if not brief:
        cited = {each["work"] for decision in document["decisions"].values() for each in decision["source"]}
        sections += sources_section(document, cited)
    book = document["rulebook"]
    hints = (
        "Save it as JSON: advisor recommend PROBLEM.json --json > recommendation.json",
        "Ask for the whole reason of one value: advisor explain recommendation.json --why activation",
    )
    return Outline(
        "Recommendation",
        f"{_summary(recommendation)} Decided by the rulebook {book['name']} {book['version']} ({book['title']}).",
        tuple(section for section in sections if section.entries),
        hints if brief else hints[1:],
    )


_TASKS = {
    "regression": "a regression",
    "binary": "a binary classification",
    "multiclass": "a multiclass classification",
    "multilabel": "a multilabel classification",
    "forecasting": "a forecast",
}
_ARCHITECTURES = {
    "dense_stack": "stack of dense layers",
    "wide_and_deep": "wide and deep network",
    "residual": "residual network",
    "convolutional": "convolutional network",
    "recurrent": "recurrent network",
}


def _summary(recommendation: Recommendation) -> str:
    values, problem = recommendation.values, recommendation.problem
    size = wording.say_shape(values)
    shape = f" with {size}" if size else ""
    activation = f"{values['activation']} activation" if "activation" in values else ""
    optimizer = f"trained with {values['optimizer']}" if "optimizer" in values else ""
    extras = ", ".join(part for part in (activation, optimizer) if part)
    return (
        f"For {_TASKS[problem.task]}: a {_ARCHITECTURES[problem.architecture]}{shape}{', ' + extras if extras else ''}."
    )


def _problem(document: Mapping[str, Any]) -> Section:
    origins = document["trace"]["facts"]
    stated = []
    for name, value in document["problem"].items():
        origin = origins.get(name, {"origin": "given", "how": ""})
        if origin["origin"] == "default":
            continue
        words = wording.say_fact_value(name, value)
        meaning = FACTS[name].choice_meanings.get(value) if isinstance(value, str) else None
        words += f" — {meaning}" if meaning else ""
        words += f" ({origin['how']})" if origin["how"] else ""
        stated.append((FACTS[name].title, words))
    return Section("Your problem", (Entry(tuple(stated), "Everything else has its default."),))


def _is_quiet(document: Mapping[str, Any], slot: str) -> bool:
    """Tell whether a slot can be passed over in a brief explanation: off anyway, or without effect here."""
    return without_effect(document, slot) or is_off(document["decisions"][slot])


def _decisions(document: Mapping[str, Any], brief: bool) -> list[Section]:
    groups: dict[str, dict[tuple[str, ...], list[str]]] = {}
    quiet: dict[str, list[str]] = {}
    decisions = document["decisions"]
    for slot, decision in decisions.items():
        by_rule = groups.setdefault(decision["group"], {})
        if brief and _is_quiet(document, slot):
            if not without_effect(document, slot):
                quiet.setdefault(decision["group"], []).append(decision["title"])
        else:
            by_rule.setdefault((decision["rule"], *decision.get("further_rules", ())), []).append(slot)
    sections = []
    told: set[str] = set()
    for group, by_rule in groups.items():
        entries = [_shared(document, rules, slots, brief, told) for rules, slots in by_rule.items()]
        if group in quiet:
            entries.append(Entry((("Not needed", wording.say_list(quiet[group])),)))
        sections.append(Section(group, tuple(entries)))
    return sections


def _shared(
    document: Mapping[str, Any], rules: tuple[str, ...], slots: list[str], brief: bool, told: set[str]
) -> Entry:
    """Return the entry of the slots that one rule (or the same few rules) decided; each reason is told once."""
    decisions = document["decisions"]
    first = decisions[slots[0]]
    values = tuple((decisions[slot]["title"], wording.say_value(decisions[slot]["value"])) for slot in slots)
    notes = []
    for slot in slots:
        alternatives = decisions[slot]["alternatives"]
        if alternatives:
            words = " or ".join(map(wording.say_value, alternatives))
            notes.append(f"{decisions[slot]['title']}: {words} would do as well.")
    if not brief:
        for slot in slots:
            replaced = decisions[slot]["overrides"]
            if replaced:
                words = "; ".join(map(wording.say_overridden, replaced))
                notes.append(f"{decisions[slot]['title']}: this takes the place of {words}.")
    names = wording.say_list(rules)
    if rules[0] in told:
        return Entry(values, "", (*notes, f"By the rule {names}, as above."))
    told.add(rules[0])
    reason = wording.first_sentence(first["because"]) if brief else first["because"]
    say = wording.say_main_source if brief else wording.say_sources
    notes.append(f"{'Rule' if len(rules) == 1 else 'Rules'} {names}; {say(first['source'], document['works'])}.")
    return Entry(values, reason, tuple(notes))


def _requirements(document: Mapping[str, Any]) -> Section:
    found = document["requirements"]
    if not found:
        return Section(
            "Requirements", (Entry(reason="You stated none: nothing is checked beyond the quality itself."),)
        )
    return Section(
        "Requirements",
        tuple(
            Entry(
                ((each["name"].replace("_", " ").capitalize(), wording.say_comparison(each)),),
                f"Measured as: {each['measured_as']}.",
            )
            for each in found
        ),
    )


def _plan(document: Mapping[str, Any]) -> Section:
    steps = [step for step in document["plan"] if step["status"] != "not_needed"]
    return Section(
        "Plan",
        tuple(
            Entry(reason=step["does"] + ("" if step["status"] == "carried_out" else " [NOT CARRIED OUT YET]"))
            for step in steps
        ),
        is_numbered=True,
    )


def _estimate(document: Mapping[str, Any]) -> list[Section]:
    cost = document["estimate"]
    if cost is None:
        return []
    values = (
        ("Parameters", wording.say_value(cost["parameters"])),
        ("Size of the weights", f"{cost['bytes'] / 1000:,.1f} kB"),
        ("Multiply-adds a row", wording.say_value(cost["multiply_adds"])),
    )
    return [Section("Cost, counted before anything is built", (Entry(values, f"If {cost['assumes']}."),))]


def sources_section(document: Mapping[str, Any], cited: Iterable[str]) -> list[Section]:
    """Return the section that names the cited works of others, with links; none when there are no such works."""
    works = document["works"]
    named = sorted(
        (works[name]["short"], f"{works[name]['citation']}. {works[name]['link']}".strip())
        for name in set(cited)
        if name in works and works[name]["kind"] not in wording.OWN
    )
    return [Section("Sources", (Entry(tuple(named)),))] if named else []


def _warnings(document: Mapping[str, Any]) -> list[Section]:
    found = tuple(Entry(reason=each["message"]) for each in document["warnings"])
    return [Section("Worth knowing", found)] if found else []
