"""Series from a long table to a run folder: labels and forecasts, every format alike on raw series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import advisor
from advisor.evaluation import compare_with_baselines
from advisor.pipeline import delivery
from advisor.pipeline.benching import bench

pytestmark = pytest.mark.slow


def test_series_are_learned_delivered_and_predicted(tmp_path: Path, as_logged: Any) -> None:
    generator = np.random.default_rng(0)
    rows = []
    for number in range(60):
        label = number % 2
        steps = int(generator.integers(4, 8))
        for step in range(steps):
            rows.append((number, step, (1 - 2 * label) * step + generator.normal() * 0.3, generator.normal(), label))
    frame = pl.DataFrame(rows, schema=["id", "t", "u", "v", "label"], orient="row")
    run = advisor.train(
        {},
        frame,
        target="label",
        out=tmp_path / "run",
        data_options={"series_id": "id", "time": "t"},
        time_budget=20,
    )
    assert run.metrics["test"]["accuracy"] >= 0.8
    assert all(each["max_difference"] <= 1e-5 for each in run.metrics["artifacts"])
    assert run.predict(frame).shape == (60,)
    difference = run.predict_proba(frame) - run.predict_proba(frame, runtime="keras")
    assert np.abs(difference).max() <= 1e-5
    one = frame.filter(pl.col("id") == 3).drop("id", "label")
    assert run.predict(one).shape == (1,)
    assert as_logged(run, frame.drop("label").to_pandas())["prediction"].tolist() == run.predict(frame).tolist()
    assert "SavedModel" in {each.name for each in bench(run, batches=(1, 3), seconds=0.02).timings}


def test_forecasts_beat_the_naive_ones_and_every_format_agrees(
    tmp_path: Path, as_logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []

    def watched(*arguments: Any, overlapping: int, **more: Any) -> tuple[str, ...]:
        compared.append(overlapping)
        return compare_with_baselines(*arguments, overlapping=overlapping, **more)

    monkeypatch.setattr(delivery, "compare_with_baselines", watched)
    generator = np.random.default_rng(0)
    steps = np.arange(500)
    times = np.datetime64("2021-01-01", "us") + steps.astype("timedelta64[D]")
    wave = 10 + 3 * np.sin(2 * np.pi * steps / 7) + 0.3 * generator.normal(size=500)
    frame = pl.DataFrame({"day": times, "sales": wave})
    run = advisor.train({}, frame, out=tmp_path / "run", data_options={"time": "day", "horizon": 5}, time_budget=20)
    assert compared == [5]  # so many windows one after the other share a day
    baselines = run.metrics["baselines"]
    assert set(baselines) == {"naive", "seasonal_naive", "ridge"}
    assert run.metrics["test"]["rmse"] < baselines["naive"]["test"]["rmse"]
    assert run.metrics["test"]["rmse"] < 1.05 * baselines["seasonal_naive"]["test"]["rmse"]
    assert all(each["max_difference"] <= 1e-5 for each in run.metrics["artifacts"])
    forecast = run.raw_outputs(frame)
    assert forecast.shape == (1, 5)
    assert np.abs(forecast - run.raw_outputs(frame, runtime="keras")).max() <= 1e-4
    assert np.allclose(as_logged(run, frame.to_pandas()), forecast)
    assert "SavedModel" in {each.name for each in bench(run, batches=(1, 3), seconds=0.02).timings}
