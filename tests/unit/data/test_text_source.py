"""Texts: cut up alike everywhere, vocabulary from training rows, clear errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from advisor.data import open_source
from advisor.data.text_encoding import TextEncoder
from advisor.data.text_tokens import TextCodes, TextLimits, Vocabulary, tokens_of
from advisor.errors import DataError

WORDS = ("good", "bad", "film", "plot", "actor", "scene", "music", "ending", "story", "pace")


def table(rows: int = 120) -> pl.DataFrame:
    """Return texts of six words whose first word is the label."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, rows)
    texts = [
        f"{WORDS[label]} {' '.join(generator.choice(WORDS[2:], 5))} number {row}" for row, label in enumerate(labels)
    ]
    return pl.DataFrame({"text": texts, "label": [("good", "bad")[label] for label in labels]})


def test_numbers_of_one_length_are_one_token_and_punctuation_stands_alone() -> None:
    assert tokens_of("In 1984, He's 12.") == ["in", "0000", ",", "he's", "00", "."]


def test_letters_beyond_ascii_stay_as_they_are() -> None:
    assert tokens_of("ÉTÉ Été") == ["ÉtÉ", "Été"]


def test_vocabulary_comes_from_training_rows_only() -> None:
    frame = table().with_columns(pl.Series("_split", ["train"] * 80 + ["val"] * 20 + ["test"] * 20))
    frame[100, "text"] = "onlyhere onlyhere onlyhere in the test rows"
    source = open_source(frame, "label")
    assert source.kind == "text"
    source.bundle(source.split(0))
    assert "onlyhere" not in source.encoder.contract()["words"]
    assert "film" in source.encoder.contract()["words"]


def test_a_word_that_occurs_once_is_unknown_and_counted() -> None:
    source = open_source(table(), "label")
    source.bundle(source.split(0))
    counted = source.encoder.encode_counted(["good film zzz", ""])
    assert counted.x[0, 2, 0] == 1
    assert dict(counted.unknown) == {"text": 1}
    assert dict(counted.missing) == {"text": 1}


def test_contract_round_trip_encodes_alike() -> None:
    source = open_source(table(), "label")
    source.bundle(source.split(0))
    again = TextEncoder.from_contract(source.encoder.contract())
    rows = ["Good FILM , 99 scenes", "bad bad plot"]
    assert np.array_equal(again.encode(rows), source.encoder.encode(rows))
    assert np.array_equal(again.encode([{"text": rows[0]}]), source.encoder.encode(rows[:1]))


def test_a_contract_without_beginnings_of_words_is_still_read() -> None:
    source = open_source(table(), "label")
    source.bundle(source.split(0))
    document = {**source.encoder.contract(), "contract_format": 1}
    del document["beginnings"], document["letters"]
    again = TextEncoder.from_contract(document)
    assert again.inputs.shape == (source.encoder.inputs.shape[0], 2)
    assert np.array_equal(again.encode(["good film"]), source.encoder.encode(["good film"])[..., :2])


def test_a_word_that_no_training_text_held_may_begin_like_one_that_did() -> None:
    limits = TextLimits(9, 9, fewest=2, longest=9, letters=4)
    codes = TextCodes(Vocabulary.learn(["charming", "charm", "dull"], limits))
    assert codes.vocabulary.words == ()
    assert codes.vocabulary.beginnings == ("char",)
    assert codes.encode(["charmed dull"])[0, :2].tolist() == [[1, 1, 2], [1, 1, 1]]


def test_equally_frequent_words_are_in_the_order_of_the_alphabet() -> None:
    assert Vocabulary.learn(["b a c", "c a b"], TextLimits(9, 9, fewest=2, longest=9)).words == ("a", "b", "c")


def test_numbers_instead_of_texts_are_an_error() -> None:
    source = open_source(table(), "label")
    source.bundle(source.split(0))
    with pytest.raises(DataError, match="is no text"):
        source.encoder.encode([1.5])
    with pytest.raises(DataError, match="the column 'text' is missing"):
        source.encoder.encode(pl.DataFrame({"texts": ["a"]}))


def test_a_table_with_another_feature_is_no_table_of_texts() -> None:
    frame = table().with_columns(pl.Series("length", np.random.default_rng(1).normal(size=120)))
    assert open_source(frame, "label").kind == "table"
