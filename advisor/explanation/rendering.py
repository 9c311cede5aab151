"""Renders an outline as text for a terminal, or as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from advisor.explanation.outline import Entry, Outline, Section, Table

_ADDRESS = re.compile(r"https?://[^\s<>]+")
_SPACES = re.compile(r"(\s+)")
_PARTS = re.compile(r"[-_]*[^-_]+[-_]*|[-_]+")
_MOST_UNBROKEN = 22
"""Columns of a table up to which no word is broken."""
Paint = Callable[[str], str]


def _plain(text: str) -> str:
    return text


@dataclass(frozen=True)
class Style:
    """How a terminal shows kinds of text; without one everything is plain, and says the same.

    Attributes:
        heading: Paints headings.
        value: Paints values.
        muted: Paints rules and sources.
    """

    heading: Paint = _plain
    value: Paint = _plain
    muted: Paint = _plain


PLAIN = Style()


def render_text(outline: Outline, *, width: int = 80, style: Style = PLAIN) -> str:
    """Return an outline as text.

    Args:
        outline: What to render.
        width: Columns; no line is longer, unless a single word is.
        style: How headings, values and notes are painted.
    """
    lines = [style.heading(outline.title), style.heading("=" * len(outline.title)), *_wrap(outline.summary, width, "")]
    for section in outline.sections:
        lines += ["", style.heading(section.title), style.heading("-" * len(section.title))]
        lines += _section(section, width, style)
    if outline.hints:
        lines.append("")
        for hint in outline.hints:
            lines += [style.muted(line) for line in _wrap(hint, width, "", "  ")]
    return "\n".join(lines) + "\n"


def _section(section: Section, width: int, style: Style) -> list[str]:
    lines: list[str] = _table(section.table, width, style) if section.table is not None else []
    labels = [len(label) for entry in section.entries for label, _ in entry.values]
    column = min(max(labels, default=0), 42, width // 2 - 4) + 2
    for number, entry in enumerate(section.entries, start=1):
        if lines and entry.values:
            lines.append("")
        for label, value in entry.values:
            lines += _row(label, value, column, width, style)
        first = "    " if entry.values else f"{number:>3}. " if section.is_numbered else "  " * entry.depth + "  - "
        after = " " * len(first)
        if entry.reason:
            lines += _wrap(entry.reason, width, first, after)
        for note in entry.notes:
            lines += [style.muted(line) for line in _wrap(note, width, after, after)]
    return lines


def _table(table: Table, width: int, style: Style) -> list[str]:
    """Return a table whose columns share the width so that no word is broken, or only at its joints."""
    rows = (table.columns, *table.rows)
    columns = list(zip(*rows, strict=True))
    given = _column_widths(columns, width - 2 * len(columns))
    wrappers = [_Cell(each) for each in given]
    lines: list[str] = []
    for number, row in enumerate((*rows[:1], tuple("-" * each for each in given), *rows[1:])):
        cells = [wrapper.wrap(cell) or [""] for wrapper, cell in zip(wrappers, row, strict=True)]
        for line in range(max(map(len, cells))):
            parts = [f"{cell[line] if line < len(cell) else '':<{given[each]}}" for each, cell in enumerate(cells)]
            text = "  ".join(["", *parts]).rstrip()
            lines.append(style.heading(text) if number == 0 else text)
    return lines


class _Cell(textwrap.TextWrapper):
    """Wraps a cell at its spaces; only a word that is wider than the cell is broken, at its hyphens or underscores."""

    def _split(self, text: str) -> list[str]:
        words = _SPACES.split(text.strip())
        return [part for word in words for part in ([word] if len(word) <= self.width else _PARTS.findall(word))]


def _column_widths(columns: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return what each column gets: its widest part of a word, its widest word if there is room, and then its share."""
    words = [[word for cell in column for word in cell.split()] for column in columns]
    parts = [max((len(part) for word in each for part in _PARTS.findall(word)), default=1) for each in words]
    given = [min(each, _MOST_UNBROKEN) for each in parts]
    whole = [max(map(len, each), default=1) for each in words]
    wanted = [max(map(len, column)) for column in columns]
    left = width - sum(given)
    places = range(len(columns))
    for place in sorted(places, key=lambda each: whole[each] - given[each]):
        more = max(whole[place] - given[place], 0)
        if more <= left:
            given[place] += more
            left -= more
    letters = [sum(map(len, column)) for column in columns]
    while left > 0 and (short := [each for each in places if given[each] < wanted[each]]):
        given[max(short, key=lambda each: letters[each] / given[each] ** 2)] += 1
        left -= 1
    return given


def _row(label: str, value: str, column: int, width: int, style: Style) -> list[str]:
    """Return a label with its value beside it; a label too long for its column stands in lines of its own."""
    before = [] if len(label) <= column - 2 else _wrap(label, width, "  ", "    ")
    margin = " " * (column + 2)
    lines = _wrap(value, width, margin)
    if not before:
        lines[0] = f"  {label:<{column}}" + lines[0][column + 2 :]
    return before + [line[: column + 2] + style.value(line[column + 2 :]) for line in lines]


def _wrap(text: str, width: int, first: str, after: str | None = None) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        width=width,
        initial_indent=first,
        subsequent_indent=first if after is None else after,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def render_markdown(outline: Outline) -> str:
    """Return an outline as Markdown."""
    blocks = [f"# {_escape(outline.title)}", _escape(outline.summary)]
    for section in outline.sections:
        blocks.append(f"## {_escape(section.title)}")
        if section.table is not None:
            blocks.append(_markdown_table(section.table))
        if not section.entries:
            continue
        if section.is_numbered or not any(entry.values for entry in section.entries):
            blocks.append(_list(section))
        else:
            blocks += [_markdown_entry(entry) for entry in section.entries]
    blocks += [_escape(hint) for hint in outline.hints]
    return "\n\n".join(blocks) + "\n"


def _markdown_table(table: Table) -> str:
    rows = (table.columns, ("---",) * len(table.columns), *table.rows)
    escaped = ((cell if cell == "---" else _escape(cell).replace("|", "\\|") for cell in row) for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


def _list(section: Section) -> str:
    lines = []
    for number, entry in enumerate(section.entries, start=1):
        indent = "    " * entry.depth
        lines.append(f"{indent}{f'{number}.' if section.is_numbered else '-'} {_escape(entry.reason)}")
        lines += [f"{indent}    *{_escape(note)}*" for note in entry.notes]
    return "\n".join(lines)


def _markdown_entry(entry: Entry) -> str:
    lines = [f"- **{_escape(label)}**: {_escape(value)}" for label, value in entry.values]
    paragraphs = [_escape(entry.reason)] if entry.reason else []
    paragraphs += [f"*{_escape(note)}*" for note in entry.notes]
    return "\n\n".join(["\n".join(lines), *paragraphs] if lines else paragraphs)


def _escape(text: str) -> str:
    """Return text whose signs mean nothing in Markdown, with its addresses as links."""
    return " ".join(f"<{word}>" if _ADDRESS.fullmatch(word) else _escape_word(word) for word in text.split())


def _escape_word(word: str) -> str:
    for character in "\\`*_[]<>#":
        word = word.replace(character, "\\" + character)
    return word
