"""One raw value at a time: what a cell of a column becomes before it is a float32."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from advisor.data.conventions import (
    FIRST_CATEGORY_CODE,
    MISSING_CODE,
    MISSING_TOKENS,
    NAN_TOKENS,
    UNKNOWN_CODE,
    number_text,
    parse_number,
)
from advisor.data.dates import parse_seconds, value_seconds
from advisor.data.schema import Column
from advisor.errors import DataError, Finding

_NAN = math.nan
_EXPECTED = {
    "numeric": "a number",
    "boolean": "true or false",
    "datetime": "a date",
    "categorical": "text or a number",
}


class CellError(Exception):
    """A value is not of its column's kind."""

    def __init__(self, column: Column, value: Any) -> None:
        """Remember the column and the value."""
        super().__init__(column.name)
        self.column, self.value = column, value

    def found(self, row: int | None) -> DataError:
        """Return the error for a person, with the number of the row, from 0, if there are several."""
        place = f"column {self.column.name!r}" + ("" if row is None else f", row {row + 1}")
        shown = repr(self.value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        message = f"{shown} is not {_EXPECTED[self.column.kind]}."
        return DataError(
            Finding("D141", place, message, "Give a value of that kind, or null (None, NaN) if it is missing.")
        )


def read_cell(column: Column) -> Callable[[Any], float]:
    """Return the function that turns one raw value of a column into a number (seconds for a date).

    The function raises :class:`CellError` for a value of the wrong kind.
    """
    if column.kind == "categorical":
        return _category(column)
    reader = {"numeric": _number, "boolean": _boolean, "datetime": _seconds}[column.kind]

    def read(value: Any) -> float:
        if value is None:
            return _NAN
        try:
            result = reader(_unwrapped(value), column)
        except (OverflowError, ValueError, TypeError):
            result = None
        if result is None:
            raise CellError(column, value)
        return result

    def read_number(value: Any) -> float:
        return value if type(value) is float else read(value)

    return read_number if column.kind == "numeric" else read


def _unwrapped(value: Any) -> Any:
    """Return the Python value in a library's scalar; missing markers become None."""
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[us]").item()
    if isinstance(value, np.timedelta64):
        value = value.astype("timedelta64[us]")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    return None if type(value).__name__ in ("NAType", "NaTType") else value


def _number(value: Any, column: Column) -> float | None:
    if isinstance(value, str):
        return parse_number(value)
    if value is None:
        return _NAN
    return float(value) if isinstance(value, (int, float)) else None


def _boolean(value: Any, column: Column) -> float | None:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in MISSING_TOKENS or value.strip() in MISSING_TOKENS | NAN_TOKENS:
            return _NAN
        return {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}.get(word)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _NAN
    return float(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else None


def _seconds(value: Any, column: Column) -> float | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _NAN
    if isinstance(value, date):
        return value_seconds(value)
    if isinstance(value, str):
        found = parse_seconds(value, column.date_order or "ymd")
        return parse_seconds(value, "ymd") if found is None else found
    return None


def category_text(value: Any) -> str | None:
    """Return the text under which a value is a category, "" when it is missing, None when it can't be one."""
    value = _unwrapped(value)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat() if isinstance(value, date) else None


def _category(column: Column) -> Callable[[Any], float]:
    codes = {name: float(code) for code, name in enumerate(column.categories, FIRST_CATEGORY_CODE)}
    codes.setdefault("", float(MISSING_CODE))
    unknown = float(UNKNOWN_CODE)

    def read(value: Any) -> float:
        if type(value) is str:
            return codes.get(value, unknown)
        text = category_text(value)
        if text is None:
            raise CellError(column, value)
        return codes.get(text, unknown)

    return read
