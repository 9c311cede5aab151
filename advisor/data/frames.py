"""Any table in memory as a polars frame of a few plain types; the one place where narwhals is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import polars as pl

from advisor.errors import DataError, Finding


def to_frame(data: Any, place: str = "data") -> pl.DataFrame:
    """Return a table in memory as a polars frame of plain types.

    Args:
        data: A polars, pandas, pyarrow or any other eager frame that narwhals knows, or a dictionary of columns.
        place: What to call the data in an error.

    Returns:
        A frame with columns of whole numbers, floating point, Boolean, String, Date, Datetime (microseconds, UTC,
        without zone) or Null. Categories become text; decimals, durations (in seconds) and times (in seconds since
        midnight) become floating point. In a pandas frame not-a-number means missing, as it does in pandas.

    Raises:
        DataError: For lists, structs, binary data, duplicate column names, or something that isn't a table.
    """
    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.DataFrame):
        return plain_frame(data, place)
    if isinstance(data, Mapping):
        return plain_frame(_from_columns(data, place), place)
    try:
        table = nw.from_native(data, eager_only=True)
        columns = {str(name): _series(table.get_column(name)) for name in table.columns}
    except TypeError as error:
        raise DataError(
            Finding(
                "D145",
                place,
                f"rows can't be read from an object of type {type(data).__name__}.",
                "Give a data frame, a list of dictionaries, an array, or the path of a file.",
            )
        ) from error
    except nw.exceptions.DuplicateError as error:
        raise duplicate_names(place, repeated(str(name) for name in getattr(data, "columns", ()))) from error
    if len(columns) != len(table.columns):
        raise duplicate_names(place, repeated(map(str, table.columns)))
    return plain_frame(pl.DataFrame(columns), place)


def repeated(names: Any) -> list[str]:
    """Return the names that occur more than once, in order."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for name in names:
        if name in seen:
            twice[name] = None
        seen.add(name)
    return list(twice)


def duplicate_names(place: str, names: Sequence[str]) -> DataError:
    """Return the error for column names that occur more than once."""
    shown = ", ".join(repr(name) for name in names[:5]) or "some"
    return DataError(
        Finding("D107", place, f"several columns have the same name: {shown}.", "Give every column a name of its own.")
    )


def plain_frame(frame: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return a polars frame with its columns cast to plain types; see :func:`to_frame`."""
    findings: list[Finding] = []
    columns: list[pl.Series] = []
    for column in frame.get_columns():
        try:
            columns.append(_plain(column))
        except _NotPlainError:
            findings.append(
                Finding(
                    "D108",
                    f"column {column.name!r}",
                    f"its values are of type {column.dtype}, but a cell holds one number, text, truth value or date.",
                    "Spread the values over several columns, or drop the column.",
                )
            )
    if findings:
        raise DataError(*findings)
    return pl.DataFrame(columns)


class _NotPlainError(Exception):
    pass


def _plain(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype == pl.Float64 or dtype == pl.Int64 or dtype in (pl.String, pl.Boolean, pl.Date, pl.Null):
        return column
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us"))
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return column.cast(pl.String)
    if dtype == pl.Duration:
        return column.dt.total_microseconds().cast(pl.Float64) / 1e6
    if dtype == pl.Time:
        return column.cast(pl.Int64).cast(pl.Float64) / 1e9
    if dtype.is_numeric():
        return column if dtype.is_integer() and dtype not in (pl.UInt64, pl.Int128) else column.cast(pl.Float64)
    raise _NotPlainError


def _series(column: nw.Series[Any]) -> pl.Series:
    native = column.to_native()
    if isinstance(native, pl.Series):
        return native
    dtype = column.dtype
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        column, dtype = column.cast(nw.String), nw.String()
    if isinstance(dtype, (nw.List, nw.Struct, nw.Array)):
        return pl.Series(column.name, [[0]])
    name, absent = str(column.name), column.is_null()
    if not bool(absent.any()) and (dtype.is_numeric() or dtype == nw.Boolean) and dtype != nw.Decimal:
        return pl.Series(name, np.array(column.to_numpy()))
    values = [None if gone else value for value, gone in zip(column.to_list(), absent.to_list(), strict=True)]
    return _from_values(name, values)


def _from_values(name: str, values: Sequence[Any]) -> pl.Series:
    """Make a series of Python values; a mixture of types becomes text, as it would in a file."""
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        if any(isinstance(value, (list, dict, tuple, set, np.ndarray, bytes)) for value in values):
            return pl.Series(name, [[0]])
        if all(value is None or isinstance(value, (int, float, np.number)) for value in values):
            return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)


def _from_columns(columns: Mapping[Any, Any], place: str) -> pl.DataFrame:
    made = [
        values.alias(str(name))
        if isinstance(values, pl.Series)
        else _from_values(str(name), values.tolist() if hasattr(values, "tolist") else list(values))
        for name, values in columns.items()
    ]
    lengths = {column.len() for column in made}
    if len(lengths) > 1:
        raise DataError(
            Finding("D145", place, f"the columns differ in length: {sorted(lengths)}.", "Give columns of one length.")
        )
    return pl.DataFrame(made)
