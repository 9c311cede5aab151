"""LiteRT files as they are delivered: with a signature, without what no runtime reads.

What is saved is an eighth to a quarter of a recurrent network's file or of a tiny one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

ALIGNMENT = 16
"""Bytes: where the runtimes want weights to begin, of which the writer of flat buffers knows nothing."""
_IDENTIFIER = b"TFL3"
_SIGNATURE = "serving_default"
_OF_CHANNELS = 5
"""Version of DEQUANTIZE from which it takes int8 with several scales."""
_LARGEST = 127
"""Largest integer of a weight; the smallest is its negative, so that zero stays zero."""


def share_by_input(inputs: int, neurons: int) -> bool:
    """Tell whether the weights of a small kernel share a scale for each input; else for each neuron.

    It is whichever are fewer. Factors of standardized columns are part of a first kernel, so that its columns are of
    different sizes.
    """
    return inputs <= neurons


def compact(content: bytes, *, every_kernel: bool = False) -> bytes:
    """Return the content of a LiteRT file without what no runtime reads, and with a signature.

    Left out are the names of all but inputs and outputs, of which a converter makes up about a hundred characters
    each; a buffer for every computed tensor, for the format has one that all of them can share; descriptions of
    scales that say nothing; and what the converter notes about itself. Arrays that are alike, such as shapes and the
    zero points of neurons, are stored once. The signature is the one that TensorFlow's converters give:
    ``serving_default``, from the input's name to ``output_0``.

    Args:
        content: The file.
        every_kernel: Whether kernels of dense layers that a converter left in 32 bits, because they have fewer than
            1,024 weights, are stored in 8 bits, with one scale for each input or neuron: :func:`share_by_input`.
            They are turned into floats once, when the file is loaded, so that their layers compute as before.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if every_kernel:
        for subgraph in model.subgraphs:
            _store_in_eight_bits(schema, model, subgraph)
    if not model.signatureDefs:
        model.signatureDefs = [_signature(schema, model.subgraphs[0])]
    model.metadata = [each for each in model.metadata or () if each.name != b"CONVERSION_METADATA"] or None
    for number, subgraph in enumerate(model.subgraphs):
        named = {*subgraph.inputs, *subgraph.outputs} if number == 0 else set()
        for index, tensor in enumerate(subgraph.tensors):
            if index not in named:
                tensor.name = None
            if tensor.quantization is not None and _says_nothing(tensor.quantization):
                tensor.quantization = None
    _share_the_empty_buffer(model)
    builder = _builder_class()(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _says_nothing(quantization: Any) -> bool:
    return not quantization.detailsType and all(
        values is None for values in (quantization.min, quantization.max, quantization.scale, quantization.zeroPoint)
    )


def _share_the_empty_buffer(model: Any) -> None:
    """Let all that holds no data refer to the first buffer, which the format keeps empty."""
    kept, places = [model.buffers[0]], {}

    def place(old: int) -> int:
        if old not in places:
            buffer = model.buffers[old]
            if old == 0 or (buffer.data is None and not buffer.size):
                return 0
            places[old] = len(kept)
            kept.append(buffer)
        return places[old]

    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            tensor.buffer = place(tensor.buffer)
    for each in model.metadata or ():
        each.buffer = place(each.buffer)
    model.buffers = kept


def _store_in_eight_bits(schema: Any, model: Any, graph: Any) -> None:
    """Store each kernel of dense layers that is in 32 bits, and is used as nothing else, in 8 bits."""
    uses: dict[int, list[Any]] = {}
    for operation in graph.operators:
        if model.operatorCodes[operation.opcodeIndex].builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
            uses.setdefault(int(operation.inputs[1]), []).append(operation)
    reads = [int(index) for operation in graph.operators for index in operation.inputs]
    for index, operations in uses.items():
        stored = graph.tensors[index]
        data = model.buffers[stored.buffer].data
        if stored.type != schema.TensorType.FLOAT32 or data is None or reads.count(index) != len(operations):
            continue
        kernel = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32).reshape(stored.shape)
        neurons, inputs = kernel.shape
        axis = 1 if share_by_input(inputs, neurons) else 0
        scales = np.abs(kernel).max(1 - axis, keepdims=True).astype(np.float32) / np.float32(_LARGEST)
        scales[scales == 0] = 1
        computed = schema.TensorT()
        computed.shape, computed.type, computed.hasRank = stored.shape, stored.type, True
        graph.tensors.append(computed)
        integers = schema.BufferT()
        integers.data = np.frombuffer(np.rint(kernel / scales).astype(np.int8).tobytes(), np.uint8)
        model.buffers.append(integers)
        stored.buffer, stored.type = len(model.buffers) - 1, schema.TensorType.INT8
        stored.quantization = schema.QuantizationParametersT()
        stored.quantization.scale = scales.ravel()
        stored.quantization.zeroPoint = np.zeros(scales.size, np.int64)
        stored.quantization.quantizedDimension = axis
        back = schema.OperatorT()
        back.opcodeIndex = _code_of_dequantize(schema, model)
        back.inputs, back.outputs = np.array([index], np.int32), np.array([len(graph.tensors) - 1], np.int32)
        graph.operators.insert(0, back)
        for operation in operations:
            operation.inputs = np.array([operation.inputs[0], len(graph.tensors) - 1, *operation.inputs[2:]], np.int32)


def _code_of_dequantize(schema: Any, model: Any) -> int:
    """Return the place of DEQUANTIZE among the operations of a file, which is added where it isn't there."""
    for place, code in enumerate(model.operatorCodes):
        if code.builtinCode == schema.BuiltinOperator.DEQUANTIZE:
            code.version = max(code.version, _OF_CHANNELS)
            return place
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = _OF_CHANNELS
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _signature(schema: Any, graph: Any) -> Any:
    def places(tensors: Any, names: Any) -> list[Any]:
        found = []
        for index, name in zip(tensors, names, strict=True):
            place = schema.TensorMapT()
            place.name, place.tensorIndex = name, int(index)
            found.append(place)
        return found

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = _SIGNATURE, 0
    signature.inputs = places(graph.inputs, [graph.tensors[index].name for index in graph.inputs])
    signature.outputs = places(graph.outputs, [f"output_{number}" for number in range(len(graph.outputs))])
    return signature


@lru_cache(maxsize=1)
def _builder_class() -> Any:
    import flatbuffers

    class Sharing(flatbuffers.Builder):
        """Writes arrays of numbers once, however often they are asked for, and bytes where weights are wanted."""

        def __init__(self, size: int) -> None:
            super().__init__(size)
            self._written: dict[tuple[str, bytes], Any] = {}

        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:
            """Begin an array of so many elements."""
            return super().StartVector(elemSize, numElems, ALIGNMENT if elemSize == 1 else alignment)

        def CreateNumpyVector(self, x: Any) -> Any:
            """Write an array, or refer to the same one before it."""
            key = x.dtype.str, x.tobytes()
            if key not in self._written:
                self._written[key] = super().CreateNumpyVector(x)
            return self._written[key]

    return Sharing
