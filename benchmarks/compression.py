"""Pruning beside TensorFlow's toolkit on the same trained network, and what 8 bits save and cost.

Run it with ``python -m benchmarks.compression [--files] [--seeds N] [SET ...]``. For each set and seed one dense
network is trained as advised for a very sparse model, then pruned to 90 % twice: as Advisor does it, and on a twin by
the toolkit with a polynomial schedule, Adam, and as many epochs. Test metrics of all three, how much worse Advisor's
network is than the toolkit's from the same weights (below 0: better), and in how many seeds it is clearly better or
worse, compared row by row on the test rows (Student's t, at the confidence that reports use). With ``--files`` nothing
is pruned: a network of three layers of 100 neurons is trained as advised for a microcontroller, and each kind of file
with 8-bit weights is compared with the one in 32 bits: bytes, and how much of the test metric is lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import ttest_rel

from advisor.builder import with_target_units
from advisor.compression import fold
from advisor.compression.quantization_aware import toolkit
from advisor.evaluation import measure, measure_sparsity, primary_metric
from advisor.evaluation.comparison import CLEAR_CONFIDENCE
from advisor.export.keras_format import predictor
from advisor.framework import load_framework
from advisor.pipeline import Request, Silent
from benchmarks.shared_data import DATA, load_table

FRACTION = 0.9
SECONDS = 40
FILES = ("float32", "dynamic_int8", "full_int8", "int16_activations")
FOR_A_MICROCONTROLLER = {"target_device": "microcontroller", "hidden_layers": 3, "units": 100}


def by_hand(prepared, core, recipe):
    """Prune a network with the toolkit's own recipe and return its answers on the test rows."""
    from advisor.export.preparation import Preparation

    preparation, _ = Preparation.of(core)
    bundle, statistics = prepared.bundle, prepared.statistics
    prepare = preparation.compile()
    x, y = prepare(bundle.train.x), np.asarray(bundle.train.y)
    if statistics.target_scale is not None:
        y = (y - statistics.target_mean) / statistics.target_scale
    blocks = [(layer.name, layer.get_weights()) for layer in core.layers if type(layer).__name__ == "Dense"]
    loss = {"multiclass": "sparse_categorical_crossentropy", "binary": "binary_crossentropy"}.get(bundle.task, "mse")
    last = {"multiclass": "softmax", "binary": "sigmoid"}.get(bundle.task, "linear")
    with toolkit() as (tf_keras, tfmot), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf_keras.utils.set_random_seed(prepared.request.seed)
        tensor = inputs = tf_keras.Input((x.shape[1],))
        for name, weights in blocks:
            activation = last if name == "output" else "elu"
            tensor = tf_keras.layers.Dense(weights[0].shape[1], activation=activation, name=name)(tensor)
        twin = tf_keras.Model(inputs, tensor)
        for name, weights in blocks:
            twin.get_layer(name).set_weights(weights)
        epochs, batch = recipe.max_epochs, recipe.batch_size
        steps = epochs * -(-len(x) // batch)
        schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, FRACTION, 0, steps // 2, frequency=max(1, steps // epochs))
        pruned = tfmot.sparsity.keras.prune_low_magnitude(twin, pruning_schedule=schedule)
        pruned.compile(optimizer="adam", loss=loss)
        update = tfmot.sparsity.keras.UpdatePruningStep()
        pruned.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[update])
        answers = tfmot.sparsity.keras.strip_pruning(pruned).predict(prepare(bundle.test.x), verbose=0)
    if statistics.target_scale is not None:
        answers = answers * statistics.target_scale + statistics.target_mean
    return answers


def measured(name, seed):
    """Measure one data set with one seed: metric, metrics of the networks, zeros, and whether one is clearly better."""
    from advisor.pipeline.candidates import Workbench
    from advisor.pipeline.fitting import fit
    from advisor.pipeline.preparation import prepare
    from advisor.pipeline.sparsifying import PruningRecipe, prune
    from advisor.training import Recipe

    frame, target = load_table(name)
    given = {"sparsity": "very_sparse"}
    prepared = prepare(Request(frame, target=target, given=given, time_budget=SECONDS, seed=seed))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        fitted = fit(prepared, checkpoints=place / "c", logs=place / "l", resume=False, progress=Silent())
        bench = Workbench(prepared, place, None)
        core = fitted.chosen.core
        dense = bench.metrics(core)[1]
        events = []
        unhurried = replace(prepared, request=replace(prepared.request, time_budget=None))
        pruned = prune(unhurried, fitted, FRACTION, Silent(), events.append).chosen.core
        test = prepared.bundle.test
        ours = measure(prepared.bundle.task, test.y, predictor(with_target_units(pruned, prepared.statistics))(test.x))
        values = fitted.recommendation.values
        recipe = PruningRecipe.from_values(values).training(Recipe.from_values(values, task=prepared.bundle.task))
        theirs = measure(prepared.bundle.task, test.y, by_hand(prepared, fold(core).model, recipe))
    metric = primary_metric(prepared.bundle.task)
    clear = ttest_rel(ours.contributions, theirs.contributions).pvalue < 1 - CLEAR_CONFIDENCE
    better = int(clear) * (1 if (ours.primary > theirs.primary) == metric.higher_is_better else -1)
    return metric.name, (dense, ours.primary, theirs.primary), measure_sparsity(pruned).fraction, better


def row_of(name, seeds):
    """Measure one data set with several seeds."""
    rows = [measured(name, seed) for seed in range(seeds)]
    metric, _, zeros, _ = rows[0]
    numbers, verdicts = np.array([row[1] for row in rows]), [row[3] for row in rows]
    worse = (numbers[:, 1] - numbers[:, 2]) * (-1 if metric == "accuracy" else 1)
    clear = f"better {verdicts.count(1)}, worse {verdicts.count(-1)} of {seeds}"
    return [
        name,
        metric,
        *(with_each(numbers[:, index]) for index in range(3)),
        with_each(worse),
        clear,
        f"{zeros:.3f}",
    ]


def files_of(name, seed):
    """Train one network and return the primary metric's name, and each kind of file as the ladder would make it."""
    from advisor.pipeline.candidates import Workbench, cost_of
    from advisor.pipeline.fitting import fit
    from advisor.pipeline.preparation import prepare

    frame, target = load_table(name)
    request = Request(frame, target=target, given=FOR_A_MICROCONTROLLER, time_budget=SECONDS, seed=seed)
    prepared = prepare(request)
    task, allowed = prepared.bundle.task, float(prepared.values["allowed_metric_cost"])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        fitted = fit(prepared, checkpoints=place / "c", logs=place / "l", resume=False, progress=Silent())
        bench, core = Workbench(prepared, place, None), fitted.chosen.core
        val = bench.metrics(core)[0]
        made = [bench.make_within(core, each, lambda file: cost_of(task, val, file.val), allowed) for each in FILES]
    return primary_metric(task).name, dict(zip(FILES, made, strict=True))


def row_of_files(name, seeds):
    """Compare the files of one data set's networks with those in 32 bits."""
    from advisor.pipeline.candidates import cost_of

    found = [files_of(name, seed) for seed in range(seeds)]
    metric, task = found[0][0], "binary" if found[0][0] == "accuracy" else "regression"
    floats = [files["float32"] for _, files in found]
    cells = [name, metric, f"{np.mean([each.artifact.bytes for each in floats]) / 1000:.0f} kB"]
    cells.append(with_each([each.test for each in floats]))
    for kind in FILES[1:]:
        others = [files[kind] for _, files in found]
        bytes_ = [one.artifact.bytes / each.artifact.bytes for one, each in zip(others, floats, strict=True)]
        lost = [100 * cost_of(task, each.test, one.test) for one, each in zip(others, floats, strict=True)]
        cells += [", ".join(f"{each:.3f}" for each in bytes_), with_each(lost)]
    return cells


def with_each(values):
    """Write mean, standard error and each seed's value."""
    error = f" ± {np.std(values, ddof=1) / np.sqrt(len(values)):.2g}" if len(values) > 1 else ""
    return f"{np.mean(values):.4g}{error} ({', '.join(f'{value:.4g}' for value in values)})"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=["gal_concrete", "gal_energy", "gal_power_plant", "magic"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--files", action="store_true", help="measure files with 8-bit weights; prune nothing")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"not measured: the data sets are not there ({DATA.parent.name}/{DATA.name})", file=sys.stderr)
        return 1
    load_framework()
    head = ["set", "metric", "dense", "Advisor, 90 % zeros", "toolkit by hand, 90 % zeros", "worse by"]
    head += ["clearly", "zeros (Advisor)"]
    if arguments.files:
        head = ["set", "metric", "32 bits", "test"]
        head += [cell for kind in FILES[1:] for cell in (f"{kind}: part of the bytes", "% of the test metric lost")]
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head), flush=True)
    row = row_of_files if arguments.files else row_of
    for name in arguments.sets:
        print("| " + " | ".join(row(name, arguments.seeds)) + " |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
