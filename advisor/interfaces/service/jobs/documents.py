"""The documents of data sets and jobs, as requests are checked by them and the OpenAPI description shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from advisor.errors import Finding, RequestError
from advisor.interfaces.service.jobs.records import IDENTITY, JobOrder
from advisor.problem.checking import show
from advisor.problem.strict_json import read_strict_json

Identity = Annotated[str, Field(pattern=f"^{IDENTITY.pattern}$", description="Opaque name.")]
MOST_LETTERS = 500
Column = Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
MOST_STEPS = 1_000_000
Steps = Annotated[int, Field(ge=1, le=MOST_STEPS)]
Export = Literal["keras", "saved_model", "litert", "onnx"]
MOST_SEED = 2**32 - 1


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class JobRequest(_Document):
    """What a job is to do."""

    dataset: Identity
    target: Column | None = Field(default=None, description="Column to predict; inferred when it is not given.")
    problem: dict[str, Any] = Field(
        default_factory=dict, description="Problem fields; those that the data answer need not be given."
    )
    recommendation: dict[str, Any] | None = Field(
        default=None, description="A recommendation to carry out as it is, instead of a problem."
    )
    rulebook: str | None = Field(default=None, description="The rulebook that decides.")
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description="Decides split, first weights and order of the rows.")
    time_budget_seconds: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        default=None, description="Seconds that training may take; at most what the service allows."
    )
    exports: list[Export] = Field(
        default=["keras", "saved_model", "litert"], max_length=4, description="Formats to deliver."
    )
    data_kind: Literal["table", "image", "series", "text"] | None = None
    split_column: Column | None = Field(default=None, description="Column with train, val and test.")
    series_id: Column | None = Field(default=None, description="Column that tells one series from another.")
    time: Column | None = Field(default=None, description="Column that orders the steps of a series.")
    horizon: Steps | None = Field(default=None, description="Steps to forecast at once.")
    window: Steps | None = Field(default=None, description="Steps that a forecast reads.")

    def order(self, rulebook: str) -> JobOrder:
        """Return the order; ``rulebook`` decides where none is named."""
        said = {
            "data_kind": self.data_kind,
            "split_column": self.split_column,
            "series_id": self.series_id,
            "time": self.time,
            "horizon": self.horizon,
            "window": self.window,
        }
        return JobOrder(
            dataset=self.dataset,
            target=self.target,
            problem=self.problem,
            recommendation=self.recommendation,
            rulebook=self.rulebook or rulebook,
            seed=self.seed,
            time_budget_seconds=self.time_budget_seconds,
            exports=tuple(dict.fromkeys(self.exports)),
            options={name: value for name, value in said.items() if value is not None},
        )


def read_request(body: bytes) -> JobRequest:
    """Read a request for a job from strict JSON.

    Raises:
        AdvisorError: If it is no strict JSON, or not such a request; the findings have the paths of the fields.
    """
    document = read_strict_json(body, what="a job", error=RequestError)
    try:
        return JobRequest.model_validate(document)
    except ValidationError as failure:
        raise RequestError(*(_finding(each) for each in failure.errors(include_url=False))) from None


def _finding(error: Any) -> Finding:
    place = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        message = f"{place[:100]!r} is not a field of a job."
        return Finding("J130", place, message, f"Fields: {', '.join(JobRequest.model_fields)}.")
    if error["type"] == "missing":
        return Finding("J131", place, "this field is needed.", "Upload data first: POST /v1/datasets")
    if not place:
        return Finding("P104", "", "a job is a JSON object.", "Write {...}.")
    return Finding("J132", place, f"{show(error['input'])} is no value of it: {error['msg'].lower()}.")


class ColumnDocument(_Document):
    """A column of a data set, as texts for people."""

    name: str
    kind: str
    role: str
    missing: str
    values: str
    note: str


class ProfileDocument(_Document):
    """What data say about a problem."""

    kind: str = Field(description="table, image, series or text.")
    rows: int
    columns: list[ColumnDocument]
    target: str | None = Field(description="The target; null when it must be named.")
    task: str | None
    facts: dict[str, Any] = Field(description="Problem fields that the data answer.")
    how: dict[str, str] = Field(description="How each of them is known.")
    notes: list[str]


class DatasetDocument(ProfileDocument):
    """An uploaded data set, and what it says about a problem."""

    id: Identity
    name: str
    format: str
    bytes: int
    sha256: str
    created: str


class DatasetList(_Document):
    """The data sets, the latest first."""

    datasets: list[DatasetDocument]


class OrderDocument(_Document):
    """What a job was asked to do, complete."""

    dataset: Identity
    target: str | None
    problem: dict[str, Any]
    recommendation: dict[str, Any] | None
    rulebook: str
    seed: int
    time_budget_seconds: float | None
    exports: list[str]
    options: dict[str, Any]


class ResultDocument(_Document):
    """What came out of a job."""

    met: bool = Field(description="Whether every requirement is met, measured on the delivered model.")
    primary: str = Field(description="The metric that decides.")
    metrics: dict[str, Any] = Field(description="metrics.json of the run.")
    requirements: list[dict[str, Any]]
    closest: str


class FailureDocument(_Document):
    """Why a job failed."""

    code: str
    place: str
    message: str
    hint: str


class ArtifactDocument(_Document):
    """A file of a finished run."""

    name: str
    bytes: int
    sha256: str
    href: str


class JobDocument(_Document):
    """A training job."""

    id: Identity
    state: Literal["queued", "running", "finished", "failed", "cancelled"]
    order: OrderDocument
    created: str
    started: str | None
    ended: str | None
    attempts: int = Field(description="How often it was started; after an interruption it goes on.")
    waiting_before: int | None = Field(description="Jobs before it in the queue; null when it doesn't wait.")
    progress: dict[str, Any] = Field(description="The latest stage, network, epoch and losses.")
    result: ResultDocument | None
    error: FailureDocument | None
    artifacts: list[ArtifactDocument]
    events: str = Field(description="Path of its events.")


class EventDocument(_Document):
    """One event of a stream; the stream itself is text (server-sent events)."""

    id: str = Field(pattern="^[0-9]+$", description="Its number, for Last-Event-ID.")
    event: Literal["state", "stage", "prepared", "fit_begins", "epoch", "fit_ends", "event"]
    data: str = Field(description="What happened, and when, as a JSON object.")


class JobList(_Document):
    """Jobs, the latest first."""

    jobs: list[JobDocument]
