"""Waiting for events of jobs, and events as a stream for browsers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from advisor.interfaces.service.jobs.records import JobEvent, moment
from advisor.interfaces.service.jobs.store import Store

HEARTBEAT = b": still here\n\n"
"""A comment, which every reader of event streams passes over."""
RETRY = b"retry: 2000\n\n"
"""Tells a reader to come back after 2 s when the stream breaks off."""


class Bell:
    """Wakes those who wait for something new about a job."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def ring(self, job: str) -> None:
        """Wake all who wait for a job."""
        for each in self._waiting.get(job, ()):
            each.set()

    def ring_all(self) -> None:
        """Wake everybody."""
        for job in self._waiting:
            self.ring(job)

    @contextmanager
    def listen(self, job: str) -> Iterator[asyncio.Event]:
        """Yield what is set when there is something new about a job."""
        heard = asyncio.Event()
        self._waiting.setdefault(job, set()).add(heard)
        try:
            yield heard
        finally:
            self._waiting[job].discard(heard)
            if not self._waiting[job]:
                del self._waiting[job]


async def follow(
    store: Store, bell: Bell, job: str, after: int, *, heartbeat: float, is_stopping: Callable[[], bool]
) -> AsyncIterator[JobEvent | None]:
    """Yield the events of a job after a number, as they come; None is a sign of life.

    It ends after the last event of a job that is over or gone, and when the service stops.

    Args:
        store: Has the events.
        bell: Rings when there are new ones.
        job: Name of the job.
        after: Number of the last event that is known already.
        heartbeat: Seconds without an event after which None is yielded.
        is_stopping: Whether the service stops.
    """
    with bell.listen(job) as heard:
        while True:
            heard.clear()
            fresh = store.events(job, after)
            for event in fresh:
                after = event.number
                yield event
            if fresh:
                continue
            found = store.job(job)
            if found is None or found.is_over or is_stopping():
                return
            try:
                await asyncio.wait_for(heard.wait(), heartbeat)
            except TimeoutError:
                yield None


def as_text(event: JobEvent | None) -> bytes:
    r"""Return an event, or a sign of life, as a part of a ``text/event-stream``.

    Examples:
        >>> as_text(JobEvent(3, "stage", {"name": "Training"}, 0.0))
        b'id: 3\nevent: stage\ndata: {"name": "Training", "moment": "1970-01-01T00:00:00.000Z"}\n\n'
    """
    if event is None:
        return HEARTBEAT
    data = json.dumps({**event.data, "moment": moment(event.moment)}, ensure_ascii=False)
    return f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n".encode()
