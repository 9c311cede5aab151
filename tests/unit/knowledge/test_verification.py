# ruff: noqa: E501 (a fault is a line: what is replaced, and by what)
"""Seeded faults: one is put into a sound rulebook, and loading or verification must find it at its very place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.errors import AdvisorError
from advisor.knowledge.conditions import condition_from
from advisor.knowledge.verification import Verification, verify
from tests.unit.knowledge.conftest import load, marked

DECLARATIONS = """\
rulebook: small
version: "1"
title: A small rulebook
layers: [base, exception]
groups: {network: The network}
parameters:
  many_layers: {value: 4, unit: layers, meaning: m, because: b, source: {work: book, at: here}}
derived:
  depth: {values: [shallow, deep], meaning: m, otherwise: shallow}
slots:
  activation: {title: t, group: network, values: [elu, selu, relu], meaning: m}
  pruned: {title: t, group: network, type: bool, meaning: m}
"""
RULES = """\
rules:
  - rule: base
    title: t
    layer: base
    set: {activation: elu, pruned: false}
    because: b
    source: {work: book, at: here}
    limits: l
    cornerstone: {given: {task: binary}, expect: {activation: elu}}
  - rule: many-layers-are-deep
    title: t
    layer: base
    when: {layers: {ge: many_layers}}
    conclude: {depth: deep}
    because: b
    source: {work: book, at: here}
    limits: l
    cornerstone: {given: {task: binary, layers: 4}, expect: {depth: deep}}
  - rule: deep-activation
    title: t
    layer: exception
    when: {depth: deep}
    set: {activation: selu}
    because: b
    source: {work: book, at: here}
    limits: l
    cornerstone: {given: {task: binary, layers: 4}, expect: {activation: selu}}
"""
TAIL = """\
    because: b
    source: {work: book, at: here}
    limits: l
    cornerstone: {given: {task: binary}, expect: {activation: elu}}
"""


def _rule(rule_id: str, body: str, layer: str = "exception") -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"  - rule: {rule_id}\n    title: t\n    layer: {layer}\n{lines}{TAIL}"


def test_the_sound_rulebook_is_proven() -> None:
    proof = verify(load(base=RULES, declarations=DECLARATIONS), lambda slot, value: True)
    assert (proof.findings, proof.remarks) == ((), ())
    assert proof.values == {"activation": ("elu", "selu"), "pruned": (False,)}
    assert proof.cells > 0


def _proof(rules: str, declarations: str = DECLARATIONS) -> Verification:
    return verify(load(base=rules, declarations=declarations), lambda slot, value: value != "relu")


def _found(code: str, rules: str, declarations: str = DECLARATIONS, file: str = "base.yaml") -> tuple[str, object]:
    """Verify with a marked text; the one finding of a code must be at the mark. Return its message and witness."""
    if file == "base.yaml":
        rules, place = marked(rules, file)
    else:
        declarations, place = marked(declarations, file)
    found = [finding for finding in _proof(rules, declarations).findings if finding.code == code]
    assert [finding.place for finding in found] == [place], [str(each) for each in found]
    return found[0].message, found[0].witness


def test_a_slot_that_no_rule_sets_is_a_gap() -> None:
    declared = DECLARATIONS.replace("  pruned: {", "  pruned: §{")
    message, witness = _found("K140", RULES.replace(", pruned: false", ""), declared, "rulebook.yaml")
    assert message.startswith("no rule gives 'pruned' a value, for example")
    assert witness == {"task": "regression"}


def test_a_gap_of_a_single_value_is_found_with_its_problem() -> None:
    declared = DECLARATIONS.replace("  pruned: {", "  pruned: §{")
    rules = RULES.replace(", pruned: false", "") + _rule(
        "pruned", "when: {sparsity: [none, very_sparse]}\nset: {pruned: true}"
    )
    message, witness = _found("K140", rules, declared, "rulebook.yaml")
    assert witness == {"task": "regression", "sparsity": "sparse"}
    assert "{task: regression, sparsity: sparse}" in message


def test_a_rule_that_holds_nowhere_is_dead() -> None:
    rules = RULES + _rule("dead", "when: §{depth: deep, layers: {lt: many_layers}}\nset: {activation: relu}")
    message, witness = _found("K141", rules)
    assert "'dead' is dead: no problem satisfies" in message
    assert witness is None


def test_a_rule_that_is_withdrawn_wherever_it_holds_is_dead() -> None:
    rules = RULES + _rule("dead", "when: {fast: true}\nset: {pruned: true}").replace("- rule: dead", "- rule: §dead")
    rules += _rule("killer", "when: {fast: true}\ndefeats: [dead]")
    message, witness = _found("K141", rules)
    assert "wherever it holds, 'killer' withdraws it" in message
    assert witness == {"task": "regression", "fast": True}


def test_a_rule_that_higher_layers_always_override_is_shadowed() -> None:
    rules = RULES.replace("layer: base\n    set: {activation: elu", "layer: exception\n    set: {activation: elu")
    rules = rules.replace(
        "when: {depth: deep}\n    set: {activation: selu}", "when: {depth: deep}\n    set: {pruned: true}"
    )
    rules = rules.replace("activation: elu, pruned: false}", "activation: elu}")
    rules = rules.replace("expect: {activation: selu}", "expect: {pruned: true}")
    rules += _rule("ordinary", "set: {pruned: false}", "base")
    rules += _rule("shadowed", "when: {fast: true}\nset: {activation: §selu}", "base")
    message, witness = _found("K142", rules)
    assert "rule 'shadowed' never wins 'activation'" in message
    assert "such as 'base'" in message
    assert witness == {"task": "regression", "fast": True}


def test_a_rule_of_one_layer_that_says_what_another_says_is_subsumed() -> None:
    rules = RULES + _rule("subsumed", "when: {depth: deep, fast: true}\nset: {activation: selu}").replace(
        "- rule: subsumed", "- rule: §subsumed"
    )
    message, _ = _found("K143", rules)
    assert "'subsumed' changes nothing: wherever it wins, 'deep-activation' says the same" in message


def test_slots_that_the_same_rules_set_are_proven_by_one_walk() -> None:
    def proof(declarations: str, more: str) -> Verification:
        rules = RULES.replace("pruned: false}", "pruned: false" + more + "}", 1)
        return verify(load(base=rules, declarations=declarations))

    twin = proof(DECLARATIONS + "  twin: {title: t, group: network, type: bool, meaning: m}\n", ", twin: true")
    assert twin.findings == ()
    assert twin.values["twin"] == (True,)
    assert twin.cells == proof(DECLARATIONS, "").cells


def test_a_higher_layer_that_repeats_a_lower_one_is_a_remark() -> None:
    proof = _proof(RULES + _rule("repeats", "when: {fast: true}\nset: {pruned: false}"))
    assert proof.findings == ()
    assert [each.code for each in proof.remarks] == ["K143"]
    assert proof.remarks[0].hint.startswith("That is no mistake")


def test_a_defeat_that_never_withdraws_anything_is_found() -> None:
    rules = RULES + _rule("few", "when: {layers: {lt: many_layers}}\nset: {pruned: true}\ndefeats: [§deep-activation]")
    message, witness = _found("K144", rules)
    assert "'few' never withdraws 'deep-activation'" in message
    assert witness is None


@pytest.mark.parametrize(
    ("code", "added", "below", "message"),
    [
        ("K146", "  spare: {value: §1, unit: u, meaning: m, because: b, source: {work: book, at: here}}\n", "parameters:\n",
         "no rule uses the parameter 'spare'"),
        ("K145", "  mood: §{values: [good, bad], meaning: m}\n", "derived:\n", "no rule concludes the derived fact 'mood'"),
        ("K140", "  rates: §{title: t, group: network, type: number, list: true, meaning: m}\n", "slots:\n",
         "no rule gives 'rates' a value"),
    ],
)  # fmt: skip
def test_what_is_declared_must_be_used(code: str, added: str, below: str, message: str) -> None:
    assert _found(code, RULES, DECLARATIONS.replace(below, below + added), "rulebook.yaml")[0].startswith(message)


def test_a_derived_fact_that_no_rule_reads_is_found() -> None:
    rules = RULES.replace("when: {depth: deep}", "when: {fast: true}").replace(
        "layers: 4}, expect: {activation", "fast: true}, expect: {activation"
    )
    declared = DECLARATIONS.replace("  depth: {", "  depth: §{")
    assert _found("K145", rules, declared, "rulebook.yaml")[0] == "no rule reads the derived fact 'depth'"


def test_layers_groups_and_computed_numbers_must_be_used_too() -> None:
    declared = DECLARATIONS.replace("[base, exception]", "[base, exception, spare]")
    declared = declared.replace("{network: The network}", "{network: The network, spare: Spare}")
    declared = declared.replace(
        "slots:\n", "computed:\n  rows_per_parameter: {unit: rows, meaning: m, reads: [rows]}\nslots:\n"
    )
    messages = [finding.message for finding in _proof(RULES, declared).findings]
    assert messages == [
        "no rule is in the layer 'spare'",
        "no slot is in the group 'spare'",
        "no rule reads the computed number 'rows_per_parameter'",
    ]
    lines = declared.splitlines()
    written = [finding.place.split(":") for finding in _proof(RULES, declared).findings]
    assert [lines[int(line) - 1][int(column) - 1 :].split("}")[0].split("]")[0] for _, line, column in written[:2]] == [
        "spare",
        "spare: Spare",
    ]


def test_a_number_in_other_units_than_the_facts_is_found() -> None:
    low = "  low: {value: 0.2, unit: percent, meaning: m, because: b, source: {work: book, at: here}}\n"
    declared = DECLARATIONS.replace("parameters:\n", "parameters:\n" + low)
    rules = RULES + _rule("rare", "when: {share: {lt: §low}}\nset: {pruned: true}")
    message, witness = _found("K148", rules, declared)
    assert message == "'low' is in percent, but 'share' in fraction"
    assert witness is None


def test_a_value_that_cannot_be_built_is_found_where_it_is_written() -> None:
    rules = RULES + _rule("unbuildable", "when: {fast: true, depth: shallow}\nset: {activation: §relu}")
    message, witness = _found("K147", rules)
    assert "'activation' = relu is recommended but can't be built yet" in message
    assert witness == {"task": "regression", "fast": True}


def test_a_value_that_is_announced_is_a_remark() -> None:
    rules = RULES + _rule("announced", "when: {fast: true}\nset: {pruned: true}")
    proof = verify(
        load(base=rules, declarations=DECLARATIONS), lambda slot, value: value is not True, lambda slot, value: True
    )
    assert proof.findings == ()
    assert [each.code for each in proof.remarks] == ["K147"]


def test_what_a_slot_collects_is_proven_by_element() -> None:
    declared = DECLARATIONS + (
        "  pretraining: {title: t, group: network, values: [reuse, auxiliary], list: true, collect: true, meaning: m}\n"
    )
    rules = RULES.replace("pruned: false}", "pruned: false, pretraining: []}")
    rules += _rule("reuse", "when: {fast: true}\nset: {pretraining: [reuse]}")
    assert _proof(rules, declared).findings == ()
    rules += _rule("again", "when: {fast: true, share: {gt: 0}}\nset: {pretraining: [reuse]}").replace(
        ": again", ": §again"
    )
    assert "changes nothing" in _found("K143", rules, declared)[0]


FAULTS = [
    # what is wrong, its code, the text that it replaces, the text with a mark where the finding must point
    ("misspelt field", "K102", "when: {layers: {ge", "when: {§layerz: {ge"),
    ("misspelt derived fact", "K102", "when: {depth: deep}", "when: {§dept: deep}"),
    ("misspelt value", "K103", "when: {depth: deep}", "when: {depth: §deeep}"),
    ("misspelt slot", "K115", "set: {activation: selu}", "set: {§activaton: selu}"),
    ("misspelt slot value", "K103", "set: {activation: selu}", "set: {activation: §sellu}"),
    ("misspelt parameter", "", "{ge: many_layers}", "{ge: §many_layer}"),
    ("misspelt layer", "", "layer: exception", "layer: §exeption"),
    ("misspelt rule", "K113", "    conclude: {depth: deep}", "    conclude: {depth: deep}\n    defeats: [§bas]"),
    ("wrong type of a fact", "", "when: {layers: {ge: many_layers}}", "when: {layers: §many}"),
    ("wrong type of a value", "", "pruned: false}", "pruned: §1}"),
    ("size of a word", "", "when: {depth: deep}", "when: {depth: {ge: §1}}"),
    ("percent for a fraction", "", "when: {depth: deep}", "when: §{depth: deep, share: {ge: many_layers}}"),
    ("number without a name", "K127", "{ge: many_layers}", "{ge: §4}"),
    ("contradiction in when", "K116", "when: {layers: {ge: many_layers}}", "when: §{layers: {ge: many_layers, lt: many_layers}}"),
    ("contradiction between facts", "K116", "when: {depth: deep}", "when: §{all: [{depth: deep}, {depth: {not: deep}}]}"),
    ("cycle", "K117", "  - rule: many-layers-are-deep\n    title: t\n    layer: base\n    when: {layers: {ge: many_layers}}", "  - rule: §many-layers-are-deep\n    title: t\n    layer: base\n    when: {layers: {ge: many_layers}, decided.activation: elu}"),
    ("clash", "K118", "when: {depth: deep}\n    set: {activation: selu}", "when: {depth: deep}\n    set: {activation: §selu}\n" + TAIL + "  - rule: clashing\n    title: t\n    layer: exception\n    when: {fast: true}\n    set: {activation: relu}"),
    ("duplicate key", "", "    limits: l\n    cornerstone: {given: {task: binary}, e", "    limits: l\n    §limits: m\n    cornerstone: {given: {task: binary}, e"),
    ("rule id twice", "K111", "rule: deep-activation", "rule: §base"),
    ("missing source", "", "rule: deep-activation\n    title: t\n    layer: exception\n    when: {depth: deep}\n    set: {activation: selu}\n    because: b\n    source: {work: book, at: here}", "§rule: deep-activation\n    title: t\n    layer: exception\n    when: {depth: deep}\n    set: {activation: selu}\n    because: b"),
    ("missing cornerstone", "", "rule: deep-activation\n    title: t\n    layer: exception\n    when: {depth: deep}\n    set: {activation: selu}\n    because: b\n    source: {work: book, at: here}\n    limits: l\n    cornerstone: {given: {task: binary, layers: 4}, expect: {activation: selu}}", "§rule: deep-activation\n    title: t\n    layer: exception\n    when: {depth: deep}\n    set: {activation: selu}\n    because: b\n    source: {work: book, at: here}\n    limits: l"),
    ("unknown source", "", "layer: base\n    when: {layers: {ge: many_layers}}\n    conclude: {depth: deep}\n    because: b\n    source: {work: book", "layer: base\n    when: {layers: {ge: many_layers}}\n    conclude: {depth: deep}\n    because: b\n    source: {work: §bok"),
    ("cornerstone with an impossible value", "", "{task: binary, layers: 4}, expect: {depth: deep}", "{task: binary, layers: §0}, expect: {depth: deep}"),
    ("anchor", "", "when: {depth: deep}", "when: §&a {depth: deep}"),
    ("ambiguous word", "", "pruned: false}", "pruned: §no}"),
    ("tab", "", "    when: {depth: deep}", "§\twhen: {depth: deep}"),
    ("line of a megabyte", "", "    when: {depth: deep}", "    when: {depth: deep" + "x" * 378 + "§" + "x" * 1_000_000 + "}"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "old", "new"), [pytest.param(*rest, id=name) for name, *rest in FAULTS])
def test_a_seeded_fault_is_refused_at_its_place(code: str, old: str, new: str) -> None:
    assert RULES.count(old) >= 1
    text, place = marked(RULES.replace(old, new, 1), "base.yaml")
    with pytest.raises(AdvisorError) as caught:
        load(base=text, declarations=DECLARATIONS)
    places = [finding.place for finding in caught.value.findings]
    assert place in places, [str(each)[:300] for each in caught.value.findings]
    if code:
        assert code in {finding.code for finding in caught.value.findings if finding.place == place}


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 10))
    with pytest.raises(AdvisorError) as caught:
        load(base="l0: &l0 [lol]\n" + levels, declarations=DECLARATIONS)
    assert caught.value.findings[0].place.startswith("base.yaml:1:5")


def test_a_cell_that_contradicts_facts_elsewhere_is_shown_by_another_one() -> None:
    # Without layers a problem would have to be both fast and not; so the proof looks for problems with layers.
    never = tuple(condition_from({"layers": None, "fast": fast}) for fast in (True, False))
    book = replace(load(RULES, declarations=DECLARATIONS, base=""), impossible=never)
    proof = verify(book)
    assert [finding.code for finding in proof.findings if finding.code == "K140"] == []
    assert proof.values["activation"] == ("elu", "selu")


def test_what_no_possible_problem_reaches_is_no_gap() -> None:
    always_deep = RULES.replace("set: {activation: elu, pruned: false}", "set: {pruned: false}").replace(
        "expect: {activation: elu}", "expect: {pruned: false}"
    )
    never = tuple(
        condition_from({"layers": layers, "fast": fast}) for layers in (None, {"lt": 4}) for fast in (True, False)
    )
    book = load(always_deep, declarations=DECLARATIONS, base="")
    assert "K140" in {finding.code for finding in verify(book).findings}
    assert "K140" not in {finding.code for finding in verify(replace(book, impossible=never)).findings}


def test_a_computed_number_has_a_unit_too() -> None:
    declared = DECLARATIONS.replace(
        "slots:\n", "computed:\n  rows_per_parameter: {unit: rows, meaning: m, reads: [rows]}\nslots:\n"
    )
    rules = RULES + _rule("starved", "when: {rows_per_parameter: {lt: §many_layers}}\nset: {pruned: true}")
    message, _ = _found("K148", rules, declared)
    assert message == "'many_layers' is in layers, but 'rows_per_parameter' in rows"
