"""The Keras that models are built with: the program's own, or a compatible one handed in (a twin for TFMOT)."""

from __future__ import annotations

import importlib
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

Namespace = Any
"""A module that offers ``Model``, ``Input``, ``layers``, ``initializers``, ``regularizers`` and ``saving``."""
Model = Any
Tensor = Any


def program_keras() -> Namespace:
    """Import and return the Keras that this program trains and delivers with (slow the first time)."""
    return importlib.import_module("keras")


@lru_cache(maxsize=4)
def tensor_functions(namespace: Namespace) -> Any:
    """Return the few tensor functions that preprocessing needs, under the names of ``keras.ops``.

    A Keras without ``ops`` runs on TensorFlow alone, so TensorFlow's functions take their place there.
    """
    found = getattr(namespace, "ops", None)
    if found is not None:
        return found
    tf = importlib.import_module("tensorflow")
    return SimpleNamespace(
        isnan=tf.math.is_nan,
        where=tf.where,
        take=tf.gather,
        equal=tf.equal,
        cast=tf.cast,
        logical_and=tf.logical_and,
    )
