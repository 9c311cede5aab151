"""Training with reused layers: frozen first, then all of them at a lower rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from advisor.artifacts import Epoch, TrainingReport
from advisor.errors import TrainingError
from advisor.pipeline.fitting import Candidate, Interrupted, Trial
from advisor.pipeline.recipes import recipe_for
from advisor.pipeline.uncertain import judge
from advisor.pipeline.work import Work
from advisor.training import Recipe, tensorboard_writer, train

LOWEST_RATE = 1e-7
NO_LIMIT = 1e12
"""A network that goes on from a loss of next to nothing may rise by any factor; that is no divergence."""


@dataclass(frozen=True)
class Tuning:
    """How a network goes on from reused layers.

    Attributes:
        work: Data, recommendation, checkpoints.
        candidate: What is tried; its label names the checkpoints.
        kept: Names of the layers that began with weights from elsewhere.
        partly_fresh: Those of them that have fresh weights among them, so that they are never frozen.
        rate: Maximum learning rate of the training from scratch.
        seconds: What it may take; None is unlimited.
    """

    work: Work
    candidate: Candidate
    kept: tuple[str, ...]
    partly_fresh: tuple[str, ...]
    rate: float
    seconds: float | None


def fine_tune(core: Any, tuning: Tuning) -> Trial:
    """Train the new layers while the reused ones are frozen, then all of them at a lower rate.

    Where no epoch is to be frozen, all layers are trained at the lower rate from the beginning.
    Both steps together have the epochs of a training from scratch; each keeps the weights of its best validation
    epoch, so the second never makes it worse. Each has a checkpoint of its own.

    Args:
        core: The network, with the reused weights in it; trained in place.
        tuning: How.

    Returns:
        The trained network with one report for both steps.

    Raises:
        TrainingError: If it diverges at every rate.
        Interrupted: If the user stopped it.
    """
    work, values = tuning.work, tuning.work.values
    recipe = recipe_for(core, values, work.prepared.bundle.task, tuning.candidate.strength)
    unlabeled = tuning.candidate.origin == "unsupervised"
    share = float(values["unsupervised_frozen_share" if unlabeled else "frozen_epoch_share"])
    if share == 0:
        return _tune_all(core, tuning, recipe)
    frozen_epochs = min(max(1, round(recipe.max_epochs * share)), max(1, recipe.max_epochs - 1))
    told = _teller(tuning)
    with _frozen(core, tuning):
        first = _train(core, tuning, "frozen", replace(recipe, max_epochs=frozen_epochs), share, told(0))
    usual = min(first.maximum_learning_rate or tuning.rate, tuning.rate or math.inf)
    rate = max(usual * float(values["fine_tuning_rate_fraction"] or 1.0), LOWEST_RATE)
    left = max(1, recipe.max_epochs - frozen_epochs)
    lower = replace(_without_limits(recipe), max_epochs=left, maximum_rate=rate)
    second = _train(core, tuning, "unfrozen", lower, 1 - share, told(len(first.epochs)))
    report = joined(first, second)
    return Trial(tuning.candidate, core, report, judge(work.prepared, core, values))


def _tune_all(core: Any, tuning: Tuning, recipe: Recipe) -> Trial:
    """Train at each of the rates that the rulebook lists, from the same beginning; keep the best.

    A rate of 0 leaves the body as it is: only the new layers are trained, by the recipe of a training from scratch.
    """
    work, told = tuning.work, _teller(tuning)(0)
    fractions = work.values.get("unsupervised_rate_fractions") or (work.values["fine_tuning_rate_fraction"] or 1.0,)
    start, tried = core.get_weights(), []
    refused: TrainingError | None = None
    for fraction in map(float, fractions):
        core.set_weights(start)
        step, again = "frozen", recipe
        if fraction:
            rate = max(tuning.rate * fraction, LOWEST_RATE)
            step, again = f"unfrozen-{fraction:g}", replace(_without_limits(recipe), maximum_rate=rate)
        try:
            with _frozen(core, tuning if not fraction else None):
                report = _train(core, tuning, step, again, 1.0 / len(fractions), told)
        except TrainingError as error:
            refused = error
            continue
        trial = Trial(tuning.candidate, core, report, judge(work.prepared, core, work.values))
        tried.append((trial, core.get_weights()))
    if not tried and refused is not None:
        raise refused
    best, weights = min(tried, key=lambda each: each[0].judged)
    core.set_weights(weights)
    return best


@contextmanager
def _frozen(core: Any, tuning: Tuning | None) -> Iterator[None]:
    """Freeze the layers that began with weights from elsewhere, those with fresh ones among them excepted."""
    frozen = [
        layer
        for layer in core.layers
        if tuning is not None and layer.name in tuning.kept and layer.name not in tuning.partly_fresh
    ]
    for layer in frozen:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in frozen:
            layer.trainable = True


def _without_limits(recipe: Recipe) -> Recipe:
    return replace(recipe, divergence_factor=NO_LIMIT, collapse_factor=NO_LIMIT)


def joined(first: TrainingReport, second: TrainingReport) -> TrainingReport:
    """Return one report of two trainings of the same network, one after the other."""
    before = len(first.epochs)
    later = tuple(replace(epoch, number=epoch.number + before) for epoch in second.epochs)
    improved = second.best_epoch > 0
    return replace(
        second,
        epochs=(*first.epochs, *later),
        best_epoch=second.best_epoch + before if improved else first.best_epoch,
        best_val_loss=second.best_val_loss if improved else min(first.best_val_loss, second.best_val_loss),
        range_test=first.range_test,
        maximum_learning_rate=first.maximum_learning_rate,
        events=(*first.events, *second.events),
        seconds=first.seconds + second.seconds,
    )


def _teller(tuning: Tuning) -> Callable[[int], Callable[[Epoch, int], None]]:
    work = tuning.work
    log = tensorboard_writer(work.logs / tuning.candidate.label, work.prepared.bundle.task)

    def begin(before: int) -> Callable[[Epoch, int], None]:
        def told(epoch: Epoch, planned: int) -> None:
            log(replace(epoch, number=epoch.number + before), planned + before)
            work.progress.epoch(epoch)

        return told

    return begin


def _train(
    core: Any, tuning: Tuning, step: str, recipe: Recipe, share: float, told: Callable[[Epoch, int], None]
) -> TrainingReport:
    work = tuning.work
    work.progress.fit_begins(f"{tuning.candidate.title}, {step}", recipe.max_epochs)
    report = train(
        core,
        work.prepared.bundle,
        recipe,
        seed=work.prepared.request.seed,
        statistics=work.prepared.statistics,
        checkpoints=work.checkpoints / f"{tuning.candidate.label}-{step}",
        resume=work.resume,
        on_epoch=told,
        time_budget=None if tuning.seconds is None else max(1.0, tuning.seconds * share),
    )
    work.progress.fit_ends()
    if report.interrupted:
        raise Interrupted
    return report
