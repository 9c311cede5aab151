"""Encoded columns laid out for the baselines: imputed, standardized and one-hot for a linear model, codes for trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from advisor.artifacts import Array

CODE_KIND = "code"
MISSING_CODE = 0
LARGEST_ONE_HOT = 256
LARGEST_TREE_CATEGORIES = 250


class EncodedColumn(Protocol):
    """One column of the encoded table, as the data stage describes it.

    Attributes:
        kind: ``code`` for a categorical column, anything else for numbers.
        cardinality: For codes, how many codes there are, with 0 (missing) and 1 (unknown).
    """

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def cardinality(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class LinearLayout:
    """What the training rows say about how a linear model sees the columns.

    Attributes:
        numbers: Indexes of the number columns.
        codes: Pairs (index, codes that get a slot) of the code columns: at most the 256 most frequent.
        mean: Mean of each number column, missing values left out.
        scale: Standard deviation likewise, never 0.
        flags: Number columns that get a flag "was missing".
    """

    numbers: Array
    codes: tuple[tuple[int, Array], ...]
    mean: Array
    scale: Array
    flags: Array

    @staticmethod
    def fit(columns: Sequence[EncodedColumn], x: Array) -> LinearLayout:
        """Learn the layout from encoded training rows."""
        numbers = np.array([k for k, column in enumerate(columns) if column.kind != CODE_KIND], dtype=np.int64)
        table = x[:, numbers].astype(np.float64)
        known = np.isfinite(table)
        counts = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, table, 0.0).sum(axis=0) / counts
        variance = np.where(known, table - mean, 0.0) ** 2
        scale = np.sqrt(variance.sum(axis=0) / counts)
        codes = []
        for k, column in enumerate(columns):
            if column.kind == CODE_KIND:
                counted = np.bincount(_codes(x[:, k], column), minlength=column.cardinality)
                frequent = np.argsort(-counted, kind="stable")[:LARGEST_ONE_HOT]
                codes.append((k, np.sort(frequent[counted[frequent] > 0])))
        return LinearLayout(
            numbers, tuple(codes), mean, np.where(scale > 0, scale, 1.0), np.flatnonzero(~known.all(axis=0))
        )

    def apply(self, x: Array) -> Any:
        """Return rows as the linear model sees them; a sparse matrix where there are codes."""
        from scipy import sparse

        table = x[:, self.numbers].astype(np.float64)
        known = np.isfinite(table)
        dense = np.hstack([np.where(known, (table - self.mean) / self.scale, 0.0), ~known[:, self.flags]])
        if not self.codes:
            return dense
        blocks = [sparse.csr_matrix(dense)]
        for k, slots in self.codes:
            column = np.nan_to_num(x[:, k], nan=MISSING_CODE).astype(np.int64)
            place = np.minimum(np.searchsorted(slots, column), max(len(slots) - 1, 0))
            hit = np.flatnonzero(slots[place] == column) if len(slots) else np.array([], dtype=np.int64)
            ones = np.ones(len(hit))
            blocks.append(sparse.csr_matrix((ones, (hit, place[hit])), shape=(len(x), len(slots))))
        return sparse.hstack(blocks, format="csr")


def tree_table(columns: Sequence[EncodedColumn], x: Array) -> tuple[Array, list[bool]]:
    """Return rows as trees see them, and which columns are categories.

    Missing values stay missing. A column with more than 250 codes is handed over as numbers: histogram trees take no
    more categories.
    """
    table = x.astype(np.float64)
    categorical = []
    for k, column in enumerate(columns):
        is_code = column.kind == CODE_KIND
        if is_code:
            table[:, k] = np.where(table[:, k] == MISSING_CODE, np.nan, table[:, k])
        categorical.append(is_code and column.cardinality <= LARGEST_TREE_CATEGORIES)
    return table, categorical


def _codes(values: Array, column: EncodedColumn) -> Array:
    known = np.nan_to_num(values, nan=MISSING_CODE)
    return np.asarray(np.clip(known, 0, column.cardinality - 1), dtype=np.int64)
