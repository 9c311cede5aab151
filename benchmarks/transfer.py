"""Layers from a similar task beside training from scratch, on the pair of tasks of fashion_mnist and a bad source.

Task A has eight of the ten classes, task B tells the other two apart with 200 labeled pictures (the pair of HOML2
ch. 11). Each seed trains B from scratch, with layers of a run on A (reuse), and after training for A (auxiliary),
all on the same split and with the same recipe; then a network is offered whose source labels are drawn at random.

Run it with ``python -m benchmarks.transfer [--seeds N] [--record F] [--page F]``. What is measured is kept in the
record as it comes, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

from advisor.builder import with_target_units
from advisor.evaluation import measure
from advisor.export import save_keras
from advisor.export.keras_format import predictor
from advisor.framework import load_framework
from advisor.pipeline import Prepared, Request, Silent
from advisor.pipeline.clock import Clock
from advisor.pipeline.fitting import Fitted, fit
from advisor.pipeline.leveraging import leverage
from advisor.pipeline.preparation import prepare
from advisor.storage import write_json, write_text
from benchmarks.shared_data import DATA, card

PROBLEM = {"architecture": "dense_stack"}
WAYS = ("scratch", "reuse", "auxiliary")
BOOK = {"scratch": 0.9705, "reuse": 0.994}
"""Test accuracy in the book's notebook (the card names the cells), on other pictures of the same classes."""
WANTED = 0.993
LINEAR = 0.992
"""Logistic regression on the same 200 pictures."""


def tasks(seed: int, *, bad: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return task A and task B as arrays, as ``advisor.train`` takes them.

    Args:
        seed: Decides which pictures of B are labeled after the card's first 200 (seed 0), and the random labels.
        bad: Whether task A's labels are drawn at random.
    """
    pair = card("fashion_mnist")["task_pair"]
    with np.load(DATA / "fashion_mnist" / "data.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    draw = np.random.default_rng(seed)
    a: dict[str, Any] = {}
    b: dict[str, Any] = {}
    for part in ("train", "val", "test"):
        x, y = arrays[f"X_{part}"], arrays[f"y_{part}"]
        of_a, of_b = np.isin(y, pair["A_classes"]), np.flatnonzero(np.isin(y, pair["B_classes"]))
        if part == "train":
            of_b = (draw.permutation(of_b) if seed else of_b)[: pair["B_labelled"]]
        a |= {f"X_{part}": x[of_a], f"y_{part}": draw.permutation(y[of_a]) if bad else y[of_a]}
        b |= {f"X_{part}": x[of_b], f"y_{part}": y[of_b]}
    return a, b


def trained(request: Request, folder: Path, ways: str = "ways") -> tuple[Prepared, Fitted]:
    """Train from scratch and in every other way that applies; goes on where a stopped measurement was."""
    load_framework()
    prepared = prepare(request)
    growing: dict[str, Any] = {"logs": folder / "logs", "resume": True, "progress": Silent()}
    fitted = fit(prepared, checkpoints=folder / "scratch", **growing)
    return prepared, leverage(prepared, fitted, checkpoints=folder / ways, **growing, clock=Clock(None))


def compared(seed: int, source: Path, folder: Path) -> dict[str, Any]:
    """Train for task B in every way and return the test accuracy of the best network of each."""
    a, b = tasks(seed)
    request = Request(data=b, given=PROBLEM, seed=seed, pretrained=source, auxiliary=a)
    prepared, fitted = trained(request, folder)
    best = {}
    for way in WAYS:
        trials = [each for each in fitted.trials if (each.candidate.origin or "scratch") == way]
        chosen = min(trials, key=lambda each: each.judged)
        best[way] = {
            "accuracy": accuracy(prepared, chosen.core),
            "val_loss": chosen.judged,
            "tried": [each.candidate.title for each in trials],
            "seconds": sum(each.report.seconds for each in trials),
        }
    delivered = fitted.chosen.candidate.origin or "scratch"
    return {"ways": best, "delivered": delivered, "why": [each.why for each in fitted.leveraging]}


def offered_bad(seed: int, source: Path, folder: Path) -> dict[str, Any]:
    """Train for task B with a source that has nothing to teach, and return what is delivered."""
    request = Request(data=tasks(seed)[1], given=PROBLEM, seed=seed, pretrained=source)
    prepared, fitted = trained(request, folder, "bad")
    return {
        "delivered": fitted.chosen.candidate.origin or "scratch",
        "accuracy": accuracy(prepared, fitted.chosen.core),
        "scratch": accuracy(prepared, min(fitted.trials, key=lambda each: (each.candidate.origin, each.judged)).core),
        "why": [each.why for each in fitted.leveraging],
    }


def accuracy(prepared: Prepared, core: Any) -> float:
    """Return the accuracy of a network on the test pictures."""
    answers = predictor(with_target_units(core, prepared.statistics))(prepared.bundle.test.x)
    return float(measure("binary", prepared.bundle.test.y, answers).values["accuracy"] or 0.0)


def source_network(folder: Path, *, bad: bool) -> Path:
    """Return the network for task A, or the one for random labels; it is trained unless it is there."""
    path = folder / ("random-labels.keras" if bad else "task-a.keras")
    if not path.exists():
        _, fitted = trained(Request(data=tasks(0, bad=bad)[0], given=PROBLEM), folder / path.stem)
        save_keras(fitted.chosen.core, path)
    return path


def page(record: dict[str, Any]) -> str:
    """Return the page with the table of what was measured."""
    seeds = sorted((seed for seed in record if "compared" in record[seed]), key=int)
    offered = sorted((seed for seed in record if "bad" in record[seed]), key=int)
    lines = [
        "# Layers from a similar task",
        "",
        "`python -m benchmarks.transfer` on the pair of tasks of fashion_mnist that its card names: task A has eight "
        "classes (14,000 pictures), task B tells sandals from shirts with 200 labeled pictures, with other 200 in each "
        f"seed. Dense stack, {len(seeds)} seeds, mean ± standard error; {card('fashion_mnist')['name']}'s own "
        "validation and test pictures of the two classes.",
        "",
        "| training for task B | test accuracy | each seed | book |",
        "| --- | --- | --- | --- |",
    ]
    for way in WAYS:
        values = [record[seed]["compared"]["ways"][way]["accuracy"] for seed in seeds]
        title = {"scratch": "from scratch", "reuse": "reuse of a run on A", "auxiliary": "training for A first"}[way]
        lines.append(f"| {title} | {_spread(values)} | {_each(values)} | {BOOK.get(way, '')} |")
    values = [record[seed]["bad"]["accuracy"] for seed in offered]
    if values:
        lines.append(
            f"| delivered when a network of random labels is offered | {_spread(values)} | {_each(values)} | |"
        )
    kept = [record[seed]["compared"]["delivered"] for seed in seeds]
    bad = [record[seed]["bad"]["delivered"] for seed in offered]
    reached = {
        way: statistics.mean(record[seed]["compared"]["ways"][way]["accuracy"] for seed in seeds) for way in WAYS
    }
    lines += [
        "",
        f"Logistic regression on the same pictures: {LINEAR}. Wanted: {WANTED}, "
        + ", ".join(f"{'reached' if reached[way] >= WANTED else 'not reached'} by {way}" for way in WAYS[1:])
        + ".",
        "",
        f"Delivered, as chosen on the validation pictures: {', '.join(kept)}. With the source of random labels: "
        f"{', '.join(bad)}.",
        "",
    ]
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.4f} ± {error:.4f}"


def _each(values: list[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def main() -> int:
    """Measure what is missing in the record, and print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--record", type=Path, default=Path("build") / "transfer.json")
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"not measured: the data sets are not there ({DATA.parent.name}/{DATA.name})", file=sys.stderr)
        return 1
    record = json.loads(arguments.record.read_text()) if arguments.record.exists() else {}
    folder = arguments.record.parent / "transfer-work"
    for part, measured in (("compared", compared), ("bad", offered_bad)):
        for seed in range(arguments.seeds):
            done = record.setdefault(str(seed), {})
            if part not in done:
                source = source_network(folder, bad=part == "bad")
                done[part] = measured(seed, source, folder / str(seed))
                write_json(arguments.record, record)
                print(seed, json.dumps(done[part]), file=sys.stderr, flush=True)
    text = page(record)
    if arguments.page is not None:
        write_text(arguments.page, text)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
