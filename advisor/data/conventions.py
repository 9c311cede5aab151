"""How data are read when nobody says otherwise: every threshold, name and token, each with its reason.

These are conventions of reading, not advice: advice is in the rulebooks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MISSING_TOKENS = frozenset({"", "?", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "Null"})
"""Text that stands for a missing value in delimited files; ``None`` is left out, being a common category."""

NAN_TOKENS = frozenset({"nan", "NaN", "NAN"})
"""Text that reads as not-a-number in a numeric column and as missing in a text column."""

TRUE_TOKENS = frozenset({"true"})
FALSE_TOKENS = frozenset({"false"})
"""Text of booleans, compared in lower case. ``yes`` and ``no`` stay text: they are categories like any other."""

DELIMITERS = (",", ";", "\t", "|")
"""Delimiters that a CSV file may use; the one that gives the most lines the header's number of fields is taken."""

TARGET_NAMES = ("target", "label", "y", "class")
"""Names, compared in lower case and in this order, by which a target is recognized when none is given."""

SPLIT_COLUMN = "_split"
"""A column of this name holds the split: ``train``, ``val`` (or ``validation``) and ``test``."""

SPLIT_NAMES = {"train": "train", "val": "val", "validation": "val", "test": "test"}

MISSING_CODE = 0
UNKNOWN_CODE = 1
FIRST_CATEGORY_CODE = 2
"""Codes of a categorical column: missing, unknown, then the categories in their order."""

KINDS = ("numeric", "categorical", "boolean", "datetime", "text")

NUMBER = (
    r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
    r"|^[+-]?(?:inf|Inf|INF|infinity|Infinity)$|^(?:nan|NaN|NAN)$"
)
"""A number with a decimal point; infinities and not-a-number are numbers too."""

WHOLE_NUMBER = r"^[+-]?[0-9]{1,18}$"
"""Whole numbers that surely fit 64 bits; longer ones are read as floating point."""

LEADING_ZERO = r"^[+-]?0[0-9]"
"""A column with such a value (``00501``) holds codes, not amounts, and stays text."""

COMMA_NUMBER = r"^[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
"""A number with a decimal comma, perhaps with points between thousands; only where the comma isn't the delimiter."""

THOUSANDS_NUMBER = r"^[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
"""A (quoted) number with commas between thousands; only where the comma is the delimiter."""

_NUMBER = re.compile(NUMBER)


@dataclass(frozen=True)
class Conventions:
    """Thresholds of reading data.

    Attributes:
        minimum_rows: Fewer labeled rows are refused: at 64/16/20 they leave 3 rows to choose by and 4 to measure on.
        maximum_cells: Rows times columns that are held in memory (2 GB as float64); more is refused before reading.
        sampled_cells: Of a Parquet file with more rows times columns to learn from, a sample of this many is drawn
            while it is read: a run then stays below 2 GiB of memory however long the file is.
        sniffed_lines: Lines that are looked at to find the delimiter.
        identifier_share: Text with more distinct values than this share of its rows has fewer than two rows a value:
            nothing can be learned for a value, so it is an identifier (one word) or free text (several).
        free_text_words: From this mean number of words on, such text is called free text.
        few_distinct_codes: Text that holds only numbers stays categorical up to this many distinct values.
        rare_category_rows: In a table of at least ``rare_from_rows`` rows, categories with fewer rows than this are
            read as unknown, so that the unknown code is trained and no code is met in the test rows only.
        rare_from_rows: See above; in smaller tables a category needs two rows.
        class_codes: Whole-number targets with at most this many consecutive values are classes.
        rows_per_class_code: … if there are at least this many rows a value on average; else they are amounts.
        maximum_classes: More classes than this are refused: the target is most likely an amount or an identifier.
        outlier_rows: Share of rows, farthest from the median, whose squared deviation is compared with the whole.
        outlier_weight: The target has outliers if those rows carry more than this share of it: squared error would
            then mostly be about them. A normal target gives 0.08 and a log-normal (sigma 1)
            one 0.4.
        maximum_duplicate_share: If more rows than this repeat another row, repetition is the table's nature (few
            columns, few values) and not copying; rows are then split one by one.
        least_share_of_usual: Where a split that was given has fewer training rows than this share of what an ordinary
            split of the same rows has, labeled rows are counted by those for training.
        float32_note_share: A numeric column whose rounding to float32 exceeds this share of its spread gets a note.
    """

    minimum_rows: int = 20
    maximum_cells: int = 250_000_000
    sampled_cells: int = 20_000_000
    sniffed_lines: int = 50
    identifier_share: float = 0.5
    free_text_words: float = 3.0
    few_distinct_codes: int = 30
    rare_category_rows: int = 5
    rare_from_rows: int = 1000
    class_codes: int = 10
    rows_per_class_code: int = 10
    maximum_classes: int = 200
    outlier_rows: float = 0.01
    outlier_weight: float = 0.5
    maximum_duplicate_share: float = 0.5
    least_share_of_usual: float = 0.5
    float32_note_share: float = 0.01


CONVENTIONS = Conventions()


def parse_number(text: str) -> float | None:
    """Return the number that a text spells, NaN for a missing token, or None when it is no number.

    Only a decimal point is understood here; decimal commas are a matter of a whole file (:func:`read_table`).
    """
    text = text.strip()
    if text in MISSING_TOKENS:
        return float("nan")
    return float(text) if _NUMBER.match(text) else None


def number_text(value: float) -> str:
    """Return the text under which a number is a category or a class: ``3`` for 3 and 3.0, ``0.5`` for 0.5."""
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
