"""The Keras that models are built with: the program's own, or a compatible one handed in (a twin for TFMOT)."""

from __future__ import annotations

import importlib
from functools import lru_cache
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import numpy as np

Namespace = Any
"""A module that offers ``Model``, ``Input``, ``layers``, ``initializers``, ``regularizers`` and ``saving``."""
Model = Any
Tensor = Any


def program_keras() -> Namespace:
    """Import and return the Keras that this program trains and delivers with (slow the first time)."""
    return importlib.import_module("keras")


def floats(numbers: Any) -> list[float]:
    """Return the numbers as float32 holds them, exactly representable in JSON."""
    return [float(each) for each in np.asarray(numbers, np.float32).ravel()]


_FUNCTIONS = {
    "isnan": "math.is_nan",
    "isfinite": "math.is_finite",
    "where": "where",
    "take": "gather",
    "equal": "equal",
    "cast": "cast",
    "logical_and": "logical_and",
    "concatenate": "concat",
    "floor": "floor",
    "mod": "math.floormod",
    "sin": "sin",
    "cos": "cos",
}
"""Tensor functions by their name in ``keras.ops``, and where TensorFlow has them."""


@lru_cache(maxsize=4)
def tensor_functions(namespace: Namespace) -> Any:
    """Return the few tensor functions that preprocessing needs, under the names of ``keras.ops``.

    A Keras without ``ops`` runs on TensorFlow alone, so TensorFlow's functions take their place there. ``rows_of(table,
    indices)`` is added: on TensorFlow it is a bare gather, because ``keras.ops.take`` first mends negative indices,
    which costs three operations a column in an exported model.
    """
    ops = getattr(namespace, "ops", None)
    if ops is not None and namespace.backend.backend() != "tensorflow":
        return SimpleNamespace(rows_of=ops.take, **{name: getattr(ops, name) for name in _FUNCTIONS})
    tf = importlib.import_module("tensorflow")
    if ops is None:
        found = {name: attrgetter(path)(tf) for name, path in _FUNCTIONS.items()}
    else:
        found = {name: getattr(ops, name) for name in _FUNCTIONS}
    return SimpleNamespace(rows_of=tf.gather, **found)
