"""Latency of everything in a run, for one, some and many rows, beside plain Keras ``predict``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import ArtifactError, Finding
from advisor.evaluation import host
from advisor.export import load_saved_model
from advisor.export.onnx import load_onnx
from advisor.export.preparation import Preparation
from advisor.pipeline.candidates import open_runtime
from advisor.pipeline.device import WIDE
from advisor.run import Run

BATCHES = (1, 32, 1000)
PREDICT = "keras predict"
BARE = "bare LiteRT interpreter"
SECONDS = 1.5
FEWEST, MOST = 30, 2000
_WARMUP = 20


@dataclass(frozen=True)
class Timing:
    """How long one way to predict takes for a number of rows.

    Attributes:
        name: The artefact and its runtime.
        rows: Rows in one call.
        p50_ms: Median in milliseconds.
        p99_ms: 99th percentile in milliseconds.
        calls: Timed calls.
        ratio: Median of Keras ``predict`` divided by this median: how many times faster this is.
    """

    name: str
    rows: int
    p50_ms: float
    p99_ms: float
    calls: int
    ratio: float


@dataclass(frozen=True)
class Benchmark:
    """All timings of a run and the host that they are of."""

    host: str
    timings: tuple[Timing, ...]


def bench(run: Run, *, batches: tuple[int, ...] = BATCHES, seconds: float = SECONDS) -> Benchmark:
    """Time every artefact of a run, one thread, with made-up rows.

    The ways to predict take turns, so that whatever else the machine does hits all of them alike.

    Args:
        run: A finished run.
        batches: Numbers of rows in one call.
        seconds: Time for each way and number of rows.

    Returns:
        The timings; the first of each number of rows is Keras ``predict``.

    Raises:
        ArtifactError: If an artefact can't be loaded.
    """
    ways = _ways(run)
    timings: list[Timing] = []
    for rows in batches:
        encoded = made_up_rows(run, rows)
        measured = {name: _time(way, encoded, seconds) for name, way in ways.items() if rows == 1 or name != BARE}
        base = float(np.median(measured[PREDICT]))
        for name, took in measured.items():
            p50, p99 = np.quantile(took, (0.5, 0.99))
            timings.append(Timing(name, rows, float(p50), float(p99), len(took), base / float(p50)))
    return Benchmark(host(), tuple(timings))


def made_up_rows(run: Run, count: int) -> Array:
    """Return encoded rows: normal numbers, and codes of categories that there are."""
    generator = np.random.default_rng(0)
    shape = tuple(int(size) for size in run.core.inputs[0].shape[1:])
    rows = generator.normal(size=(count, *shape)).astype(np.float32)
    for index, column in enumerate(getattr(run.encoder, "columns", ())):
        if column.kind == "code":
            rows[:, index] = generator.integers(0, max(column.cardinality, 1), count)
    return rows


def _ways(run: Run) -> dict[str, Callable[[Array], Any]]:
    """Return every way to predict encoded rows that the run has."""
    core = run.core
    artifacts: Mapping[str, str] = run.contract["artifacts"]
    litert = run.path / artifacts["litert"]
    precision = str(run.contract.get("litert", {}).get("precision", "float32")).replace("_", " ")
    ways: dict[str, Callable[[Array], Any]] = {
        PREDICT: lambda rows: core.predict(rows, verbose=0),
        f"LiteRT {precision}": _through(run.runtime),
        BARE: _bare(litert),
    }
    for extra in sorted((run.path / "model" / "ladder").glob("*.tflite")):
        ways[f"ladder/{extra.name}"] = _through(_ladder_runtime(run, extra))
    if "saved_model" in artifacts:
        serve = load_saved_model(run.path / artifacts["saved_model"])
        ways["SavedModel"] = lambda rows: serve(_raw(serve, len(rows)))
    if "onnx" in artifacts:
        ways["onnxruntime"] = load_onnx(run.path / artifacts["onnx"])
    return ways


def _ladder_runtime(run: Run, path: Path) -> Any:
    """Open a file of the ladder; what begins behind the preprocessing gets that of the network in the run.

    Such a file may be of another network than the delivered one, but its preprocessing is of the same columns.
    """
    begins_behind = any(kind in path.name for kind in ("full_int8", WIDE, "quantization_aware"))
    if not begins_behind:
        return open_runtime(path, None)
    found = Preparation.of(run.core)
    if found is None:
        raise ArtifactError(Finding("A109", str(path), "the preprocessing of this file can't be told.", "Train again."))
    return open_runtime(path, found[0])


def _through(runtime: Any) -> Callable[[Array], Any]:
    return lambda rows: runtime.predict_row(rows) if len(rows) == 1 else runtime.predict(rows)


def _raw(serve: Any, count: int) -> dict[str, Array]:
    """Return raw rows of the forms that a SavedModel's own signature asks for: zeros, and empty texts."""
    _, wanted = serve.loaded.signatures["serving_default"].structured_input_signature
    return {
        name: np.full((count, *each.shape[1:]), "" if each.dtype.name == "string" else 0, each.dtype.as_numpy_dtype)
        for name, each in wanted.items()
    }


def _bare(path: Path) -> Callable[[Array], Any]:
    """Return the interpreter itself: set, invoke, get, and nothing around it."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(Finding("A106", str(path), f"LiteRT can't run it: {error}")) from error
    inputs, output = interpreter.get_input_details()[0], int(interpreter.get_output_details()[0]["index"])
    index = int(inputs["index"])
    fitting = np.zeros(inputs["shape"], inputs["dtype"])

    def predict(rows: Array) -> Any:
        interpreter.set_tensor(index, rows if rows.shape == fitting.shape and rows.dtype == fitting.dtype else fitting)
        interpreter.invoke()
        return interpreter.get_tensor(output)

    return predict


def _time(way: Callable[[Array], Any], rows: Array, seconds: float) -> Array:
    begun = time.perf_counter()
    for _ in range(_WARMUP):
        way(rows)
        if time.perf_counter() - begun > seconds:
            break
    took: list[int] = []
    end = time.perf_counter() + seconds
    while len(took) < FEWEST or (len(took) < MOST and time.perf_counter() < end):
        started = time.perf_counter_ns()
        way(rows)
        took.append(time.perf_counter_ns() - started)
    return np.asarray(took) / 1e6
