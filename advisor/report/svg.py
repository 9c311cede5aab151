"""A figure drawn by Vega becomes part of the page: named for readers, free of ids and of colours of its own."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

SVG = "http://www.w3.org/2000/svg"
REMOVED = ("role", "id", "class")


@dataclass(frozen=True)
class Figure:
    """One figure, ready for the page.

    Attributes:
        wide: The drawing for a wide window, an ``<svg>`` element.
        narrow: The drawing for a narrow one.
        title: What it shows, in a few words.
        text: What can be seen in it, for those who can't.
    """

    wide: str
    narrow: str
    title: str
    text: str


def adapt(svg: str, *, identifier: str, title: str, text: str) -> str:
    """Return the drawing as one image with a name and a description, safe to stand beside others in a page.

    Args:
        svg: A complete SVG document, drawn by this program.
        identifier: Prefix of the ids, unique in the page.
        title: Its name for assistive technology.
        text: Its description.

    Returns:
        An ``<svg>`` element as text.
    """
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(svg)
    names = itertools.count()
    renamed: dict[str, str] = {}
    for element in root.iter():
        own = element.attrib.get("id")
        if own:
            renamed[own] = f"{identifier}-{next(names)}"
        for name in list(element.attrib):
            if name in REMOVED or name.startswith("aria-"):
                del element.attrib[name]
        if own:
            element.set("id", renamed[own])
    for element in root.iter():
        for name, value in element.attrib.items():
            for old, new in renamed.items():
                if f"#{old})" in value:
                    element.set(name, value.replace(f"#{old})", f"#{new})"))
    for position, (tag, content) in enumerate((("title", title), ("desc", text))):
        child = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": f"{identifier}-{tag}"})
        child.text = content
        root.insert(position, child)
    root.set("role", "img")
    root.set("aria-labelledby", f"{identifier}-title {identifier}-desc")
    return ElementTree.tostring(root, encoding="unicode")
