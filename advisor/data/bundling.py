"""Everything that training needs of the data, encoded and split."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.artifacts import DataBundle, Part
from advisor.data.encoding import Encoder
from advisor.data.schema import Schema
from advisor.data.splitting import Split, stack_frames


def load_bundle(
    frame: Any, schema: Schema, split: Split, encoder: Encoder, *, validation: Any = None, test: Any = None
) -> DataBundle:
    """Encode a table's parts.

    Args:
        frame: The table that the schema was inferred from.
        schema: Its schema.
        split: Its parts.
        encoder: The encoder of the schema.
        validation: The separate validation table that ``make_split`` was given, or None.
        test: The separate test table likewise.

    Returns:
        The encoded parts; the digest depends on the encoded numbers, the parts and the names alone, so it is the same
        on every machine.

    Raises:
        DataError: If the rows can't be encoded.
    """
    whole = stack_frames(frame, schema, validation, test)
    x = encoder.encode(whole)
    names = schema.target.names
    targets: Any = whole[names[0]] if len(names) == 1 else whole.select(names)

    def part(rows: NDArray[np.int64]) -> Part:
        return Part(np.ascontiguousarray(x[rows]), encoder.encode_target(targets[rows]), rows)

    train, val, held_out = part(split.train), part(split.val), part(split.test)
    return DataBundle(
        task=schema.target.task,
        train=train,
        val=val,
        test=held_out,
        classes=schema.target.classes,
        target_names=names,
        sha256=digest_parts([train, val, held_out], _head(encoder)),
    )


def _head(encoder: Encoder) -> list[Any]:
    target = encoder.schema.target
    columns = [column.name for column in encoder.columns]
    return [encoder.schema.feature_names, columns, target.name, target.task, target.classes]


def digest_parts(parts: list[Part], head: list[Any]) -> str:
    """Return the digest of encoded parts, the same on every machine.

    Args:
        parts: The parts, in order.
        head: What else the data are, JSON-ready, such as names.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps(head).encode())
    for part in parts:
        for array in (part.x, part.y, part.rows):
            digest.update(f"{array.dtype.str[1:]}{array.shape}".encode())
            digest.update(_bytes(array))
    return digest.hexdigest()


def _bytes(array: NDArray[Any]) -> bytes:
    """Return an array's bytes in one byte order, with one pattern for NaN."""
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
