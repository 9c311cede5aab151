"""LiteRT files in which all arithmetic is in integers of 8 or 16 bits, sparsely stored files, and C arrays of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import ArtifactError, ExportError, Finding
from advisor.export.conversion import convert
from advisor.export.failures import exporting, first_line
from advisor.export.litert import ONE_SCALE
from advisor.export.preparation import KerasModel, Preparation
from advisor.export.quiet import quiet
from advisor.storage import write_text, write_with

FEWEST_ROWS = 100
"""Fewest rows that say how far activations range; the converter's documentation asks for one to several hundred."""
MOST_ROWS = 500
"""Rows that ranges are learned from at most: the upper end of the same advice."""
MICRO_OPERATIONS = frozenset(
    [
        "FULLY_CONNECTED",
        "QUANTIZE",
        "DEQUANTIZE",
        "SOFTMAX",
        "LOGISTIC",
        "TANH",
        "RELU",
        "RELU6",
        "LEAKY_RELU",
        "ELU",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "TRANSPOSE_CONV",
        "AVERAGE_POOL_2D",
        "MAX_POOL_2D",
        "MEAN",
        "RESHAPE",
        "ADD",
        "MUL",
        "SUB",
        "CONCATENATION",
        "PAD",
        "STRIDED_SLICE",
        "EXPAND_DIMS",
        "SPLIT",
        "SPLIT_V",
        "PACK",
        "UNPACK",
        "SUM",
        "DIV",
        "REDUCE_MAX",
        "MAXIMUM",
        "MINIMUM",
        "RSQRT",
    ]
)
"""Operations of a quantized network that LiteRT for Microcontrollers has 8-bit kernels for (of those we can produce).

Each was looked up in its kernels (tensorflow/lite/micro/kernels, August 2026).
"""
HEADROOM = 2
"""How far beyond the representative rows activations in 16 bits still range, times the distance of those from zero.

It costs one bit of resolution, which 16 bits have to spare and 8 don't (judgement).
"""
ONLY_IN_8_BITS = frozenset(["ELU", "DIV", "REDUCE_MAX", "RSQRT"])
"""Those of them that have no kernel for activations in 16 bits, looked up in the same place."""
_BYTES_A_LINE = 12


def representative_rows(rows: Array, most: int = MOST_ROWS) -> Array:
    """Return at most so many of the rows, evenly spread."""
    return rows if len(rows) <= most else rows[np.arange(most) * len(rows) // most]


def export_full_int8(
    rest: KerasModel,
    path: Path,
    prepared: Array,
    *,
    integers: bool = False,
    one_scale: bool = False,
    wide_activations: bool = False,
) -> None:
    """Export the part of a core behind its preprocessing, atomically: weights in 8 bits, all arithmetic in integers.

    Args:
        rest: The model from prepared inputs to answers; see :class:`advisor.export.preparation.Preparation`.
        path: Final name, ending in ``.tflite``.
        prepared: Prepared training rows that show how far each activation ranges, at least :data:`FEWEST_ROWS`; see
            :func:`representative_rows`.
        integers: Whether inputs and outputs are integers too, as microcontrollers want it.
        one_scale: Whether all weights of a dense layer share one scale; else each neuron has its own.
        wide_activations: Whether activations, inputs and outputs have 16 bits; the weights still have 8. Rows twice as
            far from the mean as the representative ones are not cut off then (:data:`HEADROOM`).

    Raises:
        ExportError: If there are too few rows, or LiteRT lacks an operation in integers.
        StorageError: If there is no room or no permission.
    """
    import tensorflow as tf

    if len(prepared) < FEWEST_ROWS:
        raise ExportError(
            Finding(
                "E105",
                "representative rows",
                f"{len(prepared)} rows are too few to learn the range of activations from; needed: {FEWEST_ROWS}.",
                "Give more training rows, or use weights in 8 bits alone (precision int8).",
            )
        )
    seen = np.asarray(prepared, np.float32)
    chosen = np.ascontiguousarray(np.concatenate([seen, seen * HEADROOM]) if wide_activations else seen)

    def representative() -> Iterator[list[Array]]:
        for row in range(len(chosen)):
            yield [chosen[row : row + 1]]

    settings: dict[str, Any] = {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": representative,
    }
    if one_scale:
        settings |= ONE_SCALE
    kind, operations = tf.int8, tf.lite.OpsSet.TFLITE_BUILTINS_INT8
    if wide_activations:
        kind, operations = tf.int16, tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    if integers:
        settings |= {"inference_input_type": kind, "inference_output_type": kind}
    _export(rest, path, settings, {"supported_ops": [operations]})


def export_sparse(core: KerasModel, path: Path) -> None:
    """Export a core in 32 bits, its zeros left out of the file; the runtime puts them back when it loads the file.

    Raises:
        ExportError: If LiteRT lacks an operation.
        StorageError: If there is no room or no permission.
    """
    import tensorflow as tf

    _export(core, path, {"optimizations": [tf.lite.Optimize.EXPERIMENTAL_SPARSITY]}, {})


def _export(model: KerasModel, path: Path, settings: dict[str, Any], target: dict[str, Any]) -> None:
    def write(temporary: Path) -> None:
        with exporting("LiteRT", path), quiet():
            temporary.write_bytes(convert(model, settings, target=target))

    write_with(path, write)


class PreparedRuntime:
    """A LiteRT file that begins behind the preprocessing, used like one that begins before it.

    Attributes:
        width: Numbers in one encoded row, as far as they are used.
        outputs: Numbers in one answer.
    """

    def __init__(self, source: Path | bytes, preparation: Preparation) -> None:
        """Load a file, or its content.

        Raises:
            ArtifactError: If it is missing, damaged, or doesn't fit the preprocessing.
        """
        from ai_edge_litert.interpreter import Interpreter

        place = str(source) if isinstance(source, Path) else "LiteRT file"
        try:
            content = source.read_bytes() if isinstance(source, Path) else source
            with quiet():
                self._interpreter = Interpreter(model_content=content, num_threads=1)
                self._interpreter.allocate_tensors()
        except (OSError, ValueError, RuntimeError) as error:
            raise ArtifactError(
                Finding("A106", place, f"LiteRT can't run it: {first_line(error)}", "Export the model again.")
            ) from error
        inputs, outputs = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self._input, self._output = int(inputs["index"]), int(outputs["index"])
        self._preparation, self._prepare = preparation, preparation.compile()
        self._integers = inputs["dtype"]
        self._quantization = inputs["quantization"] if issubclass(self._integers, np.integer) else None
        self._dequantization = outputs["quantization"] if issubclass(outputs["dtype"], np.integer) else None
        self.outputs = int(outputs["shape"][-1]) * preparation.inputs_of_row
        self._shape = preparation.shape
        self.width = int(np.prod(self._shape))
        self._lock = threading.Lock()

    def predict_row(self, x: Array) -> Array:
        """Return the answer for one encoded row, float32 (outputs,)."""
        shape = (1, -1) if len(self._shape) == 1 else (1, *self._shape)
        row = np.asarray(x, np.float32).reshape(shape)
        if self._preparation.takes_apart:
            alone: Array = self._answers(row)[0]
            return alone
        return self._preparation.finish(row, self._invoke(self._prepare(row)))

    def predict(self, rows: Array) -> Array:
        """Return the answers for many encoded rows, float32 (n, outputs)."""
        return self._answers(np.ascontiguousarray(rows, np.float32))

    def _answers(self, rows: Array) -> Array:
        prepared = self._prepare(rows)
        answers = np.empty((len(prepared), self.outputs // self._preparation.inputs_of_row), np.float32)
        for place in range(len(prepared)):
            answers[place] = self._invoke(prepared[place : place + 1])
        return self._preparation.finish(rows, answers)

    def _invoke(self, prepared: Array) -> Array:
        if self._quantization is not None:
            scale, zero = self._quantization
            range_ = np.iinfo(self._integers)
            prepared = np.clip(np.rint(prepared / scale) + zero, range_.min, range_.max).astype(self._integers)
        with self._lock:
            self._interpreter.set_tensor(self._input, prepared)
            self._interpreter.invoke()
            answer: Array = self._interpreter.get_tensor(self._output)[0]
        if self._dequantization is not None:
            scale, zero = self._dequantization
            answer = ((answer.astype(np.float32) - zero) * scale).astype(np.float32)
        return answer


def operations_of(path: Path) -> list[str]:
    """Return the operations of a LiteRT file, sorted, each once.

    Raises:
        ArtifactError: If the file can't be read.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    try:
        document = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
        return sorted({names[code.builtinCode] for code in document.operatorCodes})
    except Exception as error:  # the reader of flat buffers runs wherever damaged offsets lead it
        raise ArtifactError(Finding("A102", str(path), "the file can't be read as LiteRT.")) from error


def check_micro_operations(path: Path, *, wide_activations: bool = False) -> list[str]:
    """Return the operations of a file that a microcontroller can run.

    Args:
        path: The ``.tflite`` file, all in integers.
        wide_activations: Whether its activations have 16 bits.

    Raises:
        ExportError: If the file uses an operation that the runtime for microcontrollers lacks.
    """
    used = operations_of(path)
    covered = MICRO_OPERATIONS - ONLY_IN_8_BITS if wide_activations else MICRO_OPERATIONS
    lacking = [name for name in used if name not in covered]
    if lacking:
        raise ExportError(
            Finding(
                "E106",
                str(path),
                f"the runtime for microcontrollers lacks {', '.join(lacking)}"
                f"{' with activations in 16 bits' if wide_activations else ''}.",
                "Choose ReLU and a dense or convolutional network.",
            )
        )
    return used


def write_c_array(path: Path, header: Path, contract: Mapping[str, Any], *, wide_activations: bool = False) -> None:
    """Write a LiteRT file as a C array for a microcontroller, with what its caller must know as a comment.

    Args:
        path: The ``.tflite`` file, all in integers.
        header: Final name of the C header.
        contract: Quantization of inputs and outputs and the like, one line each.
        wide_activations: Whether its activations have 16 bits.

    Raises:
        ExportError: If the file uses an operation that the runtime for microcontrollers lacks.
    """
    used = check_micro_operations(path, wide_activations=wide_activations)
    content = path.read_bytes()
    lines = [
        "  " + ", ".join(f"0x{byte:02x}" for byte in content[first : first + _BYTES_A_LINE]) + ","
        for first in range(0, len(content), _BYTES_A_LINE)
    ]
    notes = [f"// {name}: {value}" for name, value in contract.items()]
    text = "\n".join(
        [
            f"// The content of {path.name} for LiteRT for Microcontrollers.",
            *notes,
            f"// operations: {', '.join(used)}",
            "#ifndef ADVISOR_MODEL_H",
            "#define ADVISOR_MODEL_H",
            "",
            "alignas(16) const unsigned char advisor_model[] = {",
            *lines,
            "};",
            f"const unsigned int advisor_model_length = {len(content)};",
            "",
            "#endif",
            "",
        ]
    )
    write_text(header, text)
