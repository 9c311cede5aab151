"""Data besides the user's own that a network can start from: read, checked, and counted as facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.artifacts import DataBundle
from advisor.data import Source, open_source
from advisor.data.limits import ReadingLimits
from advisor.errors import DataError, Finding, RequestError
from advisor.pipeline.pretrained_source import PretrainedSource, read_pretrained
from advisor.pipeline.reusing_steps import match_series

if TYPE_CHECKING:
    from advisor.pipeline.preparation import Request


_SHARED_OPTIONS = ("series_id", "time", "horizon", "window")
"""What the user said of the own data and holds for those of the similar task."""


@dataclass(frozen=True)
class Auxiliary:
    """Labeled data of a similar task.

    Attributes:
        source: The data, understood.
        bundle: Their encoded split.
        title: What they are called.
    """

    source: Source
    bundle: DataBundle
    title: str


@dataclass(frozen=True)
class Others:
    """What else there is to start from.

    Attributes:
        pretrained: A network whose lower layers may be reused, or None.
        unlabeled: Rows without labels (:class:`advisor.pipeline.unlabeled.Unlabeled`), or None.
        auxiliary: Labeled data of a similar task, or None.
        facts: What they say about the problem.
        how: For each fact, in a sentence, how it is known.
        digests: What they are, for resuming and for the manifest.
        notes: What else a person should know.
    """

    pretrained: PretrainedSource | None = None
    unlabeled: Any = None
    auxiliary: Auxiliary | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    how: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def has(self, kind: str) -> bool:
        """Return whether there is something for a value of the slot ``pretraining``."""
        held = {"reuse": self.pretrained, "unsupervised": self.unlabeled, "auxiliary": self.auxiliary}
        return held[kind] is not None


NOTHING = Others()


def read_others(request: Request, source: Source, limits: ReadingLimits) -> Others:
    """Read a pretrained network, rows without labels, and data of a similar task, where they were given.

    Args:
        request: What the user asked for.
        source: The user's own data.
        limits: How much of texts and series is read.

    Raises:
        RequestError: If an option makes no sense.
        ArtifactError: If the pretrained network can't be used.
        DataError: If other data can't be read, or aren't of the form of the user's own.
    """
    if request.auxiliary_target is not None and request.auxiliary is None:
        raise RequestError(
            Finding("R201", "--auxiliary-target", "there are no auxiliary data.", "Name them with --auxiliary.")
        )
    pretrained = unlabeled = auxiliary = None
    facts: dict[str, Any] = {}
    how: dict[str, str] = {}
    digests: dict[str, str] = {}
    notes: list[str] = []
    if request.pretrained is not None:
        pretrained = read_pretrained(request.pretrained)
        pretrained.check_kind(source)
        facts |= {
            "pretrained_model_available": True,
            "source_self_normalizing": pretrained.is_self_normalizing,
        }
        how |= {
            "pretrained_model_available": f"You gave {pretrained.title}.",
            "source_self_normalizing": pretrained.how,
        }
        digests["pretrained"] = pretrained.sha256
    if request.unlabeled is not None:
        unlabeled = import_module("advisor.pipeline.unlabeled").read_unlabeled(request.unlabeled, source)
        facts["unlabeled_rows"] = len(unlabeled.x)
        how["unlabeled_rows"] = f"{unlabeled.name} has {len(unlabeled.x):,} rows."
        digests["unlabeled"] = unlabeled.sha256
        notes += unlabeled.notes
    if request.auxiliary is not None:
        auxiliary = _read_auxiliary(request, source, limits)
        rows = auxiliary.source.schema.target.labeled_rows
        facts["similar_task_labeled_rows"] = rows
        target = auxiliary.source.schema.target
        how["similar_task_labeled_rows"] = f"{auxiliary.title} has {rows:,} rows with {target.name!r} ({target.task})."
        digests["auxiliary"] = auxiliary.bundle.sha256
        notes += [f"{auxiliary.title}: {note}" for note in auxiliary.source.profile.notes]
    return Others(pretrained, unlabeled, auxiliary, facts, how, digests, tuple(notes))


def _read_auxiliary(request: Request, source: Source, limits: ReadingLimits) -> Auxiliary:
    data = request.auxiliary
    title = Path(data).name if isinstance(data, str | Path) else "the auxiliary data in memory"
    options = {name: value for name, value in request.data_options.items() if name in _SHARED_OPTIONS}
    try:
        other = open_source(data, request.auxiliary_target, kind=source.kind, limits=limits, **options)
    except DataError as error:
        raise DataError(*(replace(each, place=f"{title}: {each.place}") for each in error.findings)) from error
    if source.kind == "image" and other.encoder.inputs.shape != source.encoder.inputs.shape:
        shapes = [" x ".join(map(str, each.encoder.inputs.shape)) for each in (other, source)]
        raise RequestError(
            Finding(
                "R203",
                "--auxiliary",
                f"the pictures of {title} are {shapes[0]}, yours are {shapes[1]}.",
                "Bring them to one size.",
            )
        )
    if source.kind == "table":
        names = {column.name for column in source.schema.features}
        common = [column.name for column in other.schema.features if column.name in names]
        if not common:
            raise RequestError(
                Finding(
                    "R203",
                    "--auxiliary",
                    f"{title} has none of your columns ({', '.join(sorted(names)[:5])} …), so nothing learned there "
                    "could be carried over.",
                    "Give data with the same columns, or some of them, under the same names.",
                )
            )
    if source.kind == "series":
        match_series(title, other.encoder.inputs, source.encoder.inputs, "--auxiliary")
    return Auxiliary(other, other.bundle(other.split(request.seed)), title)
