"""JSON Schemas of rule files, for editors: names are completed and typos underlined while one writes.

The schema of a rulebook's rules is made of what the rulebook declares; those of declarations and bibliography are the
same for every rulebook. A schema can't say everything that loading checks (clashes, cycles, units), but what it refuses
loading refuses too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.knowledge.declarations import WORK_KINDS, read_bibliography
from advisor.knowledge.domains import KINDS, Domain, domain_of_fact
from advisor.knowledge.loading import BIBLIOGRAPHY, DECLARATIONS, load_rulebook, rule_files
from advisor.knowledge.reading import NAME, RULE_ID, FileReader

if TYPE_CHECKING:
    from advisor.knowledge.rulebook import Rulebook, Work

Schema = dict[str, Any]

RULES_SCHEMA = "rules.schema.json"
DECLARATIONS_SCHEMA = "rulebook.schema.json"
BIBLIOGRAPHY_SCHEMA = "bibliography.schema.json"
HINT = "# yaml-language-server: $schema="
"""How the first line of a rule file names its schema."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": "string", "minLength": 1}
_NAME: Schema = {"type": "string", "pattern": f"^{NAME.pattern[:-2]}$"}
_RULE_ID: Schema = {"type": "string", "pattern": f"^{RULE_ID.pattern[:-2]}$"}


def hint_for(file: str) -> str:
    """Return the comment that leads an editor to a file's schema.

    Args:
        file: Name of a file in ``rules/<rulebook>/``, or of the bibliography.
    """
    names = {DECLARATIONS: f"../{DECLARATIONS_SCHEMA}", BIBLIOGRAPHY: BIBLIOGRAPHY_SCHEMA}
    return HINT + names.get(file, RULES_SCHEMA)


def written(schema: Schema) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def schemas_of(folder: Path) -> dict[Path, str]:
    """Return the schema files that belong to a rulebook, with their text.

    Args:
        folder: The rulebook's folder. Its bibliography is its own, or the one of all rulebooks; the schemas of
            declarations and bibliography lie beside it.

    Raises:
        KnowledgeError: If the folder holds no sound rulebook.
    """
    rulebook = load_rulebook(folder)
    bibliography = next(path for path, name in rule_files(folder) if name.endswith(BIBLIOGRAPHY))
    reader = FileReader(bibliography.name, [])
    root = reader.parse(bibliography.read_bytes())
    works: dict[str, Work] = read_bibliography(reader, root) if root is not None else {}
    shared = bibliography.parent
    return {
        folder / RULES_SCHEMA: written(rules_schema(rulebook, works)),
        shared / DECLARATIONS_SCHEMA: written(declarations_schema()),
        shared / BIBLIOGRAPHY_SCHEMA: written(bibliography_schema()),
    }


# ---- rules


def rules_schema(rulebook: Rulebook, works: Iterable[str] = ()) -> Schema:
    """Return the schema of the files that hold a rulebook's rules.

    Args:
        rulebook: A loaded rulebook; its facts, slots, derived facts, parameters, layers, works and rule ids are known
            to the schema by name.
        works: Names of all works of the bibliography; those that are cited, when not given.
    """
    numbers = [name for name, each in rulebook.parameters.items() if _is_number(each.value)]
    conditions = {
        name: _described(_condition(domain), _meaning(rulebook, name)) for name, domain in rulebook.domains.items()
    }
    branches = {"type": "array", "items": {"$ref": "#/$defs/when"}, "minItems": 1}
    conditions["any"] = {**branches, "description": "At least one of these must hold."}
    conditions["all"] = {**branches, "description": "All of these must hold; for where two 'any' are needed."}
    slots = {name: each.domain for name, each in rulebook.slots.items()}
    derived = {name: each.domain for name, each in rulebook.derived.items()}
    facts = {name: domain_of_fact(each) for name, each in rulebook.facts.items()}
    required = [name for name, each in rulebook.facts.items() if each.required]
    case = _mapping(
        {
            "given": _mapping(_values(rulebook, facts), required),
            "expect": _mapping(_values(rulebook, {**slots, **derived}), fewest=1),
        },
        ("given", "expect"),
    )
    rule = _mapping(
        {
            "rule": {**_RULE_ID, "description": "A readable id that never changes: it appears in recommendations."},
            "title": {**_TEXT, "description": "The advice, in a line."},
            "layer": _words(rulebook.layers, rulebook.layers),
            "when": {"$ref": "#/$defs/when"},
            "set": _mapping(_assigned(rulebook, slots), fewest=1),
            "conclude": _mapping(_assigned(rulebook, derived), fewest=1),
            "defeats": {
                "type": "array",
                "items": {"enum": sorted(each.id for each in rulebook.rules)},
                "uniqueItems": True,
                "description": "Rules that are withdrawn whole; what they had overridden comes back.",
            },
            "alternatives": _mapping(
                {name: {"type": "array", "items": _value(domain)} for name, domain in slots.items()}
            ),
            "because": {**_TEXT, "description": "The mechanism: why this is good advice."},
            "source": {"$ref": "#/$defs/source"},
            "limits": {**_TEXT, "description": "When not to trust the rule."},
            "cornerstone": {"$ref": "#/$defs/case"},
            "contrast": {"$ref": "#/$defs/case"},
            "examples": {"type": "array", "items": {"$ref": "#/$defs/case"}},
        },
        ("rule", "title", "layer", "because", "source", "limits", "cornerstone"),
    )
    rule["anyOf"] = [{"required": [name]} for name in ("set", "conclude", "defeats")]
    return {
        "$schema": _DIALECT,
        "title": f"Rules of the rulebook {rulebook.name}",
        **_mapping({"about": _TEXT, "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}}}, ("rules",)),
        "$defs": {
            "rule": rule,
            "when": {**_mapping(conditions), "description": "Everything in it must hold."},
            "case": case,
            "source": _source(works or rulebook.bibliography),
            "parameter": _mapping({"parameter": {"enum": list(rulebook.parameters)}}, ("parameter",)),
            "copy": _mapping({"copy": {"enum": list(rulebook.domains)}}, ("copy",)),
            "bound": {"enum": [0, 1, *numbers], "description": "0, 1, or the name of a parameter that is a number."},
            "number": _compared({"$ref": "#/$defs/bound"}, ordered=True),
            "number_or_unknown": _compared({"anyOf": [{"$ref": "#/$defs/bound"}, {"type": "null"}]}, ordered=True),
        },
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _meaning(rulebook: Rulebook, name: str) -> str:
    slot = rulebook.slots.get(name.removeprefix("decided."))
    known = rulebook.facts.get(name) or rulebook.derived.get(name) or rulebook.computed.get(name) or slot
    return known.meaning if known is not None else ""


def _values(rulebook: Rulebook, domains: Mapping[str, Domain]) -> dict[str, Schema]:
    return {name: _described(_value(domain), _meaning(rulebook, name)) for name, domain in domains.items()}


def _assigned(rulebook: Rulebook, domains: Mapping[str, Domain]) -> dict[str, Schema]:
    reference, copied = {"$ref": "#/$defs/parameter"}, {"$ref": "#/$defs/copy"}
    return {
        name: _described({"anyOf": [_value(domain, reference), reference, copied]}, _meaning(rulebook, name))
        for name, domain in domains.items()
    }


def _condition(domain: Domain) -> Schema:
    """Return what may be compared with a name: a value, a list of values, or a mapping of operators."""
    if domain.is_list:
        nothing: Schema = {"type": "array", "maxItems": 0}
        return {"anyOf": [nothing, _mapping({"not": nothing}, fewest=1)]}
    if domain.is_numeric:
        return {"$ref": f"#/$defs/number{'_or_unknown' if domain.nullable else ''}"}
    return _compared({"anyOf": [_element(domain), {"type": "null"}]} if domain.nullable else _element(domain))


def _compared(single: Schema, *, ordered: bool = False) -> Schema:
    equal: list[Schema] = [single, {"type": "array", "items": single, "minItems": 1, "uniqueItems": True}]
    signs = {sign: {"$ref": "#/$defs/bound"} for sign in ("lt", "le", "gt", "ge") if ordered}
    return {"anyOf": [*equal, _mapping({**signs, "not": {"anyOf": equal}}, fewest=1)]}


def _value(domain: Domain, reference: Schema | None = None) -> Schema:
    """Return a value of a domain; where parameters may be named, numbers other than 0 and 1 must be."""
    element = {"enum": [0, 1]} if reference and domain.kind in ("int", "number") else _element(domain)
    if domain.is_list:
        items: Schema = {"anyOf": [element, reference]} if reference else element
        return {"type": "array", "items": items}
    return {"anyOf": [element, {"type": "null"}]} if domain.nullable else element


def _element(domain: Domain) -> Schema:
    if domain.kind == "enum":
        return {"enum": list(domain.choices)}
    if domain.kind in ("bool", "word"):
        return {"type": "boolean" if domain.kind == "bool" else "string"}
    found: Schema = {"type": "integer" if domain.kind == "int" else "number"}
    bounds = (
        (domain.minimum, "minimum" if domain.minimum_is_allowed else "exclusiveMinimum"),
        (domain.maximum, "maximum" if domain.maximum_is_allowed else "exclusiveMaximum"),
    )
    return found | {key: bound for bound, key in bounds if bound is not None}


# ---- declarations and bibliography


def declarations_schema() -> Schema:
    """Return the schema of every ``rulebook.yaml``."""
    meanings: Schema = {
        "anyOf": [
            {"type": "array", "items": _NAME, "uniqueItems": True},
            {"type": "object", "propertyNames": _NAME, "additionalProperties": _TEXT},
        ]
    }
    scalar: Schema = {"type": ["string", "number", "boolean"]}
    domain: dict[str, Schema] = {
        "values": meanings,
        "type": {"enum": list(KINDS)},
        "nullable": {"type": "boolean"},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "meaning": _TEXT,
    }
    kind: Schema = {"oneOf": [{"required": ["values"]}, {"required": ["type"]}]}
    parameter = _mapping(
        {
            "value": {"anyOf": [scalar, {"type": "array", "items": scalar, "minItems": 1}]},
            "unit": _TEXT,
            "meaning": _TEXT,
            "because": _TEXT,
            "source": _source(),
        },
        ("value", "meaning", "because", "source"),
    )
    anything: Schema = {"type": ["string", "number", "boolean", "null"]}
    derived = {**_mapping({**domain, "otherwise": anything}, ("meaning",)), **kind}
    slot = _mapping(
        {**domain, "title": _TEXT, "group": _NAME, "list": {"type": "boolean"}, "collect": {"type": "boolean"}},
        ("title", "group", "meaning"),
    )
    computed = _mapping(
        {"unit": _TEXT, "meaning": _TEXT, "reads": {"type": "array", "items": _TEXT}}, ("unit", "meaning", "reads")
    )
    return {
        "$schema": _DIALECT,
        "title": "Declarations of a rulebook",
        **_mapping(
            {
                "rulebook": _NAME,
                "version": _TEXT,
                "title": _TEXT,
                "about": _TEXT,
                "layers": {**meanings, "description": "Lowest first; the higher layer wins a slot."},
                "groups": {**meanings, "description": "For printing, in this order."},
                "parameters": _named(parameter, "Every number of the rules, with its reason and source."),
                "derived": _named(derived, "Facts that rules conclude."),
                "computed": _named(computed, "Numbers that Advisor computes from facts and decided slots."),
                "slots": _named({**slot, **kind}, "What is decided."),
            },
            ("rulebook", "version", "title", "layers", "slots"),
        ),
    }


def bibliography_schema() -> Schema:
    """Return the schema of every ``bibliography.yaml``."""
    work = _mapping(
        {
            "kind": {"enum": list(WORK_KINDS)},
            "authors": {"type": "array", "items": _TEXT},
            "title": _TEXT,
            "year": {"type": "integer"},
            "published": _TEXT,
            "link": _TEXT,
        },
        ("kind", "authors", "title", "year"),
    )
    works = _named(work, "Works that rules and parameters name as their source.")
    return {"$schema": _DIALECT, "title": "Bibliography of rulebooks", **_mapping({"works": works}, ("works",))}


# ---- pieces


def _mapping(properties: Mapping[str, Schema], required: Iterable[str] = (), *, fewest: int = 0) -> Schema:
    found: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if needed := list(required):
        found["required"] = needed
    return found | ({"minProperties": fewest} if fewest else {})


def _named(entry: Schema, description: str) -> Schema:
    return {"type": "object", "propertyNames": _NAME, "additionalProperties": entry, "description": description}


def _words(words: Iterable[str], meanings: Mapping[str, str]) -> Schema:
    return {"oneOf": [_described({"const": word}, meanings[word]) for word in words]}


def _source(works: Iterable[str] = ()) -> Schema:
    work: Schema = {"enum": sorted(works)} if works else _NAME
    one = _mapping({"work": work, "at": {**_TEXT, "description": "The place in the work."}}, ("work", "at"))
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description} if description else schema
