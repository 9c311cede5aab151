"""LiteRT files without the names of what is computed on the way: a fifth to a half of a recurrent network's file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

ALIGNMENT = 16
"""Bytes: where the runtimes want weights to begin, of which the writer of flat buffers knows nothing."""
_IDENTIFIER = b"TFL3"


def leave_out_names(path: Path) -> None:
    """Write a LiteRT file again without the names of computed tensors.

    Inputs, outputs and weights keep theirs. No runtime needs the others; a converter makes up about a hundred
    characters for each.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    for subgraph in model.subgraphs:
        named = {*subgraph.inputs, *subgraph.outputs}
        for index, tensor in enumerate(subgraph.tensors):
            if index not in named and model.buffers[tensor.buffer].data is None:
                tensor.name = None
    builder = _builder_class()(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    path.write_bytes(builder.Output())


@lru_cache(maxsize=1)
def _builder_class() -> Any:
    import flatbuffers

    class Aligned(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers ships no types
        """Lets arrays of bytes, which weights are stored as, begin where they are wanted."""

        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:
            """Begin an array of so many elements."""
            return super().StartVector(elemSize, numElems, ALIGNMENT if elemSize == 1 else alignment)

    return Aligned
