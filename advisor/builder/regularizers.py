"""Penalties that Keras doesn't have."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from advisor.builder.namespace import Namespace, Tensor

TINY = 1e-12
"""Is added under the root, which has no slope at 0."""


@lru_cache(maxsize=2)
def group_l1_class(namespace: Namespace) -> Any:
    """Return the penalty on whole columns, registered with a Keras under the package ``advisor``.

    The penalty of a kernel (columns, neurons) is the sum over columns of the length of the column's weights: like ℓ1
    on columns and like ℓ2 within them, so that a column leaves with all of its weights.

    Source:
        Scardapane et al. 2017, "Group sparse regularization for deep neural networks", section 3.
    """

    @namespace.saving.register_keras_serializable(package="advisor")
    class GroupL1(namespace.regularizers.Regularizer):
        """Sum over the kernel's rows of their Euclidean lengths, times a strength."""

        def __init__(self, strength: float = 0.01) -> None:
            self.strength = float(strength)

        def __call__(self, kernel: Tensor) -> Tensor:
            import tensorflow as tf

            return self.strength * tf.reduce_sum(tf.sqrt(tf.reduce_sum(tf.square(kernel), axis=-1) + TINY))

        def get_config(self) -> dict[str, float]:
            return {"strength": self.strength}

    return GroupL1
