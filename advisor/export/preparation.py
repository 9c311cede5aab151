"""The preprocessing of a core as plain numbers, for files that begin behind it.

A file whose arithmetic is all in 8 bits can't hold the preprocessing: raw columns differ by orders of magnitude, and
256 levels for all of them together would leave nothing of the small ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import ArtifactError, Finding

KerasModel = Any
_KINDS = ("numbers", "missing", "one_hot")
"""Layers of a table's preprocessing, and the kinds of the parts that they become."""
_PICTURES = "standardized"
"""The layer that standardizes the channels of pictures."""


@dataclass(frozen=True)
class Preparation:
    """What happens to an encoded row before the first trained layer.

    Attributes:
        parts: Blocks of prepared inputs, in order; each has a ``kind`` (numbers, missing, one_hot), its ``columns``,
            and for numbers ``fill``, ``center`` and ``factor``, for one_hot ``codes``. Pictures are one part of the
            kind ``pictures``, with their ``shape`` and ``center`` and ``factor`` of each channel.
    """

    parts: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, core: KerasModel) -> tuple[Preparation, KerasModel] | None:
        """Cut a core where preprocessing ends.

        Returns:
            The preprocessing, and the rest of the model, which shares its weights; None where embeddings are looked up,
            for these are trained, and for series and texts.
        """
        layers = {layer.name: layer for layer in core.layers}
        if _PICTURES in layers and len(layers[_PICTURES].output.shape) == 4:
            layer = layers[_PICTURES]
            shape = [int(size) for size in layer.output.shape[1:]]
            settings = {name: list(layer.get_config()[name]) for name in ("center", "factor")}
            rest = type(core)(layer.output, core.outputs[0], name="rest")
            return cls(({"kind": "pictures", "shape": shape, **settings},)), rest
        if {"embeddings", "crosses"} & set(layers) or not any(kind in layers for kind in _KINDS):
            return None
        parts = tuple(
            {"kind": kind, **{k: v for k, v in layers[kind].get_config().items() if k in _SETTINGS[kind]}}
            for kind in _KINDS
            if kind in layers
        )
        cut = next(name for name in ("prepared", *_KINDS) if name in layers)
        rest = type(core)(layers[cut].output, core.outputs[0], name="rest")
        return cls(parts), rest

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
        if self.parts[0]["kind"] == "pictures":
            return tuple(self.parts[0]["shape"])
        return (1 + max(int(column) for part in self.parts for column in part["columns"]),)

    def compile(self) -> Any:
        """Return a function from encoded rows, float32 (n, width) or (n, height, width, channels), to prepared ones."""
        steps = [_STEPS[part["kind"]](part) for part in self.parts]
        if len(steps) == 1:
            return steps[0]
        return lambda rows: np.concatenate([step(rows) for step in steps], axis=1)


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


_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "numbers": ("columns", "fill", "center", "factor"),
    "missing": ("columns",),
    "one_hot": ("columns", "codes"),
    "pictures": ("shape", "center", "factor"),
}
_STEPS: Mapping[str, Any] = {"numbers": _numbers, "missing": _missing, "one_hot": _one_hot, "pictures": _pictures}
