"""Runs waiting jobs in worker processes, a bounded number at a time, and holds them to their limits."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import time
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import Finding
from advisor.interfaces.service.jobs.children import start_child
from advisor.interfaces.service.jobs.datasets import Datasets
from advisor.interfaces.service.jobs.events import Bell
from advisor.interfaces.service.jobs.limits import JobLimits, end_group, resident_bytes, started_at
from advisor.interfaces.service.jobs.records import IDENTITY, RUNNING, Job
from advisor.interfaces.service.jobs.store import Store
from advisor.interfaces.service.observing import LOGGER, JobMetrics

RETRY_SECONDS = 2.0
"""Seconds after which waiting jobs are looked at again when that failed."""
LOOK_SECONDS = 0.25
"""Seconds between two looks at a worker's memory and time."""
_CPU_SIGNALS = (-signal.SIGXCPU,)


@dataclass
class _Work:
    """A job at work.

    Attributes:
        job: The job.
        child: Its process.
        begun: When it began, on a clock that never goes back.
        why: Why it was told to stop: ``cancelled``, ``stopping``, or a finding; None when it wasn't.
        end: The last line of the worker, or None.
    """

    job: Job
    child: Process
    begun: float
    why: str | Finding | None = None
    end: Mapping[str, Any] | None = None


class Runner:
    """The worker processes of one service."""

    def __init__(
        self, folder: Path, store: Store, datasets: Datasets, bell: Bell, limits: JobLimits, metrics: JobMetrics
    ) -> None:
        """Work in a folder, which is made when it isn't there.

        Args:
            folder: Has a folder for each job: its run and the log of its workers.
            store: Knows the jobs.
            datasets: Knows the data.
            bell: Is rung at everything new.
            limits: What jobs may use.
            metrics: Counts.
        """
        self._folder = folder
        self._store = store
        self._datasets = datasets
        self._bell = bell
        self._limits = limits
        self._metrics = metrics
        self._at_work: dict[str, _Work] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._is_well = True
        folder.mkdir(parents=True, exist_ok=True)

    def run_folder(self, job: str) -> Path:
        """Return where the run of a job is, or will be."""
        return self._folder / job / "run"

    def start(self) -> None:
        """Take up what an earlier server left, and begin to work."""
        for job in self._store.jobs(state=RUNNING, limit=self._limits.most_kept_jobs):
            process, start = job.process
            if process and started_at(process) == start:
                end_group(process, signal.SIGKILL)
            self._died(job, 0.0, "the server ended while it ran")
        for item in self._folder.iterdir():
            if IDENTITY.fullmatch(item.name) and self._store.job(item.name) is None:
                shutil.rmtree(item, ignore_errors=True)
        self._spawn(self._schedule())

    def is_working(self) -> bool:
        """Tell whether waiting jobs are started."""
        return self._is_well and not self._is_stopping

    def wake(self) -> None:
        """Look for waiting jobs."""
        self._wake.set()

    def begin_stopping(self) -> None:
        """Tell all workers to write their checkpoints; no further job begins."""
        self._is_stopping = True
        for work in self._at_work.values():
            self._stop(work, "stopping")
        self._bell.ring_all()
        self._wake.set()

    async def stop(self) -> None:
        """Wait until all workers have ended; those that don't in time are ended."""
        self.begin_stopping()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def cancel(self, job: Job) -> None:
        """Cancel a job that is not over."""
        work = self._at_work.get(job.id)
        if work is not None:
            self._stop(work, "cancelled")
        else:
            self._store.cancel(job.id)
            self._over(job, "cancelled", 0.0)
            self._remove_unfinished(job.id)

    def remove(self, job: str) -> None:
        """Remove everything that a job which is over left."""
        self._store.remove_job(job)
        shutil.rmtree(self._folder / job, ignore_errors=True)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            LOGGER.error("the service failed at a job", exc_info=failure)

    async def _schedule(self) -> None:
        while not self._is_stopping:
            self._wake.clear()
            try:
                while len(self._at_work) < self._limits.most_running and not self._is_stopping:
                    job = self._store.first_waiting()
                    if job is None:
                        break
                    await self._begin(job)
            except (OSError, sqlite3.Error):
                LOGGER.exception("waiting jobs could not be started")
                self._is_well = False
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._is_well = True
            await self._wake.wait()

    async def _begin(self, job: Job) -> None:
        dataset = self._store.dataset(job.order.dataset)
        if dataset is None:
            self._fail(job, Finding("J122", "dataset", "the data set of this job is gone."))
            return
        path = self._datasets.path_of(dataset)
        home = self._folder / job.id
        home.mkdir(exist_ok=True)
        log = os.open(home / "worker.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            child = await start_child("worker", path.parent, log)
        except OSError as failure:
            LOGGER.exception("a worker could not be started", extra={"fields": {"job": job.id}})
            message = f"the job's process could not be started: {failure.strerror}."
            self._fail(job, Finding("J123", "", message, "Try again later."))
            return
        finally:
            os.close(log)
        found = self._store.job(job.id)
        if found is None or found.is_over:  # cancelled meanwhile
            end_group(child.pid, signal.SIGKILL)
            await child.wait()
            return
        work = _Work(job, child, time.monotonic())
        self._at_work[job.id] = work
        self._store.begin(job.id, (child.pid, started_at(child.pid)))
        self._bell.ring(job.id)
        fields = {"job": job.id, "process": child.pid, "attempt": job.attempts + 1}
        LOGGER.info("job started", extra={"fields": fields})
        asked = {
            "order": job.order.document(),
            "data": path.name,
            "out": str(self.run_folder(job.id)),
            "cpu_seconds": self._limits.cpu_seconds,
            "grace_seconds": self._limits.grace_seconds,
        }
        self._spawn(self._see_through(work, asked))
        if self._is_stopping:
            self._stop(work, "stopping")

    async def _see_through(self, work: _Work, asked: Mapping[str, Any]) -> None:
        watching = asyncio.create_task(self._watch(work))
        try:
            stdin, stdout = work.child.stdin, work.child.stdout
            if stdin is None or stdout is None:
                raise RuntimeError("a worker has pipes")
            try:
                stdin.write(json.dumps(asked).encode() + b"\n")
                await stdin.drain()
                while line := await stdout.readline():
                    self._heard(work, line)
            except (ConnectionError, ValueError):
                LOGGER.warning("a worker's pipe broke", extra={"fields": {"job": work.job.id}}, exc_info=True)
                end_group(work.child.pid, signal.SIGKILL)
            code = await work.child.wait()
        finally:
            watching.cancel()
            end_group(work.child.pid, signal.SIGKILL)
            del self._at_work[work.job.id]
        self._ended(work, code)
        self._wake.set()

    def _heard(self, work: _Work, line: bytes) -> None:
        told = json.loads(line)
        if told["kind"] == "end":
            work.end = told["data"]
            return
        self._store.tell(work.job.id, told["kind"], told["data"])
        self._metrics.events.inc()
        self._bell.ring(work.job.id)

    async def _watch(self, work: _Work) -> None:
        limits, job = self._limits, work.job
        left = limits.job_seconds - job.spent
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            used = resident_bytes(work.child.pid)
            self._metrics.largest(used)
            if used > limits.memory_bytes:
                message = f"the job used {used:,} bytes of memory; allowed are {limits.memory_bytes:,}."
                work.why = Finding("J120", "", message, "Send fewer rows, or ask for a smaller network.")
                end_group(work.child.pid, signal.SIGKILL)
                return
            if time.monotonic() - work.begun > left and not isinstance(work.why, str):
                message = f"the job was not finished within {limits.job_seconds:g} s."
                self._stop(work, Finding("J124", "", message, "Set a shorter time_budget_seconds."))
                return

    def _stop(self, work: _Work, why: str | Finding) -> None:
        """Ask a worker to stop, and end it when it doesn't."""
        is_asked = work.why is not None
        if work.why != "cancelled":
            work.why = why
        if not is_asked:
            end_group(work.child.pid, signal.SIGINT)
            self._spawn(self._end_later(work))

    async def _end_later(self, work: _Work) -> None:
        begun = time.monotonic()
        seconds = self._limits.grace_seconds
        while work.job.id in self._at_work and self._at_work[work.job.id] is work:
            # A job that is cancelled has nothing to save.
            if time.monotonic() - begun > (min(2.0, seconds) if work.why == "cancelled" else seconds):
                end_group(work.child.pid, signal.SIGKILL)
                return
            await asyncio.sleep(0.05)

    def _ended(self, work: _Work, code: int) -> None:
        job, seconds = work.job, time.monotonic() - work.begun
        finding = (work.end or {}).get("finding")
        if work.end is not None and finding is None and code == 0:
            self._finish(job, seconds)
        elif work.why == "cancelled":
            self._store.cancel(job.id)
            self._over(job, "cancelled", seconds)
            self._remove_unfinished(job.id)
        elif isinstance(work.why, Finding):
            self._fail(job, work.why, seconds)
        elif work.end is not None and finding is not None:
            self._fail(job, self._without_paths(Finding(**finding)), seconds)
        elif work.why == "stopping":
            self._store.wait_again(job.id, "the server is stopping", seconds=seconds, died=False)
            self._bell.ring(job.id)
            LOGGER.info("job interrupted", extra={"fields": {"job": job.id, "seconds": round(seconds, 3)}})
        elif code in _CPU_SIGNALS:
            message = f"the job used more than {self._limits.cpu_seconds} s of processor time."
            self._fail(job, Finding("J125", "", message, "Set a shorter time_budget_seconds."), seconds)
        else:
            how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
            self._died(job, seconds, f"its process ended {how}")

    def _died(self, job: Job, seconds: float, how: str) -> None:
        fields = {"job": job.id, "deaths": job.deaths + 1, "how": how}
        LOGGER.warning("a job's process died", extra={"fields": fields})
        if job.deaths + 1 >= self._limits.most_deaths:
            message = f"the job's process died {job.deaths + 1} times, the last time because {how}."
            self._fail(
                job, Finding("J126", "", message, "Send fewer rows, or ask the operator for the job's log."), seconds
            )
            return
        self._store.wait_again(job.id, f"{how}; it goes on from its last checkpoint", seconds=seconds, died=True)
        self._bell.ring(job.id)

    def _finish(self, job: Job, seconds: float) -> None:
        try:
            result, files = outcome_of(self.run_folder(job.id))
        except (OSError, ValueError, KeyError):
            LOGGER.exception("a finished run can't be read", extra={"fields": {"job": job.id}})
            self._fail(job, Finding("J121", "", "the training failed by a fault of the program."), seconds)
            return
        self._store.finish(job.id, result, files)
        self._over(job, "finished", seconds)

    def _fail(self, job: Job, finding: Finding, seconds: float = 0.0) -> None:
        self._store.fail(job.id, finding)
        self._remove_unfinished(job.id)
        self._over(job, "failed", seconds, code=finding.code)

    def _over(self, job: Job, state: str, seconds: float, **fields: Any) -> None:
        self._bell.ring(job.id)
        self._metrics.ended(state, job.spent + seconds)
        told = {"job": job.id, "state": state, "seconds": round(job.spent + seconds, 3), **fields}
        LOGGER.info("job over", extra={"fields": told})
        for old in self._store.oldest_over(self._limits.most_kept_jobs):
            self.remove(old.id)

    def _remove_unfinished(self, job: str) -> None:
        for name in ("run.partial", "run"):
            shutil.rmtree(self._folder / job / name, ignore_errors=True)

    def _without_paths(self, finding: Finding) -> Finding:
        """Return a finding that says nothing of where the service keeps its files."""
        here = f"{self._folder}{os.sep}"
        return Finding(
            *(text.replace(here, "") for text in (finding.code, finding.place, finding.message, finding.hint))
        )


def outcome_of(run: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return what came out of a finished run, and its files by name with bytes and sha256.

    Raises:
        OSError: If the run is not there.
        ValueError: If one of its documents is no JSON.
    """
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    required = json.loads((run / "requirements.json").read_text(encoding="utf-8"))
    manifest = run / "manifest.json"
    content = manifest.read_bytes()
    result = {
        "met": all(each["met"] for each in required["requirements"]),
        "primary": metrics["primary"],
        "metrics": metrics,
        "requirements": required["requirements"],
        "closest": str(required.get("closest", "")),
    }
    own = {"manifest.json": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}}
    return result, {**json.loads(content)["files"], **own}
