"""Short texts with a label as a kind of data: read, understood, split and encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.artifacts import DataBundle, Part
from advisor.data.bundling import digest_parts
from advisor.data.conventions import CONVENTIONS
from advisor.data.encoding import EncodedColumn
from advisor.data.frames import to_frame
from advisor.data.inferring import find_split, find_target, left_out
from advisor.data.kinds import read_column
from advisor.data.labels import LabelCodec
from advisor.data.profiling import Profile, target_facts
from advisor.data.protocols import SourceOptions
from advisor.data.reading import read_table
from advisor.data.schema import Column, Schema
from advisor.data.splitting import Split, make_split, stack_frames
from advisor.data.targets import describe_target, labels_of, refuse_missing
from advisor.data.text_encoding import TextEncoder
from advisor.data.text_tokens import FIRST_TOKEN_CODE, TextLimits, Vocabulary, tokens_of
from advisor.errors import DataError, Finding

KIND = "text"
MOST_BAG_WORDS = 2_000


class TextSource:
    """A table with one column of texts and a label.

    Attributes:
        kind: ``text``.
        profile: Its schema and what it says about the problem.
        schema: Its columns: one text that is read, the target, and the split.
        main: The table as it was read, without separate validation and test rows.
        frame: The whole table, separate validation and test rows appended.
        limits: How much of the texts is taken up.
    """

    kind = KIND

    def __init__(self, data: Any, options: SourceOptions) -> None:
        """Read the tables and find the text and the label.

        Raises:
            DataError: If there is no text, no label, or the data can't be read.
        """
        self._options = options
        said = options.limits
        self.limits = TextLimits(
            said.vocabulary_limit,
            said.vocabulary_limit,
            said.token_minimum,
            said.longest_text,
            letters=said.beginning_letters,
        )
        self.main = _table(data)
        self._validation = None if options.validation is None else _table(options.validation)
        self._test = None if options.test is None else _table(options.test)
        self.schema: Schema = _schema(self.main, options)
        self.frame = stack_frames(self.main, self.schema, self._validation, self._test)
        self.profile: Profile = _profile(self.frame, self.schema, options.limits.longest_text)
        self._train: NDArray[np.int64] | None = None

    @cached_property
    def encoder(self) -> TextEncoder:
        """The contract from texts to codes, with the vocabulary of the training rows."""
        if self._train is None:
            raise DataError(
                Finding("D136", "text", "the vocabulary is learned from training rows.", "Split the rows first.")
            )
        texts = self.frame[self.schema.features[0].name].fill_null("")
        vocabulary = Vocabulary.learn(texts[self._train].to_list(), self.limits)
        if not vocabulary.words:
            raise DataError(
                Finding(
                    "D136",
                    f"column {texts.name!r}",
                    f"no word occurs {self.limits.fewest} times in the training texts.",
                    "Give more texts, or texts of words that repeat.",
                )
            )
        return TextEncoder(self.schema, vocabulary)

    def split(self, seed: int) -> Split:
        """Divide the labeled rows, and remember those that the vocabulary is learned from."""
        split = make_split(
            self.main,
            self.schema,
            seed=seed,
            split_column=self._options.split_column,
            validation=self._validation,
            test=self._test,
        )
        self._train = split.train
        self.__dict__.pop("encoder", None)
        self._tell_vocabulary()
        return split

    def _tell_vocabulary(self) -> None:
        """Add to the profile what only the training rows say."""
        known = self.encoder.vocabulary
        words, pairs, beginnings = len(known.words), len(known.pairs), len(known.beginnings)
        found = {
            "sequence_steps": (known.length, f"Of a text, {known.length} words are read at most."),
            "vocabulary_words": (words, f"{words:,} words occur often enough in the training texts."),
            "vocabulary_pairs": (pairs, f"{pairs:,} pairs of words occur often enough in the training texts."),
            "vocabulary_beginnings": (
                beginnings,
                f"{beginnings:,} beginnings of words, of {known.letters} letters, occur often enough in them.",
            ),
        }
        told = {name: fact for name, fact in found.items() if fact[0]}
        self.profile = replace(
            self.profile,
            facts={**self.profile.facts, **{name: value for name, (value, _) in told.items()}},
            how={**self.profile.how, **{name: sentence for name, (_, sentence) in told.items()}},
        )

    def bundle(self, split: Split) -> DataBundle:
        """Encode the parts."""
        targets = self.frame[self.schema.target.name]
        codec = LabelCodec(self.schema.target)
        texts = self.frame[self.schema.features[0].name]

        def part(rows: NDArray[np.int64]) -> Part:
            return Part(self.encoder.encode(texts[rows]), codec.encode(targets[rows]), rows)

        parts = part(split.train), part(split.val), part(split.test)
        head = [KIND, self.schema.features[0].name, self.schema.target.name, self.schema.target.task]
        return DataBundle(
            task=self.schema.target.task,
            train=parts[0],
            val=parts[1],
            test=parts[2],
            classes=self.schema.target.classes,
            target_names=(self.schema.target.name,),
            sha256=digest_parts(
                list(parts), [*head, list(self.schema.target.classes), list(self.encoder.vocabulary.words)]
            ),
        )

    def raw_inputs(self, rows: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Return texts as the exported model takes them: strings, (n, 1)."""
        name = self.schema.features[0].name
        texts = self.frame[name][rows].fill_null("").to_list()
        return {name: np.array(texts, dtype=np.str_)[:, np.newaxis]}

    def flat(self, x: NDArray[Any]) -> tuple[NDArray[Any], tuple[EncodedColumn, ...]]:
        """Return how often each of the most frequent words occurs in each text, and the words as columns."""
        words = self.encoder.vocabulary.words[:MOST_BAG_WORDS]
        table = np.zeros((len(x), len(words)), np.float32)
        rows, places = np.nonzero((x[..., 0] >= FIRST_TOKEN_CODE) & (x[..., 0] < FIRST_TOKEN_CODE + len(words)))
        np.add.at(table, (rows, x[rows, places, 0].astype(np.int64) - FIRST_TOKEN_CODE), 1.0)
        return table, tuple(EncodedColumn(word, self.schema.features[0].name, "numeric") for word in words)


def _table(data: Any) -> pl.DataFrame:
    return read_table(data) if isinstance(data, str | PathLike) else to_frame(data)


def recognize(data: Any, options: SourceOptions) -> str | None:
    """Say why a table is one of texts: a column of several words a row, and no other feature."""
    if options.time is not None or options.series_id is not None or options.horizon is not None:
        return None
    if isinstance(data, str | PathLike) and not _looks_like_table(data):
        return None
    frame = _table(data)
    try:
        split = find_split(frame, options.split_column)
        target, _ = find_target(frame, options.target, split)
    except DataError:
        return None
    others = [name for name in frame.columns if name not in (target, split) and name not in options.kinds]
    texts = [name for name in others if _is_text(frame[name])]
    if len(texts) != 1:
        return None
    for name in others:
        if name != texts[0] and not _is_useless(frame[name]):
            return None
    return f"The column {texts[0]!r} holds texts of several words, and there is no other column to learn from."


def open_source(data: Any, options: SourceOptions) -> TextSource:
    """Read a table of texts."""
    return TextSource(data, options)


def encoder_from_contract(document: Mapping[str, Any]) -> TextEncoder:
    """Make the encoder that wrote a contract."""
    return TextEncoder.from_contract(document)


def _looks_like_table(path: str | PathLike[str]) -> bool:
    return not str(path).lower().endswith((".npz", ".zip"))


def _is_text(series: pl.Series) -> bool:
    """Return whether most values are different and have several words."""
    if series.dtype != pl.String:
        return False
    present = series.drop_nulls()
    if present.len() < 2 or present.n_unique() <= CONVENTIONS.identifier_share * present.len():
        return False
    words = present.head(1000).str.strip_chars().str.count_matches(r"\s+").mean()
    return isinstance(words, int | float) and float(words) + 1 >= CONVENTIONS.free_text_words


def _is_useless(series: pl.Series) -> bool:
    try:
        return read_column(series).role == "ignored"
    except DataError:
        return True


def _schema(frame: pl.DataFrame, options: SourceOptions) -> Schema:
    split = find_split(frame, options.split_column)
    target, how = find_target(frame, options.target, split)
    labels = labels_of(frame[target])
    if not options.allow_missing_target and labels.present.len():
        refuse_missing(labels.absent, f"column {target!r}")
    described = describe_target(labels, options.task, how)
    ignored = left_out(frame, options.kinds, "texts")
    text = _text_column(frame, [name for name in frame.columns if name not in (target, split, *ignored)])
    columns = []
    for series in frame.get_columns():
        absent, distinct = series.null_count(), series.n_unique()
        if series.name == target:
            kind: Any = "categorical" if described.classes else "numeric"
            columns.append(Column(series.name, kind, "target", labels.missing, distinct))
        elif series.name == split:
            columns.append(Column(series.name, "categorical", "split", absent, distinct))
        elif series.name == text:
            empty = int((series.fill_null("").str.strip_chars() == "").sum())
            note = "" if not empty else f"{empty:,} texts are empty; nothing is read of them"
            columns.append(Column(series.name, "text", "feature", empty, distinct, note=note))
        else:
            note = "only the text is read"
            columns.append(Column(series.name, "text", "ignored", absent, distinct, note=note))
    notes = [f"{labels.missing:,} of {frame.height:,} rows have no target and are left out."] if labels.missing else []
    return Schema(tuple(columns), described, frame.height, tuple(notes))


def _text_column(frame: pl.DataFrame, names: Sequence[str]) -> str:
    candidates = [name for name in names if frame[name].dtype == pl.String]
    texts = [name for name in candidates if _is_text(frame[name])] or candidates
    if len(texts) != 1:
        found = ", ".join(map(repr, texts)) or "none"
        raise DataError(
            Finding(
                "D136",
                "data",
                f"one column of texts is needed, beside the target; found: {found}.",
                "Leave one text column in the table, or learn from a table (--data-kind table).",
            )
        )
    if frame[texts[0]].fill_null("").str.strip_chars().str.len_chars().max() in (0, None):
        raise DataError(
            Finding("D136", f"column {texts[0]!r}", "every text is empty.", "Give texts, or name another target.")
        )
    return texts[0]


def _profile(frame: pl.DataFrame, schema: Schema, longest: int) -> Profile:
    target = schema.target
    name = schema.features[0].name
    lengths = [len(tokens_of(text)) for text in frame[name].fill_null("").head(5000).to_list()]
    found = [
        ("data_kind", KIND, f"The column {name!r} holds texts."),
        ("architecture", "recurrent", "A text is read word by word."),
        ("features", 1, f"One text a row, of {np.mean(lengths):.0f} words on average."),
        ("labeled_rows", target.labeled_rows, f"{target.labeled_rows:,} of {schema.rows:,} rows have a target."),
        *target_facts(schema),
    ]
    if target.missing:
        found.append(("unlabeled_rows", target.missing, f"{target.missing:,} rows have no target."))
    long = sum(length > longest for length in lengths)
    notes = [*schema.notes, *(f"{column.name}: {column.note}." for column in schema.columns if column.note)]
    if long:
        notes.append(f"{long:,} of {len(lengths):,} texts are longer than {longest} words and are cut off there.")
    facts = {field: value for field, value, _ in found}
    return replace(
        Profile(KIND, schema, facts, {field: sentence for field, _, sentence in found}, tuple(notes)), kind=KIND
    )
