"""The gate before every route: who may come in, how much, how many at once; and what is told about each request."""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from advisor.errors import Finding
from advisor.interfaces.service.idempotency import Keeper, digest_of
from advisor.interfaces.service.observing import LOGGER, Metrics
from advisor.interfaces.service.problem_details import MEDIA_TYPE, details
from advisor.interfaces.service.settings import Settings, is_loopback

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PROBES = frozenset({"/healthz", "/readyz"})
"""Routes for those who look after the service: no token, and no place in the queue."""
TAKES_JSON = frozenset({"/v1/recommendations", "/v1/explanations", "/v1/jobs"})
"""Routes that take JSON; the gate reads no other bodies."""
KEEPS_KEYS = frozenset({"/v1/jobs"})
"""Routes that honour idempotency keys themselves, beyond the life of this process."""
STREAM = "/events"
"""Ending of the routes that answer for as long as a job runs; they take up no place in the queue."""
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
_FOR_PEOPLE = b'Basic realm="Advisor: any name, and the token as password", charset="UTF-8"'
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")


class Refused(Exception):
    """A request that doesn't get through the gate."""

    def __init__(self, status: int, finding: Finding, *headers: tuple[bytes, bytes]) -> None:
        """Hold the status, what is wrong, and further headers."""
        super().__init__(str(finding))
        self.status = status
        self.finding = finding
        self.headers = list(headers)


def depth_of(text: bytes, most: int) -> int:
    """Return how deep objects and lists of a JSON text lie in one another, without reading it; it stops past ``most``.

    Examples:
        >>> depth_of(b'{"a": [1, "[["]}', 10)
        2
    """
    opened = text.count(b"{") + text.count(b"[")
    if opened < 2:
        return opened
    deepest = depth = 0
    for found in _STRUCTURE.finditer(text):
        sign = text[found.start()]
        if sign in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > most:
                break
        elif sign in b"]}":
            depth -= 1
    return deepest


class Gate:
    """The outermost part of the application."""

    def __init__(self, app: App, settings: Settings, metrics: Metrics) -> None:
        """Stand before an application."""
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._keeper = Keeper(settings)
        self._active = 0
        self._watchers = 0
        self._token = settings.token.encode() if settings.token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        begun = time.perf_counter()
        is_stream = scope["path"].endswith(STREAM)
        self._count(1, is_stream)
        try:
            await self._admit(scope, receive, answer)
        except Refused as refused:
            body = details(refused.status, [refused.finding], in_body=False)
            await answer.send_whole(refused.status, body, refused.headers)
        except asyncio.CancelledError:
            raise
        except Exception:  # the last resort: said in the log in full, and to the client without any of it
            LOGGER.exception("a request failed", extra={"fields": {"request_id": answer.identity}})
            if answer.status == 0:
                finding = Finding("R179", "", "the service failed at this request.", "The log has it by X-Request-Id.")
                await answer.send_whole(500, details(500, [finding], in_body=False))
        finally:
            self._count(-1, is_stream)
            self._tell(scope, answer, time.perf_counter() - begun)

    def _count(self, change: int, is_stream: bool) -> None:
        if is_stream:
            self._watchers += change
            self._metrics.watchers.inc(change)
        else:
            self._active += change
            self._metrics.active.inc(change)

    def _tell(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in ("GET", "POST", "DELETE") else "other"
        self._metrics.answered(method, route, answer.status, seconds)
        if scope["path"] not in PROBES:
            fields = {
                "request_id": answer.identity,
                "method": scope["method"],
                "path": scope["path"],
                "status": answer.status,
                "milliseconds": round(seconds * 1000, 3),
                "bytes": answer.bytes,
            }
            LOGGER.info("request", extra={"fields": fields})

    async def _admit(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = scope["headers"]
        if scope["path"] not in PROBES:
            self._check_caller(headers)
            if self._watchers > self._settings.jobs.most_watchers and scope["path"].endswith(STREAM):
                message = f"{self._settings.jobs.most_watchers} streams of events are open already."
                finding = Finding("R168", "", message, "Try again after the time in Retry-After.")
                raise Refused(429, finding, (b"retry-after", b"5"))
            if self._active > self._settings.most_requests:
                message = f"{self._settings.most_requests} requests are being answered already."
                finding = Finding("R168", "", message, "Try again after the time in Retry-After.")
                raise Refused(429, finding, (b"retry-after", b"1"))
        if scope["method"] != "POST" or scope["path"] not in TAKES_JSON:
            await self._app(scope, receive, answer)
            return
        body = await self._read(headers, receive)
        key = _header(headers, b"idempotency-key")
        if key is None or scope["path"] in KEEPS_KEYS:
            await self._app(scope, _replay(body, receive), answer)
            return
        await self._answer_once(key, scope, body, receive, answer)

    def _check_caller(self, headers: list[tuple[bytes, bytes]]) -> None:
        if self._token is None:
            host = (_header(headers, b"host") or b"").decode("latin-1")
            name = host.rpartition(":")[0] if re.search(r":\d*$", host) else host
            if not is_loopback(name.strip("[]")):
                message = f"this service answers on names of this machine only, not as {host[:100]!r}."
                raise Refused(421, Finding("R163", "Host", message, "Use http://127.0.0.1, or start it with a token."))
            return
        scheme, _, given = (_header(headers, b"authorization") or b"").partition(b" ")
        given = _password(given) if scheme.lower() == b"basic" else given.strip()
        if scheme.lower() not in (b"bearer", b"basic") or not hmac.compare_digest(given, self._token):
            finding = Finding("R164", "Authorization", "the bearer token is missing or wrong.", "Send: Bearer TOKEN")
            is_page = b"text/html" in (_header(headers, b"accept") or b"")
            raise Refused(401, finding, (b"www-authenticate", _FOR_PEOPLE if is_page else b"Bearer"))

    async def _read(self, headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes:
        """Return the body of a request.

        Raises:
            Refused: If it is too large or too deep, doesn't come, or is not called JSON.
        """
        most = self._settings.most_bytes
        too_large = Refused(
            413,
            Finding("R165", "", f"the body is larger than {most:,} bytes.", "Send less."),
            (b"connection", b"close"),
        )
        length = _header(headers, b"content-length") or b"0"
        if length.isdigit() and int(length[:20]) > most:
            raise too_large
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                while True:
                    part = await receive()
                    if part["type"] == "http.disconnect":
                        raise Refused(400, Finding("R166", "", "the body broke off."))
                    parts.append(part.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise too_large
                    if not part.get("more_body", False):
                        break
        except TimeoutError:
            finding = Finding("R166", "", "the body did not arrive in time.")
            raise Refused(408, finding, (b"connection", b"close")) from None
        kind = (_header(headers, b"content-type") or b"").partition(b";")[0].strip().lower()
        if kind != b"application/json":
            finding = Finding("R169", "Content-Type", "the body is not called JSON.", "Send: application/json")
            raise Refused(415, finding, (b"accept-post", b"application/json"))
        body = b"".join(parts)
        if depth_of(body, self._settings.most_depth) > self._settings.most_depth:
            message = f"the JSON is nested deeper than {self._settings.most_depth} levels."
            raise Refused(413, Finding("R167", "", message, "A problem is one flat object."))
        return body

    async def _answer_once(self, key: bytes, scope: Scope, body: bytes, receive: Receive, answer: _Answer) -> None:
        if not _KEY.fullmatch(key):
            finding = Finding("R170", "Idempotency-Key", "the key is not 1 to 255 visible ASCII characters.")
            raise Refused(400, finding)
        name = key.decode()
        request = digest_of(scope["path"].encode() + b"?" + scope["query_string"], body)
        known = self._keeper.begin(name, request)
        if known is None:
            answer.keeps_body = True
            try:
                await self._app(scope, _replay(body, receive), answer)
            except BaseException:
                self._keeper.give_up(name)
                raise
            if 200 <= answer.status < 500 and answer.status != 429:
                self._keeper.finish(name, answer.status, answer.headers, answer.body)
            else:
                self._keeper.give_up(name)
        elif known.request != request:
            finding = Finding("R171", "Idempotency-Key", "this key was used for another request.", "Use a new key.")
            raise Refused(409, finding)
        elif not known.status:
            finding = Finding("R172", "Idempotency-Key", "the first request with this key is still being answered.")
            raise Refused(409, finding, (b"retry-after", b"1"))
        else:
            replayed = [*(known.headers or []), (b"idempotent-replayed", b"true")]
            await answer.send_whole(known.status, known.body, replayed, kind=None)


def _password(given: bytes) -> bytes:
    """Return the password of basic credentials: a browser can't send a bearer token by itself."""
    try:
        return base64.b64decode(given.strip(), validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _header(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what hands on a body that was read already."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


class _Answer:
    """Passes an answer on, and notes what it is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.identity = os.urandom(16).hex()
        self.status = 0
        self.bytes = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.keeps_body = False
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message["headers"])
            message = {**message, "headers": [*self.headers, (b"x-request-id", self.identity.encode())]}
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
            if self.keeps_body:
                self.body += message.get("body", b"")
        await self._send(message)

    async def send_whole(
        self,
        status: int,
        body: bytes,
        headers: list[tuple[bytes, bytes]] | None = None,
        kind: str | None = MEDIA_TYPE,
    ) -> None:
        """Send an answer that is there already; a kind of None says that the headers have it."""
        own = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())] if kind else []
        await self({"type": "http.response.start", "status": status, "headers": [*own, *(headers or [])]})
        await self({"type": "http.response.body", "body": body})
