"""The target: which values it has, which task that makes, and what nothing can be learned for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.data.conventions import CONVENTIONS
from advisor.data.kinds import category_texts
from advisor.data.schema import Target
from advisor.errors import DataError, Finding

TASKS = ("regression", "binary", "multiclass")
SHOWN_ROWS = 5


@dataclass(frozen=True)
class Labels:
    """The values of a target column.

    Attributes:
        values: Every row's value, of a plain type.
        absent: For each row, whether it has no target.
        missing: Number of rows without one.
    """

    values: pl.Series
    absent: pl.Series
    missing: int

    @property
    def present(self) -> pl.Series:
        """Return the values of the labeled rows."""
        return self.values.filter(~self.absent)


def labels_of(series: pl.Series) -> Labels:
    """Return a target's values; not-a-number and infinite ones raise.

    Raises:
        DataError: If a target is not-a-number or infinite, or the column holds dates.
    """
    place = f"column {series.name!r}"
    if series.dtype in (pl.Date, pl.Datetime):
        raise DataError(
            Finding(
                "D126", place, "dates can't be predicted as they are.", "Predict a number, such as days from a start."
            )
        )
    if series.dtype.is_float():
        for bad, word in ((series.is_nan(), "not a number (NaN)"), (series.is_infinite(), "infinite")):
            if count := int(bad.fill_null(False).sum()):
                row = int(bad.fill_null(False).arg_max() or 0)
                raise DataError(
                    Finding(
                        "D124",
                        place,
                        f"the target is {word} in {count} of {series.len()} rows, first in row {row + 1}.",
                        "Correct or drop those rows; an empty cell (null) marks a row without a target.",
                    )
                )
    absent = series.is_null()
    if series.dtype == pl.String:
        absent = absent | (series == "").fill_null(False)
    return Labels(series, absent, int(absent.sum()))


def refuse_missing(absent: pl.Series, place: str) -> None:
    """Refuse rows without a target.

    Args:
        absent: For each row, whether its target is missing.
        place: Where, for the message.

    Raises:
        DataError: With the numbers of the first such rows, if there are any.
    """
    rows = [int(row) + 1 for row in absent.arg_true()[:SHOWN_ROWS]]
    count = int(absent.sum())
    if not count:
        return
    shown = ", ".join(map(str, rows)) + (f" and {count - len(rows):,} more" if count > len(rows) else "")
    raise DataError(
        Finding(
            "D124",
            place,
            f"{count:,} of {absent.len():,} rows have no target: row{'s'[: count > 1]} {shown}.",
            "Fill them in or drop them; --allow-missing-target (allow_missing_target in Python) leaves them out.",
        )
    )


def describe_target(labels: Labels, task: str | None, how: str) -> Target:
    """Return what is known about a target.

    Args:
        labels: Its values.
        task: The task if the user said it, else None.
        how: How the column was known.

    Raises:
        DataError: If nothing can be learned for it: no value, one value, a class with one row, values that don't fit
            the task.
    """
    place = f"column {labels.values.name!r}"
    present = labels.present
    if not present.len():
        raise DataError(
            Finding("D122", place, "the target is missing in every row.", "Choose another column to predict.")
        )
    if present.n_unique() == 1:
        raise DataError(
            Finding(
                "D123",
                place,
                f"the target has the same value in every row ({present[0]!r}), so there is nothing to learn.",
                "Choose another column, or add rows with other values.",
            )
        )
    if task is not None and task not in TASKS:
        raise DataError(
            Finding(
                "D126", place, f"the task {task!r} is not carried out on a table yet.", f"Tasks: {', '.join(TASKS)}."
            )
        )
    inferred, reason = _task(present)
    sentence = f"{how}; you said {task}" if task else f"{how}; {inferred}, because {reason}"
    if (task or inferred) == "regression":
        return _regression(labels, sentence)
    return _classification(labels, task, sentence)


def _task(present: pl.Series) -> tuple[str, str]:
    distinct = present.n_unique()
    if present.dtype in (pl.Boolean, pl.String):
        word = "text" if present.dtype == pl.String else "true or false"
        return ("binary" if distinct == 2 else "multiclass"), f"it is {word} with {distinct:,} different values"
    values = present.cast(pl.Float64).to_numpy()
    if distinct == 2:
        return "binary", "it has two different values"
    if (values != np.round(values)).any():
        return "regression", "it has values that are not whole numbers"
    codes = distinct <= CONVENTIONS.class_codes and values.max() - values.min() + 1 == distinct
    if codes and len(values) >= CONVENTIONS.rows_per_class_code * distinct:
        span = f"{values.min():.0f} to {values.max():.0f}"
        return "multiclass", f"it has only the whole numbers {span}; say regression if they are amounts"
    return "regression", f"it has {distinct:,} different whole numbers"


def _regression(labels: Labels, how: str) -> Target:
    present = labels.present
    if not present.dtype.is_numeric():
        raise DataError(
            Finding(
                "D126",
                f"column {present.name!r}",
                f"a regression needs numbers, but the target is of type {present.dtype} (such as {present[0]!r}).",
                "Convert it, or choose a classification.",
            )
        )
    values = present.cast(pl.Float64).to_numpy()
    return Target(
        name=present.name,
        task="regression",
        labeled_rows=len(values),
        missing=labels.missing,
        minimum=float(values.min()),
        maximum=float(values.max()),
        outliers=has_outliers(values),
        how=how,
    )


def has_outliers(values: NDArray[np.float64]) -> bool:
    """Return whether a hundredth of the values carries more than half of the squared deviation from the median.

    Conservative on purpose: skew alone (an exponential target, house prices) doesn't count.
    """
    with np.errstate(over="ignore"):
        squares = np.sort((values - np.median(values)) ** 2)
    few = max(1, int(len(values) * CONVENTIONS.outlier_rows))
    total = float(squares.sum())
    return not np.isfinite(total) or (total > 0 and float(squares[-few:].sum()) > CONVENTIONS.outlier_weight * total)


def _classification(labels: Labels, task: str | None, how: str) -> Target:
    place = f"column {labels.values.name!r}"
    present = labels.present
    distinct = present.n_unique()
    if task == "binary" and distinct != 2:
        raise DataError(
            Finding(
                "D126",
                place,
                f"a binary task needs two classes, but the target has {distinct:,} different values.",
                f"Say {_task(present)[0]}, or leave the task out.",
            )
        )
    if distinct > CONVENTIONS.maximum_classes:
        raise DataError(
            Finding(
                "D126",
                place,
                f"the target has {distinct:,} different values, more than the {CONVENTIONS.maximum_classes} "
                f"classes that are supported{_first_text(present)}.",
                "Choose another target, group its classes, or make it a number.",
            )
        )
    texts = category_texts(present)
    counts = dict(texts.alias("value").value_counts(sort=False).rows())
    classes = tuple(sorted(counts, key=(lambda text: (float(text), text)) if present.dtype.is_numeric() else str))
    single = [name for name in classes if counts[name] == 1]
    if single:
        shown = ", ".join(repr(name) for name in single[:5]) + (" …" if len(single) > 5 else "")
        raise DataError(
            Finding(
                "D125",
                place,
                f"{len(single)} of {distinct} classes {'has' if len(single) == 1 else 'have'} a single "
                f"row: {shown}. One row can't be both learned from and measured on{_first_text(present)}.",
                "Add rows of that class, merge it with another, or drop it.",
            )
        )
    return Target(
        name=present.name,
        task=task or ("binary" if distinct == 2 else "multiclass"),
        classes=classes,
        class_counts=tuple(counts[name] for name in classes),
        label_kind=_label_kind(present, classes),
        labeled_rows=present.len(),
        missing=labels.missing,
        how=how,
    )


def _label_kind(present: pl.Series, classes: Sequence[str]) -> str:
    if present.dtype == pl.String:
        return "text"
    if present.dtype == pl.Boolean:
        return "boolean"
    return "integer" if all(name.lstrip("-").isdigit() for name in classes) else "number"


def _first_text(present: pl.Series) -> str:
    """Say which text keeps a target of numbers from being one."""
    if present.dtype != pl.String:
        return ""
    numbers = present.str.contains(r"^[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?$")
    if float(numbers.sum()) < 0.5 * present.len() or numbers.all():
        return ""
    row = int((~numbers).arg_max() or 0)
    return f" (most values are numbers, but {present[row]!r} is not)"
