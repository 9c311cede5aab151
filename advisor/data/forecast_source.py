"""One or several series to forecast: windows in the order of time, with no look ahead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.artifacts import DataBundle, Part
from advisor.data.bundling import digest_parts
from advisor.data.conventions import SPLIT_NAMES
from advisor.data.encoding import EncodedColumn
from advisor.data.forecast_encoding import WINDOW, ForecastEncoder
from advisor.data.forecast_windows import (
    Origins,
    choose_segment,
    choose_window,
    cut,
    find_season,
    origins_of,
    time_parts,
)
from advisor.data.inferring import find_split, left_out
from advisor.data.profiling import Profile
from advisor.data.protocols import SourceOptions
from advisor.data.schema import Column, Schema, Target
from advisor.data.series_table import (
    Series,
    channel_column,
    channels_of,
    check_columns,
    filled,
    open_table,
    read_series,
    regular,
    usual_step,
)
from advisor.data.splitting import FRACTIONS, PARTS, Split
from advisor.errors import DataError, Finding

KIND = "series"


class ForecastSource:
    """Series to forecast.

    Attributes:
        kind: ``series``.
        profile: The schema and what the series say about the problem.
        schema: Its columns.
        encoder: From tables to windows.
    """

    kind = KIND

    def __init__(self, data: Any, options: SourceOptions) -> None:
        """Read the table, sort and mend the series, and choose the window.

        Raises:
            DataError: If columns are missing, times can't be mended, or a series is too short.
        """
        _check_options(options)
        frame = open_table(data)
        check_columns(frame, [options.series_id, options.time], "series")
        self._split_name = find_split(frame, options.split_column)
        assert options.horizon is not None  # or these data would be read as labeled series
        self.horizon = options.horizon
        roles = [options.series_id, options.time, self._split_name]
        channels, others = channels_of(frame, [*roles, *left_out(frame, options.kinds, "series")])
        if options.target is not None:
            named = [name.strip() for name in options.target.split(",")]
            check_columns(frame, named, "target")
            wrong = [name for name in named if name not in channels]
            if wrong:
                raise DataError(
                    Finding("D155", f"column {wrong[0]!r}", "only numbers can be forecast.", "Name columns of numbers.")
                )
            others += [name for name in channels if name not in named]
            channels = named
        if not channels:
            raise DataError(Finding("D155", "data", "there is no column of numbers to forecast.", "Add one."))
        series, notes = read_series(frame, options.series_id, options.time, channels, unique_times=True)
        self._step = usual_step(series)
        self._series = self._mended(series, channels, notes)
        self._parts, self._how = self._divided(frame)
        training = [each.values[part == "train"] for each, part in zip(self._series, self._parts, strict=True)]
        longest = max(training, key=len)
        shortest = min(map(len, self._parts))
        self._season = find_season(longest)
        if options.window is None:
            window, why = choose_window(self.horizon, self._season, min(shortest, len(longest)), options.limits)
        else:
            window, why = options.window, "you said so"
        if len(longest) < window + self.horizon:
            raise DataError(
                Finding(
                    "D153",
                    "data",
                    f"the longest series has {len(longest):,} steps to fit on, too few for a window of {window} and a "
                    f"horizon of {self.horizon}.",
                    "Give longer series, or a shorter --window or --horizon.",
                )
            )
        if others:
            notes.append(f"Columns that are not read: {', '.join(others[:8])}.")
        season = f"; a season of {self._season} steps was found" if self._season else ""
        notes.append(f"A forecast reads {window} steps ({why}{season}).")
        self.schema: Schema = self._schema(frame, options, channels, notes)
        self.encoder = ForecastEncoder(
            self.schema,
            tuple(channels),
            window=window,
            horizon=self.horizon,
            step=self._step,
            season=self._season,
            segment=choose_segment(window, self._season),
            series_id=options.series_id,
            time=options.time,
        )
        self.profile: Profile = self._profile(window, why)

    @property
    def series(self) -> list[Series]:
        """Every series, ordered in time and without gaps."""
        return self._series

    def split(self, seed: int) -> Split:
        """Divide the places from which a whole horizon lies in one part; chance has no say in it."""
        rows, start = {}, 0
        for name in PARTS:
            count = len(self._origins[name])
            if not count:
                raise DataError(
                    Finding(
                        "D131",
                        f"part {name}",
                        f"no whole horizon of {self.horizon} steps lies in it.",
                        "Give longer series, a shorter --horizon, or another split.",
                    )
                )
            rows[name] = np.arange(start, start + count, dtype=np.int64)
            start += count
        return Split(rows["train"], rows["val"], rows["test"], np.zeros(0, np.int64), self._how)

    def bundle(self, split: Split) -> DataBundle:
        """Cut the windows of each part."""
        parts = tuple(
            Part(*self._cut(self._origins[name]), rows)
            for name, rows in zip(PARTS, (split.train, split.val, split.test), strict=True)
        )
        head = [KIND, list(self.encoder.channels), self.encoder.window, self.horizon]
        return DataBundle(
            task="forecasting",
            train=parts[0],
            val=parts[1],
            test=parts[2],
            classes=(),
            target_names=self.encoder.channels,
            sha256=digest_parts(list(parts), head),
        )

    def raw_inputs(self, rows: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Return windows as the exported model takes them: float32 (n, window, channels)."""
        whole = Origins(
            np.concatenate([self._origins[name].series for name in PARTS]),
            np.concatenate([self._origins[name].first for name in PARTS]),
        )
        return {WINDOW: self._cut(Origins(whole.series[rows], whole.first[rows]))[0]}

    def flat(self, x: NDArray[Any]) -> tuple[NDArray[Any], tuple[EncodedColumn, ...]]:
        """Return windows laid out in one line."""
        names = [f"{name}@{step - x.shape[1]}" for step in range(x.shape[1]) for name in self.encoder.channels]
        return x.reshape(len(x), -1), tuple(EncodedColumn(name, WINDOW, "numeric") for name in names)

    @cached_property
    def _origins(self) -> dict[str, Origins]:
        return {name: origins_of(self._parts, name, self.encoder.window, self.horizon) for name in PARTS}

    def _cut(self, origins: Origins) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return cut([each.values for each in self._series], origins, self.encoder.window, self.horizon)

    def _mended(self, series: list[Series], channels: list[str], notes: list[str]) -> list[Series]:
        mended, steps, values = [], 0, 0
        for each in series:
            even, added = regular(each, self._step)
            numbers, count = filled(even.values)
            if np.isnan(numbers).any():
                index = int(np.isnan(numbers).all(axis=0).argmax())
                which = f"series {each.name!r}" if each.name else "the series"
                raise DataError(
                    Finding("D154", f"column {channels[index]!r}", f"{which} has no value of it.", "Leave it out.")
                )
            mended.append(Series(even.name, even.rows, even.times, numbers))
            steps += added
            values += count - added * numbers.shape[1]
        if steps:
            notes.append(f"{steps:,} missing steps were filled in by straight lines between their neighbours.")
        if values:
            notes.append(f"{values:,} missing values were filled in by straight lines between their neighbours.")
        return mended

    def _divided(self, frame: pl.DataFrame) -> tuple[list[NDArray[np.str_]], str]:
        if self._split_name is None:
            shares = f"{FRACTIONS[0]:.0%}, {FRACTIONS[1]:.0%} and {FRACTIONS[2]:.0%}"
            parts = [time_parts(len(each.times), FRACTIONS) for each in self._series]
            return parts, f"in the order of time: {shares} to fit, choose and measure on; no window looks ahead"
        words = frame[self._split_name].cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("").to_list()
        wrong = sorted({word for word in words if word not in SPLIT_NAMES and word != ""})
        if wrong:
            raise DataError(
                Finding(
                    "D130",
                    f"column {self._split_name!r}",
                    f"row {words.index(wrong[0]) + 1} holds {wrong[0]!r}, which is not a part.",
                    "Parts: train, val (or validation), test.",
                )
            )
        named = np.array([SPLIT_NAMES.get(word, "") for word in words])
        parts = []
        for each in self._series:
            part = np.where(each.rows >= 0, named[np.maximum(each.rows, 0)], "")
            for place in np.flatnonzero(each.rows < 0):
                part[place] = part[place - 1]
            rank = np.array([PARTS.index(word) if word else -1 for word in part])
            known = rank[rank >= 0]
            if (np.diff(known) < 0).any():
                raise DataError(
                    Finding(
                        "D130",
                        f"column {self._split_name!r}",
                        "a later part comes before an earlier one in time, so a forecast would look ahead.",
                        "Fit on the earliest steps, choose on the next, measure on the latest.",
                    )
                )
            parts.append(part.astype("<U5"))
        return parts, f"by the column {self._split_name!r}; a window may begin in an earlier part, never in a later"

    def _schema(self, frame: pl.DataFrame, options: SourceOptions, channels: list[str], notes: list[str]) -> Schema:
        columns = []
        for values in frame.get_columns():
            name, missing, distinct = values.name, values.null_count(), values.n_unique()
            if name in channels:
                columns.append(channel_column(values, "target" if name == channels[0] else "feature"))
            elif name == self._split_name:
                columns.append(Column(name, "categorical", "split", missing, distinct))
            else:
                note = {options.series_id: "tells series apart", options.time: "orders the steps"}.get(name, "not read")
                columns.append(Column(name, "text", "ignored", missing, distinct, note=note))
        steps = sum(len(each.times) for each in self._series)
        target = Target(
            name=channels[0],
            task="forecasting",
            labeled_rows=steps,
            minimum=float(min(each.values.min() for each in self._series)),
            maximum=float(max(each.values.max() for each in self._series)),
            how=f"the next {self.horizon} steps of {', '.join(channels)}",
            size=self.horizon * len(channels),
        )
        return Schema(tuple(columns), target, steps, tuple(notes))

    def _profile(self, window: int, why: str) -> Profile:
        channels, target = self.encoder.channels, self.schema.target
        several = f"{len(self._series):,} series" if len(self._series) > 1 else "one series"
        found = [
            ("data_kind", KIND, "You gave a horizon, so the rows are steps in time."),
            ("architecture", "recurrent", "A series is read step by step."),
            ("task", "forecasting", f"Asked for: {target.how}."),
            (
                "features",
                window * len(channels),
                f"A forecast reads {window} steps of {len(channels)} columns ({why}).",
            ),
            ("sequence_steps", window, f"A forecast reads {window} steps ({why})."),
            ("segment_steps", self.encoder.segment, f"It reads {self.encoder.segment} of them at once."),
            ("labeled_rows", target.labeled_rows, f"There are {target.labeled_rows:,} steps of {several}."),
            ("outputs", target.size, f"{self.horizon} steps of {len(channels)} columns are forecast at once."),
        ]
        facts = {field: value for field, value, _ in found}
        return Profile(KIND, self.schema, facts, {field: how for field, _, how in found}, self.schema.notes)


def _check_options(options: SourceOptions) -> None:
    if options.horizon is None:
        raise DataError(
            Finding("D155", "--horizon", "a forecast needs a number of steps.", "Give --horizon, such as 24.")
        )
    for name, value in (("--horizon", options.horizon), ("--window", options.window)):
        if value is not None and value < (1 if name == "--horizon" else 2):
            raise DataError(Finding("D155", name, f"{value} steps are too few.", "Give a larger number."))
    if options.validation is not None or options.test is not None:
        name = "--validation" if options.validation is not None else "--test"
        raise DataError(
            Finding("D155", name, "separate files aren't read for series.", "Use one table with a split column.")
        )
