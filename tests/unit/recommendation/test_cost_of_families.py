"""What is counted before anything is built must be what is built: every family, over all distinct recommendations."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from advisor.artifacts import InputSpec, Statistics
from advisor.recommendation import recommend

pytestmark = pytest.mark.slow
SLOTS = ("parameters", "trainable_parameters", "multiply_adds")
SHAPE = (
    "hidden_layers",
    "units",
    "normalization",
    "normalization_position",
    "wide_path",
    "skip_connections",
    "convolution",
    "filters",
    "kernel_size",
    "pooling",
    "recurrent_cell",
    "recurrent_units",
    "embedding_size",
    "beginning_letters",
    "token_votes",
)
"""The slots that a network's cost depends on."""
SIZES = (
    {"labeled_rows": 500},
    {"labeled_rows": 3000},
    {"labeled_rows": 50_000},
    {"labeled_rows": 50_000, "latency_importance": "high"},
    {"labeled_rows": 50_000, "sparsity": "sparse"},
    {"labeled_rows": 50_000, "risk_sensitive": True},
    {"labeled_rows": 50_000, "hidden_layers": 5},
)
TOKENS = {
    "words": [f"w{k}" for k in range(9)],
    "pairs": [f"p{k}" for k in range(5)],
    "beginnings": [f"b{k}" for k in range(7)],
}
PICTURE = {"image_height": 9, "image_width": 8, "image_channels": 3, "features": 216}
SERIES = {"data_kind": "series", "features": 3, "sequence_steps": 7}
TEXT = {"data_kind": "text", "features": 1, "sequence_steps": 6, "vocabulary_words": 9, "vocabulary_pairs": 5}
TEXT |= {"vocabulary_beginnings": 7}
FORECAST = {"data_kind": "series", "task": "forecasting", "features": 24, "sequence_steps": 12, "segment_steps": 4}
CASES = [
    *(
        ({"architecture": name, "features": 6, **task}, InputSpec("table", (6,)))
        for name in ("dense_stack", "wide_and_deep", "residual")
        for task in ({"task": "multiclass", "outputs": 3}, {"task": "regression", "outputs": 2}, {"task": "binary"})
    ),
    *(
        ({"architecture": name, "data_kind": "image", **PICTURE, "task": "multiclass", "outputs": 4},
         InputSpec("image", (9, 8, 3)))
        for name in ("convolutional", "dense_stack", "wide_and_deep", "residual")
    ),
    (
        {"architecture": "wide_and_deep", "features": 6, "wide_features": 2, "task": "binary"},
        InputSpec("table", (6,), details={"wide": {"columns": ["x1", "x4"], "crosses": []}}),
    ),
    ({"architecture": "recurrent", **SERIES, "task": "multiclass", "outputs": 3}, InputSpec("series", (7, 3))),
    ({"architecture": "recurrent", **SERIES, "task": "regression", "outputs": 1}, InputSpec("series", (7, 3))),
    *(
        ({"architecture": "recurrent", **TEXT, **task}, InputSpec("text", (6, 3), details=TOKENS))
        for task in ({"task": "multiclass", "outputs": 4}, {"task": "regression", "outputs": 1}, {"task": "binary"})
    ),
    (
        {"architecture": "recurrent", **FORECAST, "outputs": 10},
        InputSpec("series", (12, 2), details={"horizon": 5, "segment": 4, "season": 0}),
    ),
]  # fmt: skip


def distinct() -> list[tuple[dict[str, Any], InputSpec, Any]]:
    """Return every case whose network no other one has."""
    found: dict[str, tuple[dict[str, Any], InputSpec, Any]] = {}
    for (facts, spec), more, rulebook in itertools.product(CASES, SIZES, ("homl2", "homl3")):
        advised = recommend({**facts, **more}, rulebook)
        values = advised.values
        key = str([facts, [values.get(slot) for slot in SHAPE]])
        found.setdefault(key, (facts, spec, advised))
    return list(found.values())


def test_the_estimate_is_exact_for_every_distinct_recommendation() -> None:
    from advisor.builder import build_core
    from advisor.builder.cost import count_cost
    from tests.unit.recommendation.test_cost_agrees import Number

    cases = distinct()
    assert {facts["architecture"] for facts, _, _ in cases} == {
        "dense_stack", "wide_and_deep", "residual", "convolutional", "recurrent",
    }  # fmt: skip
    for facts, spec, advised in cases:
        channels = spec.shape[-1]
        horizon = facts["outputs"] if facts["task"] == "forecasting" else None
        statistics = Statistics(
            np.zeros(channels),
            np.ones(channels),
            np.zeros(channels, bool),
            None if horizon is None else np.zeros(horizon),
            None if horizon is None else np.ones(horizon),
        )
        columns = tuple(Number(f"x{k}") for k in range(6)) if spec.kind == "table" else ()
        inputs = replace(spec, columns=columns)
        core = build_core(
            advised.values,
            inputs,
            statistics,
            task=facts["task"],
            outputs=facts.get("outputs", 1),
            seed=0,
            architecture=facts["architecture"],
        )
        counted, estimated = count_cost(core), advised.estimate
        assert estimated is not None, facts
        assert {name: estimated[name] for name in SLOTS} == {name: getattr(counted, name) for name in SLOTS}, facts
        if advised.values["precision"] == "float32":
            assert estimated["bytes"] == counted.bytes
