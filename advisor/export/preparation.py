"""The preprocessing of a core as plain numbers, for files that begin behind it, and the units of what they answer.

A file whose arithmetic is all in integers can't hold the preprocessing: raw columns differ by orders of magnitude, and
256 levels for all of them together would leave nothing of the small ones. Nor can it answer in the target's unit: its
levels always reach to zero, so that targets between 420 and 500 would have a sixth of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import ArtifactError, Finding

KerasModel = Any
_KINDS = ("numbers", "missing", "one_hot")
"""Layers of a table's preprocessing, and the kinds of the parts that they become."""
EMBEDDINGS = "embeddings"
TARGET_UNITS = "target_units"
_FORECASTS = "forecasts"
MOST_CODES = 4096
"""Codes of embedded columns together. Each takes a number of the prepared row, and so a byte of a microcontroller's
memory, of which it has some ten to some hundred thousand (judgement)."""
_CHANNELS: Mapping[str, str] = {"standardized": "pictures", "standardized_steps": "series"}
"""The layer that standardizes the channels of pictures or series → the kind of the part that it becomes."""


@dataclass(frozen=True)
class Preparation:
    """What happens to an encoded row before the first trained layer.

    Attributes:
        parts: Blocks of prepared inputs, in order; each has a ``kind`` (numbers, missing, one_hot), its ``columns``,
            and for numbers ``fill``, ``center`` and ``factor``, for one_hot ``codes``. Embedded categories are one_hot
            too: their tables are the kernels of the first layers behind. Pictures and series are one part of the kind
            ``pictures`` or ``series``, with their ``shape`` and ``center`` and ``factor`` of each channel; each step of
            a prepared series ends with a 1, or a 0 where it is padding (all its values NaN). The windows of forecasts
            are one part of the kind ``windows``: each channel is an input by itself, its changes since its last value
            times its ``factor``, cut into segments of ``segment`` steps; what is answered for it is turned into values
            by its ``spread``. A regression's last part is of the kind ``target_units``: what the file answers is
            multiplied by its ``scale``, and its ``shift`` is added.
    """

    parts: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, core: KerasModel) -> tuple[Preparation, KerasModel] | None:
        """Cut a core where preprocessing ends, and before its answers get the units of the target.

        Returns:
            The preprocessing, and the rest of the model, which shares its weights except for tables of embeddings. None
            for texts, for crosses, and where there are more than :data:`MOST_CODES` codes.
        """
        layers = {layer.name: layer for layer in core.layers}
        if _FORECASTS in layers:
            return _of_forecast(core, layers["segments"], layers[_FORECASTS])
        if TARGET_UNITS in layers:
            units = layers[TARGET_UNITS]
            found = cls.of(type(core)(core.inputs[0], units.input, name="core"))
            settings = {each: list(units.get_config()[each]) for each in _SETTINGS[TARGET_UNITS]}
            return found and (cls((*found[0].parts, {"kind": TARGET_UNITS, **settings})), found[1])
        for name, kind in _CHANNELS.items():
            if name in layers and len(layers[name].output.shape) == len(layers[name].input.shape) > 2:
                shape = [int(size) for size in layers[name].input.shape[1:]]
                settings = {each: list(layers[name].get_config()[each]) for each in ("center", "factor")}
                rest = type(core)(layers[name].output, core.outputs[0], name="rest")
                return cls(({"kind": kind, "shape": shape, **settings},)), rest
        if "crosses" in layers or not any(kind in layers for kind in (*_KINDS, EMBEDDINGS)):
            return None
        parts = [
            {"kind": kind, **{k: v for k, v in layers[kind].get_config().items() if k in _SETTINGS[kind]}}
            for kind in _KINDS
            if kind in layers
        ]
        cut = next(name for name in ("prepared", *_KINDS, EMBEDDINGS) if name in layers)
        rest = type(core)(layers[cut].output, core.outputs[0], name="rest")
        if EMBEDDINGS in layers:
            embeddings = layers[EMBEDDINGS]
            if sum(embeddings.codes) > MOST_CODES:
                return None
            parts.append(_each_code(embeddings))
            rest = _with_tables(rest, embeddings)
        return cls(tuple(parts)), rest

    @classmethod
    def from_dict(cls, document: Any) -> Preparation:
        """Read it back from a run's contract.

        Raises:
            ArtifactError: If it isn't understood.
        """
        if not isinstance(document, list) or not all(
            isinstance(part, dict) and set(_SETTINGS.get(part.get("kind", ""), {"?"})) <= set(part) for part in document
        ):
            raise ArtifactError(Finding("A107", "preparation", "the contract's preprocessing isn't understood."))
        return cls(tuple(document))

    def to_dict(self) -> list[dict[str, Any]]:
        """Return it JSON-ready."""
        return [dict(part) for part in self.parts]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one encoded row, as far as it is used."""
        if "shape" in self.parts[0]:
            return tuple(self.parts[0]["shape"])
        return (1 + max(int(column) for part in self.parts for column in part.get("columns", ())),)

    def compile(self) -> Any:
        """Return a function from encoded rows, float32 (n, width) or (n, …, channels), to prepared ones."""
        steps = [_STEPS[part["kind"]](part) for part in self.parts if part["kind"] in _STEPS]
        if len(steps) == 1:
            return steps[0]
        return lambda rows: np.concatenate([step(rows) for step in steps], axis=1)

    @property
    def takes_apart(self) -> bool:
        """Whether a row becomes several inputs, one for each channel: see :meth:`finish`."""
        return bool(self.parts[0]["kind"] == "windows")

    @property
    def inputs_of_row(self) -> int:
        """Number of inputs that one row becomes: the channels of a forecast, else 1."""
        return int(self.shape[-1]) if self.takes_apart else 1

    @cached_property
    def _units(self) -> tuple[Array, Array] | None:
        """Scale and shift of the answers; None where the file answers in the units of the target."""
        last = self.parts[-1]
        if last["kind"] != TARGET_UNITS:
            return None
        return np.asarray(last["scale"], np.float32), np.asarray(last["shift"], np.float32)

    def finish(self, rows: Array, answers: Array) -> Array:
        """Return the answers for rows from those for their inputs.

        Args:
            rows: Encoded rows, float32 (n, …).
            answers: What the file says of each input, float32 (n · inputs of a row, numbers).

        Returns:
            float32 (n, outputs): for windows the values of each step, channel by channel; else the answers in the
            units of the target.
        """
        if self._units is not None:
            scale, shift = self._units
            return answers * scale + shift
        if not self.takes_apart:
            return answers
        changes = answers.reshape(len(rows), self.inputs_of_row, -1).transpose(0, 2, 1)
        values = changes * np.asarray(self.parts[0]["spread"], np.float32) + rows[:, -1:, :]
        return np.ascontiguousarray(values.reshape(len(rows), -1))


def _of_forecast(core: KerasModel, segments: Any, forecasts: Any) -> tuple[Preparation, KerasModel]:
    """Cut a forecast between what takes its windows apart and what puts the answers for its channels together."""
    settings = segments.get_config()
    part = {
        "kind": "windows",
        "shape": [int(size) for size in segments.input.shape[1:]],
        "factor": list(settings["factor"]),
        "segment": settings["segment"],
        "spread": list(forecasts.get_config()["spread"]),
    }
    return Preparation((part,)), type(core)(segments.output, forecasts.input[0], name="rest")


def _each_code(embeddings: Any) -> dict[str, Any]:
    """Return the part that has a number for every code of every embedded column."""
    pairs = [
        (column, code)
        for column, count in zip(embeddings.columns, embeddings.codes, strict=True)
        for code in range(count)
    ]
    columns, codes = zip(*pairs, strict=True)
    return {"kind": "one_hot", "columns": list(columns), "codes": list(codes)}


def _with_tables(rest: KerasModel, embeddings: Any) -> KerasModel:
    """Put a layer before the rest that has the tables of embeddings as kernels.

    What is looked up for a category is the product of its one-hot numbers with the table, which exists in 8 bits.
    The encoder gives codes that are there only, so that none has no row. The rest isn't one layer behind the tables but
    layer by layer, so that each can be compressed.
    """
    import keras

    plain = rest.inputs[0].shape[-1] - sum(embeddings.sizes)
    inputs = keras.Input((plain + sum(embeddings.codes),), name="prepared_codes")
    parts = [inputs[:, :plain]] if plain else []
    tables, first = {}, plain
    for column, codes, size, table in zip(
        embeddings.columns, embeddings.codes, embeddings.sizes, embeddings.get_weights(), strict=True
    ):
        name = f"embedding_{column}"
        parts.append(keras.layers.Dense(size, use_bias=False, name=name)(inputs[:, first : first + codes]))
        tables[name] = table
        first += codes
    tensor = parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="prepared")(parts)

    def put_behind(layer: Any, *values: Any, **others: Any) -> Any:
        nonlocal tensor
        tensor = layer(*values, **others)
        return tensor

    keras.models.clone_model(rest, tensor, clone_function=lambda layer: layer, call_function=put_behind)
    whole = keras.Model(inputs, tensor, name="rest")
    for name, table in tables.items():
        whole.get_layer(name).set_weights([table])
    return whole


def _picked(columns: list[int]) -> Any:
    if columns == list(range(len(columns))):
        count = len(columns)
        return lambda rows: rows if rows.shape[1] == count else rows[:, :count]
    index = np.asarray(columns)
    return lambda rows: rows[:, index]


def _numbers(part: Mapping[str, Any]) -> Any:
    pick = _picked(part["columns"])
    fill, center, factor = (np.asarray(part[name], np.float32) for name in ("fill", "center", "factor"))

    def prepare(rows: Array) -> Array:
        numbers = pick(rows)
        prepared: Array = (numbers - center) * factor
        if np.isnan(prepared).any():
            prepared = (np.where(np.isnan(numbers), fill, numbers) - center) * factor
        return prepared

    return prepare


def _missing(part: Mapping[str, Any]) -> Any:
    pick = _picked(part["columns"])
    return lambda rows: np.isnan(pick(rows)).astype(np.float32)


def _one_hot(part: Mapping[str, Any]) -> Any:
    columns, codes = np.asarray(part["columns"]), np.asarray(part["codes"], np.float32)
    return lambda rows: (rows[:, columns] == codes).astype(np.float32)


def _pictures(part: Mapping[str, Any]) -> Any:
    center, factor = (np.asarray(part[name], np.float32) for name in ("center", "factor"))
    return lambda rows: (rows - center) * factor


def _series(part: Mapping[str, Any]) -> Any:
    center, factor = (np.asarray(part[name], np.float32) for name in ("center", "factor"))

    def prepare(rows: Array) -> Array:
        known = ~np.isnan(rows)
        flags = known.any(axis=2, keepdims=True).astype(np.float32)
        return np.concatenate([(np.where(known, rows, center) - center) * factor, flags], axis=2)

    return prepare


def _windows(part: Mapping[str, Any]) -> Any:
    factor, segment = np.asarray(part["factor"], np.float32), int(part["segment"])

    def prepare(rows: Array) -> Array:
        changes = ((rows - rows[:, -1:, :]) * factor).transpose(0, 2, 1)
        return np.ascontiguousarray(changes.reshape(-1, rows.shape[1] // segment, segment))

    return prepare


_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "numbers": ("columns", "fill", "center", "factor"),
    "missing": ("columns",),
    "one_hot": ("columns", "codes"),
    "pictures": ("shape", "center", "factor"),
    "series": ("shape", "center", "factor"),
    "windows": ("shape", "factor", "segment", "spread"),
    TARGET_UNITS: ("scale", "shift"),
}
_STEPS: Mapping[str, Any] = {
    "numbers": _numbers,
    "missing": _missing,
    "one_hot": _one_hot,
    "pictures": _pictures,
    "series": _series,
    "windows": _windows,
}
