"""Data sets, jobs and events in SQLite: what is written there outlives a killed server."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from advisor.errors import Finding, StorageError
from advisor.interfaces.service.jobs.records import (
    CANCELLED,
    FAILED,
    FINISHED,
    QUEUED,
    RUNNING,
    STATES,
    Dataset,
    Job,
    JobEvent,
    JobOrder,
)

VERSION = 1
_SCHEMA = """
CREATE TABLE datasets (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    created REAL NOT NULL, profile TEXT NOT NULL, key TEXT UNIQUE
) STRICT;
CREATE TABLE jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, dataset TEXT NOT NULL,
    orders TEXT NOT NULL, created REAL NOT NULL, started REAL, ended REAL, attempts INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0, spent REAL NOT NULL DEFAULT 0, process INTEGER NOT NULL DEFAULT 0,
    process_start INTEGER NOT NULL DEFAULT 0, progress TEXT NOT NULL DEFAULT '{}', result TEXT, error TEXT,
    files TEXT NOT NULL DEFAULT '{}', bytes INTEGER NOT NULL DEFAULT 0, key TEXT UNIQUE, digest TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, sequence);
CREATE INDEX jobs_by_dataset ON jobs (dataset);
CREATE TABLE events (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, kind TEXT NOT NULL,
    data TEXT NOT NULL, moment REAL NOT NULL, PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
"""
_TOLD = {
    "stage": ("name", "detail"),
    "prepared": ("metric",),
    "fit_begins": ("network", "max_epochs"),
    "epoch": ("network", "number", "max_epochs", "loss", "val_loss", "val_metric", "learning_rate"),
}
_RENAMED = {"name": "stage", "number": "epoch"}


class Store:
    """The database of one service; used from one thread."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Open a database, and make it when it isn't there.

        Raises:
            StorageError: If it can't be used.
        """
        self._clock = clock
        try:
            self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
            self._base.row_factory = sqlite3.Row
            # In WAL mode a killed process loses nothing that was committed; NORMAL spares waits for the disk.
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
                self._base.execute(f"PRAGMA {pragma}")
            found = int(self._base.execute("PRAGMA user_version").fetchone()[0])
            if found == 0:
                self._base.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
        except sqlite3.Error as failure:
            message = f"the database of jobs can't be used: {failure}."
            raise StorageError(Finding("J101", str(path), message, "Choose another --data-dir.")) from failure
        if found not in (0, VERSION):
            message = f"the database of jobs has version {found}; this program reads version {VERSION}."
            raise StorageError(Finding("J101", str(path), message, "Use the version of advisor that wrote it."))

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Do several changes, or none of them."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    def is_usable(self) -> bool:
        """Tell whether the database answers."""
        try:
            self._base.execute("SELECT count(*) FROM jobs").fetchone()
        except sqlite3.Error:
            return False
        return True

    def stored_bytes(self) -> int:
        """Return the bytes of all data sets and runs."""
        text = "SELECT (SELECT coalesce(sum(bytes), 0) FROM datasets) + (SELECT coalesce(sum(bytes), 0) FROM jobs)"
        return int(self._base.execute(text).fetchone()[0])

    def add_dataset(self, dataset: Dataset, key: str | None) -> None:
        """Keep a data set."""
        self._base.execute(
            "INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                dataset.id,
                dataset.name,
                dataset.format,
                dataset.bytes,
                dataset.sha256,
                dataset.created,
                json.dumps(dataset.profile),
                key,
            ),
        )

    def dataset(self, name: str) -> Dataset | None:
        """Return a data set, or None."""
        return next(self._datasets("WHERE id = ?", name), None)

    def dataset_of_key(self, key: str) -> Dataset | None:
        """Return the data set that was uploaded with an idempotency key, or None."""
        return next(self._datasets("WHERE key = ?", key), None)

    def datasets(self) -> list[Dataset]:
        """Return all data sets, the latest first."""
        return list(self._datasets("ORDER BY created DESC, id"))

    def count_datasets(self) -> int:
        """Return how many data sets there are."""
        return int(self._base.execute("SELECT count(*) FROM datasets").fetchone()[0])

    def _datasets(self, where: str, *values: Any) -> Iterator[Dataset]:
        for row in self._base.execute(f"SELECT * FROM datasets {where}", values):
            yield Dataset(
                row["id"],
                row["name"],
                row["format"],
                row["bytes"],
                row["sha256"],
                row["created"],
                json.loads(row["profile"]),
            )

    def remove_dataset(self, name: str) -> bool:
        """Forget a data set; returns False when a job that is not over needs it."""
        with self._change():
            text = "SELECT 1 FROM jobs WHERE dataset = ? AND state IN (?, ?)"
            if self._base.execute(text, (name, QUEUED, RUNNING)).fetchone():
                return False
            self._base.execute("DELETE FROM datasets WHERE id = ?", (name,))
        return True

    def add_job(self, name: str, order: JobOrder, *, digest: str, key: str | None) -> Job:
        """Put a job into the queue."""
        with self._change():
            self._base.execute(
                "INSERT INTO jobs (id, state, dataset, orders, created, key, digest) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (name, QUEUED, order.dataset, json.dumps(order.document()), self._clock(), key, digest),
            )
            self._tell(name, "state", {"state": QUEUED})
        return self.need(name)

    def job(self, name: str) -> Job | None:
        """Return a job, or None."""
        return next(iter(self._jobs("WHERE id = ?", name)), None)

    def need(self, name: str) -> Job:
        """Return a job that is known to be there."""
        found = self.job(name)
        if found is None:
            raise KeyError(name)
        return found

    def job_of_key(self, key: str) -> tuple[Job, str] | None:
        """Return the job that was asked for with an idempotency key and the digest of its request, or None."""
        row = self._base.execute("SELECT id, digest FROM jobs WHERE key = ?", (key,)).fetchone()
        return None if row is None else (self.need(row["id"]), row["digest"])

    def jobs(self, *, state: str | None = None, limit: int = 50) -> list[Job]:
        """Return jobs, the latest first."""
        if state is None:
            return self._jobs("ORDER BY sequence DESC LIMIT ?", limit)
        return self._jobs("WHERE state = ? ORDER BY sequence DESC LIMIT ?", state, limit)

    def first_waiting(self) -> Job | None:
        """Return the job that is next, or None."""
        return next(iter(self._jobs("WHERE state = ? ORDER BY sequence LIMIT 1", QUEUED)), None)

    def oldest_over(self, kept: int) -> list[Job]:
        """Return the jobs that are over and not among the latest ``kept`` ones."""
        text = "WHERE state IN (?, ?, ?) AND sequence <= (SELECT max(sequence) FROM jobs) - ? ORDER BY sequence"
        return self._jobs(text, FINISHED, FAILED, CANCELLED, kept)

    def remove_job(self, name: str) -> None:
        """Forget a job and its events."""
        self._base.execute("DELETE FROM jobs WHERE id = ?", (name,))

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        found = dict(self._base.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
        return {state: int(found.get(state, 0)) for state in STATES}

    def _jobs(self, where: str, *values: Any) -> list[Job]:
        text = (
            "SELECT *, (SELECT count(*) FROM jobs AS other WHERE other.state = 'queued' AND "
            f"other.sequence < jobs.sequence) AS before FROM jobs {where}"
        )
        return [_job_of(row) for row in self._base.execute(text, values).fetchall()]

    def begin(self, name: str, process: tuple[int, int]) -> None:
        """Note that a job's process runs."""
        with self._change():
            self._base.execute(
                "UPDATE jobs SET state = ?, attempts = attempts + 1, started = coalesce(started, ?), process = ?, "
                "process_start = ? WHERE id = ?",
                (RUNNING, self._clock(), *process, name),
            )
            attempts = self.need(name).attempts
            self._tell(name, "state", {"state": RUNNING, "attempt": attempts})

    def wait_again(self, name: str, reason: str, *, seconds: float, died: bool) -> None:
        """Put a job back into the queue, at its old place."""
        with self._change():
            self._base.execute(
                "UPDATE jobs SET state = ?, process = 0, process_start = 0, spent = spent + ?, deaths = deaths + ? "
                "WHERE id = ?",
                (QUEUED, seconds, int(died), name),
            )
            self._tell(name, "state", {"state": QUEUED, "reason": reason})

    def finish(self, name: str, result: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> None:
        """Note that a job is finished, with what came out."""
        size = sum(int(each["bytes"]) for each in files.values())
        with self._change():
            self._base.execute(
                "UPDATE jobs SET state = ?, ended = ?, process = 0, process_start = 0, result = ?, files = ?, "
                "bytes = ? WHERE id = ?",
                (FINISHED, self._clock(), json.dumps(result), json.dumps(files), size, name),
            )
            self._tell(name, "state", {"state": FINISHED, "met": result["met"]})

    def fail(self, name: str, finding: Finding) -> None:
        """Note that a job failed."""
        self._end(name, FAILED, finding.as_dict())

    def cancel(self, name: str) -> None:
        """Note that a job was cancelled."""
        self._end(name, CANCELLED, None)

    def _end(self, name: str, state: str, error: Mapping[str, str] | None) -> None:
        with self._change():
            self._base.execute(
                "UPDATE jobs SET state = ?, ended = ?, process = 0, process_start = 0, error = ? WHERE id = ?",
                (state, self._clock(), None if error is None else json.dumps(error), name),
            )
            self._tell(name, "state", {"state": state, **({"error": error} if error else {})})

    def tell(self, name: str, kind: str, data: Mapping[str, Any]) -> None:
        """Note an event of a job."""
        with self._change():
            self._tell(name, kind, data)

    def _tell(self, name: str, kind: str, data: Mapping[str, Any]) -> None:
        self._base.execute(
            "INSERT INTO events SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ? FROM events WHERE job = ?",
            (name, kind, json.dumps(data), self._clock(), name),
        )
        told = {_RENAMED.get(key, key): data[key] for key in _TOLD.get(kind, ()) if key in data}
        if kind == "state":
            told["reason"] = data.get("reason")
        if told:
            row = self._base.execute("SELECT progress FROM jobs WHERE id = ?", (name,)).fetchone()
            progress = {
                key: value for key, value in {**json.loads(row["progress"]), **told}.items() if value is not None
            }
            self._base.execute("UPDATE jobs SET progress = ? WHERE id = ?", (json.dumps(progress), name))

    def events(self, name: str, after: int = 0, limit: int = 500) -> list[JobEvent]:
        """Return the events of a job after a number, in order."""
        text = "SELECT * FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT ?"
        rows: Sequence[sqlite3.Row] = self._base.execute(text, (name, after, limit)).fetchall()
        return [JobEvent(row["number"], row["kind"], json.loads(row["data"]), row["moment"]) for row in rows]


def _job_of(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        state=row["state"],
        order=JobOrder.from_document(json.loads(row["orders"])),
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
        attempts=row["attempts"],
        deaths=row["deaths"],
        spent=row["spent"],
        process=(row["process"], row["process_start"]),
        progress=json.loads(row["progress"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        error=None if row["error"] is None else json.loads(row["error"]),
        files=json.loads(row["files"]),
        waiting_before=int(row["before"]) if row["state"] == QUEUED else None,
    )
