"""Draws samples in memory: what no mask touches once for each row, the rest for all samples in one compiled call."""

from __future__ import annotations

from typing import Any

import numpy as np

from advisor.artifacts import Array, Mask, SamplingParts
from advisor.errors import Finding, RequestError

FEWEST_SAMPLES = 2
MOST_SAMPLES = 100_000
BLOCK_ELEMENTS = 1 << 22
"""Numbers that the widest random layer may hold at once: bounds the memory of a call, not its answer."""


def check_samples(samples: int) -> int:
    """Return a number of samples if it can be drawn.

    Raises:
        RequestError: If it is no whole number, below 2 (no spread), or above 100,000.
    """
    if isinstance(samples, bool) or not isinstance(samples, int | np.integer):
        raise RequestError(Finding("U103", "samples", f"{samples!r} is not a whole number of samples."))
    if samples < FEWEST_SAMPLES:
        raise RequestError(
            Finding(
                "U103",
                "samples",
                f"{samples} samples have no spread; allowed are {FEWEST_SAMPLES} to {MOST_SAMPLES:,}.",
                "Take 100, or at least 20.",
            )
        )
    if samples > MOST_SAMPLES:
        raise RequestError(
            Finding(
                "U103",
                "samples",
                f"{samples:,} samples are too many; allowed are {FEWEST_SAMPLES} to {MOST_SAMPLES:,}.",
                "100 samples know the spread to 7 %, 1,000 to 2 %.",
            )
        )
    return int(samples)


def draw_masks(masks: tuple[Mask, ...], samples: int, seed: int) -> list[Array]:
    """Draw masks of zeros and ones, the same for the same seed on every machine.

    Args:
        masks: The masks that the network takes.
        samples: How many of each.
        seed: Decides the draw.

    Returns:
        One float32 array (samples, ...) a mask.
    """
    drawn = []
    for number, mask in enumerate(masks):
        generator = np.random.Generator(np.random.Philox(key=[seed, number]))
        kept = generator.random((samples, *mask.shape), dtype=np.float32) >= mask.rate
        drawn.append(kept.astype(np.float32))
    return drawn


class Sampler:
    """A network that answers many times, each time with other neurons silenced.

    Every sample is one thinned network. All rows of a call, and of every later call, are asked the same thinned
    networks, so an answer doesn't depend on the rows beside it and can be repeated. (Recurrent layers with dropout of
    their own draw anew for each row and call.)

    Attributes:
        parts: The network, cut before its first random layer.
        samples: Number of samples T.
    """

    def __init__(self, parts: SamplingParts, samples: int, *, seed: int = 0) -> None:
        """Draw the masks; compiling waits for the first call.

        Args:
            parts: See :func:`advisor.uncertainty.graph.sampling_parts`.
            samples: Number of samples.
            seed: Decides which networks are sampled.

        Raises:
            RequestError: If the number of samples can't be drawn.
        """
        import tensorflow as tf

        self.parts, self.samples = parts, check_samples(samples)
        self._tf = tf
        self._masks = [tf.constant(mask) for mask in draw_masks(parts.masks, samples, seed)]
        widest = max([int(np.prod(tensor.shape[1:])) for tensor in parts.suffix.inputs], default=1)
        self._block = max(1, BLOCK_ELEMENTS // (widest * self.samples))
        # Never compiled with XLA: on a processor that made it 48 times slower.
        self._run = tf.function(self._draw, autograph=False, reduce_retracing=True)

    def __call__(self, rows: Array) -> Array:
        """Return the answers of every sampled network.

        Args:
            rows: Encoded rows (n, ...), of the network's input type.

        Returns:
            float32 (n, samples, outputs).
        """
        table = np.asarray(rows, self.parts.prefix.inputs[0].dtype)
        outputs = int(self.parts.suffix.outputs[0].shape[-1])
        if not len(table):
            return np.zeros((0, self.samples, outputs), np.float32)
        blocks = [
            self._run(self._tf.constant(table[first : first + self._block])).numpy()
            for first in range(0, len(table), self._block)
        ]
        return np.concatenate(blocks) if len(blocks) > 1 else np.asarray(blocks[0])

    def _draw(self, rows: Any) -> Any:
        tf, samples = self._tf, self.samples
        count = tf.shape(rows)[0]
        shared = self.parts.prefix(rows, training=False)
        shared = shared if isinstance(shared, list | tuple) else [shared]
        repeated = [tf.repeat(tensor, samples, axis=0) for tensor in shared]
        masks = [tf.tile(mask, [count, *[1] * (len(mask.shape) - 1)]) for mask in self._masks]
        answers = self.parts.suffix([*repeated, *masks], training=False)
        return tf.reshape(answers, [count, samples, answers.shape[-1]])
