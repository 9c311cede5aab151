"""The contract between texts and a network: from raw rows to codes of words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.artifacts import InputSpec
from advisor.data.encoding import Encoded
from advisor.data.frames import to_frame
from advisor.data.inferring import nearest
from advisor.data.labels import LabelCodec
from advisor.data.reading import read_table
from advisor.data.schema import Schema
from advisor.data.text_tokens import UNKNOWN_CODE, TextCodes, Vocabulary
from advisor.errors import DataError, Finding

CONTRACT_FORMAT = 2
READABLE_FORMATS = (1, CONTRACT_FORMAT)
"""Format 1 knew no beginnings of words."""


class TextEncoder:
    """Turns texts into codes of words, of pairs of words and of beginnings of words, always in the same way.

    Attributes:
        schema: The schema that it was made from.
        vocabulary: The tokens that have a code.
        classes: Class labels as text, in the order of the outputs; empty for a regression.
        labels: Class labels in the user's own type.
    """

    def __init__(self, schema: Schema, vocabulary: Vocabulary) -> None:
        """Make the encoder of a schema and a vocabulary."""
        self.schema, self.vocabulary = schema, vocabulary
        self.column = schema.features[0].name
        self.classes = schema.target.classes
        self.labels: NDArray[Any] = LabelCodec(schema.target).labels
        self._codes = TextCodes(vocabulary)

    @cached_property
    def inputs(self) -> InputSpec:
        """What a network for these texts reads."""
        kinds = self.vocabulary.kinds
        details: dict[str, Any] = {"column": self.column, **{name: list(tokens) for name, tokens in kinds.items()}}
        if self.vocabulary.letters:
            details["letters"] = self.vocabulary.letters
        return InputSpec("text", (self.vocabulary.length, len(kinds)), details=details)

    def encode(self, rows: Any) -> NDArray[np.float32]:
        """Return texts as codes.

        Args:
            rows: A list of texts, one text, a series, a data frame or a list of dictionaries with the text's column,
                an array of texts, or the path of a table. A string is a path if its file exists and is a table; else
                it is a text.

        Returns:
            float32 (n, length, kinds of tokens): the code of each word, of each word with the one before it and,
            where they are read, of its beginning; 0 is padding, 1 a token that no training row taught.

        Raises:
            DataError: If the column is missing, or something is no text.
        """
        return self._codes.encode(self._texts(rows))

    def encode_counted(self, rows: Any) -> Encoded:
        """Encode texts and count those that are empty, and the words that are unknown."""
        x = self.encode(rows)
        empty, unknown = int((x[:, 0, 0] == 0).sum()), int((x[..., 0] == UNKNOWN_CODE).sum())
        return Encoded(x, {self.column: empty} if empty else {}, {self.column: unknown} if unknown else {})

    def contract(self) -> dict[str, Any]:
        """Return the JSON-ready document that travels with a delivered model; see :meth:`from_contract`."""
        return {
            "kind": "text",
            "contract_format": CONTRACT_FORMAT,
            "schema": self.schema.to_dict(),
            "words": list(self.vocabulary.words),
            "pairs": list(self.vocabulary.pairs),
            "length": self.vocabulary.length,
            "beginnings": list(self.vocabulary.beginnings),
            "letters": self.vocabulary.letters,
        }

    @classmethod
    def from_contract(cls, document: Mapping[str, Any]) -> TextEncoder:
        """Make the encoder that wrote a contract.

        Raises:
            DataError: If the document isn't a contract of this format.
        """
        if document.get("contract_format") not in READABLE_FORMATS or not isinstance(document.get("length"), int):
            raise DataError(
                Finding(
                    "D190",
                    "contract",
                    f"this is not a contract for texts of format {CONTRACT_FORMAT}.",
                    "Use the contract that was written beside the model.",
                )
            )
        vocabulary = Vocabulary(
            tuple(document["words"]),
            tuple(document["pairs"]),
            document["length"],
            tuple(document.get("beginnings", ())),
            document.get("letters", 0),
        )
        return cls(Schema.from_dict(document.get("schema", {})), vocabulary)

    def _texts(self, rows: Any) -> list[str]:
        if isinstance(rows, PathLike) or (isinstance(rows, str) and _is_table_path(rows)):
            return self._of_frame(read_table(rows, text=frozenset({self.column}), labeled=False))
        if isinstance(rows, str):
            return [rows]
        if isinstance(rows, pl.Series):
            return self._checked(rows.to_list())
        if isinstance(rows, Mapping):
            if self.column in rows and (isinstance(rows[self.column], str) or rows[self.column] is None):
                return self._checked([rows[self.column]])
            return self._of_frame(to_frame(rows, "rows"))
        if isinstance(rows, np.ndarray):
            if rows.ndim not in (1, 2) or (rows.ndim == 2 and rows.shape[1] != 1):
                raise self._wrong(f"the array has the shape {rows.shape}; (rows,) or (rows, 1) is needed.")
            return self._checked(rows.ravel().tolist())
        if isinstance(rows, list | tuple):
            if rows and all(isinstance(row, Mapping) for row in rows):
                if any(self.column not in row for row in rows):
                    raise self._missing([str(name) for name in next(row for row in rows if self.column not in row)])
                return self._checked([row[self.column] for row in rows])
            if rows and all(isinstance(row, list | tuple) and len(row) == 1 for row in rows):
                return self._checked([row[0] for row in rows])
            return self._checked(list(rows))
        return self._of_frame(to_frame(rows, "rows"))

    def _of_frame(self, frame: pl.DataFrame) -> list[str]:
        if self.column not in frame.columns:
            raise self._missing(frame.columns)
        return self._checked(frame[self.column].to_list())

    def _checked(self, values: list[Any]) -> list[str]:
        for number, value in enumerate(values):
            missing = value is None or (isinstance(value, float) and value != value)
            if not missing and not isinstance(value, str):
                raise self._wrong(f"row {number + 1} holds {value!r}, which is no text.")
        return [value if isinstance(value, str) else "" for value in values]

    def _missing(self, names: list[str]) -> DataError:
        near = nearest(self.column, names)
        return DataError(
            Finding(
                "D140",
                "rows",
                f"the column {self.column!r} is missing." + (f" Is it {near!r}?" if near else ""),
                "Give the column of texts that the model was trained on.",
            )
        )

    def _wrong(self, message: str) -> DataError:
        return DataError(Finding("D142", f"column {self.column!r}", message, "Give texts."))


def _is_table_path(text: str) -> bool:
    from pathlib import Path

    if len(text) > 4096 or "\n" in text or "\0" in text:
        return False
    return Path(text).is_file() or text.lower().endswith((".csv", ".tsv", ".parquet", ".jsonl", ".arrow"))
