"""The latency of one raw-row prediction: one thread, warmed up, at least 1,000 calls, on this host."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Latency
from advisor.errors import DataError, Finding

FEWEST_CALLS = 1000
FEWEST_WARMUP_CALLS = 100
_CPU_INFO = Path("/proc/cpuinfo")


def measure_latency(
    predict_row: Callable[[Any], object],
    rows: Sequence[Any],
    *,
    runtime: str,
    calls: int = 2000,
    warmup: int = 200,
) -> Latency:
    """Time single-row predictions one after the other.

    Garbage collection is off while the clock runs, as a service that cares for its 99th percentile would have it.
    The caller answers for the runtime using one thread.

    Args:
        predict_row: Predicts one row.
        rows: Rows to predict in turn, already in the form that ``predict_row`` takes.
        runtime: The runtime in words, for the record, such as ``LiteRT float32, 1 thread``.
        calls: Number of timed calls, at least 1,000.
        warmup: Number of calls before them, at least 100.

    Returns:
        Median and 99th percentile, with calls and host.

    Raises:
        DataError: If there are no rows.
        ValueError: If fewer calls are asked for than the definition of latency demands.
    """
    if calls < FEWEST_CALLS or warmup < FEWEST_WARMUP_CALLS:
        raise ValueError(f"latency takes at least {FEWEST_CALLS} calls after {FEWEST_WARMUP_CALLS} to warm up")
    chosen = [rows[k % len(rows)] for k in range(calls)] if len(rows) else []
    if not chosen:
        raise DataError(Finding("D103", "", "latency can't be measured without a row."))
    for k in range(warmup):
        predict_row(chosen[k % calls])
    took = np.empty(calls, dtype=np.int64)
    clock = time.perf_counter_ns
    collecting = gc.isenabled()
    gc.disable()
    try:
        for k, row in enumerate(chosen):
            started = clock()
            predict_row(row)
            took[k] = clock() - started
    finally:
        if collecting:
            gc.enable()
    p50, p99 = np.quantile(took, (0.5, 0.99)) / 1e6
    return Latency(float(p50), float(p99), calls, f"{host()}; {runtime}")


def host() -> str:
    """Describe this host for a reader of a measurement: processor and number of cores, never its name."""
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} core{'s' if cores != 1 else ''}"


def _processor() -> str:
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip().lower() in ("model name", "hardware") and value.strip():
            return " ".join(value.split())
    return platform.machine() or "unknown processor"
