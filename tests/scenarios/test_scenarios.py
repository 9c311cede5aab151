"""Whole answers as golden files: for each folder, its problem must give its recommendation and its explanation.

A changed recommendation is a changed product. After a deliberate change, write the golden files anew with

    ADVISOR_REGENERATE=1 python -m pytest tests/scenarios

and review their diff.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from advisor.explanation import Explanation, counterfactual, explain, given_up, what_if, why, why_not
from advisor.recommendation import Recommendation, recommend

FOLDER = Path(__file__).parent
QUESTIONS: dict[str, list[tuple[str, Any]]] = {
    "all_that_can_be_leveraged": [("why", "pretraining"), ("why not", "pretraining=reuse")],
    "convolutional_images": [("why not", "activation=selu"), ("counterfactual", "activation=selu")],
    "deep_residual": [("why", "normalization"), ("counterfactual", "normalization=none")],
    "everything_at_once": [("given up", ""), ("why", "activation"), ("counterfactual", "activation=selu")],
    "few_facts": [("counterfactual", "mc_dropout=yes"), ("what if", "labeled_rows=300")],
    "low_latency": [("why not", "activation=selu"), ("what if", "latency_budget_ms=null")],
    "low_latency_and_risk": [("given up", ""), ("why", "uncertainty_ladder")],
    "low_latency_deep": [("why not", "normalization=none"), ("counterfactual", "normalization=none")],
    "microcontroller": [("why", "precision"), ("counterfactual", "precision=float32")],
    "outliers_and_positive": [("why not", "output_activation=linear"), ("why not", "loss=mae")],
    "overfitting_observed": [("why", "dropout"), ("what if", "overfitting_observed=no")],
    "preferred_optimizer": [("why", "optimizer"), ("counterfactual", "optimizer=nadam")],
    "pretraining_and_risk": [("why", "reused_dropout"), ("why not", "reused_dropout=none")],
    "reuse_and_sparse": [("why", "pruned_after"), ("why not", "activation=selu"), ("given up", "")],
    "reuse_other": [("why not", "activation=selu"), ("given up", "")],
    "reuse_with_few_labels": [("why", "dropped_layers"), ("counterfactual", "dropped_layers=replace")],
    "risk_sensitive": [("why", "mc_dropout"), ("why not", "mc_dropout=no")],
    "sparse": [("why not", "activation=selu"), ("counterfactual", "activation=selu"), ("given up", "")],
    "tiny_table": [("why", "hidden_layers"), ("counterfactual", "hidden_layers=5")],
}
"""Scenario → questions whose answers are golden too, in ``questions.md``."""
SCENARIOS = sorted(path.parent for path in FOLDER.glob("*/problem.json"))


def summary(found: Recommendation) -> dict[str, Any]:
    """Return what a reviewer compares: values with their rules, requirements, steps and warnings, without prose."""
    document = found.to_dict()
    return {
        "decisions": {slot: [each["value"], each["rule"]] for slot, each in document["decisions"].items()},
        "requirements": {
            each["name"]: [each["comparison"], each["required"], each["unit"]] for each in document["requirements"]
        },
        "plan": {each["step"]: each["status"] for each in document["plan"]},
        "warnings": [each["code"] for each in document["warnings"]],
        "estimate": document["estimate"],
    }


def as_json(summarized: dict[str, Any]) -> str:
    """Return a summary as JSON with one line for each entry."""
    parts = []
    for name, part in summarized.items():
        if isinstance(part, dict):
            lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in part.items())
            text = "{\n" + lines + "\n  }" if lines else "{}"
        else:
            text = json.dumps(part)
        parts.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda path: path.name)
def test_a_scenario_gives_its_golden_answer(folder: Path):
    found = recommend((folder / "problem.json").read_text(encoding="utf-8"))
    answers = {"recommendation.json": as_json(summary(found)), "explanation.md": explain(found).markdown()}
    for name, answer in answers.items():
        golden = folder / name
        if os.environ.get("ADVISOR_REGENERATE"):
            golden.write_text(answer, encoding="utf-8")
        assert golden.read_text(encoding="utf-8") == answer, f"{golden.name} changed; see the top of {__file__}"


def answer(found: Recommendation, kind: str, asked: str) -> Explanation:
    """Ask one question as the command line does."""
    name, _, value = asked.partition("=")
    if kind == "given up":
        return given_up(found)
    if kind == "why":
        return why(found, name)
    if kind == "what if":
        return what_if(found, {name: value})
    return why_not(found, name, value) if kind == "why not" else counterfactual(found, name, value)


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_questions_about_a_scenario_have_their_golden_answers(name: str):
    found = recommend((FOLDER / name / "problem.json").read_text(encoding="utf-8"))
    told = "\n".join(answer(found, kind, asked).markdown() for kind, asked in QUESTIONS[name])
    golden = FOLDER / name / "questions.md"
    if os.environ.get("ADVISOR_REGENERATE"):
        golden.write_text(told, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == told, f"{golden.name} changed; see the top of {__file__}"


def test_there_are_thirty_scenarios():
    assert len(SCENARIOS) >= 30
