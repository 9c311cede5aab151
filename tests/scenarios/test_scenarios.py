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

from advisor.explanation import explain
from advisor.recommendation import Recommendation, recommend

FOLDER = Path(__file__).parent
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


def test_there_are_thirty_scenarios():
    assert len(SCENARIOS) >= 30
