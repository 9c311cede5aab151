"""Asks in plain lines, one after the other: for screen readers, dumb terminals and Braille displays.

Nothing is drawn over, moved or coloured. A person types a number or a word and presses Enter.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Literal

from advisor.errors import ProblemError
from advisor.interfaces.wizard.terminal import BACK, Answer, Front, Option, Screen

_WIDTH = 79


def choose(screen: Screen, options: Sequence[Option], start: int = 0) -> Answer | Literal["back"]:
    """Let a person choose by number or word.

    Args:
        screen: What is said.
        options: The options.
        start: Which one Enter takes.

    Returns:
        The answer, or ``back``.

    Raises:
        KeyboardInterrupt: After Ctrl-C or Ctrl-D.
    """
    _say(screen.heading)
    _say(screen.text)
    for number, option in enumerate(options, 1):
        meaning = f": {option.meaning}" if option.meaning else ""
        _say(f"{number}. {option.word}{meaning}{' (offered)' if screen.offers and number == start + 1 else ''}")
    if screen.footnote:
        _say(screen.footnote)
    trying = ", if 2" if screen.preview is not None and len(options) > 1 else ""
    offered = f"Enter for {start + 1}, or " if screen.offers else ""
    while True:
        text = _line(f"Type a number, or {offered}back, why{trying}: ")
        if text in ("back", "b"):
            return BACK
        if text in ("why", "?"):
            _say(f"Why we ask: {screen.why}")
            continue
        is_trial = text.startswith("if ") and screen.preview is not None
        word = text.removeprefix("if ").strip() if is_trial else text
        found = _found(word or (str(start + 1) if screen.offers else ""), options)
        if found is None:
            _say(f"That is none of the answers. Type a number from 1 to {len(options)}, or one of the words.")
        elif is_trial and screen.preview is not None:
            _say(screen.preview(found.value).sentence())
        else:
            return Answer(found.value)


def _found(text: str, options: Sequence[Option]) -> Option | None:
    if text.isdigit():
        return options[int(text) - 1] if 1 <= int(text) <= len(options) else None
    words = [option for option in options if option.word.lower() == text.lower()]
    begun = [option for option in options if text and option.word.lower().startswith(text.lower())]
    return words[0] if words else begun[0] if len(begun) == 1 else None


def type_in(screen: Screen, default: str, read: Callable[[str], Any]) -> Answer | Literal["back"]:
    """Let a person type an answer.

    Args:
        screen: What is said.
        default: What Enter takes.
        read: Reads what was typed; a ``ProblemError`` is said, and the person may try again.

    Returns:
        The answer, or ``back``.

    Raises:
        KeyboardInterrupt: After Ctrl-C or Ctrl-D.
    """
    _say(screen.heading)
    _say(screen.text)
    if screen.footnote:
        _say(screen.footnote)
    trying = ", if 100" if screen.preview is not None else ""
    taken = f"Enter for {default}" if default else "Enter for nothing"
    while True:
        text = _line(f"Type the answer, or {taken}, or back, why{trying}: ")
        if text in ("back", "b"):
            return BACK
        if text in ("why", "?"):
            _say(f"Why we ask: {screen.why}")
            continue
        is_trial = text.startswith("if ") and screen.preview is not None
        try:
            value = read(text.removeprefix("if ").strip() if is_trial else text or default)
        except ProblemError as error:
            _say(f"{error.findings[0].message} {error.findings[0].hint}")
            continue
        if is_trial and screen.preview is not None:
            _say(screen.preview(value).sentence())
        else:
            return Answer(value)


def _say(text: str) -> None:
    print("\n".join(textwrap.wrap(text, _WIDTH, break_on_hyphens=False)), file=sys.stderr)


def _line(prompt: str) -> str:
    """Return a typed line; the end of the input counts as an interruption."""
    print(prompt, end="", file=sys.stderr, flush=True)
    text = sys.stdin.readline()
    if not text:
        print(file=sys.stderr)
        raise KeyboardInterrupt
    return text.strip()


FRONT = Front(choose, type_in)
"""Asks in plain lines."""
