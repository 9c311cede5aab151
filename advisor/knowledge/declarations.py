"""Reading ``rulebook.yaml`` and the bibliography: everything that rules refer to by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from advisor.knowledge.conditions import Place, show
from advisor.knowledge.domains import KINDS, Domain, Value
from advisor.knowledge.reading import FileReader, described, suggestion
from advisor.knowledge.rulebook import (
    DECIDED,
    ComputedNumber,
    DerivedFact,
    Parameter,
    Slot,
    Source,
    Work,
    readable_domains,
)

if TYPE_CHECKING:
    from advisor.problem.facts import FactType

WORK_KINDS = ("book", "paper", "software", "documentation", "measurement", "judgement")
_DOMAIN_KEYS = ("values", "type", "nullable", "minimum", "maximum")


@dataclass
class Declarations:
    """What a rulebook declares, before its rules are read.

    Attributes:
        facts: The vocabulary.
        works: The bibliography; None when it could not be read (then nothing is said about unknown works).
        complete: False when declarations are broken so that names in rules cannot be judged.
        domains: Domain of every name that a condition may read.
        places: Where layers and groups are declared, as ``layers.<name>`` and ``groups.<name>``.
        doubtful: Where rules are that could only be read in part.
    """

    facts: Mapping[str, FactType]
    works: Mapping[str, Work] | None = None
    name: str = ""
    version: str = ""
    title: str = ""
    about: str = ""
    layers: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    derived: dict[str, DerivedFact] = field(default_factory=dict)
    computed: dict[str, ComputedNumber] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    complete: bool = True
    doubtful: set[Place] = field(default_factory=set)


def read_bibliography(reader: FileReader, root: MappingNode) -> dict[str, Work]:
    """Return the works of a bibliography file by name."""
    fields = reader.fields(root, "the bibliography", ["works"]) or {}
    works: dict[str, Work] = {}
    for name, key, node in reader.entries(fields["works"], "'works'") if "works" in fields else []:
        reader.name(key, "the work's name")
        what = f"work {name!r}"
        entry = reader.fields(node, what, ["kind", "authors", "title", "year"], ["published", "link"])
        if entry is None:
            continue
        kind = reader.text(entry.get("kind"), f"'kind' of {what}")
        if kind and kind not in WORK_KINDS:
            hint = f"Kinds: {', '.join(WORK_KINDS)}."
            reader.add("K103", entry["kind"], f"unknown kind {kind!r}{suggestion(kind, WORK_KINDS)}", hint)
        authors = reader.items(entry["authors"], f"'authors' of {what}") if "authors" in entry else []
        works[name] = Work(
            name=name,
            kind=kind,
            authors=tuple(reader.text(author, f"an author of {what}") for author in authors),
            title=reader.text(entry.get("title"), f"'title' of {what}"),
            year=_whole(reader, entry.get("year"), f"'year' of {what}"),
            published=reader.text(entry.get("published"), f"'published' of {what}"),
            link=reader.text(entry.get("link"), f"'link' of {what}"),
        )
    return works


def _whole(reader: FileReader, node: Node | None, what: str) -> int:
    if node is None:
        return 0
    fine, value = reader.scalar(node, what)
    if fine and isinstance(value, int) and not isinstance(value, bool):
        return value
    if fine:
        reader.add("K104", node, f"{what} must be a whole number, not {described(node)}")
    return 0


def read_declarations(
    reader: FileReader, root: MappingNode, facts: Mapping[str, FactType], works: Mapping[str, Work] | None
) -> Declarations:
    """Return what ``rulebook.yaml`` declares; what is wrong with it goes to the reader's findings."""
    found = Declarations(facts=facts, works=works)
    required = ["rulebook", "version", "title", "layers", "slots"]
    fields = (
        reader.fields(root, "the rulebook", required, ["about", "groups", "parameters", "derived", "computed"]) or {}
    )
    found.name = reader.name(fields["rulebook"], "the rulebook's name") if "rulebook" in fields else ""
    found.version = reader.text(fields.get("version"), "'version'")
    found.title = reader.text(fields.get("title"), "'title'")
    found.about = reader.text(fields.get("about"), "'about'")
    if "layers" in fields:
        found.layers = _names_with_text(reader, fields["layers"], "'layers'")
    if "groups" in fields:
        found.groups = _names_with_text(reader, fields["groups"], "'groups'")
    for section in ("layers", "groups"):
        found.places |= {f"{section}.{name}": place for name, place in _places(reader, fields.get(section)).items()}
    for name, node in _named(reader, fields.get("parameters"), "parameter"):
        if (parameter := _parameter(reader, name, node, works)) is not None:
            found.parameters[name] = parameter
    for name, node in _named(reader, fields.get("derived"), "derived fact"):
        if (derived := _derived(reader, name, node)) is not None:
            found.derived[name] = derived
    computed_nodes = _named(reader, fields.get("computed"), "computed number")
    for name, node in _named(reader, fields.get("slots"), "slot"):
        if (slot := _slot(reader, name, node, found.groups if "groups" in fields else None)) is not None:
            found.slots[name] = slot
    if "groups" not in fields:
        found.groups = {slot.group: slot.group.replace("_", " ") for slot in found.slots.values()}
    readable = readable_domains(facts, found.derived, {}, found.slots)
    for name, node in computed_nodes:
        if (computed := _computed(reader, name, node, readable)) is not None:
            found.computed[name] = computed
    _refuse_shared_names(reader, found)
    found.domains = readable_domains(facts, found.derived, found.computed, found.slots)
    return found


def _named(reader: FileReader, node: Node | None, what: str) -> list[tuple[str, Node]]:
    if node is None:
        return []
    entries = reader.entries(node, f"the list of each {what}")
    return [(name, value) for name, key, value in entries if reader.name(key, f"the {what}'s name")]


def _names_with_text(reader: FileReader, node: Node, what: str) -> dict[str, str]:
    if isinstance(node, SequenceNode):
        return dict.fromkeys(reader.names(node, what), "")
    found: dict[str, str] = {}
    for name, key, value in reader.entries(node, what):
        if reader.name(key, f"a name in {what}"):
            found[name] = reader.text(value, f"the meaning of {name!r}")
    return found


def _places(reader: FileReader, node: Node | None) -> dict[str, Place]:
    """Return where the names of a list, or the keys of a mapping, are written."""
    if isinstance(node, MappingNode):
        return {key.value: reader.at(key) for key, _ in node.value}
    return {item.value: reader.at(item) for item in node.value} if isinstance(node, SequenceNode) else {}


def read_sources(
    reader: FileReader, node: Node | None, what: str, works: Mapping[str, Work] | None
) -> tuple[Source, ...]:
    """Return the sources of a rule or parameter: one mapping {work, at} or a list of them."""
    if node is None:
        return ()
    found = []
    nodes = reader.items(node, what) if isinstance(node, SequenceNode) else [node]
    if not nodes and isinstance(node, SequenceNode):
        reader.add("K106", node, f"{what} is empty")
    for item in nodes:
        fields = reader.fields(item, what, ["work", "at"])
        if fields is None:
            continue
        work = reader.text(fields.get("work"), f"'work' in {what}")
        if work and works is not None and work not in works:
            message = f"work {work!r} is not in the bibliography{suggestion(work, works)}"
            reader.add("K119", fields["work"], message, f"Works: {', '.join(sorted(works))}.")
        found.append(Source(work, reader.text(fields.get("at"), f"'at' in {what}"), reader.at(item)))
    return tuple(found)


def read_plain_value(reader: FileReader, node: Node, what: str) -> tuple[bool, Value]:
    """Return (whether it can be used, the value) of a scalar or a list of scalars."""
    if not isinstance(node, SequenceNode):
        return reader.scalar(node, what)
    elements = [reader.scalar(item, f"an element of {what}") for item in node.value]
    return all(fine for fine, _ in elements), tuple(value for _, value in elements)


def _parameter(reader: FileReader, name: str, node: Node, works: Mapping[str, Work] | None) -> Parameter | None:
    what = f"parameter {name!r}"
    fields = reader.fields(node, what, ["value", "meaning", "because", "source"], ["unit"])
    if fields is None or "value" not in fields:
        return None
    fine, value = read_plain_value(reader, fields["value"], f"'value' of {what}")
    if not fine:
        return None
    elements = value if isinstance(value, tuple) else (value,)
    if None in elements or not elements or len({isinstance(element, str) for element in elements}) > 1:
        reader.add(
            "K104", fields["value"], f"{what} must be a number, a word, true, false, or a list of numbers or words"
        )
        return None
    measured = any(isinstance(element, int | float) and not isinstance(element, bool) for element in elements)
    if measured and "unit" not in fields:
        reader.add(
            "K106", node, f"{what} is a number without a unit", "Add 'unit'; a part of one has the unit 'fraction'."
        )
    return Parameter(
        name=name,
        value=value,
        unit=reader.text(fields.get("unit"), f"'unit' of {what}"),
        meaning=reader.text(fields.get("meaning"), f"'meaning' of {what}"),
        because=reader.text(fields.get("because"), f"'because' of {what}"),
        sources=read_sources(reader, fields.get("source"), f"'source' of {what}", works),
        place=reader.at(fields["value"]),
    )


def _derived(reader: FileReader, name: str, node: Node) -> DerivedFact | None:
    what = f"derived fact {name!r}"
    fields = reader.fields(node, what, ["meaning"], [*_DOMAIN_KEYS, "otherwise"])
    if fields is None or (made := _domain(reader, node, fields, what, unknown="otherwise" not in fields)) is None:
        return None
    domain, meanings = made
    otherwise: Value = None
    if "otherwise" in fields:
        fine, otherwise = read_plain_value(reader, fields["otherwise"], f"'otherwise' of {what}")
        if fine and not domain.accepts(otherwise):
            refuse_value(reader, fields["otherwise"], f"'otherwise' of {what}", otherwise, domain)
    meaning = reader.text(fields.get("meaning"), f"'meaning' of {what}")
    return DerivedFact(name, domain, meaning, meanings, otherwise, reader.at(node))


def _slot(reader: FileReader, name: str, node: Node, groups: Mapping[str, str] | None) -> Slot | None:
    what = f"slot {name!r}"
    fields = reader.fields(node, what, ["title", "group", "meaning"], [*_DOMAIN_KEYS, "list", "collect"])
    if fields is None or (made := _domain(reader, node, fields, what)) is None:
        return None
    domain, meanings = made
    collect = _flag(reader, fields.get("collect"), f"'collect' of {what}")
    if collect and not (domain.is_list and domain.kind == "enum"):
        reader.add("K104", fields["collect"], f"{what} collects, so it needs 'values' and 'list: true'")
    group = reader.text(fields.get("group"), f"'group' of {what}")
    if groups is not None and group and group not in groups:
        message = f"unknown group {group!r}{suggestion(group, groups)}"
        reader.add("K103", fields["group"], message, f"Groups: {', '.join(groups)}.")
    title = reader.text(fields.get("title"), f"'title' of {what}")
    meaning = reader.text(fields.get("meaning"), f"'meaning' of {what}")
    return Slot(name, title, group, domain, meaning, meanings, collect, reader.at(node))


def _computed(reader: FileReader, name: str, node: Node, readable: Mapping[str, Domain]) -> ComputedNumber | None:
    what = f"computed number {name!r}"
    fields = reader.fields(node, what, ["unit", "meaning", "reads"])
    if fields is None:
        return None
    reads = []
    for item in reader.items(fields["reads"], f"'reads' of {what}") if "reads" in fields else []:
        fact = reader.text(item, f"an element of 'reads' of {what}")
        if fact and fact not in readable:
            reader.add("K102", item, f"unknown fact {fact!r}{suggestion(fact, readable)}", VOCABULARY_HINT)
        elif fact:
            reads.append(fact)
    unit = reader.text(fields.get("unit"), f"'unit' of {what}")
    meaning = reader.text(fields.get("meaning"), f"'meaning' of {what}")
    return ComputedNumber(name, unit, meaning, tuple(reads), reader.at(node))


VOCABULARY_HINT = "See all facts with: advisor rules show --vocabulary"


def _flag(reader: FileReader, node: Node | None, what: str) -> bool:
    if node is None:
        return False
    fine, value = reader.scalar(node, what)
    if fine and not isinstance(value, bool):
        reader.add("K104", node, f"{what} must be true or false, not {described(node)}")
    return value is True


def _bound(reader: FileReader, node: Node | None, what: str) -> float | None:
    if node is None:
        return None
    fine, value = reader.scalar(node, what)
    if fine and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if fine:
        reader.add("K104", node, f"{what} must be a number, not {described(node)}")
    return None


def _domain(
    reader: FileReader, node: Node, fields: Mapping[str, Node], what: str, *, unknown: bool = False
) -> tuple[Domain, Mapping[str, str]] | None:
    nullable = _flag(reader, fields.get("nullable"), f"'nullable' of {what}") or unknown
    is_list = _flag(reader, fields.get("list"), f"'list' of {what}")
    if ("values" in fields) == ("type" in fields):
        reader.add("K106", node, f"{what} needs either 'values' or 'type'")
        return None
    if "values" in fields:
        for key in ("minimum", "maximum"):
            if key in fields:
                reader.add("K104", fields[key], f"{key!r} of {what} needs 'type: int' or 'type: number'")
        meanings = _choices(reader, fields["values"], f"'values' of {what}")
        return (Domain("enum", tuple(meanings), nullable, is_list), meanings) if meanings else None
    kind = reader.text(fields["type"], f"'type' of {what}")
    for allowed in KINDS:
        if kind == allowed:
            low = _bound(reader, fields.get("minimum"), f"'minimum' of {what}")
            high = _bound(reader, fields.get("maximum"), f"'maximum' of {what}")
            if kind in ("bool", "word") and (low is not None or high is not None):
                reader.add("K104", node, f"{what} has a range, so its type must be int or number")
            return Domain(allowed, (), nullable, is_list, low, high), {}
    if kind:
        message = f"unknown type {kind!r} of {what}{suggestion(kind, KINDS)}"
        reader.add("K103", fields["type"], message, f"Types: {', '.join(KINDS)}.")
    return None


def _choices(reader: FileReader, node: Node, what: str) -> dict[str, str]:
    found = _names_with_text(reader, node, what)
    if not found and isinstance(node, MappingNode | SequenceNode) and not node.value:
        reader.add("K106", node, f"{what} is empty")
    elif isinstance(node, ScalarNode):
        found = {}
    return found


def _refuse_shared_names(reader: FileReader, found: Declarations) -> None:
    kinds: list[tuple[str, Mapping[str, DerivedFact | ComputedNumber | Slot]]] = [
        ("derived fact", found.derived),
        ("computed number", found.computed),
    ]
    taken = dict.fromkeys(found.facts, "fact")
    for kind, names in kinds:
        for name, declared in names.items():
            if name in taken:
                reader.add(
                    "K124", declared.place, f"{kind} {name!r} has the name of a {taken[name]}", "Choose another name."
                )
            taken[name] = kind
    for name, slot in found.slots.items():
        if taken.get(name, "fact") != "fact":
            reader.add("K124", slot.place, f"slot {name!r} has the name of a {taken[name]}", "Choose another name.")


def refuse_value(reader: FileReader, node: Node, what: str, value: Value, domain: Domain) -> None:
    """Add the finding that fits a value outside of its domain: wrong type, unknown word, out of range."""
    elements = value if isinstance(value, tuple) else (value,)
    if isinstance(value, tuple) != domain.is_list and value is not None:
        wanted = "a list" if domain.is_list else "a single value"
        reader.add("K104", node, f"{what} must be {wanted}, not {show(value)}", f"Allowed: {domain}.")
        return
    for element in elements:
        if element is None and (value is not None or not domain.nullable):
            reader.add("K104", node, f"{what} cannot be null", f"Allowed: {domain}.")
        elif element is not None and not domain.has_kind(element):
            reader.add("K104", node, f"{what} has the wrong type: {show(element)}", f"Allowed: {domain}.")
        elif domain.kind == "enum" and isinstance(element, str) and element not in domain.choices:
            message = f"unknown value {element!r} of {what}{suggestion(element, domain.choices)}"
            reader.add("K103", node, message, f"Allowed: {domain}.")
        elif not domain.in_range(element):
            reader.add("K125", node, f"{what} is out of range: {show(element)}", f"Allowed: {domain}.")


def readable_name(name: str) -> str:
    """Return how a readable name is spoken of: ``decided.x`` as slot x."""
    return f"slot {name.removeprefix(DECIDED)!r}" if name.startswith(DECIDED) else f"fact {name!r}"
