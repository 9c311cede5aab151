"""Mutants: what a case notices is killed, what no problem shows is equivalent, and the rest survives with a problem."""

from __future__ import annotations

from advisor.inference.difference import joint_cone
from advisor.inference.mutation import Mutant, mattering, mutate
from advisor.inference.regions import compare
from advisor.knowledge.cells import Space
from advisor.knowledge.generation import GAP
from tests.unit.inference.conftest import DECLARATIONS, book

FAST = {
    "when": "{fast: true, labeled_rows: {ge: few}}",
    "set": "{activation: relu}",
    "cornerstone": "{given: {task: binary, fast: true, labeled_rows: 1}, expect: {activation: relu}}",
}
CONTRASTS = {
    "contrast": "{given: {task: binary, labeled_rows: 1}, expect: {activation: elu}}",
    "examples": "[{given: {task: binary, fast: true, labeled_rows: 0}, expect: {activation: elu}}]",
}


def _mutants(rules: dict[str, dict[str, str]], rule: str) -> dict[str, Mutant]:
    return {mutant.change: mutant for mutant in mutate(book(rules)) if mutant.rule == rule}


def test_a_mutant_that_no_case_notices_survives_with_a_problem_that_shows_it() -> None:
    mutant = _mutants({"fast": FAST}, "fast")["without fast = true"]
    assert mutant.outcome == "survived"
    assert (mutant.target, mutant.values) == ("activation", ("elu", "relu"))
    assert mutant.witness == {"task": "binary", "labeled_rows": 1}


def test_cases_on_both_sides_of_a_condition_kill_its_mutants() -> None:
    mutants = _mutants({"fast": FAST | CONTRASTS}, "fast")
    assert mutants["without fast = true"].killer == "fast/contrast"
    assert mutants["fast = true negated"].killer == "fast/cornerstone"
    assert mutants["labeled_rows >= 1 (few) becomes labeled_rows > 1 (few)"].killer == "fast/cornerstone"
    assert mutants["labeled_rows >= 1 (few) becomes labeled_rows >= 0"].killer == "fast/example 1"
    assert mutants["activation: relu becomes selu"].outcome == "killed"
    assert mutants["activation no longer given"].outcome == "killed"


def test_what_no_problem_can_show_is_proven_equivalent() -> None:
    assert _mutants({"fast": FAST | CONTRASTS}, "fast")["moved from layer middle to top"].outcome == "equivalent"


def test_a_mutant_that_would_not_load_is_refused() -> None:
    other = {
        "layer": "top",
        "when": "{sparse: true}",
        "set": "{activation: selu}",
        "cornerstone": "{given: {task: binary, sparse: true}, expect: {activation: selu}}",
    }
    mutants = _mutants({"fast": FAST | CONTRASTS, "sparse": other}, "fast")
    assert mutants["moved from layer middle to top"].outcome == "refused"
    narrow = (
        FAST | {"when": "{labeled_rows: {ge: few, lt: 1}}"} | {"when": "{labeled_rows: {gt: 0, le: few}, fast: true}"}
    )
    assert _mutants({"fast": narrow}, "fast")["labeled_rows > 0 becomes labeled_rows > 1"].outcome == "refused"


def test_a_defeat_that_is_dropped_is_noticed() -> None:
    defeating = {
        "layer": "base",
        "when": "{sparse: true}",
        "defeats": "[fast]",
        "cornerstone": "{given: {task: binary, sparse: true, fast: true, labeled_rows: 1}, expect: {activation: elu}}",
    }
    mutants = _mutants({"fast": FAST | CONTRASTS, "sparse": defeating}, "sparse")
    assert mutants["no longer withdraws fast"].killer == "sparse/cornerstone"


def test_equal_rulebooks_have_no_difference() -> None:
    assert compare(book({"fast": FAST}), book({"fast": FAST})) == ()


def test_a_difference_is_told_as_conditions_with_its_share_and_a_witness() -> None:
    (change,) = compare(book({}), book({"fast": FAST}))
    (part,) = change.parts
    assert (change.slot, part.old, part.new) == ("activation", "elu", "relu")
    assert [str(region) for region in part.regions] == ["fast = true and labeled_rows >= 1"]
    assert part.share == change.share == 1 / 4
    assert part.witness == {"task": "binary", "fast": True, "labeled_rows": 1}


def test_a_region_says_when_unknown_values_belong_to_it() -> None:
    unknown = FAST | {"when": "{any: [{labeled_rows: null}, {labeled_rows: {lt: few}}]}"}
    unknown["cornerstone"] = "{given: {task: binary}, expect: {activation: relu}}"
    (change,) = compare(book({}), book({"fast": unknown}))
    assert [str(region) for region in change.parts[0].regions] == ["labeled_rows < 1 (or unknown)"]


def test_a_slot_of_one_rulebook_only_differs_everywhere() -> None:
    declarations = DECLARATIONS + "  more: {title: t, group: g, type: bool, meaning: m}\n"
    base = {"set": "{activation: elu, initializer: he, hidden_layers: 1, units: 1, pretraining: [], more: true}"}
    (change,) = compare(book({}), book({}, base=base, declarations=declarations))
    (part,) = change.parts
    assert part.old is GAP
    assert (change.slot, part.new, part.share, str(part.regions[0])) == ("more", True, 1.0, "always")


def test_a_joint_cone_tells_the_thresholds_of_both_rulebooks_apart() -> None:
    wider = FAST | {"when": "{fast: true, labeled_rows: {gt: few}}"}
    wider["cornerstone"] = "{given: {task: binary, fast: true, labeled_rows: 2}, expect: {activation: relu}}"
    cone = joint_cone(Space(book({"fast": FAST})), Space(book({"fast": wider})), "decided.activation")
    assert cone.size == 2 * 3
    names = list(cone.axes)
    found = [(dict(zip(names, cell, strict=True)), old, new) for cell, old, new in cone.differing()]
    assert found == [({"fast": True, "labeled_rows": 1}, "relu", "elu")]


RICH = (
    DECLARATIONS
    + """\
  flag: {title: t, group: g, type: bool, meaning: m}
  rate: {title: t, group: g, type: number, nullable: true, minimum: 0, meaning: m}
  rates: {title: t, group: g, type: number, list: true, meaning: m}
  label: {title: t, group: g, type: word, meaning: m}
  kinds: {title: t, group: g, values: [one, two], list: true, meaning: m}
"""
)
RICH_BASE = {
    "set": "{activation: elu, initializer: he, hidden_layers: 1, units: 1, pretraining: [], "
    "flag: false, rate: 0, rates: [], label: plain, kinds: [one, two]}"
}


def test_every_kind_of_condition_and_value_is_changed() -> None:
    rule = {
        "when": "{any: [{fast: true}, {task: [binary, regression], labeled_rows: {lt: few}}], "
        "all: [{any: [{sparse: false}]}]}",
        "set": "{flag: true, rate: 1, rates: [1, 0], label: special, kinds: [one], units: {parameter: few}, "
        "hidden_layers: {copy: hidden_layers}}",
        "conclude": "{mood: good, broken: true}",
        "cornerstone": "{given: {task: binary, fast: true, hidden_layers: 3}, expect: {flag: true}}",
    }
    rule["when"] = rule["when"][:-1] + ", hidden_layers: {not: null}}"
    found = {
        mutant.change: mutant.outcome
        for mutant in mutate(book({"rich": rule}, base=RICH_BASE, declarations=RICH))
        if mutant.rule == "rich"
    }
    expected = {
        "without fast = true",
        "without sparse = false",
        "task = binary or regression becomes task = regression",
        "flag: true becomes false",
        "rate: 1 becomes null",
        "rate: 1 becomes 0.9",
        "rates: [1, 0] becomes [1]",
        "label: special becomes other_special",
        "kinds: [one] becomes []",
        "kinds: [one] becomes [one, two]",
        "units: 1 becomes 0",
        "hidden_layers: hidden_layers becomes 2",
        "mood: good becomes bad",
        "mood no longer given",
    }
    assert expected <= set(found), sorted(found)
    assert found["flag: true becomes false"] == "killed"


def test_what_every_comparison_is_worth_is_told_without_the_other_mutants() -> None:
    told = [mutant for mutant in mattering(book({"fast": FAST | CONTRASTS})) if mutant.rule == "fast"]
    assert {mutant.change: mutant.outcome for mutant in told} == {
        "without fast = true": "killed",
        "without labeled_rows >= 1 (few)": "killed",
    }


def test_a_value_word_is_swapped_for_every_other_one() -> None:
    rule = {"when": "{task: binary}", "set": "{activation: relu}", "layer": "top"}
    rule["cornerstone"] = "{given: {task: binary}, expect: {activation: relu}}"
    assert "task = binary becomes task = regression" in _mutants({"tasks": rule}, "tasks")


def test_a_moved_rule_that_gives_what_others_of_its_layer_give_is_no_clash() -> None:
    same = {"layer": "top", "when": "{sparse: true}", "set": "{activation: relu}"}
    same["cornerstone"] = "{given: {task: binary, sparse: true}, expect: {activation: relu}}"
    assert (
        _mutants({"fast": FAST | CONTRASTS, "sparse": same}, "fast")["moved from layer middle to top"].outcome
        != "refused"
    )
