"""What the service tells about itself: Prometheus metrics, and one line of JSON on stderr for each event."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LOGGER = logging.getLogger("advisor.service")


class Metrics:
    """The metrics of one application; two applications in a process don't share them."""

    def __init__(self) -> None:
        """Register the metrics."""
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("advisor_http_requests_total", "Requests.", labels, registry=self.registry)
        self._seconds = Histogram(
            "advisor_http_request_seconds",
            "Seconds from a request's head to its answer.",
            ("route",),
            registry=self.registry,
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0),
        )
        self.active = Gauge("advisor_http_requests_active", "Requests being answered.", registry=self.registry)
        self.jobs = JobMetrics(self.registry)
        self.watchers = Gauge("advisor_http_streams_active", "Streams of events.", registry=self.registry)
        self._known: dict[tuple[str, str, int], Any] = {}
        self._timers: dict[str, Any] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        key = (method, route, status)
        counter = self._known.get(key)
        if counter is None:
            counter = self._known[key] = self._requests.labels(method, route, str(status))
            self._timers.setdefault(route, self._seconds.labels(route))
        counter.inc()
        self._timers[route].observe(seconds)


class JobMetrics:
    """The metrics of uploads and jobs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics."""
        self._jobs = Gauge("advisor_jobs", "Jobs, by state.", ("state",), registry=registry)
        self._datasets = Gauge("advisor_datasets", "Data sets that are kept.", registry=registry)
        self._stored = Gauge("advisor_stored_bytes", "Bytes of data sets and runs.", registry=registry)
        self._memory = Gauge("advisor_job_memory_peak_bytes", "Most memory that a job used.", registry=registry)
        self.events = Counter("advisor_job_events_total", "Events of jobs.", registry=registry)
        self._seconds = Histogram(
            "advisor_job_seconds",
            "Seconds that a job ran, when it is over.",
            ("state",),
            registry=registry,
            buckets=(1.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0),
        )
        self._peak = 0

    def watch(
        self, jobs: Callable[[], Mapping[str, int]], datasets: Callable[[], int], stored_bytes: Callable[[], int]
    ) -> None:
        """Ask these whenever the metrics are read."""
        for state in jobs():
            self._jobs.labels(state).set_function(partial(_count_of, jobs, state))
        self._datasets.set_function(datasets)
        self._stored.set_function(stored_bytes)

    def unwatch(self) -> None:
        """Ask nobody any more."""
        self.watch(lambda: dict.fromkeys(("queued", "running", "finished", "failed", "cancelled"), 0), int, int)

    def ended(self, state: str, seconds: float) -> None:
        """Count a job that is over."""
        self._seconds.labels(state).observe(seconds)

    def largest(self, size: int) -> None:
        """Note how much memory a job uses."""
        if size > self._peak:
            self._peak = size
            self._memory.set(size)


def _count_of(jobs: Callable[[], Mapping[str, int]], state: str) -> float:
    return jobs()[state]


class JsonLines(logging.Formatter):
    """Formats a log record as one line of JSON; ``extra={"fields": {…}}`` adds fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr() -> None:
    """Send the service's and the server's log to stderr as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("advisor.service", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
