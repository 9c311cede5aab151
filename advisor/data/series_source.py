"""Series as a kind of data: a label for each series, or forecasts of what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.artifacts import DataBundle, Part
from advisor.data.bundling import digest_parts
from advisor.data.encoding import EncodedColumn
from advisor.data.forecast_encoding import ForecastEncoder
from advisor.data.forecast_source import ForecastSource
from advisor.data.inferring import find_split, find_target, left_out
from advisor.data.labels import LabelCodec
from advisor.data.profiling import Profile, target_facts
from advisor.data.protocols import SourceOptions
from advisor.data.schema import Column, Role, Schema
from advisor.data.series_encoding import SERIES, SeriesEncoder, pad
from advisor.data.series_table import Series, channel_column, channels_of, check_columns, open_table, read_series
from advisor.data.splitting import Split, make_split
from advisor.data.targets import describe_target, labels_of, refuse_missing
from advisor.errors import DataError, Finding

KIND = "series"
RESAMPLED_STEPS = 8


class SeriesSource:
    """Series with a label each, from a long table.

    Attributes:
        kind: ``series``.
        profile: The schema and what the series say about the problem.
        schema: Its columns.
        encoder: From long tables to padded series.
    """

    kind = KIND

    def __init__(self, data: Any, options: SourceOptions) -> None:
        """Read the long tables and gather the series.

        Raises:
            DataError: If columns are missing, a series has several labels, or nothing can be learned.
        """
        if options.validation is not None or options.test is not None:
            raise DataError(
                Finding(
                    "D155",
                    "--validation" if options.validation is not None else "--test",
                    "separate files aren't read for series.",
                    "Put all series into one table, with a split column.",
                )
            )
        frame = open_table(data)
        check_columns(frame, [options.series_id, options.time], "series")
        self._split_name = find_split(frame, options.split_column)
        target, how = find_target(frame, options.target, self._split_name)
        roles = [options.series_id, options.time, target, self._split_name]
        channels, others = channels_of(frame, [*roles, *left_out(frame, options.kinds, "series")])
        if not channels:
            raise DataError(
                Finding("D155", "data", "no column of numbers is left to read.", "Give the values of the series.")
            )
        series, notes = read_series(frame, options.series_id, options.time, channels, unique_times=False)
        empty = [each.name for each in series if np.isnan(each.values).all()]
        if empty:
            notes.append(f"{len(empty):,} series without a single value are left out, such as {empty[0]!r}.")
            series = [each for each in series if not np.isnan(each.values).all()]
        if not series:
            raise DataError(Finding("D155", "data", "every series is empty.", "Give the values of the series."))
        self._series = series
        self.frame = self._by_series(frame, target)
        labels = labels_of(self.frame[target])
        if not options.allow_missing_target and labels.present.len():
            # A series has one label, or none: the rows that are named are those of the table.
            refuse_missing(labels_of(frame[target]).absent, f"column {target!r}")
        described = describe_target(labels, options.task, how)
        self.schema: Schema = self._schema(frame, described, roles, channels, others, notes)
        self._longest = options.limits.longest_series
        length = min(self._longest, max(len(each.rows) for each in series))
        self.encoder = SeriesEncoder(
            self.schema, tuple(channels), length, series_id=options.series_id, time=options.time
        )
        self.profile: Profile = self._profile()

    @property
    def series(self) -> list[Series]:
        """Every series that has a value, in the order of its first row."""
        return self._series

    def split(self, seed: int) -> Split:
        """Divide the series, by the split column or by chance within each class."""
        split = make_split(self.frame, self._series_schema, seed=seed, split_column=self._split_name)
        return replace(split, how=f"{split.how}; each series as a whole")

    def bundle(self, split: Split) -> DataBundle:
        """Encode the parts."""
        codec = LabelCodec(self.schema.target)
        targets = self.frame[self.schema.target.name]
        x = pad([each.values for each in self._series], self.encoder.length)

        def part(rows: NDArray[np.int64]) -> Part:
            return Part(np.ascontiguousarray(x[rows]), codec.encode(targets[rows]), rows)

        parts = part(split.train), part(split.val), part(split.test)
        head = [KIND, list(self.encoder.channels), self.schema.target.name, list(self.schema.target.classes)]
        return DataBundle(
            task=self.schema.target.task,
            train=parts[0],
            val=parts[1],
            test=parts[2],
            classes=self.schema.target.classes,
            target_names=(self.schema.target.name,),
            sha256=digest_parts(list(parts), head),
        )

    def raw_inputs(self, rows: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Return series as the exported model takes them: float32 (n, steps, channels), padded by NaN at the end."""
        return {SERIES: pad([self._series[int(row)].values for row in rows], self.encoder.length)}

    def flat(self, x: NDArray[Any]) -> tuple[NDArray[Any], tuple[EncodedColumn, ...]]:
        """Return each series at eight places along its length, and its number of steps."""
        present = ~np.isnan(x).all(axis=2)
        lengths = np.maximum(present.sum(axis=1), 1)
        places = np.linspace(0.0, 1.0, RESAMPLED_STEPS) * (lengths[:, np.newaxis] - 1)
        chosen = np.round(places).astype(np.int64)
        table = np.take_along_axis(x, chosen[:, :, np.newaxis], axis=1).reshape(len(x), -1)
        names = [f"{name}@{place}" for place in range(RESAMPLED_STEPS) for name in self.encoder.channels]
        columns = [EncodedColumn(name, SERIES, "numeric") for name in (*names, "steps")]
        return np.column_stack([table, lengths]).astype(np.float32), tuple(columns)

    def _by_series(self, frame: pl.DataFrame, target: str) -> pl.DataFrame:
        """Return a table with one row a series: its number, its label, and its part."""
        columns = {SERIES: pl.Series([str(number) for number in range(len(self._series))])}
        for name in (target, self._split_name):
            if name is None:
                continue
            values = frame[name]
            first = []
            for each in self._series:
                of_series = values[each.rows]
                if of_series.n_unique() > 1:
                    other = int((of_series != of_series[0]).fill_null(True).arg_max() or 0)
                    raise DataError(
                        Finding(
                            "D156",
                            f"column {name!r}",
                            f"series {each.name!r} has {of_series[0]!r} in row {each.rows[0] + 1} and "
                            f"{of_series[other]!r} in row {each.rows[other] + 1}; a series has one.",
                            "Correct the rows; to predict the next values of a series, give --horizon.",
                        )
                    )
                first.append(of_series[0])
            columns[name] = pl.Series(name, first, dtype=values.dtype)
        return pl.DataFrame([values.alias(name) for name, values in columns.items()])

    @cached_property
    def _series_schema(self) -> Schema:
        names: dict[str | None, Role] = {
            self.schema.target.name: "target",
            self._split_name: "split",
            SERIES: "feature",
        }
        columns = [
            Column(name, "text" if name == SERIES else "categorical", names[name]) for name in self.frame.columns
        ]
        return Schema(tuple(columns), self.schema.target, self.frame.height)

    def _schema(
        self,
        frame: pl.DataFrame,
        target: Any,
        roles: list[str | None],
        channels: list[str],
        others: list[str],
        notes: list[str],
    ) -> Schema:
        columns = []
        for values in frame.get_columns():
            name, missing, distinct = values.name, values.null_count(), values.n_unique()
            if name == target.name:
                columns.append(Column(name, "categorical" if target.classes else "numeric", "target", 0, distinct))
            elif name == self._split_name:
                columns.append(Column(name, "categorical", "split", missing, distinct))
            elif name in channels:
                columns.append(channel_column(values, "feature"))
            else:
                note = {roles[0]: "tells series apart", roles[1]: "orders the steps"}.get(name, "not a number")
                columns.append(Column(name, "text", "ignored", missing, distinct, note=note))
        if others:
            notes.append(f"Columns that hold no numbers are not read: {', '.join(others[:5])}.")
        return Schema(tuple(columns), target, len(self._series), tuple(notes))

    def _profile(self) -> Profile:
        target, lengths = self.schema.target, [len(each.rows) for each in self._series]
        spread = f"{min(lengths)} to {max(lengths)} steps" if min(lengths) < max(lengths) else f"{lengths[0]} steps"
        found = [
            ("data_kind", KIND, "You named the column that tells series apart."),
            ("architecture", "recurrent", "A series is read step by step."),
            ("features", len(self.encoder.channels), f"Each step has {len(self.encoder.channels)} numbers."),
            ("sequence_steps", self.encoder.length, f"Of a series, {self.encoder.length} steps are read at most."),
            (
                "labeled_rows",
                target.labeled_rows,
                f"There are {len(lengths):,} series of {spread}, labeled as a whole.",
            ),
            *target_facts(self.schema),
        ]
        notes = list(self.schema.notes)
        if (long := sum(length > self._longest for length in lengths)) > 0:
            notes.append(f"{long:,} series are longer than {self._longest} steps, which are read of them.")
        facts = {field: value for field, value, _ in found}
        return Profile(KIND, self.schema, facts, {field: how for field, _, how in found}, tuple(notes))


def recognize(data: Any, options: SourceOptions) -> str | None:
    """Take what the user called series by naming its columns or a horizon; a table can't be told from one else."""
    if options.horizon is not None:
        return "You gave a horizon, so the rows are steps in time."
    if options.series_id is not None:
        return "You named the column that tells series apart."
    if options.time is not None and options.task == "forecasting":
        return "You asked for a forecast and named the column of times."
    return None


def open_source(data: Any, options: SourceOptions) -> SeriesSource | ForecastSource:
    """Read series: for forecasts where a horizon is given, else with a label for each."""
    if options.horizon is not None or options.task == "forecasting":
        return ForecastSource(data, options)
    if options.series_id is None:
        raise DataError(
            Finding(
                "D155",
                "--series-id",
                "series need a column that tells them apart, or a horizon to forecast.",
                "Give --series-id COL for a label per series, or --time COL --horizon H for forecasts.",
            )
        )
    return SeriesSource(data, options)


def encoder_from_contract(document: Mapping[str, Any]) -> SeriesEncoder | ForecastEncoder:
    """Make the encoder that wrote a contract."""
    if "horizon" in document:
        return ForecastEncoder.from_contract(document)
    return SeriesEncoder.from_contract(document)
