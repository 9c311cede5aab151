"""Magnitude pruning: masks inside the network grow along a polynomial schedule while it goes on training.

The method and its schedule are those of Zhu & Gupta 2017, "To prune, or not to prune", section 3, as in TensorFlow's
toolkit. Here the mask is a variable of the layer, so it works inside a training whose epochs are compiled graphs; a
test holds the result beside the toolkit's own on the same network.
"""

from __future__ import annotations

from collections.abc import Mapping
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
_PRUNABLE = ("Dense",)


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
    sizes = {
        layer.name: int(np.prod(layer.kernel.shape)) for layer in model.layers if type(layer).__name__ in _PRUNABLE
    }
    if not sizes:
        raise CompressionError(Finding("C103", "sparsity", "the network has no dense layer that could be pruned."))
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
        kernel: (inputs, outputs).
        fraction: Fraction of zeros, rounded up to whole weights or blocks.
        pattern: Where zeros may be.

    Returns:
        1 where a weight stays and 0 where it goes, float32, of the kernel's shape.
    """
    size = np.abs(np.asarray(kernel, np.float64))
    if pattern == "unstructured":
        return _without_smallest(size.ravel(), fraction).reshape(size.shape)
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
    return np.ascontiguousarray(mask.reshape(groups * GROUP, outputs)[:inputs])


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
def masked_dense() -> Any:
    """Return the class of dense layers with a mask."""
    import keras

    @keras.saving.register_keras_serializable(package="advisor")
    class MaskedDense(keras.layers.Dense):  # type: ignore[misc]  # Keras ships no types
        """A dense layer whose kernel is multiplied by a mask, a variable that isn't trained."""

        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.mask = self.add_weight(
                name="mask", shape=self.kernel.shape, initializer="ones", trainable=False, dtype="float32"
            )

        def call(self, inputs: Any, training: bool | None = None) -> Any:
            answers = keras.ops.matmul(inputs, self.kernel * self.mask)
            if self.bias is not None:
                answers = answers + self.bias
            return answers if self.activation is None else self.activation(answers)

    return MaskedDense


def with_masks(model: Model, target: Target) -> Model:
    """Return a copy of a model whose kernels to be pruned have masks, all ones."""
    masked_dense()
    graph = Graph(model)
    for name in target.fractions:
        graph.replace_class(name, "MaskedDense", "advisor>MaskedDense")
        graph.weights[name] = [*graph.weights[name], np.ones_like(graph.weights[name][0])]
    return graph.build()


def without_masks(masked: Model, model: Model) -> Model:
    """Return a copy of the original model with the pruned weights in it, exact zeros where the masks are zero."""
    graph = Graph(model)
    for layer in masked.layers:
        weights = [np.asarray(each, np.float64) for each in layer.get_weights()]
        if type(layer).__name__ == "MaskedDense":
            kernel, *bias, mask = weights
            weights = [kernel * mask, *bias]
        if weights:
            graph.weights[layer.name] = weights
    return graph.build()


class GradualPruning:
    """Raises the sparsity epoch by epoch and keeps the best weights of the epochs that have all of it.

    :meth:`callback` goes into the training; after it, :meth:`finish` puts the best weights in place.
    """

    def __init__(self, target: Target, *, ramp_epochs: int, power: float = 3.0) -> None:
        """Prepare the schedule.

        Args:
            target: How sparse each kernel shall become.
            ramp_epochs: Epochs until the target is reached.
            power: Exponent of the schedule (Zhu & Gupta: 3): fast at first, slow at the end.
        """
        self._target, self._ramp, self._power = target, max(1, ramp_epochs), power
        self._best: tuple[float, list[Array]] | None = None
        self._model: Model = None

    def callback(self, model: Model) -> Any:
        """Return the Keras callback that prunes this model while it trains."""
        import keras

        self._model = model
        return keras.callbacks.LambdaCallback(on_epoch_begin=self.on_epoch_begin, on_epoch_end=self.on_epoch_end)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the masks for an epoch, counted from 0."""
        if epoch == 0:  # a training that diverged begins anew
            self._best = None
        if epoch < self._ramp:
            self.set_masks(1.0 - (1.0 - (epoch + 1) / self._ramp) ** self._power)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Remember the weights if they are the best of those that are sparse enough."""
        loss = float((logs or {}).get("val_loss", np.inf))
        if epoch + 1 >= self._ramp and (self._best is None or loss < self._best[0]):
            self._best = (loss, [np.array(each) for each in self._model.get_weights()])

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

    def finish(self) -> float:
        """Put the best weights in place and return their validation loss; infinite where none were sparse enough."""
        if self._best is None:
            self.set_masks(1.0)
            return float("inf")
        self._model.set_weights(self._best[1])
        return self._best[0]
