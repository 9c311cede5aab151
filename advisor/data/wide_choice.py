"""What the wide path of a network reads: chosen columns, and crosses of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.data.inferring import no_such_column
from advisor.data.schema import Schema
from advisor.errors import DataError, Finding

CROSSED_KINDS = ("categorical", "boolean")
FEWEST_CROSSED = 2
MOST_COMBINATIONS = 2**31 - 1
"""Combinations of a cross are numbered in 32 bits before they are hashed."""


def choose_wide(schema: Schema, columns: Sequence[str], crosses: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return what the wide path reads, JSON-ready: ``columns`` (null for all) and ``crosses``; empty for the usual.

    Args:
        schema: What is known about the table.
        columns: Features that go straight to the output; none chosen means all.
        crosses: Groups of categorical or boolean features whose combinations are features of their own.

    Raises:
        DataError: If a column isn't a feature, or can't be crossed.
    """
    if not columns and not crosses:
        return {}
    for name in (*columns, *(name for cross in crosses for name in cross)):
        if name not in schema.feature_names:
            raise no_such_column(name, list(schema.feature_names), "wide path")
    for cross in crosses:
        place = " x ".join(cross)
        if len(set(cross)) < FEWEST_CROSSED or len(set(cross)) != len(cross):
            raise DataError(Finding("D138", place, "a cross is of two or more different columns.", "Name them."))
        wrong = next((name for name in cross if schema[name].kind not in CROSSED_KINDS), None)
        if wrong is not None:
            raise DataError(
                Finding(
                    "D138",
                    f"column {wrong!r}",
                    f"it is {schema[wrong].kind}, and only categories (or truth values) can be crossed.",
                    f"Cut it into ranges first, or read it as categories: --column {wrong}=categorical",
                )
            )
        combinations = 1
        for name in cross:
            combinations *= len(schema[name].categories) + 4
        if combinations > MOST_COMBINATIONS:
            raise DataError(
                Finding("D138", place, f"it has {combinations:,} combinations, too many to number.", "Cross fewer.")
            )
    return {"columns": list(columns) or None, "crosses": [list(cross) for cross in crosses]}
