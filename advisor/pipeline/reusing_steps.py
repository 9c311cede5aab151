"""Layers of another recurrent network, matched to the user's own series or texts.

They keep their own configuration: cell, width, directions, what normalizes them, and the size of embeddings. They are
taken from the input upwards; the first one that can't be made again ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advisor.artifacts import Array, InputSpec, PretrainedBody, Statistics
from advisor.builder import EMBEDDED_TOKENS, StepForm, token_kinds
from advisor.data.text_tokens import FIRST_TOKEN_CODE
from advisor.errors import Finding, RequestError
from advisor.pipeline.step_network import StepNetwork

if TYPE_CHECKING:
    from advisor.pipeline.work import Work

FRESH = -1
_OPTIONS = {"reuse": "--pretrained", "auxiliary": "--auxiliary"}
SHOWN = 5
USUAL = {
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "use_bias": True,
    "reset_after": True,
    "go_backwards": False,
    "merge_mode": "concat",
    "center": True,
    "scale": True,
    "rms_scaling": False,
    "epsilon": 1e-3,
}
"""Settings of every layer that is made here; a network of others may have other ones."""
CELLS = {"GRU": "gru", "LSTM": "lstm", "SimpleRNN": "simple_rnn"}
NORMALIZATIONS = {"LayerNormalization": "layer_normalization", "BatchNormalization": "batch_normalization"}
Places = NDArray[np.int64]


def carry_over_steps(work: Work, kind: str, title: str, source: StepNetwork) -> PretrainedBody:
    """Match the lower layers of a recurrent network to the user's own inputs.

    Channels of series and tokens of texts are matched by name; what only the user's data have begins fresh. Where
    nothing names the channels, they are matched in their order. A forecast reads every channel by itself, so only the
    length of its segments must be the same. The layers keep their own configuration.

    Args:
        work: The user's data and the recommended network.
        kind: ``reuse`` or ``auxiliary``.
        title: What the source is called.
        source: Its layers, and what it reads.

    Raises:
        RequestError: If nothing can be matched.
    """
    own, theirs = work.prepared.encoder.inputs, source.layers
    weights: dict[str, tuple[Array, ...]] = {}
    statistics: Statistics | None = None
    settings: dict[str, Any] = {}
    places: Places | None
    if own.kind == "text":
        places, tables, note = _match_tokens(title, source, own, _OPTIONS[kind])
        weights[EMBEDDED_TOKENS] = tables
        settings["embedding_size"] = tables[0].shape[1]
    else:
        places, note = match_series(title, source.spec, own, _OPTIONS[kind])
        if source.scaling is not None:
            statistics = _as_there(work.prepared.statistics, *source.scaling, places)
    notes = [note]
    if own.kind == "series" and not source.spec.details:
        how = "with your training rows, for it scales none" if source.scaling is None else "as its own layers do it"
        notes.append(f"Your channels are standardized {how}.")
    forms: list[StepForm] = []
    for index in count(1):
        name, normalization = f"recurrent_{index}", theirs.get(f"normalization_{index}")
        if name not in theirs or _unusual(theirs[name]):
            break
        taken = None if normalization is None or _unusual(normalization) else normalization
        forms.append(_form_of(theirs[name], taken))
        weights[name] = _carried(theirs[name], places)
        places = None
        if taken is not None:
            weights[f"normalization_{index}"] = tuple(taken.get_weights())
        if taken is not normalization:
            break
    if not forms:
        first = theirs.get("recurrent_1")
        begins = "no recurrent layer" if first is None else f"{_in_words(first)}, which isn't built here"
        raise RequestError(
            Finding(
                "R207",
                _OPTIONS[kind],
                f"{title} begins with {begins}.",
                "Give one that begins with GRU, LSTM or SimpleRNN layers with Keras's usual settings.",
            )
        )
    layers = tuple(f"recurrent_{index}" for index in range(1, len(forms) + 1))
    described = ", ".join(f"{name} ({_in_words(theirs[name])})" for name in layers)
    notes.append(f"Its layers keep their configuration: {described}.")
    return PretrainedBody(
        kind=kind,
        title=title,
        layers=layers,
        weights=weights,
        statistics=statistics,
        forms=tuple(forms),
        settings=settings,
        notes=tuple(notes),
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
    if "channels" not in spec.details:
        return _match_in_order(title, spec, own, option)
    theirs, mine = list(spec.details["channels"]), list(own.details["channels"])
    places = np.array([theirs.index(name) if name in theirs else FRESH for name in mine])
    if (places == FRESH).all():
        raise _nothing_in_common(title, "channels", theirs, mine, option)
    if theirs == mine:
        return places, "Its channels are the same as yours."
    fresh = [name for name, place in zip(mine, places, strict=True) if place == FRESH]
    more = f"; fresh weights for {_listed(fresh)}" if fresh else ""
    return places, f"{int((places != FRESH).sum())} of your {len(mine)} channels are matched by name{more}."


def _match_in_order(title: str, spec: InputSpec, own: InputSpec, option: str) -> tuple[Places, str]:
    theirs, mine = spec.shape[-1], own.details["channels"]
    if theirs != len(mine):
        raise RequestError(
            Finding(
                "R205",
                option,
                f"{title} reads {theirs} channels, yours are {len(mine)}: {_listed(mine)}.",
                "Give one for as many channels, or a run folder, where channels are matched by name.",
            )
        )
    note = f"It says nothing of names: its channels are taken for yours in their order, {', '.join(mine)}."
    return np.arange(theirs), note


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
    title: str, source: StepNetwork, own: InputSpec, option: str
) -> tuple[Places, tuple[Array, ...], str]:
    """Return the places of the embeddings' numbers, and a table for each kind of token with NaN for new tokens."""
    spec, there = source.spec, [np.asarray(table) for table in source.layers[EMBEDDED_TOKENS].get_weights()]
    size = there[0].shape[1]
    known = {
        name: (index, table)
        for index, (name, table) in enumerate(zip(token_kinds(spec), there, strict=True))
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


def _as_there(own: Statistics, center: Array, factor: Array, places: Places) -> Statistics:
    """Return the statistics with which the source's layers are used to read the channels in common."""
    there = places != FRESH
    mean, scale = np.array(own.mean, np.float64), np.array(own.scale, np.float64)
    mean[there] = center[places[there]]
    scale[there] = 1.0 / factor[places[there]]
    return replace(own, mean=mean, scale=scale)


def _carried(layer: Any, places: Places | None) -> tuple[Array, ...]:
    """Return a recurrent layer's arrays; the kernels for its inputs are put in the order of the user's own."""
    arrays = [np.asarray(each) for each in layer.get_weights()]
    if places is None:
        return tuple(arrays)
    for index in range(0, len(arrays), len(arrays) // _directions(layer)):
        kernel = np.full((len(places), arrays[index].shape[1]), np.nan, arrays[index].dtype)
        kernel[places != FRESH] = arrays[index][places[places != FRESH]]
        arrays[index] = kernel
    return tuple(arrays)


def _form_of(layer: Any, normalization: Any) -> StepForm:
    cell = getattr(layer, "forward_layer", layer)
    behind = "none" if normalization is None else NORMALIZATIONS[type(normalization).__name__]
    return StepForm(CELLS[type(cell).__name__], cell.units, _directions(layer) == 2, behind)


def _directions(layer: Any) -> int:
    return 2 if hasattr(layer, "backward_layer") else 1


def _unusual(layer: Any) -> list[str]:
    """Return the settings of a layer that it wouldn't have if it were made here."""
    cell = getattr(layer, "forward_layer", layer)
    settings = {**cell.get_config(), "merge_mode": getattr(layer, "merge_mode", USUAL["merge_mode"])}
    return [f"{name} {settings[name]}" for name, usual in USUAL.items() if settings.get(name, usual) != usual]


def _in_words(layer: Any) -> str:
    cell = getattr(layer, "forward_layer", layer)
    others = _unusual(layer)
    directions = " in both directions" if _directions(layer) == 2 else ""
    return f"{cell.units} {type(cell).__name__} units{directions}" + (f", {', '.join(others)}" if others else "")


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
