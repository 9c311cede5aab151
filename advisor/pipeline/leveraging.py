"""Other data as a beginning: every way that applies is tried, and kept only where it helps on the validation rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, Event, PretrainedBody
from advisor.builder import Cut, put_in, recurrent
from advisor.errors import AdvisorError, StorageError, TrainingError
from advisor.export.keras_format import predictor
from advisor.pipeline.clock import Clock
from advisor.pipeline.fine_tuning import Tuning, fine_tune
from advisor.pipeline.fitting import Candidate, Fitted, Trial, candidates, start_paths
from advisor.pipeline.preparation import Prepared
from advisor.pipeline.progress import Progress, Silent
from advisor.pipeline.reusing_steps import lower
from advisor.pipeline.work import Work

WAYS = {
    "reuse": "advisor.pipeline.reusing",
    "unsupervised": "advisor.pipeline.unlabeled",
    "auxiliary": "advisor.pipeline.auxiliary",
}
"""Value of the slot ``pretraining`` → the module whose ``pretrained_body(work)`` carries it out."""
TITLES = {
    "reuse": "Reusing layers",
    "unsupervised": "Pretraining without labels",
    "auxiliary": "Training for a similar task first",
}
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Leveraged:
    """One way of starting from other data, and what came of it.

    Attributes:
        kind: ``reuse``, ``unsupervised`` or ``auxiliary``.
        outcome: ``kept``, ``dropped``, ``failed`` or ``not_tried``.
        why: The reason, in one sentence with numbers.
        source: What it started from.
        layers: How many layers with a kernel were kept, in each try, in order.
        losses: Validation loss of each try.
        scratch_loss: Validation loss from scratch.
        gain: Mean gain over scratch of the best try, row by row on the validation rows.
        error: Standard error of that gain.
        seconds: Wall time, pretraining included.
        notes: What a person should know.
    """

    kind: str
    outcome: str
    why: str
    source: str = ""
    layers: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()
    scratch_loss: float | None = None
    gain: float | None = None
    error: float | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Try:
    """One number of layers to keep: how the network is built, and which of its layers begin with what."""

    count: int
    body: Any
    weights: dict[str, tuple[Array, ...]]
    settings: Mapping[str, Any] = field(default_factory=dict)


def leverage(
    prepared: Prepared,
    fitted: Fitted,
    *,
    checkpoints: Path,
    logs: Path,
    resume: bool,
    progress: Progress,
    clock: Clock,
) -> Fitted:
    """Try what the slot ``pretraining`` lists, in its order, and deliver the best network on the validation rows.

    Every way is trained with the recipe of the best network from scratch, on the same split. What doesn't beat that
    network by more than the noise of the validation rows is dropped, and stays in the report.

    Args:
        prepared: Data and decisions.
        fitted: The networks from scratch.
        checkpoints: Folder of the checkpoints; every step has one below it.
        logs: Folder of the TensorBoard logs.
        resume: Go on from checkpoints that are there.
        progress: Is told of everything.
        clock: What is left of the time budget.

    Returns:
        The same with what was tried beside it; the chosen network may be one of them.

    Raises:
        Interrupted: If the user stopped the run.
    """
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        progress.event(event)

    kinds: Sequence[str] = fitted.recommendation.values.get("pretraining") or ()
    waiting = [kind for kind in kinds if prepared.others.has(kind)]
    stage = _Stage(prepared, fitted, checkpoints, logs, resume, progress, clock, tell)
    found: list[Leveraged] = []
    for kind in kinds:
        if kind not in waiting:
            found.append(_without_data(kind, tell))
            continue
        if clock.is_over():
            found.append(Leveraged(kind, "not_tried", "The time budget was used up before."))
            tell(Event("not_leveraged", f"{TITLES[kind]} was not tried: the time budget is used up.", {"kind": kind}))
            continue
        progress.stage(TITLES[kind], "compared with training from scratch on the same validation rows")
        found.append(stage.carry_out(kind, len(waiting) - waiting.index(kind)))
    found += _unasked(prepared, kinds, tell)
    chosen = stage.best
    found = [_settled(each, chosen.candidate.origin, tell) for each in found]
    if chosen.candidate.origin:
        tell(
            Event(
                "script",
                "The delivered network began with other data, which train.py does not: it trains the recommended "
                "network from scratch.",
            )
        )
    return replace(
        fitted,
        chosen=chosen,
        trials=(*fitted.trials, *stage.trials),
        events=(*fitted.events, *events),
        leveraging=tuple(found),
    )


def check_reuse(prepared: Prepared, checkpoints: Path, logs: Path) -> None:
    """Refuse a pretrained network whose layers don't fit the user's data, before anything is trained.

    Args:
        prepared: Data and decisions.
        checkpoints: Folder of the checkpoints; nothing is written there.
        logs: Folder of the logs, likewise.

    Raises:
        RequestError: If the inputs can't be matched.
        BuildError: If layers can't be built for these inputs.
    """
    if "reuse" not in (prepared.values.get("pretraining") or ()) or not prepared.others.has("reuse"):
        return
    candidate = next(candidates(prepared.recommendation, "first"))
    work = Work(prepared, candidate, checkpoints, logs, False, None, Silent())
    body: PretrainedBody = import_module(WAYS["reuse"]).pretrained_body(work)
    first = next(_tries_of(work, body))
    core = work.build(statistics=body.statistics, body=first.body, settings=first.settings)
    put_in(core, first.weights, place=body.title)


def _without_data(kind: str, tell: Callable[[Event], None]) -> Leveraged:
    option = {"reuse": "--pretrained", "unsupervised": "--unlabeled", "auxiliary": "--auxiliary"}[kind]
    why = f"It is advised, but there is nothing to start from: give it with {option}."
    tell(Event("not_leveraged", f"{TITLES[kind]} was not tried. {why}", {"kind": kind}))
    return Leveraged(kind, "not_tried", why)


def _unasked(prepared: Prepared, kinds: Sequence[str], tell: Callable[[Event], None]) -> Iterator[Leveraged]:
    """Say so where something was given that the rules don't advise to use."""
    for kind in WAYS:
        if prepared.others.has(kind) and kind not in kinds:
            why = "The rules don't advise it for as few rows as there are."
            tell(Event("not_leveraged", f"{TITLES[kind]} was not tried. {why}", {"kind": kind}))
            yield Leveraged(kind, "not_tried", why)


def _settled(each: Leveraged, origin: str, tell: Callable[[Event], None]) -> Leveraged:
    """Let only the delivered way be called kept: a later one may have been better still."""
    if each.outcome != "kept" or each.kind == origin:
        return each
    why = f"It helped, but {TITLES[origin].lower()} helped more. {each.why}"
    tell(Event("leveraged", f"{TITLES[each.kind]} is dropped. {why}", {"kind": each.kind, "outcome": "dropped"}))
    return replace(each, outcome="dropped", why=why)


class _Stage:
    """Where the stage stands: the best network so far, and what it is compared with."""

    def __init__(
        self,
        prepared: Prepared,
        fitted: Fitted,
        checkpoints: Path,
        logs: Path,
        resume: bool,
        progress: Progress,
        clock: Clock,
        tell: Callable[[Event], None],
    ) -> None:
        self.prepared, self.scratch, self.best = prepared, fitted.chosen, fitted.chosen
        self.checkpoints, self.logs, self.resume = checkpoints, logs, resume
        self.progress, self.clock, self.tell = progress, clock, tell
        self.trials: list[Trial] = []
        self._scratch_losses: Array | None = None

    def carry_out(self, kind: str, left: int) -> Leveraged:
        """Pretrain, try how many layers to keep, and compare the best try with the network from scratch."""
        share = self.clock.share(left)
        for_pretraining = float(self.scratch.candidate.recommendation.values["pretraining_time_share"])
        work = Work(
            self.prepared,
            self.scratch.candidate,
            self.checkpoints / kind,
            self.logs,
            self.resume,
            None if share is None else share * for_pretraining,
            self.progress,
        )
        try:
            body: PretrainedBody = import_module(WAYS[kind]).pretrained_body(work)
            for event in body.events:
                self.tell(event)
            for note in body.notes:
                self.tell(Event("pretrained", f"From {body.title}: {note}", {"kind": kind}))
            tried = self._tries(work, body, left)
        except StorageError:
            raise
        except AdvisorError as error:
            why = error.findings[0].message
            self.tell(Event("not_leveraged", f"{TITLES[kind]} failed: {why}", {"kind": kind}))
            return Leveraged(kind, "failed", why)
        if not tried:
            return Leveraged(kind, "not_tried", "The time budget was used up before the first try.", body.title)
        return self._judged(kind, body, tried)

    def _tries(self, work: Work, body: PretrainedBody, left: int) -> list[tuple[int, Trial]]:
        """Keep as many layers as possible first, then fewer."""
        waiting = list(_tries_of(work, body))
        done: list[tuple[int, Trial]] = []
        for number, each in enumerate(waiting):
            if done and self.clock.is_over():
                message = f"The time budget is used up; fewer than {done[-1][0]} layers were not tried."
                self.tell(Event("stopped", message))
                break
            candidate = self._candidate(body, each, len(body.layers))
            share = self.clock.share(left)
            tuning = Tuning(
                work=work,
                candidate=candidate,
                kept=tuple(each.weights),
                partly_fresh=tuple(name for name, arrays in each.weights.items() if any(map(_has_gaps, arrays))),
                rate=self.scratch.report.maximum_learning_rate,
                seconds=None if share is None else share / (len(waiting) - number),
            )
            core = work.build(statistics=body.statistics, body=each.body, settings=each.settings)
            put_in(core, each.weights, place=body.title)
            statistics = body.statistics if body.statistics is not None else work.prepared.statistics
            start_paths(core, work.prepared.encoder.inputs, statistics, work.prepared.bundle, work.values)
            try:
                trial = fine_tune(core, tuning)
            except TrainingError as error:
                if number == len(waiting) - 1 and not done:
                    raise
                self.tell(Event("not_leveraged", f"{candidate.title}: {error.findings[0].message}"))
                continue
            for event in trial.report.events:
                self.tell(event)
            self.trials.append(trial)
            done.append((each.count, trial))
        return done

    def _candidate(self, body: PretrainedBody, each: _Try, layers: int) -> Candidate:
        scratch = self.scratch.candidate
        title = f"{body.kind}, {each.count} of {layers} layers kept"
        return replace(scratch, label=f"{body.kind}-{each.count}", title=title, origin=body.kind)

    def _judged(self, kind: str, body: PretrainedBody, tried: list[tuple[int, Trial]]) -> Leveraged:
        """Compare row by row: a mean gain within its own noise is none."""
        if self._scratch_losses is None:
            self._scratch_losses = row_losses(self.prepared, self.scratch.core)
        count, best = min(tried, key=lambda each: each[1].judged)
        gains = self._scratch_losses - row_losses(self.prepared, best.core)
        gain, error = float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(len(gains))) if len(gains) > 1 else 0.0
        errors = float(self.scratch.candidate.recommendation.values["leverage_margin_errors"])
        helps = gain > errors * error and best.judged < self.scratch.judged
        kept = helps and best.judged < self.best.judged
        numbers = (
            f"validation loss {best.judged:.4g} with {count} of {len(body.layers)} layers kept, "
            f"{self.scratch.judged:.4g} from scratch (gain {gain:.3g} ± {error:.2g} a row)"
        )
        if kept:
            self.best = best
            why = f"It helps: {numbers}."
        elif helps:
            why = f"It helps, but another way helped more: {numbers}."
        else:
            why = f"It doesn't help by more than {errors:g} standard errors: {numbers}."
        outcome = "kept" if kept else "dropped"
        self.tell(
            Event(
                "leveraged",
                f"{TITLES[kind]} ({body.title}) is {outcome}. {why}",
                {"kind": kind, "outcome": outcome, "layers": count, "gain": gain, "error": error},
            )
        )
        return Leveraged(
            kind=kind,
            outcome=outcome,
            why=why,
            source=body.title,
            layers=tuple(number for number, _ in tried),
            losses=tuple(trial.judged for _, trial in tried),
            scratch_loss=self.scratch.judged,
            gain=gain,
            error=error,
            seconds=body.seconds + sum(trial.report.seconds for _, trial in tried),
            notes=body.notes,
        )


def _has_gaps(array: Array) -> bool:
    return bool(np.isnan(array).any())


def _tries_of(work: Work, body: PretrainedBody) -> Iterator[_Try]:
    """Yield how many layers to keep, from the top downwards, as many as the rulebook allows, evenly spread."""
    weights = {name: tuple(arrays) for name, arrays in body.weights.items()}
    most = 1 if body.kind == "unsupervised" else max(1, int(work.values["reuse_tries"]))
    if body.network is None:
        for count in _downwards(len(body.layers), most):
            settings, network = dict(body.settings), None
            if body.forms:
                network = partial(recurrent, forms=body.forms[:count])
                settings["hidden_layers"] = count if work.values["dropped_layers"] == "drop" else len(body.layers)
            yield _Try(count, network, lower(weights, body.layers, count), settings)
        return
    trunk = body.network
    cuts: Sequence[Cut] = trunk.cuts
    for cut in [cuts[count - 1] for count in _downwards(len(cuts), most)]:
        dropped = len(cuts[-1].kernels) - len(cut.kernels)
        above = dropped if work.values["dropped_layers"] == "replace" else 0
        prepared_kind = work.prepared.encoder.inputs.kind
        dropout = work.values["reused_dropout"] == "all"
        graft = trunk.graft(cut, shape=_laid_out(trunk, body, prepared_kind), above=above, dropout=dropout)
        below = set(trunk.below(cut))
        kept = {graft.name_of(name): arrays for name, arrays in weights.items() if name in below}
        if "embeddings" in weights:
            kept["embeddings"] = weights["embeddings"]
        yield _Try(len(cut.kernels), graft, kept)


def _downwards(highest: int, most: int) -> list[int]:
    """Return at most so many of the numbers from the highest down to 1, the highest first."""
    count = min(most, highest)
    return [highest - step * (highest - 1) // max(1, count - 1) for step in range(count)]


def _laid_out(trunk: Any, body: PretrainedBody, kind: str) -> tuple[int, ...] | None:
    """Return the shape that a network of unknown columns reads; those of ours read the prepared inputs as they are."""
    return tuple(trunk.shape) if body.statistics is None and kind in ("table", "image") else None


def row_losses(prepared: Prepared, core: Any) -> Array:
    """Return the loss of each validation row, without penalties and weights, (rows,).

    Args:
        prepared: Data and decisions.
        core: A network in the units of training.
    """
    val, task = prepared.bundle.val, prepared.bundle.task
    answers = np.asarray(predictor(core)(val.x), np.float64)
    if task == "multiclass":
        right = answers[np.arange(len(val)), val.y.astype(int)]
        return np.asarray(-np.log(np.maximum(right, SMALLEST_PROBABILITY)))
    if task in ("binary", "multilabel"):
        p = np.clip(answers, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        return np.asarray(-(val.y * np.log(p) + (1 - val.y) * np.log(1 - p)).mean(axis=1))
    wanted = prepared.statistics.scaled(val.y).reshape(len(val), -1)
    return np.asarray(((answers.reshape(len(val), -1) - wanted) ** 2).mean(axis=1))
