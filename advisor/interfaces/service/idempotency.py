"""Answers kept for idempotency keys: the same key and request get the same answer; another request is refused."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from advisor.interfaces.service.settings import Settings

Headers = list[tuple[bytes, bytes]]


@dataclass
class KeptAnswer:
    """What was answered to a request; without a status it is still being answered.

    Attributes:
        request: Digest of the request.
        since: When it came, in seconds of the clock.
        status: Status, or 0.
        headers: Headers.
        body: Body.
    """

    request: bytes
    since: float
    status: int = 0
    headers: Headers | None = None
    body: bytes = b""


class Keeper:
    """Keeps the latest answers, as many as the settings allow."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing kept."""
        self._settings = settings
        self._clock = clock
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._bytes = 0

    def begin(self, key: str, request: bytes) -> KeptAnswer | None:
        """Return what is kept for a key; None when nothing is, and from then on the key is taken."""
        self._drop_old()
        known = self._answers.get(key)
        if known is None:
            self._answers[key] = KeptAnswer(request, self._clock())
        return known

    def finish(self, key: str, status: int, headers: Headers, body: bytes) -> None:
        """Keep an answer."""
        answer = self._answers[key]
        answer.status, answer.headers, answer.body = status, headers, body
        self._bytes += len(body)
        self._drop_old()

    def give_up(self, key: str) -> None:
        """Free a key whose request was not answered."""
        answer = self._answers.pop(key, None)
        self._bytes -= len(answer.body) if answer is not None else 0

    def _drop_old(self) -> None:
        oldest = self._clock() - self._settings.kept_seconds
        for key, answer in list(self._answers.items()):
            too_many = len(self._answers) > self._settings.kept_answers or self._bytes > self._settings.kept_bytes
            if not too_many and answer.since > oldest:
                return
            if answer.status:
                self.give_up(key)


def digest_of(target: bytes, body: bytes) -> bytes:
    """Return the digest of what a request asks."""
    return hashlib.sha256(target + b"\n" + body).digest()
