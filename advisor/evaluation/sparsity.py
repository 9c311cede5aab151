"""The sparsity of a delivered model: the fraction of exactly-zero weights in its prunable kernels.

Prunable are the kernels of dense layers and convolutions. Biases, normalization and embeddings are not: pruning leaves
them alone, and an embedding's row of zeros would say nothing about the speed or size of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import ArtifactError, Finding

_KERAS_LAYERS = (
    "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D",
    "SeparableConv2D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
)  # fmt: skip
_KERAS_WEIGHTS = ("kernel", "depthwise_kernel", "pointwise_kernel")
_LITERT_KERNEL_INPUT = {"FULLY_CONNECTED": 1, "CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "TRANSPOSE_CONV": 1, "CONV_3D": 1,
                        "BATCH_MATMUL": 1}  # fmt: skip
_LITERT_TYPES = {"FLOAT32": np.float32, "FLOAT16": np.float16, "INT8": np.int8}


@dataclass(frozen=True)
class Sparsity:
    """How many weights of prunable kernels are zero.

    Attributes:
        zeros: Weights that are exactly zero.
        weights: Weights in all prunable kernels.
        kernels: Fraction of zeros of each kernel, by name.
    """

    zeros: int
    weights: int
    kernels: dict[str, float]

    @property
    def fraction(self) -> float:
        """The sparsity, in [0, 1]; 0 for a model without prunable kernels."""
        return self.zeros / self.weights if self.weights else 0.0


def measure_sparsity(model: Any) -> Sparsity:
    """Count zeros in the prunable kernels of a Keras model, nested models included."""
    return _count(_keras_kernels(model))


def measure_litert_sparsity(path: Path) -> Sparsity:
    """Count zeros in the prunable kernels of a ``.tflite`` file, as they are stored.

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


def _keras_kernels(model: Any) -> Iterator[tuple[str, int, int]]:
    import keras

    for layer in _layers(model):
        if type(layer).__name__ not in _KERAS_LAYERS:
            continue
        for attribute in _KERAS_WEIGHTS:
            kernel = getattr(layer, attribute, None)
            if kernel is not None:
                values: Array = keras.ops.convert_to_numpy(kernel)
                yield kernel.path, int(values.size - np.count_nonzero(values)), int(values.size)


def _layers(layer: Any) -> Iterator[Any]:
    """Yield the layers of a model with those of models and wrapped layers inside it."""
    inside = [*getattr(layer, "layers", ())]
    inside += [wrapped for wrapped in [getattr(layer, "layer", None)] if wrapped is not None]
    for each in inside:
        yield each
        yield from _layers(each)


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
            size = int(np.prod(tensor.shape))
            stored = np.frombuffer(np.asarray(data, dtype=np.uint8).tobytes(), dtype=dtype)
            yield f"{number}/{index}/{tensor.name.decode(errors='replace')}", size - int(np.count_nonzero(stored)), size


def _casts(document: Any, graph: Any, operators: dict[int, str]) -> dict[int, int]:
    """Return which tensor each output of DEQUANTIZE or DENSIFY is made from: float16 and sparse files have them."""
    made_from: dict[int, int] = {}
    for operation in graph.operators:
        kind = operators.get(document.operatorCodes[operation.opcodeIndex].builtinCode, "")
        if kind in ("DEQUANTIZE", "DENSIFY"):
            source = int(operation.inputs[0])
            made_from[int(operation.outputs[0])] = made_from.get(source, source)
    return made_from
