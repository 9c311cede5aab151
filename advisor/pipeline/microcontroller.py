"""What a microcontroller needs beside the ``.tflite`` file: its bytes as a C array, and how to scale its inputs."""

from __future__ import annotations

import json
from pathlib import Path

from advisor.export.int8 import write_c_array
from advisor.export.preparation import TARGET_UNITS
from advisor.pipeline.compressing import Compressed
from advisor.pipeline.device import WIDE
from advisor.pipeline.preparation import Prepared

HEADER = "model/model_data.h"
NOTES = {
    "series": "each prepared step ends with a 1, or with a 0 where it is padding and its values are 0",
    "windows": "each channel is an input by itself: (value - last value) * factor, cut into segments; "
    "forecast = answer * spread + last value",
    TARGET_UNITS: "prediction = answer * scale + shift",
}
"""Kind of a part of the preparation → what their caller must know besides."""


def write_for_microcontrollers(prepared: Prepared, compressed: Compressed, folder: Path) -> None:
    """Write the C array where the recommendation is for a microcontroller.

    Raises:
        ExportError: If the file uses an operation that the runtime for microcontrollers lacks.
        StorageError: If it can't be written.
    """
    if compressed.fitted.recommendation.problem.target_device != "microcontroller":
        return
    chosen = compressed.delivered
    assert chosen.preparation is not None  # files all in integers begin behind the preprocessing
    wide = chosen.name.startswith(WIDE)
    parts = chosen.preparation.to_dict()
    behind = [part for part in parts if part["kind"] == TARGET_UNITS]
    notes = {
        "prepared inputs": json.dumps([part for part in parts if part not in behind]),
        **({"answers": json.dumps(behind)} if behind else {}),
        "classes": json.dumps(prepared.encoder.labels.tolist()),
        "inputs and outputs": f"{'int16' if wide else 'int8'}; scale and zero point stand in the file",
    }
    kinds = {part["kind"] for part in parts}
    notes |= {kind: note for kind, note in NOTES.items() if kind in kinds}
    write_c_array(folder / chosen.artifact.path, folder / HEADER, notes, wide_activations=wide)
