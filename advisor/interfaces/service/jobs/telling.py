"""What a worker tells the service while it trains: one line of JSON for each event."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from advisor.artifacts import Epoch, Event
    from advisor.pipeline import Prepared

EPOCH_SECONDS = 0.2
"""Least seconds between two epochs that are told; the first and the last of a network always are."""


class Teller:
    """Listens to the pipeline (:class:`advisor.pipeline.Progress`) and writes lines."""

    def __init__(self, stream: BinaryIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to a stream."""
        self._stream = stream
        self._clock = clock
        self._network = ""
        self._max_epochs = 0
        self._metric = ""
        self._told = -math.inf
        self._held: Epoch | None = None

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Write one event."""
        self._stream.write(json.dumps({"kind": kind, "data": _finite(data)}, ensure_ascii=False).encode() + b"\n")
        self._stream.flush()

    def stage(self, name: str, detail: str) -> None:
        """Tell that a stage begins."""
        self.tell("stage", {"name": name, "detail": detail})

    def prepared(self, prepared: Prepared) -> None:
        """Tell what the data say and what is advised."""
        self._metric = prepared.metric
        found = prepared.recommendation.to_dict()
        data = {
            "metric": prepared.metric,
            "target": prepared.schema.target.name,
            "rows": {
                "train": len(prepared.bundle.train),
                "val": len(prepared.bundle.val),
                "test": len(prepared.bundle.test),
            },
            "facts": prepared.problem.facts(),
            "decisions": {slot: each["value"] for slot, each in found["decisions"].items()},
            "warnings": found["warnings"],
        }
        self.tell("prepared", data)

    def fit_begins(self, label: str, max_epochs: int) -> None:
        """Tell that a network is about to be trained."""
        self._network, self._max_epochs = label, max_epochs
        self._told, self._held = -math.inf, None
        self.tell("fit_begins", {"network": label, "max_epochs": max_epochs})

    def epoch(self, epoch: Epoch) -> None:
        """Tell of an epoch, unless one was told just now."""
        now = self._clock()
        if now - self._told < EPOCH_SECONDS:
            self._held = epoch
            return
        self._told, self._held = now, None
        self._tell_epoch(epoch)

    def fit_ends(self) -> None:
        """Tell of the last epoch, and that the network is trained."""
        if self._held is not None:
            self._tell_epoch(self._held)
            self._held = None
        self.tell("fit_ends", {"network": self._network})

    def event(self, event: Event) -> None:
        """Tell what happened."""
        self.tell("event", {"kind": event.kind, "message": event.message, "facts": dict(event.facts)})

    def _tell_epoch(self, epoch: Epoch) -> None:
        data = {
            "network": self._network,
            "number": epoch.number,
            "max_epochs": self._max_epochs,
            "loss": epoch.loss,
            "val_loss": epoch.val_loss,
            "metric": self._metric,
            "val_metric": epoch.val_metric,
            "learning_rate": epoch.learning_rate,
        }
        self.tell("epoch", data)


def _finite(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinities are null; what it doesn't know is text."""
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return _finite(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
