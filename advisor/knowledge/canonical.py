"""The content of a rulebook as plain data, and its digest: comments, layout and order don't count."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from advisor.knowledge.conditions import AllOf, Atom, Condition

if TYPE_CHECKING:
    from advisor.knowledge.domains import Domain
    from advisor.knowledge.rulebook import Assignment, Case, Rule, Rulebook, Source


def digest(rulebook: Rulebook) -> str:
    """Return the SHA-256 of a rulebook's content as a hexadecimal text."""
    text = json.dumps(content(rulebook), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def content(rulebook: Rulebook) -> dict[str, Any]:
    """Return everything that a rulebook says, as JSON-ready data without places."""
    return {
        "rulebook": rulebook.name,
        "version": rulebook.version,
        "title": rulebook.title,
        "about": rulebook.about,
        "layers": list(rulebook.layers.items()),
        "groups": list(rulebook.groups.items()),
        "parameters": {
            each.name: [each.value, each.unit, each.meaning, each.because, _sources(each.sources)]
            for each in rulebook.parameters.values()
        },
        "derived": {
            each.name: [_domain(each.domain), each.meaning, dict(each.choice_meanings), each.otherwise]
            for each in rulebook.derived.values()
        },
        "computed": {each.name: [each.unit, each.meaning, each.reads] for each in rulebook.computed.values()},
        "slots": [
            [
                each.name,
                each.title,
                each.group,
                _domain(each.domain),
                each.meaning,
                dict(each.choice_meanings),
                each.collect,
            ]
            for each in rulebook.slots.values()
        ],
        "rules": {rule.id: _rule(rule) for rule in rulebook.rules},
        "works": {
            work.name: [work.kind, work.authors, work.title, work.year, work.published, work.link]
            for work in rulebook.bibliography.values()
        },
    }


def _domain(domain: Domain) -> list[Any]:
    return [domain.kind, domain.choices, domain.nullable, domain.is_list, domain.minimum, domain.maximum]


def _sources(sources: tuple[Source, ...]) -> list[list[str]]:
    return [[source.work, source.at] for source in sources]


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "title": rule.title,
        "layer": rule.layer,
        "when": _condition(rule.when),
        "set": {each.target: _assignment(each) for each in rule.sets},
        "conclude": {each.target: _assignment(each) for each in rule.concludes},
        "defeats": sorted(rule.defeats),
        "alternatives": dict(rule.alternatives),
        "because": rule.because,
        "source": _sources(rule.sources),
        "limits": rule.limits,
        "cases": [_case(case) for case in rule.cases],
    }


def _condition(condition: Condition) -> Any:
    if isinstance(condition, Atom):
        return [condition.fact, condition.operator, condition.values, condition.parameters]
    parts = [_condition(part) for part in condition.parts]
    return ["all" if isinstance(condition, AllOf) else "any", sorted(parts, key=json.dumps)]


def _assignment(assignment: Assignment) -> list[Any]:
    return [assignment.value, assignment.copy, assignment.parameters]


def _case(case: Case) -> list[Any]:
    return [case.name, dict(case.given), dict(case.expect)]
