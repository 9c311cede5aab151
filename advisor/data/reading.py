"""One file, one frame: every format by its ending, every failure one clear finding."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from advisor.data.conventions import CONVENTIONS, SPLIT_COLUMN
from advisor.data.delimited import read_delimited
from advisor.data.frames import duplicate_names, plain_frame
from advisor.errors import DataError, Finding

Source = str | PathLike[str]

FORMATS = {
    ".csv": "CSV",
    ".tsv": "TSV",
    ".parquet": "Parquet",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".arrow": "Arrow",
    ".feather": "Arrow",
    ".ipc": "Arrow",
    ".npz": "NPZ",
}
"""Endings of file names, compared in lower case, and the formats that they stand for."""

_ROWS_AT_A_TIME = 200_000


def read_table(path: Source, *, text: frozenset[str] = frozenset(), labeled: bool = True) -> pl.DataFrame:
    """Read a table.

    Args:
        path: A CSV, TSV, Parquet, JSON lines, Arrow or NPZ file; see :data:`FORMATS`. An NPZ file has ``X`` (n, d),
            which becomes the columns ``x0``, ``x1`` …, ``y`` (n,), which becomes ``y``, and perhaps ``split`` (n,).
        text: Columns of a delimited file whose values stay text, whatever they look like.
        labeled: Whether an NPZ file must have ``y``.

    Returns:
        A frame of plain types (see :func:`to_frame`) with at least one row.

    Raises:
        DataError: If the file can't be read as what its ending says; the finding says where and what to do.
    """
    path = Path(path)
    place = str(path)
    readers: dict[str, Callable[[], pl.DataFrame]] = {
        "CSV": lambda: read_delimited(path, text=text),
        "TSV": lambda: read_delimited(path, delimiter="\t", text=text),
        "Parquet": lambda: _read_parquet(path),
        "JSON lines": lambda: _read_json_lines(path),
        "Arrow": lambda: _read_arrow(path),
        "NPZ": lambda: _read_npz(path, labeled),
    }
    kind = _format_of(path)
    try:
        if path.stat().st_size == 0:
            raise DataError(Finding("D103", place, "the file is empty.", "Give a table with rows."))
        frame = readers[kind]()
    except OSError as error:
        if not isinstance(error, PermissionError):  # A truncated file is reported so.
            raise _damaged(place, kind, str(error).split("\n")[0]) from error
        raise DataError(
            Finding("D101", place, f"the file can't be read: {error.strerror or error}.", "Check its permissions.")
        ) from error
    except pl.exceptions.DuplicateError as error:
        raise duplicate_names(place, ()) from error
    except pl.exceptions.PolarsError as error:
        raise _damaged(place, kind, str(error).split("\n")[0]) from error
    except pl.exceptions.PanicException as error:  # Polars' reader gave up; not an Exception, but no more than that.
        raise _damaged(place, kind, "its contents contradict each other") from error
    if frame.height == 0:
        raise DataError(Finding("D104", place, "the table has no rows.", "Give a table with rows."))
    return plain_frame(frame, place)


def read_to_learn(path: Source) -> tuple[pl.DataFrame, str]:
    """Read a table to learn from; of a very long Parquet file a sample, drawn while it is read.

    Row i is taken where i · 2654435761 (the golden ratio of 2³², prime) modulo 2³² is below the share: spread evenly
    over the file, and the same rows every time. No more than the sample is held in memory.

    Args:
        path: As for :func:`read_table`.

    Returns:
        The frame, and what a person must know about the sample; empty when every row was read.

    Raises:
        DataError: As :func:`read_table`.
    """
    path = Path(path)
    if path.suffix.lower() != ".parquet" or not path.is_file() or path.stat().st_size == 0:
        return read_table(path), ""
    try:
        lazy = pl.scan_parquet(path, glob=False)
        columns = max(len(lazy.collect_schema()), 1)
        rows = int(lazy.select(pl.len()).collect().item())
        most = CONVENTIONS.sampled_cells // columns
        if rows <= most:
            return read_table(path), ""
        index = "row of the file"
        chosen = pl.col(index).cast(pl.UInt64) * 2654435761 % 2**32 < int(most / rows * 2**32)
        parts = [
            lazy.with_row_index(index).slice(begin, _ROWS_AT_A_TIME).filter(chosen).drop(index).collect()
            for begin in range(0, rows, _ROWS_AT_A_TIME)
        ]
        sample = pl.concat(parts)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _damaged(str(path), "Parquet", str(error).split("\n")[0]) from error
    note = (
        f"The file has {rows:,} rows of {columns} columns; {sample.height:,} of them, spread evenly, were read to "
        f"learn from and to be measured on, so that {CONVENTIONS.sampled_cells:,} cells are held in memory at most."
    )
    return plain_frame(sample, str(path)), note


def _format_of(path: Path) -> str:
    if not path.exists():
        near = sorted(item.name for item in path.parent.glob(f"{path.stem}.*")) if path.parent.is_dir() else []
        raise DataError(
            Finding(
                "D101",
                str(path),
                "there is no such file.",
                f"In the same folder there is {near[0]}." if near else "Check the path.",
            )
        )
    allowed = f"Tables are read from files that end in {', '.join(FORMATS)}."
    if path.is_dir():
        raise DataError(Finding("D102", str(path), "this is a folder, not a table.", allowed))
    if path.suffix.lower() not in FORMATS:
        raise DataError(Finding("D102", str(path), f"files ending in {path.suffix!r} are not read.", allowed))
    return FORMATS[path.suffix.lower()]


def _damaged(place: str, kind: str, reason: str) -> DataError:
    return DataError(
        Finding(
            "D109",
            place,
            f"this can't be read as {kind}: {reason}.",
            "The file is damaged, or its name has the ending of another format.",
        )
    )


def _check_size(rows: int, columns: int, place: str) -> None:
    if rows * columns > CONVENTIONS.maximum_cells:
        raise DataError(
            Finding(
                "D113",
                place,
                f"the table says that it has {rows:,} rows of {columns:,} columns, more than the "
                f"{CONVENTIONS.maximum_cells:,} cells that are read into memory.",
                "Take a sample of its rows.",
            )
        )


def _read_parquet(path: Path) -> pl.DataFrame:
    lazy = pl.scan_parquet(path, glob=False)
    columns = len(lazy.collect_schema())
    _check_size(int(lazy.select(pl.len()).collect().item()), columns, str(path))
    return lazy.collect()


def _read_arrow(path: Path) -> pl.DataFrame:
    with path.open("rb") as handle:
        streamed = handle.read(6) != b"ARROW1"
    return pl.read_ipc_stream(path) if streamed else pl.read_ipc(path)


def _read_json_lines(path: Path) -> pl.DataFrame:
    place = str(path)
    try:
        return pl.read_ndjson(path, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        for number, line in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            _check_json_line(line, f"{place}:{number}")
        raise _damaged(place, "JSON lines", str(error).split("\n")[0]) from error


def _check_json_line(line: bytes, place: str) -> None:
    if not line.strip():
        return
    try:
        record = json.loads(line)
    except UnicodeDecodeError as error:
        raise DataError(
            Finding("D105", place, f"byte {error.start + 1} of the line is not valid UTF-8.", "Save the file as UTF-8.")
        ) from error
    except ValueError as error:
        raise DataError(Finding("D109", place, f"this line is not JSON: {error}.", "Correct the line.")) from error
    if not isinstance(record, dict):
        raise DataError(
            Finding(
                "D109",
                place,
                f"this line holds a {type(record).__name__}, not an object with the columns' names.",
                'Write one object a line: {"column": value, …}',
            )
        )


def _read_npz(path: Path, labeled: bool) -> pl.DataFrame:
    place = str(path)
    arrays = load_arrays(path, ("X", "y", "split"))
    found = f"Found: {', '.join(sorted(arrays.pop('', []))) or 'nothing'}."
    needed = ("X", "y") if labeled else ("X",)
    if absent := [name for name in needed if name not in arrays]:
        raise DataError(
            Finding(
                "D110", place, f"the array {absent[0]!r} is missing. {found}", "Save it with: np.savez(FILE, X=X, y=y)"
            )
        )
    features = arrays["X"]
    if features.ndim != 2 or not features.shape[1]:
        raise DataError(
            Finding(
                "D110",
                f"{place}: X",
                f"X has the shape {features.shape}, but a table needs (rows, columns).",
                "Name the kind with --data-kind, or flatten each row to use them as a table.",
            )
        )
    if features.dtype.kind not in "buif":
        raise DataError(
            Finding(
                "D110",
                f"{place}: X",
                f"X has the type {features.dtype}, but numbers are needed.",
                "Use a CSV or Parquet file for columns that are not numbers.",
            )
        )
    _check_size(features.shape[0], features.shape[1], place)
    if features.dtype == np.float16:
        features = features.astype(np.float32)
    columns = [pl.Series(f"x{index}", np.ascontiguousarray(features[:, index])) for index in range(features.shape[1])]
    for name, column in (("y", "y"), ("split", SPLIT_COLUMN)):
        if name in arrays:
            columns.append(_one_column(column, arrays[name], len(features), f"{place}: {name}"))
    return pl.DataFrame(columns)


def _one_column(name: str, values: np.ndarray[Any, Any], rows: int, place: str) -> pl.Series:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (rows,):
        raise DataError(
            Finding(
                "D110",
                place,
                f"its shape is {values.shape}, but X has {rows} rows, so ({rows},) is needed.",
                "Give one value a row; several targets are not carried out yet.",
            )
        )
    if values.dtype.kind not in "buifU":
        raise DataError(
            Finding(
                "D110",
                place,
                f"its type is {values.dtype}, but numbers, truth values or text are needed.",
                "Convert it, for example with y.astype(float) or y.astype(str).",
            )
        )
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    return pl.Series(name, values.tolist() if values.dtype.kind == "U" else values)


def load_arrays(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the named arrays of an NPZ file, and under the empty name what is in the file.

    Raises:
        DataError: If the file is damaged, too large, or holds Python objects.
    """
    place = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
        if size > 8 * CONVENTIONS.maximum_cells:
            raise DataError(
                Finding(
                    "D113",
                    place,
                    f"the arrays hold {size:,} bytes, more than the {8 * CONVENTIONS.maximum_cells:,} "
                    "that are read into memory.",
                    "Take a sample of the rows.",
                )
            )
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in names if name in file.files}
            arrays[""] = list(file.files)
    except ValueError as error:
        raise DataError(
            Finding(
                "D110",
                place,
                f"an array can't be read: {error}.",
                "Arrays of Python objects are not read, because loading them could run code: save numbers or text.",
            )
        ) from error
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError) as error:
        # an archive cut short raises EOFError, a missing entry KeyError, an unknown compression NotImplementedError
        raise _damaged(place, "NPZ", str(error)) from error
    return arrays
