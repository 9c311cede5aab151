"""Measure a finished run's promises again, without the code that measured them first.

``python -m benchmarks.remeasure RUN``: latency with a clock around the public runtime, size from the file system, zeros
from the tensors that the interpreter holds. Prints JSON: requirement → measured, met.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import advisor

CALLS, WARMUP = 1500, 300


def latency_ms(run):
    """Return the 99th percentile of single predictions, in ms, and the median."""
    shape = run.core.inputs[0].shape[1:]
    rows = np.random.default_rng(7).normal(size=(100, 1, *shape)).astype(np.float32)
    for k in range(WARMUP):
        run.runtime.predict_row(rows[k % 100])
    took = []
    for k in range(CALLS):
        row = rows[k % 100]
        begun = time.perf_counter()
        run.runtime.predict_row(row)
        took.append(time.perf_counter() - begun)
    took.sort()
    return took[int(0.99 * CALLS)] * 1000, took[CALLS // 2] * 1000


def zeros(path):
    """Return the fraction of exact zeros in the kernels of fully connected layers and convolutions."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    interpreter.invoke()
    none, everything = 0, 0
    for operation in interpreter._get_ops_details():
        if operation["op_name"] in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"):
            kernel = interpreter.get_tensor(int(operation["inputs"][1]))
            none, everything = none + int((kernel == 0).sum()), everything + kernel.size
    return none / max(everything, 1)


def remeasure(folder):
    """Return what each requirement of a run measures now, and whether the run's own verdict holds."""
    run = advisor.load_run(folder)
    path = Path(folder) / run.contract["artifacts"]["litert"]
    found = {}
    for requirement in run.requirements:
        name, required = requirement["name"], requirement["required"]
        if name == "latency":
            value = min(latency_ms(run)[0] for _ in range(3))
        elif name == "size":
            value = os.stat(path).st_size / 1000
        elif name == "sparsity":
            value = zeros(path)
        else:
            continue  # what 8 bits cost is of validation rows, which a run doesn't hold
        met = value >= required if name == "sparsity" else value <= required
        found[name] = {"required": required, "said": requirement["measured"], "said_met": requirement["met"],
                       "now": value, "met_now": met}  # fmt: skip
    return found


def main() -> int:
    """Print what is measured now; 1 when something that was said to be met is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    found = remeasure(parser.parse_args().run)
    print(json.dumps(found, indent=2))
    return int(any(each["said_met"] and not each["met_now"] for each in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
