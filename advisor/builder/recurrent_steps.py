"""Recurrent layers in plain arithmetic, for a runtime that has no loop over lists of tensors (LiteRT)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from advisor.builder.namespace import Model, Namespace, Tensor, program_keras

PACKAGE = "advisor"
GATES = {"gru": 3, "lstm": 4}


def laid_out(core: Model, *, looped: bool = False) -> Model:
    """Return a model that answers alike and whose recurrent layers are laid out step by step.

    Only the export uses it: laid out, a network trains no better, and compiling it takes far longer. A model without
    recurrent layers is returned as it is.

    Args:
        core: The model.
        looped: Whether the steps stay a loop, which makes the file several times as small and somewhat slower.
    """
    keras = program_keras()
    if not any(_cell_of(keras, layer) for layer in core.layers):
        return core

    def replaced(layer: Any) -> Any:
        cell = _cell_of(keras, layer)
        if cell is None:
            return type(layer).from_config(layer.get_config())
        both = isinstance(layer, keras.layers.Bidirectional)
        inner = layer.forward_layer if both else layer
        return step_layer_class(keras)(
            cell=cell, units=inner.units, both=both, whole=inner.return_sequences, looped=looped, name=layer.name
        )

    copy = keras.models.clone_model(core, clone_function=replaced)
    copy.set_weights(core.get_weights())
    return copy


def _cell_of(keras: Namespace, layer: Any) -> str | None:
    inner = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    kinds = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
    return next((name for name, kind in kinds.items() if isinstance(inner, kind)), None)


@lru_cache(maxsize=1)
def step_layer_class(keras: Namespace) -> Any:
    """Return the layer class; its weights are those of Keras's own GRU, LSTM or both directions of one, in order."""
    ops = keras.ops

    @keras.saving.register_keras_serializable(package=PACKAGE)
    class Steps(keras.layers.Layer):
        """A GRU (with the reset gate after the product, as in Keras) or an LSTM, step after step or in a plain loop.

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

        def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
            steps = inputs.shape[1]
            flags = None if mask is None else ops.cast(mask, "float32")
            found = []
            for index, weights in enumerate(self.parts):
                kernel, _, bias = weights
                given = ops.matmul(inputs, kernel) + (bias[0] if self.cell == "gru" else bias)
                start = ops.zeros_like(inputs[:, 0, :1]) * ops.zeros((1, self.units))
                if self.looped:
                    found.append(self._loop(given, flags, start, weights, backwards=index == 1))
                    continue
                state, memory, states = start, start, {}
                for step in list(range(steps))[:: -1 if index else 1]:
                    there = None if flags is None else flags[:, step : step + 1]
                    state, memory = self._step(given[:, step], there, state, memory, weights)
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
                now = ops.take(given, step, axis=1)
                there = None if flags is None else ops.take(flags, step, axis=1)[:, None]
                state, memory = self._step(now, there, state, memory, weights)
                if self.whole:
                    states = states + ops.cast(ops.equal(places, step), "float32") * state[:, None, :]
                return count + 1, state, memory, states

            states = given[:, :, : self.units] * 0.0 if self.whole else start
            _, state, _, states = ops.while_loop(
                lambda count, *_: count < steps, body, (ops.zeros((), "int32"), start, start, states)
            )
            return states if self.whole else state

        def _step(
            self, now: Tensor, there: Tensor | None, state: Tensor, memory: Tensor, weights: list[Any]
        ) -> tuple[Tensor, Tensor]:
            _, recurrent, bias = weights
            new, kept = (self._gru if self.cell == "gru" else self._lstm)(now, state, memory, recurrent, bias)
            if there is None:
                return new, kept
            return there * new + (1.0 - there) * state, there * kept + (1.0 - there) * memory

        def _gru(self, now: Tensor, state: Tensor, memory: Tensor, recurrent: Any, bias: Any) -> tuple[Tensor, Tensor]:
            units = self.units
            inner = ops.matmul(state, recurrent) + bias[1]
            gates = ops.sigmoid(now[:, : 2 * units] + inner[:, : 2 * units])
            update, reset = gates[:, :units], gates[:, units:]
            candidate = ops.tanh(now[:, 2 * units :] + reset * inner[:, 2 * units :])
            return update * state + (1.0 - update) * candidate, memory

        def _lstm(self, now: Tensor, state: Tensor, memory: Tensor, recurrent: Any, bias: Any) -> tuple[Tensor, Tensor]:
            units = self.units
            inner = now + ops.matmul(state, recurrent)
            gates = ops.sigmoid(inner)
            kept = gates[:, units : 2 * units] * memory
            kept = kept + gates[:, :units] * ops.tanh(inner[:, 2 * units : 3 * units])
            return gates[:, 3 * units :] * ops.tanh(kept), kept

        def compute_output_spec(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
            wide = self.units * len(self.parts) if self.built else self.units * (2 if self.both else 1)
            shape = (*inputs.shape[:2], wide) if self.whole else (inputs.shape[0], wide)
            return keras.KerasTensor(shape, dtype="float32")

        def get_config(self) -> dict[str, Any]:
            own = {"cell": self.cell, "units": self.units, "both": self.both, "whole": self.whole}
            own["looped"] = self.looped
            return {**super().get_config(), **own}

    return Steps
