"""A finished run: a folder with a delivered model, everything measured about it, and how to use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.data import encoder_from_contract
from advisor.errors import ArtifactError, Finding, RequestError
from advisor.framework import load_framework

CONTRACT = "model/contract.json"
CONTRACT_VERSION = 1
HALF = 0.5


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

    def probabilities(self, outputs: Array) -> Array:
        """Turn the network's outputs into one probability a class, (rows, classes)."""
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
