"""Layers of another recurrent network, matched to the user's own series or texts.

They begin the recommended network, so they must be of its form: the same cell, width and size of embeddings. Layers
are matched from the input upwards, and the first one of another form ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advisor.artifacts import Array, InputSpec, PretrainedBody, Statistics
from advisor.builder import EMBEDDED_TOKENS, STANDARDIZED_STEPS, token_kinds
from advisor.data.text_tokens import FIRST_TOKEN_CODE
from advisor.errors import Finding, RequestError

if TYPE_CHECKING:
    from advisor.pipeline.work import Work

FRESH = -1
_OPTIONS = {"reuse": "--pretrained", "auxiliary": "--auxiliary"}
SHOWN = 5
Places = NDArray[np.int64]


def carry_over_steps(work: Work, kind: str, title: str, network: Any, spec: InputSpec) -> PretrainedBody:
    """Match the lower layers of a recurrent network of ours to the user's own inputs.

    Channels of series and tokens of texts are matched by name; what only the user's data have begins fresh. A forecast
    reads every channel by itself, so only the length of its segments must be the same.

    Args:
        work: The user's data and the recommended network.
        kind: ``reuse`` or ``auxiliary``.
        title: What the source is called.
        network: Its network for encoded rows.
        spec: What it reads.

    Raises:
        RequestError: If nothing can be matched.
    """
    own = work.prepared.encoder.inputs
    weights: dict[str, tuple[Array, ...]] = {}
    statistics: Statistics | None = None
    if own.kind == "text":
        places, tables, note = _match_tokens(title, network, spec, own, work.values["embedding_size"], _OPTIONS[kind])
        weights[EMBEDDED_TOKENS] = tables
    else:
        places, note = match_series(title, spec, own, _OPTIONS[kind])
        if "horizon" not in own.details:
            statistics = _as_there(work.prepared.statistics, network.get_layer(STANDARDIZED_STEPS), places)
    fresh = {layer.name: layer for layer in work.build(statistics=statistics).layers}
    theirs = {layer.name: layer for layer in network.layers}
    names = []
    for index in count(1):
        name = f"recurrent_{index}"
        if name not in theirs or name not in fresh:
            break
        found = _carried(theirs[name], places if index == 1 else None)
        if [each.shape for each in found] != [each.shape for each in fresh[name].get_weights()]:
            break
        names.append(name)
        weights[name] = found
        normalization = f"normalization_{index}"
        if normalization in theirs and normalization in fresh:
            weights[normalization] = tuple(theirs[normalization].get_weights())
    if not names:
        first = "recurrent_1"
        raise RequestError(
            Finding(
                "R207",
                _OPTIONS[kind],
                f"{title} begins with {_form(theirs.get(first))}, the recommended network with "
                f"{_form(fresh.get(first))}.",
                "Give a run whose recurrent layers are of the recommended form.",
            )
        )
    return PretrainedBody(
        kind=kind, title=title, layers=tuple(names), weights=weights, statistics=statistics, notes=(note,)
    )


def match_series(title: str, spec: InputSpec, own: InputSpec, option: str) -> tuple[Places, str]:
    """Return for each number of a step its place in the source, ``FRESH`` where there is none, and a note.

    Args:
        title: What the source is called.
        spec: What it reads.
        own: What the user's own network reads.
        option: The option with which the source was given, for errors.

    Raises:
        RequestError: If nothing can be matched.
    """
    forecasts = tuple("horizon" in each.details for each in (spec, own))
    if forecasts[0] != forecasts[1]:
        theirs, mine = ("forecasts steps" if each else "gives each series a label" for each in forecasts)
        message = f"{title} {theirs}, your network {mine}."
        raise RequestError(Finding("R205", option, message, "Both must forecast (--horizon), or neither."))
    return _match_segments(title, spec, own, option) if forecasts[0] else _match_channels(title, spec, own, option)


def _match_channels(title: str, spec: InputSpec, own: InputSpec, option: str) -> tuple[Places, str]:
    theirs, mine = list(spec.details["channels"]), list(own.details["channels"])
    places = np.array([theirs.index(name) if name in theirs else FRESH for name in mine])
    if (places == FRESH).all():
        raise _nothing_in_common(title, "channels", theirs, mine, option)
    if theirs == mine:
        return places, "Its channels are the same as yours."
    fresh = [name for name, place in zip(mine, places, strict=True) if place == FRESH]
    more = f"; fresh weights for {_listed(fresh)}" if fresh else ""
    return places, f"{int((places != FRESH).sum())} of your {len(mine)} channels are matched by name{more}."


def _match_segments(title: str, spec: InputSpec, own: InputSpec, option: str) -> tuple[Places, str]:
    segments = int(spec.details["segment"]), int(own.details["segment"])
    if segments[0] != segments[1]:
        raise RequestError(
            Finding(
                "R207",
                option,
                f"{title} reads windows in segments of {segments[0]} steps, yours are cut into {segments[1]}.",
                "Give one whose series have the same season.",
            )
        )
    return np.arange(segments[1]), "It reads each channel by itself, in segments as long as yours."


def _match_tokens(
    title: str, network: Any, spec: InputSpec, own: InputSpec, size: int, option: str
) -> tuple[Places, tuple[Array, ...], str]:
    """Return the places of the embeddings' numbers, and a table for each kind of token with NaN for new tokens."""
    layer = network.get_layer(EMBEDDED_TOKENS)
    if layer.size != size:
        raise RequestError(
            Finding(
                "R207",
                option,
                f"{title} has {layer.size} numbers for a token, the recommended network {size}.",
                "Give a run whose embeddings are of the recommended size.",
            )
        )
    known = {
        name: (index, np.asarray(table))
        for index, (name, table) in enumerate(zip(token_kinds(spec), layer.get_weights(), strict=True))
        if name != "beginnings" or spec.details.get("letters") == own.details.get("letters")
    }
    places, tables, matched = [], [], 0
    for name in token_kinds(own):
        mine = own.details[name]
        table = np.full((FIRST_TOKEN_CODE + len(mine), size), np.nan, np.float32)
        if name in known:
            index, theirs = known[name]
            codes = {token: code for code, token in enumerate(spec.details[name], FIRST_TOKEN_CODE)}
            from_there = np.array([*range(FIRST_TOKEN_CODE), *(codes.get(token, FRESH) for token in mine)])
            table[from_there != FRESH] = theirs[from_there[from_there != FRESH]]
            matched += int((from_there[FIRST_TOKEN_CODE:] != FRESH).sum())
            places.append(index * size + np.arange(size))
        else:
            places.append(np.full(size, FRESH))
        tables.append(table)
    count = sum(len(own.details[name]) for name in token_kinds(own))
    if not matched:
        raise _nothing_in_common(title, "tokens", spec.details["words"], own.details["words"], option)
    return np.concatenate(places), tuple(tables), f"{matched:,} of your {count:,} tokens are known to it."


def _as_there(own: Statistics, layer: Any, places: Places) -> Statistics:
    """Return the statistics with which the source's layers are used to read the channels in common."""
    there = places != FRESH
    mean, scale = np.array(own.mean, np.float64), np.array(own.scale, np.float64)
    mean[there] = np.asarray(layer.center, np.float64)[places[there]]
    scale[there] = 1.0 / np.asarray(layer.factor, np.float64)[places[there]]
    return replace(own, mean=mean, scale=scale)


def _carried(layer: Any, places: Places | None) -> tuple[Array, ...]:
    """Return a recurrent layer's arrays; the kernels for its inputs are put in the order of the user's own."""
    arrays = [np.asarray(each) for each in layer.get_weights()]
    if places is None:
        return tuple(arrays)
    directions = 2 if hasattr(layer, "backward_layer") else 1
    for index in range(0, len(arrays), len(arrays) // directions):
        kernel = np.full((len(places), arrays[index].shape[1]), np.nan, arrays[index].dtype)
        kernel[places != FRESH] = arrays[index][places[places != FRESH]]
        arrays[index] = kernel
    return tuple(arrays)


def _form(layer: Any) -> str:
    if layer is None:
        return "no recurrent layer"
    cell = getattr(layer, "forward_layer", layer)
    both = " in both directions" if cell is not layer else ""
    return f"{cell.units} {type(cell).__name__} units{both}"


def _nothing_in_common(title: str, what: str, theirs: Sequence[str], mine: Sequence[str], option: str) -> RequestError:
    return RequestError(
        Finding(
            "R205",
            option,
            f"{title} reads none of your {what}: it knows {_listed(theirs)}, you have {_listed(mine)}.",
            "Give one for data like yours.",
        )
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def lower(weights: Mapping[str, tuple[Array, ...]], layers: Sequence[str], kept: int) -> dict[str, tuple[Array, ...]]:
    """Return the weights below the first layer that isn't kept.

    Args:
        weights: Layer's name → its arrays, in order from the input.
        layers: The layers that may be kept, in the same order.
        kept: How many are.
    """
    names = list(weights)
    if kept < len(layers):
        names = names[: names.index(layers[kept])]
    return {name: weights[name] for name in names}
