"""What a decision costs: the object, its trace, JSON to JSON beside pydantic, the process beside its imports.

Run it with ``python -m benchmarks.deciding``. Every comparison is made in this run, in turn; medians are printed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from advisor.knowledge import load_rulebook
from advisor.problem import Problem
from advisor.recommendation import Recommendation, recommend
from advisor.recommendation.document import RecommendationDocument

PROBLEM = {
    "task": "multiclass",
    "architecture": "dense_stack",
    "features": 20,
    "outputs": 5,
    "labeled_rows": 12000,
    "sparsity": "sparse",
    "latency_budget_ms": 2.0,
    "risk_sensitive": True,
}
ROUNDS = 7
PROCESSES = 9


def microseconds(work: Callable[[], object], calls: int) -> float:
    """Return the median over rounds of the processor time of one call."""
    work()
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(calls):
            work()
        rounds.append((time.process_time() - begun) / calls * 1e6)
    return statistics.median(rounds)


def seconds_of_process(command: list[str], text: str) -> float:
    """Return the wall time of one process."""
    begun = time.perf_counter()
    subprocess.run(command, input=text, text=True, capture_output=True, check=True)
    return time.perf_counter() - begun


LOAD = """
import time
from advisor.knowledge import load_rulebook
begun = time.process_time()
load_rulebook("homl2")
print((time.process_time() - begun) * 1000)
"""


def loading(cache: str) -> float:
    """Return the median of the processor time, in milliseconds, in which a fresh process loads the rulebook.

    Args:
        cache: Folder of kept rulebooks; empty for none, so that every file is read and everything is proven anew.
    """
    environment = {**os.environ, "ADVISOR_CACHE_DIR": cache}
    command = [sys.executable, "-c", LOAD]
    times = [
        float(subprocess.run(command, env=environment, text=True, capture_output=True, check=True).stdout)
        for _ in range(PROCESSES)
    ]
    return statistics.median(times)


def main() -> int:
    """Print the table."""
    book = load_rulebook("homl2")
    problem = Problem.from_facts(PROBLEM)
    text = problem.to_json()
    advice = recommend(problem, book).to_json()
    decision = microseconds(lambda: recommend(problem, book), 2000)
    trace = microseconds(lambda: recommend(problem, book).trace, 200)
    whole = microseconds(lambda: recommend(text, book).to_json(), 100)
    pydantic = microseconds(
        lambda: (
            Problem.model_validate_json(text),
            RecommendationDocument.model_validate_json(advice).model_dump_json(),
        ),
        100,
    )
    again = microseconds(lambda: Recommendation.from_json(advice), 100)
    ask, imports = [], []
    for _ in range(PROCESSES):
        ask.append(seconds_of_process([sys.executable, "-m", "advisor.interfaces.cli", "recommend", "-"], text))
        imports.append(seconds_of_process([sys.executable, "-c", "import pydantic, typer"], ""))
    ratio = statistics.median(a / b for a, b in zip(ask, imports, strict=True))
    print("| what | measured | beside | allowed |\n| --- | --- | --- | --- |")
    print(f"| one decision, recommendation object out | {decision:.1f} µs | | 10 µs |")
    print(f"| the same with its full trace | {trace:.1f} µs | | 100 µs |")
    print(
        f"| JSON to JSON | {whole:.0f} µs | "
        f"{pydantic:.0f} µs pydantic's own validate + dump: {whole / pydantic:.2f}× | 4× |"
    )
    print(f"| reading a recommendation | {again:.0f} µs | | |")
    print(
        f"| `advisor recommend` as a process | {statistics.median(ask) * 1000:.0f} ms | "
        f"{statistics.median(imports) * 1000:.0f} ms `import pydantic, typer`: {ratio:.2f}× | 2.5× |"
    )
    with tempfile.TemporaryDirectory() as cache:
        loading(cache)
        print(f"| rulebook load in a fresh process, checked before | {loading(cache):.0f} ms | | 50 ms |")
    print(f"| the same for files that were never seen: read, checked, clashes excluded | {loading(''):.0f} ms | | |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
