"""What is known about a table: its columns, their kinds and roles, and its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal, TypeVar

from advisor.errors import DataError, Finding

Kind = Literal["numeric", "categorical", "boolean", "datetime", "text", "image", "series"]
Role = Literal["feature", "target", "split", "ignored"]
Record = TypeVar("Record", "Column", "Target")

SCHEMA_FORMAT = 1


@dataclass(frozen=True)
class Column:
    """One column of the user's table.

    Attributes:
        name: Its name, as in the file.
        kind: What its values are.
        role: What it is used for.
        missing: Number of missing values (not-a-number and infinite ones included).
        distinct: Number of different values.
        categories: Values of a categorical feature that have a code of their own, sorted.
        minimum: Smallest finite value of a numeric column.
        maximum: Largest finite value of a numeric column.
        date_order: For dates read from text: ``ymd``, ``dmy`` or ``mdy``; empty otherwise.
        origin_day: For dates: days from 1970-01-01 to the first day in the table; encoded days count from there.
        has_time: For dates: whether any value has a time of day.
        note: What a person should know, such as why the column is ignored.
    """

    name: str
    kind: Kind
    role: Role
    missing: int = 0
    distinct: int = 0
    categories: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    date_order: str = ""
    origin_day: int = 0
    has_time: bool = False
    note: str = ""


@dataclass(frozen=True)
class Target:
    """The column to predict.

    Attributes:
        name: Its name.
        task: ``regression``, ``binary`` or ``multiclass``.
        classes: Class labels as text, in the order of the outputs; for a binary task the second is the positive one.
            Numbers are in numeric order, false before true, text in code point order. Empty for a regression.
        class_counts: Rows of each class.
        label_kind: How labels are given back: ``number``, ``integer``, ``boolean`` or ``text``.
        labeled_rows: Rows with a target.
        missing: Rows without one; they are left out of every part.
        minimum: Smallest target of a regression.
        maximum: Largest target of a regression.
        outliers: Whether a few targets carry most of the squared deviation (see ``Conventions.outlier_weight``).
        how: In a sentence, how the column and its task were known.
        size: Number of numbers or labels that are predicted at once; 1 for a single column.
    """

    name: str
    task: str
    classes: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    label_kind: str = "number"
    labeled_rows: int = 0
    missing: int = 0
    minimum: float | None = None
    maximum: float | None = None
    outliers: bool = False
    how: str = ""
    size: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns to predict."""
        several = self.size > 1 and self.task in ("regression", "multilabel")
        return tuple(self.name.split(",")) if several else (self.name,)

    @property
    def outputs(self) -> int:
        """Return the number of outputs of a network for this target."""
        return len(self.classes) if self.task == "multiclass" else self.size

    @property
    def class_shares(self) -> tuple[float, ...]:
        """Return the share of each class among the labeled rows."""
        return tuple(count / self.labeled_rows for count in self.class_counts)

    @property
    def range(self) -> str:
        """Return ``positive`` if every observed target of a regression is above 0, else ``unbounded``.

        It is an observation, not a requirement: that a prediction *must* be positive is for the user to say.
        """
        return (
            "positive" if self.task == "regression" and self.minimum is not None and self.minimum > 0 else "unbounded"
        )


@dataclass(frozen=True)
class Schema:
    """What is known about a table.

    Attributes:
        columns: Every column, in the file's order.
        target: The column to predict.
        rows: Number of rows that the schema was inferred from.
        notes: What a person should know about the whole table.
    """

    columns: tuple[Column, ...]
    target: Target
    rows: int
    notes: tuple[str, ...] = ()

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """Return the columns that a model reads, in the file's order."""
        return tuple(column for column in self.columns if column.role == "feature")

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the columns that a model reads."""
        return tuple(column.name for column in self.features)

    @cached_property
    def split_column(self) -> str | None:
        """Return the name of the column that holds the split, if there is one."""
        return next((column.name for column in self.columns if column.role == "split"), None)

    def __getitem__(self, name: str) -> Column:
        """Return the column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready document from which :meth:`from_dict` makes an equal schema."""
        return {
            "schema_format": SCHEMA_FORMAT,
            "rows": self.rows,
            "target": _plain(self.target),
            "columns": [_plain(column) for column in self.columns],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Schema:
        """Make a schema from :meth:`to_dict`'s document.

        Raises:
            DataError: If the document isn't one, or is of a format that this version doesn't know.
        """
        if not isinstance(document, Mapping) or document.get("schema_format") != SCHEMA_FORMAT:
            received = document.get("schema_format") if isinstance(document, Mapping) else type(document).__name__
            raise _unusable(f"this is not a data schema of format {SCHEMA_FORMAT} (received: {received!r}).")
        try:
            columns = tuple(_record(Column, column) for column in document["columns"])
            target = _record(Target, document["target"])
            rows, notes = document["rows"], tuple(document["notes"])
        except (KeyError, TypeError, ValueError) as error:
            raise _unusable(f"the data schema is damaged: {error}.") from error
        names = [column.name for column in columns]
        if len(set(names)) != len(names) or not set(target.names) <= set(names) or type(rows) is not int:
            raise _unusable("the data schema is damaged: its columns and its target don't fit together.")
        return cls(columns, target, rows, notes)

    def describe(self) -> list[dict[str, str]]:
        """Return one printable row a column: ``column``, ``kind``, ``role``, ``missing``, ``values``, ``note``."""
        return [
            {
                "column": column.name,
                "kind": column.kind,
                "role": column.role,
                "missing": f"{column.missing:,}" if column.missing else "",
                "values": _values(column, self.target),
                "note": column.note,
            }
            for column in self.columns
        ]


def _values(column: Column, target: Target) -> str:
    if column.role == "target" and target.task == "multilabel":
        return f"{dict(zip(target.classes, target.class_shares, strict=True))[column.name]:.1%} yes"
    if column.role == "target" and target.classes:
        shown = [f"{name} {share:.1%}" for name, share in zip(target.classes, target.class_shares, strict=True)]
        return ", ".join(shown[:5]) + (f", … ({len(shown)} classes)" if len(shown) > 5 else "")
    if column.kind == "numeric" and column.minimum is not None and column.maximum is not None:
        return f"{column.minimum:.6g} … {column.maximum:.6g}"
    if column.kind in ("image", "series"):
        return column.note
    if column.categories:
        return f"{len(column.categories)} categories"
    return f"{column.distinct:,} distinct"


def _plain(record: Column | Target) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(record).items()}


_TUPLES = {"categories": str, "classes": str, "class_counts": int}
_ALLOWED = {
    "kind": ("numeric", "categorical", "boolean", "datetime", "text", "image", "series"),
    "role": ("feature", "target", "split", "ignored"),
    "task": ("regression", "binary", "multiclass", "multilabel", "forecasting"),
    "label_kind": ("number", "integer", "boolean", "text"),
    "date_order": ("", "ymd", "dmy", "mdy"),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "Kind": (str,),
    "Role": (str,),
    "float | None": (float, int, type(None)),
}


def _record(kind: type[Record], document: Mapping[str, Any]) -> Record:
    known = {field.name: str(field.type) for field in fields(kind)}
    values = dict(document)
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"unknown field {unknown[0]!r}")
    for name, value in values.items():
        if name in _TUPLES:
            if not isinstance(value, (list, tuple)) or not all(type(item) is _TUPLES[name] for item in value):
                raise ValueError(f"{name} is not a list of {_TUPLES[name].__name__}")
            values[name] = tuple(value)
        elif type(value) not in _TYPES[known[name]]:
            raise ValueError(f"{name} is {value!r}")
        if name in _ALLOWED and value not in _ALLOWED[name]:
            raise ValueError(f"{name} is {value!r}, not one of {', '.join(_ALLOWED[name])}")
    return kind(**values)


def _unusable(message: str) -> DataError:
    return DataError(Finding("D190", "data schema", message, "Use the schema that was written beside the model."))
