"""A wide path of chosen columns and crosses, from a table to a run folder; and crosses that can't be made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import advisor
from advisor.data import infer_schema, open_source
from advisor.data.encoding import Encoder
from advisor.data.limits import ReadingLimits, limits_before_reading
from advisor.data.wide_choice import choose_wide
from advisor.errors import BuildError, DataError
from advisor.interfaces.cli.main import run as command
from advisor.recommendation import recommend

ROWS = 400
CHOICE = {"wide_columns": ["size"], "crosses": [["color", "sure"], ["color", "zone"]]}


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """A table whose label is a combination of a category and a truth value, which no sum over columns can say."""
    draw = np.random.default_rng(3)
    color, zone = draw.choice(["red", "green"], ROWS), draw.choice([f"z{k}" for k in range(30)], ROWS)
    sure, size = draw.random(ROWS) < 0.5, draw.normal(size=ROWS)
    label = np.where((color == "red") == sure, "same", "other")
    return pl.DataFrame({"size": size, "color": color, "zone": zone, "sure": sure, "label": label})


@pytest.mark.slow
def test_a_cross_is_learned_delivered_and_served(table: pl.DataFrame, quick: Any, tmp_path: Path) -> None:
    facts = {"task": "binary", "architecture": "wide_and_deep", "categorical_columns": 2, "max_categories": 30}
    decided = quick(facts, hidden_layers=1, units=2, max_epochs=60, patience_epochs=60, cross_buckets=20)
    run = advisor.train(decided, table, target="label", out=tmp_path / "run", data_options=CHOICE)
    assert run.metrics["test"]["accuracy"] > 0.9
    assert {each["name"] for each in run.metrics["artifacts"]} >= {"keras", "saved_model", "litert"}
    assert all(each["max_difference"] <= 1e-5 for each in run.metrics["artifacts"])
    rows = table.drop("label").head(20)
    answers = [run.raw_outputs(rows, runtime=runtime) for runtime in ("litert", "keras")]
    assert np.abs(answers[0] - answers[1]).max() <= 1e-5
    unseen = rows.with_columns(pl.lit("violet").alias("color"), pl.lit(None, pl.Boolean).alias("sure"))
    assert np.isfinite(run.predict_proba(unseen)).all()
    assert "CROSSES = [[" in (run.path / "train.py").read_text()


def test_naming_a_cross_asks_for_a_wide_path(table: pl.DataFrame) -> None:
    source = open_source(table, "label", **CHOICE)
    assert source.profile.facts["architecture"] == "wide_and_deep"
    assert source.profile.facts["wide_features"] == 1
    assert source.encoder.inputs.details["wide"]["crosses"] == [["color", "sure"], ["color", "zone"]]
    assert isinstance(source.encoder, Encoder)
    again = Encoder.from_contract(source.encoder.contract())
    assert again.inputs == source.encoder.inputs


@pytest.mark.parametrize(
    ("columns", "crosses", "said"),
    [
        (["sise"], [], "did you mean 'size'"),
        ([], [["color", "size"]], "only categories"),
        ([], [["color"]], "two or more different"),
        ([], [["color", "color"]], "two or more different"),
        ([], [["color", "label"]], "no column 'label'"),
    ],
)
def test_what_can_not_be_crossed_is_named(
    columns: list[str], crosses: list[list[str]], said: str, table: pl.DataFrame
) -> None:
    with pytest.raises(DataError, match=said):
        choose_wide(infer_schema(table, "label"), columns, crosses)


@pytest.mark.slow
def test_a_choice_for_a_network_without_a_wide_path_is_refused(table: pl.DataFrame, quick: Any, tmp_path: Path) -> None:
    decided = quick({"task": "binary", "architecture": "dense_stack"})
    with pytest.raises(BuildError, match="has no wide path"):
        advisor.train(decided, table, target="label", out=tmp_path / "run", data_options=CHOICE)
    assert not (tmp_path / "run").exists()


def test_the_command_line_takes_columns_and_crosses(
    table: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_parquet(tmp_path / "table.parquet")
    said = ["--data", str(tmp_path / "table.parquet"), "--target", "label", "--wide", "size,zone"]
    assert command(["recommend", "--json", *said, "--cross", "color, sure", "--cross", "color,zone"]) == 0
    assert '"architecture": "wide_and_deep"' in capsys.readouterr().out.replace('":"', '": "')


@pytest.mark.parametrize("rulebook", ["homl2", "homl3"])
def test_what_is_read_when_nobody_decides_is_what_the_rules_say(rulebook: str) -> None:
    assert limits_before_reading({}, rulebook) == ReadingLimits()
    values = recommend({"task": "binary", "architecture": "recurrent", "data_kind": "text"}, rulebook).values
    assert ReadingLimits.from_values(values) == ReadingLimits()
