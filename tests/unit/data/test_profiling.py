from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from advisor.data import Encoder, infer_schema, load_bundle, make_split, profile, read_table
from advisor.errors import DataError


def test_a_profile_says_each_fact_and_how_it_is_known(mixed: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    mixed.write_parquet(path)
    found = profile(path, "answer")
    assert found.kind == "table"
    assert dict(found.facts) == {
        "data_kind": "table",
        "architecture": "dense_stack",
        "features": 6,
        "labeled_rows": 200,
        "categorical_columns": 1,
        "max_categories": 3,
        "task": "binary",
        "outputs": 1,
        "class_imbalance": found.schema.target.class_shares[1],
    }
    assert set(found.how) == set(found.facts)
    assert all(sentence.endswith(".") for sentence in found.how.values())
    assert any("serial" in note for note in found.notes)
    json.dumps(found.to_dict(), allow_nan=False)
    assert profile(mixed.to_pandas()).facts == found.facts


def test_a_regression_has_range_and_outliers(numbers: pl.DataFrame) -> None:
    facts = profile(numbers).facts
    assert (facts["outputs"], facts["target_range"], facts["outliers"], facts["max_categories"]) == (
        1,
        "unbounded",
        False,
        0,
    )
    assert "class_imbalance" not in facts
    positive = profile(numbers.with_columns(y=pl.col("y").exp()))
    assert positive.facts["target_range"] == "unbounded"
    assert positive.how["target_range"].endswith("target_range=positive if every prediction must be above 0 as well.")


def test_rows_without_a_target_are_unlabeled(numbers: pl.DataFrame) -> None:
    facts = profile(numbers.with_columns(y=pl.when(pl.col("a") > 1).then(None).otherwise(pl.col("y")))).facts
    assert facts["labeled_rows"] + facts["unlabeled_rows"] == 100


def test_what_the_user_says_is_taken(numbers: pl.DataFrame) -> None:
    found = profile(numbers.with_columns(k=pl.Series([1, 2] * 50)), "k", kinds={"c": "ignored"})
    assert (found.facts["task"], found.facts["features"]) == ("binary", 3)


_TABLES = {
    "adult/data.parquet": ("income", "binary", 14, (26049, 6512, 16281)),
    "california_housing/data.csv": ("median_house_value", "regression", 9, (13210, 3302, 4128)),
    "magic/data.parquet": ("class", "binary", 10, (12173, 3043, 3804)),
    "mammography/data.csv": ("class", "binary", 6, (7157, 1789, 2237)),
    "madelon/data.npz": ("y", "binary", 500, (1600, 400, 600)),
    "gal_concrete/data.csv": ("strength", "regression", 8, None),
    "gal_energy/data.csv": ("heating_load", "regression", 8, None),
    "gal_kin8nm/data.csv": ("y", "regression", 8, None),
    "gal_power_plant/data.parquet": ("PE", "regression", 4, None),
}


@pytest.mark.data
@pytest.mark.parametrize("name", list(_TABLES))
def test_the_shared_tables_are_read_as_their_cards_say(shared: Path, name: str) -> None:
    target, task, features, parts = _TABLES[name]
    frame = read_table(shared / name)
    schema = infer_schema(frame, None if name.startswith(("mam", "mad", "gal")) else target)
    assert (schema.target.name, schema.target.task, len(schema.features)) == (target, task, features)
    card = json.loads((shared / name).with_name("card.json").read_text())
    assert frame.height == card["rows"].get("all", 2600)
    if isinstance(card["columns"]["numeric"], list):
        kinds = {column.name: column.kind for column in schema.features}
        assert {column for column, kind in kinds.items() if kind == "numeric"} == set(card["columns"]["numeric"])
        assert {column for column, kind in kinds.items() if kind == "categorical"} == set(
            card["columns"].get("categorical", ())
        )
    for column, missing in card["columns"].get("missing", {}).items():
        assert schema[column].missing == missing
    split = make_split(frame, schema, seed=0)
    bundle = load_bundle(frame, schema, split, Encoder(schema))
    if parts is not None:
        assert (len(bundle.train), len(bundle.val), len(bundle.test)) == parts
    assert np.isfinite(bundle.train.y).all()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="D150"):
        profile(tmp_path)
