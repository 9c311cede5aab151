"""Series: errors of forecasts and accuracy of labels beside naive forecasts, ridge and resampled logistic regression.

Run it with ``python -m benchmarks.series [etth1/24 etth1/96 japanese_vowels] [--seed N]``. Forecasts are measured as
usual for this set: mean squared and absolute error over all windows of the test months and all seven channels, each in
standard deviations of its training months. Peers are quoted from the published table of the data sets (``peers.csv``).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import polars as pl

import advisor
from advisor.data import open_source
from advisor.evaluation import standardized_errors
from advisor.evaluation.forecast import repeat_last, repeat_season
from benchmarks.shared_data import load_table, published

SETS = ("etth1/24", "etth1/96", "japanese_vowels")
HOURS = {"train": 8640, "val": 2880, "test": 2880}


def forecast(horizon: int, seed: int) -> list[str]:
    """Train on the months before, and return the rows of one horizon."""
    frame, _ = load_table("etth1")
    frame = frame[: sum(HOURS.values())]
    frame = frame.with_columns(pl.Series("_split", [name for name, hours in HOURS.items() for _ in range(hours)]))
    source = open_source(frame, time="date", horizon=horizon)
    bundle = source.bundle(source.split(seed))
    channels = bundle.target_names
    scale = frame[: HOURS["train"]].select(channels).to_numpy().std(axis=0)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = advisor.train(
            {}, frame, out=Path(folder) / "run", seed=seed, data_options={"time": "date", "horizon": horizon}
        )
        seconds = time.perf_counter() - begun
        answers = run.outputs_of(bundle.test.x)
    peer = published(f"etth1/h{horizon}")["ridge_last_norm"]
    season = source.encoder.season or 24
    x, y = bundle.test.x, bundle.test.y
    measured = {
        f"this network ({seconds:.0f} s)": standardized_errors(y, answers, scale),
        "the last value": standardized_errors(y, repeat_last(x, horizon), scale),
        f"the last {season} hours": standardized_errors(y, repeat_season(x, horizon, season), scale),
    }
    rows = [f"| etth1, {horizon} hours | {name} | MSE {a:.4f} | MAE {b:.4f} |" for name, (a, b) in measured.items()]
    note = peer["note"].split(";")[0].split()
    return [
        *rows,
        f"| etth1, {horizon} hours | ridge, quoted | {note[0].replace('=', ' ')} | {note[1].replace('=', ' ')} |",
    ]


def label(seed: int) -> list[str]:
    """Train on the vowels, and return their rows."""
    frame, target = load_table("japanese_vowels")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = advisor.train(
            {},
            frame,
            target=target,
            out=Path(folder) / "run",
            seed=seed,
            data_options={"series_id": "series_id", "time": "step"},
        )
        seconds = time.perf_counter() - begun
        metrics = run.metrics
    peer = float(published("japanese_vowels")["lr_resampled"]["accuracy"])
    linear = metrics["baselines"]["linear"]["test"]["accuracy"]
    own = metrics["test"]["accuracy"]
    return [
        f"| japanese_vowels | this network ({seconds:.0f} s) | accuracy {own:.4f} | |",
        f"| japanese_vowels | logistic regression at eight places | accuracy {linear:.4f} | |",
        f"| japanese_vowels | logistic regression, resampled, quoted | accuracy {peer:.4f} | |",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print("| set | model | | |\n|---|---|---|---|")
    for name in asked.sets:
        made = forecast(int(name.split("/")[1]), asked.seed) if name.startswith("etth1") else label(asked.seed)
        print("\n".join(made), flush=True)


if __name__ == "__main__":
    main()
