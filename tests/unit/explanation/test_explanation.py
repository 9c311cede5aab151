"""Explanations: clear, complete, within 80 columns, the same in every form."""

import json
import re

import pytest

from advisor.errors import RequestError
from advisor.explanation import Style, explain, why
from advisor.explanation.effect import without_effect
from advisor.explanation.wording import first_sentence, say_fact_value, say_list, say_value
from advisor.recommendation import Recommendation, recommend

PLAIN = {"task": "multiclass", "architecture": "dense_stack", "features": 20, "outputs": 3, "labeled_rows": 8000}
HARD = {
    "task": "binary",
    "architecture": "dense_stack",
    "features": 50,
    "risk_sensitive": True,
    "latency_budget_ms": 1.0,
    "size_budget_kb": 10.0,
    "sparsity": "very_sparse",
    "unlabeled_rows": 10**7,
    "pretrained_model_available": True,
}
PROBLEMS = pytest.mark.parametrize("facts", [PLAIN, HARD], ids=["plain", "hard"])


@PROBLEMS
@pytest.mark.parametrize("width", [80, 64])
@pytest.mark.parametrize("brief", [True, False])
def test_no_line_is_wider_than_the_page(facts, width, brief):
    for line in explain(recommend(facts), brief=brief).text(width=width).splitlines():
        assert len(line) <= width or " " not in line.strip()


@PROBLEMS
def test_every_decision_and_rule_is_in_the_full_explanation(facts):
    found = recommend(facts)
    text = " ".join(str(explain(found)).split())
    for decision in found.decisions.values():
        assert decision.title in text
        assert decision.rule in text


@PROBLEMS
def test_groups_come_in_the_order_of_the_rulebook(facts):
    text = str(explain(recommend(facts), brief=True))
    headings = re.findall(r"^(.+)\n-+$", text, flags=re.MULTILINE)
    wanted = ["Your problem", "The network", "Inputs and targets", "Regularization", "Training"]
    assert headings[:5] == wanted
    assert headings.index("Uncertainty") < headings.index("Requirements") < headings.index("Plan")


def test_a_brief_explanation_leaves_out_what_is_not_needed():
    text = str(explain(recommend(PLAIN), brief=True))
    assert "Samples for a prediction" not in text
    assert "Not needed" in text
    assert len(text) < len(str(explain(recommend(PLAIN))))


@PROBLEMS
def test_text_markdown_and_dictionary_say_the_same(facts):
    explanation = explain(recommend(facts))
    document = explanation.as_dict()
    assert json.loads(json.dumps(document)) == document
    text = " ".join(explanation.text(width=200).split())
    markdown = " ".join(explanation.markdown().replace("\\", "").replace("*", "").split())
    for section in document["sections"]:
        assert section["title"] in text
        assert section["title"] in markdown
        for entry in section["entries"]:
            for piece in (entry["reason"], *entry["notes"]):
                assert " ".join(piece.split()) in markdown.replace("  ", " ") or "*" in piece
                assert all(word in text for word in piece.split()[:5])


def test_an_explanation_needs_no_rules():
    found = recommend(HARD)
    again = Recommendation.from_json(found.to_json())
    assert str(explain(again)) == str(explain(found))
    assert str(why(again, "activation")) == str(why(found, "activation"))


def test_paint_only_adds_escape_sequences():
    style = Style(
        heading=lambda text: f"\033[1m{text}\033[0m",
        value=lambda text: f"\033[36m{text}\033[0m",
        muted=lambda text: f"\033[2m{text}\033[0m",
    )
    found = recommend(HARD)
    painted = explain(found).text(style=style)
    assert "\033[1m" in painted
    assert re.sub(r"\033\[\d+m", "", painted) == explain(found).text()


def test_what_is_not_carried_out_is_said_in_words():
    found = recommend(HARD)
    waiting = any(step["status"] == "not_carried_out_yet" for step in found.plan)
    assert ("[NOT CARRIED OUT YET]" in " ".join(str(explain(found)).split())) == waiting


def test_requirements_are_said_with_numbers_and_units():
    text = str(explain(recommend(HARD), brief=True))
    assert "at most 1 ms" in text
    assert "at most 10 kB" in text
    assert "You stated none" in str(explain(recommend(PLAIN), brief=True))


@pytest.mark.parametrize("slot", list(recommend(HARD).values))
def test_every_slot_can_be_explained(slot):
    for facts in (PLAIN, HARD):
        found = recommend(facts)
        text = " ".join(str(why(found, slot)).split())
        assert found.decisions[slot].rule in text
        assert text.startswith(f"Why {slot} = ")


def test_why_goes_down_to_what_was_said():
    text = str(why(recommend(PLAIN), "hidden_layers"))
    assert "Labeled rows: 8,000" in text
    assert "you said so" in text


def test_why_tells_how_a_fact_was_measured():
    found = recommend(PLAIN, measured={"labeled_rows": "8,000 of 8,100 rows have a target."})
    assert "8,000 of 8,100 rows have a target." in " ".join(str(why(found, "hidden_layers")).split())


def test_why_says_what_was_replaced_and_withdrawn():
    text = " ".join(str(why(recommend({**PLAIN, "sparsity": "sparse"}), "activation")).split())
    assert "selu (self-normalizing-dense-stack was withdrawn by sparse-breaks-self-normalization)" in text
    assert "elu (default-configuration was outranked)" in " ".join(str(why(recommend(PLAIN), "activation")).split())


def test_why_names_alternatives():
    assert "rmsprop or nadam would do as well" in str(why(recommend(PLAIN), "optimizer"))


def test_why_of_an_unknown_slot_suggests_one():
    with pytest.raises(RequestError, match="did you mean 'activation'"):
        why(recommend(PLAIN), "activaton")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "yes"),
        (False, "no"),
        (12345, "12,345"),
        (0.005, "0.005"),
        ((), "none"),
        (("a", "b"), "a, b"),
        ("selu", "selu"),
    ],
)
def test_values_are_said_for_people(value, words):
    assert say_value(value) == words


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("labeled_rows", 1000, "1,000"),
        ("labeled_rows", None, "unknown"),
        ("latency_budget_ms", 2.0, "2 ms"),
        ("latency_budget_ms", None, "no budget"),
        ("hidden_layers", None, "let the advisor choose"),
        ("rows_per_parameter", None, "unknown"),
    ],
)
def test_facts_are_said_with_units(name, value, words):
    assert say_fact_value(name, value) == words


def test_first_sentences_do_not_end_at_abbreviations():
    assert first_sentence("See ch. 11 for it. Then go on.") == "See ch. 11 for it."
    assert say_list(["a"]) == "a"
    assert say_list(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("facts", "shape", "passed_over"),
    [
        ({"architecture": "dense_stack"}, "3 hidden layers of 100 neurons", set()),
        (
            {"architecture": "convolutional", "data_kind": "image"},
            "6 convolutional layers with 32 filters at first",
            set(),
        ),
        (
            {"architecture": "recurrent", "data_kind": "text"},
            "1 GRU layer of 64 neurons",
            {"units", "momentum", "range_test_steps", "range_test_repeats"},
        ),
    ],
)
def test_a_network_is_described_by_what_it_is_made_of(facts, shape, passed_over):
    document = recommend({"task": "binary", **facts}).document
    assert f" with {shape}, " in str(explain(recommend({"task": "binary", **facts}))).replace("\n", " ")
    settings = ("units", "momentum", "range_test_steps", "range_test_repeats")
    assert {slot for slot in settings if without_effect(document, slot)} == passed_over
