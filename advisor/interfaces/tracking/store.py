"""One finished run in an MLflow store, logged once however often the command is repeated."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from advisor.errors import ArtifactError, Finding, RequestError
from advisor.interfaces.tracking.model import requirements, signature_of
from advisor.run import Run
from advisor.storage import sha256_file

EXPERIMENT = "advisor"
DIGEST = "advisor.manifest_sha256"
DOCUMENTS = (
    "manifest.json",
    "problem.json",
    "recommendation.json",
    "schema.json",
    "metrics.json",
    "requirements.json",
    "report.html",
    "model_card.md",
    "train.py",
)
SQLITE = "sqlite:///"
MOST_TEXT = 500
"""Characters of a parameter's value, the limit of older stores."""
MOST_AT_ONCE = 100
"""Parameters in a request, MLflow's limit."""


def open_tracker(uri: str | None) -> Tracker:
    """Check that MLflow is there and understands the place, before a long training begins.

    Args:
        uri: Tracking URI, such as ``sqlite:///mlflow.db`` or ``http://host:5000``; empty or None takes that of the
            environment (MLFLOW_TRACKING_URI), else MLflow's own default.

    Raises:
        RequestError: If MLflow isn't installed, or there is no such store.
    """
    if find_spec("mlflow") is None:
        raise RequestError(
            Finding("R180", "--mlflow", "MLflow is not installed.", "Install it with: pip install 'advisor[mlflow]'")
        )
    # MLflow sends usage statistics to its makers unless it is told not to; a training step sends nothing.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(tracking_uri=uri or None)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        experiment = client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment else client.create_experiment(name, _artifacts_of(uri or ""))
    except (MlflowException, OSError, ImportError) as error:
        raise RequestError(
            Finding(
                "R181",
                "--mlflow",
                f"the store {uri or 'of the environment'} can't be used: {_first_line(error)}",
                "Give a tracking URI, such as sqlite:///mlflow.db or http://host:5000.",
            )
        ) from error
    return Tracker(client, number, uri or "")


class Tracker:
    """An experiment in an MLflow store."""

    def __init__(self, client: Any, experiment: str, uri: str) -> None:
        """Hold the client (``mlflow.MlflowClient``) and the experiment's number."""
        self._client, self._experiment, self._uri = client, experiment, uri

    def log(self, run: Run) -> tuple[str, bool]:
        """Log a finished run: parameters, metrics, learning curves, documents, and a model for raw rows.

        Args:
            run: The run.

        Returns:
            MLflow's identifier of the run, and whether it was logged now; a run that is there already stays as it is.

        Raises:
            ArtifactError: If the store refuses; the finished run isn't touched, and repeating the command logs it.
        """
        from mlflow.exceptions import MlflowException

        digest = sha256_file(run.path / "manifest.json")
        try:
            found = self._client.search_runs(
                [self._experiment], f"tags.`{DIGEST}` = '{digest}' and attributes.status = 'FINISHED'", max_results=1
            )
            if found:
                return str(found[0].info.run_id), False
            return self._log(run, digest), True
        except (MlflowException, OSError) as error:
            raise ArtifactError(
                Finding(
                    "A130",
                    "--mlflow",
                    f"the run in {run.path} is finished, but MLflow could not take it: {_first_line(error)}",
                    "Repeat the command: nothing is trained again, the run is only logged.",
                )
            ) from error

    def _log(self, run: Run, digest: str) -> str:
        from mlflow.entities import Metric, Param

        client, name = self._client, run.path.name
        made = client.create_run(self._experiment, tags={DIGEST: digest}, run_name=name)
        number = str(made.info.run_id)
        try:
            parameters = [Param(key, value[:MOST_TEXT]) for key, value in parameters_of(run)]
            for first in range(0, len(parameters), MOST_AT_ONCE):
                client.log_batch(number, params=parameters[first : first + MOST_AT_ONCE])
            at = made.info.start_time
            metrics = [Metric(key, value, at, step) for key, value, step in (*metrics_of(run), *curves_of(run))]
            for first in range(0, len(metrics), 1000):
                client.log_batch(number, metrics=metrics[first : first + 1000])
            for document in DOCUMENTS:
                if (run.path / document).is_file():
                    client.log_artifact(number, str(run.path / document))
            self._log_model(run, number)
        except BaseException:
            client.set_terminated(number, "FAILED")
            raise
        client.set_terminated(number, "FINISHED")
        return number

    def _log_model(self, run: Run, number: str) -> None:
        import mlflow

        before = mlflow.get_tracking_uri()
        if self._uri:
            mlflow.set_tracking_uri(self._uri)
        try:
            with mlflow.start_run(run_id=number):
                mlflow.pyfunc.log_model(
                    name="model",
                    loader_module="advisor.interfaces.tracking.model",
                    data_path=str(run.path),
                    signature=signature_of(run),
                    pip_requirements=requirements(),
                )
        finally:
            mlflow.set_tracking_uri(before)


def parameters_of(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what decided the run: seed, rulebook, digests, stated facts and every decision."""
    manifest = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))
    yield "seed", str(manifest["seed"])
    yield "data_sha256", str(manifest["digests"]["data"])
    for key in ("name", "version", "sha256"):
        yield f"rulebook.{key}", str(run.recommendation.rulebook[key])
    for name, value in run.recommendation.problem.facts().items():
        yield f"problem.{name}", json.dumps(value)
    for slot, value in run.recommendation.values.items():
        yield f"decision.{slot}", value if isinstance(value, str) else json.dumps(value)


def metrics_of(run: Run) -> Iterator[tuple[str, float, int]]:
    """Yield every number that was measured, as name, value and step 0; what is undefined is left out."""
    metrics = run.metrics
    for part in ("test", "val"):
        for name, value in metrics[part].items():
            if value is not None:
                yield f"{part}.{name}", float(value), 0
    for key, baseline in metrics["baselines"].items():
        for name, value in baseline["test"].items():
            if value is not None:
                yield f"baseline.{key}.{name}", float(value), 0
    for name in ("p50_ms", "p99_ms"):
        yield f"latency.{name}", float(metrics["latency"][name]), 0
    yield "parameters", float(metrics["parameters"]), 0
    yield "training.seconds", float(metrics["training"]["seconds"]), 0
    yield "training.best_epoch", float(metrics["training"]["best_epoch"]), 0
    yield "requirements.met", float(all(each["met"] for each in run.requirements)), 0
    for each in run.requirements:
        yield f"requirements.{each['name']}.measured", float(each["measured"]), 0


def curves_of(run: Run) -> Iterator[tuple[str, float, int]]:
    """Yield the learning curves of the trial that was kept."""
    path: Path = run.path / "logs" / "history.json"
    history = json.loads(path.read_text(encoding="utf-8"))
    kept = next((trial["name"] for trial in run.metrics["trials"] if trial["kept"]), None)
    for epoch in history.get(kept, {"epochs": []})["epochs"]:
        for name in ("loss", "val_loss", "val_metric", "learning_rate"):
            if epoch.get(name) is not None:
                yield f"epoch.{name}", float(epoch[name]), int(epoch["number"])


def _artifacts_of(uri: str) -> str | None:
    """Return where files are kept: beside an SQLite store, not wherever the process happens to be; else its default."""
    if not uri.startswith(SQLITE) or uri == SQLITE:
        return None
    return Path(uri.removeprefix(SQLITE)).absolute().with_suffix(".artifacts").as_uri()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
