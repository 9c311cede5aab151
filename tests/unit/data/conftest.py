"""Small tables generated from a seed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def mixed() -> pl.DataFrame:
    """Two hundred rows with every kind of column and a binary target."""
    rng = np.random.default_rng(7)
    n = 200
    colours = rng.choice(["red", "green", "blue"], n).tolist()
    return pl.DataFrame(
        {
            "size": [None if i % 17 == 0 else float(v) for i, v in enumerate(rng.normal(10, 3, n))],
            "count": rng.integers(0, 90, n),
            "colour": [None if i % 29 == 0 else v for i, v in enumerate(colours)],
            "sold": [None if i % 31 == 0 else bool(v) for i, v in enumerate(rng.integers(0, 2, n))],
            "day": [date(2024, 1, 1) + timedelta(days=int(v)) for v in [0, *rng.integers(0, 400, n - 1)]],
            "seen": [datetime(2024, 3, 1) + timedelta(seconds=int(v)) for v in rng.integers(0, 10**7, n)],
            "serial": [f"A{i:05d}" for i in range(n)],
            "comment": [f"row number {i} says hello" for i in range(n)],
            "same": ["x"] * n,
            "answer": np.where(rng.random(n) < 0.3, "yes", "no").tolist(),
        }
    )


@pytest.fixture
def numbers() -> pl.DataFrame:
    """A hundred rows of numbers with a real target."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100, 3))
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x @ [1.0, 2.0, -1.0] + rng.normal(size=100)})


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of the shared data sets, which lies beside the repository where it is present."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared data sets are not beside the repository")
    return folder
