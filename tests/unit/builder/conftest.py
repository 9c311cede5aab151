"""Small tables and recommendations that the builder's tests share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    cardinality: int = 0
    part: str = ""

    @property
    def source(self) -> str:
        return self.name.partition(":")[0]


DEFAULT = {
    "kernel_initializer": "he_normal",
    "activation": "elu",
    "normalization": "none",
    "normalization_position": "none",
    "batch_normalization_momentum": 0.9,
    "hidden_layers": 2,
    "units": 16,
    "output_activation": "linear",
    "loss": "mse",
    "input_normalization": "standardize",
    "categorical_encoding_limit": 4,
    "target_scaling": "standardize",
    "regularization": "none",
    "regularization_strengths": [],
    "dropout": "none",
    "dropout_rates": [],
}
SELF_NORMALIZING = {**DEFAULT, "kernel_initializer": "lecun_normal", "activation": "selu"}

COLUMNS = (
    Column("price", "numeric"),
    Column("year:days", "date", part="days"),
    Column("sold", "boolean"),
    Column("colour", "code", 5),
    Column("constant", "numeric"),
    Column("city", "code", 9),
    Column("empty", "numeric"),
)


def table(rows: int = 64, seed: int = 0) -> np.ndarray:
    """Encoded rows of COLUMNS, with missing values in price, sold and colour, and a column without any."""
    rng = np.random.default_rng(seed)
    x = np.empty((rows, len(COLUMNS)), np.float32)
    x[:, 0] = rng.normal(1e6, 10.0, rows)
    x[:, 1] = rng.integers(2015, 2024, rows)
    x[:, 2] = rng.integers(0, 2, rows)
    x[:, 3] = rng.integers(2, 5, rows)
    x[:, 4] = np.float32(0.1)
    x[:, 5] = rng.integers(2, 9, rows)
    x[:, 6] = np.nan
    x[rng.random(rows) < 0.2, 0] = np.nan
    x[rng.random(rows) < 0.2, 2] = np.nan
    x[rng.random(rows) < 0.2, 3] = 0
    return x


@pytest.fixture(scope="session")
def keras() -> Any:
    return pytest.importorskip("keras")
