"""``advisor train`` as a step: repeated safely, logged to MLflow once, its exit codes and files as documented."""

import json
import shutil

import numpy as np
import pandas as pd
import polars as pl
import pytest

import advisor
from advisor.errors import ArtifactError, RequestError
from advisor.interfaces.cli.main import run as command
from advisor.interfaces.tracking import open_tracker, store

pytestmark = pytest.mark.slow
QUICK = ("--max-epochs", "4", "--single-network", "--export", "keras,litert", "--no-progress")
DOCUMENTED = {
    "schema_version",
    "task",
    "primary",
    "rows",
    "test",
    "val",
    "undefined",
    "baselines",
    "comparison",
    "latency",
    "parameters",
    "artifacts",
    "training",
    "trials",
    "events",
}
"""Keys of metrics.json that the page about pipelines promises."""


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    """A folder with a table and the run that one command made of it."""
    folder = tmp_path_factory.mktemp("step")
    draw = np.random.default_rng(4)
    size, kind = draw.normal(size=120), draw.choice(["flat", "house"], 120)
    table = pl.DataFrame({"size": size, "kind": kind, "new": draw.random(120) < 0.5})
    table.with_columns(pl.Series("y", np.where(size + (kind == "flat") > 0.3, "dear", "cheap"))).write_csv(
        folder / "data.csv"
    )
    assert train(folder) == 0
    return folder


def train(folder, *words):
    return command(["train", "--data", str(folder / "data.csv"), "--out", str(folder / "run"), *QUICK, *words])


def contents(folder):
    return {str(each.relative_to(folder)): each.stat().st_mtime_ns for each in folder.rglob("*") if each.is_file()}


def test_the_same_request_again_trains_nothing_and_says_so(step, capsys):
    before = contents(step / "run")
    assert train(step) == 0
    assert "Nothing to do: the run in" in capsys.readouterr().err
    assert train(step, "--json") == 0
    assert json.loads(capsys.readouterr().out)["run"] == str(step / "run")
    assert contents(step / "run") == before
    assert not (step / "run.partial").exists()


@pytest.mark.parametrize(
    "words", [("--seed", "1"), ("--target", "kind"), ("--max-epochs", "5"), ("--time-budget", "9")]
)
def test_another_request_is_refused_without_force_and_the_run_left_alone(step, capsys, words):
    before = contents(step / "run")
    assert train(step, *words) == 2
    assert "holds a finished run of another request" in capsys.readouterr().err
    assert contents(step / "run") == before


def test_other_data_and_other_versions_are_another_request(step, tmp_path, capsys):
    shutil.copytree(step / "run", tmp_path / "run")
    shutil.copy(step / "data.csv", tmp_path / "data.csv")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    old = {**manifest, "versions": {**manifest["versions"], "keras": "3.0.0"}}
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(old))
    assert train(tmp_path) == 2
    assert "version of keras changed" in capsys.readouterr().err
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest))
    lines = (tmp_path / "data.csv").read_text().splitlines()
    (tmp_path / "data.csv").write_text("\n".join(lines[:-1]) + "\n")
    assert train(tmp_path) == 2
    assert "data" in capsys.readouterr().err


def test_a_damaged_run_is_no_good_run(step, tmp_path, capsys):
    shutil.copytree(step / "run", tmp_path / "run")
    shutil.copy(step / "data.csv", tmp_path / "data.csv")
    (tmp_path / "run" / "model" / "model.tflite").write_bytes(b"damaged")
    assert train(tmp_path) == 3
    assert "model/model.tflite" in capsys.readouterr().err


def test_metrics_and_manifest_have_the_documented_keys(step):
    metrics = json.loads((step / "run" / "metrics.json").read_text())
    assert set(metrics) >= DOCUMENTED
    manifest = json.loads((step / "run" / "manifest.json").read_text())
    assert {"seed", "versions", "digests", "inputs", "files"} <= set(manifest)
    assert {"data", "problem", "recommendation"} == set(manifest["digests"])
    assert len(manifest["inputs"]["rulebook_sha256"]) == 64


def test_limits_are_in_the_recommendation_with_whose_they_are(step):
    decisions = json.loads((step / "run" / "recommendation.json").read_text())["decisions"]
    assert decisions["max_epochs"]["value"] == 4
    assert decisions["max_epochs"]["because"].startswith("You allow at most 4 epochs. The rules say ")
    assert decisions["evidence_rounds"]["value"] == 0
    assert decisions["compiled"]["value"] is False
    assert len(json.loads((step / "run" / "logs" / "history.json").read_text())) == 1


@pytest.fixture(scope="module")
def logged(step):
    """The same run in an SQLite store beside it."""
    uri = f"sqlite:///{step / 'mlflow.db'}"
    assert train(step, "--mlflow", uri) == 0
    return uri


@pytest.mark.filterwarnings("ignore")  # MLflow's own, of which there are many
def test_a_run_is_logged_once_with_parameters_metrics_and_documents(step, logged, capsys):
    from mlflow import MlflowClient

    assert train(step, "--mlflow", logged) == 0
    assert "is there already as" in capsys.readouterr().err
    client = MlflowClient(tracking_uri=logged)
    experiment = client.get_experiment_by_name("advisor")
    found = client.search_runs([experiment.experiment_id])
    assert len(found) == 1
    data, metrics = found[0].data, json.loads((step / "run" / "metrics.json").read_text())
    assert found[0].info.status == "FINISHED"
    assert data.params["seed"] == "0"
    assert data.params["decision.max_epochs"] == "4"
    assert data.params["problem.task"] == '"binary"'
    assert data.metrics["test.accuracy"] == metrics["test"]["accuracy"]
    assert len(client.get_metric_history(found[0].info.run_id, "epoch.val_loss")) == 4
    names = {each.path for each in client.list_artifacts(found[0].info.run_id)}
    assert {"report.html", "manifest.json", "recommendation.json", "train.py"} <= names


@pytest.mark.filterwarnings("ignore")
def test_the_logged_model_takes_raw_rows_by_its_signature(step, logged):
    import mlflow

    experiment = mlflow.MlflowClient(tracking_uri=logged).get_experiment_by_name("advisor")
    mlflow.set_tracking_uri(logged)
    (model,) = mlflow.search_logged_models(experiment_ids=[experiment.experiment_id], output_format="list")
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    types = {each.name: each.type.name for each in loaded.metadata.signature.inputs}
    assert types == {"size": "double", "kind": "string", "new": "boolean"}
    assert [each.name for each in loaded.metadata.signature.outputs] == [
        "prediction",
        "probability_cheap",
        "probability_dear",
    ]
    rows = pd.DataFrame({"size": [3.0, None], "kind": ["flat", "never seen"], "new": [True, False]})
    answers = loaded.predict(rows)
    run = advisor.load_run(step / "run")
    assert answers["prediction"].tolist() == run.predict(rows).tolist()
    assert np.allclose(answers[["probability_cheap", "probability_dear"]], run.predict_proba(rows))


def test_a_store_that_is_none_is_refused_before_anything_is_trained(tmp_path, capsys):
    (tmp_path / "data.csv").write_text("this is never read")
    assert train(tmp_path, "--mlflow", "nonsense://here") == 2
    assert "R181" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["data.csv"]


def test_without_mlflow_the_hint_is_the_command_that_installs_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(store, "find_spec", lambda name: None)
    (tmp_path / "data.csv").write_text("this is never read")
    assert train(tmp_path, "--mlflow") == 2
    assert "pip install 'advisor[mlflow]'" in capsys.readouterr().err
    with pytest.raises(RequestError, match="MLflow is not installed"):
        advisor.train(None, tmp_path / "data.csv", out=tmp_path / "run", mlflow=True)


def test_a_store_that_fails_afterwards_leaves_the_run_and_says_how_to_go_on(step, logged, monkeypatch):
    tracker = open_tracker(logged)

    def full(*words, **named):
        raise OSError("no space left")

    monkeypatch.setattr(tracker._client, "search_runs", full)
    with pytest.raises(ArtifactError, match="nothing is trained again") as caught:
        tracker.log(advisor.load_run(step / "run"))
    assert caught.value.exit_code == 3
