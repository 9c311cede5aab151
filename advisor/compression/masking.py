"""Magnitude pruning: masks inside the network grow along a polynomial schedule while it goes on training.

The method and its schedule are those of Zhu & Gupta 2017, "To prune, or not to prune", section 3, as in TensorFlow's
toolkit. Here the mask is a variable of the layer, so it works inside a training whose epochs are compiled graphs; a
test holds the result beside the toolkit's own on the same network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.compression.graph import Graph
from advisor.errors import CompressionError, Finding

Model = Any
PATTERNS = ("unstructured", "two_of_four", "block")
GROUP = 4
"""Weights of one output that follow one another along the inputs: of which two go, or which go together as a block."""
PRUNABLE = ("Dense", "Conv1D", "Conv2D")
"""Layers that are pruned. A depthwise convolution has too few weights, and a recurrent cell keeps them to itself."""


@dataclass(frozen=True)
class Target:
    """How sparse each kernel shall become.

    Attributes:
        fractions: Name of the layer → fraction of zeros in its kernel.
        pattern: ``unstructured``, ``two_of_four`` or ``block``.
        fraction: What all prunable kernels together reach by that.
    """

    fractions: Mapping[str, float]
    pattern: str
    fraction: float


def plan_pruning(
    model: Model, fraction: float, *, pattern: str = "unstructured", smallest: int = 0, spared: tuple[str, ...] = ()
) -> Target:
    """Decide how sparse each kernel must become so that all together reach a fraction.

    Kernels of spared layers and of layers with fewer weights than ``smallest`` are left dense as long as the others
    can make up for them at no more than half of what would then be left of them; otherwise all are pruned alike.

    Args:
        model: The network.
        fraction: Wanted fraction of zeros in all kernels together, in (0, 1].
        pattern: Where zeros may be.
        smallest: Layers with fewer weights than this are left dense if possible.
        spared: Names of layers to leave dense if possible, such as the output.

    Raises:
        CompressionError: If there is nothing to prune, or the pattern doesn't allow the fraction.
    """
    sizes = {layer.name: int(np.prod(layer.kernel.shape)) for layer in model.layers if type(layer).__name__ in PRUNABLE}
    if not sizes:
        raise CompressionError(
            Finding("C103", "sparsity", "the network has no dense or convolution layer that could be pruned.")
        )
    if pattern not in PATTERNS:
        raise CompressionError(Finding("C103", "sparsity_pattern", f"{pattern!r} is none of {', '.join(PATTERNS)}."))
    if pattern == "two_of_four":
        if fraction > 0.5:
            raise CompressionError(
                Finding("C103", "sparsity_target", f"two of four are a fraction of 0.5, but {fraction:g} is wanted.")
            )
        return Target(dict.fromkeys(sizes, 0.5), pattern, 0.5)
    total = sum(sizes.values())
    pruned = [name for name, size in sizes.items() if size >= smallest and name not in spared]
    among = sum(sizes[name] for name in pruned)
    needed = fraction * total / among if among else 2.0
    if needed > 1 - (1 - fraction) / 2:
        pruned, needed = list(sizes), fraction
    return Target({name: needed for name in pruned}, pattern, fraction)


def mask_of(kernel: Array, fraction: float, pattern: str = "unstructured") -> Array:
    """Return the mask that leaves the largest weights of a kernel.

    Args:
        kernel: (…, inputs, outputs); a convolution's window counts as more inputs, the channels of one place beside
            each other.
        fraction: Fraction of zeros, rounded up to whole weights or blocks.
        pattern: Where zeros may be.

    Returns:
        1 where a weight stays and 0 where it goes, float32, of the kernel's shape.
    """
    shape = np.shape(kernel)
    size = np.abs(np.asarray(kernel, np.float64)).reshape(-1, shape[-1])
    if pattern == "unstructured":
        return _without_smallest(size.ravel(), fraction).reshape(shape)
    inputs, outputs = size.shape
    groups = -(-inputs // GROUP)
    padded = np.full((groups * GROUP, outputs), np.nan)
    padded[:inputs] = size
    grouped = padded.reshape(groups, GROUP, outputs)
    if pattern == "two_of_four":
        ranks = np.argsort(np.argsort(np.where(np.isnan(grouped), np.inf, grouped), axis=1), axis=1)
        gone = -(-(~np.isnan(grouped)).sum(axis=1, keepdims=True) // 2)  # half of a group; of an odd rest rather more
        mask = (ranks >= gone).astype(np.float32)
    else:
        worth = np.nanmean(grouped, axis=1)
        weights = (~np.isnan(grouped)).sum(axis=1).astype(np.float64)
        mask = np.repeat(
            _without_smallest(worth.ravel(), fraction, weights.ravel()).reshape(groups, 1, outputs), GROUP, 1
        )
    return np.ascontiguousarray(mask.reshape(groups * GROUP, outputs)[:inputs]).reshape(shape)


def _without_smallest(worth: Array, fraction: float, weights: Array | None = None) -> Array:
    """Return 0 for the least worthy elements that together are at least the fraction of all, and else 1."""
    order = np.argsort(worth, kind="stable")
    counts = np.ones(len(worth)) if weights is None else weights[order]
    wanted = fraction * counts.sum()
    gone = int(np.searchsorted(np.cumsum(counts), wanted - 1e-9)) + 1 if wanted > 0 else 0
    mask = np.ones(len(worth), np.float32)
    mask[order[: min(gone, len(worth))]] = 0.0
    return mask


@lru_cache(maxsize=1)
def masked_layers() -> Mapping[str, Any]:
    """Return the layers with a mask: name of the layer's class → class whose kernel is multiplied by a mask."""
    import keras

    def add_mask(layer: Any) -> None:
        layer.mask = layer.add_weight(
            name="mask", shape=layer.kernel.shape, initializer="ones", trainable=False, dtype="float32"
        )

    @keras.saving.register_keras_serializable(package="advisor")
    class MaskedDense(keras.layers.Dense):
        """A dense layer whose kernel is multiplied by a mask, a variable that isn't trained."""

        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            add_mask(self)

        def call(self, inputs: Any, training: bool | None = None) -> Any:
            answers = keras.ops.matmul(inputs, self.kernel * self.mask)
            if self.bias is not None:
                answers = answers + self.bias
            return answers if self.activation is None else self.activation(answers)

    found = {"Dense": MaskedDense}
    for name in ("Conv1D", "Conv2D"):
        found[name] = keras.saving.register_keras_serializable(package="advisor")(
            _masked_convolution(getattr(keras.layers, name), add_mask)
        )
    return found


def _masked_convolution(kind: Any, add_mask: Callable[[Any], None]) -> Any:
    """Return a convolution whose kernel is multiplied by a mask, a variable that isn't trained."""

    def build(self: Any, input_shape: Any) -> None:
        kind.build(self, input_shape)
        add_mask(self)

    def convolution_op(self: Any, inputs: Any, kernel: Any) -> Any:
        return kind.convolution_op(self, inputs, kernel * self.mask)

    return type(f"Masked{kind.__name__}", (kind,), {"build": build, "convolution_op": convolution_op})


def with_masks(model: Model, target: Target) -> Model:
    """Return a copy of a model whose kernels to be pruned have masks, all ones."""
    masked_layers()
    graph = Graph(model)
    for name in target.fractions:
        kind = f"Masked{type(graph.layers[name]).__name__}"
        graph.replace_class(name, kind, f"advisor>{kind}")
        graph.weights[name] = [*graph.weights[name], np.ones_like(graph.weights[name][0])]
    return graph.build()


def without_masks(masked: Model, model: Model) -> Model:
    """Return a copy of the original model with the pruned weights in it, exact zeros where the masks are zero."""
    graph = Graph(model)
    for layer in masked.layers:
        weights = [np.asarray(each, np.float64) for each in layer.get_weights()]
        if type(layer).__name__.startswith("Masked"):
            kernel, *bias, mask = weights
            weights = [kernel * mask, *bias]
        if weights:
            graph.weights[layer.name] = weights
    return graph.build()


class GradualPruning:
    """Raises the sparsity along a polynomial schedule while a network trains.

    What it has done is all in the masks, which are variables of the network: a training that resumes from a checkpoint
    goes on pruning where it was.
    """

    def __init__(
        self,
        target: Target,
        *,
        begin_share: float = 0.0,
        end_share: float = 0.5,
        every_epochs: int = 1,
        power: float = 3.0,
    ) -> None:
        """Prepare the schedule.

        Args:
            target: How sparse each kernel shall become.
            begin_share: Share of the planned epochs before the first weights go.
            end_share: Share of them after which all of the target has gone.
            every_epochs: Epochs between two changes of the masks.
            power: Exponent of the schedule (Zhu & Gupta: 3): fast at first, slow at the end.
        """
        self._target, self._begin, self._end = target, begin_share, end_share
        self._every, self._power = max(1, every_epochs), power
        self._model: Model = None

    def callback(self, model: Model) -> Any:
        """Return the Keras callback that prunes this model while it trains."""
        import keras

        class Pruning(keras.callbacks.Callback):
            """Sets the masks at the beginning of epochs."""

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                pruning.on_epoch_begin(epoch, int(self.params["epochs"]))

        self._model, pruning = model, self
        return Pruning()

    def on_epoch_begin(self, epoch: int, planned: int) -> None:
        """Set the masks for an epoch, counted from 0, of so many."""
        last = max(1, math.ceil(self._end * planned))
        first = min(math.floor(self._begin * planned), last - 1)
        due = (epoch - first) % self._every == 0 or epoch + 1 == last
        if first <= epoch < last and due:
            self.set_masks(1.0 - (1.0 - (epoch + 1 - first) / (last - first)) ** self._power)

    def set_masks(self, share: float) -> None:
        """Prune every kernel to a share of its target; what is pruned stays zero."""
        for name, fraction in self._target.fractions.items():
            layer = self._model.get_layer(name)
            kernel = np.asarray(layer.kernel) * np.asarray(layer.mask)
            pattern = self._target.pattern
            part = share * fraction
            if pattern == "two_of_four":  # the pattern holds at the end; on the way there any of the smallest may go
                pattern = "two_of_four" if share >= 1 else "unstructured"
            mask = mask_of(kernel, part, pattern)
            layer.mask.assign(mask)
            layer.kernel.assign(kernel * mask)

    def finish(self) -> None:
        """Set whatever is still missing of the target to zero: nothing, unless the training ended early."""
        self.set_masks(1.0)
