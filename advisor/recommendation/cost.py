"""What a network costs, counted before anything is built; the builder's own count is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

BYTES = {"float32": 4, "float16": 2, "int8": 1}
_LAYERS_OF_A_STAGE = 2
_GATES = {"gru": (3, 2), "lstm": (4, 1)}
"""Recurrent cell → its gates, and the biases of each (a GRU has one before and one behind its reset gate)."""
_CODES_BESIDE_TOKENS = 2
"""Padding, and unknown tokens."""


@dataclass(frozen=True)
class Estimate:
    """Cost of a network.

    Attributes:
        inputs: Encoded inputs that it was counted for.
        outputs: Outputs that it was counted for.
        parameters: Numbers in all weights, moving statistics of Batch Normalization included.
        trainable_parameters: Those that training changes.
        bytes: Size of the weights at the recommended precision; a delivered file holds the graph as well.
        multiply_adds: Multiplications with addition for one row, in dense, convolution and recurrent kernels.
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


class _Count:
    """Adds up layers as the builder makes them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.normalization = values.get("normalization", "none")
        before = values.get("normalization_position") == "before_activation"
        # A layer directly before Batch Normalization has no bias: it would be subtracted again.
        self.has_bias = not (self.normalization == "batch_normalization" and before)
        self.trainable = self.moving = self.fixed = self.multiply_adds = 0

    def kernel(self, inputs: int, outputs: int, *, places: int = 1, bias: bool | None = None) -> None:
        """Count a kernel that is applied at so many places."""
        self.trainable += inputs * outputs + (outputs if (self.has_bias if bias is None else bias) else 0)
        self.multiply_adds += inputs * outputs * places

    def recurrent(self, cell: str, inputs: int, units: int, *, steps: int) -> None:
        """Count a layer of recurrent cells that reads so many steps."""
        gates, biases = _GATES[cell]
        self.trainable += gates * units * (inputs + units + biases)
        self.multiply_adds += gates * units * (inputs + units) * steps

    def normalize(self, width: int) -> None:
        """Count the normalization that follows a layer, if there is one."""
        if self.normalization != "none":
            self.trainable += 2 * width
            self.moving += 2 * width if self.normalization == "batch_normalization" else 0

    def total(self, values: Mapping[str, Any], inputs: int, outputs: int, assumes: str) -> Estimate:
        """Return the whole."""
        parameters = self.trainable + self.moving + self.fixed
        size = parameters * BYTES.get(values.get("precision", "float32"), 4)
        return Estimate(inputs, outputs, parameters, self.trainable, size, self.multiply_adds, assumes)


def estimate(facts: Mapping[str, Any], values: Mapping[str, Any]) -> Estimate | None:
    """Count the cost of the recommended network; None when the problem doesn't say enough.

    Args:
        facts: Facts of the problem. The encoded width is known without data when there are no categories.
        values: Slot → value.
    """
    outputs = 1 if facts["task"] == "binary" else facts["outputs"]
    family = FAMILIES.get(facts["architecture"])
    return None if outputs is None or family is None else family(facts, values, outputs)


def _dense_family(facts: Mapping[str, Any], values: Mapping[str, Any], outputs: int) -> Estimate | None:
    if facts["features"] is None or facts["categorical_columns"] or facts["data_kind"] not in ("table", "image"):
        return None
    assumes = "every input column is a number, and none has missing values"
    if facts["data_kind"] == "image":
        assumes = "every value of a picture is an input"
    return estimate_dense_stack(
        values, facts["architecture"], facts["features"], outputs, assumes, wide=facts["wide_features"]
    )


def estimate_dense_stack(
    values: Mapping[str, Any],
    architecture: str,
    inputs: int,
    outputs: int,
    assumes: str = "",
    *,
    wide: int | None = None,
) -> Estimate | None:
    """Count the cost of a dense network for a known number of encoded inputs; None for other architectures."""
    layers, units = values.get("hidden_layers"), values.get("units")
    known = architecture in ("dense_stack", "wide_and_deep", "residual")
    if not known or not isinstance(layers, int) or not isinstance(units, int):
        return None
    wide_inputs = inputs if wide is None else wide
    count = _Count(values)
    width = inputs
    for _ in range(layers):
        count.kernel(width, units)
        count.normalize(units)
        width = units
    if values.get("skip_connections") and layers and inputs != units:
        count.kernel(inputs, units, bias=False)
    count.kernel(width + (wide_inputs if values.get("wide_path") else 0), outputs, bias=True)
    return count.total(values, inputs, outputs, assumes)


def _convolutional(facts: Mapping[str, Any], values: Mapping[str, Any], outputs: int) -> Estimate | None:
    height, width, channels = (facts.get(f"image_{side}") for side in ("height", "width", "channels"))
    sizes = [values.get(slot) for slot in ("hidden_layers", "filters", "kernel_size", "units")]
    if height is None or width is None or channels is None or not all(isinstance(each, int) for each in sizes):
        return None
    layers, filters, window, units = (int(each) for each in sizes if each is not None)
    count = _Count(values)
    inputs, maps = height * width * channels, channels
    for index in range(1, layers + 1):
        stage, within = divmod(index - 1, _LAYERS_OF_A_STAGE)
        places, found = height * width, filters << stage
        if values.get("convolution") == "separable" and index > 1:
            count.kernel(window * window, maps, places=places, bias=False)
            count.kernel(maps, found, places=places)
        else:
            count.kernel(window * window * maps, found, places=places)
        count.normalize(found)
        maps = found
        ends = within == _LAYERS_OF_A_STAGE - 1 or index == layers
        if ends and (index < layers or values.get("pooling") == "flatten") and min(height, width) > 1:
            height, width = height // 2, width // 2
    if values.get("pooling") == "flatten":
        count.kernel(height * width * maps, units)
        count.normalize(units)
        maps = units
    count.kernel(maps, outputs, bias=True)
    return count.total(values, inputs, outputs, "the pictures have the stated form")


def _recurrent(facts: Mapping[str, Any], values: Mapping[str, Any], outputs: int) -> Estimate | None:
    sizes = [values.get(slot) for slot in ("hidden_layers", "recurrent_units")]
    known = values.get("recurrent_cell") in _GATES and all(isinstance(each, int) for each in sizes)
    if not known or facts["sequence_steps"] is None or facts["features"] is None:
        return None
    layers, units = (int(each) for each in sizes if each is not None)
    if facts["task"] == "forecasting":
        return _forecast(facts, values, layers, units, outputs)
    if facts["data_kind"] not in ("series", "text"):
        return None
    return _both_ways(facts, values, layers, units, outputs)


def _both_ways(
    facts: Mapping[str, Any], values: Mapping[str, Any], layers: int, units: int, outputs: int
) -> Estimate | None:
    """Count a network that reads a series or a text in both directions, and answers once."""
    count, steps, width = _Count(values), facts["sequence_steps"], facts["features"]
    inputs = steps * width
    if facts["data_kind"] == "text":
        tokens = [facts["vocabulary_words"], facts["vocabulary_pairs"]]
        if values.get("beginning_letters"):
            tokens.append(facts["vocabulary_beginnings"])
        size = values.get("embedding_size")
        if None in tokens or not isinstance(size, int):
            return None
        votes = outputs if values.get("token_votes", "none") != "none" else 0
        count.trainable += sum(each + _CODES_BESIDE_TOKENS for each in tokens) * (size + votes)
        inputs, width = steps * len(tokens), size * len(tokens)
    wide = width if values.get("wide_path") else 0
    for _ in range(layers):
        for _ in ("forwards", "backwards"):
            count.recurrent(values["recurrent_cell"], width, units, steps=steps)
        width = 2 * units
        count.normalize(width)
    # The largest and the mean state side by side; the wide path beside them.
    count.kernel(2 * width + wide, outputs, bias=True)
    what = "text" if facts["data_kind"] == "text" else "series"
    return count.total(values, inputs, outputs, f"every {what} is padded, or cut off, to {steps} steps")


def _forecast(
    facts: Mapping[str, Any], values: Mapping[str, Any], layers: int, units: int, outputs: int
) -> Estimate | None:
    """Count a network that forecasts each channel by itself, with the same weights for all."""
    steps, segment = facts["sequence_steps"], facts["segment_steps"]
    if segment is None or facts["features"] % steps or steps % segment:
        return None
    channels = facts["features"] // steps
    if outputs % channels:
        return None
    horizon, width = outputs // channels, segment
    count = _Count(values)
    for _ in range(layers):
        count.recurrent(values["recurrent_cell"], width, units, steps=steps // segment)
        width = units
        count.normalize(width)
    count.kernel(width, horizon, bias=True)
    if values.get("wide_path"):
        # The ridge solution, which training leaves alone.
        count.fixed += steps * horizon + horizon
        count.multiply_adds += steps * horizon
    count.multiply_adds *= channels
    return count.total(values, facts["features"], outputs, "every column that is read is forecast")


FAMILIES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], int], Estimate | None]] = {
    "dense_stack": _dense_family,
    "wide_and_deep": _dense_family,
    "residual": _dense_family,
    "convolutional": _convolutional,
    "recurrent": _recurrent,
}
"""Architecture → the function that counts it; an architecture that isn't here can't be counted yet."""
