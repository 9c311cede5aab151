"""How a delivered model states its uncertainty: one JSON document, and what turns its answers into distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from advisor.artifacts import Array, Mask
from advisor.errors import ArtifactError, Finding
from advisor.uncertainty.distribution import ClassDistribution, ValueDistribution, tempered

STATEMENT = "model/uncertainty.json"
STATEMENT_VERSION = 1
CLASS_TASKS = ("binary", "multiclass", "multilabel")
_BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Statement:
    """How a delivered model states its uncertainty.

    Attributes:
        task: The task.
        method: ``sample_whole_network``, ``sample_last_layers`` or ``single_pass``.
        samples: T; 1 for a single pass.
        seed: Decides the masks.
        masks: The masks that the sampling network takes.
        artifact: The sampling LiteRT file, relative to the run folder; None when there is none.
        faster: ``one`` row and ``many`` rows: ``litert`` or ``keras``, as measured.
        temperature: What the answers of classes are divided by before the last activation.
        single_temperature: The same for the single pass of the delivered file, whose probabilities are calibrated too.
        noise: Standard deviation of observations, one an output, in the user's units; empty for classes.
        degrees: Degrees of freedom of that noise, one an output: Student's t; infinite is Gaussian.
        scores: Sorted scores of the calibration rows, one list an output; empty for classes.
        calibration_rows: Number of rows that all this was fitted on.
    """

    task: str
    method: str
    samples: int
    seed: int
    masks: tuple[Mask, ...]
    artifact: str | None
    faster: Mapping[str, str]
    temperature: float
    noise: tuple[float, ...]
    scores: tuple[tuple[float, ...], ...]
    calibration_rows: int
    single_temperature: float = 1.0
    degrees: tuple[float, ...] = ()

    @property
    def is_of_classes(self) -> bool:
        """Whether the model answers with classes."""
        return self.task in CLASS_TASKS

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        degrees = [each if math.isfinite(each) else None for each in self.degrees]
        return {"statement_version": STATEMENT_VERSION, **asdict(self), "degrees": degrees}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], place: str) -> Statement:
        """Read the JSON document.

        Args:
            document: What :meth:`as_dict` returned.
            place: Where it was, for the message.

        Raises:
            ArtifactError: If it has another version or lacks something.
        """
        try:
            if document["statement_version"] != STATEMENT_VERSION:
                raise ValueError(f"version {document['statement_version']!r}")
            return cls(
                task=str(document["task"]),
                method=str(document["method"]),
                samples=int(document["samples"]),
                seed=int(document["seed"]),
                masks=tuple(
                    Mask(str(each["name"]), tuple(map(int, each["shape"])), float(each["rate"]))
                    for each in document["masks"]
                ),
                artifact=document["artifact"],
                faster=dict(document["faster"]),
                temperature=float(document["temperature"]),
                noise=tuple(map(float, document["noise"])),
                scores=tuple(tuple(map(float, each)) for each in document["scores"]),
                calibration_rows=int(document["calibration_rows"]),
                single_temperature=float(document.get("single_temperature", 1.0)),
                degrees=_degrees(document.get("degrees", ()), len(document["noise"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                Finding("A115", place, f"this file can't be used: {error}.", "Use the run as it was written.")
            ) from error

    def distribution(self, answers: Array, classes: tuple[Any, ...] = ()) -> ValueDistribution | ClassDistribution:
        """Turn sampled answers into calibrated distributions.

        Args:
            answers: (rows, samples, outputs): values in the user's units, or answers of classes before the last
                activation.
            classes: Labels in the order of the columns.
        """
        if not self.is_of_classes:
            scores = np.array(self.scores, np.float64).T if self.scores else np.zeros((0, answers.shape[2]))
            degrees = np.array(self.degrees) if self.degrees else None
            return ValueDistribution(answers, np.array(self.noise), scores, degrees)
        blocks = [
            tempered(answers[first : first + _BLOCK_ROWS], self.temperature, self.task).astype(np.float32)
            for first in range(0, max(len(answers), 1), _BLOCK_ROWS)
        ]
        return ClassDistribution(np.concatenate(blocks), self.task, tuple(classes))


def _degrees(given: Sequence[float | None], outputs: int) -> tuple[float, ...]:
    """Read degrees of freedom; statements of earlier versions have none."""
    degrees = tuple(math.inf if each is None else float(each) for each in given)
    if degrees and (len(degrees) != outputs or not all(each > 2 for each in degrees)):
        raise ValueError(f"degrees of freedom {list(given)!r}")
    return degrees


def calibrated(outputs: Array, temperature: float, task: str) -> Array:
    """Return the class probabilities that a single pass means at a temperature.

    Args:
        outputs: (rows, outputs), probabilities as the delivered model answers.
        temperature: What the answers before the last activation are divided by; above 0.
        task: ``binary``, ``multiclass`` or ``multilabel``.

    Returns:
        (rows, classes), or (rows, labels) where several labels may hold at once.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.
    """
    return np.asarray(tempered(logits_of(outputs, task)[:, None, :], temperature, task)[:, 0])


def logits_of(outputs: Array, task: str) -> Array:
    """Return what came before the last activation, up to a constant, from probabilities of a single pass.

    Args:
        outputs: (rows, outputs), as the delivered model answers; for regression, values, returned as they are.
        task: The task.
    """
    if task not in CLASS_TASKS:
        return outputs
    p = np.clip(outputs.astype(np.float64), 1e-7, 1.0 - 1e-7)
    return np.asarray(np.log(p) if task == "multiclass" else np.log(p) - np.log1p(-p), np.float32)
