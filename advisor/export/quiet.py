"""Keeps the chatter of converters and interpreters, which C++ writes past Python, off the user's screen."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
from collections.abc import Iterator

_LOCK = threading.RLock()
_STANDARD_ERROR = 2


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what native libraries print while the block runs.

    Only descriptor 2 and Python's standard output are diverted, for the whole process and under a lock; errors
    still arrive as exceptions, which carry their own message. Keep the block short.
    """
    with _LOCK, contextlib.redirect_stdout(io.StringIO()), _warnings_of_tensorflow_off(), _descriptor_off():
        yield


@contextlib.contextmanager
def _warnings_of_tensorflow_off() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _descriptor_off() -> Iterator[None]:
    try:
        kept = os.dup(_STANDARD_ERROR)
    except OSError:  # a daemon without standard error has nothing to keep quiet
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(nowhere, _STANDARD_ERROR)
        yield
    finally:
        os.dup2(kept, _STANDARD_ERROR)
        os.close(kept)
        os.close(nowhere)
