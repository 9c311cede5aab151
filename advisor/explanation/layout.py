"""Places the boxes of a layered graph: columns by what follows from what, few crossings, no overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_SWEEPS = 12
GAP = 16.0
_DUMMY = 6.0


@dataclass
class Placed:
    """Where everything stands.

    Attributes:
        column: Box → number of its column.
        top: Box → its upper edge.
        height: Height of the whole.
        columns: Number of columns.
        routes: (source, target) → the heights at which the arrow passes the columns between them.
    """

    column: dict[str, int] = field(default_factory=dict)
    top: dict[str, float] = field(default_factory=dict)
    height: float = 0.0
    columns: int = 0
    routes: dict[tuple[str, str], list[float]] = field(default_factory=dict)


def place(heights: Mapping[str, float], edges: Iterable[tuple[str, str]]) -> Placed:
    """Place boxes in columns, each to the right of those with an arrow to it.

    Args:
        heights: Box → its height, in an order that decides where nothing else does.
        edges: Arrows as (source, target); they make no cycle.
    """
    arrows = list(dict.fromkeys(edges))
    column = _columns(heights, arrows)
    sizes: dict[str, float] = dict(heights)
    chains: dict[tuple[str, str], list[str]] = {}
    links: list[tuple[str, str]] = []
    for source, target in arrows:
        chain = [f"{source}→{number}" for number in range(column[source] + 1, column[target])]
        for number, dummy in enumerate(chain, start=column[source] + 1):
            sizes[dummy], column[dummy] = _DUMMY, number
        chains[source, target] = chain
        path = [source, *chain, target]
        links += [link for link in pairwise(path) if link not in links]
    layers: list[list[str]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for name in sizes:
        layers[column[name]].append(name)
    _order(layers, links)
    centers = _centers(layers, links, sizes)
    _close_gaps(centers, sizes)
    least = min((centers[name] - sizes[name] / 2 for name in heights), default=0.0)
    placed = Placed(columns=len(layers))
    for name, height in heights.items():
        placed.column[name] = column[name]
        placed.top[name] = centers[name] - height / 2 - least
        placed.height = max(placed.height, placed.top[name] + height)
    placed.routes = {arrow: [centers[dummy] - least for dummy in chain] for arrow, chain in chains.items()}
    return placed


def _columns(names: Iterable[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    column = dict.fromkeys(names, 0)
    before: dict[str, list[str]] = {}
    for source, target in arrows:
        before.setdefault(target, []).append(source)
    changed = True
    while changed:
        changed = False
        for target, sources in before.items():
            wanted = 1 + max(column[source] for source in sources)
            if wanted > column[target]:
                column[target], changed = wanted, True
    return column


def _neighbours(links: Iterable[tuple[str, str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    left: dict[str, list[str]] = {}
    right: dict[str, list[str]] = {}
    for source, target in links:
        left.setdefault(target, []).append(source)
        right.setdefault(source, []).append(target)
    return left, right


def _order(layers: list[list[str]], links: Sequence[tuple[str, str]]) -> None:
    """Order each column by the middle of its neighbours, from left to right and back, and keep the best."""
    left, right = _neighbours(links)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, links)
    for sweep in range(_SWEEPS):
        towards, turn = (left, 1) if sweep % 2 == 0 else (right, -1)
        position = {name: float(place) for layer in layers for place, name in enumerate(layer)}
        for layer in layers[::turn]:
            means = {
                name: sum(position[each] for each in towards[name]) / len(towards[name])
                if name in towards
                else position[name]
                for name in layer
            }
            layer.sort(key=lambda name: means[name])
            position.update((name, float(place)) for place, name in enumerate(layer))
        crossings = _crossings(layers, links)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best


def _crossings(layers: Sequence[Sequence[str]], links: Iterable[tuple[str, str]]) -> int:
    place = {name: (number, position) for number, layer in enumerate(layers) for position, name in enumerate(layer)}
    between: dict[int, list[tuple[int, int]]] = {}
    for source, target in links:
        between.setdefault(place[source][0], []).append((place[source][1], place[target][1]))
    return sum(
        (first[0] - second[0]) * (first[1] - second[1]) < 0
        for pairs in between.values()
        for number, first in enumerate(pairs)
        for second in pairs[:number]
    )


def _centers(
    layers: Sequence[Sequence[str]], links: Iterable[tuple[str, str]], sizes: Mapping[str, float]
) -> dict[str, float]:
    """Return heights of middles: each box near its neighbours, in its column's order, without overlaps."""
    left, right = _neighbours(links)
    centers: dict[str, float] = {}
    for layer in layers:
        at = 0.0
        for name in layer:
            centers[name] = at + sizes[name] / 2
            at += sizes[name] + GAP
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = {}
            for name in layer:
                near = [*left.get(name, ()), *right.get(name, ())]
                wanted[name] = sum(centers[each] for each in near) / len(near) if near else centers[name]
            centers.update(_apart(layer, wanted, sizes))
    return centers


def _close_gaps(centers: dict[str, float], sizes: Mapping[str, float]) -> None:
    """Take away the bands in which nothing stands in any column, up to a usual gap."""
    bottom, up = None, 0.0
    for name in sorted(centers, key=lambda each: centers[each] - sizes[each] / 2):
        top = centers[name] - sizes[name] / 2
        if bottom is not None and top - bottom > GAP:
            up += top - bottom - GAP
        end = top + sizes[name]
        bottom = end if bottom is None else max(bottom, end)
        centers[name] -= up


def _apart(layer: Sequence[str], wanted: Mapping[str, float], sizes: Mapping[str, float]) -> dict[str, float]:
    """Return middles as near to the wanted ones as the boxes' order and sizes allow, in the sense of least squares."""
    offset, offsets = 0.0, {}
    last = None
    for name in layer:
        if last is not None:
            offset += (sizes[last] + sizes[name]) / 2 + GAP
        offsets[name], last = offset, name
    blocks: list[tuple[float, int]] = []
    for name in layer:
        mean, count = wanted[name] - offsets[name], 1
        while blocks and blocks[-1][0] > mean:
            earlier, members = blocks.pop()
            mean = (earlier * members + mean * count) / (members + count)
            count += members
        blocks.append((mean, count))
    shifts = [mean for mean, count in blocks for _ in range(count)]
    return {name: offsets[name] + shift for name, shift in zip(layer, shifts, strict=True)}
