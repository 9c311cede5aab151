"""Python source as ruff would format it: literals, wrapped comments, assignments."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

LINE = 88
"""Width of generated lines: the default of the usual formatters."""


def quoted(text: str) -> str:
    """Return a string literal in double quotes, in single ones where that saves escapes."""
    inner = repr(text)[1:-1].replace("\\'", "'")
    if text.count('"') > text.count("'"):
        return "'" + inner.replace('\\"', '"').replace("'", "\\'") + "'"
    return '"' + inner.replace('\\"', '"').replace('"', '\\"') + '"'


def literal(value: Any) -> str:
    """Return a value as Python source on one line.

    Args:
        value: None, a bool, number, string, or a list, tuple or dictionary of such.
    """
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


def assignment(name: str, value: Any) -> str:
    """Return ``name = value``, broken into one element a line where it is too long for one line."""
    line = f"{name} = {literal(value)}"
    if len(line) <= LINE or not value or not isinstance(value, Mapping | list | tuple):
        return line
    if isinstance(value, Mapping):
        items = [f"    {literal(key)}: {literal(item)}," for key, item in value.items()]
        return "\n".join([f"{name} = {{", *items, "}"])
    inside = "    " + literal(value)[1:-1]
    if len(inside) <= LINE and not all(isinstance(item, str) for item in value):
        return f"{name} = [\n{inside}\n]"
    return "\n".join([f"{name} = [", *(f"    {literal(item)}," for item in value), "]"])


def comment(text: str, indent: int = 0) -> str:
    """Return a text as comment lines."""
    margin = " " * indent
    lines = textwrap.wrap(" ".join(text.split()), LINE - indent - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"{margin}# {line}" for line in lines)


def first_sentences(text: str, longest: int = 240) -> str:
    """Return the sentences at the beginning of a text, as many as fit; at least one."""
    kept = ""
    for part in " ".join(text.split()).replace(". ", ".\0").split("\0"):
        if kept and len(kept) + len(part) + 1 > longest:
            break
        kept = f"{kept} {part}".strip()
    return kept


def prose(text: str) -> str:
    """Return a text wrapped for a docstring, harmless inside triple quotes."""
    safe = " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")
    return textwrap.fill(safe, LINE, break_long_words=False, break_on_hyphens=False)


def tidy(source: str) -> str:
    """Return source with the blank lines that formatters want: two around what is defined at the top, else one at most.

    Args:
        source: Source in which everything else is formatted already.
    """
    lines: list[str] = []
    gap, inside = 0, False
    for line in (each.rstrip() for each in source.strip().split("\n")):
        if not line:
            gap += 1
            continue
        starts = line.startswith(("def ", "class ", "@", "if __name__"))
        top = not line[0].isspace() and not line.startswith((")", "]", "}", '"""', "#"))
        opens = bool(lines) and (starts or (top and inside)) and not lines[-1].startswith("@")
        gap = 2 if opens else min(gap, 1)
        lines += [""] * gap + [line]
        inside = starts or (inside and not top)
        gap = 0
    return "\n".join(lines) + "\n"
