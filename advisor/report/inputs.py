"""What a report shows: plain frozen records, so that a page can be made again from a run folder at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor.artifacts import Artifact, Event, Latency, TrainingReport, Verdict

NETWORK = "network"
"""Name of the delivered network among the scores."""


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the user's table.

    Attributes:
        name: Its name, as the user wrote it.
        kind: ``numeric``, ``categorical``, ``boolean`` or ``datetime``.
        role: ``feature``, ``target``, ``split`` or ``ignored``.
        missing: Number of missing values.
        categories: Number of categories; None where that says nothing.
        note: What is worth knowing, such as why it is ignored; empty when nothing is.
    """

    name: str
    kind: str
    role: str
    missing: int = 0
    categories: int | None = None
    note: str = ""


@dataclass(frozen=True)
class DataProfile:
    """The data that the model was made from.

    Attributes:
        name: Name of the file or of the data set.
        target: Name of the target column (or columns, joined).
        rows: Number of rows of each part: ``train``, ``val``, ``test``.
        columns: Every column, in the order of the file.
        classes: Labeled rows of each class, in the order of the outputs; empty for regression.
        facts: What the data said about the problem: (field, value, how it was found).
        notes: Sentences about the data worth reading.
        split: How the parts were made, in one sentence.
    """

    name: str
    target: str
    rows: Mapping[str, int]
    columns: tuple[ColumnProfile, ...]
    classes: Mapping[str, int] = field(default_factory=dict)
    facts: tuple[tuple[str, Any, str], ...] = ()
    notes: tuple[str, ...] = ()
    split: str = ""


@dataclass(frozen=True)
class Score:
    """How good one model is on the test rows.

    Attributes:
        name: ``network`` for the delivered one; else a stable word: ``mean``, ``majority``, ``linear``, ``boosting``.
        title: Name for people, in mid-sentence form: ``a linear model``.
        values: Metric name → value.
        seconds: Seconds to train it; None when not measured.
    """

    name: str
    title: str
    values: Mapping[str, float]
    seconds: float | None = None


@dataclass(frozen=True)
class Metrics:
    """The comparison on rows that nothing else had read.

    Attributes:
        primary: Name of the metric that decides, a key of each score's values.
        greater_is_better: Whether more of the primary metric is better.
        scores: The network and the baselines.
        unit: Unit of the primary metric; empty when it has none.
        titles: Metric name → name for people; the name itself is used where this says nothing.
        part: The rows measured on.
    """

    primary: str
    greater_is_better: bool
    scores: tuple[Score, ...]
    unit: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    part: str = "test"


@dataclass(frozen=True)
class Trial:
    """One complete training that was made on the way.

    Attributes:
        name: What it was, in a few words.
        validation: Its validation loss (or metric), the number it was judged by.
        kept: Whether its weights were delivered.
        why: Why it was tried, or kept, or dropped, in one sentence.
    """

    name: str
    validation: float
    kept: bool
    why: str = ""


@dataclass(frozen=True)
class ParetoPoint:
    """One candidate for delivery, in what it costs and what it is worth.

    Attributes:
        name: Name of the candidate.
        metric: Value of the primary metric on validation rows.
        bytes: Size of its artefact.
        latency_ms: Its p99 latency; None when not measured.
        delivered: Whether it is the delivered one.
    """

    name: str
    metric: float
    bytes: int
    latency_ms: float | None = None
    delivered: bool = False


@dataclass(frozen=True)
class Calibration:
    """Whether stated probabilities come true.

    Attributes:
        bins: (mean stated probability, observed share, rows) of each non-empty bin.
        error: Expected calibration error, as a fraction.
        method: How the probabilities were calibrated; ``none`` when they were not.
        bins_before: The bins before calibration; empty when there was none.
        error_before: The error before calibration.
        band: Bootstrap band of the error, 90 %.
        band_before: The same before calibration.
    """

    bins: tuple[tuple[float, float, int], ...]
    error: float
    method: str = "none"
    bins_before: tuple[tuple[float, float, int], ...] = ()
    error_before: float | None = None
    band: tuple[float, float] | None = None
    band_before: tuple[float, float] | None = None


@dataclass(frozen=True)
class Doubt:
    """How a model states its uncertainty, and what that is worth on the test rows.

    Attributes:
        method: ``sample_whole_network``, ``sample_last_layers`` or ``single_pass``.
        samples: Number of sampled networks.
        calibration_rows: Rows that it was calibrated on.
        numbers: Pairs of title and value.
        intervals: (level, share covered, share covered before calibration) of each level; empty for classes.
        quality: Name of the metric on the decided rows.
        quality_by_coverage: (share of rows decided, metric on them).
    """

    method: str
    samples: int
    calibration_rows: int
    numbers: tuple[tuple[str, float], ...] = ()
    intervals: tuple[tuple[float, float, float], ...] = ()
    quality: str = ""
    quality_by_coverage: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class LayerSparsity:
    """Zeros in one kernel of the delivered model.

    Attributes:
        layer: Name of the layer.
        weights: Number of weights in its kernel.
        zeros: How many of them are exactly zero.
    """

    layer: str
    weights: int
    zeros: int


@dataclass(frozen=True)
class ReportInputs:
    """Everything that one report page says.

    Attributes:
        name: Name of the run.
        recommendation: The recommendation that was carried out, as its JSON document.
        data: What the data is.
        training: What training did.
        metrics: How good the network and the baselines are.
        verdicts: Each requirement, measured.
        artifacts: Each delivered file.
        reproducibility: Label → value: seed, versions, digests, host.
        events: What happened outside training that the reader must know.
        trials: The trainings made on the way; empty when there was only one.
        latency: Measured latency of the delivered artefact.
        parameters: Number of trainable parameters.
        slots: Slot → {title, group}, for recommendations that don't carry them.
        pareto: The candidates for delivery.
        calibration: Whether stated probabilities come true.
        doubt: How the model states its uncertainty.
        sparsity: Zeros in each kernel.
        warnings: Sentences to show at the top, besides those of the recommendation.
        comparison: What to make of the network beside the baselines: one sentence for each baseline, then the
            conclusion (see :func:`advisor.evaluation.compare_with_baselines`). When empty, the page judges by itself.
    """

    name: str
    recommendation: Mapping[str, Any]
    data: DataProfile
    training: TrainingReport
    metrics: Metrics
    verdicts: tuple[Verdict, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    reproducibility: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    trials: tuple[Trial, ...] = ()
    latency: Latency | None = None
    parameters: int | None = None
    slots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pareto: tuple[ParetoPoint, ...] = ()
    calibration: Calibration | None = None
    doubt: Doubt | None = None
    sparsity: tuple[LayerSparsity, ...] = ()
    warnings: tuple[str, ...] = ()
    comparison: tuple[str, ...] = ()
