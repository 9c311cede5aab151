"""Uncertainty: Gal and Ghahramani's table on their splits, classification calibration, and the speed of sampling.

Run it with ``python -m benchmarks.uncertainty [SET ...] [--full] [--speed] [--record FILE]``. The quick form measures
the first 5 of the 20 published splits of each set, ``--full`` all 20; the published figures stand beside. ``--record``
keeps a line of JSON for each split that is done, and goes on from there. ``--speed`` measures an eager loop of 100
calls beside the sampler.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import advisor
from benchmarks.shared_data import DATA, card, load_table

REGRESSION = ("gal_concrete", "gal_energy", "gal_kin8nm", "gal_power_plant")
CLASSIFICATION = ("magic", "adult")
QUICK, FULL = 5, 20
SAMPLES = 100


def measure_split(name, split, seed=0):
    """Train one set on one published split and return what it measured."""
    frame, target = load_table(name, split)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        run = advisor.train({"risk_sensitive": True}, frame, target=target, out=Path(folder) / "run", seed=seed)
        metrics = run.metrics
    found = metrics["uncertainty"]
    record = {"set": name, "split": split, "seconds": time.perf_counter() - begun, **found["test"]}
    record["kept"] = next((trial["title"] for trial in metrics["trials"] if trial["kept"]), "")
    if "coverage" in found:
        record["coverage_90"] = found["coverage"]["0.9"]["calibrated"]
        record["gaussian_coverage_90"] = found["coverage"]["0.9"]["gaussian"]
    else:
        for when in ("before", "after"):
            record[f"ece_{when}"] = found["calibration"][when]["expected_calibration_error"]
    return record


def measured(names, splits, file):
    """Return a record for each set and split, from the file where it is already there."""
    known = {}
    if file is not None and file.exists():
        for line in file.read_text().splitlines():
            record = json.loads(line)
            known[record["set"], record["split"]] = record
    records = []
    for name in names:
        for split in range(splits if name in REGRESSION else 1):
            if (name, split) not in known:
                known[name, split] = measure_split(name, split)
                if file is not None:
                    with file.open("a") as out:
                        out.write(json.dumps(known[name, split]) + "\n")
                print(f"{name} split {split}: {known[name, split]['seconds']:.0f} s", file=sys.stderr, flush=True)
            records.append(known[name, split])
    return records


def mean_and_error(values):
    """Return ``mean ± standard error``; the value alone where there is one."""
    if len(values) == 1:
        return f"{values[0]:.3g}"
    return f"{np.mean(values):.3g} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.2g}"


def references(name):
    """Return the published MC Dropout figures: (paper, corrected search of 2018), each RMSE and log-likelihood."""
    rows = {row["method"]: row for row in card(name)["references"]}
    found = []
    for method in ("MC dropout, paper (BayesOpt)", "MC dropout, corrected grid search 2018"):
        row = rows.get(method)
        if row is None:
            found += ["", ""]
        else:
            found += [
                f"{row['rmse']} ± {row.get('rmse_se', '?')}",
                f"{row['test_ll']} ± {row.get('ll_se', '?')}",
            ]
    return found


def print_table(head, rows):
    """Print a Markdown table."""
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)


def regression_table(records):
    """Print the table of the regression sets beside the published figures."""
    rows = []
    for name in REGRESSION:
        own = [record for record in records if record["set"] == name]
        if not own:
            continue
        column = {key: [record[key] for record in own] for key in own[0] if isinstance(own[0][key], float | int)}
        rows.append(
            [
                name,
                len(own),
                mean_and_error(column["rmse"]),
                mean_and_error(column["log_likelihood"]),
                *references(name),
                mean_and_error(column["single_pass_rmse"]),
                mean_and_error(column["single_pass_log_likelihood"]),
                f"{np.mean(column['coverage_90']):.1%}",
                f"{np.mean(column['gaussian_coverage_90']):.1%}",
                ", ".join(sorted({record["kept"] for record in own})),
                f"{np.mean(column['seconds']):.0f}",
            ]
        )
    head = "set,splits,RMSE,log-lik.,RMSE (paper),log-lik. (paper),RMSE (2018),log-lik. (2018),RMSE single pass,"
    head += "log-lik. single pass,90 % covers,Gaussian 90 % covers,kept,s a split"
    if rows:
        print_table(head.split(","), rows)


def classification_table(records):
    """Print the table of the classification sets."""
    rows = [
        [
            record["set"],
            f"{record['accuracy']:.4f}",
            f"{record['log_likelihood']:.4f}",
            f"{record['uncalibrated_log_likelihood']:.4f}",
            f"{record['single_pass_log_likelihood']:.4f}",
            f"{record['ece_before']:.4f}",
            f"{record['ece_after']:.4f}",
            record["kept"],
            f"{record['seconds']:.0f}",
        ]
        for record in records
        if record["set"] not in REGRESSION
    ]
    head = "set,accuracy,log-lik.,log-lik. uncalibrated,log-lik. single pass,ECE before,ECE after,kept,s"
    if rows:
        print_table(head.split(","), rows)


def speed_table():
    """Time 100 eager calls in a loop beside the sampler and its LiteRT file, interleaved; print the least times."""
    from advisor.framework import load_framework

    load_framework()
    import keras

    from advisor.export import SamplingRuntime, export_sampling_litert
    from advisor.uncertainty import Sampler, draw_masks, sampling_parts

    class AlwaysDropout(keras.layers.Dropout):
        """What an eager loop needs: dropout that is on in prediction too."""

        def call(self, inputs, training=None):
            return super().call(inputs, training=True)

    def network(dropout):
        tensor = inputs = keras.Input((784,))
        for units in (300, 100):
            tensor = keras.layers.Dense(units, use_bias=False)(tensor)
            tensor = keras.layers.BatchNormalization()(tensor)
            tensor = dropout(0.2)(keras.layers.Activation("relu")(tensor))
        return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(tensor))

    plain, eager = network(keras.layers.Dropout), network(AlwaysDropout)
    eager.set_weights([each for each in plain.get_weights()][: len(eager.get_weights())])
    parts = sampling_parts(plain)
    sampler = Sampler(parts, SAMPLES)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sampling.tflite"
        export_sampling_litert(parts, file, samples=SAMPLES)
        litert = SamplingRuntime(file, draw_masks(parts.masks, SAMPLES, 0))
        for count in (1, 100):
            x = np.random.default_rng(0).normal(size=(count, 784)).astype(np.float32)
            ways = {
                "loop": lambda x=x: [np.asarray(eager(x, training=False)) for _ in range(SAMPLES)],
                "sampler": lambda x=x: sampler(x),
                "litert": lambda x=x: litert(x),
            }
            taken = {name: [] for name in ways}
            for repeat in range(22):
                for name, way in ways.items():
                    if name == "loop" and repeat > 3:
                        continue
                    begun = time.perf_counter()
                    way()
                    taken[name].append(time.perf_counter() - begun)
            ms = {name: min(each[1:]) * 1000 for name, each in taken.items()}
            rows.append(
                [
                    count,
                    *(f"{ms[name]:.2f}" for name in ways),
                    *(f"{ms['loop'] / ms[n]:.0f}" for n in ("sampler", "litert")),
                ]
            )
    print_table(
        ["rows", "eager loop ms", "sampler ms", "LiteRT ms", "sampler, times faster", "LiteRT, times faster"], rows
    )


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=[*REGRESSION, *CLASSIFICATION])
    parser.add_argument("--full", action="store_true", help="all 20 published splits")
    parser.add_argument("--splits", type=int, default=None, help="so many of the published splits")
    parser.add_argument("--speed", action="store_true", help="only the speed of sampling")
    parser.add_argument("--record", type=Path, default=None, help="file that keeps what is done")
    arguments = parser.parse_args()
    if arguments.speed:
        speed_table()
        return 0
    if not DATA.is_dir():
        print(f"not measured: the data sets are not there ({DATA.parent.name}/{DATA.name})", file=sys.stderr)
        return 1
    records = measured(arguments.sets, arguments.splits or (FULL if arguments.full else QUICK), arguments.record)
    regression_table(records)
    classification_table(records)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
