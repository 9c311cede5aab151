"""The ``.keras`` file: written whole or not at all, the same bytes for the same model, loaded in safe mode only."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, Artifact
from advisor.errors import ArtifactError, Finding
from advisor.export.compare import TOLERANCES, Predict, Rows, verify
from advisor.export.failures import exporting, first_line
from advisor.export.keras_file import CONFIG, DEFAULT_LIMITS, METADATA, FileLimits, check_keras_file
from advisor.storage import write_with

KerasModel = Any
"""A ``keras.Model``; Keras ships no types."""
_SUFFIX = ".keras"
_BEGINNING_OF_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def save_keras(model: KerasModel, path: Path) -> None:
    """Write a model as a ``.keras`` file, atomically.

    The file is the same, byte for byte, whenever model and versions are: Keras's own carries the time of day and
    memory addresses.

    Args:
        model: The model.
        path: Final name, ending in ``.keras``.

    Raises:
        StorageError: If there is no room or no permission; an earlier file stays as it was.
        ExportError: If the model can't be saved.
    """
    if path.suffix != _SUFFIX:
        raise ValueError(f"a Keras file must end in {_SUFFIX}, not {path.suffix!r}")

    def write(temporary: Path) -> None:
        with exporting("a .keras file", path):
            model.save(temporary)
            _make_repeatable(temporary)

    write_with(path, write)


def load_keras(path: Path, limits: FileLimits = DEFAULT_LIMITS) -> KerasModel:
    """Check a ``.keras`` file and load it for prediction, in Keras's safe mode.

    Advisor's own layers must have been registered before (the builder does that).

    Args:
        path: The file.
        limits: What it may be at most.

    Returns:
        The model, not compiled.

    Raises:
        ArtifactError: If the file is missing, damaged or unsafe.
    """
    import keras

    check_keras_file(path, limits)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a file that doesn't fit its description
        raise ArtifactError(
            Finding("A102", str(path), f"the file can't be loaded: {first_line(error)}", "Export the model again.")
        ) from error


def predictor(model: KerasModel) -> Predict:
    """Return a function from rows (encoded, or raw columns by name) to the model's answers.

    The model runs as a graph, as in training: called eagerly, TensorFlow rounds some activations differently.
    """
    import tensorflow as tf

    graph = tf.function(lambda inputs: model(inputs, training=False))

    def predict(rows: Rows) -> Array:
        inputs = tf.constant(rows) if isinstance(rows, np.ndarray) else {n: tf.constant(c) for n, c in rows.items()}
        answers: Array = graph(inputs).numpy()
        return answers

    return predict


def verify_keras(
    path: Path,
    model: KerasModel,
    rows: Rows,
    *,
    root: Path,
    scale: Array | float = 1.0,
    tolerance: float = TOLERANCES["float32"],
) -> Artifact:
    """Reload a ``.keras`` file and compare it with the model in memory; see :func:`advisor.export.compare.compare`.

    Raises:
        ArtifactError: If the file can't be loaded.
        ExportError: If it answers differently.
    """
    reloaded = predictor(load_keras(path))
    return verify("keras", path, predictor(model), reloaded, rows, tolerance, root=root, scale=scale)


def _make_repeatable(path: Path) -> None:
    """Rewrite the archive without the time of day, with object numbers in the place of memory addresses."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in sorted(archive.namelist())}
    config = json.loads(contents[CONFIG])
    _number_objects(config, {})
    contents[CONFIG] = json.dumps(config).encode()
    metadata = json.loads(contents[METADATA])
    metadata.pop("date_saved", None)
    contents[METADATA] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _BEGINNING_OF_ZIP_TIME), content)


def _number_objects(node: Any, numbers: dict[int, int]) -> None:
    if isinstance(node, dict):
        if "shared_object_id" in node:
            node["shared_object_id"] = numbers.setdefault(node["shared_object_id"], len(numbers) + 1)
        for value in node.values():
            _number_objects(value, numbers)
    elif isinstance(node, list):
        for value in node:
            _number_objects(value, numbers)
