"""Why a slot has its value: the rule, the facts that it read, and where each of them came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.errors import Finding, RequestError
from advisor.explanation import wording
from advisor.explanation.outline import Entry, Outline, Section, sources_section
from advisor.problem import FACTS
from advisor.problem.checking import suggestion
from advisor.recommendation import Recommendation


def outline_of_why(recommendation: Recommendation, slot: str) -> Outline:
    """Return the chain of reasons for one slot, down to the facts of the problem.

    Raises:
        RequestError: If nothing is decided about the slot.
    """
    document = recommendation.document
    decisions = document["decisions"]
    if slot not in decisions:
        message = f"nothing is decided about {slot!r}{suggestion(slot, decisions)}"
        raise RequestError(Finding("R101", slot, message, f"Decided are: {', '.join(decisions)}."))
    decision = decisions[slot]
    value = wording.say_value(decision["value"])
    sections = [Section("The rule", tuple(_rule(document, rule) for rule in _rules_of(decision)))]
    sections.append(Section("It applies because of these facts", tuple(_chain(document, decision))))
    replaced = tuple(Entry(reason=f"{wording.say_overridden(each)}.") for each in decision["overrides"])
    if replaced:
        sections.append(Section("It takes the place of", replaced))
    if decision["alternatives"]:
        words = " or ".join(map(wording.say_value, decision["alternatives"]))
        sections.append(Section("Alternatives", (Entry(reason=f"{words} would do as well, says the source."),)))
    cited = {each["work"] for rule in _rules_of(decision) for each in _sources(document, rule)}
    sections += sources_section(document, cited)
    return Outline(
        f"Why {slot} = {value}",
        f"{decision['title']}: {value}. {decision['because'].strip()}",
        tuple(sections),
    )


def why_data(recommendation: Recommendation, slot: str) -> dict[str, Any]:
    """Return the chain of reasons for one slot as data: each fact with its origin and the facts behind it."""
    document = recommendation.document
    decision = document["decisions"][slot]
    rules = _rules_of(decision)
    reads: dict[str, Any] = {}
    for rule in rules:
        reads.update(document["trace"]["rules"].get(rule, decision)["facts"])
    return {
        "slot": slot,
        "value": decision["value"],
        "rules": list(rules),
        "facts": [_fact_data(document, name, value) for name, value in reads.items()],
        "overrides": decision["overrides"],
        "alternatives": decision["alternatives"],
    }


def _fact_data(document: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    if name in FACTS:
        origin = document["trace"]["facts"].get(name, {"origin": "given", "how": ""})
        return {"fact": name, "value": value, "origin": origin["origin"], "how": origin["how"]}
    rules, facts = _reasons(document, name)
    origin = "decided" if name.startswith(wording.DECIDED) else "derived" if rules else "computed"
    below = [_fact_data(document, each, known) for each, known in facts.items()]
    return {"fact": name, "value": value, "origin": origin, "rules": list(rules), "facts": below}


def _rules_of(decision: Mapping[str, Any]) -> tuple[str, ...]:
    return (decision["rule"], *decision.get("further_rules", ()))


def _rule(document: Mapping[str, Any], rule: str) -> Entry:
    trace = document["trace"]["rules"].get(rule)
    if trace is None:
        return Entry(reason=f"{rule}.")
    notes = [f"Layer {trace['layer']}. Source: {wording.say_sources(_sources(document, rule), document['works'])}."]
    if trace["limits"]:
        notes.append(f"Limits: {trace['limits'].strip()}")
    if trace["defeats"]:
        notes.append(f"It withdraws: {', '.join(trace['defeats'])}.")
    return Entry(reason=f"{rule}: {trace['title']}.", notes=tuple(notes))


def _sources(document: Mapping[str, Any], rule: str) -> list[Mapping[str, str]]:
    """Return a rule's sources, which a decision of it tells, or else its trace."""
    trace = document["trace"]["rules"].get(rule, {"source": []})
    told = next((each for each in document["decisions"].values() if each["rule"] == rule), trace)
    return list(told["source"])


def _chain(document: Mapping[str, Any], decision: Mapping[str, Any]) -> Iterator[Entry]:
    told: set[str] = set()
    reads = [document["trace"]["rules"].get(rule, decision)["facts"] for rule in _rules_of(decision)]
    if not any(reads):
        yield Entry(reason="It always applies; nothing that outranks it did.")
    for facts in reads:
        for name, value in facts.items():
            yield from _fact(document, name, value, 0, told)


def _fact(document: Mapping[str, Any], name: str, value: Any, depth: int, told: set[str]) -> Iterator[Entry]:
    titles = {slot: decision["title"] for slot, decision in document["decisions"].items()}
    said = wording.say_fact(name, value, titles)
    if name in told:
        yield Entry(reason=f"{said} (see above).", depth=depth)
        return
    told.add(name)
    trace = document["trace"]
    if name in FACTS:
        yield Entry(reason=f"{said} ({_origin(trace['facts'].get(name), name)}).", depth=depth)
        return
    rules, facts = _reasons(document, name)
    yield Entry(reason=f"{said} ({_how_concluded(trace, rules)}).", depth=depth)
    for each, known in facts.items():
        yield from _fact(document, each, known, depth + 1, told)


def _how_concluded(trace: Mapping[str, Any], rules: tuple[str, ...]) -> str:
    if not rules:
        return "worked out from the facts below"
    told = [f"{rule}: {trace['rules'][rule]['title']}" if rule in trace["rules"] else rule for rule in rules]
    return f"by {'; '.join(told)}"


def _reasons(document: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Return the rules behind a concluded, computed or decided name, and the facts that were read for it."""
    if name.startswith(wording.DECIDED):
        decision = document["decisions"].get(name.removeprefix(wording.DECIDED), {"rule": "", "facts": {}})
        return _rules_of(decision), decision["facts"]
    trace = document["trace"]
    if name in trace["computed"]:
        return (), trace["computed"][name]["facts"]
    conclusion = trace["derived"].get(name, {"rule": None, "facts": {}})
    return ((conclusion["rule"],) if conclusion["rule"] else ()), conclusion["facts"]


def _origin(origin: Mapping[str, str] | None, name: str) -> str:
    if origin is None or origin["origin"] == "given":
        return "you said so"
    if origin["origin"] == "measured":
        return origin["how"] or "measured on the data"
    return f"the default, because {FACTS[name].default_because}"
