"""Small tables and recommendations that scripts are generated for."""

from __future__ import annotations

import csv
import json
import runpy
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from advisor.data import infer_schema, read_table
from advisor.export.script import ScriptData, ScriptFacts, generate_script
from advisor.recommendation import recommend
from advisor.training import Recipe

BATCH_NORMALIZED = {
    "normalization": "batch_normalization",
    "normalization_position": "before_activation",
    "activation": "elu",
    "kernel_initializer": "he_normal",
    "optimizer": "nadam",
}
LAYER_NORMALIZED = {
    "normalization": "layer_normalization",
    "normalization_position": "after_activation",
    "optimizer": "adamw",
    "class_weighting": "balanced",
    "patience_epochs": None,
}
REGULARIZED = {
    "dropout": "alpha_dropout",
    "dropout_rates": [0.05],
    "regularization": "l1_l2",
    "regularization_strengths": [0.001],
    "gradient_clipping": 1.0,
    "weight_averaging": "ema",
}
OTHERS = {"optimizer": "rmsprop", "early_stopping": "none", "embedding_size": None,
          "regularization": "group_l1_on_inputs", "regularization_strengths": [0.01]}  # fmt: skip
NESTEROV = {"optimizer": "sgd_nesterov", "dropout": "dropout", "dropout_rates": [0.1], "regularization": "l2",
            "regularization_strengths": [0.01]}  # fmt: skip
ACCURATE = {"early_stopping": "restore_most_accurate", "class_weighting": "balanced"}
VARIANTS: tuple[Mapping[str, Any], ...] = (
    {},
    BATCH_NORMALIZED,
    LAYER_NORMALIZED,
    REGULARIZED,
    OTHERS,
    NESTEROV,
    ACCURATE,
)


def advice(task: str, changes: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any], Recipe]:
    """Return a recommendation's document, its values, and the recipe, with some values changed."""
    document = json.loads(recommend({"task": task, "architecture": "dense_stack"}).to_json())
    for slot, value in (changes or {}).items():  # "compiled" is decided while a run is prepared
        document["decisions"].setdefault(slot, dict(document["decisions"]["max_epochs"]))["value"] = value
    values = {slot: decision["value"] for slot, decision in document["decisions"].items()}
    return document, values, Recipe.from_values(values, task=task)


def script_for(
    task: str,
    changes: Mapping[str, Any] | None = None,
    *,
    style: Any = "loop",
    data: ScriptData | None = None,
    facts: ScriptFacts | None = None,
) -> str:
    """Return the script of a changed recommendation."""
    document, _, recipe = advice(task, changes)
    return generate_script(document, recipe.as_dict(), style=style, data=data, facts=facts)


def table(path: Path, target: str = "target") -> ScriptData:
    """Return a file as a script's data."""
    frame = read_table(path)
    return ScriptData(str(path), infer_schema(frame, target), frame)


def write_mixed(path: Path, *, classes: bool, rows: int = 240) -> Path:
    """Write a table with everything that makes reading hard: marks of thousands, dates, quotes, repeats, gaps."""
    random = np.random.default_rng(0)
    lines = []
    for number in range(rows):
        amount, color = random.normal(), random.choice(["red", "green", "blue; dark", 'say "hi"', "NA"])
        sure, zone = random.choice(["True", "false", ""]), f"z{random.integers(25)}"
        when = datetime(2020, 1, 1) + timedelta(hours=int(random.integers(0, 20_000)))
        target = 3 * amount + 2 * (color == "red") + (sure == "True") + 0.3 * random.normal()
        swapped = f"{1000 * amount:,.2f}".translate(str.maketrans(",.", ".,"))
        label = ("low", "mid", "high")[int(np.digitize(target, [-1, 2]))]
        answer = label if classes else f"{target:.3f}".replace(".", ",")
        lines.append(
            [
                "?" if number % 9 == 0 else swapped,
                color,
                sure,
                zone,
                when.strftime("%d.%m.%Y %H:%M"),
                "same",
                "" if number % 50 == 7 else answer,
            ]
        )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["amount", " color", "sure", "zone", "when", "same", "target"])
        writer.writerows(lines + lines[:20])
    return path


def write_plain(path: Path, *, task: str, rows: int = 150) -> Path:
    """Write a plain table: two numbers, one category, a target."""
    random = np.random.default_rng(1)
    first, second = random.normal(size=rows), random.normal(size=rows)
    kind = random.choice(["a", "b"], rows)
    target = first - 0.5 * second + (kind == "a") + 0.1 * random.normal(size=rows)
    named = {
        "regression": target.round(4),
        "binary": np.where(target > 0.5, "yes", "no"),
        "multiclass": np.digitize(target, [0, 1]),
    }[task]
    frame = pl.DataFrame({"first": first.round(4), "second": second.round(4), "kind": kind, "target": named})
    frame = frame.with_columns(pl.when(pl.col("second") > 1.5).then(None).otherwise(pl.col("second")).alias("second"))
    if path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_ndjson(path)
    return path


def execute_here(source: str, folder: Path, *arguments: str) -> None:
    """Run a script in this process: TensorFlow is here already, which spares most of the time."""
    path = folder / "train.py"
    path.write_text(source, encoding="utf-8")
    before, sys.argv = sys.argv, [str(path), "--out", str(folder / "model.keras"), *arguments]
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.argv = before


def execute(source: str, folder: Path, *arguments: str) -> str:
    """Run a script in a process of its own, with warnings as they come; return what it printed."""
    path = folder / "train.py"
    path.write_text(source, encoding="utf-8")
    command = [sys.executable, str(path), "--out", str(folder / "model.keras"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
