"""What a person sees while a run grows: a live line on a terminal, plain lines anywhere else; all of it on stderr."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from advisor.artifacts import Epoch, Event

PLAIN_SECONDS = 5.0
LIVE_SECONDS = 0.1


def clock(seconds: float) -> str:
    """Return a duration for people: ``8 s``, ``2 min 05 s``, ``1 h 04 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Narrator:
    """Tells of stages, epochs and events, one line each.

    On a terminal the line of the current network is rewritten in place, ten times a second at most. Elsewhere a line
    is printed at the first and the last epoch and every few seconds between. Nothing depends on colour.
    """

    def __init__(self, stream: TextIO | None = None, *, metric: str = "metric") -> None:
        """Write to ``stream`` (stderr when it is not given)."""
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._label = ""
        self._max_epochs = 0
        self._begun = self._shown = self._first = 0.0
        self._first_number = 0
        self._last: Epoch | None = None
        self.metric = metric

    def stage(self, name: str, detail: str) -> None:
        """Print the beginning of a stage."""
        self._line(f"{name}: {detail}" if detail else name)

    def fit_begins(self, label: str, max_epochs: int) -> None:
        """Begin a network's line."""
        self._label, self._max_epochs, self._last = label, max_epochs, None
        self._begun = time.monotonic()
        self._shown = 0.0
        self._line(f"{label}: up to {max_epochs} epochs")

    def epoch(self, epoch: Epoch) -> None:
        """Show an epoch, unless one was shown just now."""
        now = time.monotonic()
        if self._last is None:
            self._first, self._first_number = now, epoch.number
        self._last = epoch
        if now - self._shown >= (LIVE_SECONDS if self._live else PLAIN_SECONDS):
            self._shown = now
            self._show(epoch, now)

    def fit_ends(self) -> None:
        """Show the last epoch and end the line."""
        if self._last is not None:
            self._show(self._last, time.monotonic(), over=True)
            if self._live:
                self._stream.write("\n")
                self._stream.flush()
            self._last = None

    def event(self, event: Event) -> None:
        """Print an event as a sentence."""
        self._line(event.message)

    def _show(self, epoch: Epoch, now: float, *, over: bool = False) -> None:
        spent = now - self._begun
        # The first epoch compiles the network, so it says nothing about those to come.
        done = epoch.number - self._first_number
        left = clock((now - self._first) / done * (self._max_epochs - epoch.number)) if done else ""
        text = (
            f"  epoch {epoch.number:>4}/{self._max_epochs}  loss {epoch.loss:.4g}  val_loss {epoch.val_loss:.4g}  "
            f"val_{self.metric} {epoch.val_metric:.4g}  rate {epoch.learning_rate:.2g}  "
        )
        text += f"took {clock(spent)}" if over else (f"at most {left} left" if left else "compiled")
        if self._live:
            self._stream.write(f"\r\x1b[2K{text}")
            self._stream.flush()
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def _line(self, text: str) -> None:
        if self._live and self._last is not None:
            self._stream.write("\n")
        self._stream.write(f"{text}\n")
        self._stream.flush()
