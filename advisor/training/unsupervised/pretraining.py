"""Pretraining without labels: the body of the recommended network learns to restore or to continue rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import (
    Array,
    DataBundle,
    Epoch,
    Event,
    InputSpec,
    Part,
    PretrainedBody,
    Statistics,
    TrainingReport,
)
from advisor.errors import Finding, TrainingError
from advisor.training.loop import train
from advisor.training.unsupervised.autoencoder import autoencoder
from advisor.training.unsupervised.settings import Settings
from advisor.training.unsupervised.steps import step_network
from advisor.training.unsupervised.structure import body_layers, holds_kernel

FEWEST_ROWS = 4
KIND = "unsupervised"


def pretrain(
    core: Any,
    unlabeled: Array,
    labeled: Array,
    inputs: InputSpec,
    statistics: Statistics,
    settings: Settings,
    *,
    seed: int,
    title: str = "rows without labels",
    sha256: str = "",
    compiled: bool = True,
    checkpoints: Path | None = None,
    resume: bool = False,
    time_budget: float | None = None,
    on_epoch: Callable[[Epoch, int], None] | None = None,
) -> tuple[PretrainedBody, TrainingReport]:
    """Train the body of a network on rows without labels; the layers of ``core`` hold the result afterwards.

    Everything of ordinary training serves: the whole epoch as one graph, 1cycle, the weights of the best epoch on
    held-out rows, checkpoints that resume to the last bit, the time budget. An epoch's ``val_loss`` is how far held-out
    rows are from being restored, its ``val_metric`` the root of the mean square of that.

    Args:
        core: The recommended network, built with ``statistics``.
        unlabeled: Encoded rows without labels, float32 (n, ``*inputs.shape``).
        labeled: Encoded training rows, whose labels aren't read, float32 likewise. Never validation or test rows.
        inputs: What the network reads.
        statistics: What its inputs are standardized with.
        settings: What the recommendation says.
        seed: Decides the damage, the held-out rows and the order of the rows.
        title: What the rows are called.
        sha256: Digest of the rows without labels, by which a checkpoint is known again.
        compiled: Whether XLA compiles the epoch.
        checkpoints: Folder of the checkpoint; None writes none.
        resume: Go on from the checkpoint if there is one.
        time_budget: Seconds; None is unlimited.
        on_epoch: Called after each epoch with its record and the planned number of epochs.

    Returns:
        The layers with their weights, and what training did.

    Raises:
        TrainingError: If there are too few rows, the rows can't be learned from, or training diverges.
    """
    rows = np.concatenate([labeled, unlabeled]).astype(np.float32, copy=False)
    if len(rows) < FEWEST_ROWS:
        raise TrainingError(
            Finding("T123", title, f"{len(rows)} rows are too few to learn from.", f"Give at least {FEWEST_ROWS}.")
        )
    if settings.method == "denoising_autoencoder":
        network, end = autoencoder(core, inputs, statistics, settings, seed)
    else:
        network, end = step_network(core, inputs, settings, seed)
    report = train(
        network,
        _bundle(rows, settings, seed, sha256),
        settings.recipe(compiled=compiled),
        seed=seed,
        checkpoints=checkpoints,
        resume=resume,
        time_budget=time_budget,
        on_epoch=on_epoch,
    )
    layers = body_layers(core, end)
    weights: Mapping[str, tuple[Array, ...]] = {
        layer.name: tuple(np.array(each) for each in layer.get_weights()) for layer in layers
    }
    body = PretrainedBody(
        kind=KIND,
        title=title,
        layers=tuple(layer.name for layer in layers if holds_kernel(layer)),
        weights=weights,
        statistics=statistics,
        events=(_told(report, len(rows), settings), *report.events),
        seconds=report.seconds,
    )
    return body, report


def _bundle(rows: Array, settings: Settings, seed: int, sha256: str) -> DataBundle:
    """Return the rows as ordinary training takes them: some held out, and 0 as the loss that is wanted."""
    order = np.random.default_rng([seed, len(rows)]).permutation(len(rows))
    held = min(max(1, round(settings.held_out * len(rows))), len(rows) - 1)

    def part(chosen: Array) -> Part:
        return Part(np.ascontiguousarray(rows[chosen]), np.zeros((len(chosen), 1), np.float32), chosen.astype(np.int64))

    return DataBundle(
        task="regression",
        train=part(order[held:]),
        val=part(order[:held]),
        test=part(order[:0]),
        classes=(),
        target_names=("loss",),
        sha256=sha256,
    )


def _told(report: TrainingReport, rows: int, settings: Settings) -> Event:
    first = report.epochs[0].val_loss if report.epochs else report.best_val_loss
    what = {
        "denoising_autoencoder": "restoring damaged rows",
        "next_step": "saying the next step",
        "masked_step": "restoring hidden steps",
    }[settings.method]
    return Event(
        "pretrained",
        f"Pretraining by {what}: {rows:,} rows, {len(report.epochs)} epochs, loss on held-out rows {first:.4g} after "
        f"the first and {report.best_val_loss:.4g} at best.",
        {"rows": rows, "epochs": len(report.epochs), "first": first, "best": report.best_val_loss},
    )
