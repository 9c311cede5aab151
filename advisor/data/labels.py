"""Targets as a network learns them, and back again as the user knows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.data.frames import to_frame
from advisor.data.inferring import no_such_column
from advisor.data.kinds import category_texts
from advisor.data.schema import Target
from advisor.data.targets import labels_of
from advisor.errors import DataError, Finding

_HINT = "Drop or correct that row."


class LabelCodec:
    """Encodes and decodes one target.

    Attributes:
        target: What is known about it.
        labels: Class labels in the user's own type, (classes,); empty for a regression.
    """

    def __init__(self, target: Target) -> None:
        """Make the codec of a target."""
        self.target = target
        self.labels = _labels(target)

    def encode(self, values: Any) -> NDArray[Any]:
        """Return targets as a network learns them; see :meth:`advisor.data.Encoder.encode_target`."""
        target = self.target
        if target.size > 1:
            return self._encode_several(values)
        place = f"column {target.name!r}"
        series = self._series(values)
        found = labels_of(series)
        if found.missing:
            row = int(found.absent.arg_max() or 0)
            raise DataError(Finding("D143", place, f"row {row + 1} has no target.", _HINT))
        if not target.classes:
            return _regression(series, place)
        texts = category_texts(series)
        numbers = {name: number for number, name in enumerate(target.classes)}
        codes = texts.replace_strict(numbers, default=-1, return_dtype=pl.Int32).to_numpy()
        if (codes < 0).any():
            row = int((codes < 0).argmax())
            shown = ", ".join(target.classes[:8]) + (" …" if len(target.classes) > 8 else "")
            raise DataError(
                Finding(
                    "D143",
                    place,
                    f"row {row + 1} has {series[row]!r}, which is none of the classes.",
                    f"Classes: {shown}.",
                )
            )
        if target.task == "binary":
            return codes.astype(np.float32)[:, np.newaxis]
        return codes.astype(np.int32)

    def decode(self, values: Any) -> NDArray[Any]:
        """Return what the user would call targets; see :meth:`advisor.data.Encoder.decode_target`."""
        array = np.asarray(values)
        if self.target.size > 1:
            return array.astype(np.float64)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1 or array.dtype.kind not in "buif":
            raise DataError(
                Finding(
                    "D142",
                    "targets",
                    f"they have the shape {array.shape} and type {array.dtype}, but (rows,) or "
                    "(rows, 1) of numbers is needed.",
                    "Take the class with the largest probability first.",
                )
            )
        if not self.target.classes:
            return array.astype(np.float64)
        numbers = array.astype(np.int64)
        if (numbers != array).any() or (len(numbers) and (numbers.min() < 0 or numbers.max() >= len(self.labels))):
            raise DataError(
                Finding(
                    "D143",
                    "targets",
                    f"they are not class numbers from 0 to {len(self.labels) - 1}.",
                    "Take the class with the largest probability first.",
                )
            )
        return self.labels[numbers]

    def _encode_several(self, values: Any) -> NDArray[Any]:
        """Return one column a target, float32 (n, targets); labels as 0 and 1."""
        frame = to_frame(values, "targets")
        columns = []
        for name in self.target.names:
            if name not in frame.columns:
                raise no_such_column(name, frame.columns, "target")
            codec = LabelCodec(Target(name, "regression"))
            series = frame[name]
            columns.append(codec.encode(series.cast(pl.Int8) if series.dtype == pl.Boolean else series))
        return np.hstack(columns)

    def _series(self, values: Any) -> pl.Series:
        name = self.target.name
        if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        is_frame = isinstance(values, (pl.DataFrame, dict)) or hasattr(values, "columns")
        frame = to_frame(values if is_frame else {name: values}, "targets")
        if name not in frame.columns:
            raise no_such_column(name, frame.columns, "target")
        return frame[name]


def _labels(target: Target) -> NDArray[Any]:
    if target.label_kind == "integer":
        return np.array([int(name) for name in target.classes], dtype=np.int64)
    if target.label_kind == "number":
        return np.array([float(name) for name in target.classes], dtype=np.float64)
    if target.label_kind == "boolean":
        return np.array([name == "true" for name in target.classes], dtype=np.bool_)
    return np.array(target.classes, dtype=np.str_)


def _regression(series: pl.Series, place: str) -> NDArray[np.float32]:
    if not series.dtype.is_numeric():
        raise DataError(
            Finding("D143", place, f"its values are of type {series.dtype}, but numbers are needed.", _HINT)
        )
    with np.errstate(over="ignore"):
        numbers = np.asarray(series.cast(pl.Float64).to_numpy()).astype(np.float32)
    if np.isinf(numbers).any():
        row = int(np.isinf(numbers).argmax())
        raise DataError(
            Finding("D143", place, f"row {row + 1} has {series[row]!r}, which is beyond float32.", "Rescale it.")
        )
    return numbers[:, np.newaxis]
