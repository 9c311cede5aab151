"""Pretraining without labels beside training from scratch: few labels, and all other training rows without theirs.

- ``magic``: the 200 labeled rows that its card names.
- ``fashion_10``: fashion_mnist with 10 labels a class, drawn anew in each seed.
- ``fashion_500``: the 500 labels that its card names, where PCA and SVM reach 0.772.
- ``convolutional_500``: the same with a convolutional network of four layers.

The validation and test rows are the sets' own. In every seed the network from scratch, the pretrained one and the
delivered one are measured on the test rows; which one is delivered was decided on the validation rows.

Run it with ``python -m benchmarks.unlabeled [SET ...] [--seeds N] [--record F] [--page F]``. What is measured is kept
in the record as it comes, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from advisor.builder import with_target_units
from advisor.evaluation import measure
from advisor.export.keras_format import predictor
from advisor.pipeline import Request, train_network
from advisor.storage import write_json, write_text
from benchmarks.shared_data import DATA, card

SETS = {
    "magic": "magic, 200 labels",
    "fashion_10": "fashion_mnist, 10 labels a class",
    "fashion_500": "fashion_mnist, 500 labels",
    "convolutional_500": "fashion_mnist, 500 labels, convolutional",
}
CONVOLUTIONAL = {"architecture": "convolutional", "hidden_layers": 4}
LABELS_A_CLASS = 10
PCA_AND_SVM = 0.772
WANTED = 0.80


def magic(seed: int) -> Request:
    """Return the request for magic; the labels are the same in every seed."""
    folder = DATA / "magic"
    frame = pl.read_parquet(folder / "data.parquet").with_row_index("row")
    with np.load(folder / "semi_200_labels.npz", allow_pickle=False) as stored:
        few = pl.col("row").is_in(stored["labelled_rows"].tolist())
    target = card("magic")["target"]
    trained = pl.col("_split") == "train"
    return Request(
        data=frame.filter(~trained | few).drop("row"),
        target=target,
        seed=seed,
        unlabeled=frame.filter(trained & ~few).drop("row", "_split", target),
    )


def fashion(seed: int, name: str) -> Request:
    """Return the request for fashion_mnist with few labels."""
    with np.load(DATA / "fashion_mnist" / "data.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    y = arrays["y_train"]
    if name != "fashion_10":
        rows = arrays["semi_labelled"]
    else:
        draw = np.random.default_rng(seed)
        classes = [draw.choice(np.flatnonzero(y == each), LABELS_A_CLASS, replace=False) for each in np.unique(y)]
        rows = np.sort(np.concatenate(classes))
    few = np.isin(np.arange(len(y)), rows)
    labeled = {name: each for name, each in arrays.items() if name != "semi_labelled"}
    labeled |= {"X_train": arrays["X_train"][few], "y_train": y[few]}
    convolutional = name == "convolutional_500"
    return Request(
        data=labeled,
        given=CONVOLUTIONAL if convolutional else {"architecture": "dense_stack"},
        seed=seed,
        unlabeled={"X": arrays["X_train"][~few]},
    )


def measured(name: str, seed: int, single: bool, budget: float | None) -> dict[str, Any]:
    """Train with few labels, from scratch and pretrained, and measure both on the test rows."""
    request = magic(seed) if name == "magic" else fashion(seed, name)
    request = replace(request, single_network=single, time_budget=budget)
    begun = time.perf_counter()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        prepared, fitted = train_network(request, Path(folder) / "run")
        test, task = prepared.bundle.test, prepared.bundle.task

        def accuracy(trial: Any) -> float:
            answers = predictor(with_target_units(trial.core, prepared.statistics))(test.x)
            return float(measure(task, test.y, answers).values["accuracy"] or 0.0)

        for way in ("scratch", "unsupervised"):
            trials = [each for each in fitted.trials if (each.candidate.origin or "scratch") == way]
            if trials:  # pretraining that failed has none
                best = min(trials, key=lambda each: each.judged)
                found[way] = {"accuracy": accuracy(best), "val_loss": best.judged, "title": best.candidate.title}
        found["delivered"] = {
            "way": fitted.chosen.candidate.origin or "scratch",
            "accuracy": accuracy(fitted.chosen),
        }
    why = [each.why for each in fitted.leveraging]
    return {**found, "why": why, "seconds": time.perf_counter() - begun}


def page(record: dict[str, Any]) -> str:
    """Return the page with the table of what was measured."""
    lines = [
        "# Rows without labels",
        "",
        "`python -m benchmarks.unlabeled`: few labeled training rows, all other training rows without their labels. "
        "Test accuracy, mean ± standard error over the seeds; validation and test rows are the sets' own. "
        "`delivered` is what the validation rows decided for.",
        "",
        "| data | seeds | from scratch | pretrained | difference | delivered | difference | kept | s a seed |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    measured = {name: list(record[name].values()) for name in SETS if record.get(name)}
    for name, rows in measured.items():
        scratch, pretrained, delivered = _accuracies(rows)
        kept = sum(row["delivered"]["way"] == "unsupervised" for row in rows)
        lines.append(
            f"| {SETS[name]} | {len(rows)} | {_spread(scratch)} | {_spread(pretrained)} | "
            f"{_spread(_gains(scratch, pretrained), '+')} | {_spread(delivered)} | "
            f"{_spread(_gains(scratch, delivered), '+')} | {kept} of {len(rows)} | "
            f"{statistics.median(row['seconds'] for row in rows):.0f} |"
        )
    lines += ["", "Each seed, from scratch → pretrained; those that were kept are marked with `*`:", ""]
    for name, rows in measured.items():
        pairs = zip(*_accuracies(rows)[:2], rows, strict=True)
        each = (
            f"{before:.4f} → {after:.4f}{'*' * (row['delivered']['way'] == 'unsupervised')}"
            for before, after, row in pairs
        )
        lines.append(f"- {SETS[name]}: {', '.join(each)}")
    lines += ["", f"With the 500 labels, PCA and SVM reach {PCA_AND_SVM}; wanted are {WANTED:.2f}.", ""]
    return "\n".join(lines)


def _accuracies(rows: list[dict[str, Any]]) -> tuple[list[float], ...]:
    return tuple([row[way]["accuracy"] for row in rows] for way in ("scratch", "unsupervised", "delivered"))


def _gains(before: list[float], after: list[float]) -> list[float]:
    return [new - old for old, new in zip(before, after, strict=True)]


def _spread(values: list[float], sign: str = "") -> str:
    mean = f"{statistics.mean(values):{sign}.4f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values) / math.sqrt(len(values)):.4f}"


def main() -> int:
    """Measure what is missing in the record, and print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SETS), choices=[*SETS, []])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--single-network", action="store_true", help="train one network where the rules try several")
    parser.add_argument("--time-budget", type=float)
    parser.add_argument("--record", type=Path, default=Path("build") / "unlabeled.json")
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"not measured: the data sets are not there ({DATA.parent.name}/{DATA.name})", file=sys.stderr)
        return 1
    record = json.loads(arguments.record.read_text()) if arguments.record.exists() else {}
    for name in arguments.sets:
        for seed in range(arguments.seeds):
            done = record.setdefault(name, {})
            if str(seed) not in done:
                done[str(seed)] = measured(name, seed, arguments.single_network, arguments.time_budget)
                write_json(arguments.record, record)
                print(name, seed, json.dumps(done[str(seed)]), file=sys.stderr, flush=True)
    text = page(record)
    if arguments.page is not None:
        write_text(arguments.page, text)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
