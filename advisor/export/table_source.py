"""How a generated script has to read one table so that it sees the same numbers as the run did."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.data import Schema, read_table
from advisor.data.conventions import CONVENTIONS, DELIMITERS, MISSING_TOKENS, NAN_TOKENS
from advisor.data.inferring import unlabeled_rows
from advisor.data.schema import Target
from advisor.data.splitting import stack_frames

if TYPE_CHECKING:
    import polars as pl

MANY = 20


@dataclass(frozen=True)
class TableSource:
    """A table as a script names and reads it.

    Attributes:
        path: Path of the file.
        name: Name of the file.
        format: ``csv``, ``parquet``, ``jsonl``, ``arrow``, ``arrow_stream`` or ``npz``.
        separator: Of a text file.
        plain: Whether polars reads the text file just as it is; else it is read record by record.
        missing: Words that stand for a missing value in a text file.
        nan: Words that stand for a missing value in columns of text.
        features: Feature → kind, in the order of the file.
        decimal_comma: Numeric columns of a text file with thousands marks or decimal commas.
        dates: Date column → order of its parts in text, whether it has a time of day, and the first day.
        target: Name of the target.
        targets: Each column to predict and its kind; one where it isn't several at once.
        classes: Class labels, for people.
        keys: What the classes look like in the column as the script reads it: numbers or text.
        split_column: Column that holds the split.
        missing_parts: Parts that the split column (or separate tables) leave to chance.
        validation: Path of a separate validation table.
        test: Path of a separate test table.
        repeats: Whether some rows are equal, so that they must stay together.
        flags: Whether numeric columns have missing values.
        sampled_below: Of a very long Parquet file, below which remainder a row was taken; 0 where all were.
    """

    path: str
    name: str
    format: str
    separator: str
    plain: bool
    missing: list[str]
    nan: list[str]
    features: dict[str, str]
    decimal_comma: list[str]
    dates: dict[str, tuple[str, bool, int]]
    target: str
    targets: dict[str, str]
    classes: list[str]
    keys: list[Any]
    split_column: str | None
    missing_parts: list[str]
    validation: str | None
    test: str | None
    repeats: bool
    flags: bool
    sampled_below: int = 0

    @property
    def has_categories(self) -> bool:
        """Return whether any feature is categorical."""
        return "categorical" in self.features.values()

    @property
    def numbered(self) -> tuple[str, str] | None:
        """Return prefix and kind if the features are many, all of one kind, and called ``x0``, ``x1`` and so on."""
        names, kinds = list(self.features), set(self.features.values())
        prefix = names[0].removesuffix("0")
        if len(names) < MANY or len(kinds) > 1 or not prefix.isidentifier():
            return None
        return (prefix, kinds.pop()) if names == [f"{prefix}{number}" for number in range(len(names))] else None

    @property
    def has_numbers(self) -> bool:
        """Return whether any feature is something else than categorical."""
        return any(kind != "categorical" for kind in self.features.values())

    @property
    def has_booleans(self) -> bool:
        """Return whether any feature or target is Boolean."""
        return "boolean" in (*self.features.values(), *self.targets.values())


def describe_table(
    path: str,
    schema: Schema,
    frame: pl.DataFrame | None,
    validation: str | None,
    test: str | None,
    whole: pl.DataFrame | None = None,
) -> TableSource:
    """Find out how a script has to read a table.

    Args:
        path: Path of the file.
        schema: What the run knows about it.
        frame: The table as the run read it; None reads it here.
        validation: Path of a separate validation table.
        test: Path of a separate test table.
        whole: The table with separate rows appended; None puts it together from the files.

    Returns:
        Everything that the script's template needs.

    Raises:
        DataError: If the file can't be read.
    """
    import polars as pl

    frame = read_table(path) if frame is None else frame
    suffix = Path(path).suffix.lower()
    kind = _format(Path(path))
    separator, plain, raw = _text_reading(path, suffix, frame) if kind == "csv" else ("", True, None)
    target = schema.target
    return TableSource(
        path=path,
        name=Path(path).name,
        format=kind,
        separator=separator,
        plain=plain,
        missing=sorted(MISSING_TOKENS),
        nan=sorted(NAN_TOKENS),
        features={column.name: column.kind for column in schema.features},
        decimal_comma=_decimal_commas(raw, schema),
        dates={
            column.name: (column.date_order, column.has_time, column.origin_day)
            for column in schema.features
            if column.kind == "datetime"
        },
        target=target.name,
        targets={name: "boolean" if frame[name].dtype == pl.Boolean else "numeric" for name in target.names}
        if target.size > 1 and target.task != "forecasting"
        else {},
        classes=list(target.classes),
        keys=class_keys(target),
        split_column=schema.split_column,
        missing_parts=_left_to_chance(frame, schema, validation, test),
        validation=validation,
        test=test,
        repeats=target.task != "forecasting"
        and _repeats(_stacked(frame, schema, validation, test) if whole is None else whole, schema),
        flags=any(column.missing and column.kind != "categorical" for column in schema.features),
        sampled_below=_sampled_below(path, frame) if kind == "parquet" else 0,
    )


def class_keys(target: Target, *, truth: bool = False) -> list[Any]:
    """Return the classes as a script meets them: numbers or text (or truth values where they aren't made text)."""
    if target.label_kind in ("integer", "number"):
        return [float(name) for name in target.classes]
    if truth and target.label_kind == "boolean":
        return [name == "true" for name in target.classes]
    return list(target.classes)


def _format(path: Path) -> str:
    """Return what the template calls the format of a file."""
    known = {".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".npz": "npz", ".csv": "csv", ".tsv": "csv"}
    if path.suffix.lower() in known:
        return known[path.suffix.lower()]
    if not path.is_file():
        return "arrow"
    with path.open("rb") as file:
        return "arrow" if file.read(6) == b"ARROW1" else "arrow_stream"


def _text_reading(path: str, suffix: str, frame: pl.DataFrame) -> tuple[str, bool, Any]:
    """Return the separator, whether polars reads the file as the run did, and its columns as text."""
    import polars as pl

    candidates = ("\t",) if suffix == ".tsv" else DELIMITERS
    for separator in candidates:
        try:
            raw = pl.read_csv(path, separator=separator, infer_schema=False)
        except pl.exceptions.PolarsError:
            continue
        if raw.height == frame.height and raw.columns == frame.columns:
            return separator, True, raw
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        lines = file.read().splitlines(keepends=True)
    for separator in sorted(candidates, key=lines[0].count, reverse=True):
        header, *rows = [record for record in csv.reader(lines, delimiter=separator) if record]
        names = [name.strip() or f"column_{number}" for number, name in enumerate(header, 1)]
        if names == frame.columns:
            return separator, False, pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return candidates[0], False, None


def _decimal_commas(raw: Any, schema: Schema) -> list[str]:
    """Return the numeric columns of a text file that a plain conversion doesn't understand."""
    import polars as pl

    if raw is None:
        return []
    found = []
    for column in schema.columns:
        is_number = column.kind == "numeric" or (column.role == "target" and schema.target.label_kind in ("number",))
        if not is_number or raw[column.name].dtype != pl.String:
            continue
        texts = raw[column.name].str.strip_chars()
        texts = texts.set(texts.is_in(list(MISSING_TOKENS)), None)
        if texts.cast(pl.Float64, strict=False).null_count() > texts.null_count():
            found.append(column.name)
    return found


def _left_to_chance(frame: pl.DataFrame, schema: Schema, validation: str | None, test: str | None) -> list[str]:
    given = {name for name, path in (("val", validation), ("test", test)) if path is not None}
    if schema.split_column is not None:
        words = frame[schema.split_column].cast(str).str.strip_chars().str.to_lowercase().unique().to_list()
        given |= {"val"} & {"val" if word in ("val", "validation") else "" for word in words}
        given |= {"test"} & set(words)
    return [name for name in ("test", "val") if name not in given]


def _sampled_below(path: str, frame: pl.DataFrame) -> int:
    """Return how a sample was drawn; see :func:`advisor.data.reading.read_to_learn`."""
    import polars as pl

    if not Path(path).is_file():
        return 0
    rows = int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    if rows <= frame.height:
        return 0
    return int(CONVENTIONS.sampled_cells // max(frame.width, 1) / rows * 2**32)


def _repeats(whole: pl.DataFrame, schema: Schema) -> bool:
    """Return whether equal rows have to stay together: there are some, and they aren't the nature of the table."""
    names = [column.name for column in schema.columns if column.role in ("feature", "target")]
    import polars as pl

    # Column by column: polars takes some names for patterns.
    rows = pl.DataFrame([whole[name] for name in names]).filter(~unlabeled_rows(whole, schema))
    repeated = 1 - rows.n_unique() / max(rows.height, 1)
    return 0 < repeated <= CONVENTIONS.maximum_duplicate_share


def _stacked(frame: pl.DataFrame, schema: Schema, validation: str | None, test: str | None) -> pl.DataFrame:
    return stack_frames(
        frame,
        schema,
        None if validation is None else read_table(validation),
        None if test is None else read_table(test),
    )
