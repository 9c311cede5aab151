"""Raw columns as the exported models for raw rows take them: numbers, text, and seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.data.kinds import category_texts
from advisor.data.schema import Schema
from advisor.data.vectors import encode_series, series_of_seconds


def raw_columns(frame: pl.DataFrame, schema: Schema) -> dict[str, NDArray[Any]]:
    """Return the features of a table in the types that a model for raw rows takes.

    Args:
        frame: A table with every feature.
        schema: Its schema.

    Returns:
        For each feature an array (n, 1): text for a category ("" is missing), float64 seconds since 1970-01-01 for a
        date, float32 otherwise (NaN is missing).

    Raises:
        DataError: If a value is not of the column's kind.
    """
    columns: dict[str, NDArray[Any]] = {}
    for column in schema.features:
        series = frame[column.name]
        if column.kind == "categorical":
            values: NDArray[Any] = np.array(category_texts(series).fill_null("").to_list(), dtype=np.str_)
        elif column.kind == "datetime":
            values = series_of_seconds(series, column)
        else:
            values = encode_series(series, column)[:, 0]
        columns[column.name] = values[:, np.newaxis]
    return columns
