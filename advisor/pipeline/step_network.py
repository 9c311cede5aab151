"""A network that reads step by step, ours or of others: its lower layers, and what is known of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.artifacts import Array, InputSpec
from advisor.builder import EMBEDDED_TOKENS, STANDARDIZED_STEPS, Trunk
from advisor.data.text_tokens import FIRST_TOKEN_CODE

STEP_KINDS = ("series", "text")
"""Kinds of data whose networks read step by step; their layers are matched one by one, not cut."""
_RECURRENT = frozenset({"GRU", "LSTM", "SimpleRNN"})
_NORMALIZING = frozenset({"LayerNormalization", "BatchNormalization"})
_PASSED = frozenset({"Masking", "Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "AlphaDropout"})
"""Layers that change nothing for steps that are there, once a network is trained."""


SMALLEST_DEVIATION = 1e-7
"""What Keras's ``Normalization`` divides by at least (``keras.config.epsilon``)."""


@dataclass(frozen=True, eq=False)
class StepNetwork:
    """The lower layers of a network that reads step by step.

    Attributes:
        spec: What it reads. Without ``channels`` or ``words`` among its details, nothing says how they are called.
        layers: Name of a layer of ours → the layer that does the same here: ``embedded_tokens``, ``recurrent_i``,
            ``normalization_i``.
        scaling: What is subtracted from each channel, and by what it is multiplied then; None where nothing is.
    """

    spec: InputSpec
    layers: Mapping[str, Any]
    scaling: tuple[Array, Array] | None = None


def steps_of(core: Any, spec: InputSpec) -> StepNetwork:
    """Return the layers of a network of ours.

    Args:
        core: The network for encoded rows.
        spec: What it reads.
    """
    layers = {layer.name: layer for layer in core.layers}
    first = layers.get(STANDARDIZED_STEPS)
    scaling = None if first is None else (np.asarray(first.center), np.asarray(first.factor))
    return StepNetwork(spec, layers, scaling)


def steps_of_others(trunk: Trunk) -> StepNetwork | None:
    """Return the layers of a network that wasn't made here: what scales or embeds its steps, then what is recurrent.

    They are counted from the input upwards as long as each reads the one before; the first of another kind ends it.

    Args:
        trunk: The network, readable.

    Returns:
        The layers, or None if it begins with something else.
    """
    layers: dict[str, Any] = {}
    scaling: tuple[Array, Array] | None = None
    spec = InputSpec("series", trunk.shape)
    words: list[str] | None = None
    count = 0
    for name in trunk.line():
        layer = trunk.layer(name)
        kind = type(layer).__name__
        if kind in _PASSED:
            continue
        if type(getattr(layer, "forward_layer", layer)).__name__ in _RECURRENT:
            count += 1
            layers[f"recurrent_{count}"] = layer
        elif kind in _NORMALIZING and count:
            layers[f"normalization_{count}"] = layer
        elif layers or scaling is not None:
            break
        elif kind == "TextVectorization":
            words = _words_of(layer)
        elif kind == "Embedding" and len(layer.get_weights()) == 1:
            known = {} if words is None else {"words": words[: layer.input_dim - FIRST_TOKEN_CODE]}
            spec = InputSpec("text", trunk.shape, details=known)
            layers[EMBEDDED_TOKENS] = layer
        else:
            scaling = _scaling_of(layer, trunk.shape)
            if scaling is None:
                break
    return StepNetwork(spec, layers, scaling) if layers else None


def _words_of(layer: Any) -> list[str] | None:
    """Return the words of a vocabulary in the order of their codes; 0 is padding and 1 unknown, as with ours."""
    config = layer.get_config()
    if (config["output_mode"], config["split"], config["ngrams"]) != ("int", "whitespace", None):
        return None
    return [str(word) for word in layer.get_vocabulary(include_special_tokens=False)]


def _scaling_of(layer: Any, shape: tuple[int | None, ...]) -> tuple[Array, Array] | None:
    """Return what a layer subtracts from each channel and multiplies it by; None where it does something else."""
    kind = type(layer).__name__
    if len(shape) != 2 or shape[-1] is None:
        return None
    if kind == "Normalization" and not layer.invert:
        center, factor = np.asarray(layer.mean), 1.0 / np.maximum(np.sqrt(layer.variance), SMALLEST_DEVIATION)
    elif kind == "Rescaling" and np.all(layer.scale):
        factor = np.asarray(layer.scale, np.float64)
        center = -np.asarray(layer.offset, np.float64) / factor
    else:
        return None
    if any(each.size != (each.shape or (1,))[-1] for each in (center, factor)):
        return None  # its numbers differ from step to step
    return np.broadcast_to(center.ravel(), shape[-1]), np.broadcast_to(factor.ravel(), shape[-1])
