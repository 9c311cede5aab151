"""Training from the first step to the best weights: range test, epochs, stopping, new starts, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, DataBundle, Epoch, Event, Statistics, TrainingReport
from advisor.errors import Finding, TrainingError
from advisor.training import checkpoint
from advisor.training.checkpoint import Progress
from advisor.training.epoch import EpochGraph, permutation
from advisor.training.interruption import stop_on_interrupt
from advisor.training.listeners import Listeners
from advisor.training.optimizers import controls
from advisor.training.range_test import rates_of, read_curve
from advisor.training.recipe import Recipe
from advisor.training.schedules import SCHEDULES, lowered, rising_epochs

SECONDS_BETWEEN_CHECKPOINTS = 2.0
# Share of a time budget that the schedule is fitted into; the rest is for stopping in time.
USABLE_SHARE = 0.9


def train(
    model: Any,
    bundle: DataBundle,
    recipe: Recipe,
    *,
    seed: int,
    statistics: Statistics | None = None,
    checkpoints: Path | None = None,
    resume: bool = False,
    callbacks: Sequence[Any] = (),
    on_epoch: Callable[[Epoch, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    time_budget: float | None = None,
) -> TrainingReport:
    """Train a model in place and leave the weights of the best validation epoch in it.

    The weights depend only on the model's initial weights and dropout seeds, the data, the recipe, the seed and the
    versions, to the last bit; a training that was killed and resumed ends with the same ones.

    Args:
        model: A Keras model with one input and one output, output activation included.
        bundle: Encoded data; ``train`` and ``val`` must not be empty.
        recipe: What the recommendation says.
        seed: Decides the order of the rows. (Initial weights and dropout were seeded when the model was built.)
        statistics: Gives mean and scale of a regression's targets, which are then learned standardized.
        checkpoints: Folder for the checkpoint; None writes none.
        resume: Go on from the checkpoint if there is one.
        callbacks: Keras callbacks, called at the beginning and end of training and of each epoch; an epoch is one
            graph, so there are no batch calls. They may set ``model.stop_training``.
        on_epoch: Called after each epoch with its record and the planned number of epochs.
        should_stop: Asked after each epoch (long epochs: every few thousand steps); true ends the training.
        time_budget: Seconds. The schedule is shortened to fit what is measured at the start, and training stops at
            the latest when they are over; the number of epochs, and so the weights, then depend on the machine.

    Returns:
        What was done. ``best_epoch`` 0 means that no epoch was better than the untrained model, or none finished.

    Raises:
        TrainingError: If the loss diverges at every rate that is tried, a checkpoint doesn't fit, or data are missing.
        StorageError: If a checkpoint can't be written.
    """
    _check(model, bundle)
    with stop_on_interrupt() as interrupted:

        def stopped() -> bool:
            return interrupted() or (should_stop is not None and should_stop())

        training = _Training(model, bundle, recipe, seed, statistics, stopped, time_budget)
        training.open(checkpoints, resume)
        return training.run(Listeners(model, callbacks, on_epoch, recipe))


def _check(model: Any, bundle: DataBundle) -> None:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        message = (
            f"the model has {len(model.inputs)} inputs and {len(model.outputs)} outputs; training needs one of each."
        )
        raise TrainingError(Finding("T107", "", message))
    for name, part in (("training", bundle.train), ("validation", bundle.val)):
        if len(part) == 0:
            raise TrainingError(Finding("T108", "", f"there are no {name} rows.", "Give more rows, or another split."))


class _Training:
    """One call of :func:`train`: the graph, the progress, and the clock."""

    def __init__(
        self,
        model: Any,
        bundle: DataBundle,
        recipe: Recipe,
        seed: int,
        statistics: Statistics | None,
        stopped: Callable[[], bool],
        time_budget: float | None,
    ) -> None:
        self._started = self._written = time.perf_counter()
        self._recipe, self._seed, self._stopped, self._time_budget = recipe, seed, stopped, time_budget
        self._graph = EpochGraph(model, bundle, statistics, recipe)
        self._marks = checkpoint.fingerprint(model, bundle, statistics, recipe, seed)
        self._path: Path | None = None
        self._progress = Progress(self._graph.result(), self._graph.snapshot(), recipe.max_epochs, math.inf, math.inf)

    def open(self, folder: Path | None, resume: bool) -> None:
        """Choose the checkpoint and, when resuming, take up what it holds."""
        if folder is None:
            return
        self._path = folder / checkpoint.FILE_NAME
        if not resume or not self._path.exists():
            return
        progress, state = checkpoint.load(self._path, self._marks)
        wanted = [(array.shape, array.dtype) for array in self._progress.initial]
        if any([(array.shape, array.dtype) for array in arrays] != wanted for arrays in (state, progress.initial)):
            message = "the checkpoint's arrays are not those of this network."
            raise TrainingError(Finding("T106", str(self._path), message, "Start the training anew."))
        self._progress = progress
        self._graph.restore(state)

    def run(self, listeners: Listeners) -> TrainingReport:
        """Do what is left to do, put the chosen weights into the model, and report."""
        progress, graph = self._progress, self._graph
        if progress.maximum_rate is None:
            self._prepare()
        listeners.begin(progress.planned_epochs)
        while not progress.finished and not self._stopped():
            number = len(progress.epochs) + 1
            listeners.begin_epoch(number)
            start = graph.snapshot() if graph.steps_per_epoch > graph.capacity else None
            epoch = self._epoch(number)
            if epoch is None and start is not None and self._stopped():
                graph.restore(start)
                break
            if epoch is None:
                self._start_anew(number)
                continue
            progress.epochs.append(epoch)
            counts = number >= self._recipe.counted_from_share * progress.planned_epochs
            value = self._value(epoch.val_loss, epoch.val_metric)
            if counts and value < progress.best_value - self._recipe.min_delta:
                progress.best_value, progress.best_val_loss = value, epoch.val_loss
                progress.best_epoch, progress.best = number, graph.result()
            wants_stop = listeners.end_epoch(epoch, progress.planned_epochs)
            progress.finished = self._is_over(number) or wants_stop
            if progress.finished and self._collapsed() and progress.attempt < self._recipe.max_retries:
                progress.finished = False
                self._start_anew(number)
            if not progress.finished and time.perf_counter() - self._written >= SECONDS_BETWEEN_CHECKPOINTS:
                self._write()
        listeners.end()
        self._write()
        keeps_best = self._recipe.early_stopping != "none"
        last = progress.epochs[-1] if progress.epochs and not keeps_best else None
        graph.deliver(progress.best if last is None else graph.result())
        return TrainingReport(
            epochs=tuple(progress.epochs),
            best_epoch=progress.best_epoch if last is None else last.number,
            best_val_loss=progress.best_val_loss if last is None else last.val_loss,
            maximum_learning_rate=progress.maximum_rate or 0.0,
            range_test=progress.range_test,
            events=tuple(progress.events),
            interrupted=not progress.finished,
            seconds=self._elapsed(),
        )

    def _elapsed(self) -> float:
        return self._progress.seconds + time.perf_counter() - self._started

    def _write(self) -> None:
        if self._path is None:
            return
        now = self._elapsed()
        checkpoint.save(self._path, self._progress, now, self._graph.snapshot(), self._marks)
        self._written = time.perf_counter()

    def _prepare(self) -> None:
        """Measure the untrained model, find the maximum rate, and fit the schedule into the time."""
        progress, graph, recipe = self._progress, self._graph, self._recipe
        progress.best_val_loss, progress.best_value = self._untrained()
        if isinstance(recipe.maximum_rate, str):
            rates = rates_of(recipe)
            drop = recipe.momentum_drop if recipe.schedule == "one_cycle" else 0.0  # as at 1cycle's maximum rate
            momenta = np.full(len(rates), recipe.momentum - drop)
            rows = controls(np.arange(len(rates)), rates, momenta, recipe)
            tests = []
            for repeat in range(recipe.range_test_repeats):
                tests.append(read_curve(rates, self._steps(self._test_order(len(rates), repeat), rows), recipe))
                graph.restore(progress.initial)
            found = sorted(tests, key=lambda test: test.maximum_rate)[(len(tests) - 1) // 2]
            progress.maximum_rate, progress.range_test = found.maximum_rate, found.curve
        else:
            progress.maximum_rate = float(recipe.maximum_rate)
        if self._time_budget is not None:
            seconds = self._seconds_an_epoch()
            affordable = int((self._time_budget - self._elapsed()) * USABLE_SHARE / seconds)
            progress.planned_epochs = max(1, min(recipe.max_epochs, affordable))
            if progress.planned_epochs < recipe.max_epochs:
                message = f"The time budget is enough for {progress.planned_epochs} of {recipe.max_epochs} epochs."
                progress.events.append(
                    Event("shortened", message, {"epochs": progress.planned_epochs, "seconds_an_epoch": seconds})
                )

    def _test_order(self, steps: int, repeat: int = 0) -> Array:
        """Return rows for the steps of a range test, passing over the training rows as often as needed."""
        graph, generator = self._graph, np.random.default_rng([self._seed, 0, repeat])
        whole = graph.steps_per_epoch * graph.batch
        passes = math.ceil(steps / graph.steps_per_epoch)
        return np.concatenate([generator.permutation(graph.rows)[:whole] for _ in range(passes)]).astype(np.int32)

    def _seconds_an_epoch(self) -> float:
        """Measure a few compiled steps and a validation, and leave everything as it was."""
        graph, recipe = self._graph, self._recipe
        steps = min(graph.capacity, 64 if recipe.compiled else 8)  # what isn't compiled is what takes long
        still = controls(np.arange(steps), np.zeros(steps), np.zeros(steps), recipe)
        order = self._test_order(steps)
        graph.run(order, still)
        before = time.perf_counter()
        graph.run(order, still)
        between = time.perf_counter()
        graph.evaluate()
        after = time.perf_counter()
        graph.restore(self._progress.initial)
        return (between - before) / steps * graph.steps_per_epoch + after - between

    def _steps(self, order: Array, rows: Array) -> Array:
        """Make all steps, in calls of limited length; stops early, with fewer losses, when asked to."""
        graph, losses = self._graph, []
        for first in range(0, len(rows), graph.capacity):
            part = rows[first : first + graph.capacity]
            losses.append(graph.run(order[first * graph.batch :], part))
            if self._stopped() or not np.isfinite(losses[-1][-1]):
                break
        return np.concatenate(losses)

    def _epoch(self, number: int) -> Epoch | None:
        """Train and validate one epoch; None when it diverged or was stopped in the middle."""
        progress, graph, recipe = self._progress, self._graph, self._recipe
        before = time.perf_counter()
        per_epoch = graph.steps_per_epoch
        steps = np.arange((number - 1) * per_epoch, number * per_epoch)
        total = progress.planned_epochs * per_epoch
        maximum = (progress.maximum_rate or 0.0) * lowered((epoch.val_loss for epoch in progress.epochs), recipe)
        rates, momenta = SCHEDULES[recipe.schedule](steps, total, maximum, recipe)
        losses = self._steps(permutation(self._seed, number, graph.rows), controls(steps, rates, momenta, recipe))
        if progress.first_loss is None and np.isfinite(losses[0]):
            progress.first_loss = float(losses[0])
        loss = float(np.mean(losses, dtype=np.float64))
        if len(losses) < per_epoch or not loss <= recipe.divergence_factor * (progress.first_loss or math.inf):
            return None
        val_loss, val_metric = graph.evaluate()
        if not math.isfinite(val_loss):
            return None
        return Epoch(number, loss, val_loss, val_metric, float(rates[-1]), time.perf_counter() - before)

    def _collapsed(self) -> bool:
        """Say whether the training loss went back to nearly that of the untrained network, and stayed there."""
        epochs, first = self._progress.epochs, self._progress.first_loss
        lowest = min(epoch.loss for epoch in epochs)
        return first is not None and epochs[-1].loss > max(self._recipe.collapse_factor * lowest, first / 2)

    def _start_anew(self, number: int) -> None:
        """Go back to the initial weights with a lower rate, or give up."""
        progress, recipe = self._progress, self._recipe
        rate = progress.maximum_rate or 0.0
        facts = {"epoch": number, "maximum_learning_rate": rate}
        progress.events.append(
            Event("diverged", f"The loss diverged in epoch {number} at a maximum learning rate of {rate:.3g}.", facts)
        )
        self._graph.restore(progress.initial)
        if progress.attempt >= recipe.max_retries:
            raise TrainingError(
                Finding(
                    "T104",
                    "",
                    f"the loss diverged at every learning rate that was tried, down to {rate:.3g}.",
                    "Look for extreme values in the inputs or the target, or set a lower maximum_learning_rate.",
                )
            )
        progress.attempt += 1
        progress.maximum_rate = rate * recipe.retry_factor
        progress.events.append(
            Event(
                "retry",
                f"Training started anew at a maximum rate of {progress.maximum_rate:.3g}.",
                {"maximum_learning_rate": progress.maximum_rate},
            )
        )
        progress.epochs.clear()
        progress.first_loss = None
        progress.best_epoch, progress.best = 0, self._graph.result()
        progress.best_val_loss, progress.best_value = self._untrained()

    def _value(self, loss: float, metric: float) -> float:
        """Return what epochs are compared by, the lower the better."""
        return -metric if self._recipe.early_stopping == "restore_most_accurate" else loss

    def _untrained(self) -> tuple[float, float]:
        """Return the validation loss that the first epoch is held against, and what it is compared by."""
        if self._recipe.counted_from_share > 0:
            return math.inf, math.inf
        loss, metric = self._graph.evaluate()
        return (loss, self._value(loss, metric)) if math.isfinite(loss) else (math.inf, math.inf)

    def _is_over(self, number: int) -> bool:
        """Say whether training ends after this epoch, and note why when that is before the planned end."""
        progress, recipe = self._progress, self._recipe
        if number >= progress.planned_epochs:
            return True
        if self._time_budget is not None and self._elapsed() >= self._time_budget:
            message = f"The time budget of {self._time_budget:g} s was used up after epoch {number}."
            progress.events.append(Event("stopped", message, {"epoch": number, "reason": "time_budget"}))
            return True
        if recipe.early_stopping == "none" or recipe.patience_epochs is None:
            return False
        since = number - max(progress.best_epoch, rising_epochs(progress.planned_epochs, recipe))
        if since < recipe.patience_epochs:
            return False
        what = "validation loss" if recipe.early_stopping == "restore_best" else "validation accuracy"
        message = f"No better {what} in the {since} epochs that count since epoch {progress.best_epoch}."
        progress.events.append(Event("stopped", message, {"epoch": number, "reason": "early_stopping"}))
        return True
