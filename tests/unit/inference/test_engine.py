"""Layers rebut, defeats undercut, what was overridden comes back, and unknown stays unknown."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from advisor.errors import InferenceError, RuleFileError
from advisor.inference import Inference, Quantity, compile_rulebook, compiled, decide, standing_rules
from advisor.inference.quantities import rows_per_parameter

from .conftest import DECLARATIONS, PLAIN, book


def values(rules: dict[str, dict[str, str]], **facts: Any) -> dict[str, Any]:
    return decide(book(rules), {**PLAIN, **facts}).values


SELU = {"when": "{task: binary}", "set": "{activation: selu, initializer: lecun}"}
SPARSE = {"when": "{sparse: true}", "defeats": "[selu]"}


def test_the_base_decides_when_nothing_else_does() -> None:
    assert values({}) == {"activation": "elu", "initializer": "he", "hidden_layers": 1, "units": 1, "pretraining": ()}


def test_a_higher_layer_wins_slot_by_slot() -> None:
    found = values(
        {"selu": SELU, "fast": {"layer": "top", "when": "{fast: true}", "set": "{activation: relu}"}}, fast=True
    )
    assert (found["activation"], found["initializer"]) == ("relu", "lecun")


def test_a_defeated_rule_is_withdrawn_whole_and_what_it_overrode_comes_back() -> None:
    found = values({"selu": SELU, "sparse": SPARSE}, sparse=True)
    assert (found["activation"], found["initializer"]) == ("elu", "he")
    assert values({"selu": SELU, "sparse": SPARSE})["activation"] == "selu"


def test_a_defeated_defeater_defeats_nothing() -> None:
    rules = {"selu": SELU, "sparse": SPARSE, "rescue": {"when": "{fast: true}", "defeats": "[sparse]"}}
    assert values(rules, sparse=True)["activation"] == "elu"
    assert values(rules, sparse=True, fast=True)["activation"] == "selu"


def test_one_standing_defeater_is_enough() -> None:
    rules = {
        "selu": SELU,
        "one": {"when": "{sparse: true}", "defeats": "[selu]"},
        "two": {"when": "{fast: true}", "defeats": "[selu]"},
        "rescue": {"when": "{labeled_rows: 0}", "defeats": "[one]"},
    }
    assert values(rules, sparse=True, fast=True, labeled_rows=0)["activation"] == "elu"
    assert values(rules, sparse=True, labeled_rows=0)["activation"] == "selu"


def test_a_rule_of_a_low_layer_may_defeat_one_of_a_high_layer() -> None:
    rules = {"top": {"layer": "top", "set": "{activation: relu}"}, "low": {"when": "{fast: true}", "defeats": "[top]"}}
    assert values(rules, fast=True)["activation"] == "elu"


def test_a_defeated_rule_concludes_nothing() -> None:
    rules = {
        "a": {"when": "{sparse: true}", "conclude": "{broken: true, mood: bad}"},
        "b": {"when": "{fast: true}", "defeats": "[a]"},
        "c": {"when": "{broken: true}", "set": "{activation: relu}"},
    }
    one = decide(book(rules), {**PLAIN, "sparse": True})
    assert (one.values["activation"], one.derived) == ("relu", {"broken": True, "mood": "bad"})
    other = decide(book(rules), {**PLAIN, "sparse": True, "fast": True})
    assert (other.values["activation"], other.derived) == ("elu", {"broken": False, "mood": None})


def test_what_nobody_concluded_can_be_asked_for() -> None:
    rules = {
        "a": {"when": "{sparse: true}", "conclude": "{mood: good}"},
        "b": {"when": "{mood: null}", "set": "{units: 0}"},
    }
    assert values(rules)["units"] == 0
    assert values(rules, sparse=True)["units"] == 1


def test_a_fact_is_copied() -> None:
    rules = {
        "wish": {"when": "{hidden_layers: {not: null}}", "set": "{hidden_layers: {copy: hidden_layers}}"},
        "units": {"set": "{units: {copy: decided.hidden_layers}}"},
    }
    assert values(rules, hidden_layers=7)["hidden_layers"] == 7
    assert values(rules, hidden_layers=7)["units"] == 7
    assert values(rules)["hidden_layers"] == 1


@pytest.mark.parametrize("operator", ["lt", "le", "gt", "ge"])
def test_unknown_numbers_satisfy_no_comparison(operator: str) -> None:
    rules = {"a": {"when": f"{{labeled_rows: {{{operator}: few}}}}", "set": "{units: 0}"}}
    assert values(rules, labeled_rows=None)["units"] == 1
    assert values(rules, labeled_rows={"lt": 0, "le": 1, "gt": 2, "ge": 1}[operator])["units"] == 0


@pytest.mark.parametrize(
    ("condition", "rows", "holds"),
    [
        ("{not: null}", None, False),
        ("{not: null}", 3, True),
        ("{not: 1}", None, True),
        ("{not: [0, 1]}", 1, False),
        ("[0, null]", None, True),
    ],
)
def test_unknown_is_a_value_for_equality(condition: str, rows: int | None, holds: bool) -> None:
    rules = {"a": {"when": f"{{labeled_rows: {condition}}}", "set": "{units: 0}"}}
    assert (values(rules, labeled_rows=rows)["units"] == 0) is holds


def test_computed_numbers_are_computed_from_decided_slots() -> None:
    rules = {
        "starved": {"when": "{rows_per_parameter: {lt: few}}", "set": "{activation: relu}"},
        "deep": {"when": "{fast: true}", "set": "{units: {parameter: few}}"},
    }
    known = {"labeled_rows": 2, "features": 1, "outputs": 1}
    inference = decide(book(rules), {**PLAIN, **known})
    assert inference.computed == {"rows_per_parameter": 0.5}
    assert inference.values["activation"] == "relu"
    unknown = decide(book(rules), PLAIN)
    assert unknown.computed == {"rows_per_parameter": None}
    assert unknown.values["activation"] == "elu"


@pytest.mark.parametrize(
    ("rows", "layers", "expected"), [(None, 1, None), (100, 0, 100 / 9), (100, 1, 100 / 101), (100, 2, 100 / 211)]
)
def test_rows_per_parameter_counts_weights_and_biases(rows: int | None, layers: int, expected: float | None) -> None:
    assert rows_per_parameter(rows, 8, 1, layers, 10) == expected
    assert rows_per_parameter(100, None, 1, layers, 10) is None
    assert rows_per_parameter(100, 8, None, layers, 10) is None


COLLECTING = {
    "reuse": {"when": "{sparse: true}", "set": "{pretraining: [reuse]}"},
    "auxiliary": {"layer": "top", "when": "{fast: true}", "set": "{pretraining: [auxiliary]}"},
    "both": {"when": "{labeled_rows: 0}", "set": "{pretraining: [auxiliary, unsupervised]}"},
}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ()),
        ({"sparse": True}, ("reuse",)),
        ({"fast": True, "sparse": True}, ("reuse", "auxiliary")),
        ({"fast": True, "labeled_rows": 0}, ("unsupervised", "auxiliary")),
    ],
)
def test_a_collecting_slot_unites_what_standing_rules_contribute(
    facts: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert values(COLLECTING, **facts)["pretraining"] == expected


NO_PRETRAINING = {"set": "{activation: elu, initializer: he, hidden_layers: 1, units: 1}"}


def test_a_collecting_slot_without_a_standing_rule_is_undecided() -> None:
    rulebook = book(COLLECTING, base=NO_PRETRAINING)
    assert decide(rulebook, {**PLAIN, "sparse": True}).values["pretraining"] == ("reuse",)
    with pytest.raises(InferenceError, match="I101 no rule of small gives 'pretraining' a value"):
        decide(rulebook, PLAIN)
    with pytest.raises(InferenceError, match="pretraining"):
        decide(book({}, base=NO_PRETRAINING), PLAIN)


def test_a_list_can_be_tested_for_being_empty() -> None:
    rules = {**COLLECTING, "a": {"when": "{decided.pretraining: {not: []}}", "set": "{units: 0}"}}
    assert values(rules)["units"] == 1
    assert values(rules, sparse=True)["units"] == 0


def test_every_slot_without_a_value_is_named() -> None:
    rulebook = book(
        {"a": {"when": "{sparse: true}", "set": "{activation: relu}"}}, base={"set": "{units: 1, pretraining: []}"}
    )
    with pytest.raises(InferenceError) as caught:
        decide(rulebook, PLAIN)
    assert [finding.place for finding in caught.value.findings] == ["activation", "initializer", "hidden_layers"]
    assert "task: 'binary'" in caught.value.findings[0].hint


def test_rules_that_read_an_undecided_number_do_not_stumble_over_it() -> None:
    rules = {
        "a": {"when": "{decided.hidden_layers: {ge: few}}", "set": "{activation: relu}"},
        "b": {"when": "{rows_per_parameter: {lt: few}}", "set": "{initializer: lecun}"},
        "c": {"when": "{fast: true}", "set": "{hidden_layers: 1}"},
    }
    base = {"set": "{activation: elu, initializer: he, units: 1, pretraining: []}"}
    rulebook = book(rules, base=base)
    facts = {**PLAIN, "labeled_rows": 9, "features": 9, "outputs": 9}
    with pytest.raises(InferenceError, match="'hidden_layers'"):
        decide(rulebook, facts)
    assert decide(rulebook, {**facts, "fast": True}).values["initializer"] == "lecun"


def test_a_missing_fact_is_named() -> None:
    rulebook = book({"a": {"when": "{sparse: true}", "set": "{units: 0}"}})
    with pytest.raises(InferenceError, match="I102 the fact 'sparse' is missing"):
        decide(rulebook, {"task": "binary", "labeled_rows": None, "features": None, "outputs": None})


def test_the_rules_that_hold_are_a_bitmask() -> None:
    rulebook = book({"selu": SELU, "sparse": SPARSE})
    inference = decide(rulebook, {**PLAIN, "sparse": True})
    assert [rule.id for rule in rulebook.rules] == ["base", "selu", "sparse"]
    assert inference.holds == (True, True, True)
    assert inference.fired == 0b111
    assert standing_rules(rulebook, inference.holds) == [True, False, True]
    assert decide(rulebook, {**PLAIN, "task": "regression"}).fired == 0b001


def test_a_rulebook_is_compiled_once() -> None:
    rulebook = book({})
    assert compiled(rulebook) is compiled(rulebook)
    assert compiled(rulebook).source.startswith("def decide(facts):")


def test_values_enter_the_generated_function_only_as_constants() -> None:
    words = DECLARATIONS.replace(
        "activation: {title: t, group: g, values: [elu, selu, relu]", "activation: {title: t, group: g, type: word"
    )
    evil = {"set": "{activation: \"'] + [__import__('os').system('x')] #\\n\"}"}
    found = decide(book({"evil": evil}, declarations=words), PLAIN)
    assert found.values["activation"] == "'] + [__import__('os').system('x')] #\n"


def test_a_rulebook_without_facts_in_its_rules_needs_none() -> None:
    declarations = DECLARATIONS[: DECLARATIONS.index("computed:")] + DECLARATIONS[DECLARATIONS.index("slots:") :]
    found = decide(book({}, declarations=declarations), {})
    assert isinstance(found, Inference)
    assert found.computed == {}


def test_computed_numbers_must_be_registered_and_read_what_is_declared() -> None:
    rulebook = book({})
    with pytest.raises(
        RuleFileError, match=r"rulebook\.yaml:12:5  K129 computed number 'rows_per_parameter' is not registered"
    ):
        compile_rulebook(rulebook, {})
    other = {"rows_per_parameter": Quantity(("labeled_rows",), lambda rows: rows)}
    with pytest.raises(RuleFileError, match=r"reads something else\n  Write  reads: \[labeled_rows\]\."):
        compile_rulebook(rulebook, other)


def test_importing_the_package_is_cheap_and_its_names_resolve() -> None:
    code = (
        "import sys, advisor.inference as i; assert 'advisor.knowledge.rulebook' not in sys.modules;"
        "assert all(getattr(i, name) for name in i.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import advisor.inference

    assert all(getattr(advisor.inference, name) is not None for name in advisor.inference.__all__)
    with pytest.raises(AttributeError, match="no attribute 'desire'"):
        advisor.inference.desire  # noqa: B018  # reading it is the test
