"""LiteRT files as they are delivered: with a signature, without the names of what is computed on the way.

Those names are a fifth to a half of a recurrent network's file.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

ALIGNMENT = 16
"""Bytes: where the runtimes want weights to begin, of which the writer of flat buffers knows nothing."""
_IDENTIFIER = b"TFL3"
_SIGNATURE = "serving_default"


def compact(content: bytes) -> bytes:
    """Return the content of a LiteRT file without the names of computed tensors, and with a signature.

    Inputs, outputs and weights keep their names. No runtime needs the others; a converter makes up about a hundred
    characters for each. The signature is the one that TensorFlow's converters give: ``serving_default``, from the
    input's name to ``output_0``.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for subgraph in model.subgraphs:
        named = {*subgraph.inputs, *subgraph.outputs}
        for index, tensor in enumerate(subgraph.tensors):
            if index not in named and model.buffers[tensor.buffer].data is None:
                tensor.name = None
    if not model.signatureDefs:
        model.signatureDefs = [_signature(schema, model.subgraphs[0])]
    builder = _builder_class()(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


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

    class Aligned(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers ships no types
        """Lets arrays of bytes, which weights are stored as, begin where they are wanted."""

        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:
            """Begin an array of so many elements."""
            return super().StartVector(elemSize, numElems, ALIGNMENT if elemSize == 1 else alignment)

    return Aligned
