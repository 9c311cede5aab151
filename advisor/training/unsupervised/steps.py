"""Series and texts: predicting the next step in both directions of reading, or restoring hidden steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from advisor.artifacts import InputSpec
from advisor.errors import Finding, TrainingError
from advisor.training.unsupervised.damage import damage_layers
from advisor.training.unsupervised.settings import Settings
from advisor.training.unsupervised.structure import RECURRENT, body_start

PACKAGE = "advisor"


@dataclass(frozen=True)
class StepLayers:
    """The layer classes that compare steps.

    Attributes:
        step_loss: For standardized series.
        word_loss: For texts.
        half: One half of the numbers of each step.
    """

    step_loss: Any
    word_loss: Any
    half: Any


@lru_cache(maxsize=1)
def step_layers() -> StepLayers:
    """Return the layer classes of the program's Keras."""
    import keras
    import numpy as np

    ops, register = keras.ops, keras.saving.register_keras_serializable(package=PACKAGE)

    def aligned(tensor: Any, shift: int, *, wanted: bool) -> Any:
        """Return the steps that are compared: what stands at step t is held against step t + shift."""
        if shift == 0:
            return tensor
        later = tensor[:, 1:]
        earlier = tensor[:, :-1]
        return later if (shift > 0) == wanted else earlier

    def mean_of(lost: Any, counts: Any) -> Any:
        total = ops.sum(counts, axis=1)
        return ops.expand_dims(ops.sum(lost * counts, axis=1) / ops.maximum(total, np.float32(1.0)), 1)

    @register
    class Half(keras.layers.Layer):
        """The first or the second half of the numbers of each step: the states of one direction of reading."""

        def __init__(self, second: bool, **others: Any) -> None:
            super().__init__(**others)
            self.second, self.supports_masking = bool(second), True

        def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
            return None

        def call(self, inputs: Any) -> Any:
            middle = inputs.shape[-1] // 2
            return inputs[:, :, middle:] if self.second else inputs[:, :, :middle]

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (*input_shape[:-1], input_shape[-1] // 2)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "second": self.second}

    @register
    class StepLoss(keras.layers.Layer):
        """Mean squared error over the steps that exist, of the prepared row at a step and what was said of it."""

        def __init__(self, shift: int, **others: Any) -> None:
            super().__init__(**others)
            self.shift, self.supports_masking = int(shift), True

        def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
            return None

        def call(self, inputs: Any) -> Any:
            rows, said = inputs
            wanted = aligned(rows, self.shift, wanted=True)
            speaking = aligned(rows, self.shift, wanted=False)
            said = aligned(said, self.shift, wanted=False)
            lost = ops.mean(ops.square(wanted[:, :, :-1] - said), axis=2)
            return mean_of(lost, wanted[:, :, -1] * speaking[:, :, -1])

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0][0], 1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "shift": self.shift}

    @register
    class WordLoss(keras.layers.Layer):
        """Cross-entropy of the right word among words drawn at random; unknown words and padding aren't asked for.

        Frequent words are drawn more often (their codes are in the order of their frequency), which is put right in
        the scores: Jean et al. 2015, "On Using Very Large Target Vocabulary for Neural Machine Translation",
        section 3.
        """

        def __init__(self, words: int, first: int, negatives: int, shift: int, seed: int, **others: Any) -> None:
            super().__init__(**others)
            self.words, self.first, self.negatives = int(words), int(first), int(negatives)
            self.shift, self.seed = int(shift), int(seed)
            self.generator = keras.random.SeedGenerator(self.seed)
            self.supports_masking = True

        def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
            return None

        def build(self, input_shape: Any) -> None:
            width = input_shape[1][-1]
            near = keras.initializers.RandomUniform(-0.05, 0.05, seed=self.seed)
            self.table = self.add_weight(name="words", shape=(self.words, width), initializer=near)
            self.bias = self.add_weight(name="bias", shape=(self.words,), initializer="zeros")
            super().build(input_shape)

        def call(self, inputs: Any, training: bool | None = None) -> Any:
            codes, said = inputs
            speaking = aligned(codes, self.shift, wanted=False)[:, :, 0] > 0.5
            codes = aligned(codes, self.shift, wanted=True)[:, :, 0] - np.float32(self.first)
            said = aligned(said, self.shift, wanted=False)
            known = ops.logical_and(codes >= 0.0, codes < np.float32(self.words))
            asked = ops.cast(ops.logical_and(known, speaking), "float32")
            right = ops.cast(ops.clip(codes, 0.0, np.float32(self.words - 1)), "int32")
            drawn = keras.random.uniform((self.negatives,), seed=self.generator if training else self.seed)
            wrong = ops.cast(ops.exp(drawn * np.float32(math.log(self.words + 1))) - 1.0, "int32")
            wrong = ops.minimum(wrong, self.words - 1)
            of_right = ops.sum(said * ops.take(self.table, right, axis=0), axis=2) + ops.take(self.bias, right, axis=0)
            of_wrong = ops.matmul(said, ops.transpose(ops.take(self.table, wrong, axis=0)))
            of_wrong += ops.take(self.bias, wrong, axis=0)
            of_right -= self.log_share(right)
            of_wrong -= self.log_share(wrong) + np.float32(math.log(self.negatives))
            same = ops.equal(wrong[None, None, :], right[:, :, None])
            of_wrong = ops.where(same, np.float32(-1e9), of_wrong)
            scores = ops.concatenate([of_right[:, :, None], of_wrong], axis=2)
            return mean_of(ops.logsumexp(scores, axis=2) - of_right, asked)

        def log_share(self, codes: Any) -> Any:
            """Return the logarithm of how often words are drawn."""
            place = ops.cast(codes, "float32")
            share = (ops.log(place + 2.0) - ops.log(place + 1.0)) / np.float32(math.log(self.words + 1))
            return ops.log(share)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0][0], 1)

        def get_config(self) -> dict[str, Any]:
            own = {"words": self.words, "first": self.first, "negatives": self.negatives, "shift": self.shift}
            return {**super().get_config(), **own, "seed": self.seed}

    return StepLayers(StepLoss, WordLoss, Half)


def step_network(core: Any, inputs: InputSpec, settings: Settings, seed: int) -> tuple[Any, Any]:
    """Build the network that is trained on steps; it shares the recurrent layers with ``core``.

    ``next_step``: the states of reading forwards say the next step, those of reading backwards the step before; what a
    state is to say it hasn't seen. That holds in the first recurrent layer only (a second one reads both directions),
    so deeper networks take ``masked_step``: whole steps are hidden from all layers, and restored.

    Args:
        core: The recommended network, from encoded rows to answers.
        inputs: What it reads.
        settings: The method, and the share of hidden steps.
        seed: Decides what is hidden and the first weights of what is thrown away.

    Returns:
        The network from encoded rows to row losses (rows, 1), and the tensor of ``core`` where the trained layers end.

    Raises:
        TrainingError: If the rows aren't series or texts read in both directions.
    """
    import keras

    names = [layer.name for layer in core.layers]
    if inputs.kind not in ("series", "text") or RECURRENT not in names or "horizon" in inputs.details:
        raise TrainingError(
            Finding("T122", "unsupervised_method", f"{settings.method!r} can't be carried out for this {inputs.kind}.")
        )
    start = body_start(core)
    last = max(int(name.rsplit("_", 1)[1]) for name in names if name.startswith("recurrent_"))
    deepest = RECURRENT if settings.method == "next_step" else f"recurrent_{last}"
    layer = core.get_layer(deepest)
    end = layer.output
    features = keras.Input(shape=inputs.shape, name="features", dtype="float32")
    whole = keras.Model(core.inputs[0], start, name="prepare")(features)
    shown = whole
    if settings.method == "masked_step":
        shown = damage_layers().hide_steps(settings.damage_rate, seed, name="damage")(whole)
    states = keras.Model(start, end, name="body")(shown)
    if settings.method == "masked_step":
        losses = [_compared(features, whole, states, inputs, settings, seed, 0, "hidden")]
    else:
        half = step_layers().half
        losses = [
            _compared(features, whole, half(second, name=f"half_{name}")(states), inputs, settings, seed, shift, name)
            for second, shift, name in ((False, 1, "next"), (True, -1, "before"))
        ]
    loss = losses[0] if len(losses) == 1 else keras.layers.Average(name="loss")(losses)
    return keras.Model(features, loss, name="steps"), end


def _compared(
    features: Any, whole: Any, states: Any, inputs: InputSpec, settings: Settings, seed: int, shift: int, name: str
) -> Any:
    import keras

    said = keras.layers.Dense(
        whole.shape[-1] - 1 if inputs.kind == "series" else states.shape[-1],
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        name=f"said_{name}",
    )(states)
    if inputs.kind == "series":
        return step_layers().step_loss(shift=shift, name=f"loss_{name}")([whole, said])
    words = max(len(inputs.details["words"]), 1)
    return step_layers().word_loss(
        words=words,
        first=2,
        negatives=min(settings.negatives, words),
        shift=shift,
        seed=seed,
        name=f"loss_{name}",
    )([features, said])
