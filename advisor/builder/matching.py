"""What the first layer of a network reads, input by input, so that layers can be carried from one table to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from advisor.artifacts import Array, InputSpec, Statistics
from advisor.builder.columns import RESERVED_CODES, is_bounded
from advisor.builder.grafting import Trunk
from advisor.builder.image_inputs import STANDARDIZED
from advisor.builder.namespace import Model
from advisor.builder.table_inputs import EMBEDDINGS, JOINED, MISSING, NUMBERS, ONE_HOT
from advisor.errors import BuildError, Finding

Key = tuple[Any, ...]
"""What one input of the first layer stands for: ``("number", column)``, ``("missing", column)``,
``("category", column, label)`` or ``("embedding", column, number)``."""


@dataclass(frozen=True)
class TableInputs:
    """What a network for a table reads behind its preparation.

    Attributes:
        keys: What each prepared input stands for, in order.
        numbers: Column → how it is standardized: fill, center, factor.
        tables: Column → label of a category → its row of the embedding.
    """

    keys: tuple[Key, ...]
    numbers: Mapping[str, tuple[float, float, float]]
    tables: Mapping[str, Mapping[str, Array]]


def end_of_preparation(core: Model) -> str | None:
    """Return the name of the last layer of a core's preparation; None where the kind of data has none that is known."""
    names = {layer.name for layer in core.layers}
    return next((name for name in (JOINED, NUMBERS, ONE_HOT, EMBEDDINGS, MISSING, STANDARDIZED) if name in names), None)


def table_inputs(core: Model, spec: InputSpec, categories: Mapping[str, Sequence[str]]) -> TableInputs:
    """Return what the inputs of a core's body stand for.

    Args:
        core: A network for a table, as the builder makes it.
        spec: What it reads.
        categories: Raw column → its categories, in the order of their codes.
    """
    layers = {layer.name: layer for layer in core.layers}
    columns = spec.columns
    keys: list[Key] = []
    numbers: dict[str, tuple[float, float, float]] = {}
    tables: dict[str, dict[str, Array]] = {}

    def label(column: Any, code: int) -> str:
        known = categories.get(column.source, ())
        return str(known[code - RESERVED_CODES]) if code >= RESERVED_CODES else f"code {code}"

    if NUMBERS in layers:
        layer = layers[NUMBERS]
        for index, *how in zip(layer.columns, layer.fill, layer.center, layer.factor, strict=True):
            keys.append(("number", columns[index].name))
            numbers[columns[index].name] = (float(how[0]), float(how[1]), float(how[2]))
    if MISSING in layers:
        keys += [("missing", columns[index].source) for index in layers[MISSING].columns]
    if ONE_HOT in layers:
        layer = layers[ONE_HOT]
        keys += [
            ("category", columns[index].source, label(columns[index], code))
            for index, code in zip(layer.columns, layer.codes, strict=True)
        ]
    if EMBEDDINGS in layers:
        layer = layers[EMBEDDINGS]
        for index, codes, size, table in zip(layer.columns, layer.codes, layer.sizes, layer.get_weights(), strict=True):
            column = columns[index]
            keys += [("embedding", column.source, number) for number in range(size)]
            tables[column.source] = {label(column, code): table[code] for code in range(codes)}
    return TableInputs(tuple(keys), numbers, tables)


def carried_weights(trunk: Trunk, source: Sequence[Key], target: Sequence[Key]) -> dict[str, tuple[Array, ...]]:
    """Return the weights of a trunk for a table with other inputs.

    Args:
        trunk: The network's layers.
        source: What its inputs stand for.
        target: What those of the new network stand for.

    Returns:
        Layer's name → its arrays. Rows of a first kernel whose input has no counterpart are NaN: they stay fresh.

    Raises:
        BuildError: If inputs differ, and something else than a dense layer reads them.
    """
    same = tuple(source) == tuple(target)
    place = {key: index for index, key in enumerate(source)}
    found: dict[str, tuple[Array, ...]] = {}
    for name in trunk.below(trunk.cuts[-1]):
        weights = tuple(np.asarray(each, np.float32) for each in trunk.layer(name).get_weights())
        if not same and trunk.start in trunk.inputs(name):
            kind = type(trunk.layer(name)).__name__
            if kind != "Dense":
                raise BuildError(
                    Finding(
                        "B121",
                        name,
                        f"the columns differ, and a layer of the kind {kind} reads them; only dense layers can be "
                        "matched column by column.",
                        "Give a network for the same columns.",
                    )
                )
            kernel = np.full((len(target), *weights[0].shape[1:]), np.nan, np.float32)
            for index, key in enumerate(target):
                if key in place:
                    kernel[index] = weights[0][place[key]]
            weights = (kernel, *weights[1:])
        if weights:
            found[name] = weights
    return found


def carried_tables(
    core: Model, spec: InputSpec, categories: Mapping[str, Sequence[str]], source: TableInputs
) -> tuple[Array, ...]:
    """Return the embeddings of a new network with the rows of every category that the source knows; others are NaN."""
    layer = next((each for each in core.layers if each.name == EMBEDDINGS), None)
    if layer is None:
        return ()
    found = []
    for index, codes, size in zip(layer.columns, layer.codes, layer.sizes, strict=True):
        column = spec.columns[index]
        known, labels = source.tables.get(column.source, {}), categories.get(column.source, ())
        table = np.full((codes, size), np.nan, np.float32)
        for code in range(codes):
            label = str(labels[code - RESERVED_CODES]) if code >= RESERVED_CODES else f"code {code}"
            if label in known and len(known[label]) == size:
                table[code] = known[label]
        found.append(table)
    return tuple(found)


def carried_statistics(spec: InputSpec, statistics: Statistics, source: TableInputs) -> Statistics:
    """Return statistics that standardize the columns in common as the source's layers are used to."""
    mean, scale = statistics.mean.copy(), statistics.scale.copy()
    for index, column in enumerate(spec.columns):
        if column.name in source.numbers:
            fill, _, factor = source.numbers[column.name]
            mean[index] = fill
            if not is_bounded(column) and factor > 0:
                scale[index] = 1.0 / factor
    return replace(statistics, mean=mean, scale=scale)


def put_in(core: Model, weights: Mapping[str, Sequence[Array]], *, place: str = "") -> None:
    """Put weights into a network's layers by name; where they are NaN, the fresh ones stay.

    Raises:
        BuildError: If a layer is missing, or its weights have another shape. Nothing is changed then.
    """
    layers = {layer.name: layer for layer in core.layers}
    changed = {}
    for name, arrays in weights.items():
        fresh = layers[name].get_weights() if name in layers else []
        if [each.shape for each in fresh] != [np.shape(each) for each in arrays]:
            shapes = " and ".join(str(np.shape(each)) for each in arrays)
            wanted = " and ".join(str(each.shape) for each in fresh) or "none"
            raise BuildError(
                Finding(
                    "B122",
                    place or name,
                    f"the layer {name!r} has weights of the shapes {shapes}; wanted: {wanted}.",
                    "The inputs of the two networks don't match: give a network for data of the same form.",
                )
            )
        changed[name] = [np.where(np.isnan(new), old, new) for new, old in zip(arrays, fresh, strict=True)]
    for name, arrays in changed.items():
        layers[name].set_weights(arrays)
