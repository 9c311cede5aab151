"""Dates: read from text or typed values, and turned into numbers that a network can use.

All arithmetic is on seconds since 1970-01-01 (UTC; a value without a zone is taken as UTC), so that the same formulas
can be built into a served model:

- ``days``: whole days since the column's first day;
- ``weekday_sin``, ``weekday_cos``: angle 2π·((days since 1970-01-01 + 3) mod 7)/7, 0 on a Monday;
- ``year_sin``, ``year_cos``: angle 2π·((days since 1970-01-01 mod 365.2425)/365.2425): the season, 0 around 1 January;
- ``hour_sin``, ``hour_cos``: angle 2π·(seconds since midnight)/86400, only for columns with a time of day.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.data.conventions import MISSING_TOKENS, NAN_TOKENS

DAY_SECONDS = 86_400
YEAR_DAYS = 365.2425
DATE_PARTS = ("days", "weekday_sin", "weekday_cos", "year_sin", "year_cos")
TIME_PARTS = ("hour_sin", "hour_cos")
DATE_ORDERS = ("ymd", "dmy", "mdy")
"""Orders that are tried for a text column, in this order; ``dmy`` with slashes only where ``mdy`` doesn't fit all."""

_TIME = r"(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,9})?)?)? ?(Z|[+-][0-9]{2}:?[0-9]{2})?$"
_PATTERNS = {
    "ymd": r"^([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})" + _TIME,
    "dmy": r"^([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})" + _TIME,
    "mdy": r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})" + _TIME,
}
_COMPILED = {order: re.compile(pattern) for order, pattern in _PATTERNS.items()}
_POSITIONS = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}
_EPOCH = datetime(1970, 1, 1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def part_names(has_time: bool) -> tuple[str, ...]:
    """Return the names of the numbers that a date becomes."""
    return DATE_PARTS + TIME_PARTS if has_time else DATE_PARTS


def date_parts(seconds: NDArray[np.float64], origin_day: int, has_time: bool) -> NDArray[np.float32]:
    """Return the numbers that dates become.

    Args:
        seconds: Seconds since 1970-01-01, (n,); NaN for missing.
        origin_day: Day, counted from 1970-01-01, at which ``days`` is 0.
        has_time: Whether to add the time of day.

    Returns:
        One row a date, one column a name of :func:`part_names`, NaN for missing. ``days`` is exact up to 2^24.
    """
    days = np.floor(seconds / DAY_SECONDS)
    weekday = 2 * np.pi * np.mod(days + 3, 7) / 7
    season = 2 * np.pi * np.mod(days, YEAR_DAYS) / YEAR_DAYS
    parts = [days - origin_day, np.sin(weekday), np.cos(weekday), np.sin(season), np.cos(season)]
    if has_time:
        hour = 2 * np.pi * (seconds - days * DAY_SECONDS) / DAY_SECONDS
        parts += [np.sin(hour), np.cos(hour)]
    return np.stack(parts, axis=1).astype(np.float32)


def date_order(values: pl.Series) -> tuple[str, bool]:
    """Find the order of day, month and year in which every text of a column is a date.

    Args:
        values: Text, without missing values.

    Returns:
        The order (empty when they are not all dates), and whether another order would do as well.
    """
    if not values.len() or not _looks_like_date(str(values[0])):
        return "", False
    fitting = [order for order in DATE_ORDERS if not np.isnan(text_seconds(values, order)).any()]
    if "mdy" in fitting and "dmy" in fitting:
        return "mdy", True
    return (fitting[0], False) if fitting else ("", False)


def _looks_like_date(text: str) -> bool:
    return any(pattern.match(text) for pattern in _COMPILED.values())


def text_seconds(values: pl.Series, order: str) -> NDArray[np.float64]:
    """Return seconds since 1970-01-01 of texts, NaN where a text is missing or no date.

    Agrees with :func:`parse_seconds` value by value.
    """
    groups = values.str.extract_groups(_PATTERNS[order])
    columns = [groups.struct.field(str(number)) for number in range(1, 9)]
    numbers = [column.cast(pl.Float64, strict=False).to_numpy() for column in columns[:7]]
    year, month, day = (numbers[position] for position in _POSITIONS[order])
    hour, minute, second, fraction = (np.nan_to_num(number) for number in numbers[3:])
    zone = columns[7].str.replace("Z", "+00:00", literal=True).str.replace(":", "", literal=True)
    sign = np.where(zone.str.starts_with("-").fill_null(False).to_numpy(), -1.0, 1.0)
    zone_hours = np.nan_to_num(zone.str.slice(1, 2).cast(pl.Float64, strict=False).to_numpy())
    zone_minutes = np.nan_to_num(zone.str.slice(3, 2).cast(pl.Float64, strict=False).to_numpy())
    leap = (np.mod(year, 4) == 0) & ((np.mod(year, 100) != 0) | (np.mod(year, 400) == 0))
    lengths = np.array([np.nan, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    number = np.where((month >= 1) & (month <= 12), month, 0).astype(int)
    longest = lengths[number] + np.where((number == 2) & leap, 1, 0)
    valid = (year >= 1) & (day >= 1) & (day <= longest) & (hour < 24) & (minute < 60) & (second < 60)
    shifted = year - (month <= 2)
    era_year = np.mod(shifted, 400)
    year_day = np.floor((153 * np.mod(month + 9, 12) + 2) / 5) + day - 1
    era_day = era_year * 365 + np.floor(era_year / 4) - np.floor(era_year / 100) + year_day
    days = np.floor(shifted / 400) * 146_097 + era_day - 719_468
    micro = np.floor(fraction * 1e6 + 1e-6)
    whole = days * DAY_SECONDS + hour * 3600 + minute * 60 + second - sign * (zone_hours * 3600 + zone_minutes * 60)
    return np.where(valid, (whole * 1e6 + micro) / 1e6, np.nan)


def parse_seconds(text: str, order: str) -> float | None:
    """Return seconds since 1970-01-01 of one text, NaN for a missing token, or None when it is no date."""
    text = text.strip()
    if text in MISSING_TOKENS or text in NAN_TOKENS:
        return math.nan
    match = _COMPILED[order].match(text)
    if match is None:
        return None
    found = match.groups()
    year, month, day = (int(found[position]) for position in _POSITIONS[order])
    hour, minute, second = (int(part or 0) for part in found[3:6])
    try:
        days = date(year, month, day).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    micro = math.floor(float(found[6] or 0) * 1e6 + 1e-6)
    zone = (found[7] or "Z").replace("Z", "+00:00").replace(":", "")
    offset = (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60) * (-1 if zone[0] == "-" else 1)
    return ((days * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset) * 1e6 + micro) / 1e6


def value_seconds(value: date) -> float:
    """Return seconds since 1970-01-01 of a date or datetime (one with a zone is moved to UTC)."""
    if not isinstance(value, datetime):
        return float((value.toordinal() - _EPOCH_ORDINAL) * DAY_SECONDS)
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    gap = value - _EPOCH
    return ((gap.days * DAY_SECONDS + gap.seconds) * 1_000_000 + gap.microseconds) / 1e6


def series_seconds(values: pl.Series) -> NDArray[np.float64]:
    """Return seconds since 1970-01-01 of a Date or Datetime series, NaN for missing."""
    micro = values.cast(pl.Datetime("us")).dt.timestamp("us").cast(pl.Float64).to_numpy()
    return np.asarray(micro / 1e6, dtype=np.float64)
