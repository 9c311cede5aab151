"""Magnitude pruning: masks inside the network grow along a polynomial schedule while it goes on training.

The method and its schedule are those of Zhu & Gupta 2017, "To prune, or not to prune", section 3, as in TensorFlow's
toolkit. Here the mask is a variable of the kernel's constraint, so it works for every kind of layer and inside a
training whose epochs are compiled graphs; a test holds the result beside the toolkit's own on the same network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.compression.graph import Graph
from advisor.errors import CompressionError, Finding
from advisor.framework import kernels_of

Model = Any
PATTERNS = ("unstructured", "two_of_four", "block")
GROUP = 4
"""Weights of one output that follow one another along the inputs: of which two go, or which go together as a block."""


@dataclass(frozen=True)
class Target:
    """How sparse each kernel shall become.

    Attributes:
        fractions: Path of a kernel → fraction of zeros in it.
        pattern: ``unstructured``, ``two_of_four`` or ``block``.
        fraction: What all kernels together reach by that.
    """

    fractions: Mapping[str, float]
    pattern: str
    fraction: float


def plan_pruning(
    model: Model, fraction: float, *, pattern: str = "unstructured", smallest: int = 0, spared: tuple[str, ...] = ()
) -> Target:
    """Decide how sparse each kernel must become so that all together reach a fraction.

    Kernels of spared layers and those with fewer weights than ``smallest`` are left dense as long as the others can
    make up for them at no more than half of what would then be left of them; otherwise all are pruned alike.

    Args:
        model: The network.
        fraction: Wanted fraction of zeros in all kernels together, in (0, 1].
        pattern: Where zeros may be.
        smallest: Kernels with fewer weights than this are left dense if possible.
        spared: Names of layers to leave dense if possible, such as the output.

    Raises:
        CompressionError: If there is nothing to prune, or the pattern doesn't allow the fraction.
    """
    sizes = {path: int(np.prod(kernel.shape)) for path, kernel in kernels_of(model).items()}
    if not sizes:
        raise CompressionError(Finding("C103", "sparsity", "the network has no kernel that could be pruned."))
    if pattern not in PATTERNS:
        raise CompressionError(Finding("C103", "sparsity_pattern", f"{pattern!r} is none of {', '.join(PATTERNS)}."))
    if pattern == "two_of_four":
        if fraction > 0.5:
            raise CompressionError(
                Finding("C103", "sparsity_target", f"two of four are a fraction of 0.5, but {fraction:g} is wanted.")
            )
        return Target(dict.fromkeys(sizes, 0.5), pattern, 0.5)
    total = sum(sizes.values())
    pruned = [path for path, size in sizes.items() if size >= smallest and path.partition("/")[0] not in spared]
    among = sum(sizes[path] for path in pruned)
    needed = fraction * total / among if among else 2.0
    if needed > 1 - (1 - fraction) / 2:
        pruned, needed = list(sizes), fraction
    return Target(dict.fromkeys(pruned, needed), pattern, fraction)


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


class Mask:
    """A constraint of a kernel: after every step of the optimizer, what is masked is zero again.

    Attributes:
        values: 1 where a weight stays and 0 where it goes, a variable of the kernel's shape.
        variables: The same; what a training's checkpoint must hold besides the network.
    """

    def __init__(self, kernel: Any) -> None:
        """Mask nothing yet."""
        import tensorflow as tf

        self.values = tf.Variable(tf.ones(kernel.shape), trainable=False, name="mask")
        self.variables = (self.values,)

    def __call__(self, kernel: Any) -> Any:
        """Return the kernel with zeros where the mask has them."""
        return kernel * self.values


class GradualPruning:
    """Raises the sparsity of a copy of a network along a polynomial schedule while the copy trains.

    What it has done is all in the masks, which are constraints of the kernels and hold variables: a training that
    resumes from a checkpoint goes on pruning where it was.

    Attributes:
        model: The copy, with masks that leave everything as it is; to be trained with :meth:`callback`.
    """

    def __init__(
        self,
        model: Model,
        target: Target,
        *,
        begin_share: float = 0.0,
        end_share: float = 0.5,
        every_epochs: int = 1,
        power: float = 3.0,
    ) -> None:
        """Copy a network and prepare the schedule.

        Args:
            model: The trained network; it is left as it is.
            target: How sparse each kernel shall become.
            begin_share: Share of the planned epochs before the first weights go.
            end_share: Share of them after which all of the target has gone.
            every_epochs: Epochs between two changes of the masks.
            power: Exponent of the schedule (Zhu & Gupta: 3): fast at first, slow at the end.

        Raises:
            CompressionError: If the network can't be copied.
        """
        self.model = Graph(model).build()
        self._target, self._begin, self._end = target, begin_share, end_share
        self._every, self._power = max(1, every_epochs), power
        # In their order: Keras gives a copy's layers inside of layers other paths.
        kernels = dict(zip(kernels_of(model), kernels_of(self.model).values(), strict=True))
        self._kernels = {path: kernels[path] for path in target.fractions}
        for kernel in self._kernels.values():
            kernel.constraint = Mask(kernel)

    def callback(self) -> Any:
        """Return the Keras callback that prunes the copy while it trains."""
        import keras

        class Pruning(keras.callbacks.Callback):
            """Sets the masks at the beginning of epochs."""

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                pruning.on_epoch_begin(epoch, int(self.params["epochs"]))

        pruning = self
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
        for path, fraction in self._target.fractions.items():
            kernel = self._kernels[path]
            mask = kernel.constraint.values
            left = np.asarray(kernel) * np.asarray(mask)
            pattern = self._target.pattern
            if pattern == "two_of_four" and share < 1:
                pattern = "unstructured"  # the pattern holds at the end; on the way there any of the smallest may go
            mask.assign(mask_of(left, share * fraction, pattern))
            kernel.assign(left * np.asarray(mask))

    def finish(self) -> Model:
        """Set what is still missing of the target to zero (nothing, unless the training ended early).

        Returns:
            The pruned copy, without masks: where they were zero, its weights are.
        """
        self.set_masks(1.0)
        for kernel in self._kernels.values():
            kernel.constraint = None
        return self.model
