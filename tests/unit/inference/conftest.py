"""A vocabulary and a loader for rulebooks of a few lines."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from advisor.knowledge.loading import read_rulebook
from advisor.knowledge.rulebook import Rulebook
from advisor.problem.facts import FactType


def _fact(name: str, kind: str, **more: Any) -> FactType:
    return FactType(**{"name": name, "kind": kind, "title": name, "meaning": name, "question": "", "why": "", **more})


FACTS = {
    fact.name: fact
    for fact in (
        _fact("task", "enum", required=True, choice_meanings=MappingProxyType({"binary": "", "regression": ""})),
        _fact("sparse", "bool", default=False),
        _fact("fast", "bool", default=False),
        _fact("labeled_rows", "int", nullable=True, minimum=0),
        _fact("features", "int", nullable=True, minimum=1),
        _fact("outputs", "int", nullable=True, minimum=1),
        _fact("hidden_layers", "int", nullable=True, minimum=1),
    )
}
PLAIN: dict[str, Any] = {name: fact.default for name, fact in FACTS.items()} | {"task": "binary"}

DECLARATIONS = """\
rulebook: small
version: "1"
title: A small rulebook
layers: [base, middle, top]
parameters:
  few: {value: 1, unit: rows, meaning: m, because: b, source: {work: book, at: here}}
derived:
  broken: {type: bool, meaning: m, otherwise: false}
  mood: {values: [good, bad], meaning: m}
computed:
  rows_per_parameter:
    {unit: r, meaning: m, reads: [labeled_rows, features, outputs, decided.hidden_layers, decided.units]}
slots:
  activation: {title: t, group: g, values: [elu, selu, relu], meaning: m}
  initializer: {title: t, group: g, values: [he, lecun], meaning: m}
  hidden_layers: {title: t, group: g, type: int, meaning: m}
  units: {title: t, group: g, type: int, meaning: m}
  pretraining: {title: t, group: g, values: [reuse, unsupervised, auxiliary], list: true, collect: true, meaning: m}
"""
BASE = {"set": "{activation: elu, initializer: he, hidden_layers: 1, units: 1, pretraining: []}"}


def book(
    rules: dict[str, dict[str, str]], *, base: dict[str, str] | None = None, declarations: str = DECLARATIONS
) -> Rulebook:
    """Load a rulebook of a base rule and further ones, given as id → key → YAML (layer: middle unless given)."""
    text = "rules:\n"
    for name, keys in {"base": {"layer": "base", **(BASE if base is None else base)}, **rules}.items():
        lines = {
            "title": f"Title of {name}",
            "layer": "middle",
            "because": "b",
            "source": "{work: book, at: here}",
            "limits": "l",
            "cornerstone": "{given: {task: binary}, expect: {activation: elu}}",
            **keys,
        }
        text += f"  - rule: {name}\n" + "".join(f"    {key}: {value}\n" for key, value in lines.items())
    contents = {
        "bibliography.yaml": b"works: {book: {kind: book, authors: [a], title: t, year: 2000}}",
        "rulebook.yaml": declarations.encode(),
        "rules.yaml": text.encode(),
    }
    return read_rulebook(contents, FACTS)
