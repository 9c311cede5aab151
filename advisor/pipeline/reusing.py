"""The way ``reuse``: the lower layers of a pretrained network, matched to the user's own inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from advisor.artifacts import Array, InputSpec, PretrainedBody, Statistics
from advisor.builder import Trunk, carried_statistics, carried_tables, carried_weights, end_of_preparation, table_inputs
from advisor.errors import Finding, RequestError
from advisor.pipeline.reusing_steps import carry_over_steps
from advisor.pipeline.step_network import STEP_KINDS
from advisor.pipeline.work import Work

EMBEDDINGS = "embeddings"
STANDARDIZED = "standardized"
SHOWN = 6


def pretrained_body(work: Work) -> PretrainedBody:
    """Return the layers of the network that the user gave, matched to the user's own inputs.

    Raises:
        RequestError: If the inputs can't be matched.
    """
    source = work.prepared.others.pretrained
    assert source is not None  # the stage asks only for what is there
    if work.prepared.encoder.inputs.kind in STEP_KINDS:
        assert source.steps is not None  # others are refused when the data are read
        return carry_over_steps(work, "reuse", source.title, source.steps)
    trunk = source.trunk
    assert trunk is not None  # only a network for steps has none
    if source.spec is not None:
        body = carry_over(work, "reuse", source.title, source.network, trunk, source.spec, source.categories)
    elif source.start == STANDARDIZED and work.prepared.encoder.inputs.kind == "image":
        _check_channels(work, source.network.get_layer(source.start), source.title)
        body = _of_pictures(work, "reuse", source.title, source.network, trunk)
    else:
        body = _by_shape(work, trunk, source.title)
    return replace(body, notes=(*body.notes, f"Its layers keep their configuration: {trunk.describe()}."))


def carry_over(
    work: Work,
    kind: str,
    title: str,
    network: Any,
    trunk: Trunk,
    spec: InputSpec,
    categories: Mapping[str, Sequence[str]],
) -> PretrainedBody:
    """Match the layers of a network of ours to the user's own inputs.

    Columns in common are matched by name, categories by their labels. They are standardized as the source's layers are
    used to; the first layers' rows of other columns stay fresh.

    Args:
        work: The user's data and the recommended network.
        kind: ``reuse`` or ``auxiliary``.
        title: What the source is called.
        network: Its network for encoded rows.
        trunk: The same network, readable.
        spec: What it reads.
        categories: Raw column → its categories in the order of their codes.
    """
    if spec.kind == "image":
        return _of_pictures(work, kind, title, network, trunk)
    own = work.prepared.encoder.inputs
    theirs = table_inputs(network, spec, categories)
    statistics = carried_statistics(own, work.prepared.statistics, theirs)
    fresh = work.build(statistics=statistics)
    labels = categories_of(work.prepared.encoder)
    mine = table_inputs(fresh, own, labels)
    common = [key for key in mine.keys if key in set(theirs.keys)]
    if not common:
        raise RequestError(
            Finding("R205", "--pretrained", f"{title} has no input in common with your data.", "Give another network.")
        )
    weights = carried_weights(trunk, theirs.keys, mine.keys)
    tables = carried_tables(fresh, own, labels, theirs)
    if tables:
        weights[EMBEDDINGS] = tables
    return PretrainedBody(
        kind=kind,
        title=title,
        layers=trunk.cuts[-1].kernels,
        weights=weights,
        statistics=statistics,
        network=trunk,
        notes=(_matched(theirs.keys, mine.keys),),
    )


def categories_of(encoder: Any) -> dict[str, tuple[str, ...]]:
    """Return a table's categorical columns and their categories in the order of their codes."""
    return {each.name: each.categories for each in encoder.schema.features if each.kind == "categorical"}


def _matched(theirs: Sequence[tuple[Any, ...]], mine: Sequence[tuple[Any, ...]]) -> str:
    if tuple(theirs) == tuple(mine):
        return "Its inputs are the same as yours."
    common = set(theirs) & set(mine)
    fresh = [_named(key) for key in mine if key not in common]
    unused = [_named(key) for key in theirs if key not in common]
    parts = [f"{len(common)} of your {len(mine)} inputs are matched by name"]
    if fresh:
        parts.append(f"fresh weights for {_list(fresh)}")
    if unused:
        parts.append(f"left out: {_list(unused)}")
    return "; ".join(parts) + "."


def _named(key: tuple[Any, ...]) -> str:
    what, column, *rest = key
    return {
        "number": f"{column}",
        "missing": f"whether {column} is missing",
        "category": f"{column}={rest[0] if rest else ''}",
        "embedding": f"{column} (embedded)",
    }[str(what)]


def _list(names: list[str]) -> str:
    distinct = list(dict.fromkeys(names))
    more = len(distinct) - SHOWN
    return ", ".join(distinct[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _of_pictures(work: Work, kind: str, title: str, network: Any, trunk: Trunk) -> PretrainedBody:
    layer = network.get_layer(trunk.start)
    own: Statistics = work.prepared.statistics
    statistics = replace(
        own, mean=np.asarray(layer.center, np.float64), scale=1.0 / np.asarray(layer.factor, np.float64)
    )
    return PretrainedBody(
        kind=kind,
        title=title,
        layers=trunk.cuts[-1].kernels,
        weights=_weights(trunk),
        statistics=statistics,
        network=trunk,
        notes=("Its pictures have the channels of yours, and yours are standardized as they were.",),
    )


def _check_channels(work: Work, layer: Any, title: str) -> None:
    channels = work.prepared.encoder.inputs.shape[-1]
    if len(layer.center) != channels:
        raise RequestError(
            Finding(
                "R207",
                "--pretrained",
                f"{title} reads pictures of {len(layer.center)} channels, yours have {channels}.",
                "Give a network for pictures like yours.",
            )
        )


def _by_shape(work: Work, trunk: Trunk, title: str) -> PretrainedBody:
    """Match a network of which nothing is known but its shapes."""
    own = work.prepared.encoder.inputs
    core = work.build()
    start = end_of_preparation(core)
    prepared = own.shape if trunk.reads_raw or start is None else tuple(core.get_layer(start).output.shape[1:])
    if trunk.reads_raw and own.kind == "table" and not _only_numbers(own, work.prepared.statistics):
        raise RequestError(
            Finding(
                "R207",
                "--pretrained",
                f"{title} scales its inputs itself, so it can only be given columns of numbers without missing values.",
                "Give the run folder of a network for your columns.",
            )
        )
    known = all(each is not None for each in trunk.shape)
    if not known or len(trunk.shape) == 0 or prod(trunk.shape) != prod(prepared) or not _alike(trunk.shape, prepared):
        shapes = " x ".join(map(str, trunk.shape)), " x ".join(map(str, prepared))
        raise RequestError(
            Finding(
                "R207",
                "--pretrained",
                f"{title} reads rows of {shapes[0]} numbers, yours have {shapes[1]} once they are encoded.",
                "Give a network for rows of the same shape; a run folder is matched column by column.",
            )
        )
    how = "the values as they are, which it scales itself" if trunk.reads_raw else "the standardized inputs"
    return PretrainedBody(
        kind="reuse",
        title=title,
        layers=trunk.cuts[-1].kernels,
        weights=_weights(trunk),
        network=trunk,
        notes=(f"A .keras file says nothing of columns: it was matched by shape, and reads {how}.",),
    )


def _alike(theirs: tuple[int, ...], mine: tuple[int, ...]) -> bool:
    """Return whether two shapes differ by axes of length one only, or one is laid out in a line."""
    squeezed = [tuple(each for each in shape if each != 1) for shape in (theirs, mine)]
    return squeezed[0] == squeezed[1] or min(map(len, squeezed)) <= 1


def _only_numbers(spec: InputSpec, statistics: Statistics) -> bool:
    return all(each.kind in ("numeric", "boolean") for each in spec.columns) and not statistics.has_missing.any()


def _weights(trunk: Trunk) -> dict[str, tuple[Array, ...]]:
    found = {
        name: tuple(np.asarray(each) for each in trunk.layer(name).get_weights())
        for name in trunk.below(trunk.cuts[-1])
    }
    return {name: arrays for name, arrays in found.items() if arrays}
