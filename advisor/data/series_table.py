"""Long tables of series: rows ordered in time within each series, and what had to be mended for that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.data.dates import date_order, series_seconds, text_seconds
from advisor.data.frames import to_frame
from advisor.data.inferring import no_such_column
from advisor.data.reading import read_table
from advisor.data.schema import Column, Role
from advisor.errors import DataError, Finding

MOST_MISSING_STEPS = 0.2
"""Above this share of missing steps a series isn't mended: then most of it would be made up. A judgement."""
TOLERANCE = 0.01
"""Part of a step by which a time may be off its place."""


@dataclass(frozen=True, eq=False)
class Series:
    """One series.

    Attributes:
        name: Its id as text; empty where the table holds only one.
        rows: Row numbers of the user's table in the order of time; -1 for a step that was filled in.
        times: Seconds or numbers, ascending.
        values: float32 (steps, channels); NaN is missing.
    """

    name: str
    rows: NDArray[np.int64]
    times: NDArray[np.float64]
    values: NDArray[np.float32]


def open_table(data: Any) -> pl.DataFrame:
    """Return the table of a path, or of a frame in memory."""
    return read_table(data, labeled=False) if isinstance(data, str | PathLike) else to_frame(data)


def times_of(series: pl.Series, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Return times as numbers that order them: seconds for dates, numbers as they are.

    Args:
        series: The times.
        rows: Row numbers of the user's table, (n,), where some were left out.

    Raises:
        DataError: If a time is missing, or the column holds neither numbers nor dates.
    """
    place = f"column {series.name!r}"
    if series.dtype == pl.String:
        order = date_order(series.drop_nulls())[0]
        if not order:
            raise DataError(
                Finding("D150", place, f"its values are no times, such as {series[0]!r}.", "Name a column of times.")
            )
        times = text_seconds(series, order)
    elif series.dtype in (pl.Date, pl.Datetime):
        times = series_seconds(series)
    elif series.dtype.is_numeric():
        times = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    else:
        raise DataError(
            Finding("D150", place, f"times can't be of type {series.dtype}.", "Name a column of numbers or dates.")
        )
    if np.isnan(times).any():
        row = int(np.isnan(times).argmax())
        row = row if rows is None else int(rows[row])
        raise DataError(Finding("D150", place, f"row {row + 1} has no time.", "Drop the row, or give its time."))
    return np.asarray(times, np.float64)


def channels_of(frame: pl.DataFrame, left_out: Iterable[str | None]) -> tuple[list[str], list[str]]:
    """Return the columns of numbers, and the names of the others, without those that have another role."""
    roles = {name for name in left_out if name is not None}
    rest = [name for name in frame.columns if name not in roles]
    numbers = [name for name in rest if frame[name].dtype.is_numeric() or frame[name].dtype == pl.Boolean]
    return numbers, [name for name in rest if name not in numbers]


def channel_column(values: pl.Series, role: Role) -> Column:
    """Describe a channel.

    Args:
        values: Its numbers; NaN is missing.
        role: What it is used for.
    """
    known = values.cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
    least, most = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    missing, distinct = values.len() - len(known), values.n_unique()
    return Column(values.name, "numeric", role, missing, distinct, minimum=least, maximum=most)


def check_columns(frame: pl.DataFrame, names: Iterable[str | None], role: str) -> None:
    """Raise a DataError for a column that isn't there."""
    for name in names:
        if name is not None and name not in frame.columns:
            raise no_such_column(name, frame.columns, role)


def read_series(
    frame: pl.DataFrame, series_id: str | None, time: str | None, channels: Sequence[str], *, unique_times: bool
) -> tuple[list[Series], list[str]]:
    """Return every series in the order of its first row, and notes on what was mended.

    Rows that aren't in the order of time are sorted. A row with neither a time nor a value is no step; only a series
    that has no other rows keeps them.

    Args:
        frame: The long table.
        series_id: Column that tells series apart; None for one series.
        time: Column of times; None takes the rows as they come.
        channels: Columns of numbers.
        unique_times: Whether two rows of one series at the same time are an error.

    Raises:
        DataError: If a column is missing or a series has two rows at the same time.
    """
    check_columns(frame, [series_id, time, *channels], "series")
    values = np.stack(
        [frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in channels], axis=1
    ).astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    times = np.arange(frame.height, dtype=np.float64)
    blank = np.zeros(frame.height, bool)
    if time is not None:
        blank = frame[time].is_null().to_numpy() & np.isnan(values).all(axis=1)
    if time is not None and not blank.all():
        times[~blank] = times_of(frame[time].filter(pl.Series(~blank)), np.flatnonzero(~blank))
    found, unsorted = [], 0
    for name, rows in _groups(frame, series_id):
        if not blank[rows].all():
            rows = rows[~blank[rows]]
        order = np.argsort(times[rows], kind="stable")
        unsorted += int((np.diff(times[rows]) < 0).any())
        rows = rows[order]
        if unique_times and (np.diff(times[rows]) == 0).any():
            raise _twice(frame, rows, times, name, time)
        found.append(Series(name, rows, times[rows], values[rows]))
    notes = []
    if unsorted:
        what = "The rows were" if series_id is None else f"The rows of {unsorted:,} series were"
        notes.append(f"{what} not in the order of time; they were sorted.")
    return found, notes


def _groups(frame: pl.DataFrame, series_id: str | None) -> list[tuple[str, NDArray[np.int64]]]:
    if series_id is None:
        return [("", np.arange(frame.height, dtype=np.int64))]
    ids = frame[series_id].cast(pl.String)
    if ids.null_count():
        row = int(ids.is_null().arg_max() or 0)
        raise DataError(
            Finding("D151", f"column {series_id!r}", f"row {row + 1} belongs to no series.", "Give its id, or drop it.")
        )
    table = pl.DataFrame({"id": ids}).with_row_index("row").group_by("id", maintain_order=True).agg(pl.col("row"))
    return [(name, np.asarray(rows.to_numpy(), np.int64)) for name, rows in zip(table["id"], table["row"], strict=True)]


def _twice(
    frame: pl.DataFrame, rows: NDArray[np.int64], times: NDArray[np.float64], name: str, time: str | None
) -> DataError:
    first = int(np.flatnonzero(np.diff(times[rows]) == 0)[0])
    shown = frame[time][int(rows[first])] if time is not None else ""
    which = f" of series {name!r}" if name else ""
    return DataError(
        Finding(
            "D151",
            f"column {time!r}",
            f"rows {rows[first] + 1} and {rows[first + 1] + 1}{which} have the same time, {shown}.",
            "Keep one row a time; several series in one table need --series-id.",
        )
    )


def regular(series: Series, step: float) -> tuple[Series, int]:
    """Return a series with a row at every step, and how many were filled in (a straight line between neighbours).

    Raises:
        DataError: If times don't lie on the steps, or too many are missing.
    """
    which = f"series {series.name!r}" if series.name else "the series"
    places = (series.times - series.times[0]) / step
    whole = np.round(places)
    if np.abs(places - whole).max() > TOLERANCE:
        if len(places) > 2 and np.diff(whole).min() >= 1 and np.abs(places - whole).max() < 0.5:
            return series, 0  # months and the like: of unequal length, but each there
        worst = int(np.abs(places - whole).argmax())
        raise DataError(
            Finding(
                "D152",
                "time",
                f"{which} isn't evenly spaced: the time of row {series.rows[worst] + 1} lies between two steps of "
                f"{step:g}.",
                "Bring the series to even steps first, for example by averaging over each hour.",
            )
        )
    count = int(whole[-1]) + 1
    missing = count - len(whole)
    if not missing:
        return series, 0
    if missing > MOST_MISSING_STEPS * count:
        raise DataError(
            Finding(
                "D152",
                "time",
                f"{missing:,} of {count:,} steps of {which} are missing; at most "
                f"{MOST_MISSING_STEPS:.0%} are filled in.",
                "Give a part without long gaps, or longer steps.",
            )
        )
    at = whole.astype(np.int64)
    values = np.full((count, series.values.shape[1]), np.nan, np.float32)
    values[at] = series.values
    rows = np.full(count, -1, np.int64)
    rows[at] = series.rows
    times = series.times[0] + step * np.arange(count)
    return Series(series.name, rows, times, values), missing


def filled(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Return values without gaps, and how many were filled: a straight line between neighbours, the nearest at an end.

    A channel without a single value stays missing.
    """
    gone = np.isnan(values)
    if not gone.any():
        return values, 0
    result = values.copy()
    places = np.arange(len(values))
    for channel in range(values.shape[1]):
        known = ~gone[:, channel]
        if known.any() and not known.all():
            result[:, channel] = np.interp(places, places[known], values[known, channel])
    return result, int(gone.sum())


def usual_step(series: Sequence[Series]) -> float:
    """Return the most frequent distance between two times, 1 where there are none."""
    steps = np.concatenate([np.diff(each.times) for each in series]) if series else np.array([])
    if not len(steps):
        return 1.0
    values, counts = np.unique(np.round(steps, 6), return_counts=True)
    return float(values[counts.argmax()])
