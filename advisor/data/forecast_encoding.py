"""The contract between series and a forecasting network: the last window of each series."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.artifacts import InputSpec
from advisor.data.encoding import Encoded
from advisor.data.schema import Schema
from advisor.data.series_encoding import CONTRACT_FORMAT, Floats, arrays_of, check_contract, frame_of
from advisor.data.series_table import Series, filled, read_series, regular
from advisor.errors import DataError, Finding

WINDOW = "window"


class ForecastEncoder:
    """Turns the last steps of series into windows.

    Attributes:
        schema: What is known about the table.
        channels: Columns that are read and forecast.
        window: Steps that are read.
        horizon: Steps that are forecast.
        step: Distance between two steps, in seconds or in the unit of the time column.
        season: Steps of a season, 0 without.
        segment: Steps that the recurrent layers read at once.
        classes: Empty.
        labels: Empty.
    """

    classes: tuple[str, ...] = ()

    def __init__(
        self,
        schema: Schema,
        channels: tuple[str, ...],
        *,
        window: int,
        horizon: int,
        step: float,
        season: int,
        segment: int,
        series_id: str | None,
        time: str | None,
    ) -> None:
        """Make the encoder of a schema."""
        self.schema, self.channels = schema, channels
        self.window, self.horizon, self.step, self.season, self.segment = window, horizon, step, season, segment
        self.series_id, self.time = series_id, time
        self.labels: NDArray[Any] = np.array([])

    @cached_property
    def inputs(self) -> InputSpec:
        """What a network for these forecasts reads."""
        details = {
            "channels": list(self.channels),
            "horizon": self.horizon,
            "segment": self.segment,
            "season": self.season,
        }
        return InputSpec("series", (self.window, len(self.channels)), details=details)

    def encode(self, rows: Any) -> Floats:
        """Return the last window of each series.

        Args:
            rows: A table with at least ``window`` steps of each series (frame, list of dictionaries, dictionary of
                columns, path): one forecast for each series, in the order of their first rows; or an array (n, steps,
                channels) or (steps, channels), or a list of arrays (steps, channels), steps in the order of time.

        Returns:
            float32 (n, window, channels).

        Raises:
            DataError: If columns are missing, there are too few steps, or gaps are too long.
        """
        arrays = arrays_of(rows, self.channels)
        if arrays is None:
            frame = frame_of(rows, self.channels)
            if not frame.height:
                return np.zeros((0, self.window, len(self.channels)), np.float32)
            series_id = self.series_id if self.series_id in frame.columns else None
            time = self.time if self.time in frame.columns else None
            found, _ = read_series(frame, series_id, time, self.channels, unique_times=time is not None)
            if time is not None:
                found = [regular(each, self.step)[0] for each in found]
        else:
            found = [
                Series(str(number + 1), np.arange(len(each)), np.arange(len(each), dtype=np.float64), each)
                for number, each in enumerate(arrays)
            ]
        return np.stack([self._last(each) for each in found])

    def encode_counted(self, rows: Any) -> Encoded:
        """Encode windows; what was missing has been filled in."""
        return Encoded(self.encode(rows), {}, {})

    def contract(self) -> dict[str, Any]:
        """Return the JSON-ready document that travels with a delivered model; see :meth:`from_contract`."""
        return {
            "kind": "series",
            "contract_format": CONTRACT_FORMAT,
            "schema": self.schema.to_dict(),
            "channels": list(self.channels),
            "window": self.window,
            "horizon": self.horizon,
            "step": self.step,
            "season": self.season,
            "segment": self.segment,
            "series_id": self.series_id,
            "time": self.time,
        }

    @classmethod
    def from_contract(cls, document: Mapping[str, Any]) -> ForecastEncoder:
        """Make the encoder that wrote a contract.

        Raises:
            DataError: If the document isn't a contract of this format.
        """
        check_contract(document)
        names = ("window", "horizon", "step", "season", "segment", "series_id", "time")
        schema = Schema.from_dict(document.get("schema", {}))
        return cls(schema, tuple(document["channels"]), **{name: document[name] for name in names})

    def _last(self, series: Series) -> Floats:
        which = f"series {series.name!r}" if series.name else "the rows"
        if len(series.values) < self.window:
            raise DataError(
                Finding(
                    "D153",
                    which,
                    f"{len(series.values):,} steps are given, but a forecast reads {self.window}.",
                    f"Give at least the last {self.window} steps of each series.",
                )
            )
        last = filled(series.values[-self.window :])[0]
        if np.isnan(last).any():
            index = int(np.isnan(last).all(axis=0).argmax())
            raise DataError(
                Finding(
                    "D154",
                    f"column {self.channels[index]!r}",
                    f"{which} has no value of it in the last {self.window} steps.",
                    "Give the values that the forecast starts from.",
                )
            )
        return last
