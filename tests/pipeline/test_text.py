"""Texts from a table to a run folder: every format answers alike on raw texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import advisor
from advisor.pipeline.benching import bench

pytestmark = pytest.mark.slow

FILL = ("film", "plot", "actor", "scene", "music", "story")


def test_texts_are_learned_delivered_and_predicted(tmp_path: Path, as_logged: Any) -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 240)
    texts = [
        f"{' '.join(generator.choice(FILL, 2))} {('bad', 'good')[label]} {' '.join(generator.choice(FILL, 2))}"
        for label in labels
    ]
    frame = pl.DataFrame({"text": [f"{text} {row}" for row, text in enumerate(texts)], "label": labels})
    run = advisor.train({}, frame, target="label", out=tmp_path / "run")
    assert run.metrics["test"]["accuracy"] >= 0.9
    assert {each["name"] for each in run.metrics["artifacts"]} >= {"keras", "saved_model", "litert"}
    assert all(each["max_difference"] <= 1e-5 for each in run.metrics["artifacts"])
    rows = ["a good film", "what a BAD plot !", "zzz unseen", ""]
    assert run.predict(rows[:2]).tolist() == [1, 0]
    difference = run.predict_proba(rows) - run.predict_proba(rows, runtime="keras")
    assert np.abs(difference).max() <= 1e-5
    again = advisor.load_run(run.path)
    assert np.array_equal(again.predict(pl.DataFrame({"text": rows})), run.predict(rows))
    assert as_logged(run, pd.DataFrame({"text": rows}))["prediction"].tolist()[:2] == [1, 0]
    assert "SavedModel" in {each.name for each in bench(run, batches=(1, 3), seconds=0.02).timings}
