"""What a way of starting from other data is given to work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.artifacts import Statistics
from advisor.builder import build_core
from advisor.pipeline.fitting import Candidate
from advisor.pipeline.preparation import Prepared
from advisor.pipeline.progress import Progress


@dataclass(frozen=True)
class Work:
    """Everything that pretraining needs.

    Attributes:
        prepared: Data and decisions.
        candidate: The best network from scratch: its recommendation, strength and dropout rate are kept.
        checkpoints: This way's own folder of checkpoints, one subfolder a step.
        logs: Folder of the TensorBoard logs.
        resume: Go on from checkpoints that are there.
        seconds: What this way's pretraining may take; None is unlimited.
        progress: Is told of every epoch.
    """

    prepared: Prepared
    candidate: Candidate
    checkpoints: Path
    logs: Path
    resume: bool
    seconds: float | None
    progress: Progress

    @property
    def values(self) -> Mapping[str, Any]:
        """Slot → value of the recommendation that is carried out."""
        values: Mapping[str, Any] = self.candidate.recommendation.values
        return values

    def build(
        self, *, statistics: Statistics | None = None, body: Any = None, settings: Mapping[str, Any] | None = None
    ) -> Any:
        """Build the recommended network, untrained.

        Args:
            statistics: What the inputs are standardized with; None takes those of the training rows.
            body: What takes the place of the recommended body; see :func:`advisor.builder.build_core`.
            settings: Slot → value, where it isn't the recommended one.
        """
        prepared, candidate = self.prepared, self.candidate
        return build_core(
            {**self.values, **(settings or {})},
            prepared.encoder.inputs,
            statistics if statistics is not None else prepared.statistics,
            task=prepared.bundle.task,
            outputs=prepared.outputs,
            seed=prepared.request.seed,
            architecture=candidate.recommendation.problem.architecture,
            regularization_strength=candidate.strength,
            dropout_rate=candidate.rate,
            body=body,
        )
