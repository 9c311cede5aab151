"""Tables: test metric and wall time beside scikit-learn's MLP, a linear model and gradient boosting, on one split.

Run it with ``python -m benchmarks.tables [SET ...] [--seed N]``. Every model of a row is fitted in this process on the
same rows; RealMLP and CatBoost are quoted from the published table of the data sets.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

import advisor
from advisor.data import Encoder, load_bundle, make_split, profile
from advisor.evaluation import measure, primary_metric
from advisor.evaluation.columns import LinearLayout
from benchmarks.shared_data import DATA, TABLES, load_table, published


def sklearn_mlp(frame, target, seed):
    """Fit scikit-learn's MLP with its defaults on one-hot, standardized columns; return its metrics and seconds."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    schema = profile(frame, target).schema
    encoder = Encoder(schema)
    bundle = load_bundle(frame, schema, make_split(frame, schema, seed=0), encoder)
    layout = LinearLayout.fit(encoder.columns, bundle.train.x)
    begun = time.perf_counter()
    y = bundle.train.y.reshape(-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if bundle.task == "regression":
            mean, deviation = y.mean(), y.std()
            model = MLPRegressor(random_state=seed).fit(layout.apply(bundle.train.x), (y - mean) / deviation)
            answers = model.predict(layout.apply(bundle.test.x))[:, None] * deviation + mean
        else:
            model = MLPClassifier(random_state=seed).fit(layout.apply(bundle.train.x), y.astype(int))
            answers = model.predict_proba(layout.apply(bundle.test.x))
            answers = answers[:, 1:] if bundle.task == "binary" else answers
    return measure(bundle.task, bundle.test.y, answers), time.perf_counter() - begun


def compare(name, seed):
    """Measure one data set and return a row of the table."""
    frame, target = load_table(name)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        run = advisor.train({}, frame, target=target, out=Path(folder) / "run", seed=seed)
        seconds = time.perf_counter() - begun
        metrics = run.metrics
    primary = primary_metric(metrics["task"])
    mlp, mlp_seconds = sklearn_mlp(frame, target, seed)
    peers = published(name)
    column = {"rmse": "rmse", "accuracy": "accuracy"}[primary.name]
    quoted = [peers[peer][column] if peer in peers else "" for peer in ("realmlp_td", "catboost")]
    baselines = metrics["baselines"]
    return [
        name,
        primary.name,
        *(f"{value:.4g}" for value in (metrics["test"][primary.name], mlp.values[primary.name])),
        *(f"{baselines[each]['test'][primary.name]:.4g}" for each in ("linear", "boosted_trees")),
        *(f"{float(value):.4g}" if value else "–" for value in quoted),
        *(f"{value:.0f}" for value in (seconds, mlp_seconds, baselines["boosted_trees"]["seconds"])),
        ", ".join(trial["title"] for trial in metrics["trials"] if trial["kept"]),
    ]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(TABLES))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"not measured: the data sets are not there ({DATA.parent.name}/{DATA.name})", file=sys.stderr)
        return 1
    head = "set,metric,advisor,sklearn MLP,linear,boosting,RealMLP (quoted),CatBoost (quoted),s,MLP s,boosting s,kept"
    print("| " + " | ".join(head.split(",")) + " |\n|" + " --- |" * len(head.split(",")), flush=True)
    for name in arguments.sets:
        print("| " + " | ".join(compare(name, arguments.seed)) + " |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
