"""ONNX: the numeric core for other runtimes, run in onnxruntime and compared before it is called good."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, Artifact
from advisor.errors import ArtifactError, ExportError, Finding
from advisor.export.compare import Predict, verify
from advisor.export.failures import exporting, first_line
from advisor.export.keras_format import KerasModel, predictor
from advisor.export.quiet import quiet
from advisor.storage import write_with

TOLERANCE = 1e-5
"""onnxruntime adds up in another order than TensorFlow."""
_INSTALL = "Install it with: pip install 'advisor[onnx]'"


def save_onnx(core: KerasModel, path: Path) -> None:
    """Export the numeric core as an ONNX file, atomically.

    Raises:
        ExportError: If the packages for it aren't installed, or an operation has no ONNX form.
        StorageError: If there is no room or no permission; an earlier file stays as it was.
    """
    import keras

    inputs = core.inputs[0]
    signature = [keras.InputSpec(shape=(None, *inputs.shape[1:]), dtype=inputs.dtype, name=inputs.name)]

    if importlib.util.find_spec("tf2onnx") is None:
        raise ExportError(Finding("E108", "--export onnx", "the package tf2onnx isn't installed.", _INSTALL))

    def write(temporary: Path) -> None:
        with exporting("ONNX", path), quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the converter asks NumPy for names that it is about to drop
            core.export(temporary, format="onnx", input_signature=signature, verbose=False)

    write_with(path, write)


def load_onnx(path: Path) -> Predict:
    """Load an ONNX file in onnxruntime, on one thread.

    Raises:
        ArtifactError: If it is missing or damaged, or needs an operation that onnxruntime lacks.
        ExportError: If onnxruntime isn't installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ExportError(Finding("E108", "onnxruntime", f"it can't be imported: {error}.", _INSTALL)) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises many kinds for a file that it can't run
        raise ArtifactError(
            Finding("A108", str(path), f"onnxruntime can't run it: {first_line(error)}", "Export the model again.")
        ) from error
    name = session.get_inputs()[0].name

    def predict(rows: Any) -> Array:
        answers: Array = session.run(None, {name: np.ascontiguousarray(rows, np.float32)})[0]
        return answers

    return predict


def verify_onnx(
    path: Path,
    core: KerasModel,
    rows: Array,
    *,
    root: Path,
    scale: Array | float = 1.0,
    tolerance: float = TOLERANCE,
) -> Artifact:
    """Run an ONNX file in onnxruntime and compare it with the model in memory.

    Raises:
        ArtifactError: If it can't be loaded.
        ExportError: If it answers differently.
    """
    table, reloaded = np.asarray(rows, np.float32), load_onnx(path)
    return verify("onnx", path, predictor(core), reloaded, table, tolerance, root=root, scale=scale)
