"""Which problems get other advice from another rulebook, as conditions that a person can read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

from advisor.inference.difference import JointCone, joint_cone, targets
from advisor.knowledge.cells import Space, problem_of
from advisor.knowledge.conditions import Atom, show
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.knowledge.domains import Domain, Value
    from advisor.knowledge.rulebook import Rulebook

Cell = tuple[Any, ...]
Label = tuple[Any, Any]
Box = tuple[tuple[Any, ...], ...]


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
    differing = {cell: (old, new) for cell, old, new in cone.differing()}
    if not differing:
        return ()
    labels: dict[Cell, Label | None] = {cell: differing.get(cell) for cell in cone.cells()}
    groups: dict[str, list[Cell]] = {}
    for cell, label in differing.items():
        groups.setdefault(repr(label), []).append(cell)
    names, small = _relevant(list(cone.axes), labels)
    parts = []
    for cells in sorted(groups.values(), key=lambda each: -len(each)):
        label = differing[cells[0]]
        witness = next((facts for cell in cells if (facts := _facts(space, cone, cell)) is not None), None)
        if witness is None:  # every one of these cells contradicts facts that the slot doesn't depend on
            continue
        boxes = _boxes([cone.axes[name] for name in names], small, label)
        regions = tuple(_region(book, cone, dict(zip(names, box, strict=True))) for box in boxes)
        problem = problem_of(book, witness) | {name: witness[name] for name in book.computed if name in witness}
        parts.append(Part(*label, regions, len(cells) / len(labels), problem))
    return tuple(parts)


def _facts(space: Space, cone: JointCone, cell: Cell) -> dict[str, Value] | None:
    return space.completed(dict(zip(cone.axes, cell, strict=True)))


def _relevant(names: list[str], labels: Mapping[Cell, Label | None]) -> tuple[list[str], dict[Cell, Label | None]]:
    """Leave out the facts that make no difference, one after the other."""
    left, found = list(names), dict(labels)
    for name in names:
        index = left.index(name)
        smaller: dict[Cell, Label | None] = {}
        for cell, label in found.items():
            rest = cell[:index] + cell[index + 1 :]
            if smaller.setdefault(rest, label) != label:
                break
        else:
            found = smaller
            del left[index]
    return left, found


def _boxes(axes: Sequence[tuple[Value, ...]], labels: Mapping[Cell, Label | None], label: Label) -> list[Box]:
    """Cover the cells of a label with boxes, each as large as it can be; impossible cells may be covered too."""
    waiting = [cell for cell, each in labels.items() if each == label]
    covered: set[Cell] = set()
    boxes = []
    for seed in waiting:
        if seed in covered:
            continue
        orders = (range(len(axes)), range(len(axes) - 1, -1, -1))
        box = max((_grown(axes, labels, label, seed, order) for order in orders), key=_volume)
        covered.update(product(*box))
        boxes.append(box)
    wanted = set(waiting)
    often = Counter(cell for box in boxes for cell in product(*box))
    left = []
    for box in boxes:  # a later box may have made an earlier one needless
        cells = list(product(*box))
        if all(often[cell] > 1 for cell in cells if cell in wanted):
            often.subtract(cells)
        else:
            left.append(box)
    return left


def _volume(box: Box) -> int:
    return math.prod(map(len, box))


def _grown(
    axes: Sequence[tuple[Value, ...]],
    labels: Mapping[Cell, Label | None],
    label: Label,
    seed: Cell,
    order: Iterable[int],
) -> Box:
    """Return a largest box around a cell that holds no cell of another label; it grows along the axes in order."""
    box: list[tuple[Value, ...]] = [(value,) for value in seed]
    for index in order:
        for value in axes[index]:
            if value in box[index]:
                continue
            added = product(*box[:index], (value,), *box[index + 1 :])
            if all(labels.get(cell, label) == label for cell in added):
                box[index] = (*box[index], value)
    return tuple(box)


def _region(book: Rulebook, cone: JointCone, box: Mapping[str, tuple[Value, ...]]) -> Region:
    conditions = {}
    for name, values in box.items():
        if len(values) < len(cone.axes[name]):
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
