"""Several target columns: all numbers, or all labels."""

import numpy as np
import polars as pl
import pytest

from advisor.data import Schema, open_source
from advisor.errors import DataError

ROWS = 60


def table(**more):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, 2))
    numbers = {"a": x @ [1.0, 2.0], "b": x @ [3.0, -1.0] + 5}
    labels = {"hot": (x[:, 0] > 0).astype(int), "wet": x[:, 1] > 0.5}
    return pl.DataFrame({"x0": x[:, 0], "x1": x[:, 1], **numbers, **labels, **more})


def test_several_columns_of_numbers_make_one_regression():
    source = open_source(table().drop("hot", "wet"), "b, a")
    target = source.schema.target
    assert (target.task, target.outputs, target.names) == ("regression", 2, ("b", "a"))
    assert source.profile.facts["outputs"] == 2
    assert source.profile.facts["features"] == 2
    bundle = source.bundle(source.split(0))
    assert bundle.train.y.shape == (len(bundle.train), 2)
    assert bundle.target_names == ("b", "a")
    expected = table()["b"].to_numpy()[bundle.train.rows].astype(np.float32)
    assert np.array_equal(bundle.train.y[:, 0], expected)


def test_several_columns_of_yes_and_no_make_labels():
    source = open_source(table().drop("a", "b"), "hot,wet")
    target = source.schema.target
    assert (target.task, target.classes, target.outputs) == ("multilabel", ("hot", "wet"), 2)
    assert target.class_counts == (int(table()["hot"].sum()), int(table()["wet"].sum()))
    assert 0 < source.profile.facts["class_imbalance"] <= 0.5
    bundle = source.bundle(source.split(0))
    assert set(np.unique(bundle.train.y)) == {0.0, 1.0}
    assert bundle.classes == ("hot", "wet")


def test_the_schema_of_several_targets_survives_json():
    schema = open_source(table().drop("a", "b"), "hot,wet").schema
    assert Schema.from_dict(schema.to_dict()) == schema
    assert any(row["values"].endswith("% yes") for row in schema.describe())


def test_a_row_without_one_of_its_targets_is_left_out():
    frame = table().drop("hot", "wet").with_columns(a=pl.Series([None, *table()["a"][1:]]))
    source = open_source(frame, "a,b")
    assert source.schema.target.labeled_rows == ROWS - 1
    split = source.split(0)
    assert 0 not in np.concatenate([split.train, split.val, split.test])


def test_numbers_and_labels_together_are_refused():
    with pytest.raises(DataError, match="no common task: 'a' is a regression"):
        open_source(table(), "a,hot")


def test_an_unknown_column_among_several_is_named():
    with pytest.raises(DataError, match="no column 'c'"):
        open_source(table(), "a,c")


def test_a_column_whose_name_has_a_comma_is_one_target():
    frame = table().drop("hot", "wet", "b").rename({"a": "a,b"})
    assert open_source(frame, "a,b").schema.target.names == ("a,b",)
