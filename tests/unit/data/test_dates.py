from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from advisor.data import date_parts, part_names
from advisor.data.dates import date_order, parse_seconds, series_seconds, text_seconds, value_seconds


@pytest.mark.parametrize(
    ("values", "order", "ambiguous"),
    [
        (["2024-01-31", "2024-2-1"], "ymd", False),
        (["2024-01-31T10:20", "2024-01-31 10:20:30.5", "2024-01-31T10:20:30Z"], "ymd", False),
        (["2024/01/31"], "ymd", False),
        (["31.01.2024"], "dmy", False),
        (["31/01/2024", "01/02/2024"], "dmy", False),
        (["01/31/2024", "01/02/2024"], "mdy", False),
        (["01/02/2024"], "mdy", True),
        (["2024-02-30"], "", False),
        (["2024-01-01", "soon"], "", False),
        (["12345"], "", False),
        ([], "", False),
    ],
)
def test_the_order_of_a_date_fits_every_value(values: list[str], order: str, ambiguous: bool) -> None:
    assert date_order(pl.Series(values, dtype=pl.String)) == (order, ambiguous)


@pytest.mark.parametrize(
    "text",
    ["2024-02-29", "1969-12-31 23:59:59.25", "2024-01-31T10:20:30+02:00", "2024-01-31 10:20:30-0530", "0001-01-01"],
)
def test_text_is_read_as_the_standard_library_reads_it(text: str) -> None:
    read = datetime.fromisoformat(text)
    expected = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    assert parse_seconds(text, "ymd") == pytest.approx(expected, abs=1e-6)
    assert text_seconds(pl.Series([text]), "ymd")[0] == parse_seconds(text, "ymd")


@pytest.mark.parametrize("text", ["2023-02-29", "2024-13-01", "2024-01-01 24:00", "2024-01-01 10:60", "x", "2024"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_seconds(text, "ymd") is None
    assert math.isnan(text_seconds(pl.Series([text]), "ymd")[0])


def test_typed_dates_and_text_agree() -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, 10)
    seconds = parse_seconds("2024-05-06T07:08:09.000010", "ymd")
    assert value_seconds(moment) == series_seconds(pl.Series([moment]))[0] == seconds
    assert value_seconds(moment.replace(tzinfo=timezone(timedelta(hours=2)))) == seconds - 7200
    assert value_seconds(date(2024, 5, 6)) == series_seconds(pl.Series([date(2024, 5, 6)]))[0] == 1714953600
    assert math.isnan(parse_seconds("?", "ymd"))


def test_parts_start_at_the_first_day_and_repeat_with_week_year_and_day() -> None:
    monday = value_seconds(datetime(2024, 1, 1, 6))
    parts = dict(zip(part_names(True), date_parts(np.array([monday]), 19723, True)[0], strict=True))
    assert parts["days"] == 0
    assert parts["weekday_sin"] == pytest.approx(0, abs=1e-7)
    assert parts["weekday_cos"] == pytest.approx(1)
    assert parts["year_cos"] == pytest.approx(1, abs=1e-3)
    assert parts["hour_sin"] == pytest.approx(1)
    week = date_parts(np.array([monday, monday + 7 * 86400, np.nan]), 19723, True)
    assert week[1, 0] == 7
    np.testing.assert_allclose(week[0, 1:3], week[1, 1:3], atol=1e-6)
    assert np.isnan(week[2]).all()
    assert date_parts(np.array([monday]), 0, False).shape == (1, len(part_names(False)))
