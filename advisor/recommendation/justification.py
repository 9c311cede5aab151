"""Makes the whole document of a recommendation from an inference and its trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from advisor.inference import Decision, Inference, Trace, trace
from advisor.knowledge import Rule, Rulebook, Source, Work
from advisor.problem import FACTS, Problem
from advisor.recommendation.cautions import cautions_of
from advisor.recommendation.cost import estimate
from advisor.recommendation.plan import plan_of
from advisor.recommendation.requirements import requirements_of

SCHEMA_VERSION = "1.0"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Constants:
    """What is the same in every document of a rulebook; shared, never changed."""

    rulebook: Document
    sources: Mapping[str, list[dict[str, str]]]
    defeats: Mapping[str, list[str]]
    reads: Mapping[str, tuple[str, ...]]


_constants: WeakKeyDictionary[Rulebook, _Constants] = WeakKeyDictionary()
_GIVEN = {"origin": "given", "how": ""}
_DEFAULTS = {name: {"origin": "default", "how": fact.default_because} for name, fact in FACTS.items()}


def document_of(rulebook: Rulebook, problem: Problem, inference: Inference, measured: Mapping[str, str]) -> Document:
    """Return the whole recommendation as dictionaries and lists.

    Args:
        rulebook: The rulebook that decided.
        problem: The problem.
        inference: What was decided.
        measured: Facts that were measured, and how.
    """
    constants = _constants.get(rulebook)
    if constants is None:
        constants = _constants[rulebook] = _constants_of(rulebook)
    facts, values = inference.facts, inference.values
    reasons = trace(rulebook, facts, inference)
    read = {rule: {reason.fact: _plain(reason.value) for reason in found} for rule, found in reasons.reasons.items()}
    plan = plan_of(facts, values)
    cost = estimate(facts, values)
    withdrawn = [
        (rule, rulebook.rule(rule).title, "”, “".join(rulebook.rule(each).title for each in by))
        for rule, by in reasons.defeated.items()
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "problem": dict(facts),
        "rulebook": constants.rulebook,
        "decisions": {
            slot: _decision(rulebook, constants, decision, read) for slot, decision in reasons.decisions.items()
        },
        "requirements": [each.as_dict() for each in requirements_of(facts, values)],
        "plan": [step.as_dict() for step in plan],
        "warnings": [each.as_dict() for each in cautions_of(facts, values, plan, cost, withdrawn)],
        "estimate": cost.as_dict() if cost is not None else None,
        "trace": {
            "facts": _origins(problem, measured),
            "derived": {name: _conclusion(decision, read) for name, decision in reasons.derived.items()},
            "computed": {
                name: {
                    "value": value,
                    "unit": rulebook.computed[name].unit,
                    "facts": {each: _read(each, facts, values) for each in constants.reads[name]},
                }
                for name, value in inference.computed.items()
            },
            "rules": _rules(rulebook, constants, inference, reasons, read),
        },
    }


def _constants_of(rulebook: Rulebook) -> _Constants:
    return _Constants(
        {"name": rulebook.name, "version": rulebook.version, "title": rulebook.title, "sha256": rulebook.sha256},
        {rule.id: [_source(each, rulebook.bibliography) for each in rule.sources] for rule in rulebook.rules},
        {rule.id: list(rule.defeats) for rule in rulebook.rules},
        {name: each.reads for name, each in rulebook.computed.items()},
    )


def _source(source: Source, works: Mapping[str, Work]) -> dict[str, str]:
    work = works[source.work]
    authors = work.authors[0] if len(work.authors) == 1 else f"{work.authors[0]} et al."
    return {
        "work": source.work,
        "at": source.at,
        "citation": f"{authors}, {work.title} ({work.year})",
        "link": work.link,
    }


def _plain(value: Any) -> Any:
    return list(value) if type(value) is tuple else value


def _read(name: str, facts: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    slot = name.removeprefix("decided.")
    return _plain(values[slot] if slot != name else facts[name])


def _origins(problem: Problem, measured: Mapping[str, str]) -> dict[str, dict[str, str]]:
    given = problem.model_fields_set
    origins = {name: _GIVEN if name in given else origin for name, origin in _DEFAULTS.items()}
    for name, how in measured.items():
        origins[name] = {"origin": "measured", "how": how}
    return origins


def _decision(
    rulebook: Rulebook, constants: _Constants, decision: Decision, read: Mapping[str, Mapping[str, Any]]
) -> Document:
    slot = rulebook.slots[decision.name]
    rule = decision.rule
    if rule is None:  # the engine raises for a slot that no rule decides
        raise AssertionError(f"no rule decides {decision.name}")
    because, sources = rule.because, constants.sources[rule.id]
    further: list[str] = []
    alternatives = rule.alternatives.get(decision.name, ())
    if slot.collect and decision.contributors:
        rule, *others = _contributors(rulebook, decision, rule)
        because = " ".join(each.because.strip() for each in (rule, *others))
        sources = [source for each in (rule, *others) for source in constants.sources[each.id]]
        further = [each.id for each in others]
    found = {
        "value": _plain(decision.value),
        "rule": rule.id,
        "because": because,
        "source": sources,
        "overrides": _overrides(decision, rule),
        "alternatives": list(alternatives),
        "title": slot.title,
        "group": rulebook.groups.get(slot.group, slot.group),
        "facts": read[rule.id],
    }
    if further:
        found["further_rules"] = further
    return found


def _contributors(rulebook: Rulebook, decision: Decision, winner: Rule) -> list[Rule]:
    """Return the rules that put something into a list; the rule that only begins an empty list is none of them."""
    begins = rulebook.written(rulebook.positions[winner.id], "decided." + decision.name).value
    return [winner, *decision.contributors] if begins else list(decision.contributors)


def _overrides(decision: Decision, winner: Rule) -> list[Document]:
    if not decision.overrode and not decision.defeated:
        return []
    return [
        {"rule": each.rule.id, "value": _plain(each.value), "how": "rebutted", "by": winner.id}
        for each in decision.overrode
    ] + [
        {
            "rule": each.rule.id,
            "value": _plain(each.value),
            "how": "undercut",
            "by": ", ".join(defeater.id for defeater in each.by),
        }
        for each in decision.defeated
    ]


def _conclusion(decision: Decision, read: Mapping[str, Mapping[str, Any]]) -> Document:
    rule = decision.rule.id if decision.rule is not None else None
    return {"value": _plain(decision.value), "rule": rule, "facts": read[rule] if rule is not None else {}}


def _rules(
    rulebook: Rulebook,
    constants: _Constants,
    inference: Inference,
    reasons: Trace,
    read: Mapping[str, Mapping[str, Any]],
) -> Document:
    values: dict[str, Any] = {**inference.facts, **inference.derived, **inference.computed}
    values.update({"decided." + slot: value for slot, value in inference.values.items()})
    found: Document = {}
    for rule_id, facts in read.items():
        rule = rulebook.rule(rule_id)
        by = reasons.defeated.get(rule_id, ())
        found[rule_id] = {
            "title": rule.title,
            "layer": rule.layer,
            "because": rule.because,
            "source": constants.sources[rule_id],
            "limits": rule.limits,
            "facts": facts,
            "sets": {each.target: _plain(values[each.copy] if each.copy else each.value) for each in rule.sets},
            "concludes": {
                each.target: _plain(values[each.copy] if each.copy else each.value) for each in rule.concludes
            },
            "defeats": constants.defeats[rule_id],
            "status": "withdrawn" if by else "stands",
            "withdrawn_by": list(by),
        }
    return found
