"""Draws a decision graph as SVG: its own colours for light and dark, words instead of colours alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from html import escape
from types import MappingProxyType

from advisor.explanation.graph import Edge, Graph, Node
from advisor.explanation.layout import Placed, place
from advisor.explanation.voice import counted

_FACT_WIDTH, _RULE_WIDTH, _BETWEEN = 176, 248, 54
_PAD, _LINE, _MARGIN, _HEAD, _FOOT = 10, 16, 20, 34, 40
_LETTERS = {"fact": 24, "rule": 34, "withdrawn": 34}
STYLE = """
.dg{--dg-paper:#fff;--dg-ink:#1d1f23;--dg-muted:#565b63;--dg-line:#8b93a0;--dg-fact:#eaf2fb;--dg-fact-line:#1f6fb2;
--dg-rule:#f6f7f9;--dg-value:#e7f4ec;--dg-value-ink:#17553a;--dg-bad:#a3231f;--dg-good:#17653a;
font:12px/1.3 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){.dg{--dg-paper:#15171b;--dg-ink:#e8eaed;--dg-muted:#a9afb9;--dg-line:#79818e;
--dg-fact:#1a2a3b;--dg-fact-line:#6fb1ec;--dg-rule:#1e2127;--dg-value:#183226;--dg-value-ink:#9fe0bb;
--dg-bad:#ff9d94;--dg-good:#7fd3a0}}
.dg text{fill:var(--dg-ink)}.dg .dg-small{fill:var(--dg-muted);font-size:11px}.dg .dg-head{font-weight:600}
.dg .dg-fact{fill:var(--dg-fact);stroke:var(--dg-fact-line)}.dg .dg-rule{fill:var(--dg-rule);stroke:var(--dg-line)}
.dg .dg-withdrawn{fill:var(--dg-paper);stroke:var(--dg-bad);stroke-dasharray:5 4}
.dg .dg-gone{text-decoration:line-through;fill:var(--dg-muted)}.dg .dg-stop{fill:var(--dg-bad);font-weight:600}
.dg .dg-back{fill:var(--dg-good);font-weight:600}
.dg .dg-values{fill:var(--dg-value)}.dg .dg-value{fill:var(--dg-value-ink)}
.dg .dg-reads{fill:none;stroke:var(--dg-line);stroke-width:1.3}
.dg .dg-withdraws{fill:none;stroke:var(--dg-bad);stroke-width:2;stroke-dasharray:7 4}
.dg .dg-returns{fill:none;stroke:var(--dg-good);stroke-width:2;stroke-dasharray:2 4}
.dg .dg-tip-reads{fill:var(--dg-line)}.dg .dg-tip-returns{fill:var(--dg-good)}
.dg .dg-tip-withdraws{stroke:var(--dg-bad);stroke-width:2.2;fill:none}
.dg .dg-paper{fill:var(--dg-paper)}.dg a{cursor:pointer}.dg a:hover .dg-head{text-decoration:underline}
.dg a:focus-visible{outline:none}.dg a:focus-visible rect:first-of-type{stroke:var(--dg-fact-line);stroke-width:3.5}
""".replace("\n", "")
"""The style sheet inside every drawing; a page with a strict Content-Security-Policy allows it by its digest."""
_LEGEND = (("reads", "makes a rule apply"), ("withdraws", "withdraws a rule"), ("returns", "lets a rule come back"))


def draw(graph: Graph, *, title: str, identifier: str, links: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a graph as an ``<svg>`` element.

    Args:
        graph: The graph.
        title: Its name.
        identifier: Prefix of the ids.
        links: Key of a box → address that the box leads to. With links the drawing is a group of links that the
            keyboard reaches; without it is one image.
    """
    role = f'role="img" aria-labelledby="{identifier}-title {identifier}-desc"'
    if links:
        role = f'role="group" aria-labelledby="{identifier}-title" aria-describedby="{identifier}-desc"'
    texts = {key: _texts(node) for key, node in graph.nodes.items()}
    heights = {key: _height(texts[key]) for key in graph.nodes}
    placed = place(heights, [(edge.source, edge.target) for edge in graph.edges])
    lefts = {key: _left(placed.column[key]) for key in graph.nodes}
    width = max([_MARGIN + _right(placed.columns - 1), 620])
    height = _HEAD + placed.height + _FOOT + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="dg" {role} width="{width}" height="{height:.0f}" '
        f'viewBox="0 0 {width} {height:.0f}">',
        f'<title id="{identifier}-title">{_safe(title)}</title>',
        f'<desc id="{identifier}-desc">{_safe(describe(graph))}</desc>',
        f"<style>{STYLE}</style>",
        _tips(identifier),
        f'<rect width="{width}" height="{height:.0f}" class="dg-paper"/>',
        f'<text class="dg-small" x="{_MARGIN}" y="{_MARGIN + 6}">FACTS</text>',
    ]
    if placed.columns > 1:
        parts.append(f'<text class="dg-small" x="{_left(1)}" y="{_MARGIN + 6}">RULES, AND WHAT THEY DECIDE</text>')
    top = _HEAD + _MARGIN
    parts += [_arrow(edge, placed, heights, top, identifier) for edge in graph.edges]
    parts += [
        _linked(_box(node, texts[key], lefts[key], placed.top[key] + top, heights[key]), links.get(key))
        for key, node in graph.nodes.items()
    ]
    parts += _legend({edge.kind for edge in graph.edges}, height - _MARGIN, identifier)
    parts.append(_closing(graph, width, height - _MARGIN))
    return "".join(parts) + "</svg>"


def describe(graph: Graph) -> str:
    """Return a graph in words: every fact, then every rule."""
    order = sorted(graph.nodes.values(), key=lambda node: node.kind != "fact")
    facts = " ".join(node.told for node in order if node.kind == "fact")
    rules = " ".join(node.told for node in order if node.kind != "fact")
    return f"Facts: {facts or 'none.'} Rules: {rules or 'none depends on the facts.'}"


def _left(column: int) -> int:
    return _MARGIN + (0 if column <= 0 else _FACT_WIDTH + _BETWEEN + (column - 1) * (_RULE_WIDTH + _BETWEEN))


def _right(column: int) -> int:
    return _left(column) + (_RULE_WIDTH if column > 0 else _FACT_WIDTH)


Text = tuple[str, str]
"""A class for the style, and a line of words."""


def _texts(node: Node) -> tuple[list[Text], list[Text]]:
    """Return the lines above and those in the coloured part of a box."""
    letters = _LETTERS[node.kind]
    if node.kind == "fact":
        said = [("dg-head", line) for line in textwrap.wrap(node.lines[0][1], letters)]
        return [("", line) for line in textwrap.wrap(node.heading, letters)] + said + [("dg-small", node.note)], []
    gone = node.kind == "withdrawn"
    notes = {"withdrawn": ("dg-stop", "✕ withdrawn"), "comes back": ("dg-back", "↩ comes back")}
    above: list[Text] = [notes.get(node.note, ("dg-small", node.note))] if node.note else []
    above += [("dg-gone" if gone else "dg-head", line) for line in textwrap.wrap(node.heading, letters - 5)]
    below: list[Text] = []
    for label, value in node.lines:
        wrapped = textwrap.wrap(f"{label}: {value}", letters, subsequent_indent="  ", break_on_hyphens=False)
        below += [("dg-gone" if gone else "dg-value", line) for line in wrapped]
    return above, below


def _height(texts: tuple[list[Text], list[Text]]) -> float:
    above, below = texts
    return len(above) * _LINE + _PAD + (len(below) * _LINE + _PAD if below else 0)


def _box(node: Node, texts: tuple[list[Text], list[Text]], left: float, top: float, height: float) -> str:
    above, below = texts
    width = _FACT_WIDTH if left == _MARGIN else _RULE_WIDTH
    shape = f'x="{left}" y="{top:.1f}" width="{width}" height="{height:.1f}" rx="7"'
    parts = [f"<g><title>{_safe(node.told)}</title>", f'<rect class="dg-{node.kind}" {shape}/>']
    start = top + len(above) * _LINE + _PAD
    if below and node.kind == "rule":
        inner = f'x="{left + 1}" y="{start:.1f}" width="{width - 2}" height="{top + height - start - 1:.1f}" rx="6"'
        parts.append(f'<rect class="dg-values" {inner}/>')
    parts += _lines(above, left + _PAD, top + _LINE)
    parts += _lines(below, left + _PAD, start + _LINE - 2)
    return "".join(parts) + "</g>"


def _linked(box: str, link: str | None) -> str:
    return box if link is None else f'<a href="{_safe(link)}">{box}</a>'


def _lines(texts: Iterable[Text], left: float, first: float) -> list[str]:
    return [
        f'<text class="{style}" x="{left + 8 * line.startswith("  "):.0f}" y="{first + number * _LINE:.1f}">'
        f"{_safe(line.strip())}</text>"
        for number, (style, line) in enumerate(texts)
    ]


def _arrow(edge: Edge, placed: Placed, heights: Mapping[str, float], top: float, identifier: str) -> str:
    source, target = edge.source, edge.target
    x, y = _right(placed.column[source]), placed.top[source] + heights[source] / 2 + top
    path = f"M{x} {y:.1f}"
    for number, passing in enumerate(placed.routes[source, target], start=placed.column[source] + 1):
        path += _curve(x, y, _left(number), passing + top) + f"H{_right(number)}"
        x, y = _right(number), passing + top
    end, at = _left(placed.column[target]) - 6, placed.top[target] + heights[target] / 2 + top
    path += _curve(x, y, end, at)
    return f'<path class="dg-{edge.kind}" d="{path}" marker-end="url(#{identifier}-{edge.kind})"/>'


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (x + to_x) / 2
    return f"C{middle:.0f} {y:.1f} {middle:.0f} {to_y:.1f} {to_x:.0f} {to_y:.1f}"


def _tips(identifier: str) -> str:
    tip = 'viewBox="0 0 10 10" refX="6" refY="5" markerUnits="userSpaceOnUse" orient="auto"'
    arrow = '<path class="dg-tip-{0}" d="M1 1L9 5L1 9z"/>'
    cross = '<path class="dg-tip-withdraws" d="M2 1L8 9M8 1L2 9"/>'
    return (
        "<defs>"
        + "".join(
            f'<marker id="{identifier}-{kind}" markerWidth="{12 if kind == "withdraws" else 9}" '
            f'markerHeight="{12 if kind == "withdraws" else 9}" {tip}>'
            f"{cross if kind == 'withdraws' else arrow.format(kind)}</marker>"
            for kind, _ in _LEGEND
        )
        + "</defs>"
    )


def _legend(kinds: set[str], bottom: float, identifier: str) -> list[str]:
    parts, left = [], float(_MARGIN)
    for kind, words in _LEGEND:
        if kind in kinds:
            line = f"M{left} {bottom - 4:.1f}h30"
            parts.append(f'<path class="dg-{kind}" d="{line}" marker-end="url(#{identifier}-{kind})"/>')
            parts.append(f'<text class="dg-small" x="{left + 42:.0f}" y="{bottom:.1f}">{words}</text>')
            left += 62 + 6.2 * len(words)
    return parts


def _closing(graph: Graph, width: float, bottom: float) -> str:
    if not graph.settled:
        return ""
    words = f"{counted(graph.settled, 'further decision is the usual one', 'further decisions are the usual ones')}."
    return f'<text class="dg-small" x="{width - _MARGIN:.0f}" y="{bottom - 20:.1f}" text-anchor="end">{words}</text>'


def _safe(text: str) -> str:
    return escape("".join(letter if ord(letter) >= 32 else " " for letter in text), quote=True)
