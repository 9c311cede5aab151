"""The contract between a table and a network: which number stands where, and what it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.artifacts import InputSpec
from advisor.data.cells import CellError, read_cell
from advisor.data.conventions import (
    FIRST_CATEGORY_CODE,
    LEADING_ZERO,
    MISSING_CODE,
    NUMBER,
    UNKNOWN_CODE,
    number_text,
)
from advisor.data.dates import date_parts, part_names
from advisor.data.frames import to_frame
from advisor.data.inferring import nearest
from advisor.data.labels import LabelCodec
from advisor.data.reading import read_table
from advisor.data.schema import Column, Schema
from advisor.data.vectors import encode_series
from advisor.errors import DataError, Finding

Floats = NDArray[np.float32]
CONTRACT_FORMAT = 1
_PLAIN = {int, float}


@dataclass(frozen=True)
class EncodedColumn:
    """One column of the encoded array.

    Attributes:
        name: The raw column's name; for part of a date ``<column>:<part>``.
        source: The raw column.
        kind: ``numeric``, ``boolean``, ``code`` or ``date``.
        part: Which part of a date; empty otherwise.
        cardinality: Number of codes (missing and unknown included); 0 unless ``kind`` is ``code``.
    """

    name: str
    source: str
    kind: str
    part: str = ""
    cardinality: int = 0


@dataclass(frozen=True, eq=False)
class Encoded:
    """Encoded rows, and what had to be read as missing or unknown.

    Attributes:
        x: The rows, float32 (n, width).
        missing: Number of missing values of each raw column that has any.
        unknown: Number of categories, of each raw column that has any, that weren't met when the schema was made.
        names: Names of the rows, such as files; empty when they have none.
        notes: What else had to be passed over, in sentences.
    """

    x: Floats
    missing: Mapping[str, int]
    unknown: Mapping[str, int]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Encoder:
    """Turns raw rows into float32 numbers and labels into targets, always in the same way.

    Numbers stay as they are (rounded to float32: whole numbers are exact up to 2^24, others to 7 digits), booleans
    become 0 and 1, categories codes (0 missing, 1 unknown, then the categories in order), dates several numbers (see
    :mod:`advisor.data.dates`). Missing is NaN, except in codes. An infinite number, or one beyond float32, is missing.

    Attributes:
        schema: The schema that it was made from.
        columns: What stands in each column of the encoded array.
        width: Their number.
        classes: Class labels as text, in the order of the outputs; empty for a regression.
        labels: Class labels in the user's own type, (classes,); empty for a regression.
    """

    def __init__(self, schema: Schema, wide: Mapping[str, Any] | None = None) -> None:
        """Make the encoder of a schema.

        Args:
            schema: What is known about the table.
            wide: What the wide path of a network reads, where that was chosen; see
                :func:`advisor.data.wide_choice.choose_wide`.
        """
        self.schema, self.wide = schema, dict(wide or {})
        self.columns = tuple(part for column in schema.features for part in _encoded(column))
        self.width = len(self.columns)
        self._codec = LabelCodec(schema.target)
        self.classes = schema.target.classes
        self.labels = self._codec.labels
        self._names = schema.feature_names
        self._numeric = all(column.kind == "numeric" for column in schema.features)
        self._readers: tuple[Callable[[Any], float], ...] = tuple(read_cell(column) for column in schema.features)
        self._dates = any(column.kind == "datetime" for column in schema.features)
        self._text = frozenset(column.name for column in schema.features if column.kind == "categorical")

    @cached_property
    def inputs(self) -> InputSpec:
        """What a network for this table reads."""
        details = {"wide": self.wide} if self.wide else {}
        return InputSpec("table", (self.width,), self.columns, self.schema.features, details)

    def encode(self, rows: Any) -> Floats:
        """Return rows as the numbers that a network reads.

        Args:
            rows: A frame (polars, pandas, pyarrow …), a list of dictionaries, a dictionary of columns, one row as a
                dictionary or a sequence, a list of such sequences, an array (n, features) in the order of
                ``schema.feature_names``, or the path of a file. Columns that are not features are ignored.

        Returns:
            A new array (n, width).

        Raises:
            DataError: If a feature is missing (its name is compared with the columns that are there), a value is of the
                wrong kind, or an array has another shape.
        """
        fast = self._encode_numbers(rows) if self._numeric else None
        return self._encode_any(rows) if fast is None else fast

    def encode_counted(self, rows: Any) -> Encoded:
        """Encode rows and count what was missing or unknown in each raw column; see :meth:`encode`."""
        x = self.encode(rows)
        missing: dict[str, int] = {}
        unknown: dict[str, int] = {}
        for index, column in enumerate(self.columns):
            values = x[:, index]
            gone = values == MISSING_CODE if column.kind == "code" else np.isnan(values)
            if (count := int(gone.sum())) and column.source not in missing:
                missing[column.source] = count
            if column.kind == "code" and (count := int((values == UNKNOWN_CODE).sum())):
                unknown[column.source] = count
        return Encoded(x, missing, unknown)

    def encode_target(self, values: Any) -> NDArray[Any]:
        """Return targets as a network learns them.

        Args:
            values: A frame that has the target column, or the target's values alone (series, array or list).

        Returns:
            float32 (n, 1) for a regression; float32 (n, 1) of 0 and 1 for a binary task; int32 (n,) class numbers for a
            multiclass task.

        Raises:
            DataError: If a target is missing, not a number, or none of the classes.
        """
        return self._codec.encode(values)

    def decode_target(self, values: Any) -> NDArray[Any]:
        """Return what the user would call targets.

        Args:
            values: (n,) or (n, 1): targets of a regression, or class numbers.

        Returns:
            (n,): numbers for a regression (float64), labels in the user's own type for a classification.

        Raises:
            DataError: If a class number is none.
        """
        return self._codec.decode(values)

    def contract(self) -> dict[str, Any]:
        """Return the JSON-ready document that travels with a delivered model; see :meth:`from_contract`."""
        return {
            "contract_format": CONTRACT_FORMAT,
            "width": self.width,
            "missing_code": MISSING_CODE,
            "unknown_code": UNKNOWN_CODE,
            "first_category_code": FIRST_CATEGORY_CODE,
            "columns": [asdict(column) for column in self.columns],
            "schema": self.schema.to_dict(),
            **({"wide": self.wide} if self.wide else {}),
        }

    @classmethod
    def from_contract(cls, document: Mapping[str, Any]) -> Encoder:
        """Make the encoder that wrote a contract.

        Raises:
            DataError: If the document isn't a contract, or was written by a version that encodes differently.
        """
        hint = "Use the contract that was written beside the model."
        if not isinstance(document, Mapping) or document.get("contract_format") != CONTRACT_FORMAT:
            raise DataError(
                Finding("D190", "contract", f"this is not an encoding contract of format {CONTRACT_FORMAT}.", hint)
            )
        encoder = cls(Schema.from_dict(document.get("schema", {})), document.get("wide"))
        if {**encoder.contract(), "schema": None} != {**document, "schema": None}:
            raise DataError(Finding("D190", "contract", "its columns don't follow from its schema.", hint))
        return encoder

    def _encode_numbers(self, rows: Any) -> Floats | None:
        """Return plain numbers encoded in a few microseconds, or None for anything that needs a closer look."""
        kind = type(rows)
        if kind is np.ndarray:
            if rows.dtype.kind in "fiu" and rows.shape[-1:] == (self.width,) and rows.ndim <= 2:
                return _finite(rows.reshape(-1, self.width))
            return None
        if kind is dict:
            try:
                rows = [rows[name] for name in self._names]
            except KeyError:
                raise self._missing_columns(list(rows)) from None
        elif kind is not tuple or len(rows) != self.width:
            return None
        try:
            return _finite(np.array((rows,), dtype=np.float64)) if set(map(type, rows)) <= _PLAIN else None
        except OverflowError:
            return None

    def _encode_any(self, rows: Any) -> Floats:
        if isinstance(rows, (str, PathLike)):
            return self._encode_frame(self._read(rows))
        if isinstance(rows, Mapping):
            if any(_is_column(rows[name]) for name in self._names if name in rows):
                return self._encode_frame(to_frame({str(key): rows[key] for key in rows if key in self._names}, "rows"))
            return self._encode_records([rows])
        if isinstance(rows, np.ndarray):
            return self._encode_array(rows)
        if isinstance(rows, (list, tuple)):
            return self._encode_list(rows)
        return self._encode_frame(to_frame(rows, "rows"))

    def _read(self, path: str | PathLike[str]) -> pl.DataFrame:
        """Read a file; categories stay text, except that a number may be written otherwise than the category."""
        frame = read_table(path, text=self._text, labeled=False)
        for column in self.schema.features:
            if column.name in self._text and column.name in frame.columns:
                frame = frame.with_columns(_known_numbers(frame[column.name], column))
        return frame

    def _encode_frame(self, frame: pl.DataFrame) -> Floats:
        if any(name not in frame.columns for name in self._names):
            raise self._missing_columns(frame.columns)
        x = np.empty((frame.height, self.width), dtype=np.float32)
        start = 0
        for column in self.schema.features:
            values = encode_series(frame[column.name], column)
            x[:, start : start + values.shape[1]] = values
            start += values.shape[1]
        return x

    def _encode_list(self, rows: Sequence[Any]) -> Floats:
        if not len(rows):
            return np.empty((0, self.width), dtype=np.float32)
        if all(isinstance(row, Mapping) for row in rows):
            return self._encode_records(rows)
        if all(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
            return self._encode_sequences(rows)
        return self._encode_sequences([rows])

    def _encode_array(self, rows: NDArray[Any]) -> Floats:
        if rows.ndim == 1:
            rows = rows.reshape(1, -1)
        if rows.ndim != 2 or rows.shape[1] != len(self._names):
            raise self._wrong_shape(rows.shape)
        if rows.dtype.kind in "buif":
            columns = {name: np.ascontiguousarray(rows[:, index]) for index, name in enumerate(self._names)}
            return self._encode_frame(to_frame(pl.DataFrame(columns), "rows"))
        return self._encode_sequences(rows.tolist())

    def _encode_records(self, rows: Sequence[Mapping[str, Any]]) -> Floats:
        names = self._names
        try:
            return self._encode_sequences([[row[name] for name in names] for row in rows])
        except KeyError:
            number, row = next(
                (number, row) for number, row in enumerate(rows) if any(name not in row for name in names)
            )
            raise self._missing_columns(list(row), number if len(rows) > 1 else None) from None

    def _encode_sequences(self, rows: Sequence[Sequence[Any]]) -> Floats:
        width = len(self._names)
        values = np.empty((len(rows), width), dtype=np.float64)
        for number, row in enumerate(rows):
            if len(row) != width:
                raise self._wrong_shape((len(rows), len(row)))
            try:
                values[number] = [reader(value) for reader, value in zip(self._readers, row, strict=True)]
            except CellError as error:
                raise error.found(number if len(rows) > 1 else None) from None
        if not self._dates:
            return _finite(values)
        return self._with_dates(values)

    def _with_dates(self, values: NDArray[np.float64]) -> Floats:
        parts = [
            date_parts(values[:, index], column.origin_day, column.has_time)
            if column.kind == "datetime"
            else _finite(values[:, index : index + 1])
            for index, column in enumerate(self.schema.features)
        ]
        return np.concatenate(parts, axis=1)

    def _missing_columns(self, found: Sequence[Any], row: int | None = None) -> DataError:
        names = [str(name) for name in found]
        findings = []
        for absent in [name for name in self._names if name not in names][:5]:
            near = nearest(absent, [name for name in names if name not in self._names])
            place = "rows" if row is None else f"row {row + 1}"
            findings.append(
                Finding(
                    "D140",
                    place,
                    f"the column {absent!r} is missing." + (f" Is it {near!r}?" if near else ""),
                    "Give every column that the model was trained on; a missing value is null (None, NaN).",
                )
            )
        return DataError(*findings)

    def _wrong_shape(self, shape: tuple[int, ...]) -> DataError:
        shown = ", ".join(self._names[:8]) + (" …" if len(self._names) > 8 else "")
        return DataError(
            Finding(
                "D142",
                "rows",
                f"the rows have the shape {shape}, but (rows, {len(self._names)}) is needed.",
                f"Give the columns in this order: {shown}.",
            )
        )


def _encoded(column: Column) -> tuple[EncodedColumn, ...]:
    if column.kind == "categorical":
        return (EncodedColumn(column.name, column.name, "code", "", FIRST_CATEGORY_CODE + len(column.categories)),)
    if column.kind == "datetime":
        return tuple(
            EncodedColumn(f"{column.name}:{part}", column.name, "date", part) for part in part_names(column.has_time)
        )
    return (EncodedColumn(column.name, column.name, column.kind),)


def _known_numbers(series: pl.Series, column: Column) -> pl.Series:
    """Return text with each number that isn't a category written as the category of its value (``1.0`` as ``1``)."""
    if series.dtype != pl.String:
        return series
    known = set(column.categories)
    texts = series.unique().drop_nulls()
    texts = texts.filter(texts.str.contains(NUMBER) & ~texts.str.contains(LEADING_ZERO))
    found = {text: number_text(float(text)) for text in texts.to_list() if text not in known}
    found = {text: other for text, other in found.items() if other in known}
    return series.replace(list(found), list(found.values())) if found else series


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes, Mapping))


def _finite(values: NDArray[Any]) -> Floats:
    """Return a float32 copy in which infinite numbers, and those beyond float32, are missing."""
    if values.dtype.kind in "iu":
        values = values.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        x: Floats = values.astype(np.float32)
    infinite = np.isinf(x)
    if infinite.any():
        x[infinite] = np.nan
    return x
