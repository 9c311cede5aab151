"""Cases are replayed; a case that fails says what came out instead."""

from __future__ import annotations

from advisor.inference import complete_facts, run_cornerstones

from .conftest import PLAIN, book


def messages(rules: dict[str, dict[str, str]], base: dict[str, str] | None = None) -> list[str]:
    return [finding.message for result in run_cornerstones(book(rules, base=base)) for finding in result.findings]


FAST = {"when": "{fast: true}", "set": "{activation: relu}"}
GOOD = "{given: {task: binary, fast: true}, expect: {activation: relu, broken: false}}"


def test_cases_that_come_out_pass() -> None:
    rules = {"fast": {**FAST, "cornerstone": GOOD, "contrast": "{given: {task: binary}, expect: {activation: elu}}"}}
    results = run_cornerstones(book(rules))
    assert [(result.rule.id, result.case.name, result.passed) for result in results] == [
        ("base", "cornerstone", True),
        ("fast", "cornerstone", True),
        ("fast", "contrast", True),
    ]


def test_a_case_that_comes_out_otherwise_says_how() -> None:
    wrong = "{given: {task: binary, fast: true}, expect: {activation: selu, pretraining: [reuse]}}"
    rules = {"fast": {**FAST, "cornerstone": GOOD, "examples": f"[{wrong}]"}}
    assert messages(rules) == [
        "example 1 of rule 'fast' fails: 'activation' is relu, expected selu",
        "example 1 of rule 'fast' fails: 'pretraining' is [], expected [reuse]",
    ]
    (result,) = [each for each in run_cornerstones(book(rules)) if not each.passed]
    assert {(finding.code, finding.place) for finding in result.findings} == {("K130", str(result.case.place))}


def test_a_cornerstone_must_be_a_problem_that_its_rule_is_for() -> None:
    assert messages({"fast": FAST}) == ["cornerstone of rule 'fast' fails: the rule doesn't hold there"]


def test_a_contrast_must_be_a_problem_that_its_rule_is_not_for() -> None:
    assert messages({"fast": {**FAST, "cornerstone": GOOD, "contrast": GOOD}}) == [
        "contrast of rule 'fast' fails: the rule holds there"
    ]
    base = {"set": "{activation: elu, initializer: he, hidden_layers: 1, units: 1, pretraining: []}", "contrast": GOOD}
    assert messages({"fast": {**FAST, "cornerstone": GOOD}}, base) == []


def test_a_case_without_a_decision_fails() -> None:
    base = {"set": "{activation: elu, initializer: he, hidden_layers: 1, pretraining: []}"}
    assert messages({}, base) == ["cornerstone of rule 'base': no rule of small gives 'units' a value"]


def test_given_facts_are_completed_with_defaults_or_as_asked() -> None:
    rulebook = book({"fast": {**FAST, "cornerstone": GOOD}})
    assert complete_facts(rulebook, {"task": "binary"}) == PLAIN
    results = run_cornerstones(rulebook, lambda given: {**PLAIN, **given, "fast": False})
    assert [result.passed for result in results] == [True, False]
