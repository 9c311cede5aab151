"""Tables: statistics of the training rows; numbers, flags, one-hot slots and embeddings as the first layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from advisor.artifacts import Array, InputSpec, Statistics
from advisor.builder.blueprint import Blueprint
from advisor.builder.columns import (
    CODE_KIND,
    MISSING_CODE,
    RESERVED_CODES,
    EncodedColumn,
    Layout,
    check_columns,
    is_bounded,
    lay_out,
)
from advisor.builder.kinds import Prepare, Wide
from advisor.builder.layers import layer_classes
from advisor.builder.namespace import Model, Namespace, Tensor, floats
from advisor.builder.registry import INPUT_NORMALIZATIONS
from advisor.builder.serving import Serving, serve_columns
from advisor.builder.spread import spread
from advisor.errors import BuildError, Finding

NUMBERS = "numbers"
MISSING = "missing"
ONE_HOT = "one_hot"
EMBEDDINGS = "embeddings"
JOINED = "prepared"
CROSSES = "crosses"
WIDE = "wide_inputs"
CODES_OF_BOOLEAN = RESERVED_CODES + 2


def fit_inputs(x_train: Array, spec: InputSpec) -> tuple[Array, Array, Array]:
    """Learn mean, scale and has_missing of each column, in float64.

    Raises:
        BuildError: If there are no rows, the width differs, or an input is infinite.
    """
    columns = spec.columns
    check_columns(columns)
    _check_rows(x_train, columns)
    mean, scale = np.zeros(len(columns)), np.ones(len(columns))
    has_missing = np.zeros(len(columns), dtype=bool)
    for index, column in enumerate(columns):
        values = x_train[:, index]
        if column.kind == CODE_KIND:
            has_missing[index] = bool(np.any(values == MISSING_CODE))
            continue
        absent = np.isnan(values)
        has_missing[index] = bool(absent.any())
        present = values[~absent].astype(np.float64)
        if not present.size:
            continue
        mean[index] = present.mean()
        if not is_bounded(column):
            scale[index] = spread(present)
    return mean, scale, has_missing


def _check_rows(x: Array, columns: Sequence[EncodedColumn]) -> None:
    if x.ndim != 2 or x.shape[1] != len(columns) or not len(x):
        raise BuildError(
            Finding("B105", "", f"the training rows have shape {x.shape}, wanted (rows, {len(columns)}) with a row.")
        )
    infinite = np.isinf(x).any(axis=0)
    if infinite.any():
        names = ", ".join(repr(columns[int(index)].name) for index in np.flatnonzero(infinite)[:5])
        raise BuildError(
            Finding("B108", names, "infinite values can't be standardized.", "Replace them, or make them missing.")
        )


def draw_up_preparation(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Prepare:
    """Decide where every column goes, and return the function that appends the preparation.

    Numbers are imputed by their training mean and standardized (booleans and cyclic parts of dates stay as they are),
    columns with missing values in training get a flag, categories become one-hot slots or embeddings.

    Raises:
        BuildError: If columns and statistics do not belong together.
    """
    columns = spec.columns
    layout = lay_out(columns, statistics, blueprint.categorical_encoding_limit, blueprint.embedding_size)
    return lambda keras, features: _prepare(keras, features, columns, statistics, layout, blueprint)


def draw_up_wide(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Wide | None:
    """Return the function that appends what was chosen for the wide path; None where it reads all inputs.

    Raises:
        BuildError: If the architecture has no wide path, or the number of buckets isn't decided.
    """
    chosen = spec.details.get("wide")
    if not chosen:
        return None
    if not blueprint.wide_path:
        raise BuildError(
            Finding(
                "B102",
                "architecture",
                f"{blueprint.architecture} has no wide path, and columns or crosses were chosen for one.",
                "Leave the choice out, or take wide_and_deep.",
            )
        )
    if chosen["crosses"] and not blueprint.cross_buckets:
        raise BuildError(Finding("B101", "cross_buckets", "the recommendation does not decide this slot."))
    columns = spec.columns
    layout = lay_out(columns, statistics, blueprint.categorical_encoding_limit, blueprint.embedding_size)
    sources = {each.source for each in columns} if chosen["columns"] is None else set(chosen["columns"])
    inputs = layout.inputs_of(columns, sources)
    crosses = _crosses_of(columns, chosen["crosses"], blueprint.cross_buckets)

    def append(keras: Namespace, features: Tensor, prepared: Tensor) -> list[Tensor]:
        layers = layer_classes(keras)
        found = [layers.picked(columns=inputs, name=WIDE)(prepared)] if inputs else []
        if crosses:
            found.append(layers.crosses(**crosses, size=blueprint.outputs, name=CROSSES)(features))
        return found

    return append


def _crosses_of(columns: Sequence[EncodedColumn], names: Sequence[Sequence[str]], most: int) -> dict[str, Any]:
    """Return the settings of the layer of crosses; empty without any."""
    if not names:
        return {}
    place = {column.source: index for index, column in enumerate(columns)}
    crosses = [[place[name] for name in cross] for cross in names]
    is_code = [[columns[index].kind == CODE_KIND for index in cross] for cross in crosses]
    codes = [
        [columns[index].cardinality if code else CODES_OF_BOOLEAN for index, code in zip(cross, kinds, strict=True)]
        for cross, kinds in zip(crosses, is_code, strict=True)
    ]
    shifts = [[0 if code else RESERVED_CODES for code in kinds] for kinds in is_code]
    return {
        "crosses": crosses,
        "codes": codes,
        "shifts": shifts,
        "buckets": [min(math.prod(each), most) for each in codes],
    }


def build_serving(core: Model, spec: InputSpec) -> Serving:
    """Put a model for raw columns around the core; see :func:`advisor.builder.serving.serve_columns`."""
    return serve_columns(core, spec.raw)


def _prepare(
    keras: Namespace,
    inputs: Tensor,
    columns: Sequence[EncodedColumn],
    statistics: Statistics,
    layout: Layout,
    blueprint: Blueprint,
) -> Tensor:
    """Append preprocessing: numbers, flags, one-hot slots and embeddings, joined in this order."""
    layers = layer_classes(keras)
    parts = []
    if layout.numbers:
        chosen = list(layout.numbers)
        bounded = np.array([is_bounded(columns[index]) for index in chosen])
        parts.append(
            INPUT_NORMALIZATIONS["standardize"](
                keras,
                columns=chosen,
                fill=floats(statistics.mean[chosen]),
                center=floats(np.where(bounded, 0.0, statistics.mean[chosen])),
                factor=floats(np.where(bounded, 1.0, 1.0 / statistics.scale[chosen])),
                name=NUMBERS,
            )(inputs)
        )
    if layout.flags:
        parts.append(layers.missing_flags(columns=layout.flags, name=MISSING)(inputs))
    if layout.slots:
        of, codes = zip(*layout.slots, strict=True)
        parts.append(layers.one_hot(columns=of, codes=codes, name=ONE_HOT)(inputs))
    if layout.embedded:
        parts.append(
            layers.embeddings(
                columns=[each.column for each in layout.embedded],
                codes=[each.codes for each in layout.embedded],
                sizes=[each.size for each in layout.embedded],
                seeds=[blueprint.seed_of(f"{EMBEDDINGS}/{each.column}") for each in layout.embedded],
                name=EMBEDDINGS,
            )(inputs)
        )
    if len(parts) == 1:
        return parts[0]
    return keras.layers.Concatenate(name=JOINED)(parts)
