"""Layers of another network as the lower layers of a new one: cut where one tensor carries everything, made anew.

A network is read by its public configuration. The layers that are taken over are made again from their own settings
(activation, normalization, initializer), one by one, so that what is built is a flat network like any other; their
penalties and their dropout are those of the new recipe, because both only matter while a network is trained.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from advisor.builder.dense_stack import dense_block, dropout_layer
from advisor.builder.namespace import Model, Namespace, Tensor
from advisor.builder.registry import POOLINGS, REGULARIZATIONS
from advisor.errors import BuildError, Finding

if TYPE_CHECKING:
    from advisor.builder.blueprint import Blueprint

_TENSOR = "__keras_tensor__"
_INPUT = "InputLayer"
_RESCALING = frozenset({"Rescaling", "Normalization"})
_SHAPING = frozenset({_INPUT, "Flatten", "Reshape", "Rescaling", "Normalization"})
_DROPOUTS = frozenset({"Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D"})
_DROPOUTS |= frozenset({"SpatialDropout2D", "SpatialDropout3D"})
_REGULARIZERS = ("kernel_regularizer", "depthwise_regularizer", "pointwise_regularizer")
_OTHER_REGULARIZERS = ("bias_regularizer", "activity_regularizer", "recurrent_regularizer")
RESERVED = frozenset(
    {"features", "output", "output_activation", "target_units", "numbers", "missing", "one_hot", "embeddings"}
    | {"prepared", "standardized", "augmentation", "image", "core", "reshaped"}
)
"""Names that the builder gives to other layers of the network."""


@dataclass(frozen=True)
class Cut:
    """A place where a network can be cut: one tensor carries everything from below to above.

    Attributes:
        layer: Name of the last layer below.
        kernels: Names of the layers with a kernel below, in order from the input.
    """

    layer: str
    kernels: tuple[str, ...]


class Trunk:
    """The part of a network between its prepared inputs and its output layer, readable and made anew.

    Attributes:
        cuts: Where it can be cut, from the input upwards; each has one more layer with a kernel, or several.
        start: Name of the layer whose answer it reads.
        reads_raw: Whether it scales its inputs itself, so that it must be given them as they are.
        shape: Shape of one row that it reads.
        place: What it is called in errors.
    """

    def __init__(self, network: Model, start: str | None = None, *, place: str = "") -> None:
        """Read a network.

        Args:
            network: A functional or sequential model with one input and one output.
            start: Name of the last layer of its preparation; None takes its input.
            place: What it is called in errors.

        Raises:
            BuildError: If it can't be cut: several inputs or outputs, a layer that is used twice or is a model of its
                own, no hidden layer with a kernel, or nothing that one tensor carries.
        """
        import keras

        self.place = place
        functional = keras.Model(network.inputs, network.outputs) if isinstance(network, keras.Sequential) else network
        if len(functional.inputs) != 1 or len(functional.outputs) != 1:
            raise self._refusal(
                f"it has {len(functional.inputs)} inputs and {len(functional.outputs)} outputs; one each is needed"
            )
        config = copy.deepcopy(functional.get_config())
        self._layers = {layer.name: layer for layer in functional.layers}
        self._entries: dict[str, dict[str, Any]] = {
            entry["name"]: entry for entry in config["layers"] if entry["name"] in self._layers
        }
        for entry in self._entries.values():
            _leave_masks_to_keras(entry, self._layers)
        for name, layer in self._layers.items():
            if isinstance(layer, keras.Model):
                raise self._refusal(f"its layer {name!r} is a network of its own; give a flat one")
            if len(self._entries[name]["inbound_nodes"]) > 1:
                raise self._refusal(f"its layer {name!r} is used several times")
        first = functional.inputs[0]._keras_history.operation.name
        self.start = start if start is not None else first
        self._inputs = {name: _sources(self._entries[name]["inbound_nodes"]) for name in self._entries}
        for name, sources in self._inputs.items():
            if not set(sources) <= set(self._layers):
                raise self._refusal(f"its layer {name!r} reads an operation that is no layer")
        self.shape = tuple(self._layers[self.start].output.shape[1:])
        self._order = self._above()
        self.cuts = self._find_cuts()
        opening = [type(self._layers[name]).__name__ for name in self._order[:3]]
        self.reads_raw = start is None and any(
            kind in _RESCALING and set(opening[:index]) <= _SHAPING for index, kind in enumerate(opening)
        )

    def layer(self, name: str) -> Any:
        """Return a layer of the network that was read."""
        return self._layers[name]

    def inputs(self, name: str) -> tuple[str, ...]:
        """Return the names of the layers that a layer reads."""
        return self._inputs[name]

    def below(self, cut: Cut) -> tuple[str, ...]:
        """Return the names of the layers below a cut, in order, dropout left out."""
        upto = self._order[: self._order.index(cut.layer) + 1]
        return tuple(name for name in upto if type(self._layers[name]).__name__ not in _DROPOUTS)

    def line(self) -> tuple[str, ...]:
        """Return the names of the layers from the start upwards that each read the one before, and nothing else."""
        found = [self.start]
        for name in self._order:
            if self._inputs[name] != (found[-1],):
                break
            found.append(name)
        return tuple(found[1:])

    def describe(self) -> str:
        """Return the reusable layers with a kernel in words: name, width, activation."""
        words = []
        for name in self.cuts[-1].kernels:
            layer = self._layers[name]
            own = getattr(getattr(layer, "activation", None), "__name__", "linear")
            words.append(f"{name} ({layer.output.shape[-1]}{'' if own == 'linear' else ', ' + own})")
        used = {
            getattr(getattr(self._layers[name], "activation", None), "__name__", "linear")
            for name in self.below(self.cuts[-1])
            if type(self._layers[name]).__name__ == "Activation"
        }
        return ", ".join(words) + (f" with {' and '.join(sorted(used))}" if used else "")

    def graft(self, cut: Cut, *, shape: Sequence[int] | None = None, above: int = 0, dropout: bool = False) -> Graft:
        """Return a body that begins with the layers below a cut.

        Args:
            cut: Where it is cut.
            shape: Shape that the layers read, where the new network's inputs must be laid out anew; None leaves them.
            above: How many new dense blocks come on top, as the rules say.
            dropout: Whether the rules' dropout stands between the reused layers too.
        """
        return Graft(self, cut, tuple(shape) if shape is not None else None, above, dropout)

    def _refusal(self, why: str) -> BuildError:
        return BuildError(
            Finding("B120", self.place, f"the layers of this network can't be reused: {why}.", "Give another network.")
        )

    def _above(self) -> list[str]:
        """Return the layers above the start, in an order in which each comes after what it reads."""
        below, waiting = {self.start}, [self.start]
        while waiting:
            for name in self._inputs[waiting.pop()]:
                if name not in below:
                    below.add(name)
                    waiting.append(name)
        left = [name for name in self._entries if name not in below and not self._is_input(name)]
        for name in left:
            outside = [each for each in self._inputs[name] if each in below and each != self.start]
            if outside:
                raise self._refusal(f"its layer {name!r} reads the inputs past their preparation")
        ordered: list[str] = []
        while left:
            ready = [name for name in left if all(each in ordered or each == self.start for each in self._inputs[name])]
            ordered.extend(ready)
            left = [name for name in left if name not in ready]
        return ordered

    def _is_input(self, name: str) -> bool:
        return type(self._layers[name]).__name__ == _INPUT

    def _find_cuts(self) -> tuple[Cut, ...]:
        head = next((name for name in reversed(self._order) if self._has_kernel(name)), None)
        if head is None:
            raise self._refusal("it has no layer with a kernel")
        found: dict[int, Cut] = {}
        for index, name in enumerate(self._order):
            above = self._order[index + 1 :]
            below = {self.start, *self._order[:index]}
            if head not in above or any(set(self._inputs[each]) & below for each in above):
                continue
            kernels = tuple(each for each in self._order[: index + 1] if self._has_kernel(each))
            if kernels:
                found[len(kernels)] = Cut(name, kernels)
        if not found:
            raise self._refusal("it has no hidden layer that everything above depends on")
        return tuple(found[count] for count in sorted(found))

    def _has_kernel(self, name: str) -> bool:
        layer = self._layers[name]
        return any(len(weight.shape) > 1 for weight in layer.weights)


@dataclass(frozen=True)
class Graft:
    """A body whose lower layers are those of another network; called like any body of the builder.

    Attributes:
        trunk: The network that they come from.
        cut: Where it is cut.
        shape: Shape that they read, where the inputs must be laid out anew.
        above: Number of new dense blocks on top.
        dropout: Whether the rules' dropout stands between the reused layers too.
    """

    trunk: Trunk
    cut: Cut
    shape: tuple[int, ...] | None
    above: int
    dropout: bool

    @property
    def reads_raw(self) -> bool:
        """Whether it must be given the inputs as they are."""
        return self.trunk.reads_raw

    @property
    def kept(self) -> tuple[str, ...]:
        """Names, in the new network, of the layers that are taken over."""
        return tuple(self.name_of(name) for name in self.trunk.below(self.cut))

    def name_of(self, name: str) -> str:
        """Return the name of a layer in the new network."""
        return f"reused_{name}" if name in RESERVED else name

    def __call__(self, keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
        """Append the layers, and what the rules put above them."""
        trunk = self.trunk
        if self.shape is not None and tuple(inputs.shape[1:]) != self.shape:
            inputs = keras.layers.Reshape(self.shape, name="reshaped")(inputs)
        made: dict[str, Tensor] = {trunk.start: inputs}
        ends = {cut.layer: len(cut.kernels) for cut in trunk.cuts}
        for name in trunk._order:
            if name not in self.kept_originals:
                made[name] = made[trunk.inputs(name)[0]]
            else:
                made[name] = self._append(keras, name, made, blueprint)
            if self.dropout and name in ends:
                made[name] = _dropped(keras, made[name], blueprint, ends[name])
            if name == self.cut.layer:
                break
        tensor = made[self.cut.layer]
        if len(tensor.shape) > 2:
            pooling = blueprint.pooling if blueprint.pooling in POOLINGS else "flatten"
            return POOLINGS[pooling](keras, tensor, blueprint)
        first = 1 + max(len(self.cut.kernels), *(_number_of(name) for name in self.kept))
        for index in range(first, first + self.above):
            tensor = dense_block(keras, tensor, blueprint, index)
        return tensor

    @property
    def kept_originals(self) -> frozenset[str]:
        """Names, in the network that was read, of the layers that are taken over."""
        return frozenset(self.trunk.below(self.cut))

    def _append(self, keras: Namespace, name: str, made: Mapping[str, Tensor], blueprint: Blueprint) -> Tensor:
        entry = copy.deepcopy(
            {key: value for key, value in self.trunk._entries[name].items() if key != "inbound_nodes"}
        )
        config = entry["config"]
        config["name"] = self.name_of(name)
        config["trainable"] = True
        config.pop("build_config", None)
        entry.pop("build_config", None)
        for key in _OTHER_REGULARIZERS:
            if key in config:
                config[key] = None
        for key, value in config.items():
            if key.endswith("initializer") and isinstance(value, dict) and "seed" in value.get("config", {}):
                value["config"]["seed"] = blueprint.seed_of(f"{config['name']}/{key}")
        if config.get("seed", 0) is None:
            config["seed"] = blueprint.seed_of(config["name"])
        layer = keras.saving.deserialize_keras_object(entry)
        for key in _REGULARIZERS:
            if hasattr(layer, key):
                setattr(layer, key, REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength))
        node = self.trunk._entries[name]["inbound_nodes"][0]
        tensors = _restored(node["args"], made)
        settings = {key: value for key, value in _restored(node.get("kwargs", {}), made).items() if key != "training"}
        try:
            return layer(*tensors, **settings)
        except ValueError as error:  # Keras's answer to inputs of a shape that a layer can't take
            line = (str(error).strip().splitlines() or ["the shapes don't fit"])[0]
            raise BuildError(
                Finding(
                    "B123",
                    self.trunk.place,
                    f"the layer {name!r} can't read these inputs: {line[:200]}",
                    "Give a network for data of the same form.",
                )
            ) from error


def _number_of(name: str) -> int:
    """Return the number at the end of a layer's name, 0 without one: new layers must not be called alike."""
    ending = name.rpartition("_")[2]
    return int(ending) if ending.isdecimal() else 0


def _dropped(keras: Namespace, tensor: Tensor, blueprint: Blueprint, index: int) -> Tensor:
    """Append the rules' dropout, where they want some; not between feature maps, as everywhere in the builder."""
    layer = dropout_layer(keras, blueprint, index) if len(tensor.shape) == 2 else None
    return tensor if layer is None else layer(tensor)


def _leave_masks_to_keras(entry: Mapping[str, Any], layers: Mapping[str, Any]) -> None:
    """Forget the masks that no layer makes: Keras passes them on by itself wherever a layer is called."""
    for node in entry["inbound_nodes"]:
        settings = node.get("kwargs", {})
        if not set(_sources([settings.get("mask")])) <= set(layers):
            del settings["mask"]


def _sources(nodes: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of what a layer's calls read, each once."""
    found: list[str] = []
    waiting = list(nodes)
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            if value.get("class_name") == _TENSOR:
                found.append(value["config"]["keras_history"][0])
            else:
                waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
    return tuple(dict.fromkeys(found))


def _restored(value: Any, made: Mapping[str, Tensor]) -> Any:
    """Return the arguments of a call with the new network's tensors in place of the old one's."""
    if isinstance(value, dict):
        if value.get("class_name") == _TENSOR:
            return made[value["config"]["keras_history"][0]]
        return {key: _restored(each, made) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_restored(each, made) for each in value)
    return value
