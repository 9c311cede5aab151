"""What goes in and out of commands: documents from files or stdin, results to stdout, paint where it's wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.errors import AdvisorError, Finding, ProblemError, StorageError

if TYPE_CHECKING:
    from advisor.explanation import Style

MOST_BYTES = 16 * 1024 * 1024


def read_input(name: str, what: str, error: type[AdvisorError] = ProblemError) -> bytes:
    """Read a document from a file, or from stdin when its name is ``-``.

    Args:
        name: Path of the file, or ``-``.
        what: What should be in it, for messages, such as ``a problem``.
        error: Class of the error to raise.

    Raises:
        AdvisorError: If it can't be read, or is larger than any such document.
    """
    try:
        if name == "-":
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
    except OSError as failure:
        reason = failure.strerror or str(failure)
        hint = f"Give the path of {what} as JSON, or - to read it from stdin."
        raise error(Finding("R102", name, f"the file can't be read: {reason}.", hint)) from None
    if len(content) > MOST_BYTES:
        raise error(Finding("R103", name, f"this is too large for {what}: the limit is {MOST_BYTES:,} bytes."))
    return content


def write_line(text: str) -> None:
    """Write text with a final newline to stdout.

    Raises:
        StorageError: If it can't be written, such as on a full disk; a reader that went away is no such error.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise StorageError(
            Finding(
                "S101", "stdout", f"the answer can't be written: {reason}.", "Free space or write it to another place."
            )
        ) from None


def note(text: str) -> None:
    """Write a message for a person to stderr."""
    print(text, file=sys.stderr)


def wrapped(text: str) -> str:
    """Return a message in lines of at most 80 columns."""
    import textwrap

    return "\n".join(textwrap.wrap(text, 80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def wants_json(asked: bool) -> bool:
    """Tell whether JSON is written: when asked for, or when stdout isn't a terminal."""
    return asked or not sys.stdout.isatty()


def page_width() -> int:
    """Return the columns of a page: those of the terminal, at most 80 and at least 40."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 80
    return max(40, min(80, columns or 80))


def page_style() -> Style:
    """Return how a page is painted on stdout: plain without a terminal, with NO_COLOR, or on a dumb terminal."""
    from advisor.explanation import Style

    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        return Style()
    return Style(heading=_painter("1"), value=_painter("36"), muted=_painter("2"))


def _painter(code: str) -> Callable[[str], str]:
    return lambda text: f"\033[{code}m{text}\033[0m" if text else text


def to_json(document: Any) -> str:
    """Return a document as indented JSON."""
    import json

    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
