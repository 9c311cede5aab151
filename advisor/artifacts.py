"""The frozen records that executing stages hand to one another; no stage knows another, all know these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Part:
    """Encoded rows of one part of a split.

    Attributes:
        x: Encoded inputs, float32, first axis rows.
        y: Encoded targets: float32 (n, outputs) for regression, float32 (n, labels) of 0/1 for binary (one
            column) and multilabel, int32 (n,) class numbers for multiclass.
        rows: Row numbers in the user's file, int64 (n,).
    """

    x: Array
    y: Array
    rows: Array

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.x)


@dataclass(frozen=True)
class DataBundle:
    """Everything that training needs of the data, encoded and split.

    Attributes:
        task: The problem's task.
        train: Rows to fit on.
        val: Rows for stopping and choosing.
        test: Rows that nothing but the final measurement reads.
        classes: Labels in the order of the output columns; empty for regression.
        target_names: Names of the target columns.
        sha256: Digest of the encoded data, for resuming and for the manifest.
    """

    task: str
    train: Part
    val: Part
    test: Part
    classes: tuple[str, ...]
    target_names: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Statistics:
    """What preprocessing learned from the training rows (never from others).

    Attributes:
        mean: Mean of each encoded column without its missing values, float64 (width,); 0 for codes.
        scale: Standard deviation likewise, never 0, float64 (width,); 1 for codes.
        has_missing: Whether the column had missing values in the training rows, bool (width,).
        target_mean: Mean of the regression targets (outputs,), or None for classification.
        target_scale: Standard deviation of the regression targets (outputs,), or None.
    """

    mean: Array
    scale: Array
    has_missing: Array
    target_mean: Array | None = None
    target_scale: Array | None = None

    def scaled(self, targets: Array) -> Array:
        """Return targets in the units of training, float32 (n, outputs); those of a classification as they are."""
        if self.target_mean is None or self.target_scale is None:
            return targets
        scaled: Array = (targets.astype(np.float64) - self.target_mean) / self.target_scale
        return scaled.astype(np.float32)


@dataclass(frozen=True)
class Epoch:
    """What one epoch left behind.

    Attributes:
        number: Epoch number, from 1.
        loss: Mean training loss, with regularization.
        val_loss: Validation loss, without regularization.
        val_metric: Validation metric of the task (accuracy, or RMSE in target units).
        learning_rate: Rate at the end of the epoch.
        seconds: Wall time of the epoch.
    """

    number: int
    loss: float
    val_loss: float
    val_metric: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Event:
    """Something that happened on the way and that the report must say.

    Attributes:
        kind: Stable word: ``diverged``, ``retry``, ``overfitting``, ``regularized``, ``kept``, ``stopped`` …
        message: One sentence for a person.
        facts: Numbers behind it.
    """

    kind: str
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingReport:
    """What training did; the weights are in the model that comes beside it.

    Attributes:
        epochs: Every epoch, in order.
        best_epoch: Number of the epoch whose weights were kept.
        best_val_loss: Validation loss of those weights.
        maximum_learning_rate: The rate that the range test found, or the one that was given.
        range_test: Pairs (rate, smoothed loss) of the range test; empty when there was none.
        events: What happened on the way.
        interrupted: Whether the user stopped it.
        seconds: Wall time in all.
    """

    epochs: tuple[Epoch, ...]
    best_epoch: int
    best_val_loss: float
    maximum_learning_rate: float
    range_test: tuple[tuple[float, float], ...]
    events: tuple[Event, ...]
    interrupted: bool
    seconds: float


@dataclass(frozen=True)
class Artifact:
    """One delivered file or folder.

    Attributes:
        name: Name of the format: ``keras``, ``saved_model``, ``litert``, ``onnx``.
        path: Where it is, relative to the run folder.
        bytes: Its size in bytes (a folder's files together).
        max_difference: Largest difference from the model in memory after reloading in its own runtime.
        tolerance: What was allowed.
        rows_compared: Number of rows compared.
        precision: ``float32``, ``float16`` or ``int8``.
    """

    name: str
    path: Path
    bytes: int
    max_difference: float
    tolerance: float
    rows_compared: int
    precision: str = "float32"


@dataclass(frozen=True)
class Latency:
    """Measured latency of one raw-row prediction.

    Attributes:
        p50_ms: Median in milliseconds.
        p99_ms: 99th percentile in milliseconds; this is "the latency".
        calls: Number of timed calls.
        host: Processor and runtime, in words.
    """

    p50_ms: float
    p99_ms: float
    calls: int
    host: str


@dataclass(frozen=True)
class Verdict:
    """One requirement, measured on the delivered artefact.

    Attributes:
        name: ``latency``, ``size``, ``sparsity``, ``metric_cost``.
        required: The number asked for.
        measured: The number measured.
        unit: Unit of both.
        met: Whether the measured number satisfies the required one.
        how: How it was measured, in one sentence.
    """

    name: str
    required: float
    measured: float
    unit: str
    met: bool
    how: str


@dataclass(frozen=True)
class InputSpec:
    """What the network's input is: all that building, serving and baselines need to know of the data.

    Attributes:
        kind: ``table``, ``image``, ``series`` or ``text``.
        shape: Shape of one encoded row.
        columns: For tables, the encoded columns in order.
        raw: For tables, the raw columns that are read, in the encoder's order.
        details: What else the kind's own preparation needs, such as a vocabulary; JSON-ready.
    """

    kind: str
    shape: tuple[int, ...]
    columns: tuple[Any, ...] = ()
    raw: tuple[Any, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mask:
    """One dropout mask that a sampling network takes from outside.

    Attributes:
        name: Name of the input, made from the dropout layer's name.
        shape: Shape for one sample, without the axis of samples.
        rate: Share of zeros; the rest are ones.
    """

    name: str
    shape: tuple[int, ...]
    rate: float


@dataclass(frozen=True)
class SamplingParts:
    """A network cut before its first random layer; every weight is shared with the whole network.

    Attributes:
        prefix: Keras model from the inputs to what the random part reads; without randomness, run once a row.
        suffix: Keras model from those tensors, each row repeated, and one mask a dropout layer, to the answer.
        masks: The masks, in the order of the suffix's inputs.
        draws_inside: Whether recurrent layers of the suffix draw masks of their own, which no runtime but Keras can.
        layers: Names of the random layers.
    """

    prefix: Any
    suffix: Any
    masks: tuple[Mask, ...]
    draws_inside: bool
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Rung:
    """One step of compression that was tried, with what it was measured to bring and to cost.

    Attributes:
        name: The step: a rung of the recommendation's ladder, or ``precision``, ``sparsification`` …
        outcome: ``taken``, ``too_costly``, ``no_gain``, ``skipped`` or ``failed``.
        why: The reason, in one sentence with numbers.
        artifact: Its file, relative to the run folder; None when none was made.
        latency_p50_ms: Median latency of that file.
        latency_p99_ms: Its 99th percentile.
        bytes: Its size.
        sparsity: Fraction of zeros in its kernels.
        val_before: Validation metric before the step.
        val_after: Validation metric after it.
        cost: Share of the validation metric that was lost.
        allowed: Share that may be lost.
        test_before: Test metric before the step; reported, never decided on.
        test_after: Test metric after it.
        delivered: Whether its file is the delivered one.
    """

    name: str
    outcome: str
    why: str
    artifact: str | None = None
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    bytes: int | None = None
    sparsity: float | None = None
    val_before: float | None = None
    val_after: float | None = None
    cost: float | None = None
    allowed: float | None = None
    test_before: float | None = None
    test_after: float | None = None
    delivered: bool = False


@dataclass(frozen=True)
class PretrainedBody:
    """Layers that were trained on other data, ready to begin a network for the user's own task with.

    Attributes:
        kind: The value of the slot ``pretraining`` that made it: ``reuse``, ``unsupervised`` or ``auxiliary``.
        title: Where the layers come from, for people.
        layers: Names of the layers that may be kept and hold a kernel, in order from the input.
        weights: Layer's name → its arrays, as Keras lists them; layers without weights may be left out. Where the
            layers read tables, ``embeddings`` may be among them.
        statistics: What the inputs were standardized with while the layers were trained, in the encoded columns of the
            user's own data; None for the user's own training rows.
        network: A Keras model from the prepared inputs of the user's own data to the last reusable layer, when the
            layers aren't those of the recommended body; None when they are, under the same names.
        forms: Of what form each of ``layers`` is, where they read step by step and may be of another than recommended.
        settings: Slot → what these layers have instead of what is recommended, such as the size of embeddings.
        notes: What a person should know, such as which columns were matched.
        events: What happened while the layers were trained.
        seconds: Wall time that they took.
    """

    kind: str
    title: str
    layers: tuple[str, ...]
    weights: Mapping[str, tuple[Array, ...]]
    statistics: Statistics | None = None
    network: Any = None
    forms: tuple[Any, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
