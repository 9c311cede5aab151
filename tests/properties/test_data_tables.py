"""What holds for every table, every row and every seed."""

from __future__ import annotations

import contextlib
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from advisor.data import Encoder, Schema, infer_schema, load_bundle, make_split, read_table
from advisor.data.conventions import MISSING_TOKENS, NAN_TOKENS
from advisor.errors import DataError

often = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

ROWS = 40
_NUMBERS = st.one_of(st.none(), st.floats(width=64), st.integers(-(2**70), 2**70))
_FLOATS = st.one_of(st.none(), st.floats())
_WHOLES = st.one_of(st.none(), st.integers(-(2**62), 2**62))
_TEXTS = st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["a", "b", "", "NA", "1.0", "true", "2024-01-01"]))
_FEW = st.sampled_from(["a", "b", "c d", None])
_TRUTHS = st.one_of(st.none(), st.booleans())
_DAYS = st.one_of(st.none(), st.dates(date(1600, 1, 1), date(2400, 1, 1)))
_MOMENTS = st.one_of(st.none(), st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1)))
_KINDS: list[tuple[st.SearchStrategy[Any], Any]] = [
    (_FLOATS, pl.Float64),
    (_WHOLES, pl.Int64),
    (_TEXTS, pl.String),
    (_FEW, pl.String),
    (_TRUTHS, pl.Boolean),
    (_DAYS, pl.Date),
    (_MOMENTS, pl.Datetime("us")),
]
_VALUES = st.one_of(
    _NUMBERS,
    _TEXTS,
    _TRUTHS,
    _DAYS,
    _MOMENTS,
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.complex_numbers(),
)


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    """Draw a table of one to four columns and a binary, multiclass or real target."""
    columns: dict[str, pl.Series] = {}
    for _ in range(draw(st.integers(1, 4))):
        values, dtype = draw(st.sampled_from(_KINDS))
        name = draw(
            st.text(min_size=1, max_size=5).filter(lambda name: name not in ("target", "_split") and "\0" not in name)
        )
        pool = draw(st.lists(values, min_size=1, max_size=12))
        columns[name] = pl.Series(name, [pool[i * i % len(pool)] for i in range(ROWS)], dtype=dtype)
    target = draw(st.sampled_from([["a", "b"], [0, 1, 2], [0.5, 1.25, -3.0, 7.5], [True, False]]))
    columns["target"] = pl.Series("target", [target[i % len(target)] for i in range(ROWS)])
    return pl.DataFrame(columns)


def known(frame: pl.DataFrame) -> Schema:
    """Return the schema, or give the example up if the table is refused."""
    try:
        return infer_schema(frame, "target")
    except DataError:
        assume(False)
        raise


@often
@given(frames())
def test_a_schema_survives_json(frame: pl.DataFrame) -> None:
    schema = known(frame)
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict(), allow_nan=False))) == schema
    encoder = Encoder(schema)
    assert Encoder.from_contract(json.loads(json.dumps(encoder.contract()))).contract() == encoder.contract()
    assert len(schema.describe()) == frame.width


@often
@given(frames(), st.integers(0, 2**40))
def test_parts_are_disjoint_and_together_all_labeled_rows(frame: pl.DataFrame, seed: int) -> None:
    schema = known(frame)
    split = make_split(frame, schema, seed=seed)
    rows = np.concatenate([split.train, split.val, split.test])
    assert sorted(rows.tolist()) == list(range(ROWS))
    bundle = load_bundle(frame, schema, split, Encoder(schema))
    assert bundle.sha256 == load_bundle(frame, schema, make_split(frame, schema, seed=seed), Encoder(schema)).sha256


@often
@given(frames())
def test_a_row_is_encoded_as_it_is_within_its_table(frame: pl.DataFrame) -> None:
    encoder = Encoder(known(frame))
    whole = encoder.encode(frame)
    names = encoder.schema.feature_names
    assert whole.shape == (ROWS, encoder.width)
    assert not np.isinf(whole).any()
    for number in (0, 1, 7):
        row = frame.row(number, named=True)
        np.testing.assert_array_equal(encoder.encode(row)[0], whole[number])
        np.testing.assert_array_equal(encoder.encode(tuple(row[name] for name in names))[0], whole[number])
    np.testing.assert_array_equal(encoder.encode(frame.rows(named=True)), whole)
    np.testing.assert_array_equal(encoder.encode(frame.to_pandas()), whole)


@often
@given(frames(), st.lists(st.lists(_VALUES, min_size=1, max_size=4), max_size=3))
def test_arbitrary_rows_are_encoded_or_refused(frame: pl.DataFrame, rows: list[list[object]]) -> None:
    encoder = Encoder(known(frame))
    names = encoder.schema.feature_names
    for given_rows in (rows, [dict(zip(names, row, strict=False)) for row in rows], *rows, *map(tuple, rows)):
        with contextlib.suppress(DataError):
            x = encoder.encode(given_rows)
            assert x.dtype == np.float32
            assert x.shape[1] == encoder.width


_CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)


@often
@given(st.lists(st.tuples(_CELLS, st.floats(allow_infinity=False, allow_nan=False), _CELLS), min_size=1, max_size=20))
def test_delimited_text_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    frame = pl.DataFrame(
        {
            "s": ["text", *(row[0] for row in rows)],
            "x": [0.5, *(row[1] for row in rows)],
            "t": ["more text", *(row[2] for row in rows)],
        }
    )
    frame.write_csv(path)
    read = read_table(path)
    assert read["x"].to_list() == frame["x"].to_list()
    for name in ("s", "t"):
        expected = [text.strip() for text in frame[name].to_list()]
        gone = MISSING_TOKENS | NAN_TOKENS
        assert [text or "" for text in read[name].to_list()] == ["" if text in gone else text for text in expected]


@often
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder: Path = tmp_path_factory.getbasetemp()
    for suffix in ("csv", "tsv", "jsonl"):
        path = folder / f"bytes.{suffix}"
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            assert read_table(path).height > 0


@often
@given(st.text(st.sampled_from('ab1,;"\n\r \t.'), max_size=60))
def test_arbitrary_delimited_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.getbasetemp() / "text.csv"
    path.write_bytes(content.encode())
    with contextlib.suppress(DataError):
        assert read_table(path).height > 0
