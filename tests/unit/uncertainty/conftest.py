"""Small real networks with dropout in the places that matter."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest


def dense(kind="Dropout", rate=0.2, normalization=True, hidden=2):
    import keras

    keras.utils.set_random_seed(3)
    tensor = inputs = keras.Input((5,), name="features")
    for k in range(hidden):
        tensor = keras.layers.Dense(12, name=f"dense_{k}")(tensor)
        if normalization:
            tensor = keras.layers.BatchNormalization(name=f"normalization_{k}")(tensor)
        tensor = keras.layers.Activation("selu", name=f"activation_{k}")(tensor)
        tensor = getattr(keras.layers, kind)(rate, name=f"dropout_{k}")(tensor)
    return keras.Model(inputs, keras.layers.Dense(2, name="output")(tensor))


@pytest.fixture(scope="session")
def rows():
    return np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)
