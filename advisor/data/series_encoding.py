"""The contract between labeled series and a network: series, padded; and what a contract for forecasts shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.artifacts import InputSpec
from advisor.data.encoding import Encoded
from advisor.data.inferring import nearest
from advisor.data.labels import LabelCodec
from advisor.data.schema import Schema
from advisor.data.series_table import open_table, read_series
from advisor.errors import DataError, Finding

Floats = NDArray[np.float32]
CONTRACT_FORMAT = 1
SERIES = "series"


def pad(series: Sequence[Floats], length: int) -> Floats:
    """Return series as one array (n, length, channels): cut off after ``length`` steps, padded by NaN."""
    channels = series[0].shape[1] if series else 0
    x = np.full((len(series), length, channels), np.nan, np.float32)
    for row, values in enumerate(series):
        x[row, : min(length, len(values))] = values[:length]
    return x


class SeriesEncoder:
    """Turns long tables into padded series.

    Attributes:
        schema: What is known about the table.
        channels: Columns that are read at each step.
        length: Steps that are read.
        classes: Class labels as text, in the order of the outputs; empty for a regression.
        labels: Class labels in the user's own type.
    """

    def __init__(
        self, schema: Schema, channels: tuple[str, ...], length: int, *, series_id: str | None, time: str | None
    ) -> None:
        """Make the encoder of a schema."""
        self.schema, self.channels, self.length = schema, channels, length
        self.series_id, self.time = series_id, time
        self.classes = schema.target.classes
        self.labels: NDArray[Any] = LabelCodec(schema.target).labels

    @cached_property
    def inputs(self) -> InputSpec:
        """What a network for these series reads."""
        details = {"channels": list(self.channels)}
        return InputSpec("series", (self.length, len(self.channels)), details=details)

    def encode(self, rows: Any) -> Floats:
        """Return series as numbers.

        Args:
            rows: A long table (frame, list of dictionaries, dictionary of columns, path), one answer for each id in
                the order of their first rows, and without a column of ids one series; or an array (n, steps,
                channels) or (steps, channels), or a list of arrays (steps, channels).

        Returns:
            float32 (n, length, channels), padded by NaN.

        Raises:
            DataError: If columns are missing, an array has another shape, or a series is empty.
        """
        return pad(self._series(rows), self.length)

    def encode_counted(self, rows: Any) -> Encoded:
        """Encode series and count missing values of each channel."""
        x = self.encode(rows)
        present = ~np.isnan(x).all(axis=2)
        missing = {
            name: int(np.isnan(x[:, :, index])[present].sum())
            for index, name in enumerate(self.channels)
            if np.isnan(x[:, :, index])[present].any()
        }
        return Encoded(x, missing, {})

    def contract(self) -> dict[str, Any]:
        """Return the JSON-ready document that travels with a delivered model; see :meth:`from_contract`."""
        return {
            "kind": "series",
            "contract_format": CONTRACT_FORMAT,
            "schema": self.schema.to_dict(),
            "channels": list(self.channels),
            "length": self.length,
            "series_id": self.series_id,
            "time": self.time,
        }

    @classmethod
    def from_contract(cls, document: Mapping[str, Any]) -> SeriesEncoder:
        """Make the encoder that wrote a contract.

        Raises:
            DataError: If the document isn't a contract of this format.
        """
        check_contract(document)
        return cls(
            Schema.from_dict(document.get("schema", {})),
            tuple(document["channels"]),
            document["length"],
            series_id=document["series_id"],
            time=document["time"],
        )

    def _series(self, rows: Any) -> list[Floats]:
        arrays = arrays_of(rows, self.channels)
        if arrays is None:
            frame = frame_of(rows, self.channels)
            series_id = self.series_id if self.series_id in frame.columns else None
            time = self.time if self.time in frame.columns else None
            found, _ = read_series(frame, series_id, time, self.channels, unique_times=False)
            if not frame.height:
                return []
            for each in found:
                if np.isnan(each.values).all():
                    raise _empty(each.name)
            return [each.values for each in found]
        for number, values in enumerate(arrays):
            if not len(values) or np.isnan(values).all():
                raise _empty(str(number + 1))
        return arrays


def frame_of(rows: Any, channels: Sequence[str]) -> pl.DataFrame:
    """Return a long table of series, from whatever holds one.

    Raises:
        DataError: If a channel is missing or holds no numbers.
    """
    if isinstance(rows, list | tuple) and rows and all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        rows = {str(name): [row.get(name) for row in rows] for name in names}
    frame = open_table(rows)
    findings = []
    for absent in [name for name in channels if name not in frame.columns][:5]:
        near = nearest(absent, [name for name in frame.columns if name not in channels])
        findings.append(
            Finding(
                "D140",
                "rows",
                f"the column {absent!r} is missing." + (f" Is it {near!r}?" if near else ""),
                "Give every column that the model was trained on.",
            )
        )
    for name in channels:
        if name in frame.columns and not (frame[name].dtype.is_numeric() or frame[name].dtype in (pl.Boolean, pl.Null)):
            findings.append(
                Finding("D142", f"column {name!r}", f"its values are of type {frame[name].dtype}.", "Give numbers.")
            )
    if findings:
        raise DataError(*findings)
    return frame


def arrays_of(rows: Any, channels: Sequence[str]) -> list[Floats] | None:
    """Return arrays of series, float32 (steps, channels) each, or None for a table.

    Raises:
        DataError: If an array has another shape.
    """
    if isinstance(rows, np.ndarray):
        found = [rows] if rows.ndim <= 2 else list(rows)
        shape: Any = rows.shape
    elif isinstance(rows, list | tuple) and rows and all(isinstance(each, np.ndarray | list) for each in rows):
        found = [np.asarray(each) for each in rows]
        shape = found[0].shape
    else:
        return None
    if len(channels) == 1:
        found = [each[:, np.newaxis] if each.ndim == 1 else each for each in found]
    for each in found:
        if each.ndim != 2 or each.shape[1] != len(channels) or each.dtype.kind not in "buif":
            shown = ", ".join(channels[:8])
            raise DataError(
                Finding(
                    "D142",
                    "rows",
                    f"the series have the shape {shape}, but (series, steps, {len(channels)}) is needed.",
                    f"Give the channels in this order: {shown}.",
                )
            )
    return [np.asarray(each, np.float32) for each in found]


def _empty(name: str) -> DataError:
    which = f"series {name!r}" if name else "the series"
    return DataError(Finding("D154", "rows", f"{which} has no value at all.", "Leave it out."))


def check_contract(document: Mapping[str, Any]) -> None:
    """Refuse a document that is no contract for series.

    Raises:
        DataError: If it isn't of this format.
    """
    if document.get("contract_format") != CONTRACT_FORMAT:
        raise DataError(
            Finding(
                "D190",
                "contract",
                f"this is not a contract for series of format {CONTRACT_FORMAT}.",
                "Use the contract that was written beside the model.",
            )
        )
