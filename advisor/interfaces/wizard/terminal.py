"""Asks one question in a terminal: choose with the arrow keys, or type; on stderr, so that stdout stays clean."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import HSplit, Layout, VSplit, Window
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.output import ColorDepth, create_output
from prompt_toolkit.styles import Style

from advisor.errors import ProblemError

BACK: Literal["back"] = "back"
_WIDTH = 78
_SHOWN = 13
_PREVIEW_LINES = 4
_STYLE = Style([("heading", "bold"), ("chosen", "bold"), ("muted", "fg:ansibrightblack"), ("wrong", "bold")])


@dataclass(frozen=True)
class Answer:
    """What a person chose or typed.

    Attributes:
        value: The value of the chosen option, or what the text was read as.
    """

    value: Any


@dataclass(frozen=True)
class Option:
    """One thing to choose.

    Attributes:
        value: What choosing it answers.
        word: The word shown.
        meaning: What it means; may be empty.
    """

    value: Any
    word: str
    meaning: str = ""


@dataclass(frozen=True)
class Screen:
    """What is shown with a question.

    Attributes:
        heading: Where we are.
        text: The question.
        why: What ``?`` shows.
        footnote: Why the default is what it is.
        preview: Says what an answer would change, while it is only highlighted or typed.
        offers: Whether one of the options is offered; else one must be chosen.
    """

    heading: str
    text: str
    why: str
    footnote: str = ""
    preview: Callable[[Any], str] | None = None
    offers: bool = True


class Choose(Protocol):
    """Lets a person choose one of several options."""

    def __call__(self, screen: Screen, options: Sequence[Option], start: int = 0) -> Answer | Literal["back"]:
        """Return the answer, or ``back``."""


class TypeIn(Protocol):
    """Lets a person type an answer."""

    def __call__(self, screen: Screen, default: str, read: Callable[[str], Any]) -> Answer | Literal["back"]:
        """Return the answer, or ``back``."""


@dataclass(frozen=True)
class Front:
    """A way of asking in a terminal.

    Attributes:
        choose: Lets a person choose one of several options.
        type_in: Lets a person type an answer.
    """

    choose: Choose
    type_in: TypeIn


def choose(screen: Screen, options: Sequence[Option], start: int = 0) -> Answer | Literal["back"]:
    """Let a person choose one of several options.

    Args:
        screen: What is shown.
        options: The options.
        start: Which one is highlighted first.

    Returns:
        The answer, or ``back`` after Esc.

    Raises:
        KeyboardInterrupt: After Ctrl-C.
    """
    chosen = start
    keys = KeyBindings()

    def move(step: int) -> None:
        nonlocal chosen
        chosen = (chosen + step) % len(options)

    keys.add("up")(lambda event: move(-1))
    keys.add("s-tab")(lambda event: move(-1))
    keys.add("down")(lambda event: move(1))
    keys.add("tab")(lambda event: move(1))

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=Answer(options[chosen].value))

    def jump(event: KeyPressEvent) -> None:
        nonlocal chosen
        number = int(event.data) - 1
        if number < len(options):
            chosen = number

    for digit in "123456789":
        keys.add(digit)(jump)

    def lines() -> StyleAndTextTuples:
        width = max(len(option.word) for option in options) + 2
        first = max(0, min(chosen - _SHOWN // 2, len(options) - _SHOWN))
        shown: StyleAndTextTuples = []
        if first:
            shown.append(("class:muted", f"   {first} more above\n"))
        for position, option in list(enumerate(options))[first : first + _SHOWN]:
            mark = ">" if position == chosen else " "
            number = f"{position + 1}. " if len(options) < 10 else ""
            head = f" {mark} {number}{option.word:<{width}}"
            wrapped = textwrap.wrap(option.meaning, max(20, _WIDTH - len(head))) or [""]
            text = "\n".join([head + wrapped[0], *(" " * len(head) + line for line in wrapped[1:])])
            shown.append(("class:chosen" if position == chosen else "", _cut(text) + "\n"))
        if first + _SHOWN < len(options):
            shown.append(("class:muted", f"   {len(options) - first - _SHOWN} more below\n"))
        return shown

    body = Window(FormattedTextControl(lines, focusable=True, show_cursor=False), dont_extend_height=True)
    help_line = "Up and Down choose, Enter answers, Esc goes back, ? says why we ask."
    return _run(screen, body, keys, help_line, lambda: options[chosen].value)


def type_in(screen: Screen, default: str, read: Callable[[str], Any]) -> Answer | Literal["back"]:
    """Let a person type an answer.

    Args:
        screen: What is shown.
        default: Text that stands there already.
        read: Reads what was typed; a ``ProblemError`` is shown, and the person may correct it.

    Returns:
        The answer, or ``back`` after Esc.

    Raises:
        KeyboardInterrupt: After Ctrl-C.
    """
    wrong = ""
    buffer = Buffer(multiline=False)
    buffer.insert_text(default)
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        nonlocal wrong
        try:
            event.app.exit(result=Answer(read(buffer.text)))
        except ProblemError as error:
            finding = error.findings[0]
            wrong = f"{finding.message} {finding.hint}"

    def message() -> StyleAndTextTuples:
        return [("class:wrong", "\n".join(_wrapped(wrong)) + "\n")] if wrong else []

    typed = VSplit(
        [Window(FormattedTextControl(" > "), width=3, dont_extend_height=True), Window(BufferControl(buffer), height=1)]
    )
    body = HSplit([typed, Window(FormattedTextControl(message), dont_extend_height=True)])
    return _run(screen, body, keys, "Enter answers, Esc goes back, ? says why we ask.", lambda: read(buffer.text))


def _run(
    screen: Screen, body: Any, keys: KeyBindings, help_line: str, highlighted: Callable[[], Any]
) -> Answer | Literal["back"]:
    shows_why = False

    @keys.add("?")
    def _(event: KeyPressEvent) -> None:
        nonlocal shows_why
        shows_why = not shows_why

    @keys.add("escape", eager=True)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=BACK)

    @keys.add("c-c")
    @keys.add("c-d")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt())

    def head() -> StyleAndTextTuples:
        return [("class:heading", screen.heading + "\n"), ("", "\n".join(_wrapped(screen.text)) + "\n")]

    def foot() -> StyleAndTextTuples:
        lines = _wrapped(screen.footnote) if screen.footnote else []
        return [("class:muted", "\n".join([*lines, *_wrapped(help_line)]))]

    def told() -> StyleAndTextTuples:
        """Say why we ask, or what the highlighted answer would change, in as many lines whatever it is."""
        if shows_why:
            return [("", "\n".join(["", *_wrapped(f"Why we ask: {screen.why}"), ""]))]
        if screen.preview is None:
            return []
        try:
            lines = _wrapped(screen.preview(highlighted()))
        except ProblemError:
            lines = []
        if len(lines) > _PREVIEW_LINES:
            lines = [*lines[: _PREVIEW_LINES - 1], f"{lines[_PREVIEW_LINES - 1][: _WIDTH - 2]} …"]
        return [("", "\n".join(["", *lines, *[""] * (_PREVIEW_LINES - len(lines))]) + "\n")]

    def fixed(text: Callable[[], StyleAndTextTuples]) -> Window:
        return Window(FormattedTextControl(text), dont_extend_height=True, wrap_lines=True)

    app: Application[Answer | Literal["back"]] = Application(
        layout=Layout(HSplit([fixed(head), body, fixed(told), fixed(foot)]), focused_element=_focus(body)),
        key_bindings=keys,
        style=_STYLE,
        erase_when_done=True,
        output=create_output(stdout=sys.stderr),
        color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
    )
    app.ttimeoutlen = 0.05
    app.timeoutlen = 0.05
    return app.run()


def _focus(body: Any) -> Any:
    """Return the part of a screen that takes the keys: the typed line if there is one."""
    return body.get_children()[0].get_children()[1] if isinstance(body, HSplit) else body


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=" ", subsequent_indent=" ", break_on_hyphens=False)


def _cut(text: str) -> str:
    lines = [line.rstrip() for line in text.split("\n")]
    return "\n".join(line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…" for line in lines)


FRONT = Front(choose, type_in)
"""Asks with the arrow keys."""
