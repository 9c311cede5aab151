"""Everything that the next epoch depends on, in one file that is either wholly there or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, DataBundle, Epoch, Event, Statistics
from advisor.errors import Finding, TrainingError
from advisor.storage import write_with
from advisor.training.recipe import Recipe

FILE_NAME = "training.npz"
_VERSION = 1


@dataclass
class Progress:
    """Where a training stands; with a snapshot of the graph's variables it is all that resuming needs.

    Attributes:
        epochs: Finished epochs of the present attempt.
        best_epoch: Number of the best of them; 0 is the untrained model.
        best_val_loss: Its validation loss.
        best_value: What it is the best in, the lower the better: that loss, or minus its accuracy.
        best: Its weights.
        initial: Snapshot before the first step, for a new start after a divergence.
        first_loss: Training loss of the very first batch of the attempt; what "diverged" is compared with.
        maximum_rate: Rate of the present attempt, None before the range test.
        range_test: Curve of the range test.
        planned_epochs: Length of the schedule; shorter than the recipe's under a time budget.
        attempt: Number of new starts so far.
        events: What happened.
        seconds: Wall time of earlier processes.
        finished: Whether there is nothing left to do.
    """

    best: list[Array]
    initial: list[Array]
    planned_epochs: int
    best_val_loss: float
    best_value: float
    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    first_loss: float | None = None
    maximum_rate: float | None = None
    range_test: tuple[tuple[float, float], ...] = ()
    attempt: int = 0
    events: list[Event] = field(default_factory=list)
    seconds: float = 0.0
    finished: bool = False


def _without_names(config: Any) -> Any:
    """Drop the names of layers and tensors, which count up within a process, from a Keras configuration."""
    if isinstance(config, dict):
        kept = {
            key: value
            for key, value in config.items()
            if key not in ("name", "keras_history", "registered_name", "build_config", "shared_object_id")
        }
        return {key: _without_names(value) for key, value in sorted(kept.items())}
    if isinstance(config, list | tuple):
        return [_without_names(value) for value in config]
    return config


def fingerprint(
    model: Any, bundle: DataBundle, statistics: Statistics | None, recipe: Recipe, seed: int
) -> dict[str, str]:
    """Return digests of all that must be the same when a training is resumed, by what they are of."""
    import keras
    import tensorflow as tf

    layers = [
        [type(layer).__name__, _without_names(keras.saving.serialize_keras_object(layer)["config"])]
        for layer in model.layers
    ]
    shapes = [[list(weight.shape), str(weight.dtype)] for weight in model.weights]
    scale = None
    if statistics is not None and statistics.target_mean is not None and statistics.target_scale is not None:
        scale = [np.asarray(part, np.float64).tolist() for part in (statistics.target_mean, statistics.target_scale)]
    described = {
        "data": [bundle.sha256, len(bundle.train), len(bundle.val), scale],
        "recipe": recipe.as_dict(),
        "network": [layers, shapes],
        "seed": seed,
        "versions": [_VERSION, keras.__version__, tf.__version__, np.__version__],
    }
    return {
        name: hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
        for name, value in described.items()
    }


def save(path: Path, progress: Progress, seconds: float, state: list[Array], marks: dict[str, str]) -> None:
    """Write a checkpoint atomically.

    Args:
        path: The file.
        progress: Where the training stands.
        seconds: Wall time so far.
        state: Snapshot of the graph's variables.
        marks: Fingerprint of the training.

    Raises:
        StorageError: If there is no room; an earlier checkpoint stays as it was.
    """
    document = {
        "marks": marks,
        **{
            name: value
            for name, value in vars(progress).items()
            if name not in ("best", "initial", "epochs", "events", "best_val_loss", "best_value")
        },
        "seconds": seconds,
        "best_val_loss": float(progress.best_val_loss).hex(),
        "best_value": float(progress.best_value).hex(),
        "epochs": [asdict(epoch) for epoch in progress.epochs],
        "events": [{"kind": e.kind, "message": e.message, "facts": dict(e.facts)} for e in progress.events],
    }
    arrays = {
        f"{kind}_{index:04d}": array
        for kind, group in (("state", state), ("best", progress.best), ("initial", progress.initial))
        for index, array in enumerate(group)
    }
    arrays["document"] = np.frombuffer(json.dumps(document).encode(), np.uint8)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as handle:
            np.savez(handle, allow_pickle=False, **arrays)

    write_with(path, write)


def load(path: Path, marks: dict[str, str]) -> tuple[Progress, list[Array]]:
    """Read a checkpoint back.

    Args:
        path: The file.
        marks: Fingerprint of what is to be resumed.

    Returns:
        The progress and the snapshot of the graph's variables.

    Raises:
        TrainingError: If the file can't be read, or belongs to another training.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            document = json.loads(archive["document"].tobytes())
            groups: dict[str, list[Array]] = {
                kind: [archive[name] for name in sorted(archive.files) if name.startswith(kind + "_")]
                for kind in ("state", "best", "initial")
            }
        stored = document.pop("marks")
        differing = sorted(name for name in marks if stored.get(name) != marks[name])
        if differing:
            raise TrainingError(
                Finding(
                    "T105",
                    str(path),
                    f"the checkpoint belongs to another training; different: {', '.join(differing)}.",
                    "Resume with what it was started with, or start anew.",
                )
            )
        progress = Progress(
            **{
                **document,
                "best": groups["best"],
                "initial": groups["initial"],
                "best_val_loss": float.fromhex(document["best_val_loss"]),
                "best_value": float.fromhex(document["best_value"]),
                "epochs": [Epoch(**epoch) for epoch in document["epochs"]],
                "events": [Event(**event) for event in document["events"]],
                "range_test": tuple((rate, loss) for rate, loss in document["range_test"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingError(
            Finding("T106", str(path), f"the checkpoint can't be read: {error}.", "Start the training anew.")
        ) from error
    return progress, groups["state"]
