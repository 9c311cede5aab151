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
from advisor.interfaces.wizard.preview import Told

BACK: Literal["back"] = "back"
_WIDTH = 78
_SHOWN = 13
_FEWEST_LINES, _MOST_LINES = 4, 9
"""Lines of a preview: as many as the terminal has left, within these."""
_ROUND = 8
"""Lines for the heading and what lies between the parts, and three above them that say what was answered before."""
_TYPED = 6
"""Lines of a preview where any number may be typed."""
_BAR = 40
_STYLE = Style(
    [
        ("heading", "bold"),
        ("way", "fg:ansicyan"),
        ("chosen", "bold fg:ansicyan"),
        ("change", "fg:ansigreen"),
        ("muted", "fg:ansibrightblack"),
        ("wrong", "bold fg:ansired"),
    ]
)
"""Colours only repeat what the words and the mark before an answer say."""


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
        way: Number of the question and of all questions; None outside of them.
    """

    heading: str
    text: str
    why: str
    footnote: str = ""
    preview: Callable[[Any], Told] | None = None
    offers: bool = True
    way: tuple[int, int] | None = None


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
    @keys.add("c-j")  # what Enter was, if pressed before the question stood there
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
    taken = _lines(lines())
    wanted = _wanted(screen, options)
    return _run(screen, body, keys, help_line, lambda: options[chosen].value, taken, wanted)


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
    return _run(
        screen, body, keys, "Enter answers, Esc goes back, ? says why we ask.", lambda: read(buffer.text), 3, _TYPED
    )


def _run(
    screen: Screen,
    body: Any,
    keys: KeyBindings,
    help_line: str,
    highlighted: Callable[[], Any],
    taken: int,
    wanted: int,
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
        return [
            ("class:heading", screen.heading + "\n"),
            *_way(screen.way),
            ("", "\n".join(_wrapped(screen.text)) + "\n"),
        ]

    def offer() -> StyleAndTextTuples:
        return [("", "\n".join(_wrapped(screen.footnote)))] if screen.footnote else []

    def foot() -> StyleAndTextTuples:
        return [("class:muted", "\n".join(_wrapped(help_line)))]

    def told() -> StyleAndTextTuples:
        """Say why we ask, or what the highlighted answer would change, in as many lines whatever it is."""
        if shows_why:
            return [("", "\n".join(["", *_wrapped(f"Why we ask: {screen.why}"), ""]))]
        if screen.preview is None:
            return []
        around = [*_wrapped(screen.text), *_wrapped(screen.footnote), *_wrapped(help_line)]
        left = app.output.get_size().rows - len(around) - taken - len(_way(screen.way)) - _ROUND
        room = max(_FEWEST_LINES, min(wanted, left))
        try:
            shown = _drawn(screen.preview(highlighted()), room)
        except ProblemError:
            shown = []
        return [("", "\n"), *shown, ("", "\n" * (room - _lines(shown)))]

    def fixed(text: Callable[[], StyleAndTextTuples]) -> Window:
        return Window(FormattedTextControl(text), dont_extend_height=True, wrap_lines=True)

    app: Application[Answer | Literal["back"]] = Application(
        layout=Layout(
            HSplit([fixed(head), body, fixed(offer), fixed(told), fixed(foot)]), focused_element=_focus(body)
        ),
        key_bindings=keys,
        style=_STYLE,
        erase_when_done=True,
        output=create_output(stdout=sys.stderr),
        color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
    )
    app.ttimeoutlen = 0.05
    app.timeoutlen = 0.05
    return app.run()


def _lines(shown: StyleAndTextTuples) -> int:
    return "".join(text for _, text, *_ in shown).count("\n")


def _wanted(screen: Screen, options: Sequence[Option]) -> int:
    """Return how many lines the longest preview takes, so that nothing jumps when another answer is highlighted."""
    if screen.preview is None:
        return 0
    return max(_lines(_drawn(screen.preview(option.value), _MOST_LINES)) for option in options)


def _way(way: tuple[int, int] | None) -> StyleAndTextTuples:
    """Return a line that shows how far the questions have come."""
    if way is None:
        return []
    done = round(_BAR * way[0] / max(way[1], 1))
    return [("class:way", " " + "━" * done), ("class:muted", "─" * (_BAR - done) + "\n")]


def _drawn(told: Told, room: int) -> StyleAndTextTuples:
    """Return a preview as lines: what is compared, then a line for each change, as many as there is room for."""
    lines: StyleAndTextTuples = [("", line + "\n") for line in _wrapped(told.headline)]
    notes = [line for note in told.notes for line in _wrapped(note)]
    free = room - len(lines) - len(notes)
    fitting = told.rows if len(told.rows) <= free else told.rows[: max(free - 1, 0)]
    width = max((len(title) for title, _ in fitting), default=0) + 2
    for title, becomes in fitting:
        lines += [("", f"   {title:<{width}}"), ("class:change", f"{_cut(becomes, _WIDTH - width - 3)}\n")]
    if len(fitting) < len(told.rows) and free > 0:
        lines.append(("class:muted", f"   and {len(told.rows) - len(fitting)} more\n"))
    return [*lines, *[("class:muted", line + "\n") for line in notes]]


def _focus(body: Any) -> Any:
    """Return the part of a screen that takes the keys: the typed line if there is one."""
    return body.get_children()[0].get_children()[1] if isinstance(body, HSplit) else body


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=" ", subsequent_indent=" ", break_on_hyphens=False)


def _cut(text: str, width: int = _WIDTH) -> str:
    lines = [line.rstrip() for line in text.split("\n")]
    return "\n".join(line if len(line) <= width else line[: width - 1] + "…" for line in lines)


FRONT = Front(choose, type_in)
"""Asks with the arrow keys."""
