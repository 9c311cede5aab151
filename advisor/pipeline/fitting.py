"""Training as the recommendation says, "if needed" decided by evidence: observe, turn on, retrain, keep the better."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.artifacts import DataBundle, Epoch, Event, InputSpec, Statistics, TrainingReport
from advisor.builder import build_core, start_forecast, start_votes
from advisor.pipeline.clock import Clock
from advisor.pipeline.preparation import Prepared, limited
from advisor.pipeline.progress import Progress
from advisor.pipeline.recipes import recipe_for
from advisor.pipeline.uncertain import judge
from advisor.recommendation import Recommendation, recommend_again
from advisor.training import overfits, tensorboard_writer, train


@dataclass(frozen=True)
class Candidate:
    """One network that the recommendation lets us try.

    Attributes:
        label: Stable name, also of its checkpoint's folder.
        title: Name for people.
        recommendation: The recommendation that it carries out.
        strength: Strength of the penalty on the kernels, or of their decay, or None.
        rate: Dropout rate, or None.
        origin: What its lower layers began with, a value of the slot ``pretraining``; empty from scratch.
    """

    label: str
    title: str
    recommendation: Recommendation
    strength: float | None
    rate: float | None
    origin: str = ""


@dataclass(frozen=True)
class Trial:
    """A candidate after training.

    Attributes:
        candidate: What was tried.
        core: The network with the weights of its best epoch, answering in training units.
        report: What training did.
        score: What it is judged by where sampling decides: the mean negative log-likelihood of the validation rows
            under the sampled network; None where the validation loss decides.
    """

    candidate: Candidate
    core: Any
    report: TrainingReport
    score: float | None = None

    @property
    def judged(self) -> float:
        """The number by which it is compared with others; lower is better."""
        return self.report.best_val_loss if self.score is None else self.score


@dataclass(frozen=True)
class Fitted:
    """The outcome of all trials.

    Attributes:
        chosen: The trial that is delivered.
        trials: Every trial, in order.
        events: What happened between trials.
        recommendation: The recommendation that the chosen trial carries out.
        leveraging: What came of starting from other data (:class:`advisor.pipeline.leveraging.Leveraged`).
    """

    chosen: Trial
    trials: tuple[Trial, ...]
    events: tuple[Event, ...]
    recommendation: Recommendation
    leveraging: tuple[Any, ...] = ()


class Interrupted(Exception):
    """The user stopped the run; its checkpoints stay for ``--resume``."""


def candidates(recommendation: Recommendation, prefix: str, *, rate: float | None = None) -> Iterator[Candidate]:
    """Return every combination of the strengths and rates that the recommendation lists, in its order.

    Args:
        recommendation: What is carried out.
        prefix: Beginning of the labels.
        rate: A dropout rate that was already chosen; the others are left out, where it is on the list.
    """
    values = recommendation.values
    strengths = (values["regularization_strengths"] if values["regularization"] != "none" else None) or [None]
    rates = (values["dropout_rates"] if values["dropout"] != "none" else None) or [None]
    if rate is not None and rate in rates:
        rates = [rate]
    for strength, dropped in itertools.product(strengths, rates):
        parts = []
        if strength is not None:
            parts.append(f"{values['regularization']} {strength:g}")
        if dropped is not None:
            parts.append(f"{values['dropout']} {dropped:g}")
        title = " and ".join(parts) or "no regularizer"
        yield Candidate(f"{prefix}-{title.replace(' ', '-')}", title, recommendation, strength, dropped)


def fit(
    prepared: Prepared,
    *,
    checkpoints: Path,
    logs: Path,
    resume: bool,
    progress: Progress,
    seconds: float | None = None,
) -> Fitted:
    """Train what the recommendation says, look for overfitting, and let inference decide again if there is some.

    Args:
        prepared: Data and decisions.
        checkpoints: Folder of the checkpoints.
        logs: Folder of the TensorBoard logs.
        resume: Go on from checkpoints that are there.
        progress: Is told of every epoch.
        seconds: What it may take; None takes the whole time budget.

    Returns:
        The trials and the one that is best on the validation rows.

    Raises:
        TrainingError: If a network diverges at every rate.
        Interrupted: If the user stopped the run.
    """
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        progress.event(event)

    recommendation = prepared.recommendation
    clock = Clock(_without_pruning(prepared.request.time_budget if seconds is None else seconds, recommendation.values))
    trials = _fit_all(prepared, recommendation, "first", clock, checkpoints, logs, resume, progress, tell)
    best = _best(trials)
    rounds = int(recommendation.values["evidence_rounds"])
    for number in range(1, rounds + 1):
        evidence = overfits(
            best.report,
            largest_gap=float(recommendation.values["overfitting_ratio"]),
            largest_rise=float(recommendation.values["overfitting_rise"]),
        )
        if evidence is None:
            break
        tell(evidence)
        again = reconsider(prepared, best.candidate.recommendation)
        if again.values == best.candidate.recommendation.values:
            tell(
                Event("kept", "The rules have nothing more to turn on against overfitting; the network stays as it is.")
            )
            break
        if clock.is_over():
            tell(Event("stopped", "The time budget is used up; the regularizer that the rules advise was not tried."))
            break
        tell(_turned_on(best.candidate.recommendation.values, again.values))
        rate = best.candidate.rate if again.values.get("mc_dropout") else None
        more = _fit_all(
            prepared, again, f"regularized-{number}", clock, checkpoints, logs, resume, progress, tell, rate=rate
        )
        trials += more
        before, best = best, _best([best, *more])
        tell(_kept(before, _best(more), best))
        if best is before:
            break
    return Fitted(best, tuple(trials), tuple(events), best.candidate.recommendation)


def _without_pruning(seconds: float | None, values: Mapping[str, Any]) -> float | None:
    """Return a time budget without what is kept for the pruning that follows."""
    if seconds is None or values["sparsification"] != "magnitude_pruning":
        return seconds
    return seconds * (1.0 - float(values.get("pruning_time_share") or 0.0))


def reconsider(prepared: Prepared, before: Recommendation) -> Recommendation:
    """Let inference decide again with the evidence of overfitting as a fact."""
    evidence = {"overfitting_observed": True}
    how = "seen in the first training"
    return limited(recommend_again(before, evidence, prepared.request.rulebook, how=how), prepared.request)


def _fit_all(
    prepared: Prepared,
    recommendation: Recommendation,
    prefix: str,
    clock: Clock,
    checkpoints: Path,
    logs: Path,
    resume: bool,
    progress: Progress,
    tell: Any,
    *,
    rate: float | None = None,
) -> list[Trial]:
    waiting = list(candidates(recommendation, prefix, rate=rate))
    trials: list[Trial] = []
    searched: set[float | None] = set()
    for number, candidate in enumerate(waiting):
        if candidate.strength in searched:
            continue
        if trials and clock.is_over():
            tell(Event("stopped", f"The time budget is used up; {len(waiting) - number} candidates were not tried."))
            break
        trials.append(
            _fit_one(prepared, candidate, clock.share(len(waiting) - number), checkpoints, logs, resume, progress)
        )
        for event in trials[-1].report.events:
            tell(event)
        later = [each for each in waiting[number + 1 :] if each.strength == candidate.strength]
        if later and _got_worse(trials):
            searched.add(candidate.strength)
            rates = ", ".join(f"{each.rate:g}" for each in later)
            tell(
                Event(
                    "searched",
                    f"With {candidate.title}, {_measure(trials[-1])} is worse than with the rate before "
                    f"({trials[-1].judged:.4g} against {trials[-2].judged:.4g}); not tried: {rates}.",
                    {"rate": candidate.rate, "left_out": [each.rate for each in later]},
                )
            )
    return trials


def _got_worse(trials: list[Trial]) -> bool:
    """Tell whether a search through rising dropout rates ends: the last is worse than the one before it."""
    if len(trials) < 2:
        return False
    before, last = trials[-2:]
    search = last.candidate.recommendation.values.get("dropout_rate_search", "all")
    comparable = before.candidate.strength == last.candidate.strength and before.candidate.rate is not None
    return search == "until_worse" and comparable and last.judged > before.judged


def start_paths(
    core: Any, spec: InputSpec, statistics: Statistics, bundle: DataBundle, values: Mapping[str, Any]
) -> None:
    """Let the paths that lead straight to the output start at what the training rows say, where a network has them.

    Args:
        core: The network; changed in place.
        spec: What it reads.
        statistics: What its inputs are standardized with.
        bundle: The data; only training and validation rows are read.
        values: Slot → value.
    """
    start_forecast(core, spec, statistics.scale, bundle.train, bundle.val)
    votes, share = values.get("token_votes", "none"), values.get("token_vote_share") or 0.0
    start_votes(core, spec, bundle.train, votes, share)


def _fit_one(
    prepared: Prepared,
    candidate: Candidate,
    seconds: float | None,
    checkpoints: Path,
    logs: Path,
    resume: bool,
    progress: Progress,
) -> Trial:
    values: Mapping[str, Any] = candidate.recommendation.values
    core = build_core(
        values,
        prepared.encoder.inputs,
        prepared.statistics,
        task=prepared.bundle.task,
        outputs=prepared.outputs,
        seed=prepared.request.seed,
        architecture=candidate.recommendation.problem.architecture,
        regularization_strength=candidate.strength,
        dropout_rate=candidate.rate,
    )
    bundle = prepared.bundle
    start_paths(core, prepared.encoder.inputs, prepared.statistics, bundle, values)
    recipe = recipe_for(core, values, prepared.bundle.task, candidate.strength)
    progress.fit_begins(candidate.title, recipe.max_epochs)
    log = tensorboard_writer(logs / candidate.label, prepared.bundle.task)

    def told(epoch: Epoch, planned: int) -> None:
        log(epoch, planned)
        progress.epoch(epoch)

    report = train(
        core,
        prepared.bundle,
        recipe,
        seed=prepared.request.seed,
        statistics=prepared.statistics,
        checkpoints=checkpoints / candidate.label,
        resume=resume,
        on_epoch=told,
        time_budget=seconds,
    )
    progress.fit_ends()
    if report.interrupted:
        raise Interrupted
    return Trial(candidate, core, report, judge(prepared, core, values))


def _best(trials: list[Trial]) -> Trial:
    return min(trials, key=lambda trial: trial.judged)


def _turned_on(before: Mapping[str, Any], after: Mapping[str, Any]) -> Event:
    slots = [slot for slot in ("regularization", "dropout") if before[slot] != after[slot]]
    names = " and ".join(str(after[slot]) for slot in slots) or "other settings"
    return Event(
        "regularized", f"The rules turn on {names}; the network is trained again.", {s: after[s] for s in slots}
    )


def _kept(before: Trial, regularized: Trial, best: Trial) -> Event:
    old, new = before.judged, regularized.judged
    which = "The regularized network" if best is regularized else "The first network"
    return Event(
        "kept",
        f"{which} is kept: {_measure(best)} {new:.4g} with {regularized.candidate.title}, {old:.4g} without.",
        {"without": old, "with": new, "kept": best.candidate.label},
    )


def _measure(trial: Trial) -> str:
    return "validation loss" if trial.score is None else "negative log-likelihood on the validation rows"
