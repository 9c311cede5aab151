"""The trace says which rule won, on which facts, over whom, and why the others kept silent."""

from __future__ import annotations

from typing import Any

from advisor.inference import Decision, Reason, Trace, decide, trace

from .conftest import PLAIN, book

RULES = {
    "selu": {"when": "{task: binary}", "set": "{activation: selu, initializer: lecun}"},
    "sparse": {"when": "{sparse: true}", "defeats": "[selu]", "conclude": "{broken: true}"},
    "fast": {"layer": "top", "when": "{fast: true, broken: true}", "set": "{activation: relu}"},
    "same": {"layer": "top", "when": "{fast: true}", "set": "{initializer: he}"},
    "nested": {
        "layer": "top",
        "when": "{any: [{labeled_rows: {lt: few}}, {fast: true, all: [{sparse: true}]}]}",
        "set": "{units: 0}",
    },
    "slow": {"when": "{rows_per_parameter: {gt: 0}, decided.units: 0}", "set": "{pretraining: [reuse]}"},
    "more": {"when": "{sparse: true}", "set": "{pretraining: [auxiliary]}"},
}


def traced(rules: dict[str, dict[str, str]] = RULES, **facts: Any) -> Trace:
    rulebook = book(rules)
    given = {**PLAIN, **facts}
    return trace(rulebook, given, decide(rulebook, given))


def told(reasons: tuple[Reason, ...]) -> list[tuple[str, Any, str, str]]:
    return [(str(reason.condition), reason.value, reason.origin, reason.rule) for reason in reasons]


def ids(decision: Decision) -> tuple[Any, ...]:
    return (
        decision.rule.id if decision.rule else None,
        [rule.id for rule in decision.contributors],
        [(lost.rule.id, lost.value) for lost in decision.overrode],
        [(gone.rule.id, gone.value, [rule.id for rule in gone.by]) for gone in decision.defeated],
    )


def test_a_decision_names_its_rule_its_facts_and_what_it_overrode() -> None:
    decision = traced().decisions["activation"]
    assert (decision.name, decision.value) == ("activation", "selu")
    assert ids(decision) == ("selu", [], [("base", "elu")], [])
    assert told(decision.reasons) == [("task = binary", "binary", "input", "")]
    assert decision.reasons[0].fact == "task"


def test_a_decision_names_who_was_defeated_and_by_whom() -> None:
    found = traced(sparse=True)
    assert ids(found.decisions["activation"]) == ("base", [], [], [("selu", "selu", ["sparse"])])
    assert found.defeated == {"selu": ("sparse",)}
    assert traced(sparse=True, task="regression").defeated == {}


def test_a_reason_tells_where_its_fact_comes_from() -> None:
    found = traced(sparse=True, fast=True)
    assert told(found.decisions["activation"].reasons) == [
        ("fast = true", True, "input", ""),
        ("broken = true", True, "derived", "sparse"),
    ]
    assert ids(found.derived["broken"]) == ("sparse", [], [], [])
    assert found.derived["broken"].value is True
    assert ids(found.derived["mood"]) == (None, [], [], [])
    known = traced(sparse=True, fast=True, labeled_rows=9, features=1, outputs=1)
    assert told(known.reasons["slow"]) == [
        ("rows_per_parameter > 0", 9.0, "computed", ""),
        ("decided.units = 0", 0, "decided", "nested"),
    ]


def test_a_rule_of_the_same_opinion_overrides_nothing() -> None:
    found = traced(fast=True, sparse=True)
    assert ids(found.decisions["initializer"]) == ("same", ["base"], [], [("selu", "lecun", ["sparse"])])


def test_a_copied_value_is_told_as_what_it_was() -> None:
    rules = {
        "wish": {"when": "{hidden_layers: {not: null}}", "set": "{hidden_layers: {copy: hidden_layers}}"},
        "linear": {"layer": "top", "when": "{fast: true}", "set": "{hidden_layers: 0}"},
        "never": {"when": "{sparse: true}", "defeats": "[wish]"},
    }
    overridden = traced(rules, hidden_layers=7, fast=True).decisions["hidden_layers"]
    assert ids(overridden) == ("linear", [], [("wish", 7), ("base", 1)], [])
    defeated = traced(rules, hidden_layers=7, sparse=True).decisions["hidden_layers"]
    assert ids(defeated) == ("base", [], [], [("wish", 7, ["never"])])


def test_silent_rules_tell_which_comparisons_failed() -> None:
    found = traced(sparse=True)
    assert told(found.silent["fast"]) == [("fast = true", False, "input", "")]
    assert told(found.silent["same"]) == [("fast = true", False, "input", "")]
    assert told(found.silent["slow"]) == [
        ("rows_per_parameter > 0", None, "computed", ""),
        ("decided.units = 0", 1, "decided", "base"),
    ]
    assert "sparse" not in found.silent


def test_of_alternatives_only_those_that_matter_are_told() -> None:
    assert told(traced(labeled_rows=0).reasons["nested"]) == [("labeled_rows < 1 (few)", 0, "input", "")]
    assert told(traced(fast=True, sparse=True).reasons["nested"]) == [
        ("fast = true", True, "input", ""),
        ("sparse = true", True, "input", ""),
    ]
    assert told(traced(fast=True).silent["nested"]) == [
        ("labeled_rows < 1 (few)", None, "input", ""),
        ("sparse = true", False, "input", ""),
    ]


def test_a_collecting_slot_names_everybody_who_contributed() -> None:
    found = traced(sparse=True, fast=True, labeled_rows=9, features=1, outputs=1).decisions["pretraining"]
    assert found.value == ("reuse", "auxiliary")
    assert ids(found) == ("more", ["slow"], [], [])
    assert ids(traced().decisions["pretraining"]) == ("base", [], [], [])


def test_a_rulebook_with_a_single_rule_can_be_traced() -> None:
    found = traced({})
    assert [decision.rule.id for decision in found.decisions.values() if decision.rule] == ["base"] * 5
    assert list(found.decisions) == ["activation", "initializer", "hidden_layers", "units", "pretraining"]
    assert found.reasons == {"base": ()}
