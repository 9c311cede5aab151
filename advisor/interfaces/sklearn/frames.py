"""What scikit-learn hands over, checked in its way and as one frame with the target beside it."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.data.frames import to_frame

TARGET, SPLIT = "target", "_split"
TRIES = 100
"""Divisions by groups that are drawn until every class is in the training part."""


def checked_rows(estimator: Any, x: Any, *, reset: bool) -> pl.DataFrame:
    """Return rows as a frame whose columns are named as in ``fit``.

    Args:
        estimator: Learns ``n_features_in_`` and ``feature_names_in_``, or is compared with them.
        x: (rows, features): any dataframe, which may hold text and dates, or an array of numbers. A missing value is
            one of a dataframe, or not-a-number.
        reset: Whether this is ``fit``.

    Raises:
        ValueError: If the rows are sparse, not two-dimensional, empty or infinite, or differ from those of ``fit``.
    """
    from sklearn.utils.validation import validate_data

    table = nw.from_native(x, eager_only=True, pass_through=True)
    if isinstance(table, nw.DataFrame):
        validate_data(estimator, X=x, skip_check_array=True, reset=reset)
        frame = to_frame(x, "X")
        _check_size(frame)
    else:
        array = validate_data(estimator, X=x, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        frame = pl.DataFrame(dict(zip(names_of(estimator), np.asarray(array).T, strict=True)))
    frame = pl.DataFrame([column.alias(name) for column, name in zip(frame, names_of(estimator), strict=True)])
    for column in frame:
        if column.dtype.is_float() and column.is_infinite().any():
            raise ValueError(f"Input X contains infinity, in column {column.name!r}.")
    return pl.DataFrame([column.fill_nan(None) if column.dtype.is_float() else column for column in frame])


def names_of(estimator: Any) -> list[str]:
    """Return the names of the columns: those of the dataframe of ``fit``, or x0, x1, … as scikit-learn has them."""
    named = getattr(estimator, "feature_names_in_", None)
    return [str(name) for name in named] if named is not None else [f"x{k}" for k in range(estimator.n_features_in_)]


def _check_size(frame: pl.DataFrame) -> None:
    if not frame.width or not frame.height:
        raise ValueError(
            f"Found a dataframe with {frame.height} sample(s) and {frame.width} feature(s) (shape={frame.shape}) "
            "while a minimum of 1 is required."
        )


def kinds_of(frame: pl.DataFrame) -> dict[str, str]:
    """Return the kinds of the columns that leave no doubt: numbers are numbers, and nothing known is ignored.

    Text is left to inference: it may hold categories, dates, numbers, or what names each row.
    """
    kinds = {}
    for column in frame:
        if column.null_count() == column.len():
            kinds[column.name] = "ignored"
        elif column.dtype.is_numeric():
            kinds[column.name] = "numeric"
    return kinds


def free_name(wanted: str, frame: pl.DataFrame) -> str:
    """Return a column's name that no column has."""
    while wanted in frame.columns:
        wanted += "_"
    return wanted


def parts_by_group(groups: Any, labels: NDArray[Any] | None, seed: int, fractions: tuple[float, ...]) -> list[str]:
    """Divide rows so that those of one group stay together.

    Args:
        groups: (rows,), any values that can be compared.
        labels: Class of each row, or None for numbers; every class must be in the training part.
        seed: Decides the division.
        fractions: Shares of train, validation and test.

    Returns:
        ``train``, ``val`` or ``test`` for each row.

    Raises:
        ValueError: If there are fewer than three groups, or no division leaves every class in the training part.
    """
    from sklearn.utils import check_consistent_length, column_or_1d

    groups = column_or_1d(groups)
    if labels is not None:
        check_consistent_length(groups, labels)
    distinct, members = np.unique(groups, return_inverse=True)
    if len(distinct) < 3:
        raise ValueError(f"groups holds {len(distinct)} group(s); at least 3 are needed to train, choose and measure.")
    generator = np.random.default_rng(seed)
    sizes = np.bincount(members)
    for _ in range(TRIES):
        parts = np.full(len(distinct), "train", dtype="<U5")
        waiting = list(generator.permutation(len(distinct)))
        for name, share in (("test", fractions[2]), ("val", fractions[1])):
            filled = 0
            while len(waiting) > (2 if name == "test" else 1) and (not filled or filled < share * len(groups)):
                group = waiting.pop()
                parts[group] = name
                filled += int(sizes[group])
        rows = parts[members]
        if labels is None or set(labels) == set(labels[rows == "train"]):
            return [str(part) for part in rows]
    raise ValueError("no division by groups leaves every class in the training part; merge groups or drop classes.")
