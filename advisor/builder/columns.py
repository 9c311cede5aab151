"""What the first layer of a model sees: encoded columns as numbers, flags, one-hot slots and embeddings."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Protocol

from advisor.artifacts import Statistics
from advisor.errors import BuildError, Finding

MISSING_CODE = 0
UNKNOWN_CODE = 1
RESERVED_CODES = 2
LARGEST_EMBEDDING = 50

NUMERIC_KINDS = ("numeric", "boolean", "date")
CODE_KIND = "code"


class EncodedColumn(Protocol):
    """One column of the encoded table, as the data stage describes it.

    Attributes:
        name: Name for people.
        source: Name of the raw column; the parts of one date share it.
        kind: ``numeric``, ``boolean``, ``date`` (one part of a date) or ``code``.
        part: For dates, which part: ``days``, or one that goes round, ``…_sin`` and ``…_cos``.
        cardinality: For codes, how many codes there are, with 0 (missing) and 1 (unknown); 0 otherwise.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def part(self) -> str: ...  # noqa: D102
    @property
    def cardinality(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Embedded:
    """A categorical column with too many categories for one-hot.

    Attributes:
        column: Index of its encoded column.
        codes: Rows of the table: the categories, and one row each for missing and unknown.
        size: Numbers that stand for one category.
    """

    column: int
    codes: int
    size: int


@dataclass(frozen=True)
class Layout:
    """Where every encoded column goes.

    Attributes:
        numbers: Columns that are imputed and scaled, in encoded order.
        flags: Those of them that get a flag "was missing"; of the parts of a date only the first.
        slots: Pairs (column, code) of the one-hot slots.
        embedded: Columns that get an embedding.
    """

    numbers: tuple[int, ...]
    flags: tuple[int, ...]
    slots: tuple[tuple[int, int], ...]
    embedded: tuple[Embedded, ...]

    @property
    def width(self) -> int:
        """Number of inputs of the first layer."""
        return len(self.numbers) + len(self.flags) + len(self.slots) + sum(each.size for each in self.embedded)

    def inputs_of(self, columns: Sequence[EncodedColumn], sources: Container[str]) -> list[int]:
        """Return the inputs of the first layer that come from some raw columns, in order."""
        origin = [columns[index].source for index in (*self.numbers, *self.flags)]
        origin += [columns[index].source for index, _ in self.slots]
        for each in self.embedded:
            origin += [columns[each.column].source] * each.size
        return [place for place, source in enumerate(origin) if source in sources]

    @property
    def embedding_parameters(self) -> int:
        """Number of trainable numbers in all embeddings."""
        return sum(each.codes * each.size for each in self.embedded)


def usual_embedding_size(categories: int) -> int:
    """Return how many numbers stand for one of ``categories``: their square root, rounded up, at most 50.

    This is for recommendations that don't decide the slot ``embedding_size``. A judgement of this project: the size
    grows more slowly than the categories, and the bound keeps a column of identifiers from outweighing the rest.
    """
    return min(LARGEST_EMBEDDING, math.isqrt(max(categories - 1, 0)) + 1)


def is_bounded(column: EncodedColumn) -> bool:
    """Return whether a column's numbers lie in [-1, 1] by nature: booleans, and the parts of a date that go round.

    They enter as they are. Standardizing them would blow up a rare boolean, and a season that the training rows hardly
    cover, to values far outside of what the model has learned from.
    """
    return column.kind == "boolean" or (column.kind == "date" and column.part.endswith(("_sin", "_cos")))


def lay_out(
    columns: Sequence[EncodedColumn], statistics: Statistics, limit: int, embedding_size: int | None = None
) -> Layout:
    """Decide for every encoded column how it enters the model.

    Args:
        columns: The encoded columns, in order.
        statistics: What the training rows said about them; only ``has_missing`` is read here.
        limit: Up to this many categories a column is one-hot, above it gets an embedding.
        embedding_size: Numbers that stand for a category where it is embedded, exactly as recommended; None leaves it
            to :func:`usual_embedding_size`.

    Returns:
        The layout. An unknown category has no slot but is all zeros: the level that all others are compared with.
        A missing category has a slot where training rows had missing values, and else is all zeros too: a slot that
        no training row has filled would add an untrained weight to the answer.

    Raises:
        BuildError: If a kind is unknown, or columns and statistics do not belong together.
    """
    check_columns(columns, statistics)
    numbers, flags, embedded = [], [], []
    flagged: set[str] = set()
    slots: list[tuple[int, int]] = []
    for index, column in enumerate(columns):
        missing = bool(statistics.has_missing[index])
        if column.kind != CODE_KIND:
            numbers.append(index)
            if missing and column.source not in flagged:
                flagged.add(column.source)
                flags.append(index)
            continue
        categories = column.cardinality - RESERVED_CODES
        if categories > limit:
            size = embedding_size if embedding_size is not None else usual_embedding_size(categories)
            embedded.append(Embedded(index, column.cardinality, size))
            continue
        if missing:
            slots.append((index, MISSING_CODE))
        slots.extend((index, code) for code in range(RESERVED_CODES, column.cardinality))
    return Layout(tuple(numbers), tuple(flags), tuple(slots), tuple(embedded))


def check_columns(columns: Sequence[EncodedColumn], statistics: Statistics | None = None) -> None:
    """Refuse columns that no model can be built for.

    Raises:
        BuildError: With one finding for each column of an unknown kind, for columns without any code, for no columns
            at all, and for statistics of another table.
    """
    findings = []
    if not columns:
        findings.append(Finding("B105", "", "there are no input columns.", "Keep at least one column as a feature."))
    for column in columns:
        if column.kind not in (*NUMERIC_KINDS, CODE_KIND):
            allowed = ", ".join((*NUMERIC_KINDS, CODE_KIND))
            findings.append(
                Finding("B105", column.name, f"the kind {column.kind!r} can't be built; allowed: {allowed}.")
            )
        elif column.kind == CODE_KIND and column.cardinality < RESERVED_CODES:
            findings.append(
                Finding("B105", column.name, f"a code column needs at least 2 codes, and has {column.cardinality}.")
            )
    if statistics is not None:
        lengths = {len(statistics.mean), len(statistics.scale), len(statistics.has_missing)}
        if lengths != {len(columns)}:
            findings.append(
                Finding(
                    "B105",
                    "",
                    f"the statistics describe {sorted(lengths)} columns, the table has {len(columns)}.",
                    "Fit the statistics on the same encoded table.",
                )
            )
    if findings:
        raise BuildError(*findings)
