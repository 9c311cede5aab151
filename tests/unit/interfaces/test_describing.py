"""What is said about data on the command line reaches every command that reads some."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from advisor.interfaces.cli.describing import kinds_of, words_of
from advisor.interfaces.cli.main import run


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Write a long table of days with two columns of numbers."""
    days = np.datetime64("2021-01-01", "us") + np.arange(200).astype("timedelta64[D]")
    wave = 10 + np.sin(2 * np.pi * np.arange(200) / 7)
    frame = pl.DataFrame({"day": days, "sales": wave, "visits": 2 * wave, "shop": ["a"] * 100 + ["b"] * 100})
    frame.write_parquet(tmp_path / "days.parquet")
    return tmp_path / "days.parquet"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Write a table whose code looks like a number."""
    lines = [f"{k},{100 + k % 40},{k * 7 % 13},{k % 3 + 0.5}" for k in range(120)]
    (tmp_path / "table.csv").write_text("\n".join(["a,zone=code,b,y", *lines]))
    return tmp_path / "table.csv"


def advised(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    """Return the problem of a recommendation."""
    assert run(["recommend", "--json", *arguments]) == 0
    problem: dict[str, object] = json.loads(capsys.readouterr().out)["problem"]
    return problem


def test_a_forecast_is_advised_on_as_it_would_be_trained(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ("--data", str(series), "--time", "day", "--series-id", "shop", "--horizon", "5", "--window", "14")
    problem = advised(capsys, *said)
    assert (problem["task"], problem["data_kind"], problem["architecture"]) == ("forecasting", "series", "recurrent")
    assert (problem["outputs"], problem["features"], problem["sequence_steps"]) == (10, 28, 14)
    alone = advised(capsys, *said, "--column", "visits=ignored")
    assert (alone["outputs"], alone["features"]) == (5, 14)


def test_a_column_may_be_said_to_be_a_category_or_left_out(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = advised(capsys, "--data", str(table), "--target", "y")
    assert (plain["features"], plain["categorical_columns"]) == (2, 0)
    said = advised(capsys, "--data", str(table), "--target", "y", "--column", "zone=code=categorical")
    assert (said["features"], said["categorical_columns"]) == (2, 1)
    less = advised(capsys, "--data", str(table), "--target", "y", "--column", "zone=code=ignored")
    assert less["features"] == 1


@pytest.mark.parametrize("command", ["recommend", "generate"])
def test_describing_data_without_giving_any_is_a_mistake(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = tmp_path / "problem.json"
    problem.write_text(json.dumps({"task": "binary", "architecture": "dense_stack"}))
    assert run([command, str(problem), "--horizon", "3"]) == 2
    assert "--horizon" in capsys.readouterr().err


def test_a_name_may_hold_an_equals_sign() -> None:
    assert kinds_of(["a=b=numeric", "c=ignored"]) == {"a=b": "numeric", "c": "ignored"}


def test_pictures_and_series_have_no_kinds_to_set(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ["recommend", "--data", str(series), "--time", "day", "--horizon", "5", "--column", "sales=categorical"]
    assert run(said) == 3
    assert "columns can only be ignored" in capsys.readouterr().err


def test_an_interview_takes_what_is_said_about_data(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = [
        "--data",
        str(series),
        "--time",
        "day",
        "--series-id",
        "shop",
        "--horizon",
        "5",
        "--column",
        "visits=ignored",
    ]
    assert run(["ask", "--no-input", "--json", *said]) == 0
    problem = json.loads(capsys.readouterr().out)["problem"]
    assert (problem["task"], problem["outputs"]) == ("forecasting", 5)
    assert run(["ask", "--no-input", "--horizon", "5"]) == 2
    assert "--horizon" in capsys.readouterr().err
    words = words_of("series", "shop", "day", 5, ["visits=ignored"])
    assert words[-2:] == ["--column", "visits=ignored"]
    assert words[:2] == ["--data-kind", "series"]
