"""Pictures, wide & deep and residual networks: test metric, wall and CPU seconds beside peers on the same split.

Run it with ``python -m benchmarks.families [pictures] [tables] [--seeds N] [--time-budget S]``. Peers' numbers are
quoted from the published table of the data sets, which were measured on the same splits.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import advisor
from advisor.evaluation import primary_metric
from benchmarks.shared_data import DATA, load_table, published

ARCHITECTURES = ("dense_stack", "wide_and_deep", "residual")
TABLES = ("adult", "california_housing")


def trained(problem, data, seed, budget, **options):
    """Train on a data set; return the run's metrics, and the wall and CPU seconds that it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = advisor.train(problem, data, out=Path(folder) / "run", seed=seed, time_budget=budget, **options)
        metrics = run.metrics
    return metrics, time.perf_counter() - wall, time.process_time() - cpu


def pictures(budget):
    """Print the table of fashion_mnist."""
    metrics, wall, cpu = trained({}, DATA / "fashion_mnist" / "data.npz", 0, budget)
    print("| model | test accuracy | s | CPU s |\n| --- | --- | --- | --- |")
    print(f"| advisor, convolutional | {metrics['test']['accuracy']:.4f} | {wall:.0f} | {cpu:.0f} |")
    for name, peer in published("fashion_mnist").items():
        numbers = (float(peer[column]) for column in ("accuracy", "fit_s", "fit_cpu_s"))
        print("| {} (quoted) | {:.4f} | {:.0f} | {:.0f} |".format(name, *numbers), flush=True)


def tables(seeds, budget):
    """Print the table of the families beside the dense stack, mean and deviation over seeds."""
    print("| set | metric | " + " | ".join(ARCHITECTURES) + " |\n|" + " --- |" * (2 + len(ARCHITECTURES)))
    for name in TABLES:
        frame, target = load_table(name)
        cells, metric = [], ""
        for architecture in ARCHITECTURES:
            values = []
            for seed in range(seeds):
                metrics, _, _ = trained({"architecture": architecture}, frame, seed, budget, target=target)
                metric = primary_metric(metrics["task"]).name
                values.append(metrics["test"][metric])
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.mean(values):.5g} ± {spread:.2g}")
        print(f"| {name} | {metric} | " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["pictures", "tables"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time-budget", type=float, default=500.0)
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"not measured: the data sets are not there ({DATA.parent.name}/{DATA.name})", file=sys.stderr)
        return 1
    if "pictures" in arguments.what:
        pictures(arguments.time_budget)
    if "tables" in arguments.what:
        tables(arguments.seeds, arguments.time_budget)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
