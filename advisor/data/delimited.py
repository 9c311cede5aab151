"""CSV and TSV: every line checked, every column typed by what all of its values are."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from advisor.data.conventions import (
    COMMA_NUMBER,
    CONVENTIONS,
    DELIMITERS,
    LEADING_ZERO,
    MISSING_TOKENS,
    NAN_TOKENS,
    NUMBER,
    THOUSANDS_NUMBER,
    TRUE_TOKENS,
    WHOLE_NUMBER,
)
from advisor.data.frames import duplicate_names, repeated
from advisor.errors import DataError, Finding

_BOM = b"\xef\xbb\xbf"
_WIDE_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_delimited(path: Path, *, delimiter: str | None = None, text: frozenset[str] = frozenset()) -> pl.DataFrame:
    """Read a delimited text file.

    Blank lines are skipped, spaces around values dropped, and :data:`MISSING_TOKENS` are missing values. A column is
    numeric, Boolean or text by what *all* its values are; a nameless column is called ``column_<number>``.

    Args:
        path: The file: UTF-8, with or without a byte order mark, with a header line.
        delimiter: The delimiter; found in the first lines when it is None.
        text: Columns whose values stay text, whatever they look like.

    Raises:
        DataError: If the file is empty, not UTF-8, ragged (with the line's number), without header or rows.
    """
    place = str(path)
    raw = path.read_bytes()
    content = raw.removeprefix(_BOM)
    _check_encoding(raw, place)
    if not content.strip():
        raise DataError(Finding("D103", place, "the file is empty.", "Give a table with a header line and rows."))
    quoted = b'"' in content
    if not quoted:
        content = _without_blank_lines(content)
    delimiter = delimiter or _sniff(content)
    names = _header(next(_records(content, delimiter, place))[1], place)
    lines = _check_shape(content, delimiter, len(names), place, quoted)
    if lines == 0:
        raise DataError(
            Finding(
                "D104", place, "the file has a header line but no rows.", "Give a table with rows below the header."
            )
        )
    frame = _parse(content, delimiter, names, lines, place, quoted)
    return frame.with_columns(
        [
            _text(column) if name in text else _typed(column, delimiter)
            for name in names
            for column in [_stripped(frame[name])]
        ]
    )


def _check_encoding(content: bytes, place: str) -> None:
    if content[:2] in _WIDE_MARKS:
        wide = _WIDE_MARKS[content[:2]]
        raise DataError(
            Finding(
                "D105",
                place,
                f"the file is encoded as {wide}, not as UTF-8.",
                f"Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8'), or convert it: iconv -f {wide} -t UTF-8 FILE > NEW",
            )
        )
    if (zero := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, zero) + 1
        raise DataError(
            Finding(
                "D105",
                f"{place}:{line}",
                f"byte {zero + 1} is zero, so this is not a text file.",
                "Give the file the ending of its real format, or save it as UTF-8 text.",
            )
        )
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            Finding(
                "D105",
                f"{place}:{line}",
                f"byte {error.start + 1} of the file (0x{content[error.start]:02x}) is not valid UTF-8.",
                "Save the file as UTF-8; if it came from Windows: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW",
            )
        ) from error


def _lines(content: bytes) -> bytes:
    """Return unquoted text with every line ending written as a newline."""
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in content else content


def _without_blank_lines(content: bytes) -> bytes:
    content = _lines(content)
    if b"\n\n" not in content and not content.startswith(b"\n"):
        return content
    return b"\n".join(line for line in content.split(b"\n") if line) + b"\n"


def _records(content: bytes, delimiter: str, place: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number at which each non-blank record starts, and its fields."""
    reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for record in reader:
            if record:
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        reason = "a quotation mark is opened and never closed" if "unexpected end" in str(error) else str(error)
        raise DataError(
            Finding(
                "D106",
                f"{place}:{start}",
                f"the record that starts in this line can't be read: {reason}.",
                "Quote a value on both sides, and write a quotation mark inside it twice.",
            )
        ) from error


def _sniff(content: bytes) -> str:
    """Return the delimiter that gives the most of the first lines the header's number of fields."""
    head = content[:1_000_000].decode(errors="ignore")
    best, best_score = DELIMITERS[0], (0.0, 0)
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
        counts = [len(record) for record in itertools.islice(reader, CONVENTIONS.sniffed_lines) if record]
        if counts[0] > 1:
            score = (sum(count == counts[0] for count in counts) / len(counts), counts[0])
            best, best_score = (delimiter, score) if score > best_score else (best, best_score)
    return best


def _header(fields: list[str], place: str) -> list[str]:
    names = [field.strip() or f"column_{number}" for number, field in enumerate(fields, 1)]
    numeric = pl.Series(names).str.contains(NUMBER).all()
    if numeric and not (all(name.isdigit() for name in names) and len(set(names)) == len(names)):
        raise DataError(
            Finding(
                "D112",
                f"{place}:1",
                f"the first line holds only numbers ({', '.join(names[:4])} …), so the names of "
                "the columns are missing.",
                "Put a line with the columns' names on top.",
            )
        )
    if twice := repeated(names):
        raise duplicate_names(f"{place}:1", twice)
    return names


def _check_shape(content: bytes, delimiter: str, width: int, place: str, quoted: bool) -> int:
    """Return the number of records below the header; refuse the file if one has another width than the header."""
    if quoted:
        lengths = Counter[int]()
        for line, record in _records(content, delimiter, place):
            if len(record) != width:
                raise _ragged(place, line, len(record), width)
            lengths[width] += 1
        return lengths[width] - 1
    data = np.frombuffer(content, dtype=np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    if not content.endswith(b"\n"):
        ends = np.append(ends, len(data))
    marks = np.flatnonzero(data == ord(delimiter))
    fields = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
    wrong = np.flatnonzero(fields != width)
    if len(wrong):
        first = int(wrong[0])
        raise _ragged(place, _line_in_file(Path(place), first), int(fields[first]), width)
    return len(fields) - 1


def _line_in_file(path: Path, record: int) -> int:
    """Return the number, in the file with its blank lines, of the record with that index."""
    lines = _lines(path.read_bytes().removeprefix(_BOM)).split(b"\n")
    return [number for number, content in enumerate(lines, 1) if content][record]


def _ragged(place: str, line: int, fields: int, width: int) -> DataError:
    return DataError(
        Finding(
            "D106",
            f"{place}:{line}",
            f"this line has {fields} {'field' if fields == 1 else 'fields'}, but the header has {width}.",
            "Correct the line; quote a value that contains the delimiter.",
        )
    )


def _parse(content: bytes, delimiter: str, names: list[str], rows: int, place: str, quoted: bool) -> pl.DataFrame:
    try:
        frame = pl.read_csv(
            io.BytesIO(content),
            separator=delimiter,
            quote_char='"' if quoted else None,
            infer_schema=False,
            has_header=False,
            skip_rows=0 if quoted else 1,
            new_columns=names,
        )
    except pl.exceptions.PolarsError:
        frame = pl.DataFrame()
    if quoted:
        frame = frame.slice(1)
    if frame.shape == (rows, len(names)):
        return frame
    # Quotation marks inside unquoted values, blank lines between quoted ones: read record by record.
    records = [record for _, record in _records(content, delimiter, place)][1:]
    return pl.DataFrame(
        {name: [record[index] for record in records] for index, name in enumerate(names)},
        schema=dict.fromkeys(names, pl.String),
    )


def _stripped(column: pl.Series) -> pl.Series:
    column = column.str.strip_chars()
    return column.set(column.is_in(list(MISSING_TOKENS)), None)


def _all_match(values: pl.Series, pattern: str) -> bool:
    return bool(values.head(100).str.contains(pattern).all()) and bool(values.str.contains(pattern).all())


def _typed(column: pl.Series, delimiter: str) -> pl.Series:
    present = column.drop_nulls()
    if not present.len():
        return column
    if present.str.contains(LEADING_ZERO).any():
        return _text(column)
    if _all_match(present, NUMBER):
        if _all_match(present, WHOLE_NUMBER):
            return column.str.strip_prefix("+").cast(pl.Int64)
        return column.cast(pl.Float64)
    comma = delimiter == ","
    if _all_match(present, THOUSANDS_NUMBER if comma else COMMA_NUMBER):
        plain = column.str.replace_all("," if comma else ".", "", literal=True)
        return plain.str.replace(",", ".", literal=True).cast(pl.Float64)
    if _all_match(present, "^(?i:true|false)$"):
        return column.str.to_lowercase().is_in(list(TRUE_TOKENS))
    return _text(column)


def _text(column: pl.Series) -> pl.Series:
    return column.set(column.is_in(list(NAN_TOKENS)), None)
