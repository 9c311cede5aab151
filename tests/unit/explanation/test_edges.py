"""What seldom happens when one asks about a recommendation, and must come out right all the same."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from advisor.errors import ProblemError
from advisor.explanation import changing, counterfactual, decision_graph_svg, given_up, grounds, why, why_not, wording
from advisor.explanation.asking import slot_value
from advisor.explanation.changing import space_of, table_of
from advisor.explanation.computed import _ends
from advisor.explanation.outline import _summary
from advisor.explanation.pieces import Cell, Span
from advisor.explanation.reaching import Change, _exactly, _is_right
from advisor.explanation.tradeoffs import _entry
from advisor.explanation.tradeoffs import _summary as given_up_summary
from advisor.explanation.why import _reasons, _rule
from advisor.knowledge import load_rulebook
from advisor.recommendation import Recommendation, recommend

BOOK = load_rulebook("homl2")
PLAIN = recommend({"task": "multiclass", "architecture": "dense_stack", "features": 20, "outputs": 3})


def test_a_single_number_stands_for_a_list_of_one() -> None:
    assert slot_value(BOOK, "dropout_rates", 0.25) == (0.25,)
    assert slot_value(BOOK, "dropout_rates", [0.25, 0.5]) == (0.25, 0.5)


def test_tables_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changing, "_MOST_TABLES", 1)
    space_of(BOOK)[1].clear()
    for slot in ("activation", "precision"):
        table_of(BOOK, slot, "relu", {})
    assert len(space_of(BOOK)[1]) == 1


def test_a_span_without_end_has_the_end_that_it_has() -> None:
    assert _ends(Cell(0, (Span(0, math.inf, True, False, True),))) == [0]


def test_an_exact_change_of_something_else_than_a_number_is_itself() -> None:
    assert _exactly("relu") == ("relu",)
    assert _exactly(True) == (True,)
    assert _exactly(3) == (Span(3, 3, True, True, True),)


def test_a_drawing_with_links_is_a_group() -> None:
    rule = PLAIN.document["decisions"]["activation"]["rule"]
    assert 'role="group"' in decision_graph_svg(PLAIN.document, links={rule: f"#{rule}"})
    assert 'role="img"' in decision_graph_svg(PLAIN.document)


def test_a_rule_that_the_document_does_not_tell_of_is_named_alone() -> None:
    document: dict[str, Any] = copy.deepcopy(dict(PLAIN.to_dict()))
    rule = document["decisions"]["activation"]["rule"]
    document["trace"]["rules"][rule]["limits"] = ""
    assert not any("Limits" in note for note in _rule(document, rule).notes)
    del document["trace"]["rules"][rule]
    assert _rule(document, rule).reason == f"{rule}."


def test_what_a_computed_number_was_computed_from_is_found() -> None:
    known = recommend({"task": "binary", "architecture": "residual", "features": 20, "outputs": 1, "labeled_rows": 100})
    document = known.document
    assert "rows_per_parameter" in document["trace"]["computed"]
    rules, facts = _reasons(document, "rows_per_parameter")
    assert rules == ()
    assert facts["labeled_rows"] == 100
    assert "worked out from the facts below" in " ".join(str(why(known, "regularization")).split())
    assert "<svg" in decision_graph_svg(document)


def test_sources_without_a_place_and_rules_without_a_source_are_said() -> None:
    works = {"book": {"kind": "book", "short": "A Book"}}
    assert wording.say_source({"work": "book", "at": ""}, works) == "A Book"
    assert wording.say_main_source([], works) == ""


def test_a_network_of_undecided_depth_has_no_shape() -> None:
    assert wording.say_shape({"hidden_layers": None}) == ""
    assert wording.say_shape({"hidden_layers": 3, "units": 100}) == "3 hidden layers of 100 neurons"


def test_one_hidden_layer_is_said_in_the_singular() -> None:
    assert "1 hidden layer of" in _summary(
        recommend({"task": "binary", "architecture": "dense_stack", "hidden_layers": 1})
    )


def test_what_was_given_up_may_be_advice_or_aims_or_both() -> None:
    assert given_up_summary([], [], []) == "Nothing: no wish pulled against another one."
    assert given_up_summary([], [1], []) == "1 pair of aims pulls apart."
    assert given_up_summary([{}], [1, 2], [1]) == (
        "1 piece of advice gave way to another and 2 pairs of aims pull apart. "
        "The table says what would be advised without each wish."
    )
    conflict = {
        "spoke_for": [],
        "lost_to": [],
        "limits": "",
        "slots": [],
        "how": "outranked",
        "rule": "r",
        "title": "t",
    }
    assert _entry(conflict).notes == ()
    assert str(given_up(PLAIN))


def test_a_silent_rule_may_be_outranked_even_if_it_applied() -> None:
    fast = recommend({"task": "binary", "architecture": "wide_and_deep", "size_budget_kb": 10.0})
    assert fast["activation"] == "relu"
    text = " ".join(str(why_not(fast, "activation", "leaky_relu")).split())
    assert "Even then" in text


def test_a_wish_goes_with_what_would_contradict_its_absence() -> None:
    sparse = recommend({"task": "binary", "architecture": "dense_stack", "sparsity": "sparse", "sparsity_target": 0.5})
    without = grounds.grounds_of(sparse).without("sparsity")
    assert without.problem.sparsity_target is None


def test_a_contradiction_that_no_absence_explains_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        recommend({"task": "multiclass", "architecture": "dense_stack", "outputs": 1})

    monkeypatch.setattr(grounds, "recommend", refuse)
    with pytest.raises(ProblemError):
        grounds.grounds_of(recommend({"task": "binary", "architecture": "dense_stack"})).without("task")


def test_a_counterfactual_that_is_so_already_changes_nothing() -> None:
    assert counterfactual(PLAIN, "activation", PLAIN["activation"]).data["verdict"] == "so"


def test_a_rule_that_copies_may_win_and_still_give_another_value() -> None:
    deep = recommend({"task": "binary", "architecture": "dense_stack", "hidden_layers": 8})
    told = why_not(deep, "hidden_layers", 4)
    assert "It copies what was stated." in " ".join(str(told).split())
    assert [] in [each.get("by") for each in told.data["rules"]]


def test_a_rule_that_held_and_was_withdrawn_is_no_reason_of_its_own() -> None:
    sparse = recommend({"task": "binary", "architecture": "dense_stack", "sparsity": "sparse"})
    assert "Why not dropout = alpha_dropout" in str(why_not(sparse, "dropout", "alpha_dropout"))


def test_a_silent_rule_of_a_lower_layer_would_be_outranked() -> None:
    fast = recommend({"task": "binary", "architecture": "dense_stack", "latency_importance": "high"})
    assert "would outrank it." in " ".join(str(why_not(fast, "activation", "tanh")).split())


def test_the_rulebook_may_be_given_to_what_was_read_from_json() -> None:
    read = Recommendation.from_json(PLAIN.to_json())
    assert grounds.grounds_of(read, BOOK).rulebook is BOOK
    assert grounds.grounds_of(read).rulebook.sha256 == BOOK.sha256


def test_not_knowing_a_number_may_be_the_change() -> None:
    starved = {"task": "regression", "architecture": "dense_stack", "features": 20, "outputs": 1, "labeled_rows": 10}
    found = recommend(starved)
    assert found["dropout"] == "alpha_dropout"
    fixed = [name for name in found.problem.facts() if name != "outputs"]
    told = counterfactual(found, "dropout", "none", fixed=fixed)
    assert "unknown" in " ".join(each["values"] for changes in told.data["sets"] for each in changes)


def test_changes_that_make_no_valid_problem_are_no_answer() -> None:
    facts = PLAIN.problem.facts()
    assert not _is_right(BOOK, facts, "loss", "mse", (Change("outputs", (1,), 1),))
    assert _is_right(
        BOOK, facts, "precision", "int8", (Change("target_device", ("microcontroller",), "microcontroller"),)
    )


def test_a_silent_rule_may_be_withdrawn_even_if_it_applied() -> None:
    text = recommend({"task": "binary", "architecture": "recurrent", "data_kind": "text"})
    told = " ".join(str(why_not(text, "embedding_size", 32)).split())
    assert "Even then large-embeddings-for-words would withdraw it." in told
