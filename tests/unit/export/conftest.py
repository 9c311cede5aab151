"""Small real models that the export tests share."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from typing import Any

import numpy as np
import pytest


def build(outputs: int = 3, activation: str = "softmax", width: int = 6, seed: int = 0) -> Any:
    import keras

    inputs = keras.Input((width,), name="features")
    tensor = keras.layers.Dense(16, kernel_initializer=keras.initializers.HeNormal(seed), name="dense_1")(inputs)
    tensor = keras.layers.BatchNormalization(name="normalization_1")(tensor)
    tensor = keras.layers.Activation("elu", name="activation_1")(tensor)
    tensor = keras.layers.Dropout(0.1, seed=seed, name="dropout_1")(tensor)
    tensor = keras.layers.Dense(outputs, kernel_initializer=keras.initializers.GlorotNormal(seed), name="output")(
        tensor
    )
    return keras.Model(inputs, keras.layers.Activation(activation, name="output_activation")(tensor))


@pytest.fixture(scope="session")
def model() -> Any:
    return build()


@pytest.fixture(scope="session")
def serving() -> Any:
    import keras

    age = keras.Input((1,), name="age")
    colour = keras.Input((1,), name="colour", dtype="string")
    codes = keras.layers.StringLookup(vocabulary=["blue", "red"], name="lookup")(colour)
    flat = keras.layers.Flatten()(keras.layers.Embedding(3, 2, name="embedding")(codes))
    return keras.Model({"age": age, "colour": colour}, keras.layers.Dense(1)(keras.layers.Concatenate()([age, flat])))


@pytest.fixture(scope="session")
def rows() -> np.ndarray:
    return np.random.default_rng(7).normal(size=(100, 6)).astype(np.float32)
