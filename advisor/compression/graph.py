"""A Keras model as an editable graph: layers can be bypassed, weights replaced, and a new model is built from it.

It works on the model's public configuration, so every functional graph is understood, and the original model is
never touched.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import CompressionError, Finding

Model = Any
_TENSOR = "__keras_tensor__"


class Graph:
    """The layers of a functional model, how they are connected, and their weights in float64.

    Attributes:
        layers: Name → layer of the original model.
        weights: Name → weights of the layer, float64; changed by editing.
        outputs: Names of the layers whose answers are the model's.
    """

    def __init__(self, model: Model) -> None:
        """Read a model.

        Raises:
            CompressionError: If a layer is used twice, or holds a model: neither can be edited.
        """
        import keras

        functional = keras.Model(model.inputs, model.outputs) if isinstance(model, keras.Sequential) else model
        self._kind = type(functional)
        self._config: dict[str, Any] = copy.deepcopy(functional.get_config())
        self._entries = {entry["name"]: entry for entry in self._config["layers"]}
        self.layers = {layer.name: layer for layer in functional.layers}
        self.weights: dict[str, list[Array]] = {}
        findings = []
        for name, layer in self.layers.items():
            if len(self._entries[name]["inbound_nodes"]) > 1:
                findings.append(Finding("C102", name, "this layer is used several times, so it can't be changed."))
            if isinstance(layer, keras.Model):
                findings.append(Finding("C102", name, "this layer is a model of its own; give it by itself."))
            self.weights[name] = [np.asarray(each, np.float64) for each in layer.get_weights()]
        if findings:
            raise CompressionError(*findings)
        self._types = {name: [each.dtype for each in layer.get_weights()] for name, layer in self.layers.items()}
        self._added_bias: set[str] = set()
        self._gone: set[str] = set()

    @property
    def outputs(self) -> list[str]:
        """Names of the layers whose answers are the model's."""
        found = self._config["output_layers"]
        return [found[0]] if isinstance(found[0], str) else [each[0] for each in found]

    def names_of(self, kind: str) -> list[str]:
        """Return the names of the layers of a class, in the model's order."""
        return [name for name, layer in self.layers.items() if type(layer).__name__ == kind]

    def shape(self, name: str) -> tuple[Any, ...]:
        """Return the shape of a layer's answer."""
        return tuple(self.layers[name].output.shape)

    def inputs(self, name: str) -> list[str]:
        """Return the names of the layers that a layer takes its inputs from, in order."""
        found: list[str] = []
        for node in self._entries[name]["inbound_nodes"]:
            _visit(node, lambda history: found.append(history[0]))
        return found

    def only_input(self, name: str) -> str | None:
        """Return the one layer that a layer takes its input from, or None when there are several."""
        found = self.inputs(name)
        return found[0] if len(found) == 1 else None

    def consumers(self, name: str) -> list[str]:
        """Return the names of the layers that take a layer's answer; a model's output counts as one as well."""
        found = [each for each in self._entries if each not in self._gone and name in self.inputs(each)]
        return [*found, *(["(output)"] if name in self.outputs and found else [])]

    def offset(self, concatenation: str, name: str) -> int:
        """Return where a layer's answer begins in a concatenation along the last axis."""
        first = 0
        for each in self.inputs(concatenation):
            if each == name:
                break
            first += int(self.shape(each)[-1])
        return first

    def is_linear(self, name: str) -> bool:
        """Return whether a layer has no activation of its own."""
        return getattr(getattr(self.layers[name], "activation", None), "__name__", "linear") == "linear"

    def has_new_bias(self, name: str) -> bool:
        """Return whether editing gave the layer a bias."""
        return name in self._added_bias

    def set_linear(self, name: str, weights: list[Array]) -> None:
        """Replace kernel and bias of a linear layer; a layer without a bias gets one."""
        if not self.layers[name].use_bias:
            self._added_bias.add(name)
            self.configure(name, use_bias=True)
        self.weights[name] = weights

    def configure(self, name: str, **settings: Any) -> None:
        """Change settings of a layer."""
        self._entries[name]["config"].update(settings)

    def bypass(self, name: str) -> None:
        """Take a layer with one input out of the model."""
        before = self.only_input(name)

        def redirect(history: list[Any]) -> None:
            if history[0] == name:
                history[0] = before

        for entry in self._entries.values():
            for node in entry["inbound_nodes"]:
                _visit(node, redirect)
        outputs = self._config["output_layers"]
        for each in [outputs] if isinstance(outputs[0], str) else outputs:
            redirect(each)
        self._gone.add(name)

    def build(self) -> Model:
        """Build the edited model.

        Raises:
            CompressionError: If a layer can't be made from its settings.
        """
        config = {**self._config, "layers": [e for n, e in self._entries.items() if n not in self._gone]}
        try:
            built = self._kind.from_config(config)
        except Exception as error:  # Keras raises many kinds for layers that can't be made from their settings
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise CompressionError(Finding("C108", "", f"the network can't be rebuilt: {line[:200]}")) from error
        for layer in built.layers:
            if self.weights[layer.name]:
                types = self._types[layer.name] or [np.dtype(np.float32)]
                layer.set_weights([each.astype(types[0]) for each in self.weights[layer.name]])
        return built


def _visit(node: Any, act: Any) -> None:
    """Call ``act`` with the history (layer, node, tensor) of every tensor in a node's arguments."""
    if isinstance(node, dict):
        if node.get("class_name") == _TENSOR:
            act(node["config"]["keras_history"])
            return
        for value in node.values():
            _visit(value, act)
    elif isinstance(node, list | tuple):
        for value in node:
            _visit(value, act)
