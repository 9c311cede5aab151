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
PARTS = {
    "reuse": "reuse of a network for A",
    "bad": "reuse of a network for A with random labels",
    "auxiliary": "training for A first",
}
"""What is measured, in this order."""
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
        labels = np.char.add("class ", y.astype(str))  # numbers with gaps would pass for a regression
        a |= {f"X_{part}": x[of_a], f"y_{part}": draw.permutation(labels[of_a]) if bad else labels[of_a]}
        b |= {f"X_{part}": x[of_b], f"y_{part}": labels[of_b]}
    return a, b


def trained(request: Request, folder: Path, part: str) -> tuple[Prepared, Fitted]:
    """Train from scratch and in every other way that applies; goes on where a stopped measurement was."""
    load_framework()
    prepared = prepare(request)
    growing: dict[str, Any] = {"logs": folder / "logs", "resume": True, "progress": Silent()}
    fitted = fit(prepared, checkpoints=folder / "scratch", **growing)
    return prepared, leverage(prepared, fitted, checkpoints=folder / part, **growing, clock=Clock(None))


def measured(seed: int, part: str, folder: Path, single: bool) -> dict[str, Any]:
    """Train for task B from scratch and with one source, and return what each reaches on the test pictures.

    Args:
        seed: Decides pictures, weights and order.
        part: One of :data:`PARTS`.
        folder: Where trainings and sources wait for being taken up again.
        single: Whether one network is trained where the rules would try several.
    """
    other = {"auxiliary": tasks(seed)[0]} if part == "auxiliary" else {"pretrained": source(folder, part, single)}
    request = Request(data=tasks(seed)[1], given=PROBLEM, seed=seed, single_network=single, **other)
    prepared, fitted = trained(request, folder / str(seed), part)
    scratch = min((each for each in fitted.trials if not each.candidate.origin), key=lambda each: each.judged)
    tried = [each for each in fitted.trials if each.candidate.origin]
    return {
        "scratch": accuracy(prepared, scratch.core),
        "tried": accuracy(prepared, min(tried, key=lambda each: each.judged).core) if tried else None,
        "delivered": accuracy(prepared, fitted.chosen.core),
        "kept": bool(fitted.chosen.candidate.origin),
        "why": [each.why for each in fitted.leveraging],
    }


def accuracy(prepared: Prepared, core: Any) -> float:
    """Return the accuracy of a network on the test pictures."""
    answers = predictor(with_target_units(core, prepared.statistics))(prepared.bundle.test.x)
    return float(measure("binary", prepared.bundle.test.y, answers).values["accuracy"] or 0.0)


def source(folder: Path, part: str, single: bool) -> Path:
    """Return the network for task A, or the one for random labels; it is trained unless it is there."""
    bad = part == "bad"
    path = folder / ("random-labels.keras" if bad else "task-a.keras")
    if not path.exists():
        request = Request(data=tasks(0, bad=bad)[0], given=PROBLEM, single_network=single)
        save_keras(trained(request, folder / path.stem, part)[1].chosen.core, path)
    return path


def page(record: dict[str, Any], single: bool) -> str:
    """Return the page with the table of what was measured."""
    how = " One network is trained where the rules would try several (`--single-network`)." if single else ""
    lines = [
        "# Layers from a similar task",
        "",
        "`python -m benchmarks.transfer` on the pair of tasks of fashion_mnist that its card names: task A has eight "
        "classes (14,000 pictures), task B tells sandals from shirts with 200 labeled pictures, other ones in each "
        "seed; validation and test pictures are the data set's own of the two classes (502 and 966). Dense "
        f"stack, test accuracy, mean ± standard error over the seeds, and each seed.{how}",
        "",
        "| beginning | seeds | from scratch | best try | delivered | kept |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for part, title in PARTS.items():
        found = [record[seed][part] for seed in sorted(record, key=int) if part in record[seed]]
        if not found:
            lines.append(f"| {title} | 0 | not measured | | | |")
            continue
        cells = [_spread([each[name] for each in found]) for name in ("scratch", "tried", "delivered")]
        kept = sum(each["kept"] for each in found)
        lines.append(f"| {title} | {len(found)} | {' | '.join(cells)} | {kept} of {len(found)} |")
    lines += [
        "",
        f"Logistic regression on the same 200 pictures: {LINEAR}. The book, with its own split of the same classes: "
        f"{BOOK['scratch']} from scratch, {BOOK['reuse']} with reused layers. Wanted: {WANTED}.",
        "",
    ]
    return "\n".join(lines)


def _spread(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    error = statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else 0.0
    return f"{statistics.mean(known):.4f} ± {error:.4f} ({', '.join(f'{value:.4f}' for value in known)})"


def main() -> int:
    """Measure what is missing in the record, and print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--record", type=Path, default=Path("build") / "transfer.json")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--single-network", action="store_true", help="train one network where the rules try several")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"not measured: the data sets are not there ({DATA.parent.name}/{DATA.name})", file=sys.stderr)
        return 1
    record = json.loads(arguments.record.read_text()) if arguments.record.exists() else {}
    single = arguments.single_network
    folder = arguments.record.parent / ("transfer-single" if single else "transfer-work")
    for part in arguments.parts:
        for seed in range(arguments.seeds):
            done = record.setdefault(str(seed), {})
            if part not in done:
                done[part] = measured(seed, part, folder, single)
                write_json(arguments.record, record)
                print(seed, part, json.dumps(done[part]), file=sys.stderr, flush=True)
    text = page(record, single)
    if arguments.page is not None:
        write_text(arguments.page, text)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
