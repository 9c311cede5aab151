"""Training as a service, for routes and pages: data sets in, jobs, their events and their files out."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from advisor.errors import Finding, StorageError
from advisor.interfaces.service.jobs.checking import check_order, decide_for
from advisor.interfaces.service.jobs.datasets import Datasets
from advisor.interfaces.service.jobs.events import Bell, follow
from advisor.interfaces.service.jobs.limits import JobLimits
from advisor.interfaces.service.jobs.media import media_type_of
from advisor.interfaces.service.jobs.records import QUEUED, Artifact, Dataset, Job, JobError, JobEvent, JobOrder
from advisor.interfaces.service.jobs.runner import Runner
from advisor.interfaces.service.jobs.store import Store
from advisor.interfaces.service.observing import LOGGER, JobMetrics

LOCK = ".advisor-service"
"""The file that makes a folder a service's data folder, and that the service holds locked."""


class JobService:
    """The data sets and jobs of one data folder; made, used and closed in one event loop.

    Attributes:
        limits: What is accepted.
    """

    def __init__(self, folder: Path, limits: JobLimits, metrics: JobMetrics) -> None:
        """Open a data folder, and make it when it isn't there.

        Args:
            folder: The data folder; one service at a time uses it.
            limits: What is accepted.
            metrics: Counts.

        Raises:
            StorageError: If the folder can't be used.
        """
        self.limits = limits
        self._metrics = metrics
        self._is_stopping = False
        folder = folder.resolve()
        self._lock = lock_folder(folder)
        self._store = Store(folder / "jobs.sqlite3")
        self._bell = Bell()
        self._datasets = Datasets(folder / "datasets", self._store, limits)
        self._runner = Runner(folder / "jobs", self._store, self._datasets, self._bell, limits, metrics)
        metrics.watch(self._store.counts, self._store.count_datasets, self._store.stored_bytes)

    def start(self) -> None:
        """Begin to work on the jobs that wait; what an earlier server left running goes on."""
        self._runner.start()

    def begin_stopping(self) -> None:
        """Tell workers to write their checkpoints, and end all streams of events."""
        self._is_stopping = True
        self._runner.begin_stopping()

    async def close(self) -> None:
        """Stop all workers and close the database."""
        self.begin_stopping()
        await self._runner.stop()
        self._metrics.unwatch()
        self._store.close()
        os.close(self._lock)

    def is_ready(self) -> bool:
        """Tell whether jobs are taken."""
        return not self._is_stopping and self._runner.is_working() and self._store.is_usable()

    def knows_upload(self, key: str | None) -> bool:
        """Tell whether a data set came with an idempotency key before."""
        return key is not None and self._store.dataset_of_key(key) is not None

    def knows_order(self, key: str | None) -> bool:
        """Tell whether a job came with an idempotency key before."""
        return key is not None and self._store.job_of_key(key) is not None

    async def add_dataset(
        self, chunks: AsyncIterator[bytes], form: str | None, *, name: str | None = None, key: str | None = None
    ) -> Dataset:
        """Take an upload in.

        Args:
            chunks: The file, piece by piece.
            form: One of :data:`.records.FORMATS`; None recognizes it.
            name: What the sender calls the file.
            key: An idempotency key: the same upload with it is taken in once.

        Returns:
            The data set with what it says about a problem.

        Raises:
            JobError: If it is too large, can't be read as that format, or there is no room.
        """
        return await self._datasets.add(chunks, form, name, key)

    async def dataset(self, name: str) -> Dataset:
        """Return a data set.

        Raises:
            JobError: If there is none of that name.
        """
        found = self._store.dataset(name)
        if found is None:
            raise JobError(404, Finding("J102", "dataset", f"there is no data set {name[:40]!r}."))
        return found

    async def datasets(self) -> list[Dataset]:
        """Return all data sets, the latest first."""
        return self._store.datasets()

    async def remove_dataset(self, name: str) -> None:
        """Remove a data set.

        Raises:
            JobError: If there is none of that name, or a job that is not over needs it.
        """
        self._datasets.remove(await self.dataset(name))

    async def profile(self, name: str, target: str | None = None, **options: Any) -> dict[str, Any]:
        """Return what a data set says about a problem.

        Args:
            name: Name of the data set.
            target: Column to predict; None leaves it to inference.
            options: Some of :data:`.records.DATA_OPTIONS`, and ``task``.

        Returns:
            ``kind``, ``rows``, ``columns``, ``target``, ``task``, ``facts``, ``how`` and ``notes``.

        Raises:
            JobError: If there is no such data set, or it can't be used so.
        """
        dataset = await self.dataset(name)
        said = {key: value for key, value in options.items() if value is not None}
        if not said and target in (None, dataset.target) and dataset.target is not None:
            return dict(dataset.profile)
        return await self._datasets.inspect(self._datasets.path_of(dataset), target, said)

    async def submit(self, order: JobOrder, *, key: str | None = None) -> Job:
        """Put a job into the queue.

        Args:
            order: What it is to do; everything that can be known before training is checked here.
            key: An idempotency key: the same order with it is one job.

        Returns:
            The job, waiting.

        Raises:
            JobError: If there is no such data set, the data can't be used so, or the queue is full.
            AdvisorError: If the problem contradicts itself or the data.
        """
        digest = hashlib.sha256(json.dumps(order.document(), sort_keys=True).encode()).hexdigest()
        before = self._job_before(key, digest)
        if before is not None:
            return before
        order = check_order(order, self.limits)
        await self.dataset(order.dataset)
        self._check_queue()
        task = order.problem.get("task") if order.recommendation is None else None
        decide_for(order, await self.profile(order.dataset, order.target, **order.options, task=task))
        # Meanwhile others may have asked, with the same key even.
        before = self._job_before(key, digest)
        if before is not None:
            return before
        await self.dataset(order.dataset)
        self._check_queue()
        job = self._store.add_job(secrets.token_hex(16), order, digest=digest, key=key)
        LOGGER.info("job queued", extra={"fields": {"job": job.id, "dataset": order.dataset}})
        self._runner.wake()
        return job

    def _job_before(self, key: str | None, digest: str) -> Job | None:
        before = None if key is None else self._store.job_of_key(key)
        if before is None:
            return None
        if before[1] != digest:
            finding = Finding("R171", "Idempotency-Key", "this key was used for another request.", "Use a new key.")
            raise JobError(409, finding)
        return before[0]

    def _check_queue(self) -> None:
        if self._is_stopping:
            raise JobError(503, Finding("R176", "", "the service is starting or stopping.", "Try again in a moment."))
        most = self.limits.most_waiting
        if self._store.counts()[QUEUED] >= most:
            finding = Finding("J103", "", f"{most} jobs wait already.", "Try again after the time in Retry-After.")
            raise JobError(429, finding, retry_after=30)

    async def job(self, name: str) -> Job:
        """Return a job.

        Raises:
            JobError: If there is none of that name.
        """
        found = self._store.job(name)
        if found is None:
            raise JobError(404, Finding("J104", "job", f"there is no job {name[:40]!r}."))
        return found

    async def jobs(self, *, state: str | None = None, limit: int = 50) -> list[Job]:
        """Return jobs, the latest first; ``state`` chooses those in one state."""
        return self._store.jobs(state=state, limit=limit)

    async def cancel(self, name: str) -> Job:
        """Cancel a job; one that is over stays as it is.

        Returns:
            The job; a running one may take a moment to end, of which its events tell.

        Raises:
            JobError: If there is none of that name.
        """
        job = await self.job(name)
        if not job.is_over:
            self._runner.cancel(job)
        return await self.job(name)

    async def remove_job(self, name: str) -> None:
        """Remove a job that is over, with its run.

        Raises:
            JobError: If there is none of that name, or it is not over.
        """
        job = await self.job(name)
        if not job.is_over:
            raise JobError(409, Finding("J105", "", "the job is not over.", "Cancel it first."))
        self._runner.remove(job.id)

    async def past_events(self, name: str, after: int = 0) -> list[JobEvent]:
        """Return the events of a job that there are, after a number.

        Raises:
            JobError: If there is no such job.
        """
        return self._store.events((await self.job(name)).id, after, limit=100_000)

    async def events(self, name: str, after: int = 0) -> AsyncIterator[JobEvent | None]:
        """Yield the events of a job after a number, as they come; None is a sign of life.

        Raises:
            JobError: If there is no such job.
        """
        job = await self.job(name)
        beat = self.limits.heartbeat_seconds
        stream = follow(self._store, self._bell, job.id, after, heartbeat=beat, is_stopping=lambda: self._is_stopping)
        async for event in stream:
            yield event

    async def artifact(self, name: str, file: str) -> Artifact:
        """Return a file of a finished job.

        Args:
            name: Name of the job.
            file: A name from the run's manifest, or ``manifest.json``; nothing else is opened.

        Raises:
            JobError: If there is no such job or file, or the file is not as it was written.
        """
        job = await self.job(name)
        known = job.files.get(file)
        if known is None:
            reason = "" if job.is_over else " yet: the job is not over"
            message = f"the job has no file {file[:100]!r}{reason}."
            raise JobError(404, Finding("J106", "name", message, "The job's `artifacts` are its files."))
        path = self._runner.run_folder(job.id) / file
        if not _is_as_written(path, self._runner.run_folder(job.id), known):
            message = f"the file {file!r} is missing or was changed after it was written."
            raise JobError(404, Finding("J107", "name", message, "Ask the operator of the service."))
        return Artifact(file, path, int(known["bytes"]), str(known["sha256"]), media_type_of(file))


def _is_as_written(path: Path, home: Path, known: Mapping[str, Any]) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    is_inside = path.resolve().is_relative_to(home.resolve())
    return is_inside and stat.S_ISREG(found.st_mode) and found.st_size == int(known["bytes"])


def lock_folder(folder: Path) -> int:
    """Make a data folder, and keep all other services out of it.

    Returns:
        A file descriptor; as long as it is open, the folder is ours.

    Raises:
        StorageError: If it can't be made, or another service uses it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / LOCK).exists() and any(folder.iterdir()):
            message = "the folder is not empty, and no service's data folder."
            raise StorageError(Finding("J108", str(folder), message, "Choose a new or empty --data-dir."))
        handle = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as failure:
        message = f"the data folder can't be made: {failure.strerror}."
        raise StorageError(Finding("J108", str(folder), message, "Choose another --data-dir.")) from failure
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as failure:
        os.close(handle)
        message = "another service uses this data folder."
        raise StorageError(Finding("J109", str(folder), message, "Choose another --data-dir.")) from failure
    return handle
