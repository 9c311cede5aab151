"""Files that could be delivered: exported, reloaded, compared, and measured in all that requirements name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, Artifact, Latency, Verdict
from advisor.builder import laid_out, with_target_units
from advisor.compression import fold, round_kernels
from advisor.compression.rounding import MOST_ROWS
from advisor.errors import CompressionError, ExportError, Finding
from advisor.evaluation import (
    Measurement,
    latency_measurement,
    measure,
    measure_latency,
    measure_litert_sparsity,
    metric_cost_measurement,
    primary_metric,
    size_measurement,
    sparsity_measurement,
    verdicts,
)
from advisor.export import LiteRTRuntime, export_litert, verify_litert
from advisor.export.compacting import compact
from advisor.export.compare import TOLERANCES, compare, verified
from advisor.export.int8 import (
    PreparedRuntime,
    check_micro_operations,
    export_full_int8,
    export_sparse,
    representative_rows,
)
from advisor.export.keras_format import predictor
from advisor.export.litert import axis_of_scales
from advisor.export.preparation import MOST_CODES, Preparation
from advisor.pipeline.device import WIDE, DeviceProfile
from advisor.pipeline.preparation import Prepared
from advisor.storage import write_bytes

LATENCY_ROWS = 256
ROUNDS, CALLS = 3, 1000
CHECKED_ROWS = 256
FOLDED_TOLERANCE = 1e-5
LOOPED = "looped_"
"""Begins the name of a file whose recurrent layers are loops; what follows is the kind of file."""
IN_EIGHT_BITS = ("dynamic_int8", "full_int8", "full_int8_integers", WIDE, f"{WIDE}_integers")
INT8_TOLERANCE = 1.0
"""Largest difference of a file in 8 bits from the network in memory; what it costs is judged on the metric."""
RETRAINED_TOLERANCE = 10.0
"""The same for a network that was trained on: it may answer otherwise, and only nonsense is refused here."""


@dataclass(frozen=True)
class Candidate:
    """A file that could be delivered, with everything measured about it.

    Attributes:
        name: What it is: ``float32``, ``float16``, ``dynamic_int8``, ``looped_dynamic_int8``, ``sparse_float32`` …
        artifact: Path, size and how it compares with the network in memory.
        latency: Of one row in its runtime.
        sparsity: Fraction of exact zeros in the kernels of the file.
        val: Primary metric on the validation rows.
        test: Primary metric on the test rows; never read for a decision.
        preparation: What happens before the file; None when all of it is inside.
        notes: What was left undone, and why.
        network_val: Validation metric of the network that the file was made of, in 32 bits; None where unknown.
        cost: Share of it that the file loses; None where unknown.
    """

    name: str
    artifact: Artifact
    latency: Latency
    sparsity: float
    val: float
    test: float
    preparation: Preparation | None = None
    notes: tuple[str, ...] = ()
    network_val: float | None = None
    cost: float | None = None

    @property
    def measurements(self) -> dict[str, Measurement]:
        """What requirements are compared with."""
        name = Path(self.artifact.path).name
        found = {
            "latency": latency_measurement(self.latency),
            "size": size_measurement(self.artifact.bytes, name),
            "sparsity": sparsity_measurement(self.sparsity, name),
        }
        if self.cost is not None and self.network_val is not None:
            found["metric_cost"] = metric_cost_measurement(self.cost, self.network_val, self.val)
        return found

    def verdicts(self, requirements: Sequence[Mapping[str, Any]]) -> tuple[Verdict, ...]:
        """Compare the requirements with what was measured."""
        return verdicts(requirements, self.measurements)

    def violation(self, requirements: Sequence[Mapping[str, Any]]) -> float:
        """Return by what factor the requirement that is furthest away is missed; at most 1 when all are met."""
        worst = 0.0
        for verdict, requirement in zip(self.verdicts(requirements), requirements, strict=True):
            if requirement["comparison"] == "at_most":
                factor = verdict.measured / max(verdict.required, 1e-300)
            else:
                factor = verdict.required / max(verdict.measured, 1e-12)
            worst = max(worst, factor)
        return worst


def open_runtime(path: Path, preparation: Preparation | None) -> Any:
    """Load a delivered file in its runtime."""
    return LiteRTRuntime(path) if preparation is None else PreparedRuntime(path, preparation)


def cost_of(task: str, before: float, after: float) -> float:
    """Return which share of the metric was lost; negative when it became better."""
    loss = before - after if primary_metric(task).higher_is_better else after - before
    return loss / max(abs(before), 1e-12)


def primary(prepared: Prepared, part: Any, answers: Array) -> float:
    """Return the primary metric of answers; infinitely bad where it is undefined."""
    if not np.isfinite(answers).all():
        return float("nan")
    value = measure(prepared.bundle.task, part.y, answers).primary
    return float("nan") if value is None else value


class Workbench:
    """Makes candidates out of networks."""

    def __init__(self, prepared: Prepared, folder: Path, profile: DeviceProfile | None) -> None:
        """Set it up.

        Args:
            prepared: Data and decisions.
            folder: The growing run folder.
            profile: The device that latency is for; None is this host.
        """
        self.prepared, self.folder, self._profile = prepared, folder, profile
        scale = prepared.statistics.target_scale
        self._scale: Array | float = 1.0 if scale is None else scale
        self._count = 0

    def path(self, name: str) -> Path:
        """Return a new path for a file of the ladder."""
        self._count += 1
        return self.folder / "model" / "ladder" / f"{self._count:02d}-{name}.tflite"

    def metrics(self, core: Any) -> tuple[float, float]:
        """Return a network's primary metric on the validation and on the test rows.

        Args:
            core: The network in the units of training.
        """
        predict = predictor(with_target_units(core, self.prepared.statistics))
        parts = self.prepared.bundle.val, self.prepared.bundle.test
        val, test = (primary(self.prepared, part, _in_blocks(predict, part.x)) for part in parts)
        return val, test

    def make(self, core: Any, name: str, scales: str | None = None) -> Candidate:
        """Export a network, reload the file, compare it, and measure it.

        Args:
            core: The network in the units of training.
            name: ``float32``, ``float16``, ``dynamic_int8``, ``full_int8``, ``int16_activations`` (these two also
                with ``_integers`` behind), ``sparse_float32``; after ``looped_`` where recurrent layers shall be loops.
            scales: Scales of 8-bit weights, a value of the slot ``quantization_scales``; None takes the first of it.

        Raises:
            ExportError: If it can't be exported, or answers differently.
        """
        chosen = scales if scales is not None else self.scales[0]
        made: Candidate = _MAKERS[name.removeprefix(LOOPED)](self, core, name, chosen == "per_layer")
        return made

    @property
    def scales(self) -> tuple[str, ...]:
        """What is tried for the scales of 8-bit weights, in this order."""
        return tuple(self.prepared.values.get("quantization_scales") or ("per_neuron",))

    def make_within(self, core: Any, name: str, cost: Callable[[Candidate], float], allowed: float) -> Candidate:
        """Export a network with the first scales for 8-bit weights that cost no more than allowed.

        Args:
            core: The network in the units of training.
            name: As in :meth:`make`.
            cost: Share of the validation metric that a file loses.
            allowed: Largest cost.

        Returns:
            The file; the one that costs least where all cost more.

        Raises:
            ExportError: If it can't be exported, or answers differently.
        """
        best: Candidate | None = None
        for scales in self.scales if name.removeprefix(LOOPED) in IN_EIGHT_BITS else self.scales[:1]:
            made = self.make(core, name, scales)
            if best is not None:
                note = f"With weights scaled {self.scales[0].replace('_', ' ')} it would cost {cost(best):+.2%}."
                made = replace(made, notes=(*made.notes, note))
            if best is None or cost(made) < cost(best):
                best = made
            if cost(made) <= allowed:
                break
        assert best is not None  # a slot of this kind is never empty
        return best

    def from_bytes(self, content: bytes, preparation: Preparation, core: Any, name: str) -> Candidate:
        """Measure a file that begins behind the preprocessing and was made elsewhere."""
        path = self.path(name)
        write_bytes(path, compact(content))
        return self._measured(path, core, name, "int8", preparation, RETRAINED_TOLERANCE, ())

    def plain(self, core: Any, name: str, one_scale: bool) -> Candidate:
        """Export weights in 32 or 16 bits, or in 8 with activations as they come."""
        kind, looped = name.removeprefix(LOOPED), name.startswith(LOOPED)
        precision = {"dynamic_int8": "int8"}.get(kind, kind)
        rows = self.prepared.bundle.val.x[:CHECKED_ROWS]
        notes: tuple[str, ...] = ()
        tolerance: float | None = None
        if kind == "float32":
            core, notes, tolerance = self._without_standardization(core, rows)
        model = with_target_units(core, self.prepared.statistics)
        if precision == "int8":
            model = _folded_and_rounded(model, self.prepared.bundle.train.x, one_scale)
        path = self.path(name)
        export_litert(laid_out(model, looped=looped), path, precision=precision, one_scale=one_scale)
        tolerance = INT8_TOLERANCE if precision == "int8" else tolerance
        return self._measured(path, core, name, precision, None, tolerance, notes)

    def sparse(self, core: Any, name: str, one_scale: bool) -> Candidate:
        """Export weights in 32 bits, with zeros left out."""
        path = self.path(name)
        model = with_target_units(core, self.prepared.statistics)
        export_sparse(laid_out(model, looped=name.startswith(LOOPED)), path)
        return self._measured(path, core, name, "float32", None, FOLDED_TOLERANCE, ())

    def full(self, core: Any, name: str, one_scale: bool) -> Candidate:
        """Export weights in 8 bits and activations in 8 or 16; preprocessing stays outside of the file."""
        preparation, rest = self.cut(core)
        path = self.path(name)
        prepared = preparation.compile()(representative_rows(self.prepared.bundle.train.x, MOST_ROWS))
        rest = _rounded(rest, prepared, one_scale=one_scale, integers=True)
        prepared = representative_rows(prepared)
        rest = laid_out(rest, eight_bits=True)
        integers, wide = name.endswith("_integers"), name.startswith(WIDE)
        export_full_int8(rest, path, prepared, integers=integers, one_scale=one_scale, wide_activations=wide)
        if integers:
            try:
                check_micro_operations(path, wide_activations=wide)
            except ExportError:
                path.unlink()
                raise
        return self._measured(path, core, name, "int8", preparation, INT8_TOLERANCE, ())

    def cut(self, core: Any) -> tuple[Preparation, Any]:
        """Return the preprocessing of a network and the rest, answering in the units of training.

        Raises:
            ExportError: If what comes before the first trained layer can't be left to the caller.
        """
        found = Preparation.of(with_target_units(fold(core).model, self.prepared.statistics))
        if found is None:
            raise ExportError(
                Finding(
                    "E107",
                    "full_int8",
                    f"texts, crosses of columns and embeddings of more than {MOST_CODES:,} categories are read in "
                    "32 bits, so not all can be in 8 bits.",
                )
            )
        return found

    def _without_standardization(self, core: Any, rows: Array) -> tuple[Any, tuple[str, ...], float | None]:
        """Fold the standardization of inputs where that is exact."""
        try:
            folding = fold(core, batch_normalization=False, standardization=True, rows=rows)
        except CompressionError as error:
            return core, (f"The standardization of inputs was not folded: {error.findings[0].message}",), None
        notes = tuple(f"{layer} was not folded: {why}." for layer, why in folding.kept.items())
        return folding.model, notes, FOLDED_TOLERANCE if folding.folded else None

    def _measured(
        self,
        path: Path,
        core: Any,
        name: str,
        precision: str,
        preparation: Preparation | None,
        tolerance: float | None,
        notes: tuple[str, ...],
    ) -> Candidate:
        prepared = self.prepared
        model = with_target_units(core, prepared.statistics)
        rows = prepared.bundle.test.x[:CHECKED_ROWS]
        runtime = open_runtime(path, preparation)
        if preparation is None:
            artifact = verify_litert(
                path, model, rows, root=self.folder, precision=precision, scale=self._scale, tolerance=tolerance
            )
        else:
            allowed = tolerance if tolerance is not None else TOLERANCES[precision]
            comparison = compare(predictor(model), runtime.predict, rows, allowed, scale=self._scale)
            artifact = verified("litert", path, self.folder, path.stat().st_size, comparison, precision)
        latency = steady_latency(runtime, list(rows[:LATENCY_ROWS]), f"LiteRT {name.replace('_', ' ')}, 1 thread")
        if self._profile is not None:
            latency = self._profile.apply(latency, WIDE if name.startswith(WIDE) else precision)
        bundle = prepared.bundle
        return Candidate(
            name,
            artifact,
            latency,
            measure_litert_sparsity(path).fraction,
            primary(prepared, bundle.val, runtime.predict(bundle.val.x)),
            primary(prepared, bundle.test, runtime.predict(bundle.test.x)),
            preparation,
            notes,
        )


def _folded_and_rounded(model: Any, rows: Array, one_scale: bool) -> Any:
    """Round kernels as the file will hold them, unless something is still to be multiplied into them on the way."""
    try:
        folding = fold(model, standardization=True, target_units=True)
    except CompressionError:
        return model
    if folding.kept:
        return model
    return _rounded(folding.model, representative_rows(rows, MOST_ROWS), one_scale=one_scale, integers=False)


def _rounded(model: Any, rows: Array, *, one_scale: bool, integers: bool) -> Any:
    """Round kernels as the file will hold them; a network that can't be copied is left to the converter."""
    try:
        return round_kernels(model, rows, partial(axis_of_scales, one_scale=one_scale, integers=integers))
    except CompressionError:
        return model


def steady_latency(runtime: Any, rows: list[Array], words: str) -> Latency:
    """Measure latency in several rounds and return the middle one: a round in which the host was busy is no promise."""
    found = [measure_latency(runtime.predict_row, rows, runtime=words, calls=CALLS) for _ in range(ROUNDS)]
    return sorted(found, key=lambda latency: latency.p99_ms)[ROUNDS // 2]


def _in_blocks(predict: Any, rows: Array, block: int = 4096) -> Array:
    return np.concatenate([predict(rows[first : first + block]) for first in range(0, len(rows), block)])


_MAKERS: Mapping[str, Any] = {
    "float32": Workbench.plain,
    "float16": Workbench.plain,
    "dynamic_int8": Workbench.plain,
    "full_int8": Workbench.full,
    "full_int8_integers": Workbench.full,
    WIDE: Workbench.full,
    f"{WIDE}_integers": Workbench.full,
    "sparse_float32": Workbench.sparse,
}
