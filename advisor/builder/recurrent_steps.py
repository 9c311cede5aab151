"""Recurrent layers in plain arithmetic, for a runtime that has no loop over lists of tensors (LiteRT)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from advisor.builder.namespace import Model, Namespace, Tensor, program_keras
from advisor.builder.recurrent_layers import recurrent_layer_classes

PACKAGE = "advisor"
GATES = {"gru": 3, "lstm": 4, "simple_rnn": 1}
LEAST_VARIANCE = 1 / 128
"""Of the numbers of a cell, whose variance is at most 1: two of 256 levels, so that it is never rounded to 0."""


def laid_out(core: Model, *, looped: bool = False, eight_bits: bool = False) -> Model:
    """Return a model that answers alike and whose recurrent layers are laid out step by step.

    Only the export uses it: laid out, a network trains no better, and compiling it takes far longer. A model without
    recurrent layers is returned as it is.

    Args:
        core: The model.
        looped: Whether the steps stay a loop, which makes the file several times as small and somewhat slower.
        eight_bits: Whether all arithmetic will be in 8 bits; then normalizations don't divide by less than 256 levels
            can tell from 0.
    """
    keras = program_keras()
    if not any(_cell_of(keras, layer) for layer in core.layers):
        return core
    classes = step_layer_classes(keras)
    own = recurrent_layer_classes(keras)

    def replaced(layer: Any) -> Any:
        if isinstance(layer, own.step_flags):
            return classes.step_numbers(name=layer.name)
        if isinstance(layer, own.pool_steps):
            below = layer.input[0]._keras_history.operation
            return own.pool_steps(bound=_bound(keras, below, layer.bound), name=layer.name)
        if eight_bits and isinstance(layer, keras.layers.LayerNormalization):
            return classes.coarse_normalization(epsilon=layer.epsilon, name=layer.name)
        cell = _cell_of(keras, layer)
        if cell is None:
            return type(layer).from_config(layer.get_config())
        both = isinstance(layer, keras.layers.Bidirectional)
        inner = layer.forward_layer if both else layer
        return classes.steps(
            cell=cell, units=inner.units, both=both, whole=inner.return_sequences, looped=looped, name=layer.name
        )

    copy = keras.models.clone_model(core, clone_function=replaced)
    copy.set_weights(core.get_weights())
    for layer in copy.layers:
        if isinstance(layer, classes.steps):
            layer.turn_update_gates()
    return copy


def _bound(keras: Namespace, layer: Any, otherwise: float) -> float:
    """Return what the size of a layer's numbers stays below: in 8 bits, a bound far off would leave no levels."""
    if _cell_of(keras, layer):
        return 1.0
    if isinstance(layer, keras.layers.LayerNormalization):
        gamma, beta = (np.abs(each) for each in layer.get_weights())
        return float((math.sqrt(len(gamma)) * gamma + beta).max())
    return otherwise


def _cell_of(keras: Namespace, layer: Any) -> str | None:
    inner = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    kinds = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM, "simple_rnn": keras.layers.SimpleRNN}
    return next((name for name, kind in kinds.items() if isinstance(inner, kind)), None)


@dataclass(frozen=True)
class StepLayerClasses:
    """The layer classes of a network that is laid out.

    Attributes:
        steps: A recurrent layer. Its weights are those of Keras's own layer or of both its directions, in order;
            only the update gates of a GRU are turned: see ``turn_update_gates``.
        step_numbers: Whether each step exists, as 1 or 0.
        coarse_normalization: Layer normalization for 8 bits.
    """

    steps: Any
    step_numbers: Any
    coarse_normalization: Any


@lru_cache(maxsize=1)
def step_layer_classes(keras: Namespace) -> StepLayerClasses:
    """Return the layer classes, registered under the package ``advisor``."""
    ops = keras.ops

    @keras.saving.register_keras_serializable(package=PACKAGE)
    class StepNumbers(keras.layers.Layer):
        """Whether each step exists, as 1 or 0: (rows, steps)."""

        def call(self, inputs: Tensor) -> Tensor:
            return inputs[:, :, -1]

        def compute_output_spec(self, inputs: Tensor) -> Any:
            return keras.KerasTensor(inputs.shape[:2], dtype="float32")

    @keras.saving.register_keras_serializable(package=PACKAGE)
    class CoarseNormalization(keras.layers.Layer):
        """Layer normalization whose variance is never less than :data:`LEAST_VARIANCE`.

        For the numbers of recurrent cells, which lie between -1 and 1: so their variance is at most 1, and the least
        one is still more than nothing among 256 levels of it.
        """

        def __init__(self, epsilon: float, **others: Any) -> None:
            super().__init__(**others)
            self.epsilon = float(epsilon)
            self.supports_masking = True

        def build(self, input_shape: Any) -> None:
            self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
            self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")
            self.built = True

        def call(self, inputs: Tensor) -> Tensor:
            around = inputs - ops.mean(inputs, axis=-1, keepdims=True)
            variance = ops.mean(around * around, axis=-1, keepdims=True) + self.epsilon
            return around * ops.rsqrt(ops.maximum(variance, LEAST_VARIANCE)) * self.gamma + self.beta

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "epsilon": self.epsilon}

    @keras.saving.register_keras_serializable(package=PACKAGE)
    class Steps(keras.layers.Layer):
        """A GRU (with the reset gate after the product, as in Keras), an LSTM or a simple cell, one step after another.

        The steps are written out, or stay a plain loop.

        The products of all steps' inputs are one; the mask is arithmetic: a padding step keeps the state.
        """

        def __init__(self, cell: str, units: int, both: bool, whole: bool, looped: bool, **others: Any) -> None:
            super().__init__(**others)
            self.cell, self.units, self.both, self.whole = cell, int(units), bool(both), bool(whole)
            self.looped = bool(looped)
            self.supports_masking = True

        def build(self, input_shape: Any) -> None:
            wide = GATES[self.cell] * self.units
            bias = (2, wide) if self.cell == "gru" else (wide,)
            self.parts = [
                [
                    self.add_weight(name=f"kernel_{index}", shape=(input_shape[-1], wide)),
                    self.add_weight(name=f"recurrent_kernel_{index}", shape=(self.units, wide)),
                    self.add_weight(name=f"bias_{index}", shape=bias),
                ]
                for index in range(2 if self.both else 1)
            ]
            self.built = True

        def turn_update_gates(self) -> None:
            """Change the signs of a GRU's update gates, so that they say how much of the new state is taken.

            Keras's say how much of the old one is kept. One operation less a step.
            """
            for weights in self.parts if self.cell == "gru" else ():
                for each in weights:
                    sign = np.ones(each.shape[-1], np.float32)
                    sign[: self.units] = -1.0
                    each.assign(np.asarray(each) * sign)

        def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
            steps = inputs.shape[1]
            flags = None if mask is None else ops.cast(mask, "float32")[:, :, None]
            found = []
            for index, weights in enumerate(self.parts):
                kernel, _, bias = weights
                given = ops.matmul(inputs, kernel) + (bias[0] if self.cell == "gru" else bias)
                start = ops.zeros_like(inputs[:, 0, :1]) * ops.zeros((1, self.units))
                if self.looped:
                    found.append(self._loop(given, flags, start, weights, backwards=index == 1))
                    continue
                pieces = list(zip(*(ops.unstack(each, axis=1) for each in self._pieces(given)), strict=True))
                there = [None] * steps if flags is None else ops.unstack(flags, axis=1)
                state, memory, states = start, start, {}
                for step in list(range(steps))[:: -1 if index else 1]:
                    state, memory = self._step(pieces[step], there[step], state, memory, weights)
                    states[step] = state
                found.append(ops.stack([states[step] for step in range(steps)], axis=1) if self.whole else state)
            return found[0] if len(found) == 1 else ops.concatenate(found, axis=-1)

        def _loop(
            self, given: Tensor, flags: Tensor | None, start: Tensor, weights: list[Any], *, backwards: bool
        ) -> Tensor:
            """Read the steps in a loop; each one's state is added at its place, for there are no lists of tensors."""
            steps = given.shape[1]
            places = np.arange(steps, dtype=np.int32)[None, :, None]

            def body(count: Tensor, state: Tensor, memory: Tensor, states: Tensor) -> tuple[Tensor, ...]:
                step = steps - 1 - count if backwards else count
                now = self._pieces(ops.take(given, step, axis=1))
                there = None if flags is None else ops.take(flags, step, axis=1)
                state, memory = self._step(now, there, state, memory, weights)
                if self.whole:
                    states = states + ops.cast(ops.equal(places, step), "float32") * state[:, None, :]
                return count + 1, state, memory, states

            states = given[:, :, : self.units] * 0.0 if self.whole else start
            _, state, _, states = ops.while_loop(
                lambda count, *_: count < steps, body, (ops.zeros((), "int32"), start, start, states)
            )
            return states if self.whole else state

        def _pieces(self, given: Tensor) -> Sequence[Tensor]:
            """Part what the inputs give the gates as it will be needed: a GRU's candidate apart from its gates."""
            return ops.split(given, [2 * self.units], axis=-1) if self.cell == "gru" else (given,)

        def _step(
            self, now: Sequence[Tensor], there: Tensor | None, state: Tensor, memory: Tensor, weights: list[Any]
        ) -> tuple[Tensor, Tensor]:
            _, recurrent, bias = weights
            if self.cell == "gru":
                return self._gru(now, there, state, recurrent, bias), memory
            if self.cell == "lstm":
                new, kept = self._lstm(now[0], state, memory, recurrent)
            else:
                new, kept = ops.tanh(now[0] + ops.matmul(state, recurrent)), memory
            if there is None:
                return new, kept
            return state + there * (new - state), memory + there * (kept - memory)

        def _gru(self, now: Sequence[Tensor], there: Tensor | None, state: Tensor, recurrent: Any, bias: Any) -> Tensor:
            to_gates, to_candidate = now
            inner_gates, inner = self._pieces(ops.matmul(state, recurrent) + bias[1])
            taken, reset = ops.split(ops.sigmoid(to_gates + inner_gates), 2, axis=-1)
            candidate = ops.tanh(to_candidate + reset * inner)
            if there is not None:
                taken = taken * there
            return state + taken * (candidate - state)

        def _lstm(self, given: Tensor, state: Tensor, memory: Tensor, recurrent: Any) -> tuple[Tensor, Tensor]:
            units = self.units
            inner = given + ops.matmul(state, recurrent)
            taken, left, _, shown = ops.split(ops.sigmoid(inner), 4, axis=-1)
            kept = left * memory + taken * ops.tanh(inner[:, 2 * units : 3 * units])
            return shown * ops.tanh(kept), kept

        def compute_output_spec(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
            wide = self.units * len(self.parts) if self.built else self.units * (2 if self.both else 1)
            shape = (*inputs.shape[:2], wide) if self.whole else (inputs.shape[0], wide)
            return keras.KerasTensor(shape, dtype="float32")

        def get_config(self) -> dict[str, Any]:
            own = {"cell": self.cell, "units": self.units, "both": self.both, "whole": self.whole}
            own["looped"] = self.looped
            return {**super().get_config(), **own}

    return StepLayerClasses(Steps, StepNumbers, CoarseNormalization)
