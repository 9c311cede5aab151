"""The way ``unsupervised``: rows without labels are read, and the recommended body learns from them first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from advisor.artifacts import Array, Epoch, Part, PretrainedBody
from advisor.builder import compiles_well, fit_statistics
from advisor.data import Source, read_table, to_frame
from advisor.data.bundling import digest_parts
from advisor.data.image_arrays import names_of, read_arrays
from advisor.errors import DataError, Finding, RequestError
from advisor.pipeline.fitting import Interrupted
from advisor.pipeline.preparation import FEW_STEPS
from advisor.pipeline.work import Work
from advisor.training import tensorboard_writer
from advisor.training.unsupervised import Settings, pretrain

SHOWN = 5
IN_MEMORY = "the rows without labels"


@dataclass(frozen=True)
class Unlabeled:
    """Rows without labels.

    Attributes:
        x: Encoded like the labeled ones, float32 (n, ``*shape``).
        name: What they are called.
        sha256: Digest of the encoded rows.
        notes: What a person should know.
    """

    x: Array
    name: str
    sha256: str
    notes: tuple[str, ...] = ()


def read_unlabeled(unlabeled: Any, source: Source) -> Unlabeled:
    """Read rows without labels, in the form of the user's own.

    Args:
        unlabeled: A path, or data in memory, with the columns that a model of ``source`` reads and no others (columns
            that it ignores may be there; a target column must be empty); pictures of the same shape.
        source: The user's own data.

    Raises:
        RequestError: If rows without labels are of no use for the task.
        DataError: If they can't be read, hold labels, or aren't of the form of the user's own.
    """
    name = Path(unlabeled).name if isinstance(unlabeled, str | PathLike) else IN_MEMORY
    if source.schema.target.task == "forecasting":
        raise RequestError(
            Finding(
                "R208",
                "--unlabeled",
                "a forecast needs no labels: every series holds its own answers.",
                "Add these rows to --data.",
            )
        )
    rows = unlabeled
    if source.kind == "image":
        _refuse_labels_of_arrays(unlabeled, name)
        rows = read_arrays(unlabeled, labeled=False).x if isinstance(unlabeled, Mapping) else unlabeled
    elif not isinstance(unlabeled, np.ndarray):
        frame = read_table(unlabeled, labeled=False) if isinstance(unlabeled, str | PathLike) else to_frame(unlabeled)
        _check_columns(frame, source, name)
        rows = unlabeled if isinstance(unlabeled, str | PathLike) else frame
    try:
        encoded = source.encoder.encode_counted(rows)
    except DataError as error:
        raise DataError(*(replace(each, place=f"{name}: {each.place}") for each in error.findings)) from error
    if not len(encoded.x):
        raise DataError(Finding("D162", name, "there are no rows without labels.", "Give rows, or leave it out."))
    nothing = np.zeros(0, np.int64)
    digest = digest_parts([Part(encoded.x, nothing, nothing)], ["unlabeled"])
    return Unlabeled(encoded.x, name, digest, tuple(f"{name}: {note}" for note in encoded.notes))


def pretrained_body(work: Work) -> PretrainedBody:
    """Train the body of the recommended network on labeled training rows and rows without labels, without labels.

    What the inputs are standardized with is learned from the same rows; validation and test rows are never among them.

    Raises:
        TrainingError: If nothing can be learned, or training diverges.
        Interrupted: If the user stopped it.
    """
    prepared, unlabeled = work.prepared, work.prepared.others.unlabeled
    inputs, labeled = prepared.encoder.inputs, prepared.bundle.train.x
    found = fit_statistics(
        np.concatenate([labeled, unlabeled.x]), inputs, None, prepared.bundle.task, work.values["target_scaling"]
    )
    known = prepared.statistics
    statistics = replace(found, target_mean=known.target_mean, target_scale=known.target_scale)
    core = work.build(statistics=statistics)
    settings = Settings.from_values(work.values)
    steps = settings.epochs * (len(labeled) + len(unlabeled.x)) / settings.batch_size
    work.progress.fit_begins(f"{unlabeled.name}, without labels", settings.epochs)
    log = tensorboard_writer(work.logs / "unsupervised", "regression")

    def told(epoch: Epoch, planned: int) -> None:
        log(epoch, planned)
        work.progress.epoch(epoch)

    body, report = pretrain(
        core,
        unlabeled.x,
        labeled,
        inputs,
        statistics,
        settings,
        seed=prepared.request.seed,
        title=unlabeled.name,
        sha256=unlabeled.sha256,
        compiled=steps >= FEW_STEPS and compiles_well(core),
        checkpoints=work.checkpoints / "pretraining",
        resume=work.resume,
        time_budget=work.seconds,
        on_epoch=told,
    )
    work.progress.fit_ends()
    if report.interrupted:
        raise Interrupted
    return body


def _refuse_labels_of_arrays(unlabeled: Any, name: str) -> None:
    labels = [each for each in names_of(unlabeled) or () if each == "y" or each.startswith("y_")]
    if labels:
        raise _holds_labels(name, f"the array {labels[0]!r}", "Save the pictures alone: np.savez(FILE, X=X)")


def _check_columns(frame: pl.DataFrame, source: Source, name: str) -> None:
    """Refuse labels, a split, and columns that aren't those of the labeled rows."""
    schema = source.schema
    for target in schema.target.names:
        if target in frame.columns and frame[target].null_count() < frame.height:
            hint = "Drop that column, or leave out the rows that have labels: they belong into --data."
            raise _holds_labels(name, f"the target column {target!r}", hint)
    roles: Mapping[str, str] = {column.name: column.role for column in schema.columns}
    split = [each for each in frame.columns if roles.get(each) == "split"]
    if split:
        raise DataError(
            Finding(
                "D161",
                name,
                f"it has the split column {split[0]!r}, but all of its rows are learned from.",
                "Keep the rows that may be learned from, without that column; validation and test rows may not.",
            )
        )
    missing = [column.name for column in schema.features if column.name not in frame.columns]
    other = [each for each in frame.columns if each not in roles]
    if missing or other:
        said = [f"{_listed(missing)} missing"] if missing else []
        said += [f"{_listed(other)} not among yours"] if other else []
        raise DataError(
            Finding(
                "D161",
                name,
                f"its columns aren't those of the labeled rows: {'; '.join(said)}.",
                f"Give these columns: {_listed([column.name for column in schema.features])}.",
            )
        )


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:SHOWN])) + (" …" if len(names) > SHOWN else "")


def _holds_labels(name: str, what: str, hint: str) -> DataError:
    return DataError(Finding("D160", name, f"{what} holds labels, but these are to be rows without.", hint))
