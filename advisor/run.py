"""A finished run: a folder with a delivered model, everything measured about it, and how to use it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.data import encoder_from_contract
from advisor.errors import ArtifactError, Finding, RequestError
from advisor.framework import load_framework
from advisor.uncertainty import (
    STATEMENT,
    ClassDistribution,
    Sampler,
    Statement,
    ValueDistribution,
    calibrated,
    check_samples,
    draw_masks,
    logits_of,
    sampling_parts,
)

CONTRACT = "model/contract.json"
CONTRACT_VERSION = 1
HALF = 0.5
SEEDS = 2**32
MOST_SAMPLED_NUMBERS = 500_000_000
"""Numbers that one call may draw: 2 GB."""


def read_json(path: Path) -> Any:
    """Read one of a run's JSON files.

    Raises:
        ArtifactError: If it is missing or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(
            Finding(
                "A111",
                str(path),
                "this file of the run is missing.",
                "Give the folder that `advisor train --out` wrote.",
            )
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArtifactError(
            Finding("A112", str(path), f"this file of the run is no JSON document: {error}.")
        ) from error


class Run:
    """A delivered model with its measurements.

    Attributes:
        path: The run folder.
        contract: How raw rows become the model's input and its output becomes an answer.
        classes: Labels in the order of the probability columns; empty for regression.
        task: The task that the model was trained for.
    """

    def __init__(self, path: Path) -> None:
        """Open a run folder; nothing but its contract is read until it is needed.

        Raises:
            ArtifactError: If the folder is no finished run.
        """
        self.path = Path(path)
        if not (self.path / "manifest.json").is_file():
            raise ArtifactError(
                Finding(
                    "A113",
                    str(self.path),
                    "this is not a finished run: it has no manifest.json.",
                    "Give the folder that `advisor train --out` wrote; an unfinished one goes on with --resume.",
                )
            )
        self.contract: Mapping[str, Any] = read_json(self.path / CONTRACT)
        if self.contract.get("contract_version") != CONTRACT_VERSION:
            raise ArtifactError(
                Finding(
                    "A114",
                    str(self.path / CONTRACT),
                    f"the contract has version {self.contract.get('contract_version')!r}; "
                    f"this program reads version {CONTRACT_VERSION}.",
                    "Use the version of advisor that wrote the run (manifest.json names it).",
                )
            )
        self.encoder = encoder_from_contract(self.contract["encoder"])
        self.task: str = self.contract["task"]
        self.classes: tuple[Any, ...] = tuple(self.contract["classes"])
        self._kept_sampler: tuple[tuple[int, int], Sampler] | None = None

    def __repr__(self) -> str:
        """Name the run by its folder and task."""
        return f"Run({str(self.path)!r}, task={self.task!r})"

    @cached_property
    def recommendation(self) -> Any:
        """The recommendation that was carried out (:class:`advisor.recommendation.Recommendation`)."""
        from advisor.recommendation import Recommendation

        return Recommendation.from_json((self.path / "recommendation.json").read_text(encoding="utf-8"))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Everything measured about the model's quality, as in ``metrics.json``."""
        document: dict[str, Any] = read_json(self.path / "metrics.json")
        return document

    @cached_property
    def requirements(self) -> list[dict[str, Any]]:
        """Each requirement: required, measured, met, and how it was measured."""
        document: list[dict[str, Any]] = read_json(self.path / "requirements.json")["requirements"]
        return document

    @cached_property
    def closest(self) -> str:
        """Why no measured file meets every requirement, and what came closest; empty when one does."""
        return str(read_json(self.path / "requirements.json").get("closest", ""))

    @cached_property
    def _labels(self) -> Array:
        return np.asarray(self.classes)

    @cached_property
    def _runtime(self) -> Any:
        from advisor.export import LiteRTRuntime, Preparation, PreparedRuntime

        path = self.path / self.contract["artifacts"]["litert"]
        preparation = self.contract.get("litert", {}).get("preparation")
        if preparation is None:
            return LiteRTRuntime(path)
        return PreparedRuntime(path, Preparation.from_dict(preparation))

    @property
    def runtime(self) -> Any:
        """The delivered file in its runtime: takes encoded rows."""
        return self._runtime

    @property
    def core(self) -> Any:
        """The Keras model that takes encoded rows."""
        return self._core

    @cached_property
    def _core(self) -> Any:
        """The part of the Keras model that takes encoded rows."""
        from advisor.builder import register_layers
        from advisor.export import load_keras

        load_framework()
        register_layers()
        return load_keras(self.path / self.contract["artifacts"]["keras"]).layers[-1]

    def raw_outputs(self, rows: Any, *, runtime: str = "litert") -> Array:
        """Return what the network puts out for raw rows.

        Args:
            rows: Raw rows: any dataframe, a list of dictionaries, an array, or a path.
            runtime: ``litert``, the fast one, or ``keras``.

        Returns:
            float32 (rows, outputs): values in the target's unit, or probabilities.

        Raises:
            DataError: If the rows do not fit the schema.
            RequestError: If there is no such runtime.
        """
        return self.outputs_of(self.encoder.encode(rows), runtime=runtime)

    def outputs_of(self, encoded: Array, *, runtime: str = "litert") -> Array:
        """Return what the network puts out for encoded rows; see :meth:`raw_outputs`.

        Args:
            encoded: float32 (rows, width), as :attr:`encoder` encodes raw rows.
            runtime: ``litert`` or ``keras``.
        """
        if runtime not in ("litert", "keras"):
            raise RequestError(
                Finding("R110", "--runtime", f"there is no runtime {runtime!r}; allowed are litert and keras.")
            )
        if not len(encoded):
            return np.zeros((0, int(self.contract["outputs"])), np.float32)
        if runtime == "keras":
            return np.asarray(self._core.predict(encoded, verbose=0), np.float32)
        if len(encoded) == 1:
            return np.array(self._runtime.predict_row(encoded), np.float32).reshape(1, -1)
        return np.asarray(self._runtime.predict(encoded), np.float32)

    def predict(self, rows: Any, *, runtime: str = "litert") -> Array:
        """Predict values (regression) or labels (classification) for raw rows.

        Args:
            rows: Raw rows, in any of the forms that :meth:`raw_outputs` takes.
            runtime: ``litert`` or ``keras``.

        Returns:
            (rows,) for one output or one label, (rows, outputs) for several.
        """
        outputs = self.raw_outputs(rows, runtime=runtime)
        return self.decide(outputs)

    def decide(self, outputs: Array) -> Array:
        """Turn the network's outputs into values or labels.

        Args:
            outputs: (rows, outputs), as :meth:`raw_outputs` returns them.

        Returns:
            (rows,) or (rows, outputs).
        """
        if self.task == "binary":
            return np.asarray(self._labels[(outputs[:, 0] >= HALF).astype(int)])
        if self.task == "multiclass":
            return np.asarray(self._labels[outputs.argmax(axis=1)])
        if self.task == "multilabel":
            return (outputs >= HALF).astype(int)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_proba(self, rows: Any, *, runtime: str = "litert") -> Array:
        """Predict class probabilities for raw rows.

        Args:
            rows: Raw rows, in any of the forms that :meth:`raw_outputs` takes.
            runtime: ``litert`` or ``keras``.

        Returns:
            (rows, classes), columns in the order of :attr:`classes`; for multilabel one column per label.

        Raises:
            RequestError: If the model is a regression.
        """
        if not self.classes:
            raise RequestError(
                Finding(
                    "R111",
                    "predict_proba",
                    f"this model answers a {self.task} task, which has no class probabilities.",
                    "Use predict.",
                )
            )
        return self.probabilities(self.raw_outputs(rows, runtime=runtime))

    @cached_property
    def uncertainty(self) -> Statement:
        """How this model states its uncertainty.

        Raises:
            RequestError: If it was trained without.
        """
        path = self.path / STATEMENT
        if not path.is_file():
            raise RequestError(
                Finding(
                    "U101",
                    str(self.path),
                    "this model can't state its uncertainty: it was trained without dropout to sample.",
                    "Train with risk_sensitive: true, or with latency_importance: low.",
                )
            )
        return Statement.from_dict(read_json(path), str(path))

    @cached_property
    def _single_temperature(self) -> float:
        """What a single pass's answers are divided by before the last activation; 1 where nothing was calibrated."""
        return self.uncertainty.single_temperature if (self.path / STATEMENT).is_file() else 1.0

    def predict_distribution(
        self, rows: Any, *, samples: int | None = None, seed: int | None = None, runtime: str | None = None
    ) -> ValueDistribution | ClassDistribution:
        """Predict a calibrated distribution for each raw row.

        Args:
            rows: Raw rows, in any of the forms that :meth:`raw_outputs` takes.
            samples: Number of sampled networks; None for as many as were calibrated.
            seed: Decides which networks are sampled; None for those that were calibrated. The same seed gives the
                same answers.
            runtime: ``litert`` or ``keras``; None for LiteRT, or for Keras where that is loaded and faster.

        Returns:
            For values ``mean``, ``std``, ``interval(0.9)``, ``log_prob(y)``, ``epistemic`` and ``aleatoric``; for
            classes ``probabilities``, ``entropy``, ``mutual_information`` and ``log_prob(y)``.

        Raises:
            RequestError: If the model was trained without, or so many samples can't be drawn.
            DataError: If the rows do not fit the schema.
        """
        self._check_drawable(samples, seed, runtime)
        return self.distribution_of(self.encoder.encode(rows), samples=samples, seed=seed, runtime=runtime)

    def distribution_of(
        self, encoded: Array, *, samples: int | None = None, seed: int | None = None, runtime: str | None = None
    ) -> ValueDistribution | ClassDistribution:
        """Predict a calibrated distribution for each encoded row; see :meth:`predict_distribution`."""
        self._check_drawable(samples, seed, runtime)
        stated = self.uncertainty
        if stated.method == "single_pass":
            answers = logits_of(self.outputs_of(encoded), stated.task)[:, None, :]
        else:
            count, first = samples or stated.samples, stated.seed if seed is None else seed
            numbers = len(encoded) * count * int(self.contract["outputs"])
            if numbers > MOST_SAMPLED_NUMBERS:
                raise RequestError(
                    Finding(
                        "U108",
                        "samples",
                        f"{count} samples of {len(encoded)} rows are {numbers:,} numbers; "
                        f"allowed: {MOST_SAMPLED_NUMBERS:,}.",
                        "Ask for fewer rows at a time, or fewer samples.",
                    )
                )
            keras_pays = stated.faster["many" if len(encoded) > 1 else "one"] == "keras" and "keras" in sys.modules
            if stated.artifact is None or runtime == "keras" or (runtime is None and keras_pays):
                answers = self._sampler(count, first)(encoded)
            else:
                answers = self._sampling_runtime.draw(encoded, draw_masks(stated.masks, count, first))
        return stated.distribution(answers, self.classes)

    def _check_drawable(self, samples: int | None, seed: int | None, runtime: str | None) -> None:
        if runtime not in (None, "litert", "keras"):
            raise RequestError(
                Finding("R110", "--runtime", f"there is no runtime {runtime!r}; allowed are litert and keras.")
            )
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEEDS):
            raise RequestError(Finding("U103", "seed", f"the seed is {seed!r}; allowed are 0 to {SEEDS - 1}."))
        stated = self.uncertainty
        if samples is not None:
            check_samples(samples)
            if stated.method == "single_pass":
                raise RequestError(
                    Finding("U101", "samples", "this model answers in a single pass; there is nothing to sample.")
                )

    @cached_property
    def _sampling_runtime(self) -> Any:
        from advisor.export import SamplingRuntime

        return SamplingRuntime(self.path / str(self.uncertainty.artifact))

    def _sampler(self, samples: int, seed: int) -> Sampler:
        """Return the Keras sampler; the last one is kept, for compiling takes longer than sampling."""
        if self._kept_sampler is None or self._kept_sampler[0] != (samples, seed):
            from advisor.builder import logits_model

            stated, core = self.uncertainty, self._core
            network = logits_model(core) if stated.is_of_classes else core
            parts = sampling_parts(network, last_only=stated.method == "sample_last_layers")
            self._kept_sampler = ((samples, seed), Sampler(parts, samples, seed=seed))
        return self._kept_sampler[1]

    def probabilities(self, outputs: Array) -> Array:
        """Turn the network's outputs into one probability a class, (rows, classes).

        Where the run was calibrated (risk-sensitive applications), so are these: a temperature for the single pass,
        fitted on rows that nothing else has used. It never changes which class is the likeliest.
        """
        temperature = self._single_temperature
        if temperature != 1.0 and len(outputs):
            return calibrated(outputs, temperature, self.task)
        return np.hstack([1 - outputs, outputs]) if self.task == "binary" else outputs

    def verify(self) -> None:
        """Check every file of the run against its manifest.

        Raises:
            ArtifactError: If a file is missing or differs.
        """
        from advisor.export import check_manifest

        check_manifest(self.path)


def load_run(path: str | Path) -> Run:
    """Open a run folder.

    Args:
        path: The folder that ``advisor train --out`` wrote.

    Returns:
        The run, ready to predict.

    Raises:
        ArtifactError: If the folder is no finished run.
    """
    return Run(Path(path))
