"""Questions about a recommendation: why not, what if, what would lead to it, what was given up, and is it true."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import advisor.explanation
from advisor.errors import ProblemError, RequestError
from advisor.explanation import (
    certify,
    contrast,
    counterfactual,
    decision_graph_svg,
    explain,
    given_up,
    what_if,
    why,
    why_not,
)
from advisor.explanation.asking import fact_changes, pair, slot_value, values_of
from advisor.explanation.certificate import objections
from advisor.explanation.certifying import rulebook_data
from advisor.explanation.outline import Outline, Section, Table
from advisor.explanation.pieces import Cell, Span, cells, joined, say_pieces
from advisor.explanation.rendering import render_markdown, render_text
from advisor.explanation.voice import Voice, alternatives
from advisor.interfaces.cli.main import run
from advisor.knowledge import load_rulebook
from advisor.knowledge.conditions import AnyOf, condition_from
from advisor.knowledge.domains import Domain
from advisor.recommendation import Recommendation, recommend

BOOK = load_rulebook("homl2")
PLAIN = recommend(
    {"task": "multiclass", "architecture": "dense_stack", "features": 20, "outputs": 3, "labeled_rows": 8000}
)
SPARSE = recommend(
    {
        "task": "binary",
        "architecture": "dense_stack",
        "features": 50,
        "labeled_rows": 20000,
        "risk_sensitive": True,
        "latency_budget_ms": 1.0,
        "sparsity": "very_sparse",
        "sparsity_target": 0.9,
        "size_budget_kb": 10.0,
        "preferred_optimizer": "nadam",
        "hidden_layers": 8,
    }
)


def words(explanation):
    return " ".join(str(explanation).split())


# ---------------------------------------------------------------- why not
def test_why_not_names_failed_conditions_down_to_the_facts():
    text = words(why_not(PLAIN, "activation", "relu"))
    assert "relu-in-eight-bits: Use ReLU in a network of 8 bits. It does not apply" in text
    assert "Size budget: no budget; it would have to be at most 50 kB" in text


def test_why_not_names_the_rule_that_withdrew_it():
    told = why_not(SPARSE, "activation", "selu")
    assert told.data["rules"][0]["status"] == "withdrawn"
    assert "Withdrawn by sparse-breaks-self-normalization" in words(told)


def test_why_not_names_the_rule_that_outranked_it():
    told = why_not(PLAIN, "activation", "elu")
    assert told.data["rules"][0]["status"] == "outranked"
    assert "Outranked, since architecture is above base, by self-normalizing-dense-stack" in words(told)


def test_why_not_says_when_no_rule_sets_it_and_what_rules_set():
    told = why_not(PLAIN, "batch_size", 77)
    assert told.data["rules"] == []
    assert "No rule sets it" in words(told)
    assert 32 in told.data["values"]


def test_why_not_of_what_is_says_so():
    assert "already is selu" in words(why_not(PLAIN, "activation", "selu"))
    assert "already contains" in words(why_not(SPARSE, "compression_ladder", "full_int8"))


def test_why_not_of_elements_asks_for_the_missing_ones():
    told = why_not(PLAIN, "pretraining", "reuse,unsupervised")
    assert {each["rule"] for each in told.data["rules"]} >= {"reuse-a-pretrained-network"}
    assert why_not(SPARSE, "compression_ladder", []).data["rules"]


def test_why_not_knows_alternatives_and_copies():
    assert "names nadam as equally good" in words(why_not(PLAIN, "optimizer", "nadam"))
    assert "it would have to be 7" in words(why_not(PLAIN, "hidden_layers", 7))
    assert "null" not in words(why_not(SPARSE, "sparsity_target", None))


@pytest.mark.parametrize(
    ("slot", "value", "message"),
    [
        ("activaton", "relu", "did you mean 'activation'"),
        ("activation", "rely", "did you mean 'relu'"),
        ("batch_size", "many", "is no value of batch_size"),
        ("mc_dropout", "perhaps", "is no value of mc_dropout"),
    ],
)
def test_unknown_slots_and_values_are_refused_with_a_suggestion(slot, value, message):
    for ask in (why_not, counterfactual):
        with pytest.raises(RequestError, match=message):
            ask(PLAIN, slot, value)


@pytest.mark.parametrize(
    ("slot", "given", "value"),
    [
        ("batch_size", "1,024", 1024),
        ("momentum", "0.9", 0.9),
        ("mc_dropout", "yes", True),
        ("gradient_clipping", "none", None),
        ("pretraining", "none", ()),
        ("pretraining", ["reuse"], ("reuse",)),
        ("dropout_rates", "[0.1, 0.2]", (0.1, 0.2)),
        ("sparsification", "none", "none"),
        ("momentum", 0.5, 0.5),
    ],
)
def test_values_are_read_as_people_write_them(slot, given, value):
    assert slot_value(BOOK, slot, given) == value


def test_pairs_need_an_equals_sign():
    assert pair("a = b", "--why-not", "SLOT") == ("a", "b")
    for left in ("SLOT", "FIELD"):
        with pytest.raises(RequestError, match=f"not of the form {left}=VALUE"):
            pair("a", "--x", left)


@pytest.mark.slow
@pytest.mark.parametrize("found", [PLAIN, SPARSE], ids=["plain", "hard"])
def test_every_value_of_every_slot_can_be_asked_for(found):
    for slot in BOOK.slots:
        for value in values_of(BOOK, slot):
            told = why_not(found, slot, value)
            assert f"Why not {slot} = " in told.text()
            assert json.dumps(told.as_dict())
            assert str(counterfactual(found, slot, value))


# ---------------------------------------------------------------- what if and contrast
def test_what_if_shows_the_difference_as_a_table():
    told = what_if(PLAIN, {"sparsity": "sparse", "labeled_rows": "90,000"})
    assert {each["name"] for each in told.data["facts"]} == {"sparsity", "labeled_rows"}
    assert "Sparse model: sparse instead of none" in words(told)
    assert "| Activation function | selu | elu | default\\-configuration" in told.markdown().replace("-c", "\\-c")


def test_what_if_of_the_same_changes_nothing():
    assert "nothing changes" in words(what_if(PLAIN, {"sparsity": "none"}))
    assert "No decision changes" in words(what_if(PLAIN, {"features": 21}))
    assert fact_changes({"units": 5}) == {"units": 5}


def test_what_if_refuses_unknown_fields_and_values():
    with pytest.raises(RequestError, match="did you mean 'sparsity'"):
        what_if(PLAIN, {"sparsty": "none"})
    with pytest.raises(ProblemError, match="did you mean 'sparse'"):
        what_if(PLAIN, {"sparsity": "spars"})


def test_contrast_sets_two_side_by_side():
    told = words(contrast(PLAIN, SPARSE))
    assert "facts differ" in told
    assert "Worth knowing second" in told
    other = recommend(dict(PLAIN.problem.facts()), "homl3")
    assert "The problems are the same" in words(contrast(PLAIN, other))
    assert "the second by homl3" in words(contrast(PLAIN, other))
    assert "no decision changes" in words(contrast(PLAIN, PLAIN))


def test_what_changes_only_its_reason_is_said():
    first = recommend({"task": "regression", "architecture": "wide_and_deep"})
    second = recommend(dict(first.problem.facts()) | {"hidden_layers": first["hidden_layers"]})
    assert "not always for the same reason" in words(contrast(first, second))


# ---------------------------------------------------------------- counterfactuals
def test_the_smallest_change_is_said_in_human_terms():
    told = counterfactual(PLAIN, "activation", "leaky_relu")
    assert (
        "Latency budget: at most 5 ms (now no budget)" in words(told).replace("above 0.05 and ", "")
        or told.data["sets"]
    )
    assert told.data["verdict"] == "found"
    assert len(told.data["sets"][0]) == 1


def test_fixed_facts_do_not_change():
    told = counterfactual(SPARSE, "activation", "selu", fixed=["sparsity"])
    assert told.data["verdict"] == "fixed"
    assert "No change of the other facts" in words(told)
    free = counterfactual(SPARSE, "activation", "selu")
    assert {each["fact"] for each in free.data["sets"][0]} >= {"sparsity", "sparsity_target", "latency_budget_ms"}
    with pytest.raises(RequestError, match="did you mean 'sparsity'"):
        counterfactual(SPARSE, "activation", "selu", fixed=["sparsty"])


def test_what_no_problem_leads_to_is_impossible():
    told = counterfactual(PLAIN, "batch_size", 77)
    assert told.data["verdict"] == "impossible"
    assert "impossible under the rulebook homl2" in words(told)


def test_what_is_so_needs_no_change():
    assert counterfactual(PLAIN, "activation", "selu").data["sets"] == [[]]
    assert "contains reuse" not in words(counterfactual(PLAIN, "pretraining", "reuse"))
    assert "be 4 already" not in words(counterfactual(PLAIN, "hidden_layers", 4))
    assert "contains full_int8 already" in words(counterfactual(SPARSE, "compression_ladder", "full_int8"))


def test_facts_behind_a_computed_number_change_as_far_as_they_must():
    told = counterfactual(PLAIN, "dropout", "alpha_dropout")
    rows = next(each for changes in told.data["sets"] for each in changes if each["fact"] == "labeled_rows")
    assert rows["values"].startswith("at most ")
    for number, holds in ((rows["value"], True), (rows["value"] + 1, False)):
        facts = {**PLAIN.problem.facts(), "labeled_rows": number}
        assert (recommend(facts)["dropout"] == "alpha_dropout") is holds
    assert "the pipeline observes it" in words(told)


def test_all_facts_may_have_to_change_together_behind_a_number():
    found = recommend({"task": "regression", "architecture": "dense_stack"})
    free = ["labeled_rows", "features", "outputs"]
    fixed = [name for name in found.problem.facts() if name not in free]
    told = counterfactual(found, "dropout", "alpha_dropout", fixed=fixed)
    assert {each["fact"] for each in told.data["sets"][0]} == set(free)


# ---------------------------------------------------------------- cells in words
def test_cells_are_named_as_people_do():
    voice = Voice(BOOK)
    number = Domain("number", nullable=True, minimum=0, minimum_is_allowed=False, maximum=1e9)
    atom = condition_from({"latency_budget_ms": {"le": 5}}).parts
    told = [say_pieces(voice, "latency_budget_ms", cell.pieces) for cell in cells(number, atom)]
    assert told == ["above 5 ms or no budget", "at most 5 ms"]
    assert say_pieces(voice, "labeled_rows", [Span(1000, 5000, True, False, True)]) == "from 1,000 to 4,999"
    assert say_pieces(voice, "labeled_rows", [Span(7, 7, True, True, True)]) == "7"
    assert say_pieces(voice, "labeled_rows", [Span(0, 10**12, True, True, True)]) == "any number"
    assert say_pieces(voice, "class_imbalance", [Span(0.1, 0.2, False, True, False)]) == "above 0.1 and at most 0.2"
    assert say_pieces(voice, "class_imbalance", [Span(0.1, 0.2, True, False, False)]) == "at least 0.1 and below 0.2"
    assert say_pieces(voice, "class_imbalance", [Span(0, 0.2, False, False, False)]) == "below 0.2"
    assert say_pieces(voice, "task", ["binary", "multiclass", "multilabel", "forecasting"]) == "anything but regression"


def test_spans_know_what_is_nearest():
    whole, open_ended = Span(1, 5, False, False, True), Span(1.0, 2.0, False, False, False)
    assert [whole.nearest(value) for value in (0, 3, 9)] == [2, 3, 4]
    assert [open_ended.nearest(value) for value in (0, 1.5, 9)] == [1.5, 1.5, 1.5]
    assert Span(1, 5, True, True, True).nearest(-1) == 1
    assert Span(1, 5, False, True, True).sample() == 5
    assert Cell(None, (None, Span(1, 2, True, True, True))).nearest(7) is None
    assert Cell(1, (Span(1, 2, True, True, True),)).nearest(None) == 1
    assert joined([Span(5, 9, True, True, True), Span(1, 4, True, True, True), None]) == [
        None,
        Span(1, 9, True, True, True),
    ]
    assert joined([Span(1, 9, True, True, True), Span(2, 3, True, False, True)]) == [Span(1, 9, True, True, True)]
    assert [cell.sample for cell in cells(Domain("bool"), condition_from({"x": True}).parts)] == [False, True]


def test_conditions_are_said_in_words():
    voice = Voice(BOOK)
    assert voice.condition(condition_from({})) == "always"
    told = voice.condition(
        condition_from({"sparsity": {"not": "none"}, "any": [{"units": {"not": None}}, {"depth": "deep"}]})
    )
    assert told == "Sparse model is anything but none and Neurons in each hidden layer is stated, or Depth is deep"
    assert isinstance(condition_from({"any": [{}, {}]}).parts[0], AnyOf)
    assert voice.value("rows_per_parameter", None) == "unknown"
    assert alternatives(["a"]) == "a"


# ---------------------------------------------------------------- what was given up
def test_what_was_given_up_is_said_with_its_price():
    told = given_up(SPARSE)
    assert {each["rule"] for each in told.data["conflicts"]} >= {"self-normalizing-dense-stack"}
    assert "What each wish changes" in words(told)
    prices = {each["fact"]: each for each in told.data["prices"]}
    assert "sparsity" in prices
    assert any(each["slot"] == "optimizer" for each in prices["preferred_optimizer"]["decisions"])
    assert "Nothing: no wish pulled" in words(given_up(PLAIN))


def test_measured_facts_stay_measured_in_what_if():
    found = recommend(dict(PLAIN.problem.facts()), measured={"labeled_rows": "8,000 rows have a target."})
    assert what_if(found, {"units": 50}).data["decisions"]
    again = Recommendation.from_json(found.to_json())
    assert words(what_if(again, {"units": 50})) == words(what_if(found, {"units": 50}))
    assert why(again, "hidden_layers").data["facts"][0]["origin"] in ("derived", "given", "measured")


# ---------------------------------------------------------------- certificates
def test_an_untouched_recommendation_is_certified():
    for found in (PLAIN, SPARSE, Recommendation.from_json(SPARSE.to_json())):
        assert certify(found).data["is_certified"]
    assert certify(SPARSE, rulebook="homl2").data["is_certified"]
    assert certify(SPARSE, rulebook=BOOK).data["is_certified"]


def forged(change):
    document = json.loads(SPARSE.to_json())
    change(document)
    return objections(document, rulebook_data(BOOK))


def test_every_kind_of_forgery_is_noticed():
    rule = "self-normalizing-dense-stack"
    assert "not the one" in forged(lambda d: d["rulebook"].update(sha256="0" * 64))[0]
    assert "not exactly" in forged(lambda d: d["decisions"].pop("activation"))[0]
    assert "computed number" in forged(lambda d: d["trace"]["computed"]["rows_per_parameter"].update(value=9.0))[0]
    assert "whether they apply" in forged(lambda d: d["problem"].update(risk_sensitive=False))[0]
    assert "withdraw it are" in forged(lambda d: d["trace"]["rules"][rule].update(withdrawn_by=["wide-path"]))[0]
    assert "other facts" in forged(lambda d: d["trace"]["rules"][rule]["facts"].update(architecture="residual"))[0]
    assert "standing rules contribute" in forged(lambda d: d["decisions"]["compression_ladder"].update(value=[]))[0]
    assert "highest standing rules" in forged(lambda d: d["decisions"]["activation"].update(rule="wide-path"))[0]


def test_a_forged_recommendation_is_not_certified():
    document = json.loads(SPARSE.to_json())
    document["decisions"]["activation"]["value"] = "selu"
    told = certify(Recommendation.from_json(json.dumps(document)))
    assert not told.data["is_certified"]
    assert "Objections" in words(told)


def test_the_checker_is_a_small_program_without_the_engine(tmp_path, monkeypatch):
    path = Path(advisor.explanation.__file__).parent / "certificate.py"
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 100
    assert "advisor" not in " ".join(re.findall(r"^(?:from|import) .*", text, flags=re.M))
    (tmp_path / "r.json").write_text(SPARSE.to_json())
    (tmp_path / "b.json").write_text(json.dumps(rulebook_data(BOOK)))
    command = [sys.executable, "-I", str(path), str(tmp_path / "r.json"), str(tmp_path / "b.json")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("Certified")
    monkeypatch.setattr(sys, "argv", command[2:])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0


def test_another_rulebook_is_refused():
    again = Recommendation.from_json(SPARSE.to_json())
    with pytest.raises(RequestError, match="was made by homl2"):
        why_not(again, "activation", "selu", rulebook="homl3")


# ---------------------------------------------------------------- graph, methods, command line
def test_the_graph_is_named_described_and_safe():
    drawn = decision_graph_svg(SPARSE.document, identifier="x")
    assert 'role="img" ' in drawn
    assert '<title id="x-title">' in drawn
    assert "is withdrawn by" in drawn
    assert "comes back" in drawn
    assert "prefers-color-scheme:dark" in drawn
    assert len(drawn) < 200_000
    import xml.etree.ElementTree as ElementTree

    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    document = json.loads(SPARSE.to_json())
    document["trace"]["rules"]["fast-activation"]["title"] = "<script>\x01 & 'x'"
    assert "<script>" not in decision_graph_svg(document)


def test_boxes_do_not_overlap_and_arrows_go_right():
    from advisor.explanation.layout import place

    heights = {name: 40.0 for name in "abcdef"}
    arrows = [("a", "d"), ("b", "d"), ("c", "e"), ("d", "f"), ("a", "f"), ("c", "d"), ("b", "e")]
    placed = place(heights, arrows)
    assert all(placed.column[source] < placed.column[target] for source, target in arrows)
    for one in heights:
        for other in heights:
            if one < other and placed.column[one] == placed.column[other]:
                assert abs(placed.top[one] - placed.top[other]) >= 40
    assert len(placed.routes["a", "f"]) == 1
    assert place({}, []).columns == 0


def test_the_graph_of_one_slot_shows_what_lies_behind_it():
    whole, part = decision_graph_svg(SPARSE.document), decision_graph_svg(SPARSE.document, slot="activation")
    assert len(part) < len(whole)
    assert decision_graph_svg(PLAIN.document, slot="dropout")
    assert decision_graph_svg(PLAIN.document, slot="normalization")
    with pytest.raises(RequestError, match="did you mean 'activation'"):
        decision_graph_svg(PLAIN.document, slot="activaton")
    for slot in SPARSE.values:
        assert decision_graph_svg(SPARSE.document, slot=slot).endswith("</svg>")


def test_the_explanation_answers_questions():
    told = explain(SPARSE)
    assert words(told.why("activation")) == words(why(SPARSE, "activation"))
    assert words(told.why_not("activation", "selu")) == words(why_not(SPARSE, "activation", "selu"))
    assert words(told.what_if(risk_sensitive=False)) == words(what_if(SPARSE, {"risk_sensitive": False}))
    assert told.counterfactual("activation", "selu").data["sets"]
    assert words(told.contrast(PLAIN)) == words(contrast(SPARSE, PLAIN))
    assert words(told.given_up()) == words(given_up(SPARSE))
    assert told.certify().data["is_certified"]
    assert told.graph("activation") == decision_graph_svg(SPARSE.document, slot="activation")
    with pytest.raises(AttributeError, match="no attribute 'draw'"):
        advisor.explanation.draw  # noqa: B018


def test_a_table_breaks_words_at_their_joints_and_only_where_they_do_not_fit():
    steps = "fold_batch_normalization, quantization_aware_int8, fewer_layers"
    table = Table(("Decision", "Now", "By"), (("If the budget is missed", steps, "stop-early-in-such-networks-too"),))
    outline = Outline("T", "S", (Section("Facts", (), False, table),))
    wide = outline_words(render_text(outline, width=80))
    assert {"fold_batch_normalization,", "quantization_aware_int8,", "fewer_layers"} <= wide
    narrow = render_text(outline, width=60)
    assert all(len(line) <= 60 for line in narrow.splitlines())
    assert {"stop-early-in-", "such-networks-", "too"} <= outline_words(narrow)
    assert all(len(line) <= 40 for line in render_text(outline, width=40).splitlines())


def outline_words(text: str) -> set[str]:
    return set(text.split())


def test_tables_fit_and_escape():
    table = Table(("Name", "What"), (("a" * 30, "b | c"), ("x", "long words " * 12)))
    outline = Outline("T", "S", (Section("H", table=table),))
    assert max(map(len, render_text(outline, width=60).splitlines())) <= 60
    assert "b \\| c" in render_markdown(outline)
    assert outline.as_dict()["sections"][0]["table"]["columns"] == ["Name", "What"]


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(SPARSE.to_json())
    return str(path)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--why", "activation"], 0, "Why activation = relu"),
        (["--why-not", "activation=selu", "--markdown"], 0, "# Why not activation"),
        (
            ["--what-if", "sparsity_target=null", "--what-if", "risk_sensitive=no"],
            0,
            "Risk-sensitive: no instead of yes",
        ),
        (["--counterfactual", "activation=selu", "--fixed", "sparsity", "--json"], 0, '"verdict": "fixed"'),
        (["--given-up"], 0, "What lost, and to what"),
        (["--certify"], 0, "Certified"),
        ([], 0, "Recommendation"),
        (["--why", "activation", "--given-up"], 2, ""),
        (["--fixed", "sparsity"], 2, ""),
        (["--why-not", "activation"], 2, ""),
    ],
)
def test_the_command_line_answers_one_question(saved, capsys, options, code, said):
    assert run(["explain", saved, *options]) == code
    assert said in " ".join(capsys.readouterr().out.split())


def test_the_command_line_contrasts_and_draws(saved, capsys, tmp_path):
    assert run(["explain", saved, "--contrast", saved]) == 0
    out = tmp_path / "g.svg"
    assert run(["explain", saved, "--graph", str(out)]) == 0
    assert out.read_text().startswith("<svg")
    capsys.readouterr()
    assert run(["explain", saved, "--graph", str(out), "--why", "activation"]) == 0
    assert "Why activation" in capsys.readouterr().out


def test_a_forged_file_ends_with_one(tmp_path, capsys):
    document = json.loads(SPARSE.to_json())
    document["decisions"]["activation"]["value"] = "selu"
    path = tmp_path / "f.json"
    path.write_text(json.dumps(document))
    assert run(["explain", str(path), "--certify"]) == 1
    assert "Not certified" in capsys.readouterr().out


def test_no_change_at_all_is_the_smallest():
    from advisor.explanation.changing import minimal

    assert minimal([0, 1, 3]) == [0]
    assert minimal([3, 6, 7, 8, 9]) == [8, 3, 6]


def test_an_answer_does_not_depend_on_earlier_ones():
    problem = {"task": "regression", "architecture": "wide_and_deep"}
    first = recommend({**problem, "hidden_layers": 3}).to_json()
    assert '"how": "rebutted"' in recommend({**problem, "hidden_layers": 2}).to_json()
    overridden = recommend({**problem, "hidden_layers": 2}).decisions["hidden_layers"].overrides
    assert [each["value"] for each in overridden] == [3]
    assert recommend({**problem, "hidden_layers": 3}).to_json() == first
