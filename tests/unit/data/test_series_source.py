"""Series: gathered, sorted, padded; one label each; clear errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from advisor.data import encoder_from_contract, open_source
from advisor.errors import DataError


def long_table(series: int = 30, seed: int = 0) -> pl.DataFrame:
    """Return series of 5 to 9 steps with two channels whose level is the label."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(series):
        label = number % 2
        for step in range(int(generator.integers(5, 10))):
            rows.append((f"s{number}", step, label + generator.normal(), generator.normal(), "ab"[label]))
    return pl.DataFrame(rows, schema=["id", "t", "u", "v", "label"], orient="row")


def opened(frame: pl.DataFrame):
    return open_source(frame, "label", series_id="id", time="t")


def test_each_series_is_one_row_padded_by_nan() -> None:
    source = opened(long_table())
    bundle = source.bundle(source.split(0))
    assert source.kind == "series"
    assert len(bundle.train) + len(bundle.val) + len(bundle.test) == 30
    assert bundle.train.x.shape[1:] == (9, 2)
    assert np.isnan(bundle.train.x).any()


def test_rows_out_of_order_are_sorted_and_reported() -> None:
    frame = long_table()
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=3)
    source = opened(shuffled)
    assert any("sorted" in note for note in source.schema.notes)
    straight = opened(frame)
    one = frame.filter(pl.col("id") == "s3")
    assert np.array_equal(source.encoder.encode(one), straight.encoder.encode(one), equal_nan=True)


def test_an_empty_series_is_left_out_and_named() -> None:
    frame = long_table().with_columns(
        [pl.when(pl.col("id") == "s4").then(None).otherwise(pl.col(name)).alias(name) for name in ("u", "v")]
    )
    source = opened(frame)
    assert any("'s4'" in note for note in source.schema.notes)
    with pytest.raises(DataError, match="has no value"):
        source.encoder.encode(frame.filter(pl.col("id") == "s4"))


def test_rows_with_neither_time_nor_value_are_no_steps() -> None:
    frame = long_table()
    nothing = {name: None if name in ("t", "u", "v") else frame[name][0] for name in frame.columns}
    empty = {**nothing, "id": "nobody"}
    source = opened(pl.concat([frame, pl.DataFrame([nothing, empty], schema=frame.schema)]))
    assert any("'nobody'" in note for note in source.schema.notes)
    straight = opened(frame)
    assert np.array_equal(source.encoder.encode(frame), straight.encoder.encode(frame), equal_nan=True)
    with pytest.raises(DataError, match=f"row {frame.height + 1} has no time"):
        opened(pl.concat([frame, pl.DataFrame([{**nothing, "u": 1.0}], schema=frame.schema)]))


def test_two_labels_in_one_series_are_an_error_that_names_it() -> None:
    frame = long_table()
    frame[0, "label"] = "b"
    with pytest.raises(DataError, match="'s0'"):
        opened(frame)


def test_wrong_shapes_are_errors() -> None:
    encoder = opened(long_table()).encoder
    with pytest.raises(DataError, match=r"\(series, steps, 2\) is needed"):
        encoder.encode(np.zeros((3, 5, 4), np.float32))
    with pytest.raises(DataError, match="the column 'v' is missing"):
        encoder.encode(pl.DataFrame({"id": ["a"], "t": [1], "u": [0.5]}))


def test_contract_round_trip_encodes_alike() -> None:
    frame = long_table()
    encoder = opened(frame).encoder
    again = encoder_from_contract(encoder.contract())
    assert np.array_equal(again.encode(frame), encoder.encode(frame), equal_nan=True)
