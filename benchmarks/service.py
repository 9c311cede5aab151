"""The service beside bare FastAPI handlers with the same models: requests per second, in one run on loopback.

Run it with ``python -m benchmarks.service [--seconds S]``. Each application runs in a process of its own under the
same server; the rounds take turns, and medians are printed. A client process with keep-alive connections asks.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import closing
from http.client import HTTPConnection

PROBLEM = {
    "task": "multiclass",
    "architecture": "dense_stack",
    "features": 20,
    "outputs": 5,
    "labeled_rows": 12000,
    "sparsity": "sparse",
}
BODY = json.dumps(PROBLEM).encode()
HEADERS = {"Content-Type": "application/json"}
ROUNDS = 3
CONNECTIONS = 2
ALLOWED = 0.7
APPLICATIONS = {
    "advisor": "Advisor: strict JSON, limits, decision, explained document, metrics, log line",
    "bare": "bare FastAPI: the same models in and out (`Problem` → `RecommendationDocument`), a fixed answer",
    "deciding": "bare FastAPI, the same models, and the same decision made for each request",
}


def bare_application(decides: bool):
    """Return a FastAPI application with one handler that takes and returns the models, and nothing else."""
    from fastapi import FastAPI

    from advisor.problem import Problem
    from advisor.recommendation import recommend
    from advisor.recommendation.document import RecommendationDocument

    app = FastAPI()
    fixed = RecommendationDocument.model_validate(recommend(PROBLEM).to_dict())

    async def answer(problem: Problem) -> RecommendationDocument:
        return RecommendationDocument.model_validate(recommend(problem).to_dict()) if decides else fixed

    answer.__annotations__ = {"problem": Problem, "return": RecommendationDocument}
    app.post("/v1/recommendations")(answer)
    return app


def serve(name: str, port: int) -> None:
    """Serve one application until this process is ended."""
    import uvicorn

    if name == "advisor":
        from advisor.interfaces.service.serving import run_server
        from advisor.interfaces.service.settings import Settings

        run_server(Settings(), host="127.0.0.1", port=port)
        return
    uvicorn.run(bare_application(name == "deciding"), host="127.0.0.1", port=port, access_log=False, log_level="error")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until an application answers, and warm it up."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            ask(port, time.monotonic() + 0.3, [])
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("not measured: an application did not start")


def ask(port: int, until: float, waits: list[float]) -> None:
    """Ask over one connection until a moment; collect the seconds that each answer took."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        while time.monotonic() < until:
            begun = time.perf_counter()
            connection.request("POST", "/v1/recommendations", BODY, HEADERS)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200 or len(content) < 1000:
                raise SystemExit(f"not measured: answered {answer.status}")
            waits.append(time.perf_counter() - begun)


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the processor time that a process has taken so far; the load of the machine doesn't count."""
    with open(f"/proc/{process.pid}/stat") as file:
        parts = file.read().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, seconds: float) -> list[float]:
    """Return what each answer took when several connections ask at once."""
    waits: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=ask, args=(port, until, each)) for each in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [wait for each in waits for wait in each]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--serve", choices=list(APPLICATIONS), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.port)
        return 0
    ports = {name: free_port() for name in APPLICATIONS}
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-m", "benchmarks.service", "--serve", name, "--port", str(port)],
            stderr=subprocess.DEVNULL,
        )
        for name, port in ports.items()
    }
    spent = dict.fromkeys(APPLICATIONS, 0.0)
    rates: dict[str, list[float]] = {name: [] for name in APPLICATIONS}
    waits: dict[str, list[float]] = {name: [] for name in APPLICATIONS}
    try:
        for port in ports.values():
            wait_for(port)
        for _ in range(ROUNDS):
            for name, port in ports.items():
                before = processor_seconds(processes[name])
                taken = load(port, arguments.seconds)
                spent[name] += processor_seconds(processes[name]) - before
                rates[name].append(len(taken) / arguments.seconds)
                waits[name] += taken
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(20)
    rate = {name: statistics.median(each) for name, each in rates.items()}
    cost = {name: spent[name] / len(waits[name]) for name in APPLICATIONS}
    print(
        "| application | requests/s | of bare | processor time per request | bare's beside it | median wait | 99 % |\n"
        "| --- | --- | --- | --- | --- | --- | --- |"
    )
    for name, meaning in APPLICATIONS.items():
        cuts = statistics.quantiles(waits[name], n=100)
        print(
            f"| {meaning} | {rate[name]:.0f} | {rate[name] / rate['bare']:.0%} | {cost[name] * 1e6:.0f} µs "
            f"| {cost['bare'] / cost[name]:.0%} | {cuts[49] * 1000:.2f} ms | {cuts[98] * 1000:.2f} ms |"
        )
    ratio = rate["advisor"] / rate["bare"]
    print(
        f"\n{ratio:.0%} of the bare handler's throughput; asked for: at least {ALLOWED:.0%}. "
        f"{os.cpu_count()} processors shared by client and servers, {CONNECTIONS} connections, "
        f"{ROUNDS} rounds of {arguments.seconds:g} s in turn. Load of the machine: {os.getloadavg()[0]:.1f}."
    )
    return 0 if ratio >= ALLOWED else 1


if __name__ == "__main__":
    raise SystemExit(main())
