"""Time the training of one dense net three ways, side by side: Advisor, Keras's fit with its defaults, PyTorch.

8,192 rows of 20 columns, 3 layers of 256 ReLU units, batches of 32, 20 epochs, AdamW, 2,000 validation rows after each
epoch. Timed is everything from the finished model to the trained one (tracing and compiling included, importing not).

    .venv/bin/python benchmarks/training_speed.py [--repeats 3] [--torch-python PATH]

PyTorch isn't among Advisor's dependencies: name an interpreter that has it, or that column is not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics as middle
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

ROWS, VALIDATION, COLUMNS, UNITS, BATCH, RATE = 8192, 2000, 20, (256, 256, 256), 32, 1e-3
TORCH = Path(__file__).with_name("training_speed_torch.py")


def data():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS + VALIDATION, COLUMNS)).astype(np.float32)
    y = (np.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]).astype(np.float32)
    return x[:ROWS], y[:ROWS], x[ROWS:], y[ROWS:]


def network():
    import keras

    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((COLUMNS,))
    for units in UNITS:
        x = keras.layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(1)(x))


def advisor_seconds(epochs, rate):
    from advisor.artifacts import DataBundle, Part
    from advisor.training import Recipe, train

    x, y, x_val, y_val = data()
    parts = [Part(a, b, np.arange(len(a))) for a, b in ((x, y), (x_val, y_val), (x_val, y_val))]
    bundle = DataBundle("regression", *parts, classes=(), target_names=("y",), sha256="benchmark")
    values = {
        "loss": "mse",
        "optimizer": "adamw",
        "learning_rate_schedule": "one_cycle",
        "maximum_learning_rate": rate,
        "batch_size": BATCH,
        "max_epochs": epochs,
        "early_stopping": "restore_best",
    }
    recipe = Recipe.from_values(values, task="regression")
    model = network()
    before = time.perf_counter()
    report = train(model, bundle, recipe, seed=0)
    return time.perf_counter() - before, report.best_val_loss


def fit_seconds(epochs):
    import keras

    x, y, x_val, y_val = data()
    model = network()
    before = time.perf_counter()
    model.compile(keras.optimizers.AdamW(RATE), "mse")
    history = model.fit(x, y, batch_size=BATCH, epochs=epochs, validation_data=(x_val, y_val), verbose=0)
    return time.perf_counter() - before, min(history.history["val_loss"])


def torch_seconds(interpreter, epochs, threads):
    if interpreter is None:
        return None
    answer = subprocess.run(
        [interpreter, str(TORCH), str(epochs), str(threads)], capture_output=True, text=True, check=True
    )
    document = json.loads(answer.stdout)
    return document["seconds"], document["val_loss"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--torch-python", help="a Python interpreter with PyTorch")
    parser.add_argument("--torch-threads", type=int, default=1, help="one is fastest on a busy machine")
    options = parser.parse_args()
    ways = {
        "Advisor": lambda: advisor_seconds(options.epochs, RATE),
        "Advisor with range test": lambda: advisor_seconds(options.epochs, "range_test"),
        "Keras fit, defaults": lambda: fit_seconds(options.epochs),
        "PyTorch, fused AdamW": lambda: torch_seconds(options.torch_python, options.epochs, options.torch_threads),
    }
    import keras  # noqa: F401  # importing isn't timed

    measured = {name: [] for name in ways}
    for _ in range(options.repeats):  # interleaved, so that a busy moment hits every way
        for name, way in ways.items():
            measured[name].append(way())
    base = middle.median(seconds for seconds, _ in measured["Advisor"])
    print(f"{'way':26s} {'seconds':>8s} {'all':>22s} {'of Advisor':>10s} {'val loss':>9s}")
    for name, results in measured.items():
        if None in results:
            print(f"{name:26s} not measured (give --torch-python)")
            continue
        seconds = [result[0] for result in results]
        every = " ".join(f"{value:.2f}" for value in seconds)
        median = middle.median(seconds)
        print(f"{name:26s} {median:8.2f} {every:>22s} {median / base:9.2f}x {results[-1][1]:9.4f}")


if __name__ == "__main__":
    main()
