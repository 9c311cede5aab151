"""Rules that contradict each other are refused with a problem that shows it."""

from __future__ import annotations

import pytest

from advisor.errors import ContradictionError, RuleFileError
from advisor.knowledge.conditions import condition_from
from advisor.knowledge.loading import read_rulebook

from .conftest import BASE, BIBLIOGRAPHY, DECLARATIONS, FACTS, a_rule, load, refused


def rules(*bodies: str, layer: str = "exception") -> str:
    files = [a_rule(body, rule_id=f"r{number}", layer=layer) for number, body in enumerate(bodies, 1)]
    return "rules:\n" + "".join(text.removeprefix("rules:\n") for text in files)


def test_a_clash_is_refused_with_a_witness_problem() -> None:
    text = rules("when: {sparsity: sparse}\nset: {activation: relu}", "when: {fast: true}\nset: {activation: selu}")
    with pytest.raises(ContradictionError) as caught:
        load(text)
    (finding,) = caught.value.findings
    assert (finding.code, finding.place) == ("K118", "x.yaml:15:23")
    assert finding.message == (
        "rules 'r1' and 'r2' of layer 'exception' both stand and give 'activation' different values "
        "(relu in x.yaml:6:23, selu here) for the problem {task: regression, sparsity: sparse, fast: true}"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # equal values
        ("when: {fast: true}\nset: {activation: relu}", "when: {sparsity: sparse}\nset: {activation: relu}"),
        # conditions that exclude each other
        ("when: {fast: true}\nset: {activation: relu}", "when: {fast: false}\nset: {activation: selu}"),
        (
            "when: {rows: {lt: many_layers}}\nset: {activation: relu}",
            "when: {rows: {ge: many_layers}}\nset: {activation: selu}",
        ),
        ("when: {rows: null}\nset: {activation: relu}", "when: {rows: {ge: 0}}\nset: {activation: selu}"),
        (
            "when: {any: [{fast: true}, {sparsity: sparse}]}\nset: {activation: relu}",
            "when: {fast: false, sparsity: none}\nset: {activation: selu}",
        ),
        # one defeats the other
        (
            "when: {fast: true}\nset: {activation: relu}",
            "when: {sparsity: sparse}\nset: {activation: selu}\ndefeats: [r1]",
        ),
        # different slots, and a collecting slot
        ("when: {fast: true}\nset: {activation: relu}", "when: {sparsity: sparse}\nset: {pruned: true}"),
        ("when: {fast: true}\nset: {pretraining: [reuse]}", "when: {task: binary}\nset: {pretraining: [auxiliary]}"),
        # copies of the same fact
        (
            "when: {fast: true, layers: {not: null}}\nset: {layers: {copy: layers}}",
            "when: {layers: {ge: 1}}\nset: {layers: {copy: layers}}",
        ),
    ],
)
def test_rules_that_agree_or_never_stand_together_do_not_clash(first: str, second: str) -> None:
    load(rules(first, second))


def test_a_clash_is_seen_through_derived_facts_and_decided_slots() -> None:
    text = rules(
        "when: {sparsity: sparse}\nconclude: {depth: deep}",
        "when: {fast: true}\nset: {pruned: true}",
        "when: {depth: deep}\nset: {activation: relu}",
        "when: {decided.pruned: true}\nset: {activation: selu}",
    )
    (finding,) = refused(rules=text)
    assert "{task: regression, sparsity: sparse, fast: true}" in finding.message


def test_rules_that_only_seem_to_meet_do_not_clash() -> None:
    load(
        rules(
            "when: {sparsity: sparse}\nconclude: {depth: deep}",
            "when: {sparsity: none}\nset: {pruned: true}",
            "when: {depth: deep}\nset: {activation: relu}",
            "when: {decided.pruned: true}\nset: {activation: selu}",
        )
    )


def test_a_third_rule_that_defeats_one_of_two_removes_their_clash() -> None:
    both = ["when: {sparsity: sparse}\nset: {activation: relu}", "when: {fast: true}\nset: {activation: selu}"]
    assert [finding.code for finding in refused(rules=rules(*both))] == ["K118"]
    load(rules(*both, "when: {sparsity: sparse, fast: true}\ndefeats: [r2]"))


def test_a_copy_clashes_with_a_constant() -> None:
    text = rules(
        "when: {layers: {not: null}}\nset: {layers: {copy: layers}}",
        "when: {fast: true}\nset: {layers: {parameter: many_layers}}",
    )
    (finding,) = refused(rules=text)
    assert "(a copy of layers in x.yaml:6:26, 4 here)" in finding.message
    assert "layers: 1" in finding.message


def test_thresholds_reach_a_fact_through_its_copy() -> None:
    text = rules(
        "when: {layers: {not: null}}\nset: {layers: {copy: layers}}",
        "when: {decided.layers: {gt: many_layers}}\nset: {activation: relu}",
        "when: {fast: true}\nset: {activation: selu}",
    )
    (finding,) = refused(rules=text)
    assert "layers: 5, fast: true" in finding.message


def test_thresholds_reach_a_fact_through_every_way_in_which_it_is_copied() -> None:
    declarations = DECLARATIONS + "  depth_limit: {title: t, group: network, type: int, nullable: true, meaning: m}\n"
    declarations = declarations.replace("layers: [base, exc", "layers: [base, middle, exc")
    text = rules(
        "when: {layers: {not: null}}\nset: {layers: {copy: layers}, depth_limit: {copy: layers}}",
        "when: {fast: true}\nset: {depth_limit: {copy: decided.layers}}",
        "when: {decided.depth_limit: many_layers}\nset: {activation: relu}",
        "when: {fast: true}\nset: {activation: selu}",
    ).replace("rule: r2\n    title: t\n    layer: exception", "rule: r2\n    title: t\n    layer: middle")
    base = BASE.replace("pretraining", "depth_limit: null, pretraining")
    (finding,) = refused(rules=text, declarations=declarations, base=base)
    assert "the problem {task: regression, fast: true}" in finding.message


def test_a_clash_that_hangs_on_a_computed_number_names_its_value() -> None:
    text = rules(
        "when: {rows_per_parameter: {lt: 1}}\nset: {activation: relu}", "when: {fast: true}\nset: {activation: selu}"
    )
    (finding,) = refused(rules=text)
    assert finding.message.endswith("{task: regression, fast: true} when rows_per_parameter: 0")


def test_conclusions_clash_as_slots_do() -> None:
    text = rules("when: {fast: true}\nconclude: {mood: good}", "when: {task: binary}\nconclude: {mood: bad}")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place) == ("K118", "x.yaml:15:22")


def _with_impossible(text: str, *impossible: dict[str, object]) -> None:
    files = {"bibliography.yaml": BIBLIOGRAPHY, "rulebook.yaml": DECLARATIONS, "base.yaml": BASE, "x.yaml": text}
    read_rulebook(
        {name: each.encode() for name, each in files.items()}, FACTS, [condition_from(each) for each in impossible]
    )


def test_problems_that_contradict_themselves_are_no_witnesses() -> None:
    text = rules("when: {sparsity: sparse}\nset: {activation: relu}", "when: {fast: true}\nset: {activation: selu}")
    with pytest.raises(ContradictionError):
        _with_impossible(text, {"sparsity": "very_sparse", "fast": True})
    _with_impossible(text, {"sparsity": ["sparse", "very_sparse"], "fast": True})


def test_a_witness_is_completed_so_that_it_does_not_contradict_itself() -> None:
    text = rules("when: {sparsity: sparse}\nset: {activation: relu}", "when: {fast: true}\nset: {activation: selu}")
    with pytest.raises(ContradictionError, match="share: 1"):
        _with_impossible(text, {"fast": True, "share": {"lt": 1}})
    _with_impossible(text, {"fast": True, "share": {"lt": 1}}, {"sparsity": "sparse", "share": {"gt": 0.5}})


def test_a_condition_that_only_contradictory_problems_satisfy_is_refused() -> None:
    with pytest.raises(RuleFileError, match="K116 no problem can satisfy the condition of rule 'r1'"):
        _with_impossible(
            rules("when: {sparsity: sparse, fast: true}\nset: {pruned: true}"), {"sparsity": "sparse", "fast": True}
        )


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        (
            [
                "when: {decided.activation: relu}\nset: {pruned: true}",
                "when: {decided.pruned: true}\nset: {activation: relu}",
            ],
            "rule 'r1' reads 'decided.activation', which is set by 'r2', "
            "rule 'r2' reads 'decided.pruned', which is set by 'r1'",
        ),
        (
            ["when: {fast: true}\ndefeats: [r2]", "when: {task: binary}\ndefeats: [r1]"],
            "rule 'r1' is defeated by 'r2', rule 'r2'",
        ),
        (
            ["when: {decided.activation: elu}\nset: {activation: relu}"],
            "rule 'r1' reads 'decided.activation', which is set by",
        ),
        (["when: {depth: deep}\nconclude: {depth: shallow}"], "rule 'r1' reads 'depth', which is set by 'r1'"),
        (
            ["when: {rows_per_parameter: {lt: 1}}\nset: {layers: 1}"],
            "rule 'r1' reads 'rows_per_parameter', which reads 'decided.layers', which is set by 'r1'",
        ),
        (["set: {layers: {copy: decided.layers}}"], "'decided.layers' is copied by rule 'r1' from 'decided.layers'"),
    ],
)
def test_a_cycle_is_refused_and_names_its_rules(bodies: list[str], words: str) -> None:
    (finding,) = refused(rules=rules(*bodies))
    assert finding.code == "K117"
    assert finding.place.startswith("x.yaml:")
    assert words in finding.message


def test_a_cycle_through_values_alone_is_placed_at_a_rule() -> None:
    text = DECLARATIONS + "  other: {title: t, group: network, type: int, meaning: m}\n"
    body = "set: {layers: {copy: decided.other}, other: {copy: decided.layers}}"
    (finding,) = refused(rules=a_rule(body), declarations=text)
    assert (finding.code, finding.place) == ("K117", "x.yaml:2:11")
    assert finding.message.endswith(
        "'decided.layers' is copied by rule 'x' from 'decided.other', "
        "'decided.other' is copied by rule 'x' from 'decided.layers'"
    )
