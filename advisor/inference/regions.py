"""Which problems get other advice from another rulebook, as conditions that a person can read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advisor.inference.difference import JointCone, joint_cone, targets
from advisor.knowledge.cells import Space, problem_of
from advisor.knowledge.conditions import Atom, show
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.knowledge.domains import Domain, Value
    from advisor.knowledge.rulebook import Rulebook

Labels = NDArray[np.int64]
Box = tuple[NDArray[np.int64], ...]
"""Places on each axis."""


@dataclass(frozen=True)
class Region:
    """Problems in which some facts lie among stated values; the other facts don't matter.

    Attributes:
        conditions: Fact → its values, in words such as ``< 1000`` or ``= dense_stack or residual``.
    """

    conditions: Mapping[str, str]

    def __str__(self) -> str:
        """Render the conditions joined by *and*."""
        return " and ".join(f"{name} {words}" for name, words in self.conditions.items()) or "always"


@dataclass(frozen=True)
class Part:
    """Problems for which a slot changes from one value to another.

    Attributes:
        old: The value in the first rulebook, ``GAP`` when it has no such slot.
        new: The value in the second one.
        regions: Where; together they are exactly these problems.
        share: Their share of the possible cells that the slot depends on. Cells are kinds of problems, not equally
            frequent ones.
        witness: One of these problems.
    """

    old: Any
    new: Any
    regions: tuple[Region, ...]
    share: float
    witness: Mapping[str, Value]


@dataclass(frozen=True)
class SlotChange:
    """How the advice on one slot changes."""

    slot: str
    parts: tuple[Part, ...]

    @property
    def share(self) -> float:
        """The share of the possible cells with other advice."""
        return sum(part.share for part in self.parts)


def compare(old: Rulebook, new: Rulebook) -> tuple[SlotChange, ...]:
    """Return the slots for which some problem gets other advice, in declared order.

    Args:
        old: A rulebook.
        new: Another one of the same vocabulary.
    """
    spaces = Space(old), Space(new)
    found = []
    for name in targets(old, new):
        cone = joint_cone(*spaces, name)
        parts = _parts(old, spaces[0], cone)
        if parts:
            found.append(SlotChange(name.removeprefix(DECIDED), parts))
    return tuple(found)


def _parts(book: Rulebook, space: Space, cone: JointCone) -> tuple[Part, ...]:
    labels, pairs = cone.labels()
    if labels.max(initial=0) <= 0:
        return ()
    found, first, counts = np.unique(labels, return_index=True, return_counts=True)
    possible = int(counts[found >= 0].sum())
    axes = list(cone.axes.values())
    names, small = _relevant(list(cone.axes), labels)
    parts = []
    for label, _, count in sorted(zip(found, first, counts, strict=True), key=lambda each: (-each[2], each[1])):
        if label <= 0:
            continue
        for flat in np.flatnonzero(labels == label):
            place = np.unravel_index(flat, labels.shape)
            cell = tuple(axis[index] for axis, index in zip(axes, place, strict=True))
            witness = space.completed(dict(zip(cone.axes, cell, strict=True)))
            if witness is not None:
                break
        else:  # every one of these cells contradicts facts that the slot doesn't depend on
            continue
        boxes = _boxes(small, label)
        regions = tuple(_region(book, cone, dict(zip(names, box, strict=True))) for box in boxes)
        problem = problem_of(book, witness) | {name: witness[name] for name in book.computed if name in witness}
        old, new = pairs[int(label) - 1]
        parts.append(Part(old, new, regions, int(count) / possible, problem))
    return tuple(parts)


def _relevant(names: list[str], labels: Labels) -> tuple[list[str], Labels]:
    """Leave out the facts that make no difference, one after the other."""
    left = list(names)
    impossible = np.iinfo(labels.dtype).max
    for name in names:
        index = left.index(name)
        highest = labels.max(axis=index)
        lowest = np.where(labels < 0, impossible, labels).min(axis=index)
        if ((highest == lowest) | (highest < 0)).all():
            labels = highest
            del left[index]
    return left, labels


def _boxes(labels: Labels, label: int) -> list[Box]:
    """Cover the cells of a label with boxes, each as large as it can be; impossible cells may be covered too."""
    wanted = labels == label
    fits = wanted | (labels < 0)
    often = np.zeros(labels.shape, np.int32)
    boxes = []
    while True:
        waiting = wanted & (often == 0)
        first = int(waiting.argmax())
        if not waiting.flat[first]:
            break
        seed = [int(place) for place in np.unravel_index(first, labels.shape)]
        backwards = _grown(fits.transpose(), seed[::-1])[::-1]
        box = max(_grown(fits, seed), backwards, key=lambda each: math.prod(map(len, each)))
        often += _cells_of(box, labels.shape)
        boxes.append(box)
    left = []
    for box in boxes:  # a later box may have made an earlier one needless
        inside = _cells_of(box, labels.shape)
        if (often[inside & wanted] > 1).all():
            often -= inside
        else:
            left.append(box)
    return left


def _cells_of(box: Box, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell of each cell whether it is in a box."""
    inside = np.ones(1, bool)
    for places, size in zip(reversed(box), reversed(shape), strict=True):  # so that the inner loops are long
        inside = (np.isin(np.arange(size), places)[:, np.newaxis] & inside).ravel()
    return inside.reshape(shape)


def _grown(fits: NDArray[np.bool_], seed: Sequence[int]) -> Box:
    """Return a largest box around a cell in which every cell fits; it grows along the axes in order."""
    box = []
    for axis in range(len(seed)):
        cell: tuple[Any, ...] = tuple(seed[axis + 1 :])
        places = np.flatnonzero(fits[(slice(None), *cell)])
        box.append(places)
        fits = np.asarray(fits[places].all(axis=0))
    return tuple(box)


def _region(book: Rulebook, cone: JointCone, box: Mapping[str, NDArray[np.int64]]) -> Region:
    conditions = {}
    for name, places in box.items():
        if len(places) < len(cone.axes[name]):
            values = [cone.axes[name][place] for place in places]
            conditions[name] = describe(book.domains[name], cone.compared[name], values)
    return Region(conditions)


def describe(domain: Domain, compared: Sequence[Atom], values: Iterable[Value]) -> str:
    """Say which values of a domain are alike to some representatives, such as ``>= 1000 and < 5000, or unknown``.

    Args:
        domain: The values that there are.
        compared: The comparisons that tell values apart.
        values: Representatives, as of ``cells.representatives``.
    """
    wanted = {_signature(compared, value) for value in values}
    words = []
    if domain.is_numeric:
        words = _intervals(domain, compared, wanted)
    else:
        choices: tuple[Value, ...] = (False, True) if domain.kind == "bool" else domain.choices
        alike = [show(value) for value in choices if _signature(compared, value) in wanted]
        others = [show(value) for value in choices if show(value) not in alike]
        if len(alike) == 1:
            words = [f"= {alike[0]}"]
        elif len(others) == 1:
            words = [f"is not {others[0]}"]
        elif alike:
            words = [f"is one of {', '.join(alike)}"]
    if domain.nullable and _signature(compared, None) in wanted:
        return f"{' or '.join(words)} (or unknown)" if words else "is unknown"
    return " or ".join(words)


def _signature(compared: Sequence[Atom], value: Value) -> tuple[bool, ...]:
    return tuple(atom.holds(value) for atom in compared)


def _intervals(domain: Domain, compared: Sequence[Atom], wanted: set[tuple[bool, ...]]) -> list[str]:
    """Return the intervals whose numbers have a wanted signature; neighbours are joined."""
    bounds = {value for atom in compared for value in atom.values if isinstance(value, int | float)}
    low = -math.inf if domain.minimum is None else domain.minimum
    high = math.inf if domain.maximum is None else domain.maximum
    cuts = sorted({low, *(bound for bound in bounds if low < bound < high), high})
    pieces: list[tuple[float, bool, float, bool]] = []  # from, from is inside, to, to is inside
    for cut, following in pairwise(cuts):
        pieces.append((cut, True, cut, True))
        pieces.append((cut, False, following, False))
    pieces.append((high, True, high, True))
    joined: list[tuple[float, bool, float, bool]] = []
    for piece in pieces:
        number = _inside(domain, piece)
        if number is None:
            if joined and joined[-1][2:] == (piece[0], not piece[1]):  # nothing lies in between
                joined[-1] = (*joined[-1][:2], *piece[2:])
            continue
        if _signature(compared, number) not in wanted:
            continue
        if joined and joined[-1][2] == piece[0] and joined[-1][3] is not piece[1]:
            joined[-1] = (*joined[-1][:2], *piece[2:])
        else:
            joined.append(piece)
    return [_say_interval(each, low, high) for each in joined]


def _inside(domain: Domain, piece: tuple[float, bool, float, bool]) -> float | None:
    from advisor.knowledge.cells import between

    low, low_inside, high, _ = piece
    whole = domain.kind == "int"
    number = low if low_inside else between(low, high, whole=whole)
    if number is None or math.isinf(number) or not domain.in_range(number) or (whole and number != int(number)):
        return None
    return number


def _say_interval(interval: tuple[float, bool, float, bool], low: float, high: float) -> str:
    start, start_inside, end, end_inside = interval
    if start == end:
        return f"= {start:g}"
    words = []
    if start > low or (not start_inside and start > -math.inf and start != low):
        words.append(f"{'>=' if start_inside else '>'} {start:.12g}")
    if end < high:
        words.append(f"{'<=' if end_inside else '<'} {end:.12g}")
    return " and ".join(words) or "is known"
