"""Every mistake in a rule is found, at its exact place."""

from __future__ import annotations

import pytest

from .conftest import REST, a_rule, load, marked, refused

SET = "set: {activation: relu}"

MISTAKES = [
    # --- names and values in `when`
    ("K102", "when: {§sparsty: sparse}\n" + SET, "unknown fact 'sparsty'; did you mean 'sparsity'?"),
    ("K102", "when: {§decided.activatoin: elu}\n" + SET, "did you mean 'decided.activation'?"),
    ("K103", "when: {sparsity: §spars}\n" + SET, "unknown value 'spars' of fact 'sparsity'; did you mean 'sparse'?"),
    ("K103", "when: {sparsity: [sparse, §very]}\n" + SET, "unknown value 'very' of fact 'sparsity'"),
    ("K103", "when: {decided.activation: {not: §swish}}\n" + SET, "unknown value 'swish' of slot 'activation'"),
    ("K104", "when: {fast: §0}\n" + SET, "fact 'fast' has the wrong type: 0"),
    ("K104", "when: {sparsity: §true}\n" + SET, "fact 'sparsity' has the wrong type: true"),
    ("K104", "when: {task: §null}\n" + SET, "fact 'task' cannot be null"),
    ("K104", "when: {rows: §true}\n" + SET, "fact 'rows' has the wrong type: true"),
    ("K104", "when: {rows: §rates}\n" + SET, "parameter 'rates' is a list"),
    ("K104", "when: {rows: {lt: §rates}}\n" + SET, "parameter 'rates' is no number"),
    ("K104", "when: {rows: {lt: §word}}\n" + SET, "parameter 'word' is no number"),
    ("K104", "when: {rows: {lt: §null}}\n" + SET, "the bound of 'lt' must be a number or a parameter"),
    ("K104", "when: {rows: {lt: §true}}\n" + SET, "the bound of 'lt' must be a number or a parameter"),
    ("K104", "when: {rows: {lt: §[1]}}\n" + SET, "the bound of 'lt' must be a single value, not a list"),
    ("K104", "when: {sparsity: {lt: §many_layers}}\n" + SET, "is no number and cannot be compared with 'lt'"),
    ("K104", "when: {decided.rates: §0}\n" + SET, "slot 'rates' is a list and can only be tested for being empty"),
    ("K104", "when: {decided.rates: §[1]}\n" + SET, "can only be tested for being empty"),
    ("K104", "when: {sparsity: [§[sparse]]}\n" + SET, "the value of 'sparsity' must be a single value, not a list"),
    ("K104", "when: §sparse\n" + SET, "'when' must be a mapping"),
    ("K104", "when: {any: §sparse}\n" + SET, "'any' must be a list, not 'sparse'"),
    ("K105", "when: {rows: {§lte: many_layers}}\n" + SET, "unknown operator 'lte'; did you mean 'lt'?"),
    ("K106", "when: {rows: §{}}\n" + SET, "the condition on 'rows' is empty"),
    ("K106", "when: {sparsity: §[]}\n" + SET, "the condition on 'sparsity' lists no values"),
    ("K106", "when: {any: §[]}\n" + SET, "'any' is empty"),
    ("K107", "when: {sparsity: [sparse, §sparse]}\n" + SET, "'sparse' is listed twice"),
    ("K107", "when: {sparsity: sparse, §sparsity: none}\n" + SET, "key 'sparsity' is given twice (first in line 5)"),
    ("K110", "when: {fast: §yes}\n" + SET, "'yes' is ambiguous in YAML; write true, or quote it"),
    ("K110", "when: {rows: §~}\n" + SET, "'~' is ambiguous in YAML; write null"),
    ("K110", "when: {rows: {lt: §1_000}}\n" + SET, "'1_000' is no number in a rule file"),
    ("K110", "when: {rows: {lt: §.inf}}\n" + SET, "'.inf' is no number in a rule file"),
    ("K114", "when: {rows: {lt: §many_layer}}\n" + SET, "unknown parameter 'many_layer'; did you mean 'many_layers'?"),
    ("K114", "when: {rows: §several}\n" + SET, "unknown parameter 'several'"),
    (
        "K116",
        "when: §{rows: {lt: 1, gt: many_layers}}\n" + SET,
        "contradicts itself: rows < 1 and rows > 4 (many_layers)",
    ),
    ("K116", "when: §{sparsity: sparse, all: [{sparsity: none}]}\n" + SET, "contradicts itself"),
    ("K116", "when: §{rows: {gt: 0, lt: 1}}\n" + SET, "contradicts itself"),
    ("K116", "when: §{share: {gt: 1}}\n" + SET, "contradicts itself"),
    ("K116", "when: §{fast: true, any: [{fast: false}, {fast: {not: true}}]}\n" + SET, "contradicts itself"),
    ("K125", "when: {layers: §0}\n" + SET, "fact 'layers' is out of range: 0"),
    ("K127", "when: {rows: {lt: §1000}}\n" + SET, "'1000' is a number without a name"),
    ("K127", "when: {rows: §12}\n" + SET, "'12' is a number without a name"),
    # --- values that are set
    ("K103", "set: {activation: §swish}", "unknown value 'swish' of 'activation'"),
    ("K104", "set: {activation: §1}", "'activation' has the wrong type: 1"),
    ("K104", "set: {activation: §[relu]}", "'activation' must be a single value, not [relu]"),
    ("K104", "set: {activation: §null}", "'activation' cannot be null"),
    ("K104", "set: {rates: §0}", "'rates' must be a list, not 0"),
    ("K104", "set: {rates: §[0, a]}", "'rates' has the wrong type: a"),
    ("K104", "set: {rates: §[null]}", "'rates' cannot be null"),
    ("K104", "set: {rates: [§[0]]}", "the value of 'rates' is a list of lists"),
    ("K104", "set: {rates: [§{parameter: rates}]}", "the value of 'rates' is a list of lists"),
    ("K104", "set: {layers: §{parameter: word}}", "'layers' has the wrong type: relu"),
    ("K104", "set: §relu", "'set' of rule 'x' must be a mapping"),
    ("K105", "set: {layers: {§param: many_layers}}", "unknown key 'param' in the value of 'layers'"),
    ("K106", "set: §{}", "'set' of rule 'x' is empty"),
    ("K106", "set: {layers: §{}}", "the value of 'layers' needs one of 'parameter' and 'copy'"),
    ("K106", "set: {layers: §{parameter: many_layers, copy: layers}}", "needs one of 'parameter' and 'copy'"),
    ("K106", "set: {rates: [§{}]}", "has no 'parameter'"),
    ("K110", "set: {rates: [§1.]}", "'1.' is no number in a rule file"),
    ("K114", "set: {layers: {parameter: §many}}", "unknown parameter 'many'"),
    ("K114", "set: {rates: [{parameter: §rate}]}", "unknown parameter 'rate'; did you mean 'rates'?"),
    ("K115", "set: {§activatoin: relu}", "unknown slot 'activatoin'; did you mean 'activation'?"),
    ("K115", "set: {§depth: deep}", "unknown slot 'depth'"),
    ("K115", "conclude: {§activation: relu}", "unknown derived fact 'activation'"),
    ("K121", "set: {layers: {copy: §layers}}", "copies 'layers', which may be null, to 'layers', which may not"),
    ("K122", "set: {activation: {copy: §sparsity}}", "fact 'sparsity' cannot be copied to 'activation'"),
    ("K122", "when: {rows: {not: null}}\nset: {activation: {copy: §rows}}", "cannot be copied"),
    ("K122", "set: {pretraining: {copy: §decided.pretraining}}", "cannot be copied"),
    ("K102", "set: {layers: {copy: §layer}}", "unknown fact 'layer'; did you mean 'layers'?"),
    ("K104", "set: {layers: {copy: §1}}", "'copy' must be text, not '1'"),
    ("K123", "", "does nothing"),
    ("K125", "set: {layers: §0}", "'layers' is out of range: 0"),
    ("K127", "set: {layers: §3}", "'3' is a number without a name"),
    ("K127", "set: {rates: [§0.2]}", "'0.2' is a number without a name"),
    # --- everything else
    ("K104", "defeats: §base", "'defeats' of rule 'x' must be a list"),
    ("K107", "defeats: [base, §base]", "'base' is listed twice"),
    ("K113", "defeats: [§bas]", "unknown rule 'bas' in 'defeats'; did you mean 'base'?"),
    ("K113", "defeats: [§x]", "rule 'x' defeats itself"),
    ("K104", "defeats: [§{base: 1}]", "an element of 'defeats' of rule 'x' must be a single value, not a mapping"),
    ("K120", "defeats: [§Base_Rule]", "'Base_Rule' is not in kebab-case"),
    ("K103", SET + "\nalternatives: {activation: [§swish]}", "unknown value 'swish'"),
    ("K104", SET + "\nalternatives: {activation: [§[elu]]}", "must be a single value, not [elu]"),
    ("K110", SET + "\nalternatives: {activation: [§no]}", "'no' is ambiguous"),
    ("K128", SET + "\nalternatives: {§layers: [1]}", "names 'layers', which rule 'x' doesn't set"),
    ("K128", SET + "\nalternatives: {activation: [elu, §elu]}", "alternative 'elu' of 'activation' is named already"),
    ("K128", SET + "\nalternatives: {activation: [§relu]}", "alternative 'relu' of 'activation' is named already"),
    ("K105", SET + "\n§becaus: y", "unknown key 'becaus' in rule 'x'; did you mean 'because'?"),
    ("K104", SET + "\nexamples: §{}", "'examples' of rule 'x' must be a list"),
    ("K104", SET + "\nexamples: [§a]", "'example 1' of rule 'x' must be a mapping"),
    ("K106", SET + "\nexamples: [§{given: {task: binary}}]", "'example 1' of rule 'x' has no 'expect'"),
    ("K106", SET + "\nexamples: [§{expect: {activation: elu}}]", "'example 1' of rule 'x' has no 'given'"),
    ("K106", SET + "\ncontrast: {given: {task: binary}, expect: §{}}", "'contrast' of rule 'x' expects nothing"),
    ("K106", SET + "\ncontrast: {given: §{rows: 3}, expect: {activation: elu}}", "'given' has no 'task'"),
    ("K102", SET + "\ncontrast: {given: {task: binary, §row: 3}, expect: {activation: elu}}", "unknown fact 'row'"),
    (
        "K104",
        SET + "\ncontrast: {given: {task: binary, rows: §3.5}, expect: {activation: elu}}",
        "has the wrong type: 3.5",
    ),
    ("K110", SET + "\ncontrast: {given: {task: binary, fast: §on}, expect: {activation: elu}}", "'on' is ambiguous"),
    (
        "K115",
        SET + "\ncontrast: {given: {task: binary}, expect: {§activate: elu}}",
        "unknown slot or derived fact 'activate'",
    ),
    ("K103", SET + "\ncontrast: {given: {task: binary}, expect: {depth: §flat}}", "unknown value 'flat' of 'depth'"),
]


@pytest.mark.parametrize(
    ("code", "body", "message"), MISTAKES, ids=[f"{code}-{body[:40]}" for code, body, _ in MISTAKES]
)
def test_a_mistake_is_found_at_its_place(code: str, body: str, message: str) -> None:
    text, place = marked(a_rule(body), "x.yaml")
    if "§" not in body:
        place = "x.yaml:2:5"
    findings = refused(rules=text)
    assert [(finding.code, finding.place) for finding in findings] == [(code, place)]
    assert message in findings[0].message


@pytest.mark.parametrize("key", ["because", "source", "limits", "cornerstone"])
def test_a_required_key_may_not_be_left_out(key: str) -> None:
    rest = "".join(line for line in REST.splitlines(keepends=True) if not line.strip().startswith(key))
    (finding,) = refused(rules=a_rule(SET, rest=rest))
    assert (finding.code, finding.place) == ("K106", "x.yaml:2:5")
    assert finding.message == f"rule 'x' has no {key!r}"


@pytest.mark.parametrize(("key", "empty"), [("because", '""'), ("limits", "' '")])
def test_a_required_text_may_not_be_empty(key: str, empty: str) -> None:
    rest = REST.replace(f"{key}: {key[0]}", f"{key}: §{empty}")
    text, place = marked(a_rule(SET, rest=rest), "x.yaml")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place, finding.message) == ("K106", place, f"{key!r} of rule 'x' is empty")


def test_a_title_that_is_a_number_must_be_quoted() -> None:
    text, place = marked(a_rule(SET).replace("title: t", "title: §12"), "x.yaml")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place, finding.hint) == ("K104", place, "Put it in quotes if the text is meant.")


def test_a_title_that_is_ambiguous_must_be_quoted() -> None:
    text, place = marked(a_rule(SET).replace("title: t", "title: §off"), "x.yaml")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place) == ("K110", place)
    load(a_rule(SET).replace("title: t", 'title: "off"'))


def test_an_unknown_layer_is_found() -> None:
    text, place = marked(a_rule(SET, layer="§exeption"), "x.yaml")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place) == ("K112", place)
    assert finding.message == "unknown layer 'exeption'; did you mean 'exception'?"


def test_a_rule_id_is_used_once() -> None:
    text, place = marked(a_rule(SET, rule_id="§base"), "x.yaml")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place) == ("K111", place)
    assert finding.message == "rule id 'base' is used twice (first in base.yaml:2:11)"


def test_a_rule_id_is_in_kebab_case() -> None:
    text, place = marked(a_rule(SET, rule_id="§Not_So"), "x.yaml")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place) == ("K120", place)


def test_an_unknown_work_is_found() -> None:
    text, place = marked(a_rule(SET, rest=REST.replace("work: book", "work: §bok")), "x.yaml")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place) == ("K119", place)
    assert finding.message == "work 'bok' is not in the bibliography; did you mean 'book'?"


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [("§[]", "K106", "is empty"), ("§book", "K104", "must be a mapping"), ("§{work: book}", "K106", "has no 'at'")],
)
def test_a_source_names_a_work_and_a_place(source: str, code: str, message: str) -> None:
    text, place = marked(a_rule(SET, rest=REST.replace("{work: book, at: here}", source)), "x.yaml")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place) == (code, place)
    assert message in finding.message


def test_a_rule_that_is_no_mapping_is_found() -> None:
    findings = refused(rules="rules: [x]\n")
    assert [(each.code, each.place, each.message) for each in findings] == [
        ("K104", "x.yaml:1:9", "the rule must be a mapping (key: value), not 'x'")
    ]


def test_a_rule_without_an_id_is_found() -> None:
    text = a_rule(SET).replace("rule: x\n    title", "title")
    (finding,) = refused(rules=text)
    assert (finding.code, finding.place, finding.message) == ("K106", "x.yaml:2:5", "the rule has no 'rule'")


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("rules: {}\n", "K104", "x.yaml:1:8"),
        ("rule: x\n", "K105", "x.yaml:1:1"),
        ("about: []\nrules: []\n", "K104", "x.yaml:1:8"),
    ],
)
def test_a_rule_file_holds_a_list_of_rules(text: str, code: str, place: str) -> None:
    findings = refused(rules=text)
    assert (findings[0].code, findings[0].place) in {(code, place), ("K106", "x.yaml:1:1")}
    assert (code, place) in {(finding.code, finding.place) for finding in findings}


def test_all_mistakes_are_reported_at_once_in_the_order_of_their_places() -> None:
    text = a_rule("when: {sparsty: sparse, fast: yes}\nset: {activatoin: relu}\ndefeats: [nobody]")
    findings = refused(rules=text.replace("work: book", "work: bok"))
    assert [finding.code for finding in findings] == ["K102", "K110", "K115", "K113", "K119"]
    lines = [int(finding.place.split(":")[1]) for finding in findings]
    assert lines == sorted(lines)


def test_a_finding_renders_as_place_code_message_and_hint() -> None:
    (finding,) = refused(rules=a_rule("when: {sparsty: sparse}\n" + SET))
    assert str(finding) == (
        "x.yaml:5:12  K102 unknown fact 'sparsty'; did you mean 'sparsity'?\n"
        "  See all facts with: advisor rules show --vocabulary"
    )
