"""Texts: codes of words looked up in trained tables; for raw texts the cutting into words is inside the model too."""

from __future__ import annotations

import numpy as np

from advisor.artifacts import Array, InputSpec, Statistics
from advisor.builder.blueprint import Blueprint
from advisor.builder.kinds import Head, Prepare
from advisor.builder.namespace import Model, Namespace, Tensor, program_keras
from advisor.builder.recurrent_layers import recurrent_layer_classes
from advisor.builder.registry import TOKEN_VOTES
from advisor.builder.serving import CORE, Serving, input_names
from advisor.builder.text_layers import text_layer_classes
from advisor.data.text_tokens import FIRST_TOKEN_CODE
from advisor.errors import BuildError, Finding

TOKENS = ("words", "pairs", "beginnings")
EMBEDDED = "embedded_tokens"
VOTES = "token_votes"
NO_TOKEN = "  none  "
"""Stands for an empty vocabulary, which Keras refuses; no token holds two spaces in a row."""


def kinds_of(spec: InputSpec) -> list[str]:
    """Return the kinds of tokens that are read, in the order of their codes."""
    return [name for name in TOKENS if name in spec.details]


def codes_of(spec: InputSpec) -> list[int]:
    """Return how many codes each kind of token has, padding and unknown tokens among them."""
    return [FIRST_TOKEN_CODE + len(spec.details[name]) for name in kinds_of(spec)]


def fit_inputs(x_train: Array, spec: InputSpec) -> tuple[Array, Array, Array]:
    """Check the codes; there is nothing to learn of them here, for the vocabulary is in the description.

    Raises:
        BuildError: If there are no texts, or their shape differs.
    """
    if x_train.shape[1:] != spec.shape or not len(x_train):
        raise BuildError(
            Finding("B105", "", f"the training texts have shape {x_train.shape}, wanted (rows, {spec.shape}).")
        )
    kinds = spec.shape[1]
    return np.zeros(kinds), np.ones(kinds), np.zeros(kinds, dtype=bool)


def draw_up_preparation(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Prepare:
    """Return the function that appends the lookup of codes in trained tables, with padding flagged.

    Raises:
        BuildError: If the size of embeddings isn't decided, or the architecture reads no steps.
    """
    if blueprint.embedding_size is None:
        raise BuildError(Finding("B101", "embedding_size", "the recommendation does not decide this slot."))
    if blueprint.architecture != "recurrent":
        raise BuildError(
            Finding(
                "B102",
                "architecture",
                f"{blueprint.architecture!r} can't be built for texts; allowed: recurrent.",
            )
        )
    size: int = blueprint.embedding_size
    codes = codes_of(spec)

    def prepare(keras: Namespace, features: Tensor) -> Tensor:
        seeds = [blueprint.seed_of(f"{EMBEDDED}/{name}") for name in kinds_of(spec)]
        return recurrent_layer_classes(keras).token_embeddings(codes=codes, size=size, seeds=seeds, name=EMBEDDED)(
            features
        )

    return prepare


def draw_up_head(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Head | None:
    """Return how votes of single tokens are added to the output layer's answer; None where no token votes.

    A vote is a number for each output, trained with everything else; :mod:`advisor.builder.text_start` says where it
    starts.
    """
    if blueprint.token_votes == "none":
        return None
    codes, outputs = codes_of(spec), blueprint.outputs

    def finish(keras: Namespace, features: Tensor, prepared: Tensor, answer: Tensor) -> Tensor:
        votes = TOKEN_VOTES[blueprint.token_votes](keras, codes=codes, outputs=outputs, name=VOTES)(features)
        return keras.layers.Add(name="votes_and_answer")([answer, votes])

    return Head(outputs, finish)


def build_serving(core: Model, spec: InputSpec) -> Serving:
    """Put a model for raw texts around the core: strings (rows, 1), cut into words and looked up inside."""
    keras = program_keras()
    column = spec.details["column"]
    name = input_names([column])[column]
    text = keras.Input(shape=(1,), name=name, dtype="string")
    tokens = text_layer_classes(keras).tokens(
        length=spec.shape[0], letters=spec.details.get("letters", 0), name="tokens__0"
    )(text)
    codes = [
        _lookup(keras, spec.details[kind], f"lookup__{index}")(each)
        for index, (kind, each) in enumerate(zip(kinds_of(spec), tokens, strict=True))
    ]
    stacked = text_layer_classes(keras).codes(name="codes__0")(codes)
    inner = keras.Model(core.inputs[0], core.outputs[0], name=CORE)
    return Serving(keras.Model({name: text}, inner(stacked), name="serving"), {column: name}, {name: "string"})


def _lookup(keras: Namespace, tokens: list[str], name: str) -> Tensor:
    """Return the layer with the encoder's codes: 0 for "", 1 for unknown, then the tokens in their order."""
    return keras.layers.StringLookup(
        vocabulary=list(tokens) or [NO_TOKEN],
        mask_token="",
        oov_token="  unknown  ",  # no token either, for the same reason
        num_oov_indices=1,
        name=name,
    )
