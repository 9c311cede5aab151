"""Uncertainty in the chain: rows set aside, candidates judged by likelihood, a calibrated model that still samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.artifacts import Array, Artifact, Event, Latency, Part, SamplingParts, Verdict
from advisor.builder import logits_model, with_target_units
from advisor.errors import ExportError, Finding
from advisor.evaluation import latency_measurement, measure_latency, verdicts
from advisor.export import (
    SamplingRuntime,
    export_sampling_litert,
    load_sampling_model,
    save_sampling_model,
    verify_sampling,
)
from advisor.pipeline.assessing import JUDGED_ROWS, assess, shared_noise
from advisor.pipeline.candidates import open_runtime
from advisor.pipeline.preparation import Prepared
from advisor.pipeline.progress import Progress
from advisor.storage import write_json
from advisor.uncertainty import (
    Sampler,
    Statement,
    class_loss,
    conformal_scores,
    draw_masks,
    fit_noise,
    fit_temperature,
    logits_of,
    mixture_log_density,
    random_layers,
    sampling_parts,
    split_validation,
    tempered,
)
from advisor.uncertainty.statement import CLASS_TASKS, STATEMENT

if TYPE_CHECKING:
    from advisor.pipeline.delivery import Delivered
    from advisor.pipeline.fitting import Fitted

ARTIFACT = "model/sampling.tflite"
SAVED_MODEL = "model/sampling"
COMPARED_ROWS = 64
TIMED_ROWS = 100
MOST_STANDARD_ERRORS = 6.0
"""How far the means of two draws may lie apart: all rows share a draw, so that a single unlucky one shows in all."""
_SHRINK = 0.8
_TRIES, _ROUNDS = 6, 3
TITLES = {
    "sample_whole_network": "sampling the whole network",
    "sample_last_layers": "sampling only the last dropout layer",
    "single_pass": "a calibrated single pass",
}


@dataclass(frozen=True)
class Uncertainty:
    """What is known of how the delivered model states its uncertainty.

    Attributes:
        statement: How it does.
        artifacts: Delivered files that sample.
        events: What happened, above all what was given up.
        latency: Latency of a prediction with its uncertainty.
        measured: The section ``uncertainty`` of ``metrics.json``.
    """

    statement: Statement
    artifacts: tuple[Artifact, ...]
    events: tuple[Event, ...]
    latency: Latency
    measured: Mapping[str, Any]


def set_aside(prepared: Prepared, progress: Progress) -> tuple[Prepared, Part | None]:
    """Take some of the validation rows away from choosing, to calibrate on, where the recommendation calibrates.

    Args:
        prepared: Data and decisions.
        progress: Is told.

    Returns:
        What training may see, and the rows to calibrate on (None where nothing is calibrated).

    Raises:
        DataError: If they would be too few, or hold one class only.
    """
    if prepared.values.get("calibration", "none") == "none":
        return prepared, None
    val = prepared.bundle.val
    share = float(prepared.values["calibration_share"])
    kept, taken = split_validation(val.y, prepared.bundle.task, share=share, seed=prepared.request.seed)
    progress.stage("Setting aside", f"{len(taken)} of {len(val)} validation rows, to calibrate on")
    bundle = replace(prepared.bundle, val=_rows(val, kept))
    return replace(prepared, bundle=bundle), _rows(val, taken)


def judge(prepared: Prepared, core: Any, values: Mapping[str, Any]) -> float | None:
    """Return the mean negative log-likelihood of the validation rows under the sampled network; lower is better.

    Args:
        prepared: Data and decisions; its validation rows are those for choosing.
        core: The trained network, in training units.
        values: Slots of the recommendation that it carries out.

    Returns:
        None where nothing is sampled.
    """
    if not values.get("mc_dropout"):
        return None
    network, task = _answering(prepared, core), prepared.bundle.task
    if not random_layers(network):
        return None
    x, y = prepared.bundle.val.x[:JUDGED_ROWS], prepared.bundle.val.y[:JUDGED_ROWS]
    answers = Sampler(sampling_parts(network), int(values["mc_samples"]), seed=prepared.request.seed)(x)
    return likelihood_loss(answers, y, task, values.get("noise_degrees_of_freedom") or ())


def likelihood_loss(answers: Array, y: Array, task: str, degrees: Sequence[float] = ()) -> float:
    """Return the least mean negative log-likelihood over the noise (values) or the temperature (classes)."""
    if task in CLASS_TASKS:
        return class_loss(tempered(answers, fit_temperature(answers, y, task), task), y, task)
    truth = np.asarray(y, np.float64).reshape(len(answers), -1)
    noise, freedom = fit_noise(answers, truth, degrees)
    return -float(mixture_log_density(answers, noise, truth, freedom).mean())


def state_uncertainty(
    prepared: Prepared,
    fitted: Fitted,
    calibration: Part | None,
    single_pass: Callable[[Array], Array],
    folder: Path,
    progress: Progress,
    *,
    precision: str = "float32",
) -> Uncertainty | None:
    """Deliver the chosen network so that it can sample within the budget, calibrate it, and measure it.

    Args:
        prepared: Data and decisions.
        fitted: The trained networks.
        calibration: Rows that nothing has used; None where the recommendation doesn't calibrate.
        single_pass: The delivered model, from encoded rows to answers.
        folder: The growing run folder.
        progress: Is told.
        precision: Precision of the sampling file.

    Returns:
        What was done and measured; None where the recommendation asks for no uncertainty.

    Raises:
        ExportError: If the sampling file differs from the network in memory.
        StorageError: If a file can't be written.
    """
    values = fitted.recommendation.values
    if calibration is None or not values.get("mc_dropout"):
        return None
    progress.stage("Sampling", "the delivered network with dropout, within the budget; calibrating what it states")
    network = _answering(prepared, fitted.chosen.core)
    budget = next(
        (float(each["required"]) for each in fitted.recommendation.requirements if each["name"] == "latency"), None
    )
    maker = _Maker(prepared, network, single_pass, folder, precision, budget, values)
    way = maker.choose()
    task, bundle = prepared.bundle.task, prepared.bundle
    answers = way.answer(calibration.x)
    plain = _plain(single_pass, task)
    if task in CLASS_TASKS:
        temperature = fit_temperature(answers, calibration.y, task)
        noise, freedom, scores = np.zeros(0), np.zeros(0), np.zeros((0, 0))
        single = fit_temperature(plain(calibration.x)[:, None, :], calibration.y, task)
    else:
        temperature, single = 1.0, 1.0
        noise, freedom = shared_noise(prepared, calibration, way.answer, answers, values)
        scores = conformal_scores(answers, noise, calibration.y)
    statement = Statement(
        task=task,
        method=way.method,
        samples=way.samples,
        seed=bundle_seed(prepared),
        masks=() if way.parts is None else way.parts.masks,
        artifact=None if way.artifact is None else str(way.artifact.path),
        faster=way.faster(bundle.test.x),
        temperature=temperature,
        noise=tuple(map(float, noise)),
        scores=tuple(tuple(map(float, each)) for each in scores.T),
        calibration_rows=len(calibration),
        single_temperature=single,
        degrees=tuple(map(float, freedom)),
    )
    artifacts = [] if way.artifact is None else [way.artifact]
    if way.parts is not None and values.get("sampling_artifact") == "sampling_signature":
        artifacts.append(_save_signature(way, statement, folder, bundle.test.x[:COMPARED_ROWS]))
    write_json(folder / STATEMENT, statement.as_dict())
    measured = assess(prepared, statement, calibration, way.answer, plain, way.latency, values)
    return Uncertainty(statement, tuple(artifacts), tuple(maker.events), way.latency, measured)


def with_uncertainty(
    prepared: Prepared,
    fitted: Fitted,
    delivered: Delivered,
    calibration: Part | None,
    folder: Path,
    progress: Progress,
) -> tuple[Delivered, Fitted]:
    """Add to a delivery what :func:`state_uncertainty` does; a latency budget then counts for the whole answer.

    Args:
        prepared: Data and decisions.
        fitted: The trained networks.
        delivered: What was delivered and measured so far.
        calibration: Rows to calibrate on, or None.
        folder: The growing run folder.
        progress: Is told.

    Returns:
        The same two, with artefacts, latency, verdicts and events of sampling; as they were where nothing is sampled.
    """
    if calibration is None or delivered.compressed is None:
        return delivered, fitted
    chosen = delivered.compressed.delivered
    runtime = open_runtime(folder / chosen.artifact.path, chosen.preparation)
    stated = state_uncertainty(
        prepared,
        fitted,
        calibration,
        runtime.predict,
        folder,
        progress,
        precision=_precision(chosen.artifact.precision),
    )
    if stated is None:
        return delivered, fitted
    for event in stated.events:
        progress.event(event)
    latency = stated.latency if stated.latency.p99_ms > delivered.latency.p99_ms else delivered.latency
    measurements = {**delivered.measurements, "latency": latency_measurement(latency)}
    judged = verdicts(fitted.recommendation.requirements, measurements)
    compressed = delivered.compressed
    if not compressed.closest:
        compressed = replace(compressed, closest=_missed_by_sampling(judged, chosen.latency.p99_ms, stated))
    delivered = replace(
        delivered,
        artifacts=(*delivered.artifacts, *stated.artifacts),
        latency=latency,
        measurements=measurements,
        verdicts=judged,
        compressed=compressed,
        uncertainty=stated,
    )
    total = len(calibration) + len(prepared.bundle.val)
    event = Event(
        "set_aside",
        f"{len(calibration)} of {total} validation rows served only to calibrate; the others to stop and to choose.",
        {"calibration_rows": len(calibration), "validation_rows": total},
    )
    recommendation = fitted.recommendation
    for given_up in stated.events:
        if given_up.kind in ("given_up", "fewer_samples"):
            recommendation = recommendation.with_warning("W111", given_up.message, "mc_dropout", "mc_samples")
    events = (*fitted.events, event, *stated.events)
    return delivered, replace(fitted, recommendation=recommendation, events=events)


def _missed_by_sampling(judged: Sequence[Verdict], plain_ms: float, stated: Uncertainty) -> str:
    """Say what came closest to a latency budget that the file keeps and its answers with uncertainty don't."""
    for verdict in judged:
        if verdict.name == "latency" and not verdict.met:
            way = TITLES[stated.statement.method]
            return (
                f"One answer with its uncertainty takes {verdict.measured:.4g} ms ({way}), more than the budget of "
                f"{verdict.required:g} ms; the delivered file without it takes {plain_ms:.4g} ms."
            )
    return ""


def _precision(delivered: str) -> str:
    """Return the precision of the sampling file: that of the delivered file, with activations in floats."""
    return delivered if delivered in ("float32", "float16") else "int8"


def bundle_seed(prepared: Prepared) -> int:
    """Return the seed of the delivered masks."""
    return int(prepared.request.seed)


@dataclass(frozen=True)
class _Way:
    """One way to answer with uncertainty, ready to use."""

    method: str
    samples: int
    parts: SamplingParts | None
    artifact: Artifact | None
    runtime: SamplingRuntime | None
    sampler: Sampler | None
    latency: Latency
    single: Callable[[Array], Array]

    def answer(self, rows: Array) -> Array:
        """Return (rows, samples, outputs)."""
        if self.runtime is not None:
            return self.runtime(rows)
        if self.sampler is not None:
            return self.sampler(rows)
        return self.single(rows)[:, None, :]

    def faster(self, rows: Array) -> dict[str, str]:
        """Measure which runtime answers one row, and many, in less time."""
        if self.sampler is None or (self.artifact is not None and self.artifact.precision != "float32"):
            return {"one": "litert", "many": "litert"}
        if self.runtime is None:
            return {"one": "keras", "many": "keras"}
        found = {}
        for name, some in (("one", rows[:1]), ("many", rows[:TIMED_ROWS])):
            found[name] = "litert" if _seconds(self.runtime, some) <= _seconds(self.sampler, some) else "keras"
        return found


def _seconds(function: Callable[[Array], Array], rows: Array) -> float:
    taken = []
    for _ in range(4):
        begun = time.perf_counter()
        function(rows)
        taken.append(time.perf_counter() - begun)
    return min(taken[1:])


class _Maker:
    """Goes down the ladder until the budget is kept, and notes what was given up."""

    def __init__(
        self,
        prepared: Prepared,
        network: Any,
        single_pass: Callable[[Array], Array],
        folder: Path,
        precision: str,
        budget: float | None,
        values: Mapping[str, Any],
    ) -> None:
        self._prepared, self._network, self._folder = prepared, network, folder
        self._single = _plain(single_pass, prepared.bundle.task)
        self._precision, self._budget = precision, budget
        self._wanted, self._fewest = int(values["mc_samples"]), int(values["mc_minimum_samples"])
        self._ladder = list(values.get("uncertainty_ladder") or ["sample_whole_network"])
        self.events: list[Event] = []

    def choose(self) -> _Way:
        """Return the first way of the ladder that keeps the budget; the last one, if none does."""
        if not random_layers(self._network):
            self._give_up("single_pass", "the chosen network has no dropout", {})
            return self._single_way()
        order = [rung for rung in ("sample_whole_network", "sample_last_layers") if rung in self._ladder]
        slowest = None
        for rung in order:
            way, latency = self._fitting(rung)
            if way is not None:
                return way
            slowest = latency
        facts = {} if slowest is None else {"p99_ms": slowest.p99_ms, "budget_ms": self._budget}
        if "single_pass" in self._ladder or slowest is None:
            self._give_up("single_pass", f"even {self._fewest} samples take longer than the budget", facts)
            return self._single_way()
        return self._make(order[-1], self._fewest)

    def _fitting(self, rung: str) -> tuple[_Way | None, Latency | None]:
        """Return this rung with as many samples as the budget allows, or None and the latency at the fewest."""
        way = self._make(rung, self._wanted)
        if self._budget is None or way.latency.p99_ms <= self._budget:
            if rung != "sample_whole_network":
                self._give_up(rung, "sampling the whole network takes longer than the budget", self._facts(way))
            return way, None
        least = self._make(rung, self._fewest)
        if least.latency.p99_ms > self._budget:
            return None, least.latency
        slope = (way.latency.p99_ms - least.latency.p99_ms) / max(self._wanted - self._fewest, 1)
        room = self._budget - least.latency.p99_ms
        samples = min(self._wanted - 1, self._fewest + int(room / max(slope, 1e-9) * 0.9))
        for _ in range(_TRIES):
            if samples <= self._fewest:
                break
            way = self._make(rung, samples)
            if way.latency.p99_ms <= self._budget:
                break
            samples = int(samples * _SHRINK)
        else:
            samples = self._fewest
        way = way if samples > self._fewest else self._make(rung, self._fewest)
        self.events.append(
            Event(
                "fewer_samples",
                f"{way.samples} samples instead of {self._wanted}: more take longer than the budget of "
                f"{self._budget:g} ms ({TITLES[rung]}).",
                self._facts(way),
            )
        )
        if rung != "sample_whole_network":
            self._give_up(rung, "sampling the whole network takes longer than the budget", self._facts(way))
        return way, None

    def _facts(self, way: _Way) -> dict[str, Any]:
        return {"samples": way.samples, "p99_ms": way.latency.p99_ms, "budget_ms": self._budget}

    def _give_up(self, method: str, why: str, facts: Mapping[str, Any]) -> None:
        self.events.append(
            Event("given_up", f"Uncertainty comes from {TITLES[method]}, for {why}.", {"method": method, **facts})
        )

    def _make(self, rung: str, samples: int) -> _Way:
        """Export and prove one way; recurrent layers that draw masks of their own are sampled by Keras."""
        parts = sampling_parts(self._network, last_only=rung == "sample_last_layers")
        seed = bundle_seed(self._prepared)
        sampler = Sampler(parts, samples, seed=seed)
        rows = self._prepared.bundle.test.x[:COMPARED_ROWS]
        path = self._folder / ARTIFACT
        runtime, artifact = None, None
        try:
            export_sampling_litert(parts, path, samples=samples, precision=self._precision)
        except ExportError as error:
            path.unlink(missing_ok=True)
            self.events.append(Event("not_exported", f"Sampling runs in Keras: {error.findings[0].message}"))
        else:
            runtime = SamplingRuntime(path, draw_masks(parts.masks, samples, seed))
            artifact = verify_sampling(
                path,
                sampler(rows),
                runtime(rows),
                root=self._folder,
                precision=self._precision,
                scale=self._scale(),
                layers=sum(len(weight.shape) > 1 for weight in self._network.weights),
            )
        one = runtime.sample_row if runtime is not None else lambda row: sampler(row[None])

        def answer(row: Array) -> tuple[Any, Any]:
            drawn = one(row)
            return drawn.mean(axis=-2), drawn.var(axis=-2)

        name = f"LiteRT {self._precision}, 1 thread" if runtime is not None else "Keras"
        latency = self._timed(answer, f"{name}, {samples} samples")
        return _Way(rung, samples, parts, artifact, runtime, sampler, latency, self._single)

    def _timed(self, answer: Callable[[Array], Any], runtime: str) -> Latency:
        """Measure a way to answer; again, at most twice, while it misses the budget: others may use the processor."""
        rows = list(self._prepared.bundle.test.x[:COMPARED_ROWS])
        best = measure_latency(answer, rows, runtime=runtime, calls=1000, warmup=100)
        for _ in range(_ROUNDS - 1):
            if self._budget is None or best.p99_ms <= self._budget:
                break
            again = measure_latency(answer, rows, runtime=runtime, calls=1000, warmup=100)
            best = again if again.p99_ms < best.p99_ms else best
        return best

    def _single_way(self) -> _Way:
        (self._folder / ARTIFACT).unlink(missing_ok=True)
        latency = self._timed(lambda row: self._single(row[None]), "LiteRT, 1 thread, single pass")
        return _Way("single_pass", 1, None, None, None, None, latency, self._single)

    def _scale(self) -> Array | float:
        scale = self._prepared.statistics.target_scale
        return 1.0 if scale is None else scale


def _save_signature(way: _Way, statement: Statement, folder: Path, rows: Array) -> Artifact:
    """Save the SavedModel that draws its own masks, and compare its means with those in memory."""
    assert way.parts is not None  # only called for ways that sample
    assert way.sampler is not None
    target = folder / SAVED_MODEL
    save_sampling_model(
        way.parts,
        target,
        samples=way.samples,
        task=statement.task,
        temperature=statement.temperature,
        noise=np.array(statement.noise) if statement.noise else None,
    )
    drawn = load_sampling_model(target)(np.asarray(rows, way.parts.prefix.inputs[0].dtype), 1)["samples"].numpy()
    kept = way.sampler(rows)
    if statement.is_of_classes:
        kept = tempered(kept, statement.temperature, "multilabel" if statement.task == "binary" else statement.task)
    spread = np.sqrt((drawn.var(axis=1) + kept.var(axis=1)) / way.samples)
    floor = 1e-4 * (1.0 + np.abs(kept.mean(axis=1)))
    apart = np.abs(drawn.mean(axis=1) - kept.mean(axis=1)) / np.maximum(spread, floor)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    largest = float(np.median(apart))
    if not largest <= MOST_STANDARD_ERRORS:
        raise ExportError(
            Finding(
                "E106",
                str(target),
                f"the SavedModel's mean answers lie {largest:.3g} standard errors from those in memory; "
                f"allowed: {MOST_STANDARD_ERRORS:g}.",
            )
        )
    return Artifact("sampling_saved_model", Path(SAVED_MODEL), size, largest, MOST_STANDARD_ERRORS, len(rows))


def _answering(prepared: Prepared, core: Any) -> Any:
    """Return the network that is sampled: classes before the last activation, values in the user's units."""
    if prepared.bundle.task in CLASS_TASKS:
        return logits_model(core)
    return with_target_units(core, prepared.statistics)


def _plain(single_pass: Callable[[Array], Array], task: str) -> Callable[[Array], Array]:
    return lambda rows: logits_of(np.asarray(single_pass(rows)), task)


def _rows(part: Part, positions: Array) -> Part:
    return Part(part.x[positions], part.y[positions], part.rows[positions])
