"""A recommendation's slots, checked all together before anything is built."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.builder.registry import NUMBERS, REGISTRY
from advisor.errors import BuildError, Finding

_OUTPUTS_OF_TASK = {
    "regression": ("linear", "softplus", "sigmoid", "tanh"),
    "forecasting": ("linear", "softplus", "sigmoid", "tanh"),
    "binary": ("sigmoid",),
    "multilabel": ("sigmoid",),
    "multiclass": ("softmax",),
}


@dataclass(frozen=True)
class Blueprint:
    """Everything that a body needs to know, checked.

    Attributes:
        architecture: Family of the body.
        task: The problem's task.
        outputs: Number of outputs.
        seed: Seed of the whole model.
        hidden_layers: Number of hidden layers.
        units: Neurons of each hidden layer.
        kernel_initializer: Initializer of hidden kernels.
        activation: Activation of hidden layers.
        normalization: Normalization in hidden layers.
        normalization_position: Whether it stands before or after the activation.
        batch_normalization_momentum: Weight of the past in the moving statistics.
        regularization: Penalty on the kernels.
        regularization_strength: Its strength, 0 without a penalty.
        dropout: Kind of dropout.
        dropout_rate: Share of dropped values, 0 without dropout.
        output_activation: Activation of the output.
        categorical_encoding_limit: Up to this many categories are one-hot.
        embedding_size: Numbers that stand for a category where it is embedded; None when that isn't decided.
        wide_path: Whether the prepared inputs also go straight to the output layer.
        skip_connections: Whether blocks of two layers add their input to their output.
        convolution: Kind of convolution layers, ``none`` without.
        filters: Filters of the first convolution layers, 0 without.
        kernel_size: Width of a convolution's window, 0 without.
        pooling: How the last feature maps become a vector.
        augmentation: What is done to training images.
        augmentation_shift: Share of a picture's side that it is shifted by at most.
        recurrent_cell: Kind of recurrent layers, ``none`` without.
        recurrent_units: Neurons of each recurrent layer, 0 without.
        cross_buckets: Most numbers of a cross of columns in the wide path; 0 when that isn't decided.
        token_votes: What each token of a text adds to the outputs by itself starts from; ``none`` where it adds none.
    """

    architecture: str
    task: str
    outputs: int
    seed: int
    hidden_layers: int
    units: int
    kernel_initializer: str
    activation: str
    normalization: str
    normalization_position: str
    batch_normalization_momentum: float
    regularization: str
    regularization_strength: float
    dropout: str
    dropout_rate: float
    output_activation: str
    categorical_encoding_limit: int
    embedding_size: int | None
    wide_path: bool = False
    skip_connections: bool = False
    convolution: str = "none"
    filters: int = 0
    kernel_size: int = 0
    pooling: str = "none"
    augmentation: str = "none"
    augmentation_shift: float = 0.0
    recurrent_cell: str = "none"
    recurrent_units: int = 0
    cross_buckets: int = 0
    token_votes: str = "none"

    def seed_of(self, layer: str) -> int:
        """Return the seed of one layer: it depends on the model's seed and the layer's name alone."""
        digest = hashlib.sha256(f"{self.seed}/{layer}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1


def draw_up(
    values: Mapping[str, Any],
    *,
    task: str,
    outputs: int,
    seed: int,
    architecture: str = "dense_stack",
    regularization_strength: float | None = None,
    dropout_rate: float | None = None,
) -> Blueprint:
    """Check the slots and return the blueprint.

    Args:
        values: Slots and their values, as a recommendation has them; slots of other stages are ignored.
        task: The problem's task.
        outputs: Number of outputs: target columns, classes (multiclass), 1 (binary) or labels (multilabel).
        seed: Seed of the model, 0 or more.
        architecture: Family of the body.
        regularization_strength: The strength to use; None takes the first of ``regularization_strengths``.
        dropout_rate: The rate to use; None takes the first of ``dropout_rates``.

    Raises:
        BuildError: With a finding for every slot that is missing, unknown, out of range or in contradiction.
    """
    findings: list[Finding] = []

    def choice(slot: str, given: Mapping[str, Any] = values) -> str:
        allowed = REGISTRY[slot]
        if slot not in given:
            findings.append(Finding("B101", slot, "the recommendation does not decide this slot."))
            return next(iter(allowed))
        value = given[slot]
        if not isinstance(value, str) or value not in allowed:
            findings.append(Finding("B102", slot, f"{value!r} can't be built; allowed: {', '.join(allowed)}."))
            return next(iter(allowed))
        return value

    def number(slot: str, value: Any) -> float:
        low, high, whole = NUMBERS[slot]
        kinds = int if whole else (int, float)
        right = (
            isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high
        )
        if not right:
            what = "a whole number" if whole else "a number"
            findings.append(
                Finding("B103", slot, f"{value!r} can't be built; allowed: {what} from {low:g} to {high:g}.")
            )
            return low
        return float(value)

    def first(slot: str, given: float | None) -> float:
        if given is not None:
            return number(slot, given)
        listed = values.get(slot)
        if not isinstance(listed, list | tuple) or not listed:
            findings.append(
                Finding("B104", slot, f"{listed!r} names no value to build with.", "Give a list of numbers.")
            )
            return 0.0
        return number(slot, listed[0])

    def own(slot: str, family: str) -> str:
        """Return the value of a slot that only one family carries out; others leave it at ``none``."""
        value = choice(slot) if architecture == family or values.get(slot, "none") != "none" else "none"
        return value if architecture == family else "none"

    architecture = choice("architecture", {"architecture": architecture})
    normalization = choice("normalization")
    position = choice("normalization_position") if normalization != "none" else "none"
    if normalization != "none" and position == "none":
        findings.append(
            Finding("B104", "normalization_position", f"'none' contradicts normalization={normalization!r}.")
        )
    momentum = 0.99
    if normalization == "batch_normalization":
        momentum = number("batch_normalization_momentum", values.get("batch_normalization_momentum", momentum))
    regularization, dropout = choice("regularization"), choice("dropout")
    output_activation = choice("output_activation")
    choice("input_normalization")
    if values.get("target_scaling") not in (None, "interval"):  # the bounds of an interval are the activation's
        choice("target_scaling")
    findings.extend(_check_outputs(task, outputs, output_activation))
    size = values.get("embedding_size")
    convolutional = architecture == "convolutional"
    blueprint = Blueprint(
        architecture=architecture,
        task=task,
        outputs=outputs,
        seed=int(number("seed", seed)),
        hidden_layers=int(number("hidden_layers", values.get("hidden_layers"))),
        units=int(number("units", values.get("units"))),
        kernel_initializer=choice("kernel_initializer"),
        activation=choice("activation"),
        normalization=normalization,
        normalization_position=position,
        batch_normalization_momentum=momentum,
        regularization=regularization,
        regularization_strength=0.0
        if regularization == "none"
        else first("regularization_strengths", regularization_strength),
        dropout=dropout,
        dropout_rate=0.0 if dropout == "none" else first("dropout_rates", dropout_rate),
        output_activation=output_activation,
        categorical_encoding_limit=int(number("categorical_encoding_limit", values.get("categorical_encoding_limit"))),
        embedding_size=None if size is None else int(number("embedding_size", size)),
        wide_path=bool(values.get("wide_path", architecture == "wide_and_deep")),
        skip_connections=bool(values.get("skip_connections", architecture == "residual")),
        convolution=own("convolution", "convolutional"),
        filters=int(number("filters", values.get("filters"))) if convolutional else 0,
        kernel_size=int(number("kernel_size", values.get("kernel_size"))) if convolutional else 0,
        pooling=own("pooling", "convolutional"),
        augmentation=choice("augmentation", {"augmentation": values.get("augmentation", "none")}),
        augmentation_shift=number("augmentation_shift", values.get("augmentation_shift", 0.0)),
        recurrent_cell=own("recurrent_cell", "recurrent"),
        recurrent_units=int(number("recurrent_units", values.get("recurrent_units")))
        if architecture == "recurrent"
        else 0,
        cross_buckets=int(number("cross_buckets", values.get("cross_buckets", 0))),
        token_votes=choice("token_votes", {"token_votes": values.get("token_votes", "none")}),
    )
    if findings:
        raise BuildError(*findings)
    return blueprint


def _check_outputs(task: str, outputs: int, output_activation: str) -> list[Finding]:
    if task not in _OUTPUTS_OF_TASK:
        return [Finding("B106", "task", f"{task!r} can't be built; allowed: {', '.join(_OUTPUTS_OF_TASK)}.")]
    findings = []
    allowed = _OUTPUTS_OF_TASK[task]
    if output_activation not in allowed:
        findings.append(
            Finding(
                "B106",
                "output_activation",
                f"{output_activation!r} does not fit {task}; allowed: {', '.join(allowed)}.",
            )
        )
    fewest, most = {"binary": (1, 1), "multiclass": (2, None)}.get(task, (1, None))
    if outputs < fewest or (most is not None and outputs > most):
        wanted = str(fewest) if most == fewest else f"{fewest} or more"
        findings.append(Finding("B106", "outputs", f"{outputs} outputs do not fit {task}; wanted {wanted}."))
    return findings
