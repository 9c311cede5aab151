"""What the rulebook homl3 recommends is trained, from a table to a measured run."""

from __future__ import annotations

from pathlib import Path

import pytest

import advisor

pytestmark = pytest.mark.slow
CONCRETE = Path(__file__).parents[2] / "docs" / "samples" / "concrete.csv"


def test_the_default_of_homl3_is_trained(tmp_path: Path) -> None:
    run = advisor.train(
        {}, CONCRETE, target="strength", rulebook="homl3", out=tmp_path / "run", time_budget=8, export=("keras",)
    )
    assert run.recommendation["optimizer"] == "sgd_nesterov"
    assert run.recommendation.to_dict()["rulebook"]["name"] == "homl3"
    assert run.metrics["test"]["rmse"] < 0.8 * run.metrics["baselines"]["mean"]["test"]["rmse"]


def test_weight_decay_adamw_and_performance_scheduling_are_carried_out(tmp_path: Path) -> None:
    problem = {"architecture": "wide_and_deep", "overfitting_observed": True}
    problem |= {"preferred_optimizer": "adamw", "preferred_schedule": "performance"}
    run = advisor.train(
        problem, CONCRETE, target="strength", rulebook="homl3", out=tmp_path / "run", time_budget=9, export=("keras",)
    )
    values = run.recommendation.values
    chosen = {slot: values[slot] for slot in ("regularization", "optimizer", "learning_rate_schedule")}
    assert chosen == {"regularization": "weight_decay", "optimizer": "adamw", "learning_rate_schedule": "performance"}
    assert all(step["status"] != "not_carried_out_yet" for step in run.recommendation.to_dict()["plan"])
    assert run.metrics["test"]["rmse"] < 0.8 * run.metrics["baselines"]["mean"]["test"]["rmse"]
    assert "WEIGHT_DECAY = " in (tmp_path / "run" / "train.py").read_text()
