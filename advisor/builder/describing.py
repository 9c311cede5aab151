"""What a network of ours that reads step by step says itself of its inputs, where no contract lies beside it."""

from __future__ import annotations

from typing import Any

from advisor.artifacts import InputSpec
from advisor.builder.namespace import Model, program_keras
from advisor.builder.recurrent_layers import recurrent_layer_classes
from advisor.builder.series_inputs import SEGMENTS
from advisor.builder.series_inputs import STANDARDIZED as STANDARDIZED_STEPS
from advisor.builder.text_inputs import EMBEDDED, NO_TOKEN, TOKENS, codes_of
from advisor.builder.text_layers import text_layer_classes


def describe_steps(serving: Model, core: Model) -> InputSpec | None:
    """Return what a network for series, forecasts or texts reads, as far as its own layers say it.

    The names of channels are in no layer, and the tokens of texts only in the model for raw texts: what isn't known is
    left out of the details.

    Args:
        serving: The model for raw rows; the core itself where there is none around it.
        core: The model for encoded rows.

    Returns:
        The description, or None for a network for other data, or of others.
    """
    classes = recurrent_layer_classes(program_keras())
    layers = {layer.name: layer for layer in core.layers}
    first = next((layers[name] for name in (STANDARDIZED_STEPS, SEGMENTS, EMBEDDED) if name in layers), None)
    shape = tuple(core.input_shape[1:])
    if isinstance(first, classes.token_embeddings):
        spec = InputSpec("text", shape, details=_vocabulary(serving))
        return spec if codes_of(spec) == first.codes else InputSpec("text", shape)
    if isinstance(first, classes.windows):
        horizon = core.output_shape[-1] // shape[-1]
        return InputSpec("series", shape, details={"segment": first.segment, "horizon": horizon})
    return InputSpec("series", shape) if isinstance(first, classes.standardize_steps) else None


def _vocabulary(serving: Model) -> dict[str, Any]:
    """Return the tokens of each kind in the order of their codes, from the layers that look them up."""
    keras, layers = program_keras(), {layer.name: layer for layer in serving.layers}
    details: dict[str, Any] = {}
    for index, kind in enumerate(TOKENS):
        layer = layers.get(f"lookup__{index}")
        if isinstance(layer, keras.layers.StringLookup):
            known = layer.get_vocabulary(include_special_tokens=False)
            details[kind] = [] if known == [NO_TOKEN] else known
    for layer in serving.layers:
        if isinstance(layer, text_layer_classes(keras).tokens) and layer.letters:
            details["letters"] = layer.letters
    return details
