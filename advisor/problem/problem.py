"""The problem description: strict JSON in, facts for inference out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, model_validator

from advisor.problem.checking import check_facts
from advisor.problem.strict_json import read_strict_json
from advisor.problem.vocabulary import (
    FACTS,
    Architecture,
    DataKind,
    LatencyImportance,
    PreferredOptimizer,
    PreferredSchedule,
    Sparsity,
    SparsityPattern,
    TargetDevice,
    TargetRange,
    Task,
)


def _fact(name: str) -> Any:
    """Return the field of a fact: default, bounds, title and description come from the vocabulary."""
    fact = FACTS[name]
    bounds: dict[str, Any] = {}
    if fact.minimum is not None:
        bounds["ge" if fact.minimum_is_allowed else "gt"] = fact.minimum
    if fact.maximum is not None:
        bounds["le" if fact.maximum_is_allowed else "lt"] = fact.maximum
    default = ... if fact.required else fact.default
    return Field(default, title=fact.title, description=describe(name), examples=list(fact.examples), **bounds)


def describe(name: str) -> str:
    """Return a fact's meaning, its choices, unit and default, as schema and help text say it."""
    fact = FACTS[name]
    parts = [fact.meaning]
    if fact.choice_meanings:
        parts.append("; ".join(f"{choice}: {meaning}" for choice, meaning in fact.choice_meanings.items()) + ".")
    if fact.unit:
        parts.append(f"Unit: {fact.unit}.")
    if fact.nullable:
        parts.append(f"null: {fact.null_means}.")
    if not fact.required:
        parts.append(f"Default: {json.dumps(fact.default)}, because {fact.default_because}.")
    return " ".join(parts)


class Problem(BaseModel):
    """A problem to be advised on: what is predicted, from which data, under which requirements.

    Only ``task`` and ``architecture`` are required. Unknown fields, wrong types, NaN, infinities, and facts that
    contradict each other are refused with a ``ProblemError`` that names each of them.

    Examples:
        >>> Problem(task="multiclass", architecture="dense_stack").sparsity
        'none'
    """

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        title="Problem",
        json_schema_extra={"examples": [{"task": "multiclass", "architecture": "dense_stack"}]},
    )

    task: Task = _fact("task")
    architecture: Architecture = _fact("architecture")
    data_kind: DataKind = _fact("data_kind")
    features: int | None = _fact("features")
    image_height: int | None = _fact("image_height")
    image_width: int | None = _fact("image_width")
    image_channels: int | None = _fact("image_channels")
    wide_features: int | None = _fact("wide_features")
    sequence_steps: int | None = _fact("sequence_steps")
    segment_steps: int | None = _fact("segment_steps")
    vocabulary_words: int | None = _fact("vocabulary_words")
    vocabulary_pairs: int | None = _fact("vocabulary_pairs")
    vocabulary_beginnings: int | None = _fact("vocabulary_beginnings")
    outputs: int | None = _fact("outputs")
    labeled_rows: int | None = _fact("labeled_rows")
    categorical_columns: int = _fact("categorical_columns")
    max_categories: int = _fact("max_categories")
    class_imbalance: float | None = _fact("class_imbalance")
    target_range: TargetRange = _fact("target_range")
    outliers: bool = _fact("outliers")
    hidden_layers: int | None = _fact("hidden_layers")
    unlabeled_rows: int = _fact("unlabeled_rows")
    similar_task_labeled_rows: int = _fact("similar_task_labeled_rows")
    pretrained_model_available: bool = _fact("pretrained_model_available")
    source_self_normalizing: bool | None = _fact("source_self_normalizing")
    sparsity: Sparsity = _fact("sparsity")
    sparsity_target: float | None = _fact("sparsity_target")
    sparsity_pattern: SparsityPattern = _fact("sparsity_pattern")
    latency_importance: LatencyImportance = _fact("latency_importance")
    latency_budget_ms: float | None = _fact("latency_budget_ms")
    size_budget_kb: float | None = _fact("size_budget_kb")
    target_device: TargetDevice = _fact("target_device")
    risk_sensitive: bool = _fact("risk_sensitive")
    preferred_optimizer: PreferredOptimizer | None = _fact("preferred_optimizer")
    preferred_schedule: PreferredSchedule | None = _fact("preferred_schedule")
    overfitting_observed: bool = _fact("overfitting_observed")
    units: int | None = _fact("units")

    @model_validator(mode="wrap")
    @classmethod
    def _check_against_the_vocabulary(cls, data: Any, handler: ModelWrapValidatorHandler[Problem]) -> Problem:
        if isinstance(data, cls):
            return data
        facts, stated = check_facts(data)
        return handler({name: facts[name] for name in facts if name in stated})

    @classmethod
    def from_json(cls, text: str | bytes) -> Problem:
        """Read a problem from JSON.

        Args:
            text: One JSON object.

        Raises:
            ProblemError: If the text is not JSON, states a field twice, or describes no valid problem.
        """
        return cls.model_validate(read_strict_json(text))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Problem:
        """Make a problem from facts by name.

        Raises:
            ProblemError: If the facts describe no valid problem.
        """
        return cls.model_validate(dict(facts))

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the problem as JSON with every field, in the vocabulary's order."""
        return self.model_dump_json(indent=indent)

    def facts(self) -> dict[str, Any]:
        """Return every field's value by name; None means unknown or not wanted."""
        return dict(self.__dict__)

    @property
    def given(self) -> frozenset[str]:
        """Names of the fields that were stated; the others have their default."""
        return frozenset(self.model_fields_set)
