"""The page of ``advisor rules diff``: an overview first, then each change with the conditions that lead to it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from advisor.interfaces.cli.streams import page_width
from advisor.knowledge.conditions import show
from advisor.knowledge.generation import GAP

if TYPE_CHECKING:
    from advisor.inference.regions import Part, Region, SlotChange
    from advisor.knowledge import Rulebook

MOST_REGIONS = 4
Regions = tuple[tuple[str, ...], ...]


def difference_lines(before: Rulebook, after: Rulebook, changes: Sequence[SlotChange]) -> list[str]:
    """Return how the advice of one rulebook differs from that of another, as the lines of a page.

    Args:
        before: A rulebook.
        after: Another one.
        changes: The slots with other advice, as of :func:`advisor.inference.regions.compare`.
    """
    slots = len({*before.slots, *after.slots})
    counted = f"{len(changes)} of {slots} slots get other advice for some problems, {slots - len(changes)} never do."
    lines = [*_wrap(f"{before.name} {before.version} → {after.name} {after.version}: {counted}", "", "  ")]
    if not changes:
        return lines
    width = max(len(each.slot) for each in changes)
    lines += ["", *_wrap("In what share of the kinds of problems that a slot tells apart:", "", "  ")]
    lines += [f"  {each.slot:<{width}}  {_percent(each.share):>9}" for each in changes]
    told: dict[Regions, str] = {}
    for each in changes:
        lines += ["", f"{each.slot}: other advice for {_percent(each.share)}"]
        regions = tuple(tuple(str(region) for region in part.regions) for part in each.parts)
        like = told.setdefault(regions, each.slot)
        if like != each.slot:
            lines += _wrap(f"for the same problems as {like}:", "  ", "    ")
        for part in each.parts:
            lines += _wrap(f"{_value(part.old)} → {_value(part.new)}  ({_percent(part.share)})", "  ", "    ")
            if like == each.slot:
                lines += _conditions(part)
    return lines


def _conditions(part: Part) -> Iterator[str]:
    """Say where a change happens: first what all regions share, then what each adds."""
    told = sorted(part.regions, key=lambda region: len(region.conditions))[:MOST_REGIONS]
    shared = {
        name: words
        for name, words in told[0].conditions.items()
        if all(region.conditions.get(name) == words for region in part.regions)
    }
    common = " and ".join(f"{name} {words}" for name, words in shared.items())
    if len(told) == 1:
        yield from _wrap(f"when {common or 'always'}" if common else "always", "    ", "      ")
    else:
        yield from _wrap(f"when {common}, and one of these holds:" if common else "when one of these holds:", "    ")
        for region in told:
            yield from _wrap(f"- {_rest(region, shared)}", "      ", "        ")
    if len(part.regions) > len(told):
        left = len(part.regions) - len(told)
        yield f"      - one of {left} more cases; see --json" if left > 1 else "      - one more case; see --json"
    problem = ", ".join(f"{name}: {show(value)}" for name, value in part.witness.items())
    yield from _wrap(f"for example {{{problem}}}", "    ", "      ")


def _rest(region: Region, shared: dict[str, str]) -> str:
    return " and ".join(f"{name} {words}" for name, words in region.conditions.items() if name not in shared)


def _value(value: Any) -> str:
    return "no such slot" if value is GAP else show(value)


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _wrap(text: str, first: str, after: str = "      ") -> list[str]:
    return textwrap.wrap(
        text,
        width=page_width(),
        initial_indent=first,
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    )
