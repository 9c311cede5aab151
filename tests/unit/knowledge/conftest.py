"""A vocabulary and a rulebook that are small enough to be read at a glance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from advisor.errors import AdvisorError, Finding
from advisor.knowledge.loading import read_rulebook
from advisor.knowledge.rulebook import Rulebook
from advisor.problem.facts import FactType


def _fact(name: str, kind: str, **more: object) -> FactType:
    fields = {"name": name, "kind": kind, "title": name, "meaning": name, "question": name, "why": name, **more}
    return FactType(**fields)  # type: ignore[arg-type]  # the fields of a test double


def _words(*words: str) -> Mapping[str, str]:
    return MappingProxyType(dict.fromkeys(words, ""))


FACTS = {
    fact.name: fact
    for fact in (
        _fact("task", "enum", required=True, choice_meanings=_words("regression", "binary", "multiclass")),
        _fact("sparsity", "enum", default="none", choice_meanings=_words("none", "sparse", "very_sparse")),
        _fact("rows", "int", nullable=True, minimum=0),
        _fact("layers", "int", nullable=True, minimum=1, maximum=50),
        _fact("budget_ms", "number", nullable=True, minimum=0, minimum_is_allowed=False),
        _fact("share", "number", default=0.5, minimum=0, maximum=1),
        _fact("fast", "bool", default=False),
    )
}

BIBLIOGRAPHY = """\
works:
  book: {kind: book, authors: [A. Author], title: A Book, year: 2019}
"""

DECLARATIONS = """\
rulebook: small
version: "1"
title: A small rulebook
layers: [base, exception]
groups: {network: The network}
parameters:
  many_layers:
    {value: 4, unit: layers, meaning: m, because: b, source: {work: book, at: here}}
  low_ms:
    {value: 5, unit: ms, meaning: m, because: b, source: {work: book, at: here}}
  rates:
    {value: [0.1, 0.2], unit: fraction, meaning: m, because: b, source: {work: book, at: here}}
  word:
    {value: relu, meaning: m, because: b, source: {work: book, at: here}}
derived:
  depth: {values: [shallow, deep], meaning: m, otherwise: shallow}
  mood: {values: [good, bad], meaning: m}
computed:
  rows_per_parameter: {unit: rows, meaning: m, reads: [rows, decided.layers]}
slots:
  activation: {title: t, group: network, values: [elu, selu, relu], meaning: m}
  layers: {title: t, group: network, type: int, minimum: 1, meaning: m}
  rates: {title: t, group: network, type: number, list: true, meaning: m}
  clipping: {title: t, group: network, type: number, nullable: true, meaning: m}
  pruned: {title: t, group: network, type: bool, meaning: m}
  pretraining:
    {title: t, group: network, values: [reuse, unsupervised, auxiliary], list: true, collect: true, meaning: m}
"""

BASE = """\
rules:
  - rule: base
    title: t
    layer: base
    set: {activation: elu, layers: {parameter: many_layers}, rates: [], clipping: null, pruned: false, pretraining: []}
    because: b
    source: {work: book, at: here}
    limits: l
    cornerstone: {given: {task: binary}, expect: {activation: elu}}
"""

REST = """\
    because: b
    source: {work: book, at: here}
    limits: l
    cornerstone: {given: {task: binary}, expect: {activation: elu}}
"""

Load = Callable[..., Rulebook]


def load(
    rules: str = "", *, declarations: str = DECLARATIONS, bibliography: str = BIBLIOGRAPHY, base: str = BASE
) -> Rulebook:
    """Load the small rulebook with further rules in ``x.yaml``."""
    contents = {"bibliography.yaml": bibliography, "rulebook.yaml": declarations, "base.yaml": base}
    if rules:
        contents["x.yaml"] = rules
    return read_rulebook({file: text.encode() for file, text in contents.items() if text}, FACTS)


def refused(**files: str) -> list[Finding]:
    """Return the findings of a rulebook that must not load."""
    with pytest.raises(AdvisorError) as caught:
        load(**files)
    return caught.value.findings


def marked(text: str, file: str) -> tuple[str, str]:
    """Return a text without its mark ``§`` and the place of the mark as it's written in findings."""
    before, _, after = text.partition("§")
    return before + after, f"{file}:{before.count(chr(10)) + 1}:{len(before) - (before.rfind(chr(10)) + 1) + 1}"


def a_rule(body: str, *, rule_id: str = "x", layer: str = "exception", rest: str = REST) -> str:
    """Return a rule file with one rule, whose own lines are given."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"rules:\n  - rule: {rule_id}\n    title: t\n    layer: {layer}\n{lines}{rest}"
