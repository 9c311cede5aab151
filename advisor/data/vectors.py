"""One raw column at a time: the same as :mod:`advisor.data.cells`, for whole series."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.data.cells import CellError, read_cell
from advisor.data.conventions import FIRST_CATEGORY_CODE, MISSING_CODE, UNKNOWN_CODE
from advisor.data.dates import date_parts, series_seconds, text_seconds
from advisor.data.kinds import category_texts
from advisor.data.schema import Column


def encode_series(series: pl.Series, column: Column) -> NDArray[np.float32]:
    """Return the encoded columns of a raw column.

    Args:
        series: Its values, of a plain type.
        column: What the schema says about it.

    Returns:
        float32 (n, 1), or (n, parts) for dates.

    Raises:
        DataError: If a value is not of the column's kind; the finding names its row.
    """
    if column.kind == "categorical":
        return _codes(series, column)[:, np.newaxis]
    if column.kind == "datetime":
        return date_parts(series_of_seconds(series, column), column.origin_day, column.has_time)
    with np.errstate(over="ignore", invalid="ignore"):
        values = _numbers(series, column).astype(np.float32)
    values[np.isinf(values)] = np.nan
    return values[:, np.newaxis]


def _numbers(series: pl.Series, column: Column) -> NDArray[np.float64]:
    dtype = series.dtype
    plain = dtype == pl.Boolean or (dtype.is_numeric() and column.kind == "numeric") or dtype == pl.Null
    if plain:
        return np.array(series.cast(pl.Float64).to_numpy(), dtype=np.float64)
    return _cell_by_cell(series, column)


def series_of_seconds(series: pl.Series, column: Column) -> NDArray[np.float64]:
    """Return the dates of a raw column as seconds since 1970-01-01, NaN for missing; (n,)."""
    if series.dtype in (pl.Date, pl.Datetime):
        return series_seconds(series)
    if series.dtype == pl.String and column.date_order:
        seconds = text_seconds(series, column.date_order)
        if not (np.isnan(seconds) & (series.fill_null("") != "").to_numpy()).any():
            return seconds
    return _cell_by_cell(series, column)


def _cell_by_cell(series: pl.Series, column: Column) -> NDArray[np.float64]:
    """Read each distinct value once; the first row with a wrong one is named."""
    read = read_cell(column)
    known: dict[Any, float] = {}
    values = series.to_list()
    for row, value in enumerate(values):
        if value not in known:
            try:
                known[value] = read(value)
            except CellError as error:
                raise error.found(row) from None
    return np.array([known[value] for value in values], dtype=np.float64)


def _codes(series: pl.Series, column: Column) -> NDArray[np.float32]:
    texts = category_texts(series)
    codes = {name: float(code) for code, name in enumerate(column.categories, FIRST_CATEGORY_CODE)}
    codes.setdefault("", float(MISSING_CODE))
    found = texts.replace_strict(
        list(codes), list(codes.values()), default=float(UNKNOWN_CODE), return_dtype=pl.Float32
    )
    result = np.array(found.to_numpy(), dtype=np.float32)
    result[texts.is_null().to_numpy()] = MISSING_CODE
    return result
