"""What uploads and training jobs may use, and how a process is held to it."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

GIB = 1024**3
_PAGE = resource.getpagesize()


@dataclass(frozen=True)
class JobLimits:
    """The limits of uploads and jobs; none of them is advice, all of them protect the machine.

    Attributes:
        most_upload_bytes: Bytes of one data set.
        most_rows: Rows (or pictures) of one data set.
        most_datasets: Data sets that are kept.
        most_stored_bytes: Bytes of all data sets and finished runs together.
        upload_seconds: Seconds in which an upload must have arrived.
        idle_seconds: Seconds without a byte after which an upload is broken off.
        inspection_seconds: Processor time for reading a data set; wall time may be three times as long.
        inspection_bytes: Address space for reading a data set.
        most_inspections: Data sets that are read at the same time.
        most_running: Jobs that run at the same time.
        most_waiting: Jobs that wait; further ones are refused.
        most_kept_jobs: Jobs that are kept; the oldest that are over leave with their runs.
        job_seconds: Wall time of a job, over all its attempts.
        cpu_seconds: Processor time of a job, in one attempt.
        memory_bytes: Resident memory of a job.
        most_deaths: Times that a job's process may die before the job counts as failed.
        grace_seconds: Seconds that a job gets to write its checkpoint when it is told to stop.
        heartbeat_seconds: Seconds between signs of life in a stream of events.
        most_watchers: Streams of events at the same time.
    """

    most_upload_bytes: int = 256 * 1024**2
    most_rows: int = 2_000_000
    most_datasets: int = 1000
    most_stored_bytes: int = 50 * GIB
    upload_seconds: float = 600.0
    idle_seconds: float = 30.0
    inspection_seconds: int = 120
    inspection_bytes: int = 8 * GIB
    most_inspections: int = 2
    most_running: int = 1
    most_waiting: int = 16
    most_kept_jobs: int = 1000
    job_seconds: float = 3600.0
    cpu_seconds: int = 4 * 3600
    memory_bytes: int = 4 * GIB
    most_deaths: int = 3
    grace_seconds: float = 15.0
    heartbeat_seconds: float = 15.0
    most_watchers: int = 64


def limit_this_process(*, cpu_seconds: int, address_bytes: int | None = None) -> None:
    """Hold this process to its limits; the kernel ends it with SIGXCPU, or refuses it memory.

    Address space is no measure of a TensorFlow process, which reserves tens of GiB that it never touches: there the
    resident memory is watched from outside, see :func:`resident_bytes`.

    Args:
        cpu_seconds: Processor time.
        address_bytes: Address space; None leaves it alone.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 5)
    if address_bytes is not None:
        _lower(resource.RLIMIT_AS, address_bytes, address_bytes)


def _lower(kind: int, soft: int, hard: int) -> None:
    _, allowed = resource.getrlimit(kind)
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    resource.setrlimit(kind, (soft, hard))


def resident_bytes(process: int) -> int:
    """Return the resident memory of a process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def started_at(process: int) -> int:
    """Return when a process started, in ticks since the machine did; 0 when it is gone.

    A number of a process may be given again; with the moment of its start it is the same process.
    """
    try:
        text = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return 0
    return int(text.rpartition(b")")[2].split()[19])


def end_group(process: int, number: signal.Signals) -> None:
    """Send a signal to a process and those that it started, if it is still there."""
    try:
        os.killpg(process, number)
    except (ProcessLookupError, PermissionError):
        return
