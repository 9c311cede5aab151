from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from advisor.data import to_frame
from advisor.errors import DataError


def test_pandas_and_pyarrow_give_the_frame_that_polars_gives() -> None:
    columns = {"n": [1, 2, 3], "x": [0.5, None, 2.0], "s": ["a", None, "c"], "b": [True, False, True]}
    frame = pl.DataFrame(columns)
    assert to_frame(frame.lazy()).equals(frame)
    assert to_frame(columns).equals(frame)
    assert to_frame(pa.table(columns)).equals(frame)
    assert to_frame(pd.DataFrame(columns)).equals(frame)


def test_pandas_types_become_plain() -> None:
    table = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "when": pd.to_datetime(["2024-01-02 03:04:05", None]),
            "kind": pd.Categorical(["a", None]),
            "truth": pd.array([True, None], dtype="boolean"),
            "mixture": pd.Series(["a", 1], dtype=object),
        }
    )
    assert to_frame(table).to_dict(as_series=False) == {
        "whole": [1, None],
        "when": [datetime(2024, 1, 2, 3, 4, 5), None],
        "kind": ["a", None],
        "truth": [True, None],
        "mixture": ["a", "1"],
    }


def test_rare_types_become_plain() -> None:
    frame = to_frame(
        pl.DataFrame(
            {
                "zone": [datetime(2024, 1, 1, 12, tzinfo=UTC)],
                "long": [timedelta(seconds=90)],
                "clock": [time(1, 0, 0, 500_000)],
                "exact": [Decimal("1.5")],
                "kind": pl.Series(["a"], dtype=pl.Categorical),
                "huge": pl.Series([2**63], dtype=pl.UInt64),
            }
        )
    )
    assert frame.rows() == [(datetime(2024, 1, 1, 12), 90.0, 3600.5, 1.5, "a", 2.0**63)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (3, "D145"),
        (object(), "D145"),
        ({"a": [1, 2], "b": [1]}, "D145"),
        ({"a": [[1], [2]]}, "D108"),
        ({"a": [[1], None, "x"]}, "D108"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "D107"),
        (pd.DataFrame({"a": [[1], [2]]}), "D108"),
        (pa.table([[1], [2]], names=["a", "a"]), "D107"),
        (pa.table({"a": [[1]]}), "D108"),
    ],
)
def test_what_is_no_table_of_plain_cells_is_refused(data: object, code: str) -> None:
    with pytest.raises(DataError) as caught:
        to_frame(data)
    assert caught.value.findings[0].code == code


def test_numpy_columns_keep_their_numbers() -> None:
    frame = to_frame({"a": np.array([1, 2], dtype=np.int8), "b": np.array([1.5, np.nan])})
    assert frame["a"].to_list() == [1, 2]
    assert np.isnan(frame["b"][1])
