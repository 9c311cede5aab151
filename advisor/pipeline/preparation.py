"""From a user's data and words to everything that training needs: schema, split, problem, recommendation, bundle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from advisor.artifacts import DataBundle, Statistics
from advisor.builder import fit_statistics
from advisor.data import DataEncoder, DataSchema, Profile, Source, Split, count_for_training, open_source
from advisor.data.limits import ReadingLimits, limits_before_reading
from advisor.errors import Finding, ProblemError
from advisor.pipeline.other_data import NOTHING, Others, read_others
from advisor.problem import Problem
from advisor.problem.checking import check_stated
from advisor.problem.merging import complete_facts
from advisor.recommendation import Recommendation, recommend

FEW_STEPS = 2000
"""Trainings of fewer steps are quicker without XLA, whose compiling takes most of a second (measured: 10 epochs of 60
rows in 0.5 s instead of 1.15)."""


@dataclass(frozen=True)
class Request:
    """What the user asked for, before anything is read.

    Attributes:
        data: Path of the data, or a dataframe.
        target: Name of the target column; None leaves it to inference.
        given: Problem fields that the user stated; they win over what is measured.
        recommendation: A recommendation to carry out as it is; None decides by the rulebook.
        rulebook: Name or folder of the rulebook.
        split_column: Column with train, val, test; None recognizes a ``_split`` column.
        validation: Separate rows for validation.
        test: Separate rows for the final measurement.
        seed: Decides split, first weights and order of the rows.
        time_budget: Seconds that training may take in all; None is unlimited.
        data_kind: ``table``, ``image``, ``series`` or ``text``; None recognizes it.
        data_options: What else was said about the data; see :class:`advisor.data.SourceOptions`.
        exports: Formats to deliver; ``keras`` and ``litert`` always are, ``saved_model`` and ``onnx`` where named.
        device_profile: Measurements of another device, for which latency is required.
        pretrained: A run folder, or a ``.keras`` file, whose lower layers may be reused.
        unlabeled: Rows without labels to pretrain on, in the form of ``data``.
        auxiliary: Labeled data of a similar task to train for first.
        auxiliary_target: Their target column; None leaves it to inference.
        max_epochs: Longest training of one network, in epochs; None leaves it to the recommendation.
        single_network: Train one network only: try no other strengths, and don't train again against overfitting.
    """

    data: Any
    target: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    recommendation: Recommendation | None = None
    rulebook: str = "homl2"
    split_column: str | None = None
    validation: Any = None
    test: Any = None
    seed: int = 0
    time_budget: float | None = None
    data_kind: str | None = None
    data_options: Mapping[str, Any] = field(default_factory=dict)
    exports: tuple[str, ...] = ("keras", "saved_model", "litert")
    device_profile: Path | None = None
    pretrained: Any = None
    unlabeled: Any = None
    auxiliary: Any = None
    auxiliary_target: str | None = None
    max_epochs: int | None = None
    single_network: bool = False

    @classmethod
    def of(cls, advice: Recommendation | Problem | Mapping[str, Any] | None, data: Any, **said: Any) -> Request:
        """Return a request for whatever is known beforehand.

        Args:
            advice: A recommendation to carry out as it is; or a problem, or some of its fields, which the data
                complete and the rulebook decides; None leaves everything to the data.
            data: Path of the data, or data in memory.
            said: Other attributes of the request.
        """
        if isinstance(advice, Recommendation):
            return cls(data, recommendation=advice, **said)
        if isinstance(advice, Problem):
            advice = {name: value for name, value in advice.facts().items() if name in advice.given}
        return cls(data, given=dict(advice or {}), **said)

    def describe(self) -> dict[str, Any]:
        """Return what decides the run besides the data, JSON-ready; a resumed run must be asked for the same."""
        return {
            "target": self.target,
            "given": dict(self.given),
            "recommendation": None if self.recommendation is None else digest(self.recommendation.to_json()),
            "rulebook": self.rulebook,
            "split_column": self.split_column,
            "seed": self.seed,
            "data_kind": self.data_kind,
            "data_options": dict(self.data_options),
            "exports": sorted(self.exports),
            "device_profile": None if self.device_profile is None else str(self.device_profile),
            "auxiliary_target": self.auxiliary_target,
            "max_epochs": self.max_epochs,
            "single_network": self.single_network,
        }


@dataclass(frozen=True)
class Prepared:
    """Data and decisions, ready for training.

    Attributes:
        request: What was asked.
        source: The data, read and understood.
        split: Which rows are for what.
        recommendation: What the rulebook advises, or what was given.
        bundle: The encoded split.
        statistics: What preprocessing learned from the training rows.
        others: What else there is to start from.
    """

    request: Request
    source: Source
    split: Split
    recommendation: Recommendation
    bundle: DataBundle
    statistics: Statistics
    others: Others = NOTHING

    @property
    def profile(self) -> Profile:
        """The schema, the facts that the data answered, and how."""
        return self.source.profile

    @property
    def schema(self) -> DataSchema:
        """What is known about the data."""
        return self.source.schema

    @property
    def encoder(self) -> DataEncoder:
        """The contract from raw rows to the network's input."""
        return self.source.encoder

    @property
    def problem(self) -> Problem:
        """The problem, the user's words first."""
        return self.recommendation.problem

    @property
    def values(self) -> Mapping[str, Any]:
        """Slot values of the recommendation."""
        return self.recommendation.values

    @property
    def metric(self) -> str:
        """Name of the validation metric that training reports."""
        return "rmse" if self.schema.target.task in ("regression", "forecasting") else "accuracy"

    @property
    def outputs(self) -> int:
        """Number of the network's outputs."""
        return self.schema.target.outputs


def digest(text: str) -> str:
    """Return the SHA-256 digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def prepare(request: Request) -> Prepared:
    """Read the data, complete the problem, decide, split and encode.

    Args:
        request: What the user asked for.

    Returns:
        Everything that training needs.

    Raises:
        DataError: If the data can't be used.
        ProblemError: If the user's words contradict one another or the data.
        KnowledgeError: If there is no such rulebook.
    """
    check_stated(request.given)
    task = request.recommendation.problem.task if request.recommendation else request.given.get("task")
    limits = _limits_of(request)
    source = open_source(
        request.data,
        request.target,
        kind=_kind_of(request),
        task=task,
        split_column=request.split_column,
        validation=request.validation,
        test=request.test,
        **{"allow_missing_target": False, **request.data_options},
        limits=limits,
    )
    split = source.split(request.seed)  # before deciding: the words of texts are those of training rows
    source.profile = count_for_training(source.profile, split)
    others = read_others(request, source, limits)
    if others.how:
        source.profile = replace(
            source.profile,
            facts={**source.profile.facts, **others.facts},
            how={**source.profile.how, **others.how},
            notes=(*source.profile.notes, *others.notes),
        )
    recommendation = request.recommendation
    if recommendation is None:
        facts, how = complete_facts(request.given, source.profile.facts, source.profile.how)
        recommendation = recommend(facts, request.rulebook, measured=how)
    recommendation = limited(recommendation, request)
    _check_task(recommendation.problem, source.schema)
    bundle = source.bundle(split)
    statistics = fit_statistics(
        bundle.train.x,
        source.encoder.inputs,
        bundle.train.y,
        source.schema.target.task,
        recommendation.values["target_scaling"],
        output_activation=recommendation.values["output_activation"],
    )
    return Prepared(request, source, split, recommendation, bundle, statistics, others)


def limited(recommendation: Recommendation, request: Request) -> Recommendation:
    """Return a recommendation that trains no longer and no more than the user allows, and says so.

    The schedule is fitted into the epochs that are allowed. A training of few steps isn't compiled by XLA: compiling
    would take longer than it saves.
    """
    values, short = recommendation.values, False
    limits: dict[str, tuple[Any, str]] = {}
    if request.max_epochs is not None and request.max_epochs < values["max_epochs"]:
        limits["max_epochs"] = (request.max_epochs, f"You allow at most {request.max_epochs} epochs.")
        short = request.max_epochs * (recommendation.problem.labeled_rows or 0) / values["batch_size"] < FEW_STEPS
    if request.single_network:
        limits["evidence_rounds"] = (0, "You ask for a single network.")
        for slot in ("regularization_strengths", "dropout_rates"):
            if len(values.get(slot) or ()) > 1:
                limits[slot] = (list(values[slot])[:1], "You ask for a single network.")
    if not limits:
        return recommendation
    document = recommendation.to_dict()
    for slot, (value, because) in limits.items():
        decision = document["decisions"][slot]
        because = f"{because} The rules say {json.dumps(decision['value'])}. {decision['because']}"
        decision |= {"value": value, "because": because}
    if short:
        document["decisions"]["compiled"] = {
            "value": False,
            "rule": document["decisions"]["max_epochs"]["rule"],
            "because": f"Compiling takes longer than it saves in a training of fewer than {FEW_STEPS} steps.",
            "source": document["decisions"]["max_epochs"]["source"],
            "overrides": [],
            "alternatives": [],
            "title": "Compiled by XLA",
            "group": "Training",
            "facts": {},
        }
    return Recommendation.from_json(json.dumps(document))


def _limits_of(request: Request) -> ReadingLimits:
    """Return how much of texts and series is read: as was recommended, or as the rulebook says beforehand."""
    if request.recommendation is not None:
        return ReadingLimits.from_values(request.recommendation.values)
    stated = dict(request.given)
    if request.data_kind is not None:
        stated["data_kind"] = request.data_kind
    return limits_before_reading(stated, request.rulebook)


def _kind_of(request: Request) -> str | None:
    """Return the kind of data that the user stated in one way or another, or None."""
    if request.data_kind is not None:
        return request.data_kind
    if request.recommendation is not None:
        return request.recommendation.problem.data_kind if "data_kind" in request.recommendation.problem.given else None
    stated: str | None = request.given.get("data_kind")
    return stated


def _check_task(problem: Problem, schema: DataSchema) -> None:
    if problem.task != schema.target.task:
        raise ProblemError(
            Finding(
                "P301",
                "task",
                f"the problem's task is {problem.task}, but the target column {schema.target.name!r} is a "
                f"{schema.target.task} target ({schema.target.how}).",
                "Name another --target, or leave the task to the data.",
            )
        )


def inputs_of(prepared: Prepared) -> dict[str, Any]:
    """Return what a run is made from, for resuming, for the manifest, and to know a run of the same request."""
    return {
        **prepared.request.describe(),
        "rulebook_sha256": prepared.recommendation.rulebook["sha256"],
        "data": prepared.bundle.sha256,
        "problem": digest(json.dumps(prepared.problem.facts(), sort_keys=True)),
        **prepared.others.digests,
    }
