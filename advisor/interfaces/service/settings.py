"""What the service may be told when it starts, checked before anything listens."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from advisor.errors import Finding, RequestError, StorageError
from advisor.interfaces.service.jobs.limits import JobLimits

TOKEN_VARIABLE = "ADVISOR_TOKEN"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}")


@dataclass(frozen=True)
class Settings:
    """The limits and the secret of one service.

    Attributes:
        token: The bearer token that every request must carry; None asks for none, and answers on loopback names only.
        rulebook: The rulebook of requests that name none.
        most_bytes: Bytes of a request's body.
        most_depth: Objects and lists within one another in a request's body.
        most_requests: Requests that are answered at the same time.
        body_seconds: Seconds in which a body must have arrived.
        shutdown_seconds: Seconds that running requests get when the service is stopped.
        kept_answers: Answers that are kept for repeated idempotency keys.
        kept_bytes: Bytes that these answers may have in all.
        kept_seconds: Seconds for which they are kept.
        data_dir: Folder of uploads and jobs; None takes neither.
        jobs: Limits of uploads and jobs.
    """

    token: str | None = field(default=None, repr=False)
    rulebook: str = "homl2"
    most_bytes: int = 1024 * 1024
    most_depth: int = 32
    most_requests: int = 64
    body_seconds: float = 30.0
    shutdown_seconds: int = 10
    kept_answers: int = 1024
    kept_bytes: int = 64 * 1024 * 1024
    kept_seconds: float = 24 * 3600.0
    data_dir: Path | None = None
    jobs: JobLimits = field(default_factory=JobLimits)


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine only.

    Examples:
        >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def usual_data_dir() -> Path:
    """Return the folder of uploads and jobs where none is given: that of this user's state.

    Raises:
        StorageError: If this user has no home.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        return (Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state") / "advisor" / "service"
    except RuntimeError:
        raise StorageError(Finding("J108", "~", "this user has no home folder.", "Give a --data-dir.")) from None


def find_token(host: str, token_file: str | None) -> str | None:
    """Return the bearer token for an address: from a file, or from the environment.

    Args:
        host: The address to listen on.
        token_file: A file with the token; None looks into the environment variable ``ADVISOR_TOKEN``.

    Raises:
        RequestError: If the address is not loopback and there is no token, or the token can't be used.
    """
    if token_file is not None:
        try:
            token, place = Path(token_file).read_text(encoding="utf-8").strip(), token_file
        except (OSError, UnicodeDecodeError) as failure:
            message = f"the token can't be read: {getattr(failure, 'strerror', None) or failure}."
            raise RequestError(Finding("R160", token_file, message, "Give a text file that holds the token.")) from None
    else:
        token, place = os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
        if not token and is_loopback(host):
            return None
        if not token:
            message = f"{host} can be reached from other machines, and there is no bearer token."
            hint = f"Give --token-file FILE or set {TOKEN_VARIABLE}, or listen on 127.0.0.1."
            raise RequestError(Finding("R161", "--host", message, hint))
    if not _TOKEN.fullmatch(token):
        message = "the token is not 16 to 512 letters, digits and characters of ._~+/=-"
        raise RequestError(Finding("R162", place, message, "Make one with: openssl rand -hex 32"))
    return token
