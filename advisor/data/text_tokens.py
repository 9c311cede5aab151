"""Short texts as tokens: how a text is cut up, and which tokens of the training rows get a code of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PADDING_CODE = 0
UNKNOWN_CODE = 1
FIRST_TOKEN_CODE = 2

DIGITS = "[0-9]"
PUNCTUATION = r"([!-&(-/:-@\[-`{-~])"
"""ASCII punctuation except the apostrophe, which belongs to its word."""
SPACES = "[\\x00-\\x20\u00a0]+"
"""Patterns that mean the same to Python and to RE2, which TensorFlow reads them with."""

_DIGITS, _PUNCTUATION, _SPACES = re.compile(DIGITS), re.compile(PUNCTUATION), re.compile(SPACES)
_UPPER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True)
class TextLimits:
    """How much of the training texts is taken up.

    Attributes:
        words: Most words with a code of their own.
        pairs: Most pairs of neighbours with a code of their own.
        letters: First letters of a word that are a token of their own; 0 for none.
        fewest: How often a token must occur. What occurs once can't be told from chance, and the tokens that are left
            out teach the network what an unknown token means.
        longest: Most tokens of a text that are read.
        shortest: Fewest tokens that a network is laid out for.
    """

    words: int
    pairs: int
    fewest: int
    longest: int
    shortest: int = 4
    letters: int = 0


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a text.

    ASCII letters become small ones, every digit becomes 0 (so that numbers of one length are one token), and each
    punctuation mark but the apostrophe stands alone. Letters beyond ASCII stay as they are: runtimes don't agree on
    their small forms.
    """
    plain = _DIGITS.sub("0", text.translate(_UPPER))
    return [token for token in _SPACES.split(_PUNCTUATION.sub(r" \1 ", plain)) if token]


def pairs_of(tokens: Sequence[str]) -> list[str]:
    """Return each token with the one before it; nothing stands before the first."""
    return [f"{before} {token}" for before, token in zip(["", *tokens], tokens, strict=False)]


def beginnings_of(tokens: Sequence[str], letters: int) -> list[str]:
    """Return the first letters of each token; a shorter one is its own beginning."""
    return [token[:letters] for token in tokens]


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that have a code, and the number of tokens that are read.

    Attributes:
        words: Words, in the order of their codes: the most frequent first.
        pairs: Pairs of neighbours likewise.
        length: Tokens of a text that are read; later ones are cut off, shorter texts are padded at the end.
        beginnings: Beginnings of words likewise; forms of one word mostly share theirs.
        letters: How many letters a beginning has; 0 where none are read.
    """

    words: tuple[str, ...]
    pairs: tuple[str, ...]
    length: int
    beginnings: tuple[str, ...] = ()
    letters: int = 0

    @property
    def kinds(self) -> dict[str, tuple[str, ...]]:
        """The kinds of tokens that are read, in the order of their codes, each with its tokens."""
        always = {"words": self.words, "pairs": self.pairs}
        return {**always, "beginnings": self.beginnings} if self.letters else always

    @staticmethod
    def learn(texts: Iterable[str], limits: TextLimits) -> Vocabulary:
        """Learn the vocabulary from training texts (never from others)."""
        words: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        beginnings: Counter[str] = Counter()
        longest = 0
        for text in texts:
            tokens = tokens_of(text)[: limits.longest]
            longest = max(longest, len(tokens))
            words.update(tokens)
            pairs.update(pairs_of(tokens))
            if limits.letters:
                beginnings.update(beginnings_of(tokens, limits.letters))
        return Vocabulary(
            _frequent(words, limits.words, limits.fewest),
            _frequent(pairs, limits.pairs, limits.fewest),
            max(limits.shortest, longest),
            _frequent(beginnings, limits.words, limits.fewest),
            limits.letters,
        )


class TextCodes:
    """Turns texts into codes, always in the same way."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Number the tokens."""
        self.vocabulary = vocabulary
        self._codes = [
            {token: code for code, token in enumerate(tokens, FIRST_TOKEN_CODE)} for tokens in vocabulary.kinds.values()
        ]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the codes of texts, float32 (n, length, kinds of tokens); 0 is padding.

        The kinds are words, pairs of neighbours and, where they are read, beginnings of words.
        """
        length, letters = self.vocabulary.length, self.vocabulary.letters
        codes = np.zeros((len(texts), length, len(self._codes)), np.float32)
        for row, text in enumerate(texts):
            tokens = tokens_of(text)[:length]
            kinds = [tokens, pairs_of(tokens), *([beginnings_of(tokens, letters)] if letters else [])]
            for kind, (known, found) in enumerate(zip(self._codes, kinds, strict=True)):
                codes[row, : len(found), kind] = [known.get(token, UNKNOWN_CODE) for token in found]
        return codes


def _frequent(counts: Counter[str], most: int, fewest: int) -> tuple[str, ...]:
    """Return the most frequent tokens; of equally frequent ones the alphabetically first."""
    kept = [token for token, count in counts.items() if count >= fewest]
    return tuple(sorted(kept, key=lambda token: (-counts[token], token))[:most])
