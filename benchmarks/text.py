"""Short texts: test accuracy beside TF-IDF with logistic regression, on the published splits.

Run it with ``python -m benchmarks.text [SET ...] [--seed N]``. The peer is quoted from the published table of
the data sets (``peers.csv``), the CNN's from their cards.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import advisor
from benchmarks.shared_data import card, load_table, published

SETS = ("trec6", "sst2")


def row(name: str, seed: int) -> str:
    """Train on one set and return its row of the table."""
    frame, target = load_table(name)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = advisor.train({}, frame, target=target, out=Path(folder) / "run", seed=seed)
        seconds = time.perf_counter() - begun
        metrics = run.metrics
        worst = max(each["max_difference"] for each in metrics["artifacts"])
    peer = float(published(name)["tfidf_lr"]["accuracy"])
    reference = next(each["accuracy"] for each in card(name)["references"] if "rand" in each["method"])
    linear = metrics["baselines"]["linear"]["test"]["accuracy"]
    return (
        f"| {name} | {metrics['test']['accuracy']:.4f} | {peer:.4f} | {reference:.4f} | {linear:.4f} | "
        f"{metrics['rows']['test']} | {seconds:.0f} | {worst:.1e} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(
        "| set | this network | TF-IDF, logistic regression | CNN-rand | counts of words, logistic regression |", end=""
    )
    print(" test rows | seconds | largest difference after export |")
    print("|---|---|---|---|---|---|---|---|")
    for name in asked.sets:
        print(row(name, asked.seed), flush=True)


if __name__ == "__main__":
    main()
