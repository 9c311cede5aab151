"""Reading a rule file: a small, safe subset of YAML in which every value keeps its file, line and column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.events import AliasEvent, NodeEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from advisor.errors import Finding
from advisor.knowledge.conditions import Place
from advisor.knowledge.domains import Scalar

LONGEST_FILE = 1 << 20
LONGEST_LINE = 400
DEEPEST_NESTING = 20

NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")
RULE_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
_NUMBER_LIKE = re.compile(
    r"[-+]?(?:\.?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?|\.(?:inf|nan)|0[xob][0-9a-fA-F_]+)\Z", re.I
)
_AMBIGUOUS = {"yes": "true", "on": "true", "y": "true", "true": "true", "no": "false", "off": "false", "n": "false"}
_AMBIGUOUS |= {"false": "false", "null": "null", "~": "null", "": "null"}
_MAY_BE_ANCHOR = re.compile(r"(?:^|[\s,\[{:?-])[&*][^\s,\[\]{}]", re.M)
_BRACKET = re.compile(r"[\[\]{}]")
_DEEPER = {"[": 1, "{": 1, "]": -1, "}": -1}


class BadScalar(ValueError):
    """A plain scalar that readers of YAML disagree about."""


class _Composer(CParser):
    """libyaml's composer without its tag resolution: an empty tag means that none was written."""

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return ""


def meaning_of_plain(text: str) -> Scalar:
    """Return what a plain (unquoted) scalar means.

    Args:
        text: The scalar as written.

    Returns:
        True, False, None, an int, a float, or the text itself.

    Raises:
        BadScalar: If it looks like a boolean, null or number without being one of the accepted forms.
    """
    if text == "true":
        return True
    if text == "false":
        return False
    if text == "null":
        return None
    if _INTEGER.match(text):
        return int(text)
    if _NUMBER.match(text):
        return float(text)
    meant = _AMBIGUOUS.get(text.lower())
    if meant is not None:
        raise BadScalar(f"{text!r} is ambiguous in YAML; write {meant}, or quote it if the text is meant")
    if _NUMBER_LIKE.match(text):
        raise BadScalar(
            f"{text!r} is no number in a rule file; write it like 12, 0.5 or 1e-3, or quote it if text is meant"
        )
    return text


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """Return ``; did you mean '…'?`` for the nearest allowed word, or an empty string."""
    import difflib

    near = difflib.get_close_matches(word, sorted(allowed), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


class FileReader:
    """Reads one file and collects what is wrong with it.

    Attributes:
        file: How the file is called in findings.
        findings: What is wrong so far (shared by the readers of one rulebook).
    """

    def __init__(self, file: str, findings: list[Finding]) -> None:
        """Start with an empty file; ``findings`` is appended to."""
        self.file = file
        self.findings = findings

    # ---- bytes to nodes

    def parse(self, content: bytes) -> MappingNode | None:
        """Return the root mapping of a file, or None when the file cannot be used at all."""
        before = len(self.findings)
        text = self._text(content)
        if text is None:
            return None
        try:
            # Before nodes are made of them: aliases of aliases are a graph whose paths nobody could walk.
            if _MAY_BE_ANCHOR.search(text) and self._refuse_anchors(text):
                return None
            root = _Composer(text).get_single_node()
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            self._syntax(error)
            return None
        if root is None:
            self.add("K101", Place(self.file, 1, 1), "the file is empty")
            return None
        if not isinstance(root, MappingNode):
            self.add("K101", self.at(root), "the file must be a mapping (key: value)")
            return None
        self._check_nodes(root, 0)
        return root if len(self.findings) == before else None

    def _text(self, content: bytes) -> str | None:
        if len(content) > LONGEST_FILE:
            self.add(
                "K109",
                Place(self.file, 1, 1),
                f"the file has {len(content):,} bytes; at most {LONGEST_FILE:,} are read",
            )
            return None
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
            self.add("K101", Place(self.file, line, column), "the file is not UTF-8 text")
            return None
        lines = text.split("\n")
        if max(map(len, lines)) > LONGEST_LINE:
            number, length = next((n, len(line)) for n, line in enumerate(lines, 1) if len(line) > LONGEST_LINE)
            place = Place(self.file, number, LONGEST_LINE + 1)
            self.add("K109", place, f"the line has {length:,} characters; at most {LONGEST_LINE} are read")
            return None
        brackets = _BRACKET.findall(text)
        depths = list(accumulate(map(_DEEPER.__getitem__, brackets)))
        if depths and max(depths) > 5 * DEEPEST_NESTING:
            first = next(number for number, depth in enumerate(depths) if depth > 5 * DEEPEST_NESTING)
            start = next(islice(_BRACKET.finditer(text), first, None)).start()
            line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
            self.add("K109", Place(self.file, line, column), "brackets are nested too deeply")
            return None
        return text

    def _refuse_anchors(self, text: str) -> bool:
        found = False
        parser = CParser(text)
        while (event := parser.get_event()) is not None:
            if isinstance(event, NodeEvent) and event.anchor is not None:
                mark: Any = event.start_mark
                place = Place(self.file, mark.line + 1, mark.column + 1)
                what = f"alias '*{event.anchor}'" if isinstance(event, AliasEvent) else f"anchor '&{event.anchor}'"
                self.add(
                    "K108", place, f"{what} is not allowed in rule files", "Write the value out where it is needed."
                )
                found = True
        return found

    def _syntax(self, error: Exception) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = Place(self.file, mark.line + 1, mark.column + 1) if mark is not None else Place(self.file, 1, 1)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        if "another document" in what:
            self.add("K108", place, "a rule file holds one document; a second one starts here")
        else:
            self.add("K101", place, f"the file is not readable as YAML: {what}")

    def _check_nodes(self, node: Node, depth: int) -> None:
        if node.tag:
            self.add("K108", self.at(node), f"tag {node.tag!r} is not allowed in rule files")
        if isinstance(node, ScalarNode):
            return
        if depth >= DEEPEST_NESTING:
            self.add("K109", self.at(node), f"values are nested more than {DEEPEST_NESTING} deep")
            return
        if isinstance(node, SequenceNode):
            for item in node.value:
                if item.tag or type(item) is not ScalarNode:
                    self._check_nodes(item, depth + 1)
            return
        seen: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or key.tag:
                self.add("K101", self.at(key), "a key must be a plain word")
            elif key.value == "<<":
                self.add("K108", self.at(key), "merge key '<<' is not allowed in rule files")
            elif key.value in seen:
                first = seen[key.value].start_mark.line + 1
                self.add("K107", self.at(key), f"key {key.value!r} is given twice (first in line {first})")
            else:
                seen[key.value] = key
            if value.tag or type(value) is not ScalarNode:
                self._check_nodes(value, depth + 1)

    # ---- findings

    def at(self, node: Node) -> Place:
        """Return where a node is written."""
        mark: Any = node.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1)

    def add(self, code: str, place: Place | Node, message: str, hint: str = "") -> None:
        """Note something that is wrong."""
        where = place if isinstance(place, Place) else self.at(place)
        self.findings.append(Finding(code, str(where), message, hint))

    # ---- nodes to values

    def entries(self, node: Node, what: str) -> list[tuple[str, Node, Node]]:
        """Return the (key, key's node, value's node) of a mapping; a finding and nothing when it's none."""
        if isinstance(node, MappingNode):
            return [(key.value, key, value) for key, value in node.value]
        self.add("K104", node, f"{what} must be a mapping (key: value), not {described(node)}")
        return []

    def fields(
        self, node: Node, what: str, required: Sequence[str], optional: Sequence[str] = ()
    ) -> Mapping[str, Node] | None:
        """Return a mapping's values by key after checking its keys.

        Args:
            node: The node that should be a mapping.
            what: What the mapping is, for messages.
            required: Keys that must be there.
            optional: Further keys that may be there.

        Returns:
            The known keys that are there, or None when the node is no mapping.
        """
        if not isinstance(node, MappingNode):
            self.add("K104", node, f"{what} must be a mapping (key: value), not {described(node)}")
            return None
        found: dict[str, Node] = {}
        for key, value in node.value:
            if key.value in required or key.value in optional:
                found[key.value] = value
            else:
                allowed = [*required, *optional]
                self.add(
                    "K105",
                    key,
                    f"unknown key {key.value!r} in {what}{suggestion(key.value, allowed)}",
                    f"Keys here: {', '.join(allowed)}.",
                )
        for name in required:
            if name not in found:
                self.add("K106", node, f"{what} has no {name!r}", f"Add the key {name!r}; it may not be left out.")
        return found

    def items(self, node: Node, what: str) -> list[Node]:
        """Return the elements of a list; a finding and nothing when it's none."""
        if isinstance(node, SequenceNode):
            return list(node.value)
        self.add("K104", node, f"{what} must be a list, not {described(node)}")
        return []

    def scalar(self, node: Node, what: str) -> tuple[bool, Scalar]:
        """Return (whether it can be used, the value) of a scalar; a finding when it cannot."""
        if not isinstance(node, ScalarNode):
            self.add("K104", node, f"{what} must be a single value, not {described(node)}")
            return False, None
        if node.style is not None and node.style != "":
            return True, node.value
        try:
            return True, meaning_of_plain(node.value)
        except BadScalar as error:
            self.add("K110", node, str(error))
            return False, None

    def text(self, node: Node | None, what: str) -> str:
        """Return a non-empty text, joined to one line; a finding and an empty string when it's none."""
        if node is None:
            return ""
        fine, value = self.scalar(node, what)
        if not fine:
            return ""
        if not isinstance(value, str):
            self.add(
                "K104", node, f"{what} must be text, not {described(node)}", "Put it in quotes if the text is meant."
            )
            return ""
        text = " ".join(value.split())
        if not text:
            self.add("K106", node, f"{what} is empty")
        return text

    def name(self, node: Node, what: str, pattern: re.Pattern[str] = NAME) -> str:
        """Return a name after checking its form; an empty string and a finding when it has another."""
        text = self.text(node, what)
        if text and not pattern.match(text):
            style = "snake_case" if pattern is NAME else "kebab-case"
            self.add(
                "K120", node, f"{what} {text!r} is not in {style}", "Use small letters, digits and single joiners."
            )
            return ""
        return text

    def names(self, node: Node, what: str, pattern: re.Pattern[str] = NAME) -> dict[str, Node]:
        """Return the names in a list with their nodes; findings for repeated and malformed ones."""
        found: dict[str, Node] = {}
        for item in self.items(node, what):
            name = self.name(item, f"an element of {what}", pattern)
            if name in found:
                self.add("K107", item, f"{name!r} is listed twice in {what}")
            elif name:
                found[name] = item
        return found


def described(node: Node) -> str:
    """Describe a node for a message."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    return repr(node.value) if node.value else "nothing"
