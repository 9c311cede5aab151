from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.export.model_card import render_model_card
from advisor.recommendation import recommend
from advisor.report import model_card_inputs
from tests.unit.report.sample import sample_inputs

CARD = model_card_inputs(sample_inputs(epochs=2))


def front_and_body(text: str) -> tuple[dict[str, Any], str]:
    start, front, body = text.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(front), body


def test_the_front_matter_is_what_model_hubs_read() -> None:
    front, _ = front_and_body(render_model_card(CARD))
    assert front["license"] == "unknown"
    assert front["pipeline_tag"] == "tabular-regression"
    assert front["library_name"] == "keras"
    result = front["model-index"][0]["results"][0]
    assert result["task"]["type"] == "tabular-regression"
    assert result["dataset"]["name"] == "concrete.csv"
    assert result["metrics"][0] == {"type": "rmse", "value": 5.31, "name": "rmse"}


def test_the_card_has_its_sections_and_every_decision_that_shaped_the_model() -> None:
    _, body = front_and_body(render_model_card(CARD))
    for section in ("Intended use", "Use", "Data", "Metrics", "Limits", "How it was decided", "Reproducibility"):
        assert f"\n## {section}\n" in body
    document = recommend({"task": "binary", "architecture": "dense_stack", "sparsity": "sparse"}).document
    _, body = front_and_body(render_model_card(replace(CARD, recommendation=document)))
    for slot in ("activation", "regularization", "sparsification", "batch_size"):
        decision = document["decisions"][slot]
        assert f"**{decision['title']}**: " in body
        assert decision["because"] in body
    for slot in ("wide_path", "filters", "mc_samples", "vocabulary_limit", "unsupervised_epochs"):
        assert f"**{document['decisions'][slot]['title']}**" not in body


def test_a_metric_that_is_not_a_number_stays_out_of_the_index() -> None:
    front, _ = front_and_body(render_model_card(replace(CARD, network={"rmse": float("nan"), "mae": 1.0})))
    assert front["metrics"] == ["mae"]


@settings(max_examples=60, deadline=None)
@given(name=st.text(max_size=60), column=st.text(max_size=60), label=st.text(max_size=20))
def test_names_never_break_the_card(name: str, column: str, label: str) -> None:
    text = render_model_card(
        replace(CARD, name=name, target=column, data_name=name, features={column: "numeric"}, classes=(label, "other"))
    )
    text.encode("utf-8")
    front, body = front_and_body(text)
    assert front["model-index"][0]["results"][0]["metrics"]
    table = body.split("| Column | Kind |\n")[1].split("\n\n")[0].splitlines()
    assert len(table) == 2
    assert "<" not in table[1].replace("\\<", "")
