"""Another device than this host: measured ratios of latency, or latencies measured there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from advisor.artifacts import Latency
from advisor.errors import Finding, RequestError
from advisor.problem.strict_json import read_strict_json

WIDE = "int16_activations"
"""Begins the name of a file with activations in 16 bits and weights in 8, and is its precision in a profile."""
PRECISIONS = ("float32", "float16", "int8", WIDE)


@dataclass(frozen=True)
class DeviceProfile:
    """How a device's latency relates to this host's.

    The document is ``{"device": NAME, "ratios": {PRECISION: RATIO}, "latencies": {PRECISION: {"p50_ms", "p99_ms"}}}``;
    a precision (``float32``, ``float16``, ``int8``, ``int16_activations``) that has a latency takes it as it is, one
    that has a ratio takes the host's measurement times the ratio.

    Attributes:
        device: Name of the device.
        ratios: Precision → its latency divided by this host's, as measured.
        latencies: Precision → (p50, p99) in ms, measured on the device itself.
    """

    device: str
    ratios: Mapping[str, float] = field(default_factory=dict)
    latencies: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> DeviceProfile:
        """Read a profile from JSON.

        Raises:
            RequestError: If it can't be read, or says nothing usable; every mistake is named.
        """
        try:
            document = read_strict_json(path.read_bytes())
        except OSError as error:
            raise RequestError(Finding("R131", str(path), f"the file can't be read: {error.strerror}.")) from error
        hint = 'Write {"device": "name", "ratios": {"float32": 3.1, "int8": 2.4}}.'
        if not isinstance(document, dict) or not isinstance(document.get("device"), str):
            raise RequestError(Finding("R132", str(path), "a device profile names its device.", hint))
        findings = [
            Finding("R132", f"{path}: {key}", "this is no part of a device profile.", hint)
            for key in document
            if key not in ("device", "ratios", "latencies")
        ]
        ratios, latencies = document.get("ratios", {}), document.get("latencies", {})
        for name, part in (("ratios", ratios), ("latencies", latencies)):
            if not isinstance(part, dict):
                findings.append(Finding("R132", f"{path}: {name}", "this must be an object.", hint))
                continue
            for precision, value in part.items():
                if precision not in PRECISIONS:
                    message = f"a file has no precision {precision!r}; allowed: {', '.join(PRECISIONS)}."
                    findings.append(Finding("R132", f"{path}: {name}.{precision}", message, hint))
                    continue
                numbers = [value] if name == "ratios" else _both(value)
                if not numbers or not all(map(_is_positive, numbers)):
                    findings.append(
                        Finding(
                            "R132",
                            f"{path}: {name}.{precision}",
                            f"{value!r} is no positive, finite measurement.",
                            hint,
                        )
                    )
        if not findings and not ratios and not latencies:
            findings.append(Finding("R132", str(path), "the profile holds no measurement.", hint))
        if findings:
            raise RequestError(*findings)
        return cls(
            document["device"],
            {name: float(value) for name, value in ratios.items()},
            {name: (float(value["p50_ms"]), float(value["p99_ms"])) for name, value in latencies.items()},
        )

    def apply(self, latency: Latency, precision: str) -> Latency:
        """Return what a latency measured on this host means on the device; unchanged where the profile says nothing."""
        if precision in self.latencies:
            p50, p99 = self.latencies[precision]
            return Latency(p50, p99, latency.calls, f"{self.device}, as its profile says for {precision}")
        ratio = self.ratios.get(precision)
        if ratio is None:
            return replace(latency, host=f"{latency.host}; the profile of {self.device} says nothing of {precision}")
        return Latency(
            latency.p50_ms * ratio,
            latency.p99_ms * ratio,
            latency.calls,
            f"{self.device}: {ratio:g} times what was measured on {latency.host}",
        )


def _both(value: Any) -> list[Any]:
    return [value.get("p50_ms"), value.get("p99_ms")] if isinstance(value, dict) else []


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
