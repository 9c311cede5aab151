"""The decisions of a recommendation as a graph: facts, the rules that they made apply, what these do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from advisor.errors import Finding, RequestError
from advisor.explanation import wording
from advisor.problem import FACTS
from advisor.problem.checking import suggestion

EdgeKind = Literal["reads", "withdraws", "returns"]
_ORIGINS = {"given": "you said so", "measured": "measured on the data", "default": "by default"}


@dataclass(frozen=True)
class Node:
    """One box.

    Attributes:
        key: Its unique name.
        kind: ``fact``, ``rule``, or ``withdrawn`` for a rule that was withdrawn.
        heading: What it is about.
        note: A remark beside the heading, such as where a fact came from.
        lines: What it says or decides: label and value.
        told: All of it in a sentence.
    """

    key: str
    kind: Literal["fact", "rule", "withdrawn"]
    heading: str
    note: str
    lines: tuple[tuple[str, str], ...]
    told: str


@dataclass(frozen=True)
class Edge:
    """An arrow: a fact or rule is read by a rule, withdraws one, or its withdrawal lets one return."""

    source: str
    target: str
    kind: EdgeKind


@dataclass
class Graph:
    """Boxes and arrows.

    Attributes:
        nodes: Key → box.
        edges: The arrows, each once.
        settled: How many decisions owe nothing to the problem and are not drawn.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    settled: int = 0


def decision_graph_svg(
    recommendation: Mapping[str, Any],
    *,
    slot: str | None = None,
    identifier: str = "decision-graph",
    links: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the decisions of a recommendation drawn as SVG: facts to the left, what follows from them to the right.

    Decisions that owe nothing to the problem are left out, so that the drawing shows what this problem decided.

    Args:
        recommendation: The recommendation's JSON document.
        slot: Draw only what lies behind this slot.
        identifier: Prefix of ids, unique in the page that the drawing becomes part of.
        links: Where boxes lead: key of a box (``fact:<name>`` or ``rule:<id>``) → address. With links the drawing is a
            group of links instead of one image.

    Returns:
        An ``<svg>`` element with title and description, for light and dark pages.

    Raises:
        RequestError: If nothing is decided about the slot.
    """
    from advisor.explanation.drawing import draw

    about = "What decided" if slot is None else f"What decided {_slot_title(recommendation, slot)}"
    return draw(graph_of(recommendation, slot), title=about, identifier=identifier, links=links)


def _slot_title(document: Mapping[str, Any], slot: str) -> str:
    decisions = document["decisions"]
    if slot not in decisions:
        message = f"nothing is decided about {slot!r}{suggestion(slot, decisions)}"
        raise RequestError(Finding("R101", slot, message, f"Decided are: {', '.join(decisions)}."))
    return str(decisions[slot]["title"])


def graph_of(document: Mapping[str, Any], slot: str | None = None) -> Graph:
    """Return the graph of a recommendation, or of one of its slots.

    Args:
        document: The recommendation's JSON document.
        slot: The slot; None takes every decision that depends on the problem.
    """
    return _Drawn(document, slot).graph


class _Drawn:
    """One graph in the making."""

    def __init__(self, document: Mapping[str, Any], slot: str | None) -> None:
        self.document = document
        self.trace = document["trace"]
        self.rules: Mapping[str, Any] = self.trace["rules"]
        self.titles = {name: decision["title"] for name, decision in document["decisions"].items()}
        self.graph = Graph()
        self.won: dict[str, list[str]] = {}
        for name, decision in document["decisions"].items():
            for rule in (decision["rule"], *decision.get("further_rules", ())):
                if slot is None or name == slot:
                    self.won.setdefault(rule, []).append(name)
        shown = [rule for rule in self.won if rule in self.rules and (slot is not None or self._depends(rule))]
        for rule in shown:
            self._add(rule)
        for rule, told in self.rules.items():
            if told["status"] == "withdrawn" and (slot is None or slot in told["sets"]):
                self._add(rule)
        drawn = {name for rule in self.won if f"rule:{rule}" in self.graph.nodes for name in self.won[rule]}
        self.graph.settled = sum(name not in drawn for names in self.won.values() for name in names)

    def _depends(self, rule: str) -> bool:
        """Tell whether a rule owes its word to the problem: to a fact, or to the withdrawal of another rule."""
        return bool(self.rules[rule]["facts"]) or bool(self._made_room(rule))

    def _made_room(self, rule: str) -> list[str]:
        """Return the withdrawn rules in whose place a rule without conditions decides."""
        decisions = self.document["decisions"]
        found = {
            each["rule"]: None
            for name in self.won.get(rule, ())
            for each in decisions[name]["overrides"]
            if each["how"] == "undercut" and each["value"] != decisions[name]["value"]
        }
        return list(found)

    def _add(self, rule: str) -> str:
        key = f"rule:{rule}"
        if key in self.graph.nodes:
            return key
        told = self.rules[rule]
        stands = told["status"] == "stands"
        returns = [] if told["facts"] else self._made_room(rule)
        note = "" if stands else "withdrawn"
        if not told["facts"]:
            note = "comes back" if returns else "always"
        own = {name: told["sets"].get(name) for name in self.won.get(rule, ())}
        values = {**told["concludes"], **own} if stands else told["sets"]
        lines = tuple((self._title(name), wording.say_value(value)) for name, value in values.items())
        kind: Literal["rule", "withdrawn"] = "rule" if stands else "withdrawn"
        self.graph.nodes[key] = Node(key, kind, told["title"], note, lines, self._told(rule, lines))
        for name, value in told["facts"].items():
            for source in self._sources(name, value):
                self._connect(source, key, "reads")
        for each in told["withdrawn_by"]:
            self._connect(self._add(each), key, "withdraws")
        for each in returns:
            self._connect(self._add(each), key, "returns")
        return key

    def _connect(self, source: str, target: str, kind: EdgeKind) -> None:
        self.graph.edges[Edge(source, target, kind)] = None

    def _title(self, name: str) -> str:
        return self.titles.get(name) or wording.title_of(name, self.titles)

    def _sources(self, name: str, value: Any) -> Iterable[str]:
        """Return the boxes that a read value comes from; of a computed number those that it was computed from."""
        if name.startswith(wording.DECIDED):
            slot = name.removeprefix(wording.DECIDED)
            rule = self.document["decisions"][slot]["rule"]
            key = self._add(rule)
            line = (self.titles[slot], wording.say_value(value))
            node = self.graph.nodes[key]
            if line not in node.lines:
                lines = (*node.lines, line)
                self.graph.nodes[key] = Node(key, node.kind, node.heading, node.note, lines, self._told(rule, lines))
            return [key]
        if name in self.trace["computed"]:
            facts = self.trace["computed"][name]["facts"]
            return [source for each, known in facts.items() for source in self._sources(each, known)]
        concluded = self.trace["derived"].get(name)
        if concluded is not None and concluded["rule"] is not None:
            return [self._add(concluded["rule"])]
        return [self._fact(name, value)]

    def _fact(self, name: str, value: Any) -> str:
        key = f"fact:{name}"
        title, said = self._title(name), wording.say_fact_value(name, value)
        origin = self.trace["facts"].get(name, {"origin": "given"})["origin"]
        note = _ORIGINS[origin] if name in FACTS else "nothing says otherwise"
        self.graph.nodes[key] = Node(key, "fact", title, note, (("", said),), f"{title}: {said} ({note}).")
        return key

    def _told(self, rule: str, lines: tuple[tuple[str, str], ...]) -> str:
        told = self.rules[rule]
        facts = [f"{self._title(name)}: {wording.say_fact_value(name, value)}" for name, value in told["facts"].items()]
        because = f", because of {'; '.join(facts)}" if facts else ""
        said = "; ".join(f"{label}: {value}" for label, value in lines)
        if told["status"] == "withdrawn":
            by = wording.say_list([f"“{self.rules[each]['title']}”" for each in told["withdrawn_by"]])
            would = f"It would have given {said or 'nothing'}."
            return f"“{told['title']}” would apply{because}, but is withdrawn by {by}. {would}"
        return f"“{told['title']}” applies{because}." + (f" It gives {said}." if said else "")
