"""The formats a model can be delivered in: the name used in a run folder → how to write it and how to check it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.artifacts import Artifact
from advisor.export.keras_format import save_keras, verify_keras
from advisor.export.litert import PRECISIONS, export_litert, verify_litert
from advisor.export.saved_model import save_saved_model, verify_saved_model


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        location: Where it is in a run folder.
        save: Writes a model there, atomically.
        verify: Reloads it in its own runtime and compares.
    """

    location: str
    save: Callable[..., None]
    verify: Callable[..., Artifact]


FORMATS: Mapping[str, Format] = {
    "keras": Format("model/model.keras", save_keras, verify_keras),
    "saved_model": Format("model/saved_model", save_saved_model, verify_saved_model),
    "litert": Format("model/model.tflite", export_litert, verify_litert),
}


def carried_out() -> dict[str, tuple[Any, ...]]:
    """Return the slot values of a recommendation that this stage carries out."""
    return {"precision": tuple(PRECISIONS)}
