"""Rows without labels that can't be used are one clear error each."""

import numpy as np
import polars as pl
import pytest

from advisor.data import open_source
from advisor.errors import DataError, RequestError
from advisor.pipeline.unlabeled import read_unlabeled


def table(rows=60, seed=0):
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {"a": draw.normal(size=rows), "b": draw.choice(["x", "y"], rows), "y": draw.choice(["no", "yes"], rows)}
    )


@pytest.fixture
def source():
    return open_source(table(), "y")


def pictures(rows=20, side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (rows, side, side), dtype=np.uint8)


@pytest.fixture
def picture_source():
    return open_source({"X": pictures(), "y": np.arange(20) % 2})


def test_rows_are_encoded_like_the_labeled_ones_whatever_the_order_of_their_columns(source, tmp_path):
    rows = table(30, seed=1).select("b", "a")
    rows.write_csv(tmp_path / "more.csv")
    read = read_unlabeled(tmp_path / "more.csv", source)
    assert read.x.shape == (30, 2)
    assert read.name == "more.csv"
    np.testing.assert_allclose(read.x, source.encoder.encode(rows), rtol=1e-6)
    assert read.sha256 != read_unlabeled(table(30, seed=2).drop("y"), source).sha256


def test_an_empty_target_column_is_no_label(source):
    rows = table(30).with_columns(y=pl.lit(None, pl.String))
    assert len(read_unlabeled(rows, source).x) == 30


def test_a_target_column_with_labels_is_refused(source, tmp_path):
    table(30).write_parquet(tmp_path / "more.parquet")
    with pytest.raises(DataError, match=r"more.parquet  D160 the target column 'y' holds labels(.|\n)*Drop"):
        read_unlabeled(tmp_path / "more.parquet", source)


def test_other_columns_are_named(source):
    rows = table(30).drop("y").rename({"a": "alpha"})
    with pytest.raises(DataError, match=r"D161.*'a' missing; 'alpha' not among yours(.|\n)*'a', 'b'") as caught:
        read_unlabeled(rows, source)
    assert len(caught.value.findings) == 1


def test_a_split_column_is_refused_because_nothing_is_held_out():
    whole = table().with_columns(pl.Series("_split", ["train"] * 40 + ["val"] * 10 + ["test"] * 10))
    with pytest.raises(DataError, match=r"D161.*split column '_split'"):
        read_unlabeled(whole.drop("y"), open_source(whole, "y"))


def test_an_empty_file_is_refused(source, tmp_path):
    (tmp_path / "none.csv").write_text("")
    with pytest.raises(DataError, match="the file is empty"):
        read_unlabeled(tmp_path / "none.csv", source)
    (tmp_path / "head.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="D104"):
        read_unlabeled(tmp_path / "head.csv", source)
    with pytest.raises(DataError, match="there is no such file"):
        read_unlabeled(tmp_path / "missing.csv", source)


def test_pictures_of_another_shape_are_refused(picture_source, tmp_path):
    np.savez(tmp_path / "more.npz", X=pictures(side=9))
    with pytest.raises(DataError, match=r"more.npz.*D153 the shape is \(20, 9, 9, 1\)") as caught:
        read_unlabeled(tmp_path / "more.npz", picture_source)
    assert len(caught.value.findings) == 1


def test_arrays_with_labels_are_refused_for_pictures(picture_source, tmp_path):
    np.savez(tmp_path / "more.npz", X=pictures(), y=np.zeros(20))
    with pytest.raises(DataError, match="D160 the array 'y' holds labels"):
        read_unlabeled(tmp_path / "more.npz", picture_source)


def test_no_pictures_are_refused(picture_source):
    with pytest.raises(DataError, match="D162 there are no rows without labels"):
        read_unlabeled({"X": pictures(0)}, picture_source)


def test_pictures_are_read_as_the_labeled_ones(picture_source):
    read = read_unlabeled({"X": pictures(5, seed=3)}, picture_source)
    np.testing.assert_array_equal(read.x[..., 0], pictures(5, seed=3).astype(np.float32))


def test_a_forecast_is_told_that_it_needs_no_labels():
    times = np.arange(200)
    frame = pl.DataFrame({"t": times, "v": np.sin(times / 5)})
    source = open_source(frame, time="t", horizon=3)
    with pytest.raises(RequestError, match=r"R208 a forecast needs no labels(.|\n)*--data"):
        read_unlabeled(frame, source)
