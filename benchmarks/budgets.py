"""Budgets over a grid of problems: is every feasible one met, and is every "met" true when measured again?

Run it with ``python -m benchmarks.budgets [--out FILE] [--seconds S] [--minutes M]``. A problem that is already in the
file is not run again. Each problem trains for at most S seconds: budgets are judged here, not accuracy. The grid has a
data set of each family: dense stack, wide & deep, residual, convolutional, recurrent.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

import advisor
from benchmarks.remeasure import remeasure
from benchmarks.shared_data import DATA, load_table

ROWS = 600
EVERY = 2
BUDGETS: tuple[dict[str, Any], ...] = (
    {"latency_budget_ms": 0.01},
    {"size_budget_kb": 20},
    {"sparsity": "very_sparse"},
    {"latency_budget_ms": 0.05},
    {"size_budget_kb": 8},
    {"sparsity": "very_sparse", "latency_budget_ms": 0.05, "size_budget_kb": 40},
    {"sparsity": "sparse", "sparsity_pattern": "two_of_four"},
    {"target_device": "microcontroller", "size_budget_kb": 30},
    {"size_budget_kb": 1},
    {"latency_budget_ms": 0.000001},
    {"sparsity": "very_sparse", "sparsity_target": 1.0},
    {"latency_budget_ms": 1.0},
    {"sparsity": "very_sparse", "sparsity_target": 0.95},
)


def data_sets() -> dict[str, tuple[Any, dict[str, Any], dict[str, Any]]]:
    """Return family and set → (data, what ``train`` needs to read them, the problem's fields)."""
    from sklearn.datasets import load_digits

    found: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {}
    tables = {"gal_concrete": "dense_stack", "magic": "wide_and_deep", "gal_energy": "residual"}
    for name, family in tables.items():
        frame, target = load_table(name)
        rows = frame.sample(min(ROWS, frame.height), seed=0)
        found[f"{name} ({family.replace('_', ' ')})"] = rows, {"target": target}, {"architecture": family}
    pictures = load_digits()
    found["digits (convolutional)"] = (
        (pictures.images[:ROWS].astype("float32"), pictures.target[:ROWS]),
        {},
        {"architecture": "convolutional", "task": "multiclass"},
    )
    frame, target = load_table("japanese_vowels")
    frame = frame.filter(pl.col("series_id").is_in(frame["series_id"].unique().sort().to_list()[::EVERY]))
    found["japanese_vowels (recurrent)"] = (
        frame,
        {"target": target, "data_options": {"series_id": "series_id", "time": "step"}},
        {"architecture": "recurrent", "task": "multiclass"},
    )
    return found


def measure(name, data, reading, fields, budget, seconds):
    """Run one problem, measure it again, and return what was found."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        try:
            run = advisor.train({**fields, **budget}, data, out=out, time_budget=seconds, **reading)
        except advisor.errors.AdvisorError as error:
            return {"set": name, "budget": budget, "error": str(error)}
        document = json.loads((out / "requirements.json").read_text())
        again = remeasure(out)
        delivered = run.contract["litert"]["precision"]
        metrics = run.metrics
        float_bytes = next((each["bytes"] for each in document["pareto"] if each["name"] == "float32"), None)
    return {
        "set": name,
        "budget": budget,
        "met": document["met"],
        "delivered": delivered,
        "rungs": [f"{each['name']}: {each['outcome']}" for each in document["ladder"]],
        "closest": document["closest"],
        "again": again,
        "val": metrics["val"][metrics["primary"]],
        "float32_bytes": float_bytes,
        "seconds": time.perf_counter() - begun,
    }


def page(found):
    """Return the table as Markdown."""
    lines = ["| set | asked for | delivered | required → measured (again) | met | again |", "| --- " * 6 + "|"]
    for each in found:
        asked = ", ".join(f"{key} {value}" for key, value in each["budget"].items())
        if "error" in each:
            lines.append(f"| {each['set']} | {asked} | – | {each['error'][:80]} | error | – |")
            continue
        numbers = "; ".join(
            f"{name} {one['required']:g} → {one['said']:.4g} ({one['now']:.4g})" for name, one in each["again"].items()
        )
        held = all(one["met_now"] for one in each["again"].values() if one["said_met"])
        lines.append(
            f"| {each['set']} | {asked} | {each['delivered']} | {numbers or 'none'} | "
            f"{'yes' if each['met'] else 'no'} | {'holds' if held else 'BROKEN'} |"
        )
    said = [one for each in found for one in each.get("again", {}).values() if one["said_met"]]
    true = sum(one["met_now"] for one in said)
    lines += [
        "",
        f"{len(found)} problems; {len(said)} requirements said to be met, {true} of them when measured again.",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run the grid and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("budgets.jsonl"))
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no problem after so many")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"not measured: the data sets are not there ({DATA.parent.name}/{DATA.name})", file=sys.stderr)
        return 1
    found = [json.loads(line) for line in arguments.out.read_text().splitlines()] if arguments.out.exists() else []
    done = {(each["set"], json.dumps(each["budget"], sort_keys=True)) for each in found}
    sets, begun = data_sets(), time.perf_counter()
    for budget in BUDGETS:
        for name, (data, reading, fields) in sets.items():
            late = time.perf_counter() - begun > arguments.minutes * 60
            if late or (name, json.dumps(budget, sort_keys=True)) in done:
                continue
            found.append(measure(name, data, reading, fields, budget, arguments.seconds))
            with arguments.out.open("a") as file:
                file.write(json.dumps(found[-1]) + "\n")
    print(page(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
