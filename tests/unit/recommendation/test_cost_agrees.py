"""What is counted before anything is built must be what is built."""

from dataclasses import dataclass

import numpy as np
import pytest

from advisor.recommendation import recommend

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Number:
    """An encoded column that holds numbers."""

    name: str
    kind: str = "numeric"
    part: str = ""
    cardinality: int = 0

    @property
    def source(self) -> str:
        return self.name


@pytest.mark.parametrize(
    "facts",
    [
        {"task": "multiclass", "features": 7, "outputs": 3, "labeled_rows": 500},
        {"task": "binary", "features": 12, "latency_importance": "high", "hidden_layers": 8},
        {"task": "binary", "features": 5, "hidden_layers": 8, "sparsity": "sparse"},
        {"task": "regression", "features": 4, "outputs": 1, "labeled_rows": 100_000},
    ],
)
def test_the_estimate_is_exact_for_numbers_without_gaps(facts):
    from advisor.artifacts import Statistics
    from advisor.builder import build_core
    from advisor.builder.cost import count_cost

    found = recommend({"architecture": "dense_stack", **facts})
    width = facts["features"]
    statistics = Statistics(
        mean=np.zeros(width),
        scale=np.ones(width),
        has_missing=np.zeros(width, bool),
        target_mean=None,
        target_scale=None,
    )
    columns = [Number(f"x{position}") for position in range(width)]
    core = build_core(found.values, columns, statistics, task=facts["task"], outputs=facts.get("outputs", 1), seed=0)
    counted, estimated = count_cost(core), found.estimate
    assert estimated is not None
    assert estimated["parameters"] == counted.parameters
    assert estimated["trainable_parameters"] == counted.trainable_parameters
    assert estimated["multiply_adds"] == counted.multiply_adds
