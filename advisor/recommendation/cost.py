"""What a dense stack costs, counted before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BYTES = {"float32": 4, "float16": 2, "int8": 1}


@dataclass(frozen=True)
class Estimate:
    """Cost of a network.

    Attributes:
        inputs: Encoded inputs that it was counted for.
        outputs: Outputs that it was counted for.
        parameters: Numbers in all weights, moving statistics of Batch Normalization included.
        trainable_parameters: Those that training changes.
        bytes: Size of the weights at the recommended precision; a delivered file holds the graph as well.
        multiply_adds: Multiplications with addition for one row, in the dense kernels.
        assumes: What the numbers rest on.
    """

    inputs: int
    outputs: int
    parameters: int
    trainable_parameters: int
    bytes: int
    multiply_adds: int
    assumes: str

    def as_dict(self) -> dict[str, Any]:
        """Return the estimate as a JSON-ready dictionary."""
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "parameters": self.parameters,
            "trainable_parameters": self.trainable_parameters,
            "bytes": self.bytes,
            "multiply_adds": self.multiply_adds,
            "assumes": self.assumes,
        }


def estimate(facts: Mapping[str, Any], values: Mapping[str, Any]) -> Estimate | None:
    """Count the cost of the recommended network; None when the problem doesn't say enough.

    Args:
        facts: Facts of the problem. The encoded width is known without data when there are no categories.
        values: Slot → value.
    """
    outputs = 1 if facts["task"] == "binary" else facts["outputs"]
    if facts["features"] is None or outputs is None or facts["categorical_columns"]:
        return None
    assumes = "every input column is a number, and none has missing values"
    return estimate_dense_stack(values, facts["architecture"], facts["features"], outputs, assumes)


def estimate_dense_stack(
    values: Mapping[str, Any], architecture: str, inputs: int, outputs: int, assumes: str = ""
) -> Estimate | None:
    """Count the cost of a dense stack for a known number of encoded inputs; None for other architectures."""
    layers, units = values.get("hidden_layers"), values.get("units")
    if architecture != "dense_stack" or not isinstance(layers, int) or not isinstance(units, int):
        return None
    normalization = values.get("normalization", "none")
    before = values.get("normalization_position") == "before_activation"
    has_bias = not (normalization == "batch_normalization" and before)
    kernels = (inputs * units + (layers - 1) * units * units + units * outputs) if layers else inputs * outputs
    trainable = kernels + outputs + (layers * units if has_bias else 0)
    moving = 0
    if normalization != "none":
        trainable += 2 * layers * units
        moving = 2 * layers * units if normalization == "batch_normalization" else 0
    parameters = trainable + moving
    size = parameters * BYTES.get(values.get("precision", "float32"), 4)
    return Estimate(inputs, outputs, parameters, trainable, size, kernels, assumes)
