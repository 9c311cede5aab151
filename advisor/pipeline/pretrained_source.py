"""A network whose lower layers may be reused: a run of ours or a ``.keras`` file, loaded without running code of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from advisor.artifacts import InputSpec
from advisor.builder import Trunk, describe_steps, end_of_preparation, register_layers
from advisor.data import Source
from advisor.errors import ArtifactError, Finding, RequestError
from advisor.export import load_keras
from advisor.framework import load_framework
from advisor.pipeline.reusing_steps import match_series
from advisor.pipeline.step_network import STEP_KINDS, StepNetwork, steps_of, steps_of_others
from advisor.run import Run

OTHER_FRAMEWORKS: Mapping[str, str] = {
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".ckpt": "a checkpoint",
    ".bin": "PyTorch",
    ".safetensors": "safetensors",
    ".h5": "Keras's older format",
    ".hdf5": "Keras's older format",
    ".onnx": "ONNX",
    ".pb": "TensorFlow",
    ".tflite": "LiteRT",
    ".pkl": "a pickle",
    ".pickle": "a pickle",
    ".joblib": "a pickle",
}
"""Ending → whose file it is; none of them is opened, for some run code while they are read."""
_HINT = "Give a run folder, or a .keras file (in Keras: model.save('model.keras'))."


@dataclass(frozen=True, eq=False)
class PretrainedSource:
    """A network whose lower layers may be reused.

    Attributes:
        title: What it is called.
        network: The Keras model, without the part that reads raw rows.
        start: Name of the last layer of its preparation; None where it has none of ours.
        sha256: Digest of the file.
        is_self_normalizing: Whether it is a plain dense stack with SELU and LeCun initialization.
        how: How that is known, in a sentence.
        spec: What it reads, where a run or layers of ours say so.
        categories: Raw column → its categories in the order of their codes, where a run says so.
        trunk: Its layers, and where it can be cut; None for a recurrent network of ours.
        steps: Its layers for data that are read step by step, where it has such.
    """

    title: str
    network: Any
    start: str | None
    sha256: str
    is_self_normalizing: bool
    how: str
    trunk: Trunk | None
    spec: InputSpec | None = None
    categories: Mapping[str, Sequence[str]] = field(default_factory=dict)
    steps: StepNetwork | None = None

    def check_kind(self, source: Source) -> None:
        """Refuse data of another kind than the network reads.

        Raises:
            RequestError: If nothing could be matched.
        """
        spec = self.spec
        if spec is None and source.kind in STEP_KINDS:
            spec = self._read_by_others(source)
        if spec is None:
            return
        if spec.kind != source.kind:
            raise RequestError(
                Finding(
                    "R205",
                    "--pretrained",
                    f"{self.title} reads data of the kind {spec.kind}, yours are of the kind {source.kind}.",
                    "Give a network for data like yours.",
                )
            )
        if source.kind == "table":
            names = {column.name for column in source.schema.features}
            theirs = {column.source for column in spec.columns}
            if not names & theirs:
                raise RequestError(
                    Finding(
                        "R205",
                        "--pretrained",
                        f"{self.title} reads none of your columns: it knows {_some(theirs)}, you have {_some(names)}.",
                        "Give a network for the same columns, or some of them, under the same names.",
                    )
                )
        elif source.kind == "series":
            match_series(self.title, spec, source.encoder.inputs, "--pretrained")
        elif source.kind == "text" and "words" not in spec.details:
            raise RequestError(
                Finding(
                    "R204",
                    "--pretrained",
                    f"{self.title} holds no vocabulary, so nothing says which words its codes stand for.",
                    "Give a run folder, the .keras file in one, or a network with its TextVectorization layer inside.",
                )
            )
        elif source.kind == "image" and spec.shape[-1] != source.encoder.inputs.shape[-1]:
            raise RequestError(
                Finding(
                    "R205",
                    "--pretrained",
                    f"{self.title} reads pictures of {spec.shape[-1]} channels, yours have "
                    f"{source.encoder.inputs.shape[-1]}.",
                    "Give a network for pictures like yours.",
                )
            )

    def _read_by_others(self, source: Source) -> InputSpec:
        """Return what a network that wasn't made here reads step by step."""
        if self.steps is None:
            raise RequestError(
                Finding(
                    "R204",
                    "--pretrained",
                    f"{self.title} does not begin with a recurrent layer, so nothing of it reads your {source.kind}.",
                    "Give a run folder, or a .keras file whose first layers are GRU, LSTM or SimpleRNN.",
                )
            )
        if source.kind == "series" and "horizon" in source.encoder.inputs.details:
            raise RequestError(
                Finding(
                    "R204",
                    "--pretrained",
                    f"{self.title} was not made by Advisor, whose forecasts read each channel by itself, in segments.",
                    "Give a run folder, or the .keras file in one, whose series have the same season.",
                )
            )
        return self.steps.spec


def read_pretrained(given: Any) -> PretrainedSource:
    """Load a pretrained network for its layers alone.

    Args:
        given: A run folder, or the path of a ``.keras`` file.

    Raises:
        RequestError: If it is no path, or its layers can't be told apart.
        ArtifactError: If it is missing, damaged, unsafe, or of another framework.
    """
    if not isinstance(given, str | PathLike):
        raise RequestError(
            Finding("R206", "--pretrained", f"a {type(given).__name__} is no pretrained network.", _HINT)
        )
    path = Path(given)
    ending = path.suffix.lower()
    if ending in OTHER_FRAMEWORKS:
        raise ArtifactError(
            Finding(
                "A130",
                str(path),
                f"files that end in {ending} are of another framework ({OTHER_FRAMEWORKS[ending]}) and aren't read.",
                _HINT,
            )
        )
    folder = path if path.is_dir() else path.parent.parent
    if path.is_dir() and not (path / "manifest.json").is_file() and (path / "saved_model.pb").is_file():
        raise ArtifactError(
            Finding("A130", str(path), "a SavedModel runs code when it is loaded, and isn't read.", _HINT)
        )
    if path.is_dir() or (path.parent.name == "model" and (folder / "manifest.json").is_file()):
        return _of_run(folder)
    if not path.exists():
        raise ArtifactError(Finding("A101", str(path), "there is no such file or folder.", _HINT))
    if ending != ".keras":
        raise ArtifactError(Finding("A130", str(path), f"a file that ends in {ending!r} is no .keras file.", _HINT))
    load_framework()
    register_layers()
    try:
        network = load_keras(path)
    except ArtifactError as error:
        raise ArtifactError(*(replace(each, hint=_HINT) for each in error.findings)) from error
    inner = network.layers[-1]
    core = inner if inner.name == "core" and type(inner).__name__ == "Functional" else network
    return _source(f"the network {path.name}", core, _digest(path), describe_steps(network, core))


def _of_run(folder: Path) -> PretrainedSource:
    run = Run(folder)
    run.verify()
    spec = run.encoder.inputs
    schema = getattr(run.encoder, "schema", None)
    columns = () if schema is None else schema.features
    categories = {column.name: column.categories for column in columns if column.kind == "categorical"}
    path = folder / run.contract["artifacts"]["keras"]
    return _source(f"the run {folder.name}", run.core, _digest(path), spec, categories)


def _source(
    title: str,
    network: Any,
    sha256: str,
    spec: InputSpec | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
) -> PretrainedSource:
    if spec is not None and spec.kind in STEP_KINDS:
        how = "It is a recurrent network."
        return PretrainedSource(title, network, None, sha256, False, how, None, spec, steps=steps_of(network, spec))
    start = end_of_preparation(network)
    trunk = Trunk(network, start, place=title)
    normalizes, how = _normalizes_itself(trunk)
    steps = steps_of_others(trunk) if spec is None else None
    return PretrainedSource(title, network, start, sha256, normalizes, how, trunk, spec, categories or {}, steps)


def _normalizes_itself(trunk: Trunk) -> tuple[bool, str]:
    """Say whether the layers below the highest cut are a plain dense stack of SELU with LeCun initialization."""
    layers = [trunk.layer(name) for name in trunk.below(trunk.cuts[-1])]
    for layer in layers:
        kind = type(layer).__name__
        if kind not in ("Dense", "Activation", "Flatten", "Reshape"):
            return False, f"Its layer {layer.name!r} is of the kind {kind}."
        if kind == "Dense" and type(layer.kernel_initializer).__name__ != "LecunNormal":
            return False, f"Its layer {layer.name!r} was not begun with LeCun initialization."
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if activation not in ("selu", "linear"):
            return False, f"Its layer {layer.name!r} uses {activation}."
    count = sum(getattr(getattr(layer, "activation", None), "__name__", "") == "selu" for layer in layers)
    if count < len(trunk.cuts[-1].kernels):
        return False, "Not every one of its hidden layers uses SELU."
    return True, "All its hidden layers are dense, with SELU and LeCun initialization."


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _some(names: set[str], most: int = 4) -> str:
    return ", ".join(sorted(names)[:most]) + (" …" if len(names) > most else "")
