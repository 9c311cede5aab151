"""From a frame to a schema: the kind and role of each column, and what the target is."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from advisor.data.conventions import CONVENTIONS, SPLIT_COLUMN, TARGET_NAMES
from advisor.data.frames import to_frame
from advisor.data.kinds import IGNORED, OVERRIDES, read_column
from advisor.data.schema import Column, Schema
from advisor.data.several_targets import absent_rows, describe_targets, names_of
from advisor.data.targets import describe_target, labels_of, refuse_missing
from advisor.errors import DataError, Finding


def infer_schema(
    frame: Any,
    target: str | None = None,
    *,
    split_column: str | None = None,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    allow_missing_target: bool = True,
) -> Schema:
    """Find out what the columns of a table are.

    Args:
        frame: Any table in memory (see :func:`to_frame`).
        target: The column to predict. When it is None: a column called ``target``, ``label``, ``y`` or ``class``, else
            the last one; the schema says that it was a guess.
        split_column: The column that says which row belongs to which part; ``_split`` when there is one.
        task: ``regression``, ``binary`` or ``multiclass``; inferred from the target when None.
        kinds: Kinds that are known better than inferred: column to ``numeric``, ``categorical``, ``boolean``,
            ``datetime`` or ``ignored``.
        allow_missing_target: Whether rows without a target are counted and left out; else they are an error.
            Not-a-number and infinite targets are always errors.

    Returns:
        The schema. Features are numeric, categorical, boolean or datetime; constant columns, row numbers, identifiers
        and free text are ignored, each with a note.

    Raises:
        DataError: If there is no such target, too few labeled rows, no feature, a column without any value, or a target
            that nothing can be learned for.
    """
    frame = to_frame(frame)
    kinds = dict(kinds or {})
    split = find_split(frame, split_column)
    if len(names := names_of(target, frame.columns)) > 1:
        return _several(frame, names, split, task, kinds, allow_missing_target)
    name, how = find_target(frame, target, split)
    _check_kinds(frame, kinds, name, split)
    labels = labels_of(frame[name])
    if not allow_missing_target and labels.present.len():
        refuse_missing(labels.absent, f"column {name!r}")
    if (labeled := frame.height - labels.missing) and labeled < CONVENTIONS.minimum_rows:
        raise DataError(
            Finding(
                "D111",
                "data",
                f"there are {labeled} rows with a target, too few to train, choose and measure on.",
                f"Collect at least {CONVENTIONS.minimum_rows} labeled rows; hundreds make a deep net worth trying.",
            )
        )
    described = describe_target(labels, task, how)
    columns, findings, notes = [], [], []
    for series in frame.get_columns():
        if series.name == split:
            columns.append(Column(series.name, "categorical", "split", series.null_count(), series.n_unique()))
        elif series.name == name:
            columns.append(_target_column(series, described.classes, labels.missing))
        else:
            try:
                columns.append(read_column(series, kinds.get(series.name)))
            except DataError as error:
                findings += error.findings
    if findings:
        raise DataError(*findings)
    if labels.missing:
        notes.append(f"{labels.missing:,} of {frame.height:,} rows have no target and are left out.")
    schema = Schema(tuple(_with_leak_notes(columns, frame, name)), described, frame.height, tuple(notes))
    if not schema.features:
        reasons = "; ".join(f"{column.name}: {column.note}" for column in schema.columns if column.note) or "no others"
        raise DataError(
            Finding(
                "D127",
                "data",
                f"no column is left to predict {name!r} from ({reasons}).",
                "Add columns, or say what one is, such as --column NAME=numeric.",
            )
        )
    return schema


def _several(
    frame: pl.DataFrame,
    names: tuple[str, ...],
    split: str | None,
    task: str | None,
    kinds: Mapping[str, str],
    allow_missing_target: bool,
) -> Schema:
    """Return the schema of a table with several targets; its features are inferred beside the first of them."""
    if absent := [name for name in names if name not in frame.columns or name == split]:
        raise no_such_column(absent[0], frame.columns, "target")
    if not allow_missing_target:
        refuse_missing(absent_rows(frame, names), f"columns {', '.join(map(repr, names))}")
    described, each = describe_targets(frame, names, task)
    alone = infer_schema(
        frame.drop(names[1:]),
        names[0],
        split_column=split,
        task=each[names[0]].task,
        kinds={name: kind for name, kind in kinds.items() if name not in names},
        allow_missing_target=allow_missing_target,
    )
    known = {column.name: column for column in alone.columns}
    for name in names:
        known[name] = _target_column(frame[name], each[name].classes, labels_of(frame[name]).missing)
    notes = [note for note in alone.notes if "have no target" not in note]
    if described.missing:
        notes.append(f"{described.missing:,} of {frame.height:,} rows lack a target and are left out.")
    return Schema(tuple(known[name] for name in frame.columns), described, frame.height, tuple(notes))


def unlabeled_rows(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """Return, for each row, whether it has no target."""
    return absent_rows(frame, schema.target.names)


def nearest(name: str, names: list[str]) -> str | None:
    """Return the name that may have been meant, or None."""
    lower = {known.lower(): known for known in reversed(names)}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    return lower[near[0]] if near else None


def no_such_column(name: str, names: list[str], role: str) -> DataError:
    """Return the error for a column that isn't there, with the name that may have been meant."""
    near = nearest(name, names)
    shown = ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
    meant = f"; did you mean {near!r}?" if near else "."
    return DataError(Finding("D120", role, f"there is no column {name!r}{meant}", f"Columns: {shown}."))


def find_split(frame: pl.DataFrame, asked: str | None) -> str | None:
    """Return the name of the column that holds the split: the one that was named, else ``_split``, else None."""
    if asked is not None and asked not in frame.columns:
        raise no_such_column(asked, frame.columns, "split column")
    return asked or (SPLIT_COLUMN if SPLIT_COLUMN in frame.columns else None)


def find_target(frame: pl.DataFrame, asked: str | None, split: str | None) -> tuple[str, str]:
    """Return the target column, and how it was known."""
    names = [name for name in frame.columns if name != split]
    if asked is not None:
        if asked not in names:
            raise no_such_column(asked, names, "target")
        return asked, "you named it"
    if not names:
        raise DataError(Finding("D121", "target", "the table has no column to predict.", "Add one."))
    lower = {name.lower(): name for name in reversed(names)}
    for known in TARGET_NAMES:
        if known in lower:
            return lower[known], f"guessed from its name; say which column to predict if it isn't {lower[known]!r}"
    return names[-1], f"guessed, as the last column; say which column to predict if it isn't {names[-1]!r}"


def _check_kinds(frame: pl.DataFrame, kinds: Mapping[str, str], target: str, split: str | None) -> None:
    for name, kind in kinds.items():
        if name not in frame.columns:
            raise no_such_column(name, frame.columns, "kinds")
        if kind not in OVERRIDES or name in (target, split):
            reason = "its role is fixed" if name in (target, split) else f"{kind!r} is not a kind"
            raise DataError(
                Finding(
                    "D129", f"column {name!r}", f"its kind can't be set: {reason}.", f"Kinds: {', '.join(OVERRIDES)}."
                )
            )


def left_out(frame: pl.DataFrame, kinds: Mapping[str, str], what: str) -> list[str]:
    """Return the columns that are to be ignored, where the kind of data decides all other kinds by itself.

    Args:
        frame: The table.
        kinds: What the user said of columns.
        what: What is read, for the message, such as ``series``.

    Raises:
        DataError: If there is no such column, or another kind was said than ``ignored``.
    """
    for name, kind in kinds.items():
        if name not in frame.columns:
            raise no_such_column(name, frame.columns, "kinds")
        if kind != IGNORED:
            raise DataError(
                Finding(
                    "D129",
                    f"column {name!r}",
                    f"its kind can't be set to {kind}: of {what}, columns can only be {IGNORED}.",
                    "Convert the column first, or learn from a table (--data-kind table).",
                )
            )
    return list(kinds)


def _target_column(series: pl.Series, classes: tuple[str, ...], missing: int) -> Column:
    column = Column(series.name, "categorical", "target", missing, series.n_unique() - (series.null_count() > 0))
    if classes:
        return column
    values = series.drop_nulls().to_numpy()
    return replace(column, kind="numeric", minimum=float(np.nanmin(values)), maximum=float(np.nanmax(values)))


def _with_leak_notes(columns: list[Column], frame: pl.DataFrame, target: str) -> list[Column]:
    """Note features that say the same as the target: they are often the target under another name."""
    noted = []
    for column in columns:
        if column.role == "feature" and frame[column.name].dtype == frame[target].dtype:
            same = frame[column.name].eq_missing(frame[target]).all()
            if same:
                column = replace(column, note="equal to the target in every row: is it known when predicting?")
        noted.append(column)
    return noted
