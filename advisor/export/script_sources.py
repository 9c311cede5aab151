"""What a generated script has to know of data that are no plain table: pictures and series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from advisor.data.conventions import CONVENTIONS
from advisor.data.dates import date_order
from advisor.data.forecast_source import ForecastSource
from advisor.data.forecast_windows import MOST_WINDOWS
from advisor.data.image_arrays import names_of
from advisor.data.series_table import open_table
from advisor.export.table_source import TableSource, class_keys, describe_table

if TYPE_CHECKING:
    from advisor.data.image_source import ImageSource
    from advisor.data.series_source import SeriesSource


@dataclass(frozen=True)
class PictureScript:
    """Pictures as a script names and reads them.

    Attributes:
        path: Path of the folder, the zip or the NPZ file.
        name: Its last part.
        format: ``folder``, ``zip`` or ``npz``.
        form: Height, width and channels that every picture is brought to.
        keys: The classes, as the script meets them: text, numbers or truth values.
        by_part: Whether an NPZ file has arrays for each part (``X_train`` and so on).
        split_given: Whether the pictures say which part they belong to.
        missing_parts: Parts that are left to chance.
        validation: Path of separate pictures for validation.
        test: Path of separate pictures for the final measurement.
        repeats: Whether some pictures are equal, so that they must stay in one part.
    """

    path: str
    name: str
    format: str
    form: tuple[int, int, int]
    keys: list[Any]
    by_part: bool
    split_given: bool
    missing_parts: list[str]
    validation: str | None
    test: str | None
    repeats: bool


@dataclass(frozen=True)
class SeriesScript:
    """What a script needs to put series together, beside the table that they stand in.

    Attributes:
        series_id: Column that tells series apart, or None.
        time: Column that orders the steps, or None.
        uses_time: Whether the rows aren't in the order of time, or steps are missing.
        date_order: Order of the parts of times in text; empty when times are no text.
        time_is_number: Whether times are numbers.
        gaps: Whether steps are missing.
        missing: Whether numbers are missing.
        step: Distance between two steps.
        length: Steps of a labeled series that are read; 0 for forecasts.
        window: Steps that a forecast reads; 0 for labeled series, as what follows.
        segment: Steps that a forecast reads at once.
        horizon: Steps that are forecast.
        most_windows: Of more windows only every k-th is used.
    """

    series_id: str | None
    time: str | None
    uses_time: bool
    date_order: str
    time_is_number: bool
    gaps: bool
    missing: bool
    step: float
    length: int = 0
    window: int = 0
    segment: int = 0
    horizon: int = 0
    most_windows: int = MOST_WINDOWS


def describe_pictures(
    path: str, data: Any, source: ImageSource, validation: str | None, test: str | None
) -> PictureScript:
    """Find out how a script has to read pictures.

    Args:
        path: Path of the pictures, as the script shall name it.
        data: What the run read them from.
        source: What the run knows about them.
        validation: Path of separate pictures for validation.
        test: Path of separate pictures for the final measurement.

    Returns:
        Everything that the script's template needs.
    """
    pictures, target = source.pictures, source.schema.target
    kind = "npz"
    if isinstance(data, str | PathLike):
        kind = "folder" if Path(data).is_dir() else Path(data).suffix.lower().lstrip(".")
    given = set() if pictures.parts is None else set(pictures.parts.tolist())
    digests = {each.tobytes() for each in pictures.x}
    repeated = 1 - len(digests) / len(pictures.x)
    arrays = names_of(data)
    return PictureScript(
        path=path,
        name=Path(path).name,
        format=kind,
        form=pictures.form.shape,
        keys=class_keys(target, truth=True),
        by_part=arrays is not None and "X" not in arrays,
        split_given=bool(given),
        missing_parts=[name for name in ("test", "val") if name not in given],
        validation=validation,
        test=test,
        repeats=0 < repeated <= CONVENTIONS.maximum_duplicate_share,
    )


def describe_series(path: str, data: Any, source: SeriesSource | ForecastSource) -> tuple[TableSource, SeriesScript]:
    """Find out how a script has to read a long table of series.

    Args:
        path: Path of the table, as the script shall name it.
        data: What the run read it from.
        source: What the run knows about it.

    Returns:
        How the table is read, and how series come out of it.

    Raises:
        DataError: If the table can't be read.
    """
    frame, encoder = open_table(data), source.encoder
    kinds = {name: "boolean" if frame[name].dtype == pl.Boolean else "numeric" for name in encoder.channels}
    table = describe_table(path, source.schema, frame, None, None)
    forecast = isinstance(source, ForecastSource)
    table = replace(
        table, features=kinds, dates={}, repeats=False, missing_parts=[] if forecast else table.missing_parts
    )
    gaps = any((each.rows < 0).any() for each in source.series)
    unsorted = any((np.diff(each.rows[each.rows >= 0]) < 0).any() for each in source.series)
    times = None if encoder.time is None else frame[encoder.time]
    order = date_order(times.drop_nulls())[0] if times is not None and times.dtype == pl.String else ""
    described = SeriesScript(
        series_id=encoder.series_id,
        time=encoder.time,
        uses_time=times is not None and (gaps or unsorted),
        date_order=order if gaps or unsorted else "",
        time_is_number=times is not None and times.dtype.is_numeric(),
        gaps=gaps,
        missing=any(_has_holes(frame[name]) for name in encoder.channels),
        step=getattr(encoder, "step", 1.0),
        length=getattr(encoder, "length", 0),
        window=getattr(encoder, "window", 0),
        segment=getattr(encoder, "segment", 0),
        horizon=getattr(encoder, "horizon", 0),
    )
    return table, described


def _has_holes(series: pl.Series) -> bool:
    if series.null_count():
        return True
    return series.dtype.is_float() and not bool(series.is_finite().all())
