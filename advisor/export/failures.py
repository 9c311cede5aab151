"""Turns what export libraries throw into errors a user can act on: it can't be converted, or it can't be written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from advisor.errors import AdvisorError, ExportError, Finding, StorageError

_LONGEST_MESSAGE = 300
_NO_ROOM = ("no space left", "file too large", "disk quota", "resource exhausted", "resource_exhausted")


def first_line(error: BaseException) -> str:
    """Return the part of a library's message that says something, on one line and not too long."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


@contextlib.contextmanager
def exporting(what: str, path: Path) -> Iterator[None]:
    """Report any failure of the block as an export or a storage error.

    Args:
        what: The format in words, for the message.
        path: What was to be written.

    Raises:
        OSError: Passed on, for the writer around the block knows how to clean up after it.
        StorageError: If a native library ran out of room.
        ExportError: If the model can't be converted.
    """
    try:
        yield
    except (AdvisorError, OSError, KeyboardInterrupt):
        raise
    except MemoryError as error:
        raise ExportError(Finding("E102", str(path), f"{what} can't be written: out of memory.")) from error
    except Exception as error:  # converters raise whatever their depths raise
        if any(sign in str(error).lower() for sign in _NO_ROOM):
            raise StorageError(
                Finding(
                    "S101",
                    str(path),
                    f"the file can't be written: {first_line(error)}",
                    "Free space or choose another folder.",
                )
            ) from error
        raise ExportError(
            Finding("E102", str(path), f"the model can't be converted to {what}: {first_line(error)}")
        ) from error
