"""The drawing of the decisions as part of a page: its boxes lead to the texts, and the texts say the same in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.explanation.graph import decision_graph_svg, graph_of
from advisor.report.decisions import Group, anchor


@dataclass(frozen=True)
class Told:
    """One box of the drawing in words.

    Attributes:
        id: Its id in the page.
        kind: ``fact``, ``rule`` or ``withdrawn``.
        text: What it says, in sentences.
        card: Id of the text of its decisions; empty when there is none.
    """

    id: str
    kind: str
    text: str
    card: str = ""


@dataclass(frozen=True)
class Drawn:
    """The drawing with its texts.

    Attributes:
        svg: An ``<svg>`` element whose boxes are links; empty for a recommendation without its trace.
        told: Every box in words, facts first.
    """

    svg: str = ""
    told: tuple[Told, ...] = ()


def drawn_decisions(
    recommendation: Mapping[str, Any], groups: Iterable[Group], *, identifier: str = "decision-graph"
) -> Drawn:
    """Return the decisions drawn, each box linked to the text about it.

    Args:
        recommendation: The recommendation's JSON document.
        groups: The texts of its decisions, as the page shows them.
        identifier: Prefix of ids, unique in the page.

    Returns:
        The drawing; a box leads to the card of its rule, or else to its sentence in the list of all boxes.
    """
    trace = recommendation.get("trace")
    if not isinstance(trace, Mapping) or not trace.get("rules"):
        return Drawn()
    cards: dict[str, str] = {}
    for group in groups:
        for card in (*group.cards, *group.unused):
            cards.setdefault(card.rule, card.id)
    nodes = sorted(graph_of(recommendation).nodes.values(), key=lambda node: node.kind != "fact")
    told = tuple(
        Told(anchor("told", node.key), node.kind, node.told, cards.get(node.key.removeprefix("rule:"), ""))
        for node in nodes
    )
    links = {node.key: f"#{each.card or each.id}" for node, each in zip(nodes, told, strict=True)}
    return Drawn(decision_graph_svg(recommendation, identifier=identifier, links=links), told)
