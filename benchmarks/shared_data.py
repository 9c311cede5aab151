"""The data sets that lie beside the project, with their published splits as a column ``_split``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
TABLES = (
    "gal_concrete",
    "gal_energy",
    "gal_kin8nm",
    "gal_power_plant",
    "california_housing",
    "adult",
    "magic",
    "mammography",
    "madelon",
)
VALIDATION_SEED = 20240
VALIDATION_SHARE = 5


def card(name: str) -> Mapping[str, Any]:
    """Return the card of a data set: task, target, licence, published figures."""
    document: Mapping[str, Any] = json.loads((DATA / name / "card.json").read_text())
    return document


def load_table(name: str, split: int = 0) -> tuple[pl.DataFrame, str]:
    """Return a data set with a column ``_split``, and the name of its target.

    Args:
        name: Name of the data set's folder.
        split: Number of the published split, for the sets that have several; a fifth of its training rows, drawn as
            for the published peers, is the validation part.
    """
    folder, target = DATA / name, str(card(name)["target"])
    if (folder / "data.npz").exists():
        with np.load(folder / "data.npz", allow_pickle=False) as arrays:
            columns: dict[str, Any] = {f"x{k}": arrays["X"][:, k] for k in range(arrays["X"].shape[1])}
            return pl.DataFrame({**columns, target: arrays["y"], "_split": arrays["split"].astype(str)}), target
    file = next(path for path in (folder / "data.csv", folder / "data.parquet") if path.exists())
    frame = pl.read_csv(file, infer_schema_length=None) if file.suffix == ".csv" else pl.read_parquet(file)
    if (folder / "splits.npz").exists():
        with np.load(folder / "splits.npz", allow_pickle=False) as splits:
            test = splits[f"test_{split}"]
        part = np.full(frame.height, "train", dtype=object)
        part[test] = "test"
        train = np.random.default_rng(VALIDATION_SEED).permutation(np.flatnonzero(part == "train"))
        part[train[: len(train) // VALIDATION_SHARE]] = "val"
        frame = frame.with_columns(pl.Series("_split", part.astype(str)))
    return frame, target


def published(name: str) -> dict[str, dict[str, str]]:
    """Return what other tools reach on a data set: peer → row of ``peers.csv``."""
    peers = pl.read_csv(DATA / "peers.csv", infer_schema_length=0)
    return {str(row["peer"]): row for row in peers.filter(pl.col("set") == name).iter_rows(named=True)}
