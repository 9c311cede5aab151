"""What the values of one column are, and whether a model can learn from them."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import polars as pl

from advisor.data.conventions import CONVENTIONS, LEADING_ZERO, NUMBER, number_text, parse_number
from advisor.data.dates import DAY_SECONDS, date_order, series_seconds, text_seconds
from advisor.data.schema import Column
from advisor.errors import DataError, Finding

IGNORED = "ignored"
OVERRIDES = ("numeric", "categorical", "boolean", "datetime", IGNORED)
"""What may be said about a column's kind."""


def read_column(series: pl.Series, said: str | None = None) -> Column:
    """Return what a column is.

    Args:
        series: Its values, of a plain type.
        said: Its kind, if the user knows better: ``numeric``, ``categorical``, ``boolean``, ``datetime``, ``ignored``.

    Raises:
        DataError: If no row has a value, or the values aren't of the kind that was said.
    """
    if said == IGNORED:
        return _ignored(series, "text", "you said so")
    present = _present(series)
    if not present.len():
        raise DataError(
            Finding(
                "D128",
                f"column {series.name!r}",
                f"all of its {series.len():,} values are missing.",
                f"Drop the column, or leave it out with: --column {shlex.quote(series.name)}=ignored",
            )
        )
    if said is not None:
        return _as_said(series, present, said)
    if series.dtype == pl.Boolean:
        return _constant(_boolean(series, present))
    if series.dtype in (pl.Date, pl.Datetime):
        return _constant(_datetime(series, "", ""))
    if series.dtype == pl.String:
        return _constant(_text(series, present))
    column = _constant(_numeric(series, present))
    if column.role == "feature" and is_row_number(series):
        return replace(column, role="ignored", note="counts the rows")
    return column


def is_row_number(series: pl.Series) -> bool:
    """Return whether whole numbers go up by one in every row, as an index that was saved along does."""
    if not series.dtype.is_integer() or series.null_count() or series.len() < 2:
        return False
    return bool((series.cast(pl.Int64).diff().drop_nulls() == 1).all())


def _present(series: pl.Series) -> pl.Series:
    if series.dtype.is_float():
        return series.filter(series.is_finite().fill_null(False))
    if series.dtype == pl.String:
        return series.filter((series != "").fill_null(False))
    return series.drop_nulls()


def _constant(column: Column) -> Column:
    if column.role == "feature" and column.distinct == 1 and not column.missing:
        return replace(column, role="ignored", categories=(), note="the same value in every row")
    return column


def _ignored(series: pl.Series, kind: str, note: str) -> Column:
    present = _present(series)
    column = Column(series.name, "text", "ignored", series.len() - present.len(), present.n_unique(), note=note)
    return column if kind == "text" else replace(column, kind="categorical")


def _boolean(series: pl.Series, present: pl.Series) -> Column:
    return Column(series.name, "boolean", "feature", series.len() - present.len(), present.n_unique())


def _numeric(series: pl.Series, present: pl.Series) -> Column:
    values = present.cast(pl.Float64).to_numpy()
    notes = []
    if series.dtype.is_float() and (infinite := int(series.is_infinite().sum())):
        notes.append(f"{infinite:,} infinite {'value counts' if infinite == 1 else 'values count'} as missing")
    with np.errstate(over="ignore", invalid="ignore"):
        rounding = float(np.abs(values).max()) * 2.0**-24
        spread = float(values.std())
    if spread > 0 and rounding > CONVENTIONS.float32_note_share * spread:
        notes.append(
            "large values that vary little: rounding to float32 loses part of the variation; subtract a constant"
        )
    return Column(
        series.name,
        "numeric",
        "feature",
        series.len() - present.len(),
        present.n_unique(),
        minimum=float(values.min()),
        maximum=float(values.max()),
        note="; ".join(notes),
    )


def _datetime(series: pl.Series, order: str, note: str) -> Column:
    seconds = text_seconds(series, order) if order else series_seconds(series)
    known = seconds[~np.isnan(seconds)]
    return Column(
        series.name,
        "datetime",
        "feature",
        len(seconds) - len(known),
        len(np.unique(known)),
        date_order=order,
        origin_day=int(np.floor(known.min() / DAY_SECONDS)),
        has_time=bool((np.mod(known, DAY_SECONDS) != 0).any()),
        note=note,
    )


def _text(series: pl.Series, present: pl.Series) -> Column:
    distinct = present.unique()
    values = distinct.len()
    if distinct.str.contains(NUMBER).all() and not distinct.str.contains(LEADING_ZERO).any():
        if values > CONVENTIONS.few_distinct_codes:
            numbers = _parsed(series, distinct)
            return replace(_numeric(numbers, _present(numbers)), note="numbers that were stored as text")
        return _categorical(series, present, "numbers stored as text, read as categories")
    order, ambiguous = date_order(present)
    if order:
        note = "month before day is a guess; days above 12 would tell" if ambiguous else ""
        return _datetime(series.set(series == "", None), order, note)
    if values > CONVENTIONS.identifier_share * present.len() and values > 2:
        mean_words = present.str.strip_chars().str.count_matches(r"\s+").mean()
        words = float(mean_words) + 1 if isinstance(mean_words, (int, float)) else 1.0
        if words >= CONVENTIONS.free_text_words:
            return _ignored(series, "text", f"free text ({words:.0f} words a row)")
        return _ignored(
            series, "text", f"an identifier: {values:,} different values in {present.len():,} rows{_nearly(distinct)}"
        )
    return _categorical(series, present, _nearly(distinct).lstrip("; "))


def _nearly(distinct: pl.Series) -> str:
    """Say which value keeps a column of numbers from being numeric, if there are few such values."""
    numbers = distinct.str.contains(NUMBER)
    if distinct.len() < 10 or float(numbers.sum()) < 0.9 * distinct.len():
        return ""
    return f"; nearly all are numbers, but {distinct.filter(~numbers).sort()[0]!r} is not"


def _categorical(series: pl.Series, present: pl.Series, note: str) -> Column:
    counts = present.alias("value").value_counts(sort=False)
    rows = CONVENTIONS.rare_category_rows if series.len() >= CONVENTIONS.rare_from_rows else 2
    kept = counts.filter(counts["count"] >= rows)
    if not kept.height:
        kept = counts
    categories = tuple(sorted(str(value) for value in kept["value"].to_list()))
    notes = [note] if note else []
    if rare := counts.height - kept.height:
        notes.append(
            f"{rare:,} {'category' if rare == 1 else 'categories'} with fewer than {rows} rows are read as unknown"
        )
    missing = series.len() - present.len()
    return Column(series.name, "categorical", "feature", missing, counts.height, categories, note="; ".join(notes))


def _parsed(series: pl.Series, distinct: pl.Series) -> pl.Series:
    """Return text as numbers; a text that isn't one raises."""
    texts = distinct.to_list()
    numbers = [parse_number(text) for text in texts]
    if None in numbers:
        wrong = texts[numbers.index(None)]
        row = int((series == wrong).fill_null(False).arg_max() or 0)
        raise DataError(
            Finding(
                "D129",
                f"column {series.name!r}",
                f"it was said to be numeric, but row {row + 1} holds {wrong!r}.",
                "Correct the value, or say that the column is categorical.",
            )
        )
    return series.replace_strict(texts, numbers, default=None, return_dtype=pl.Float64)


def _as_said(series: pl.Series, present: pl.Series, said: str) -> Column:
    if said == "numeric" and (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        return _numeric(series, present)
    if said == "numeric" and series.dtype == pl.String:
        numbers = _parsed(series, present.unique())
        return _numeric(numbers, _present(numbers))
    if said == "categorical":
        return _categorical(category_texts(series), category_texts(present), "")
    if said == "boolean" and (series.dtype == pl.Boolean or _is_boolean(present)):
        return _boolean(series, present)
    if said == "datetime" and series.dtype in (pl.Date, pl.Datetime):
        return _datetime(series, "", "")
    if said == "datetime" and series.dtype == pl.String and (order := date_order(present)[0]):
        return _datetime(series, order, "")
    raise DataError(
        Finding(
            "D129",
            f"column {series.name!r}",
            f"it was said to be {said}, but its values are not (they are of type "
            f"{series.dtype}, such as {present[0]!r}).",
            "Leave the kind out to have it inferred.",
        )
    )


def _is_boolean(present: pl.Series) -> bool:
    if present.dtype == pl.String:
        return bool(present.str.contains("^(?i:true|false)$").all())
    return present.dtype.is_numeric() and bool(present.is_in([0, 1]).all())


def category_texts(series: pl.Series) -> pl.Series:
    """Return the values of a column as the text under which they are categories."""
    if series.dtype == pl.String:
        return series
    if series.dtype.is_float():
        values = [None if value is None or value != value else number_text(value) for value in series.to_list()]
        return pl.Series(series.name, values, dtype=pl.String)
    if series.dtype in (pl.Date, pl.Datetime):
        return pl.Series(series.name, [v if v is None else v.isoformat() for v in series.to_list()], dtype=pl.String)
    return series.cast(pl.String)
