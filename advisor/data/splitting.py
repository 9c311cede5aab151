"""Which rows to learn from, to choose by, and to measure on, without leaking one into another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.data.conventions import CONVENTIONS, SPLIT_NAMES
from advisor.data.frames import to_frame
from advisor.data.inferring import unlabeled_rows
from advisor.data.kinds import category_texts
from advisor.data.schema import Schema
from advisor.errors import DataError, Finding

Rows = NDArray[np.int64]
PARTS = ("train", "val", "test")
FRACTIONS = (0.64, 0.16, 0.20)


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of each part, ascending; together they are the labeled rows, each once.

    Attributes:
        train: Rows to fit on.
        val: Rows for stopping and choosing.
        test: Rows that nothing but the final measurement reads.
        unlabeled: Rows without a target, outside the test part's file and split.
        how: In a sentence, how the rows were divided.
        notes: What a person should know, such as rows that occur in several parts.
    """

    train: Rows
    val: Rows
    test: Rows
    unlabeled: Rows
    how: str
    notes: tuple[str, ...] = ()


def stack_frames(frame: Any, schema: Schema, validation: Any = None, test: Any = None) -> pl.DataFrame:
    """Put separate validation and test tables below the main one, in this order.

    Args:
        frame: The main table.
        schema: The main table's schema.
        validation: A table with the same columns, or None.
        test: Likewise.

    Returns:
        One frame with the feature and target columns (and the split column if nothing was put below).

    Raises:
        DataError: If a table lacks a feature or the target, or holds other types.
    """
    main = to_frame(frame)
    if validation is None and test is None:
        return main
    names = [column.name for column in schema.columns if column.role in ("feature", "target")]
    stacked = [main]
    for place, extra in (("validation data", validation), ("test data", test)):
        if extra is None:
            continue
        extra = to_frame(extra, place)
        if absent := [name for name in names if name not in extra.columns]:
            raise DataError(
                Finding(
                    "D132",
                    place,
                    f"the column {absent[0]!r} of the training data is missing ({len(absent)} in all).",
                    "Give a table with the same columns.",
                )
            )
        stacked.append(extra)
    columns = []
    for name in names:
        series = [part[name] for part in stacked]
        if len({part.dtype for part in series}) > 1:
            series = _common_type(series, schema[name].kind == "numeric")
        columns.append(pl.concat(series, rechunk=True))
    return pl.DataFrame(columns)


def _common_type(series: list[pl.Series], numeric: bool) -> list[pl.Series]:
    if all(part.dtype.is_numeric() or part.dtype in (pl.Boolean, pl.Null) for part in series):
        return [part.cast(pl.Float64) for part in series]
    if all(part.dtype in (pl.Date, pl.Datetime, pl.Null) for part in series):
        return [part.cast(pl.Datetime("us")) for part in series]
    if numeric and any(part.dtype == pl.String for part in series):
        name = series[0].name
        raise DataError(
            Finding(
                "D132",
                f"column {name!r}",
                "it holds numbers in the training data and text in the validation or test data.",
                "Write the column in the same way in every file.",
            )
        )
    return [category_texts(part) for part in series]


def make_split(
    frame: Any,
    schema: Schema,
    *,
    seed: int,
    split_column: str | None = None,
    validation: Any = None,
    test: Any = None,
    fractions: Sequence[float] = FRACTIONS,
) -> Split:
    """Divide the labeled rows.

    Separate tables come first, then a split column (the named one, or the schema's), then chance. What is given is
    kept; a part that isn't is taken from the training rows, in the order of
    ``numpy.random.default_rng(seed).permutation``: within each class for a classification, and with
    equal rows (in all features and the target) kept together.

    Args:
        frame: The table that the schema was inferred from.
        schema: Its schema.
        seed: Seed of the division; the same seed and rows give the same parts.
        split_column: A column that holds train, val (or validation) and test.
        validation: A separate table for the validation part, or None.
        test: A separate table for the test part, or None.
        fractions: Shares of train, validation and test where chance decides.

    Returns:
        Row numbers into :func:`stack_frames`'s frame, which is ``frame`` itself when there are no separate tables.

    Raises:
        DataError: If the split column has other values, a part would be empty, or a class is missing from the training
            rows.
    """
    frame = to_frame(frame)
    _check_fractions(fractions, seed)
    stacked = stack_frames(frame, schema, validation, test)
    absent = unlabeled_rows(stacked, schema).to_numpy()
    given = _given_parts(frame, schema, split_column or schema.split_column, validation, test)
    assigned = np.where(absent, "", given)
    groups = _groups(stacked, schema)
    free = np.flatnonzero(assigned == "train")
    shares = {
        name: share
        for name, share in zip(PARTS, fractions, strict=True)
        if name == "train" or not (given == name).any()
    }
    notes = []
    if len(shares) > 1:
        chosen_groups = groups
        repeated = 1 - len(np.unique(groups[free])) / max(1, len(free))
        if repeated > CONVENTIONS.maximum_duplicate_share:
            chosen_groups = np.arange(len(groups))
            notes.append(
                f"{repeated:.0%} of the rows repeat another row: that is this table's nature, so they are split singly."
            )
        elif repeated > 0:
            notes.append(f"{round(repeated * len(free)):,} rows repeat another row; equal rows stay in one part.")
        assigned[free] = _by_chance(_classes(stacked, schema)[free], chosen_groups[free], shares, seed)
    rows = {name: np.flatnonzero(assigned == name).astype(np.int64) for name in PARTS}
    _check_parts(rows, stacked, schema)
    shared = np.intersect1d(groups[rows["test"]], np.concatenate([groups[rows["train"]], groups[rows["val"]]]))
    if len(shared) and not notes:
        count = int(np.isin(groups[rows["test"]], shared).sum())
        notes.append(f"{count:,} of {len(rows['test']):,} test rows are equal to a row of another part, as given.")
    unlabeled = np.flatnonzero(absent & (given != "test")).astype(np.int64)
    return Split(rows["train"], rows["val"], rows["test"], unlabeled, _how(given, shares, schema, seed), tuple(notes))


def _check_fractions(fractions: Sequence[float], seed: int) -> None:
    if len(fractions) != 3 or not all(0 < share < 1 for share in fractions) or abs(sum(fractions) - 1) > 1e-9:
        raise DataError(
            Finding(
                "D134",
                "fractions",
                f"{tuple(fractions)} are not three positive shares that add up to 1.",
                f"For example {FRACTIONS}: train, validation, test.",
            )
        )
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise DataError(
            Finding("D134", "seed", f"{seed!r} is not a whole number of at least 0.", "Give one, such as 0.")
        )


def _given_parts(
    frame: pl.DataFrame, schema: Schema, column: str | None, validation: Any, test: Any
) -> NDArray[np.str_]:
    parts = np.full(frame.height, "train", dtype="<U5")
    if column is not None and (validation is None or test is None):
        if column not in frame.columns:
            raise DataError(Finding("D130", f"column {column!r}", "there is no such split column.", "Check its name."))
        if column != schema.split_column:
            raise DataError(
                Finding(
                    "D130",
                    f"column {column!r}",
                    "the schema says that it is not the split column.",
                    "Name the split column when the schema is inferred, so that it isn't learned from.",
                )
            )
        parts = _column_parts(frame[column])
        # A separate table replaces the rows that the column sets aside for the same purpose.
        for name, separate in (("val", validation), ("test", test)):
            if separate is not None:
                parts[parts == name] = ""
    for name, separate in (("val", validation), ("test", test)):
        if separate is not None:
            parts = np.append(parts, np.full(to_frame(separate).height, name, dtype="<U5"))
    return parts


def _column_parts(series: pl.Series) -> NDArray[np.str_]:
    place = f"column {series.name!r}"
    values = category_texts(series).str.strip_chars().str.to_lowercase().fill_null("")
    wrong = sorted(set(values.unique().to_list()) - set(SPLIT_NAMES))
    if wrong:
        row = int((values == wrong[0]).arg_max() or 0)
        shown = "nothing" if wrong[0] == "" else repr(series[row])
        raise DataError(
            Finding(
                "D130",
                place,
                f"row {row + 1} holds {shown}, which is not a part.",
                "Parts: train, val (or validation), test.",
            )
        )
    parts = values.replace_strict(SPLIT_NAMES).to_numpy().astype("<U5")
    if not (parts == "train").any():
        raise DataError(Finding("D131", place, "no row belongs to the part train.", "Mark the rows to learn from."))
    return parts


def _groups(frame: pl.DataFrame, schema: Schema) -> Rows:
    """Number the groups of equal rows."""
    names = [column.name for column in schema.columns if column.role in ("feature", "target")]
    # Numbered names, because polars reads a name such as "*" as a pattern.
    table = pl.DataFrame([frame[name].alias(f"c{number}") for number, name in enumerate(names)])
    first = table.with_row_index("row").group_by(table.columns, maintain_order=True).agg(pl.col("row"))
    groups = np.empty(frame.height, dtype=np.int64)
    members = first["row"]
    sizes = members.list.len().to_numpy()
    groups[members.explode().to_numpy()] = np.repeat(np.arange(len(sizes)), sizes)
    return groups


def _classes(frame: pl.DataFrame, schema: Schema) -> Rows:
    """Number the classes; a regression has one."""
    if not schema.target.classes or schema.target.task == "multilabel":
        return np.zeros(frame.height, dtype=np.int64)
    codes = {name: number for number, name in enumerate(schema.target.classes)}
    texts = category_texts(frame[schema.target.name])
    return texts.replace_strict(codes, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()


def _by_chance(classes: Rows, groups: Rows, shares: dict[str, float], seed: int) -> NDArray[np.str_]:
    """Divide rows within each class, whole groups at a time.

    The parts other than train are filled in the order test, val, each up to its rounded share of the class (at least
    one row if the class has rows enough to leave one for train).
    """
    generator = np.random.default_rng(seed)
    parts = np.full(len(classes), "train", dtype="<U5")
    total = sum(shares.values())
    others = [name for name in ("test", "val") if name in shares]
    order = generator.permutation(len(classes))
    for number in np.unique(classes):
        rows = order[classes[order] == number]
        _, first, inverse, sizes = np.unique(groups[rows], return_index=True, return_inverse=True, return_counts=True)
        sequence = np.argsort(first, kind="stable")
        left = len(sequence)
        position = 0
        chosen = np.full(len(sizes), "train", dtype="<U5")
        for index, name in enumerate(others):
            wanted = round(len(rows) * shares[name] / total)
            if left > len(others) - index:
                wanted = max(1, wanted)
            filled = 0
            while filled < wanted and left > 1:
                group = sequence[position]
                if filled and filled + sizes[group] - wanted > wanted - filled:
                    break
                chosen[group] = name
                filled += int(sizes[group])
                position += 1
                left -= 1
        parts[rows] = chosen[inverse]
    return parts


def _check_parts(rows: dict[str, Rows], frame: pl.DataFrame, schema: Schema) -> None:
    for name in PARTS:
        if not len(rows[name]):
            raise DataError(
                Finding(
                    "D131", f"part {name}", "no labeled row belongs to it.", "Add rows, or give the split yourself."
                )
            )
    if not schema.target.classes or schema.target.task == "multilabel":
        return
    classes = _classes(frame, schema)
    known = set(classes[rows["train"]].tolist())
    for name in ("val", "test"):
        if extra := set(classes[rows[name]].tolist()) - known:
            number = min(extra)
            values = frame[schema.target.name]
            row = int(rows[name][np.flatnonzero(classes[rows[name]] == number)[0]])
            raise DataError(
                Finding(
                    "D133",
                    f"part {name}",
                    f"its class {values[row]!r} does not occur in the training rows.",
                    "Move rows of that class into the training part, or drop them.",
                )
            )
    if absent := sorted(set(range(len(schema.target.classes))) - known):
        raise DataError(
            Finding(
                "D133",
                "part train",
                f"no training row has the class {schema.target.classes[absent[0]]!r}.",
                "Move rows of that class into the training part.",
            )
        )


def _how(given: NDArray[np.str_], shares: dict[str, float], schema: Schema, seed: int) -> str:
    kept = [name for name in ("val", "test") if name not in shares]
    words = {"val": "validation", "test": "test"}
    by_class = ", in equal shares of each class" if schema.target.task in ("binary", "multiclass") else ""
    chance = " and ".join(words[name] for name in shares if name != "train")
    if not kept:
        return f"by chance with seed {seed}{by_class}"
    as_given = " and ".join(words[name] for name in kept)
    return f"{as_given} as given" + (
        f"; {chance} by chance from the training rows with seed {seed}{by_class}" if chance else ""
    )
