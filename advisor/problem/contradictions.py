"""Which facts contradict each other; as conditions, so that proofs over the input space can leave them out."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from advisor.errors import Finding
from advisor.problem.conditions import holds


@dataclass(frozen=True)
class Contradiction:
    """Facts that cannot hold together.

    Attributes:
        code: Code of the finding.
        field: The field that the finding points at.
        when: The condition that no problem may satisfy. Its first entry is one that hardly any problem satisfies.
        message: What is wrong, in one sentence; ``{name}`` stands for a field's value.
        hint: What to do next.
    """

    code: str
    field: str
    when: Mapping[str, Any]
    message: str
    hint: str


def _contradiction(code: str, field: str, when: Mapping[str, Any], message: str, hint: str) -> Contradiction:
    return Contradiction(code, field, MappingProxyType(dict(when)), message, hint)


CONTRADICTIONS: tuple[Contradiction, ...] = (
    _contradiction(
        "P201",
        "sparsity_target",
        {"sparsity_target": {"not": None}, "sparsity": "none"},
        "a fraction of zero weights ({sparsity_target}) is given, but sparsity is 'none'.",
        "Set sparsity to 'sparse' or 'very_sparse', or leave sparsity_target out.",
    ),
    _contradiction(
        "P202",
        "sparsity_pattern",
        {"sparsity_pattern": ["two_of_four", "block"], "sparsity": "none"},
        "a pattern of zeros ('{sparsity_pattern}') is given, but sparsity is 'none'.",
        "Set sparsity to 'sparse' or 'very_sparse', or leave sparsity_pattern out.",
    ),
    _contradiction(
        "P203",
        "sparsity_target",
        {"sparsity_pattern": "two_of_four", "sparsity_target": {"gt": 0.5}},
        "two of four weights are zero, which is a fraction of 0.5, but sparsity_target is {sparsity_target}.",
        "Ask for at most 0.5, or for another pattern.",
    ),
    _contradiction(
        "P204",
        "target_range",
        {"target_range": ["positive", "bounded"], "task": ["binary", "multiclass", "multilabel"]},
        "a range of numbers ('{target_range}') is given for the target, but the task is '{task}', which has classes.",
        "Leave target_range out, or set task to 'regression' or 'forecasting'.",
    ),
    _contradiction(
        "P205",
        "outliers",
        {"outliers": True, "task": ["binary", "multiclass", "multilabel"]},
        "extreme values of the target are stated, but the task is '{task}', which has classes.",
        "Leave outliers out, or set task to 'regression' or 'forecasting'.",
    ),
    _contradiction(
        "P206",
        "outputs",
        {"outputs": 1, "task": "multiclass"},
        "one output is given, but a multiclass task has one output for each of at least two classes.",
        "Set outputs to the number of classes, or leave it out.",
    ),
    _contradiction(
        "P207",
        "outputs",
        {"outputs": {"gt": 1}, "task": "binary"},
        "{outputs} outputs are given, but a binary task has one: the probability of one of its two classes.",
        "Leave outputs out, or set task to 'multiclass' or 'multilabel'.",
    ),
    _contradiction(
        "P208",
        "class_imbalance",
        {"class_imbalance": {"not": None}, "task": ["regression", "forecasting"]},
        "a share of the rarest class ({class_imbalance}) is given, but the task is '{task}', which has no classes.",
        "Leave class_imbalance out, or set task to 'binary', 'multiclass' or 'multilabel'.",
    ),
    _contradiction(
        "P209",
        "source_self_normalizing",
        {"source_self_normalizing": [True, False], "pretrained_model_available": False},
        "a pretrained network is described, but pretrained_model_available is false.",
        "Set pretrained_model_available to true, or leave source_self_normalizing out.",
    ),
    _contradiction(
        "P210",
        "max_categories",
        {"max_categories": {"gt": 0}, "categorical_columns": 0},
        "a column with {max_categories} categories is given, but categorical_columns is 0.",
        "Set categorical_columns to the number of columns with categories, or leave max_categories out.",
    ),
)


_SUSPECTS = frozenset({each.field for each in CONTRADICTIONS} | {"categorical_columns"})


def contradictions(facts: Mapping[str, Any], stated: AbstractSet[str]) -> list[Finding]:
    """Return what contradicts itself; an empty list when nothing does.

    Args:
        facts: Every fact by name.
        stated: The facts that were stated. A default never contradicts anything (a test holds this), so only
            contradictions that point at a stated fact are looked for.
    """
    if _SUSPECTS.isdisjoint(stated):
        return []
    found = [
        Finding(each.code, each.field, each.message.format_map(facts), each.hint)
        for each in CONTRADICTIONS
        if each.field in stated and holds(each.when, facts)
    ]
    features, categorical = facts["features"], facts["categorical_columns"]
    if features is not None and categorical > features:
        message = f"{categorical} columns with categories are given, but there are {features} input columns."
        found.append(Finding("P211", "categorical_columns", message, "Correct one of the two numbers."))
    outputs, rarest = facts["outputs"], facts["class_imbalance"]
    if rarest is not None and facts["task"] == "multiclass" and outputs is not None and rarest * outputs > 1 + 1e-9:
        message = f"the rarest of {outputs} classes has at most {1 / outputs:.3g} of the rows, not {rarest}."
        found.append(Finding("P212", "class_imbalance", message, "Correct one of the two numbers."))
    return found
