"""From trained networks to the one that is delivered: sparse, folded, in a precision that keeps the requirements."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from advisor.artifacts import Event, Rung
from advisor.errors import AdvisorError, CompressionError, ExportError, Finding, TrainingError
from advisor.evaluation import primary_metric
from advisor.pipeline.candidates import Candidate, Workbench, cost_of
from advisor.pipeline.device import WIDE, DeviceProfile
from advisor.pipeline.fitting import Fitted
from advisor.pipeline.preparation import Prepared
from advisor.pipeline.progress import Progress
from advisor.pipeline.sparsifying import folded, sparsify

Tell = Callable[[Event], None]
FILE = "model.tflite"
FIRST_TRIES = {
    "float32": ("float32",),
    "float16": ("float16", "float32"),
    "int8": ("dynamic_int8", "float16", "float32"),
}
"""The slot ``precision`` → what is exported; the next one where the first costs more of the metric than allowed."""
ALL_IN_INTEGERS = ("full_int8_integers", f"{WIDE}_integers", "quantization_aware_int8")
"""What a microcontroller runs, in the order of what it takes to make it."""


@dataclass(frozen=True)
class Compressed:
    """What is delivered, and everything that was measured on the way to it.

    Attributes:
        fitted: The networks; the chosen one is sparse and folded as decided.
        delivered: The delivered file.
        candidates: Every file that was measured.
        rungs: Every step that was tried, in order.
        closest: Why no file meets every requirement, and what came closest; empty when one does.
    """

    fitted: Fitted
    delivered: Candidate
    candidates: tuple[Candidate, ...]
    rungs: tuple[Rung, ...]
    closest: str = ""


@dataclass
class Descent:
    """Where the search for a file that keeps the requirements stands; every step changes it through :meth:`weigh`.

    Attributes:
        bench: Makes candidates.
        fitted: The networks.
        val: Validation metric of the chosen network in 32 bits.
        test: Its test metric.
        current: The best file so far.
        candidates: Every file that was measured.
        rungs: Every step that was tried.
        tell: Is told of every step.
    """

    bench: Workbench
    fitted: Fitted
    val: float
    test: float
    current: Candidate | None
    candidates: list[Candidate]
    rungs: list[Rung]
    tell: Tell

    @property
    def requirements(self) -> Any:
        """What must be kept."""
        return self.fitted.recommendation.requirements

    @property
    def allowed(self) -> float:
        """Share of the validation metric that one step may cost."""
        return float(self.fitted.recommendation.values["allowed_metric_cost"])

    def make(self, core: Any, name: str) -> Candidate:
        """Export a network; see :meth:`advisor.pipeline.candidates.Workbench.make_within`."""
        task = self.bench.prepared.bundle.task
        return self.bench.make_within(core, name, lambda made: cost_of(task, self.val, made.val), self.allowed)

    @property
    def integers_only(self) -> bool:
        """Whether the device runs nothing but files all in integers, so that no cost leads back to floats."""
        return bool(self.fitted.recommendation.problem.target_device == "microcontroller")

    @property
    def is_met(self) -> bool:
        """Whether the best file so far keeps every requirement."""
        return self.current is not None and all(each.met for each in self.current.verdicts(self.requirements))

    def skip(self, name: str, why: str, outcome: str = "skipped") -> None:
        """Note a step that made no file."""
        self.rungs.append(Rung(name, outcome, why))
        self.tell(Event("rung", f"{name.replace('_', ' ')}: {outcome.replace('_', ' ')}. {why}", {"rung": name}))

    def weigh(
        self,
        name: str,
        candidate: Candidate,
        *,
        before: tuple[float, float],
        gated: bool = True,
        network_val: float | None = None,
    ) -> bool:
        """Take a file if it costs no more than allowed and comes nearer to the requirements; note it either way.

        Args:
            name: Name of the step.
            candidate: The file.
            before: Validation and test metric before the step.
            gated: Whether the allowed cost binds; a network that was made smaller to fit is delivered at any cost,
                and where only integers run the cost is a requirement that is met or missed.
            network_val: Validation metric of the network that the file was made of; that before the step if None.

        Returns:
            Whether it was taken.
        """
        task, own = self.bench.prepared.bundle.task, before[0] if network_val is None else network_val
        cost = cost_of(task, before[0], candidate.val)
        candidate = replace(candidate, network_val=own, cost=cost_of(task, own, candidate.val))
        self.candidates.append(candidate)
        factor = candidate.violation(self.requirements)
        measured = (
            f"{candidate.latency.p99_ms * 1000:.1f} µs (p99), {candidate.artifact.bytes / 1000:.1f} kB, "
            f"validation {primary_metric(task).name} {before[0]:.4g} → {candidate.val:.4g}"
        )
        if math.isnan(cost) or (cost > self.allowed and gated and not self.integers_only):
            outcome, why = "too_costly", f"{measured}: {cost:+.2%} is more than the allowed {self.allowed:.2%}."
        elif self.current is not None and factor >= self.current.violation(self.requirements):
            outcome, why = "no_gain", f"{measured}: no nearer to what is required."
        else:
            outcome, why = "taken", f"{measured}."
            self.current = candidate
        self.rungs.append(
            Rung(
                name=name,
                outcome=outcome,
                why=why,
                artifact=str(candidate.artifact.path),
                latency_p50_ms=candidate.latency.p50_ms,
                latency_p99_ms=candidate.latency.p99_ms,
                bytes=candidate.artifact.bytes,
                sparsity=candidate.sparsity,
                val_before=before[0],
                val_after=candidate.val,
                cost=cost,
                allowed=self.allowed,
                test_before=before[1],
                test_after=candidate.test,
            )
        )
        self.tell(Event("rung", f"{name.replace('_', ' ')}: {outcome.replace('_', ' ')}. {why}", {"rung": name}))
        return outcome == "taken"


def compress(
    prepared: Prepared,
    fitted: Fitted,
    folder: Path,
    checkpoints: Path,
    progress: Progress,
    *,
    profile: DeviceProfile | None = None,
    resume: bool = False,
) -> Compressed:
    """Carry out what the recommendation says of compression, and go down its ladder while a requirement is missed.

    Args:
        prepared: Data and decisions.
        fitted: The trained networks.
        folder: The growing run folder.
        checkpoints: Folder of the checkpoints, for networks that are trained anew.
        progress: Is told of every step.
        profile: The device that latency is for; None is this host.
        resume: Go on from checkpoints that are there.

    Returns:
        The delivered file, at ``model/model.tflite``, and all that was measured.

    Raises:
        ExportError: If not even a file in 32 bits can be made.
        Interrupted: If the user stopped it.
    """
    from advisor.pipeline.requirements_loop import descend

    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        progress.event(event)

    progress.stage("Compressing", "as decided, and further where a requirement is missed; every step is measured")
    settled = settle(prepared, fitted, progress, tell, checkpoints=checkpoints, resume=resume)
    bench = Workbench(prepared, folder, profile)
    val, test = bench.metrics(settled.chosen.core)
    descent = Descent(bench, settled, val, test, None, [], [], tell)
    first_export(descent)
    closest = ""
    if not descent.is_met:
        closest = descend(descent, checkpoints, progress, resume)
    if descent.current is None:
        reasons = " ".join(rung.why for rung in descent.rungs if rung.outcome == "failed")
        raise ExportError(
            Finding(
                "E109",
                "target_device",
                f"no file all in integers can be made for a microcontroller: {reasons}",
                "Give more training rows, or a dense or convolutional network, or deliver for the host.",
            )
        )
    return _deliver(descent, events, folder, closest)


def settle(
    prepared: Prepared,
    fitted: Fitted,
    progress: Progress,
    tell: Tell,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
) -> Fitted:
    """Make a trained network sparse and fold its normalization, as far as the recommendation says so."""
    try:
        fitted = sparsify(prepared, fitted, progress, tell, checkpoints=checkpoints, resume=resume)
    except (CompressionError, TrainingError) as error:
        tell(Event("not_sparse", f"The network was not made sparse: {error.findings[0].message}"))
    if fitted.recommendation.values["fold_batch_normalization"]:
        fitted = folded(prepared, fitted, tell)[0]
    return fitted


def first_export(descent: Descent, names: tuple[str, ...] | None = None) -> None:
    """Export in the recommended precision, or in the next one where that costs too much of the metric."""
    recommendation = descent.fitted.recommendation
    if names is None:
        names = ALL_IN_INTEGERS[:1] if descent.integers_only else FIRST_TRIES[recommendation.values["precision"]]
    core, before = descent.fitted.chosen.core, (descent.val, descent.test)
    for name in names:
        if name == "float32":
            descent.weigh(name, descent.bench.make(core, name), before=before, gated=False)
            return
        try:
            candidate = descent.make(core, name)
        except AdvisorError as error:
            descent.skip(name, error.findings[0].message, "failed")
            continue
        if descent.weigh(name, candidate, before=before):
            return


def _deliver(descent: Descent, events: list[Event], folder: Path, closest: str) -> Compressed:
    """Put the delivered file in its place, and note everywhere that it is the one."""
    current = descent.current
    assert current is not None
    final = folder / "model" / FILE
    before = str(current.artifact.path)
    final.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder / before, final)
    artifact = replace(current.artifact, path=final.relative_to(folder))
    delivered = replace(current, artifact=artifact)
    ladder = folder / "model" / "ladder"
    if ladder.is_dir() and not any(ladder.iterdir()):
        ladder.rmdir()
    rungs = tuple(
        replace(rung, artifact=str(artifact.path), delivered=True) if rung.artifact == before else rung
        for rung in descent.rungs
    )
    fitted = replace(descent.fitted, events=(*descent.fitted.events, *events))
    candidates = tuple(delivered if each is current else each for each in descent.candidates)
    return Compressed(fitted, delivered, candidates, rungs, closest)
