"""The sparsity of a delivered model: the fraction of exactly-zero weights in its kernels.

Kernels are those of dense layers, convolutions and recurrent cells. Biases, normalization and embeddings are none:
pruning leaves them alone, and an embedding's row of zeros would say nothing about the speed or size of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.errors import ArtifactError, Finding
from advisor.framework import kernels_of

_LITERT_KERNEL_INPUT = {"FULLY_CONNECTED": 1, "CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "TRANSPOSE_CONV": 1, "CONV_3D": 1,
                        "BATCH_MATMUL": 1}  # fmt: skip
_LITERT_TYPES = {"FLOAT32": np.float32, "FLOAT16": np.float16, "INT8": np.int8}


@dataclass(frozen=True)
class Sparsity:
    """How many weights of kernels are zero.

    Attributes:
        zeros: Weights that are exactly zero.
        weights: Weights in all kernels.
        kernels: Fraction of zeros of each kernel, by name.
    """

    zeros: int
    weights: int
    kernels: dict[str, float]

    @property
    def fraction(self) -> float:
        """The sparsity, in [0, 1]; 0 for a model without kernels."""
        return self.zeros / self.weights if self.weights else 0.0


def measure_sparsity(model: Any) -> Sparsity:
    """Count zeros in the kernels of a Keras model, nested models included."""
    arrays = {path: np.asarray(kernel) for path, kernel in kernels_of(model).items()}
    return _count((path, int(each.size - np.count_nonzero(each)), int(each.size)) for path, each in arrays.items())


def measure_litert_sparsity(path: Path) -> Sparsity:
    """Count zeros in the kernels of a ``.tflite`` file, as they are stored, each once however many steps use it.

    In a kernel stored as int8 a weight that was rounded to zero counts as zero: the runtime computes with 0.
    Sparsely stored kernels count with the shape they stand for.

    Raises:
        ArtifactError: If the file can't be read.
    """
    return _count(_litert_kernels(path))


def _count(kernels: Iterator[tuple[str, int, int]]) -> Sparsity:
    zeros, weights, shares = 0, 0, {}
    for name, zero, size in kernels:
        zeros, weights = zeros + zero, weights + size
        shares[name] = zero / size if size else 0.0
    return Sparsity(zeros, weights, shares)


def _litert_kernels(path: Path) -> Iterator[tuple[str, int, int]]:
    from tensorflow.lite.python import schema_py_generated as schema

    try:
        content = path.read_bytes()
        document = schema.ModelT.InitFromPackedBuf(content, 0)
        if content[4:8] != b"TFL3":
            raise ValueError("not a LiteRT file")
    except OSError as error:
        raise ArtifactError(Finding("A101", str(path), f"the file can't be read: {error.strerror}.")) from error
    except Exception as error:  # the reader of flat buffers runs wherever damaged offsets lead it
        raise ArtifactError(
            Finding("A102", str(path), "the file is damaged: it can't be read as LiteRT.", "Export the model again.")
        ) from error
    operators = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    types = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    seen: set[int] = set()
    for number, graph in enumerate(document.subgraphs):
        made_from = _casts(document, graph, operators)
        for operation in graph.operators:
            kind = operators.get(document.operatorCodes[operation.opcodeIndex].builtinCode, "")
            if kind not in _LITERT_KERNEL_INPUT or len(operation.inputs) <= _LITERT_KERNEL_INPUT[kind]:
                continue
            index = int(operation.inputs[_LITERT_KERNEL_INPUT[kind]])
            index = made_from.get(index, index)
            tensor = graph.tensors[index]
            data = document.buffers[tensor.buffer].data
            dtype = _LITERT_TYPES.get(types.get(tensor.type, ""))
            if data is None or not len(data) or dtype is None:
                continue  # computed from the inputs: a product of two activations has no kernel
            if tensor.buffer in seen:
                continue  # the kernel of a recurrent cell, which every step uses
            seen.add(tensor.buffer)
            size = int(np.prod(tensor.shape))
            stored = np.frombuffer(np.asarray(data, dtype=np.uint8).tobytes(), dtype=dtype)
            yield f"{number}/{index}", size - int(np.count_nonzero(stored)), size


def _casts(document: Any, graph: Any, operators: dict[int, str]) -> dict[int, int]:
    """Return which tensor each output of DEQUANTIZE or DENSIFY is made from: float16 and sparse files have them."""
    made_from: dict[int, int] = {}
    for operation in graph.operators:
        kind = operators.get(document.operatorCodes[operation.opcodeIndex].builtinCode, "")
        if kind in ("DEQUANTIZE", "DENSIFY"):
            source = int(operation.inputs[0])
            made_from[int(operation.outputs[0])] = made_from.get(source, source)
    return made_from
