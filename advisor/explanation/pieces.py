"""The values that rules can't tell apart, as a person would name them: ``at most 5 ms``, ``sparse or very_sparse``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from advisor.explanation.voice import Voice, alternatives
from advisor.knowledge.cells import between
from advisor.knowledge.conditions import Atom
from advisor.knowledge.domains import Domain, Scalar, Value


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers between two bounds, which may be infinite.

    Attributes:
        low: Lower bound.
        high: Upper bound.
        has_low: Whether the lower bound belongs to it.
        has_high: Whether the upper bound belongs to it.
        whole: Whether only whole numbers count.
    """

    low: float
    high: float
    has_low: bool
    has_high: bool
    whole: bool

    def sample(self) -> float | None:
        """Return a simple number in it, or None when it's empty."""
        if self.has_low:
            return self.low
        if self.has_high:
            return self.high
        return between(self.low, self.high, whole=self.whole)

    def nearest(self, value: float) -> float:
        """Return the number in it that is nearest to another one, or a simple one when there is no nearest."""
        if value <= self.low:
            ends = self.low if self.has_low else self.low + 1 if self.whole else None
        elif value >= self.high:
            ends = self.high if self.has_high else self.high - 1 if self.whole else None
        else:
            return value
        found = ends if ends is not None else between(self.low, self.high, whole=self.whole)
        assert found is not None, "an empty span is never made"
        return found

    def holds(self, value: float) -> bool:
        """Tell whether a number lies in it."""
        above = value > self.low or (self.has_low and value == self.low)
        return above and (value < self.high or (self.has_high and value == self.high))


Piece = Span | Scalar
"""A span of numbers, or a single value that is no number."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Values of one fact that the rules can't tell apart.

    Attributes:
        sample: One of them.
        pieces: All of them.
    """

    sample: Any
    pieces: tuple[Piece, ...]

    def holds(self, value: Any) -> bool:
        """Tell whether a value belongs to it."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return any(
            (is_number and piece.holds(value)) if isinstance(piece, Span) else _same(piece, value)
            for piece in self.pieces
        )

    def nearest(self, value: Any) -> Any:
        """Return the value in it that is nearest to another one."""
        spans = [piece for piece in self.pieces if isinstance(piece, Span)]
        if not spans or (None in self.pieces and self.sample is None):
            return self.sample
        if isinstance(value, bool) or not isinstance(value, int | float):
            found = spans[0].sample()
        else:
            found = min((span.nearest(value) for span in spans), key=lambda number: abs(number - value))
        return int(found) if spans[0].whole and found is not None else found


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def cells(domain: Domain, compared: Sequence[Atom], preferred: Value = None) -> tuple[Cell, ...]:
    """Return every way in which some comparisons can come out, with all values that lead to it.

    Args:
        domain: The values that there are.
        compared: The comparisons.
        preferred: The value to take as a sample where it belongs to a cell (a fact's default).
    """
    found: dict[tuple[bool, ...], list[tuple[Piece, Any]]] = {}
    for piece in _pieces(domain, compared):
        sample = piece.sample() if isinstance(piece, Span) else piece
        if isinstance(piece, Span) and piece.whole and sample is not None:
            sample = int(sample)
        found.setdefault(tuple(atom.holds(sample) for atom in compared), []).append((piece, sample))
    made = []
    for members in found.values():
        pieces = tuple(joined(piece for piece, _ in members))
        cell = Cell(members[0][1], pieces)
        made.append(Cell(preferred, pieces) if cell.holds(preferred) else cell)
    return tuple(made)


def _pieces(domain: Domain, compared: Sequence[Atom]) -> Iterable[Piece]:
    if domain.nullable:
        yield None
    if domain.kind == "bool":
        yield from (False, True)
    elif domain.kind in ("enum", "word"):
        yield from domain.choices
    else:
        yield from _spans(domain, compared)


def _spans(domain: Domain, compared: Sequence[Atom]) -> Iterable[Span]:
    whole = domain.kind == "int"
    low = -math.inf if domain.minimum is None else domain.minimum
    high = math.inf if domain.maximum is None else domain.maximum
    bounds = (value for atom in compared for value in atom.values)
    numbers = {value for value in bounds if isinstance(value, int | float) and not isinstance(value, bool)}
    cuts = sorted({low, high, *(number for number in numbers if low < number < high)})
    for cut, following in pairwise([*cuts, math.inf]):
        if math.isfinite(cut) and domain.in_range(cut) and not (whole and cut != int(cut)):
            yield Span(cut, cut, True, True, whole)
        inside = Span(cut, following, False, False, whole)
        if cut < high and inside.sample() is not None:
            yield inside


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Return pieces in order, with neighbouring spans made one."""
    every = list(pieces)
    spans = sorted((piece for piece in every if isinstance(piece, Span)), key=lambda span: (span.low, span.high))
    found: list[Piece] = [piece for piece in dict.fromkeys(every) if not isinstance(piece, Span)]
    for span in spans:
        last = found[-1] if found else None
        if isinstance(last, Span) and _touch(last, span):
            closes = span.has_high if span.high > last.high else span.has_high or last.has_high
            high = max(span.high, last.high)
            closes = closes if span.high >= last.high else last.has_high
            found[-1] = Span(last.low, high, last.has_low, closes, span.whole)
        else:
            found.append(span)
    return found


def _touch(one: Span, other: Span) -> bool:
    if other.low < one.high or (other.low == one.high and (other.has_low or one.has_high)):
        return True
    last = one.high if one.has_high else math.ceil(one.high) - 1
    return one.whole and math.isfinite(one.high) and other.low == last + 1 and other.has_low


def say_pieces(voice: Voice, fact: str, pieces: Sequence[Piece]) -> str:
    """Return values as a person names them: ``at most 5 ms``, ``from 1,000 to 4,999``, ``sparse or very_sparse``."""
    domain = voice.rulebook.domains[fact]
    values = [piece for piece in pieces if not isinstance(piece, Span)]
    spans = [piece for piece in pieces if isinstance(piece, Span)]
    if domain.kind == "enum" and len(values) > 3 and len(values) < len(domain.choices):
        left = [choice for choice in domain.choices if choice not in values]
        if len(left) == 1:
            return f"anything but {left[0]}"
    words = [_say_span(voice, fact, span, domain) for span in spans]
    return alternatives(words + [voice.value(fact, value) for value in values])


def _say_span(voice: Voice, fact: str, span: Span, domain: Domain) -> str:
    low = span.low if span.has_low or not span.whole else span.low + 1
    high = span.high if span.has_high or not span.whole else span.high - 1
    has_low, has_high = span.has_low or span.whole, span.has_high or span.whole
    if low == high:
        return _number(voice, fact, low, span.whole)
    starts = not math.isfinite(low) or (domain.minimum is not None and low <= domain.minimum)
    ends = not math.isfinite(high) or (domain.maximum is not None and high >= domain.maximum)
    if starts and ends:
        return "any number"
    if starts:
        return f"{'at most' if has_high else 'below'} {_number(voice, fact, high, span.whole)}"
    if ends:
        return f"{'at least' if has_low else 'above'} {_number(voice, fact, low, span.whole)}"
    first, last = _number(voice, fact, low, span.whole, bare=True), _number(voice, fact, high, span.whole)
    if has_low and has_high:
        return f"from {first} to {last}"
    return f"{'at least' if has_low else 'above'} {first} and {'at most' if has_high else 'below'} {last}"


def _number(voice: Voice, fact: str, number: float, whole: bool, *, bare: bool = False) -> str:
    words = voice.value(fact, int(number) if whole else number)
    return words.split(" ", 1)[0] if bare else words
