"""The OpenAPI description of the routes of data sets and jobs."""

from __future__ import annotations

from typing import Any

from advisor.interfaces.service.jobs.documents import (
    MOST_LETTERS,
    MOST_STEPS,
    DatasetDocument,
    DatasetList,
    EventDocument,
    JobDocument,
    JobList,
    JobRequest,
    ProfileDocument,
)
from advisor.interfaces.service.jobs.media import ANY, UPLOADS
from advisor.interfaces.service.jobs.records import FORMATS, IDENTITY, STATES, Dataset, Job, JobOrder
from advisor.interfaces.service.openapi import ALWAYS, KEY, WITH_BODY, content, parameter, route

MODELS = (JobRequest, JobDocument, JobList, DatasetDocument, DatasetList, ProfileDocument, EventDocument)
_NOW = (*ALWAYS, 422, 503)
_ID = parameter("path", "id", {"type": "string", "pattern": f"^{IDENTITY.pattern}$"}, "Opaque name.")
_COLUMN = {"type": "string", "minLength": 1, "maxLength": MOST_LETTERS}
_STEPS = {"type": "integer", "minimum": 1, "maximum": MOST_STEPS}
_LOCATION = {"Location": {"required": True, "schema": {"type": "string"}, "description": "Where it is from now on."}}
_TABLE = "size,rooms,price\n" + "".join(f"{40 + 3 * k},{1 + k % 5},{100 + 7 * k + 9 * (k % 5)}\n" for k in range(60))
EXAMPLE_ID = "0123456789abcdef0123456789abcdef"
_FACTS = {"task": "regression", "architecture": "dense_stack", "data_kind": "table", "features": 2, "labeled_rows": 60}
_PROFILE = {
    "kind": "table",
    "rows": 60,
    "columns": [
        {"name": name, "kind": "numeric", "role": role, "missing": "", "values": values, "note": ""}
        for name, role, values in (
            ("size", "feature", "40 … 217"),
            ("rooms", "feature", "1 … 5"),
            ("price", "target", "100 … 549"),
        )
    ],
    "target": "price",
    "task": "regression",
    "facts": _FACTS,
    "how": dict.fromkeys(_FACTS, "The data are rows of named columns."),
    "notes": [],
}
_DATASET = Dataset(EXAMPLE_ID, "houses.csv", "csv", 680, "0" * 64, 1.8e9, _PROFILE)
_JOB = Job(
    id=EXAMPLE_ID,
    state="running",
    order=JobOrder(EXAMPLE_ID, target="price", problem={"latency_budget_ms": 1.0}, seed=7, time_budget_seconds=1800.0),
    created=1.8e9,
    started=1.8e9 + 1,
    attempts=1,
    progress={"stage": "Training", "network": "no regularizer", "epoch": 81, "max_epochs": 600, "val_loss": 0.017},
)
EXAMPLES = {
    "Dataset": {"summary": "A table with a header", "value": _DATASET.document()},
    "Job": {"summary": "A job that trains", "value": _JOB.document()},
}
_ORDER = {"dataset": EXAMPLE_ID, "target": "price", "problem": {"latency_budget_ms": 1.0}, "seed": 7}


def _link(operation: str, meaning: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": {"id": "$response.body#/id"}, "description": meaning}


ADD_DATASET = route(
    "addDataset",
    "Upload data to learn from",
    content("DatasetDocument", examples={"houses": {"$ref": "#/components/examples/Dataset"}}),
    (*WITH_BODY, 503, 507),
    statuses=(201,),
    answer_headers=_LOCATION,
    parameters=[
        parameter(
            "query",
            "format",
            {"type": "string", "enum": list(FORMATS)},
            f"The format, where the body is {ANY}; recognized when it is not given.",
        ),
        parameter("query", "name", {"type": "string", "maxLength": 200}, "What the file is called."),
        KEY,
    ],
    requestBody={
        "required": True,
        "description": "The file as it is: a table, an NPZ with X and y, or a zip with a folder of pictures per class.",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "examples": {"houses": {"summary": "A table with a header", "value": _TABLE}},
            },
            **{
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in (*UPLOADS, ANY)
                if kind != "text/csv"
            },
        },
    },
)
DATASETS = route("listDatasets", "List the data sets", content("DatasetList"), _NOW)
DATASET = route(
    "showDataset",
    "Show a data set",
    content("DatasetDocument", examples={"houses": {"$ref": "#/components/examples/Dataset"}}),
    (*_NOW, 404),
    parameters=[_ID],
)
REMOVE_DATASET = route("removeDataset", "Remove a data set", {}, (*_NOW, 404, 409), statuses=(204,), parameters=[_ID])
PROFILE = route(
    "profileDataset",
    "Ask what a data set says about a problem",
    content("ProfileDocument"),
    (*_NOW, 404, 409, 413),
    parameters=[
        _ID,
        parameter("query", "target", _COLUMN, "Column to predict; inferred when it is not given."),
        parameter(
            "query", "data_kind", {"type": "string", "enum": ["table", "image", "series", "text"]}, "Kind of data."
        ),
        parameter("query", "split_column", _COLUMN, "Column with train, val and test."),
        parameter("query", "series_id", _COLUMN, "Column that tells one series from another."),
        parameter("query", "time", _COLUMN, "Column that orders the steps of a series."),
        parameter("query", "horizon", _STEPS, "Steps to forecast at once."),
        parameter("query", "window", _STEPS, "Steps that a forecast reads."),
    ],
)
ADD_JOB = route(
    "addJob",
    "Train, export and measure the network that the rules advise for a data set",
    content("JobDocument", examples={"running": {"$ref": "#/components/examples/Job"}}),
    (*WITH_BODY, 503),
    statuses=(202,),
    answer_headers=_LOCATION,
    parameters=[KEY],
    requestBody={
        "required": True,
        "content": content("JobRequest", examples={"budget": {"summary": "With a latency budget", "value": _ORDER}}),
    },
)
JOBS = route(
    "listJobs",
    "List jobs, the latest first",
    content("JobList"),
    _NOW,
    parameters=[
        parameter("query", "state", {"type": "string", "enum": list(STATES)}, "Only jobs in this state."),
        parameter(
            "query", "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "At most so many."
        ),
    ],
)
JOB = route(
    "showJob",
    "Show a job",
    content("JobDocument", examples={"running": {"$ref": "#/components/examples/Job"}}),
    (*_NOW, 404),
    parameters=[_ID],
)
CANCEL_JOB = route(
    "cancelJob",
    "Cancel a job; with remove=true, remove one that is over",
    content("JobDocument", examples={"running": {"$ref": "#/components/examples/Job"}}),
    (*_NOW, 404, 409),
    statuses=(202, 204),
    parameters=[_ID, parameter("query", "remove", {"type": "string", "enum": ["true"]}, "Remove it and its files.")],
)
EVENTS = route(
    "followJob",
    "Follow a job as server-sent events",
    {
        "text/event-stream": {
            "schema": {"$ref": "#/components/schemas/EventDocument"},
            "example": {"id": "1", "event": "state", "data": '{"state": "queued"}'},
        }
    },
    (*_NOW, 400, 404),
    statuses=(200, 204),
    parameters=[
        _ID,
        parameter("header", "Last-Event-ID", {"type": "string", "pattern": "^[0-9]{1,15}$"}, "Go on after this event."),
    ],
)
ARTIFACT = route(
    "fetchArtifact",
    "Fetch a file of a finished run, by its name in the manifest",
    {ANY: {"schema": {"type": "string", "format": "binary"}}, "text/html": {"schema": {"type": "string"}}},
    (*_NOW, 404),
    parameters=[_ID, parameter("path", "name", {"type": "string", "minLength": 1}, "For example report.html.")],
)
for _operation in (ADD_DATASET, ADD_JOB):
    _status = 201 if _operation is ADD_DATASET else 202
    _operation["responses"][_status]["links"] = (
        {"dataset": _link("showDataset", "The data set."), "profile": _link("profileDataset", "What it says.")}
        if _operation is ADD_DATASET
        else {"job": _link("showJob", "The job."), "events": _link("followJob", "Its events.")}
    )
