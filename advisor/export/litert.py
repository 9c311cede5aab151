"""Exports a model to LiteRT, for one row at a time, and checks the file in LiteRT's own interpreter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, Artifact
from advisor.errors import ExportError, Finding
from advisor.export.compacting import share_by_input
from advisor.export.compare import TOLERANCES, verify
from advisor.export.conversion import convert
from advisor.export.failures import exporting
from advisor.export.keras_format import KerasModel, predictor
from advisor.export.litert_runtime import LiteRTRuntime
from advisor.export.quiet import quiet
from advisor.storage import write_with


def _float32() -> dict[str, Any]:
    return {}


def _float16() -> dict[str, Any]:
    import tensorflow as tf

    return {"optimizations": [tf.lite.Optimize.DEFAULT], "target_spec": {"supported_types": [tf.float16]}}


def _int8() -> dict[str, Any]:
    import tensorflow as tf

    return {"optimizations": [tf.lite.Optimize.DEFAULT]}


ONE_SCALE = {"_experimental_disable_per_channel_quantization_for_dense_layers": True}
"""Asks the converter for one scale for all the weights of a dense layer instead of one for each neuron; a scale takes 4
bytes beside the weights, 4 beside the bias and some for zero points, which is much where a neuron has few weights."""
PRECISIONS: Mapping[str, Callable[[], dict[str, Any]]] = {"float32": _float32, "float16": _float16, "int8": _int8}
"""The slot ``precision``: what each value asks of the converter. ``int8`` is dynamic: weights are stored as int8,
activations are quantized on the fly, inputs and outputs stay float32; layers of fewer than 1,024 weights compute in
float32."""


SMALL = 1024
"""Weights of a dense kernel below which the converter leaves it in 32 bits, unless all arithmetic is in integers."""


def axis_of_scales(kernel: Array, *, one_scale: bool, integers: bool) -> int | None:
    """Return along which axis of a dense kernel weights share a scale in a file with 8-bit weights.

    Args:
        kernel: Weights (inputs, neurons).
        one_scale: Whether one scale for a layer was asked for.
        integers: Whether all arithmetic of the file is in integers.

    Returns:
        0 where each neuron has a scale, 1 where each input has one, None where there is one for all.
    """
    if kernel.size < SMALL and not integers:
        return 1 if share_by_input(*kernel.shape) else 0
    return None if one_scale else 0


def export_litert(
    core: KerasModel, path: Path, *, batch: int = 1, precision: str = "float32", one_scale: bool = False
) -> None:
    """Export the numeric core as a LiteRT file, atomically.

    Args:
        core: A model with one input, the encoded rows.
        path: Final name, ending in ``.tflite``.
        batch: Rows that the file is laid out for; 1 makes single rows fastest.
        precision: ``float32``, ``float16`` or ``int8``.
        one_scale: Whether all 8-bit weights of a dense layer share one scale; else each neuron has its own.

    Raises:
        ExportError: If the model has several inputs, the precision is unknown, or LiteRT lacks an operation.
        StorageError: If there is no room or no permission; an earlier file stays as it was.
    """
    if precision not in PRECISIONS:
        allowed = ", ".join(PRECISIONS)
        raise ExportError(Finding("E104", "precision", f"{precision!r} is not a precision; allowed: {allowed}."))
    if len(core.inputs) != 1:
        raise ExportError(
            Finding("E102", str(path), f"LiteRT takes the core with one input, this model has {len(core.inputs)}.")
        )
    eight_bits = precision == "int8"
    settings = {**PRECISIONS[precision](), **(ONE_SCALE if one_scale and eight_bits else {})}
    target = settings.pop("target_spec", {})

    def write(temporary: Path) -> None:
        with exporting("LiteRT", path), quiet():
            temporary.write_bytes(convert(core, settings, target=target, batch=batch, every_kernel=eight_bits))

    write_with(path, write)


def verify_litert(
    path: Path,
    core: KerasModel,
    rows: Array,
    *,
    root: Path,
    precision: str = "float32",
    scale: Array | float = 1.0,
    tolerance: float | None = None,
) -> Artifact:
    """Load a LiteRT file in its interpreter and compare it, row by row, with the model in memory.

    Args:
        path: The file.
        core: The model in memory.
        rows: Encoded rows to compare.
        root: The run folder.
        precision: Precision of the file; sets the tolerance.
        scale: Standard deviation of the target; see :func:`advisor.export.compare.compare`.
        tolerance: Largest difference allowed; None for that of the precision, for float32 once for each layer with a
            kernel: LiteRT adds up in another order, and every sum of floats rounds anew. (TensorFlow itself differs by
            2e-6 to 3e-6 between one row and many, on nets of 256 units with a linear output.)

    Raises:
        ArtifactError: If the file can't be loaded.
        ExportError: If it answers differently.
    """
    runtime = LiteRTRuntime(path)

    def row_by_row(table: Array) -> Array:
        return np.stack([runtime.predict_row(row) for row in table])

    allowed = tolerance
    if allowed is None:
        layers = sum(len(weight.shape) > 1 for weight in core.weights) if precision == "float32" else 1
        allowed = TOLERANCES[precision] * max(layers, 1)
    table = np.asarray(rows, np.float32)
    return verify(
        "litert", path, predictor(core), row_by_row, table, allowed, root=root, scale=scale, precision=precision
    )
