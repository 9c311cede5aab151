"""What was given up: which wishes pulled against each other, which of them won, and what each costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.explanation import wording
from advisor.explanation.differing import differences
from advisor.explanation.grounds import Grounds
from advisor.explanation.outline import Entry, Outline, Section, Table
from advisor.explanation.voice import Voice, counted
from advisor.problem import FACTS
from advisor.recommendation import Recommendation

_TENSIONS = ("W102", "W103", "W104", "W105", "W106", "W107", "W108")
_MOST_SHOWN = 6
WISHES = (
    "target_range",
    "outliers",
    "hidden_layers",
    "units",
    "pretrained_model_available",
    "sparsity",
    "sparsity_target",
    "sparsity_pattern",
    "latency_importance",
    "latency_budget_ms",
    "size_budget_kb",
    "target_device",
    "risk_sensitive",
    "preferred_optimizer",
    "preferred_schedule",
    "overfitting_observed",
)
"""Facts that ask for something; the others describe the data."""


def given_up_outline(grounds: Grounds, recommendation: Recommendation) -> tuple[Outline, dict[str, Any]]:
    """Return what was given up, for people and as data.

    Args:
        grounds: What the recommendation rests on.
        recommendation: The recommendation.
    """
    document = recommendation.document
    voice = Voice(grounds.rulebook)
    conflicts = [*_withdrawn(document, voice), *_outranked(document, voice)]
    tensions = [each for each in document["warnings"] if each["code"] in _TENSIONS]
    prices = list(_prices(grounds, document))
    sections = []
    if conflicts:
        sections.append(Section("What lost, and to what", tuple(_entry(each) for each in conflicts)))
    if tensions:
        told = tuple(Entry(reason=each["message"]) for each in tensions)
        sections.append(Section("What pulls against what", told))
    if prices:
        rows = tuple((each["title"], each["value"], _price(each)) for each in prices)
        columns = ("Wish", "As stated", "Without it")
        sections.append(Section("What each wish changes", table=Table(columns, rows)))
    data = {"conflicts": conflicts, "tensions": tensions, "prices": prices}
    return Outline("What was given up", _summary(conflicts, tensions, prices), tuple(sections)), data


def _summary(conflicts: list[dict[str, Any]], tensions: list[Any], prices: list[dict[str, Any]]) -> str:
    if not conflicts and not tensions:
        return "Nothing: no wish pulled against another one."
    words = []
    if conflicts:
        words.append(f"{counted(len(conflicts), 'piece of advice', 'pieces of advice')} gave way to another")
    if tensions:
        words.append(f"{counted(len(tensions), 'pair of aims pulls', 'pairs of aims pull')} apart")
    ending = " The table says what would be advised without each wish." if prices else ""
    return f"{wording.say_list(words)}.{ending}"


def _entry(conflict: Mapping[str, Any]) -> Entry:
    notes = [f"It spoke for: {'; '.join(conflict['spoke_for'])}."] if conflict["spoke_for"] else []
    notes += [f"It lost to {each['rule']}: {each['title']}{_since(each)}." for each in conflict["lost_to"]]
    if conflict["limits"]:
        notes.append(f"What to watch: {conflict['limits']}")
    differing = [each for each in conflict["slots"] if each["would"] != each["is"]]
    gone = "; ".join(f"{each['title']} {each['would']} instead of {each['is']}" for each in differing)
    means = "was withdrawn as a whole" if conflict["how"] == "withdrawn" else "was outranked"
    would = f"It would have given: {gone or 'the same values'}."
    return Entry(reason=f"“{conflict['title']}” {means}. {would}", notes=tuple(notes))


def _since(winner: Mapping[str, Any]) -> str:
    return f", because of {'; '.join(winner['because_of'])}" if winner["because_of"] else ""


def _withdrawn(document: Mapping[str, Any], voice: Voice) -> Iterator[dict[str, Any]]:
    rules = document["trace"]["rules"]
    for rule, each in rules.items():
        if each["status"] == "withdrawn":
            yield _conflict(document, voice, rule, "withdrawn", each["withdrawn_by"], each["sets"])


def _outranked(document: Mapping[str, Any], voice: Voice) -> Iterator[dict[str, Any]]:
    """Yield the rules that were asked for by facts and lost slots to rules that were asked for by facts too."""
    rules = document["trace"]["rules"]
    lost: dict[str, dict[str, Any]] = {}
    by: dict[str, dict[str, None]] = {}
    for slot, decision in document["decisions"].items():
        for each in decision["overrides"]:
            loser, winner = rules[each["rule"]], rules[each["by"].split(", ")[0]]
            if each["how"] == "rebutted" and loser["facts"] and _is_wished(document, winner["facts"]):
                lost.setdefault(each["rule"], {})[slot] = each["value"]
                by.setdefault(each["rule"], {})[each["by"]] = None
    for rule, slots in lost.items():
        yield _conflict(document, voice, rule, "outranked", list(by[rule]), slots)


def _is_wished(document: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Tell whether facts come from a wish, through whatever was concluded on the way."""
    if any(name in WISHES for name in facts):
        return True
    trace, decisions = document["trace"], document["decisions"]
    reads = (
        decisions[name.removeprefix(wording.DECIDED)]["facts"]
        if name.startswith(wording.DECIDED)
        else {**trace["derived"], **trace["computed"]}.get(name, {"facts": {}})["facts"]
        for name in facts
    )
    return any(_is_wished(document, each) for each in reads)


def _conflict(
    document: Mapping[str, Any], voice: Voice, rule: str, how: str, by: list[str], sets: Mapping[str, Any]
) -> dict[str, Any]:
    rules, decisions = document["trace"]["rules"], document["decisions"]
    winners = [
        {"rule": each, "title": rules[each]["title"], "because_of": _said(voice, rules[each]["facts"])} for each in by
    ]
    return {
        "rule": rule,
        "title": rules[rule]["title"],
        "how": how,
        "spoke_for": _said(voice, rules[rule]["facts"]),
        "lost_to": winners,
        "limits": " ".join(rules[by[0]]["limits"].split()),
        "slots": [
            {
                "slot": slot,
                "title": decisions[slot]["title"],
                "would": wording.say_value(value),
                "is": wording.say_value(decisions[slot]["value"]),
            }
            for slot, value in sets.items()
        ],
    }


def _said(voice: Voice, facts: Mapping[str, Any]) -> list[str]:
    return [voice.fact(name, value) for name, value in facts.items()]


def _prices(grounds: Grounds, document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield for each stated wish what would be advised without it."""
    for name in WISHES:
        value = grounds.facts[name]
        if name not in grounds.stated or value == FACTS[name].default:
            continue
        changed = differences(document, grounds.without(name).document)
        yield {
            "fact": name,
            "title": FACTS[name].title,
            "value": wording.say_fact_value(name, value),
            "decisions": [
                {"slot": each["name"], "title": changed["titles"][each["name"]], "then": each["after"]}
                for each in changed["decisions"]
            ],
        }


def _price(each: Mapping[str, Any]) -> str:
    changes = [f"{change['title']}: {wording.say_value(change['then'])}" for change in each["decisions"]]
    if not changes:
        return "nothing changes"
    shown = changes[:_MOST_SHOWN]
    more = len(changes) - len(shown)
    return "; ".join(shown) + (f"; and {counted(more, 'further change', 'further changes')}" if more else "")
