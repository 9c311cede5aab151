"""Several target columns at once: numbers (a regression with several outputs) or labels (multilabel)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from advisor.data.schema import Target
from advisor.data.targets import Labels, describe_target, labels_of
from advisor.errors import DataError, Finding

SEPARATOR = ","
_POSITIVE = {("0", "1"), ("false", "true")}
_TASK_OF_ONE: Mapping[str, str] = {"regression": "regression", "multilabel": "binary"}


def names_of(target: str | None, columns: list[str]) -> tuple[str, ...]:
    """Return the names of the target columns that were asked for; a column of that very name comes first."""
    if target is None or target in columns or SEPARATOR not in target:
        return () if target is None else (target,)
    return tuple(dict.fromkeys(name.strip() for name in target.split(SEPARATOR) if name.strip()))


def describe_targets(frame: pl.DataFrame, names: tuple[str, ...], task: str | None) -> tuple[Target, dict[str, Target]]:
    """Return what is known about several targets together, and about each.

    Args:
        frame: The table.
        names: Columns to predict.
        task: ``regression`` or ``multilabel`` where the user said it, else None.

    Raises:
        DataError: If the columns don't make one task, or nothing can be learned for one of them.
    """
    place = f"columns {', '.join(map(repr, names))}"
    if task is not None and task not in _TASK_OF_ONE:
        raise DataError(
            Finding(
                "D126",
                place,
                f"several columns can't be the targets of a {task} task.",
                "Say regression (numbers) or multilabel (0 and 1), or name one column.",
            )
        )
    absent = absent_rows(frame, names)
    single = None if task is None else _TASK_OF_ONE[task]
    each = {name: describe_target(_present(frame[name], absent), single, "you named it") for name in names}
    tasks = {target.task for target in each.values()}
    if tasks == {"regression"}:
        return _numbers(each, frame, absent), each
    others = [name for name, target in each.items() if target.classes not in _POSITIVE]
    if others:
        raise DataError(
            Finding(
                "D126",
                place,
                f"they make no common task: {others[0]!r} is a {each[others[0]].task} target.",
                "Several targets are all numbers, or all labels of 0 and 1 (or false and true).",
            )
        )
    return _labels(each, frame, absent), each


def absent_rows(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    """Return, for each row, whether any of its targets is missing."""
    absent = labels_of(frame[names[0]]).absent
    for name in names[1:]:
        absent = absent | labels_of(frame[name]).absent
    return absent


def _present(series: pl.Series, absent: pl.Series) -> Labels:
    return replace(labels_of(series), absent=absent, missing=int(absent.sum()))


def _numbers(each: Mapping[str, Target], frame: pl.DataFrame, absent: pl.Series) -> Target:
    lowest = [target.minimum for target in each.values() if target.minimum is not None]
    highest = [target.maximum for target in each.values() if target.maximum is not None]
    return Target(
        name=SEPARATOR.join(each),
        task="regression",
        labeled_rows=frame.height - int(absent.sum()),
        missing=int(absent.sum()),
        minimum=min(lowest),
        maximum=max(highest),
        outliers=any(target.outliers for target in each.values()),
        how=f"you named {len(each)} columns; regression, because all are numbers",
        size=len(each),
    )


def _labels(each: Mapping[str, Target], frame: pl.DataFrame, absent: pl.Series) -> Target:
    return Target(
        name=SEPARATOR.join(each),
        task="multilabel",
        classes=tuple(each),
        class_counts=tuple(target.class_counts[1] for target in each.values()),
        label_kind="text",
        labeled_rows=frame.height - int(absent.sum()),
        missing=int(absent.sum()),
        how=f"you named {len(each)} columns; multilabel, because each says yes or no",
        size=len(each),
    )
