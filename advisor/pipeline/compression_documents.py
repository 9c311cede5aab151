"""What documents and report say of compression: the measured files and which of them nothing beats, zeros by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from advisor.evaluation import primary_metric
from advisor.framework import kernels_of
from advisor.pipeline.candidates import Candidate
from advisor.pipeline.compressing import Compressed
from advisor.pipeline.fitting import Fitted
from advisor.report import LayerSparsity, ParetoPoint


def pareto_documents(compressed: Compressed) -> list[dict[str, Any]]:
    """Return every measured file, JSON-ready, with whether another one beats it in latency, size and metric at once."""
    task = compressed.fitted.recommendation.problem.task
    higher = primary_metric(task).higher_is_better

    def rank(each: Candidate) -> tuple[float, float, float]:
        return each.latency.p99_ms, each.artifact.bytes, -each.val if higher else each.val

    ranks = [rank(each) for each in compressed.candidates]
    return [
        {
            "name": each.name,
            "latency_p50_ms": each.latency.p50_ms,
            "latency_p99_ms": each.latency.p99_ms,
            "calls": each.latency.calls,
            "host": each.latency.host,
            "bytes": each.artifact.bytes,
            "sparsity": each.sparsity,
            "val": each.val,
            "test": each.test,
            "artifact": str(each.artifact.path),
            "max_difference": each.artifact.max_difference,
            "notes": list(each.notes),
            "delivered": each is compressed.delivered,
            "pareto": not any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in ranks),
        }
        for each, own in zip(compressed.candidates, ranks, strict=True)
    ]


def pareto_points(compressed: Compressed | None) -> tuple[ParetoPoint, ...]:
    """Return the measured files as points of the report's plot."""
    if compressed is None:
        return ()
    return tuple(
        ParetoPoint(
            each.name.replace("_", " "),
            each.val,
            each.artifact.bytes,
            each.latency.p99_ms,
            each is compressed.delivered,
        )
        for each in compressed.candidates
    )


def sparsity_by_layer(fitted: Fitted, compressed: Compressed | None) -> tuple[LayerSparsity, ...]:
    """Return the zeros of each pruned kernel where the network was to be made sparse."""
    if compressed is None or fitted.recommendation.values["sparsification"] == "none":
        return ()
    kernels = {path: np.asarray(kernel) for path, kernel in kernels_of(fitted.chosen.core).items()}
    return tuple(
        LayerSparsity(path.removesuffix("/kernel"), int(each.size), int(each.size - np.count_nonzero(each)))
        for path, each in kernels.items()
    )
