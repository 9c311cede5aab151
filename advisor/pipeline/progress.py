"""How the pipeline tells what it is doing; the interfaces decide how to show it."""

from __future__ import annotations

from typing import Any, Protocol

from advisor.artifacts import Epoch, Event


class Progress(Protocol):
    """What a listener of the pipeline must understand."""

    def stage(self, name: str, detail: str) -> None:
        """A stage begins."""

    def prepared(self, prepared: Any) -> None:
        """Data were read and a recommendation was made (:class:`advisor.pipeline.preparation.Prepared`)."""

    def fit_begins(self, label: str, max_epochs: int) -> None:
        """A network is about to be trained for at most ``max_epochs``."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the current network is over."""

    def fit_ends(self) -> None:
        """The current network is trained."""

    def event(self, event: Event) -> None:
        """Something happened that the report will tell as well."""


class Silent:
    """A listener that shows nothing."""

    def stage(self, name: str, detail: str) -> None:
        """Show nothing."""

    def prepared(self, prepared: Any) -> None:
        """Show nothing."""

    def fit_begins(self, label: str, max_epochs: int) -> None:
        """Show nothing."""

    def epoch(self, epoch: Epoch) -> None:
        """Show nothing."""

    def fit_ends(self) -> None:
        """Show nothing."""

    def event(self, event: Event) -> None:
        """Show nothing."""
