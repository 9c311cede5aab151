"""Data sets, jobs and their events as values; what the service stores and answers."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advisor.errors import Finding, RequestError

IDENTITY = re.compile(r"[0-9a-f]{32}")
"""What opaque names look like."""
QUEUED, RUNNING, FINISHED, FAILED, CANCELLED = STATES = ("queued", "running", "finished", "failed", "cancelled")
"""States of a job."""
OVER = frozenset({FINISHED, FAILED, CANCELLED})
"""States that a job never leaves."""
FORMATS = ("csv", "tsv", "parquet", "jsonl", "arrow", "npz", "zip")
"""Formats of data sets: the endings of the files that :mod:`advisor.data` reads."""
DATA_OPTIONS = ("data_kind", "split_column", "series_id", "time", "horizon", "window")
"""What may be said about the data besides the target."""
EXPORTS = ("keras", "saved_model", "litert")
"""Formats that are delivered where nothing else is asked."""


class JobError(RequestError):
    """A request about data sets or jobs that is refused; it knows its HTTP status."""

    def __init__(self, status: int, *findings: Finding, retry_after: int | None = None) -> None:
        """Hold the status, what is wrong, and after how many seconds to try again."""
        super().__init__(*findings)
        self.status = status
        self.retry_after = retry_after


def moment(seconds: float | None) -> str | None:
    """Return a moment as ISO 8601 in UTC.

    Examples:
        >>> moment(0.25)
        '1970-01-01T00:00:00.250Z'
    """
    if seconds is None:
        return None
    thousandths = round(seconds * 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(thousandths // 1000)) + f".{thousandths % 1000:03d}Z"


@dataclass(frozen=True)
class Dataset:
    """An uploaded data set.

    Attributes:
        id: Opaque name.
        name: File name for people, and in the data folder.
        format: One of :data:`FORMATS`.
        bytes: Size of the file.
        sha256: Digest of the file.
        created: Seconds since 1970.
        profile: What the data say about a problem, for the target that is inferred; see :mod:`.inspecting`.
    """

    id: str
    name: str
    format: str
    bytes: int
    sha256: str
    created: float
    profile: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.profile["rows"])

    @property
    def columns(self) -> Sequence[Mapping[str, str]]:
        """Its columns: name, kind, role, missing, values and note, as texts."""
        found: Sequence[Mapping[str, str]] = self.profile["columns"]
        return found

    @property
    def target(self) -> str | None:
        """The target that is inferred; None when it must be named."""
        found: str | None = self.profile["target"]
        return found

    @property
    def facts(self) -> Mapping[str, Any]:
        """Problem fields that the data answer, for that target."""
        found: Mapping[str, Any] = self.profile["facts"]
        return found

    @property
    def how(self) -> Mapping[str, str]:
        """How each of them is known."""
        found: Mapping[str, str] = self.profile["how"]
        return found

    @property
    def notes(self) -> Sequence[str]:
        """What else a person should know."""
        found: Sequence[str] = self.profile["notes"]
        return found

    def document(self) -> dict[str, Any]:
        """Return what ``GET /v1/datasets/{id}`` answers."""
        return {
            "id": self.id,
            "name": self.name,
            "format": self.format,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "created": moment(self.created),
            **self.profile,
        }


@dataclass(frozen=True)
class JobOrder:
    """What a job is to do.

    Attributes:
        dataset: Name of the data set.
        target: Column to predict; None leaves it to inference.
        problem: Problem fields that are stated; they win over what the data say.
        recommendation: A recommendation to carry out as it is, instead of a problem.
        rulebook: Name of the rulebook.
        seed: Decides split, first weights and order of the rows.
        time_budget_seconds: Seconds that training may take; None leaves it to the service.
        exports: Formats to deliver.
        options: What else is said about the data: some of :data:`DATA_OPTIONS`.
    """

    dataset: str
    target: str | None = None
    problem: Mapping[str, Any] = field(default_factory=dict)
    recommendation: Mapping[str, Any] | None = None
    rulebook: str = "homl2"
    seed: int = 0
    time_budget_seconds: float | None = None
    exports: tuple[str, ...] = EXPORTS
    options: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the order as JSON, ready to be read back."""
        return {
            "dataset": self.dataset,
            "target": self.target,
            "problem": dict(self.problem),
            "recommendation": None if self.recommendation is None else dict(self.recommendation),
            "rulebook": self.rulebook,
            "seed": self.seed,
            "time_budget_seconds": self.time_budget_seconds,
            "exports": list(self.exports),
            "options": dict(self.options),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> JobOrder:
        """Return the order that wrote a document."""
        return cls(**{**document, "exports": tuple(document["exports"])})


@dataclass(frozen=True)
class JobEvent:
    """Something that happened to a job.

    Attributes:
        number: From 1, one more each.
        kind: ``state``, ``stage``, ``prepared``, ``fit_begins``, ``epoch``, ``fit_ends`` or ``event``.
        data: What happened, JSON-ready.
        moment: Seconds since 1970.
    """

    number: int
    kind: str
    data: Mapping[str, Any]
    moment: float


@dataclass(frozen=True)
class Artifact:
    """A file of a finished run.

    Attributes:
        name: Its name in the manifest.
        path: Where it lies.
        bytes: Its size.
        sha256: Its digest.
        media_type: What it is.
    """

    name: str
    path: Path
    bytes: int
    sha256: str
    media_type: str


@dataclass(frozen=True)
class Job:
    """A training job.

    Attributes:
        id: Opaque name.
        state: One of :data:`STATES`.
        order: What it is to do.
        created: Seconds since 1970.
        started: When it first ran, or None.
        ended: When it was over, or None.
        attempts: How often it was started.
        deaths: How often its process died.
        spent: Seconds that finished attempts took.
        process: Number and start of its process; zeros when there is none.
        progress: The latest of everything that its events told.
        result: What came out; None before.
        error: Why it failed, or None.
        files: Files of the run by name: bytes and sha256.
        waiting_before: Jobs that come before it in the queue; None when it doesn't wait.
    """

    id: str
    state: str
    order: JobOrder
    created: float
    started: float | None = None
    ended: float | None = None
    attempts: int = 0
    deaths: int = 0
    spent: float = 0.0
    process: tuple[int, int] = (0, 0)
    progress: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waiting_before: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in OVER

    def document(self) -> dict[str, Any]:
        """Return what ``GET /v1/jobs/{id}`` answers."""
        home = f"/v1/jobs/{self.id}"
        return {
            "id": self.id,
            "state": self.state,
            "order": self.order.document(),
            "created": moment(self.created),
            "started": moment(self.started),
            "ended": moment(self.ended),
            "attempts": self.attempts,
            "waiting_before": self.waiting_before,
            "progress": dict(self.progress),
            "result": None if self.result is None else dict(self.result),
            "error": None if self.error is None else dict(self.error),
            "artifacts": [
                {"name": name, "bytes": each["bytes"], "sha256": each["sha256"], "href": f"{home}/artifacts/{name}"}
                for name, each in sorted(self.files.items())
            ],
            "events": f"{home}/events",
        }
