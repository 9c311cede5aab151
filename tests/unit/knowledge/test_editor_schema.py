"""The schemas for editors: current, met by every shipped rule file, and quick to notice a typo."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from advisor.knowledge import list_rulebooks, load_rulebook
from advisor.knowledge.editor_schema import (
    HINT,
    RULES_SCHEMA,
    bibliography_schema,
    declarations_schema,
    hint_for,
    rules_schema,
    schemas_of,
    written,
)
from advisor.knowledge.reading import FileReader, meaning_of_plain

RULES = Path(__file__).parents[3] / "rules"
FILES = [
    *(path for name in list_rulebooks() for path in sorted((RULES / name).glob("*.yaml"))),
    RULES / "bibliography.yaml",
]


def plain(node: Node) -> Any:
    """Return a file as an editor sees it."""
    if isinstance(node, MappingNode):
        return {key.value: plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    assert isinstance(node, ScalarNode)
    return node.value if node.style else meaning_of_plain(node.value)


def document(path: Path) -> Any:
    findings: list[Any] = []
    root = FileReader(path.name, findings).parse(path.read_bytes())
    assert findings == []
    assert root is not None
    return plain(root)


def mistakes(schema: dict[str, Any], content: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(content)]


@pytest.mark.parametrize("name", list_rulebooks())
def test_the_committed_schemas_are_current(name: str) -> None:
    for path, text in schemas_of(RULES / name).items():
        assert path.read_text() == text, "write it again with: python docs/generate.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(RULES)))
def test_every_shipped_file_names_its_schema_and_meets_it(path: Path) -> None:
    first = path.read_text().partition("\n")[0]
    assert first == hint_for(path.name)
    named = (path.parent / first.removeprefix(HINT)).resolve()
    schema = {
        **(schemas_of(path.parent) if path.parent != RULES else {}),
        RULES / "bibliography.schema.json": written(bibliography_schema()),
    }[named]
    import json

    Draft202012Validator.check_schema(json.loads(schema))
    assert mistakes(json.loads(schema), document(path)) == []


RULE = {
    "rule": "some-rule",
    "title": "Some title",
    "layer": "base",
    "when": {
        "sparsity": ["sparse", "very_sparse"],
        "latency_budget_ms": {"le": "low_latency_ms"},
        "hidden_layers": None,
    },
    "set": {"activation": "relu", "momentum": {"parameter": "momentum"}},
    "because": "b",
    "source": {"work": "homl2", "at": "here"},
    "limits": "l",
    "cornerstone": {"given": {"task": "binary", "architecture": "dense_stack"}, "expect": {"activation": "relu"}},
}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("layer",), "bass"),
        (("when", "sparsty"), "sparse"),
        (("when", "sparsity"), "sparze"),
        (("when", "latency_budget_ms"), {"le": "low_latency"}),
        (("when", "latency_budget_ms"), {"less": 1}),
        (("when", "latency_budget_ms"), 7),
        (("when", "risk_sensitive"), "yes"),
        (("when", "any"), []),
        (("set", "activaton"), "relu"),
        (("set", "activation"), "rellu"),
        (("set", "momentum"), 0.5),
        (("set", "momentum"), {"param": "momentum"}),
        (("defeats",), ["no-such-rule"]),
        (("source",), {"work": "homl22", "at": "x"}),
        (("cornerstone",), {"given": {"task": "binary"}, "expect": {"activation": "relu"}}),
        (("cornerstone",), {"given": {"task": "binary", "architecture": "dense_stack"}, "expect": {}}),
        (("becuase",), "b"),
        (("limits",), ""),
    ],
)
def test_a_typo_is_noticed_where_it_stands(where: tuple[str, ...], value: Any) -> None:
    schema = rules_schema(load_rulebook("homl2"))
    assert mistakes(schema, {"rules": [RULE]}) == []
    wrong = copy.deepcopy(RULE)
    part: dict[str, Any] = wrong
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    found = list(Draft202012Validator(schema).iter_errors({"rules": [wrong]}))
    assert found
    assert all(list(error.absolute_path)[:2] == ["rules", 0] for error in found)


@pytest.mark.parametrize("left_out", ["rule", "because", "source", "limits", "cornerstone", "set"])
def test_what_a_rule_must_have_is_required(left_out: str) -> None:
    wrong = {key: value for key, value in RULE.items() if key != left_out}
    assert mistakes(rules_schema(load_rulebook("homl2")), {"rules": [wrong]})


def test_declarations_and_works_are_checked() -> None:
    content = document(RULES / "homl2" / "rulebook.yaml")
    content["slots"]["activation"].pop("meaning")
    content["parameters"]["momentum"].pop("because")
    assert len(mistakes(declarations_schema(), content)) == 2
    works = document(RULES / "bibliography.yaml")
    works["works"]["homl2"]["kind"] = "bok"
    assert len(mistakes(bibliography_schema(), works)) == 1


def test_a_rulebook_without_bibliography_has_a_schema_too(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for path in (RULES / "homl2").glob("*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    assert sorted(path.name for path in schemas_of(folder)) == [
        "bibliography.schema.json",
        "rulebook.schema.json",
        RULES_SCHEMA,
    ]
