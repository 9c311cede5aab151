"""Makes the whole document of a recommendation from an inference and its trace.

Which rules hold decides nearly everything in it; only facts and copied values differ between two problems for which
the same rules hold. So what follows from the rules that hold is worked out once and kept, and each document only fills
in the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from advisor.inference import Decision, Inference, Trace, trace
from advisor.knowledge import Rule, Rulebook, Work
from advisor.knowledge.conditions import Atom, atoms, holds
from advisor.problem.vocabulary import FACTS
from advisor.recommendation.cautions import cautions_of
from advisor.recommendation.cost import estimate
from advisor.recommendation.plan import plan_of
from advisor.recommendation.requirements import requirements_of

SCHEMA_VERSION = "1.0"

Document = dict[str, Any]
_DECIDED = "decided."
_MOST_OUTLINES = 4096


@dataclass(frozen=True, slots=True)
class _Outline:
    """What follows from the set of rules that hold, whatever the values are.

    Attributes:
        decisions: Slot, its deciding rule, and its decision without facts.
        copied: Places in decisions where another rule would have copied a fact: slot, position in overrides, fact.
        rules: Rule that holds, and its trace without facts and copied values.
        unconditional: Rules that hold whatever the facts are: nothing needs filling in for them.
        derived: Derived fact → the rule that concluded it, or None.
        withdrawn: Rules that were withdrawn: id, title, titles of the rules that did it.
        works: The cited works.
    """

    decisions: tuple[tuple[str, str, Document], ...]
    copied: tuple[tuple[str, int, str], ...]
    rules: tuple[tuple[str, Document], ...]
    unconditional: AbstractSet[str]
    derived: Mapping[str, str | None]
    withdrawn: tuple[tuple[str, str, str], ...]
    works: Mapping[str, Document]


@dataclass(frozen=True, slots=True)
class _Constants:
    """What is the same for every problem; shared, never changed.

    Attributes:
        rulebook: Name, version, title and digest.
        works: Cited work → citation and link.
        sources: Rule → its sources.
        reads: Rule → the facts that it reads, or None when that depends on their values (an ``any``).
        writes: Rule → what it sets and what it concludes; a copied fact's name stands in ``copies`` instead.
        copies: Rule → (0 sets or 1 concludes, target, copied fact).
        copied_slots: Slots to which some rule copies a fact.
        outlines: Which rules hold, and the values of those slots → what follows.
    """

    rulebook: Document
    works: Mapping[str, Document]
    sources: Mapping[str, list[Document]]
    reads: Mapping[str, tuple[str, ...] | None]
    writes: Mapping[str, tuple[Document, Document]]
    copies: Mapping[str, tuple[tuple[int, str, str], ...]]
    copied_slots: tuple[str, ...]
    outlines: dict[tuple[tuple[bool, ...], tuple[Any, ...]], _Outline]


_constants: WeakKeyDictionary[Rulebook, _Constants] = WeakKeyDictionary()
_GIVEN = {"origin": "given", "how": ""}
_DEFAULTS = {name: {"origin": "default", "how": fact.default_because} for name, fact in FACTS.items()}


def document_of(
    rulebook: Rulebook, inference: Inference, stated: AbstractSet[str], measured: Mapping[str, str]
) -> Document:
    """Return the whole recommendation as dictionaries and lists.

    Args:
        rulebook: The rulebook that decided.
        inference: What was decided.
        stated: Names of the facts that were stated.
        measured: Facts that were measured, and how.
    """
    constants = _constants.get(rulebook)
    if constants is None:
        constants = _constants[rulebook] = _constants_of(rulebook)
    # Whether a copied value takes another one's place depends on the value too, not only on the rules that hold.
    key = (inference.holds, tuple(inference.values[slot] for slot in constants.copied_slots))
    outline = constants.outlines.get(key)
    if outline is None:
        if len(constants.outlines) >= _MOST_OUTLINES:
            constants.outlines.clear()
        outline = constants.outlines[key] = _outline_of(rulebook, constants, inference)
    facts, values = inference.facts, inference.values
    everything = _everything(inference)
    read = _facts_read(rulebook, constants, outline, everything)
    fixed = outline.unconditional
    decisions = {
        slot: entry if rule in fixed else {**entry, "facts": read[rule]} for slot, rule, entry in outline.decisions
    }
    for slot, position, copied in outline.copied:
        overrides = [dict(each) for each in decisions[slot]["overrides"]]
        overrides[position]["value"] = _plain(everything[copied])
        decisions[slot] = {**decisions[slot], "overrides": overrides}
    plan = plan_of(facts, values)
    cost = estimate(facts, values)
    return {
        "schema_version": SCHEMA_VERSION,
        "problem": dict(facts),
        "rulebook": constants.rulebook,
        "decisions": decisions,
        "requirements": [each.as_dict() for each in requirements_of(facts, values)],
        "plan": [step.as_dict() for step in plan],
        "warnings": [each.as_dict() for each in cautions_of(facts, values, plan, cost, outline.withdrawn)],
        "estimate": cost.as_dict() if cost is not None else None,
        "trace": {
            "facts": _origins(stated, measured),
            "derived": {
                name: {
                    "value": _plain(inference.derived[name]),
                    "rule": rule,
                    "facts": read[rule] if rule is not None else {},
                }
                for name, rule in outline.derived.items()
            },
            "computed": {
                name: {
                    "value": value,
                    "unit": rulebook.computed[name].unit,
                    "facts": {each: _plain(everything[each]) for each in rulebook.computed[name].reads},
                }
                for name, value in inference.computed.items()
            },
            "rules": {
                rule: entry if rule in fixed else {**entry, "facts": read[rule], **_copied(constants, rule, everything)}
                for rule, entry in outline.rules
            },
        },
        "works": outline.works,
    }


def _everything(inference: Inference) -> dict[str, Any]:
    values: dict[str, Any] = {**inference.facts, **inference.derived, **inference.computed}
    for slot, value in inference.values.items():
        values[_DECIDED + slot] = value
    return values


def _constants_of(rulebook: Rulebook) -> _Constants:
    writes: dict[str, tuple[Document, Document]] = {}
    copies: dict[str, tuple[tuple[int, str, str], ...]] = {}
    for rule in rulebook.rules:
        parts = (rule.sets, rule.concludes)
        writes[rule.id] = (
            {each.target: _plain(each.value) for each in rule.sets},
            {each.target: _plain(each.value) for each in rule.concludes},
        )
        copies[rule.id] = tuple((kind, each.target, each.copy) for kind in (0, 1) for each in parts[kind] if each.copy)
    return _Constants(
        rulebook={
            "name": rulebook.name,
            "version": rulebook.version,
            "title": rulebook.title,
            "sha256": rulebook.sha256,
        },
        works={name: _citation(work) for name, work in rulebook.bibliography.items()},
        sources={rule.id: [{"work": each.work, "at": each.at} for each in rule.sources] for rule in rulebook.rules},
        reads={rule.id: _names_read(rule) for rule in rulebook.rules},
        writes=writes,
        copies=copies,
        copied_slots=tuple(sorted({each.target for rule in rulebook.rules for each in rule.sets if each.copy})),
        outlines={},
    )


def _names_read(rule: Rule) -> tuple[str, ...] | None:
    if not all(isinstance(part, Atom) for part in rule.when.parts):
        return None
    return tuple(dict.fromkeys(atom.fact for atom in atoms(rule.when)))


def _citation(work: Work) -> Document:
    first = work.authors[0]
    authors = first if len(work.authors) == 1 else f"{first} et al."
    surnames = first.rsplit(" ", 1)[-1] + (" et al." if len(work.authors) > 2 else "")
    if len(work.authors) == 2:
        surnames += " and " + work.authors[1].rsplit(" ", 1)[-1]
    return {
        "kind": work.kind,
        "short": work.name.upper() if work.kind == "book" else f"{surnames} {work.year}",
        "citation": f"{authors}, {work.title} ({work.year})",
        "link": work.link,
    }


def _plain(value: Any) -> Any:
    return list(value) if type(value) is tuple else value


def _facts_read(
    rulebook: Rulebook, constants: _Constants, outline: _Outline, everything: Mapping[str, Any]
) -> dict[str, Document]:
    """Return for each rule that holds the facts that make it hold."""
    found: dict[str, Document] = {rule: {} for rule in outline.unconditional}
    for rule, _ in outline.rules:
        if rule in outline.unconditional:
            continue
        names = constants.reads[rule]
        if names is None:
            names = tuple(_satisfied(rulebook.rule(rule).when, everything))
        found[rule] = {name: _plain(everything[name]) for name in names}
    return found


def _satisfied(condition: Any, everything: Mapping[str, Any]) -> dict[str, None]:
    """Return the facts in the parts of a condition that hold, in order."""
    if isinstance(condition, Atom):
        return {condition.fact: None} if condition.holds(everything[condition.fact]) else {}
    found: dict[str, None] = {}
    for part in condition.parts:
        if holds(part, everything):
            found.update(_satisfied(part, everything))
    return found


def _copied(constants: _Constants, rule: str, everything: Mapping[str, Any]) -> Document:
    """Return what a rule sets and concludes where it copies a fact; nothing for any other rule."""
    copied = constants.copies[rule]
    if not copied:
        return {}
    written = tuple(dict(each) for each in constants.writes[rule])
    for kind, target, name in copied:
        written[kind][target] = _plain(everything[name])
    return {"sets": written[0], "concludes": written[1]}


def _origins(stated: AbstractSet[str], measured: Mapping[str, str]) -> Document:
    origins: Document = dict(_DEFAULTS)
    for name in sorted(stated):
        origins[name] = _GIVEN
    for name, how in measured.items():
        origins[name] = {"origin": "measured", "how": how}
    return origins


def _outline_of(rulebook: Rulebook, constants: _Constants, inference: Inference) -> _Outline:
    reasons = trace(rulebook, inference.facts, inference)
    decisions: list[tuple[str, str, Document]] = []
    copied: list[tuple[str, int, str]] = []
    for slot, decision in reasons.decisions.items():
        rule, entry = _decision(rulebook, constants, decision)
        entry["value"] = _plain(inference.values[slot])
        decisions.append((slot, rule, entry))
        replaced = [each.rule.id for each in decision.overrode] + [each.rule.id for each in decision.defeated]
        for position, each in enumerate(replaced):
            written = rulebook.written(rulebook.positions[each], _DECIDED + slot)
            if written.copy:
                copied.append((slot, position, written.copy))
    told = {rule for _, rule, _ in decisions}
    cited = {each["work"] for rule in reasons.reasons for each in constants.sources[rule]}
    return _Outline(
        decisions=tuple(decisions),
        copied=tuple(copied),
        rules=tuple((rule, _rule(rulebook, constants, reasons, rule, rule in told)) for rule in reasons.reasons),
        unconditional=frozenset(
            rule for rule in reasons.reasons if constants.reads[rule] == () and not constants.copies[rule]
        ),
        derived={name: each.rule.id if each.rule is not None else None for name, each in reasons.derived.items()},
        withdrawn=tuple(
            (rule, rulebook.rule(rule).title, "”, “".join(rulebook.rule(each).title for each in by))
            for rule, by in reasons.defeated.items()
        ),
        works={name: work for name, work in constants.works.items() if name in cited},
    )


def _decision(rulebook: Rulebook, constants: _Constants, decision: Decision) -> tuple[str, Document]:
    slot = rulebook.slots[decision.name]
    winner = decision.rule
    if winner is None:
        raise AssertionError(f"no rule decides {decision.name}; the engine should have said so")
    rules = [winner]
    if slot.collect and decision.contributors:
        begins = rulebook.written(rulebook.positions[winner.id], _DECIDED + decision.name).value
        rules = [winner, *decision.contributors] if begins else list(decision.contributors)
    entry: Document = {
        "value": None,
        "rule": rules[0].id,
        "because": " ".join(rule.because.strip() for rule in rules),
        "source": [source for rule in rules for source in constants.sources[rule.id]],
        "overrides": _overrides(decision, winner),
        "alternatives": list(winner.alternatives.get(decision.name, ())),
        "title": slot.title,
        "group": rulebook.groups.get(slot.group, slot.group),
        "facts": {},
    }
    if len(rules) > 1:
        entry["further_rules"] = [rule.id for rule in rules[1:]]
    return rules[0].id, entry


def _overrides(decision: Decision, winner: Rule) -> list[Document]:
    rebutted = [
        {"rule": each.rule.id, "value": _plain(each.value), "how": "rebutted", "by": winner.id}
        for each in decision.overrode
    ]
    undercut = [
        {
            "rule": each.rule.id,
            "value": _plain(each.value),
            "how": "undercut",
            "by": ", ".join(defeater.id for defeater in each.by),
        }
        for each in decision.defeated
    ]
    return rebutted + undercut


def _rule(rulebook: Rulebook, constants: _Constants, reasons: Trace, rule_id: str, told: bool) -> Document:
    """Return what a rule did whose condition holds; reason and source only where no decision tells them."""
    rule = rulebook.rule(rule_id)
    by = reasons.defeated.get(rule_id, ())
    entry: Document = {
        "title": rule.title,
        "layer": rule.layer,
        "limits": rule.limits,
        "facts": {},
        "sets": constants.writes[rule_id][0],
        "concludes": constants.writes[rule_id][1],
        "defeats": list(rule.defeats),
        "status": "withdrawn" if by else "stands",
        "withdrawn_by": list(by),
    }
    if not told:
        entry["because"] = rule.because
        entry["source"] = constants.sources[rule_id]
    return entry
