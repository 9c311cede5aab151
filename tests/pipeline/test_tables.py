"""From a table to a delivered, measured model."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

import advisor
from advisor.errors import ArtifactError, ProblemError, RequestError
from advisor.interfaces.cli.train import _page

pytestmark = pytest.mark.slow

EXPECTED_FILES = {
    "manifest.json",
    "problem.json",
    "recommendation.json",
    "metrics.json",
    "requirements.json",
    "schema.json",
    "report.html",
    "model_card.md",
    "train.py",
}


def problem(task, **fields):
    return {"task": task, "architecture": "dense_stack", **fields}


@pytest.fixture(scope="module")
def mixed_run(mixed_table, tmp_path_factory):
    out = tmp_path_factory.mktemp("mixed") / "run"
    stated = problem("regression", latency_budget_ms=50.0, size_budget_kb=500.0)
    return advisor.train(stated, mixed_table, target="price", out=out)


def test_a_run_beats_its_baselines_on_a_table_with_every_kind_of_column(mixed_run):
    metrics = mixed_run.metrics
    assert metrics["test"]["rmse"] < 0.5 * metrics["baselines"]["mean"]["test"]["rmse"]
    # The signal is linear, so the linear model is at home here; the network must come near it.
    assert metrics["test"]["rmse"] < 1.25 * metrics["baselines"]["linear"]["test"]["rmse"]
    *_, judged, open_question = metrics["comparison"]
    assert "linear model" in judged
    assert open_question == "Whether the simpler models keep what is required here was not measured."
    assert f"{judged} {open_question}" in " ".join(_page(mixed_run).split())


def test_a_run_folder_holds_what_is_promised_and_its_manifest_agrees(mixed_run):
    assert {each.name for each in mixed_run.path.iterdir()} >= EXPECTED_FILES
    assert {each.name for each in (mixed_run.path / "model").iterdir()} >= {
        "model.keras",
        "saved_model",
        "model.tflite",
    }
    mixed_run.verify()


def test_a_changed_file_is_noticed(mixed_run):
    card = mixed_run.path / "model_card.md"
    before = card.read_text()
    card.write_text(before + "!")
    with pytest.raises(ArtifactError, match=r"model_card\.md"):
        mixed_run.verify()
    card.write_text(before)


def test_every_requirement_is_measured_and_its_verdict_follows_from_the_numbers(mixed_run):
    assert [each["name"] for each in mixed_run.requirements] == ["latency", "size"]
    for each in mixed_run.requirements:
        assert each["met"] == (each["measured"] <= each["required"])
    size = next(each for each in mixed_run.requirements if each["name"] == "size")
    assert size["measured"] == (mixed_run.path / "model" / "model.tflite").stat().st_size / 1000


def test_raw_rows_get_the_same_answer_from_every_runtime(mixed_run, mixed_table):
    fast = mixed_run.predict(mixed_table)
    keras = mixed_run.predict(mixed_table, runtime="keras")
    one_by_one = np.array([mixed_run.predict(row)[0] for row in mixed_table.head(20).to_dicts()])
    scale = mixed_table["price"].std()
    assert np.abs(fast - keras).max() / scale < 1e-5
    assert np.abs(fast[:20] - one_by_one).max() / scale < 1e-6


def test_the_saved_model_takes_raw_rows(mixed_run, mixed_table):
    import keras  # noqa: F401 - loads TensorFlow with the right backend
    import tensorflow as tf

    served = tf.saved_model.load(str(mixed_run.path / "model" / "saved_model"))
    contract = json.loads((mixed_run.path / "model" / "contract.json").read_text())
    names = contract["serving_inputs"]
    days = mixed_table["sold"].cast(pl.Int32).to_numpy()[:5, None] * 86400.0
    inputs = {
        names["size m²"]: tf.constant(mixed_table["size m²"].fill_null(float("nan")).to_numpy()[:5, None], tf.float32),
        names["kind"]: tf.constant([[each or ""] for each in mixed_table["kind"].to_list()[:5]]),
        names["new"]: tf.constant(mixed_table["new"].to_numpy()[:5, None].astype(np.float32)),
        names["sold"]: tf.constant(days, tf.float64),
    }
    answers = served.serve(inputs).numpy()[:, 0]
    assert np.abs(answers - mixed_run.predict(mixed_table.head(5))).max() / mixed_table["price"].std() < 1e-5


def test_labels_come_back_in_the_users_type(two_classes, three_classes, quick, tmp_path):
    binary = advisor.train(quick(problem("binary")), two_classes, target="y", out=tmp_path / "two")
    assert binary.predict(two_classes).dtype.kind == "i"
    assert binary.predict_proba(two_classes.head(3)).shape == (3, 2)
    assert binary.metrics["test"]["accuracy"] > binary.metrics["baselines"]["majority"]["test"]["accuracy"]
    several = advisor.train(quick(problem("multiclass", outputs=3)), three_classes, target="label", out=tmp_path / "3")
    assert set(several.predict(three_classes)) == {"red", "green", "blue"}
    assert several.classes == ("blue", "green", "red")
    assert np.allclose(several.predict_proba(three_classes).sum(axis=1), 1, atol=1e-5)
    assert several.metrics["test"]["accuracy"] > 0.6


def weights_of(run):
    return hashlib.sha256((run.path / "model" / "model.tflite").read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(two_classes, quick, tmp_path):
    decided = quick(problem("binary"), max_epochs=5)
    runs = [
        advisor.train(decided, two_classes, target="y", out=tmp_path / name, seed=seed)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    ]
    assert weights_of(runs[0]) == weights_of(runs[1]) != weights_of(runs[2])


def test_overfitting_turns_the_regularizer_on_and_the_better_network_is_kept(quick, tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(120, 10))
    frame = pl.DataFrame({f"x{k}": x[:, k] for k in range(10)}).with_columns(pl.Series("y", draw.normal(size=120)))
    decided = quick(problem("regression"), max_epochs=100, evidence_rounds=1)
    run = advisor.train(decided, frame, target="y", out=tmp_path / "run")
    kinds = [event["kind"] for event in run.metrics["events"]]
    assert "overfitting" in kinds
    assert "regularized" in kinds
    assert "kept" in kinds
    trials = run.metrics["trials"]
    kept = next(trial for trial in trials if trial["kept"])
    assert len(trials) > 1
    assert kept["best_val_loss"] == min(trial["best_val_loss"] for trial in trials)


def test_a_problem_may_leave_to_the_data_what_the_data_can_answer(two_classes, tmp_path):
    run = advisor.train({"latency_budget_ms": 50.0}, two_classes, target="y", out=tmp_path / "run", time_budget=5)
    facts = run.recommendation.problem.facts()
    assert facts["task"] == "binary"
    assert facts["labeled_rows"] == two_classes.height
    assert facts["latency_budget_ms"] == 50.0


def test_a_task_that_the_target_contradicts_is_refused_before_anything_is_written(three_classes, quick, tmp_path):
    with pytest.raises((ProblemError, advisor.errors.DataError)):
        advisor.train(quick(problem("regression")), three_classes, target="label", out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def command(out, data, recommendation, *more):
    return [
        sys.executable,
        "-m",
        "advisor.interfaces.cli",
        "train",
        "--data",
        str(data),
        "--target",
        "y",
        "--recommendation",
        str(recommendation),
        "--out",
        str(out),
        *more,
    ]


@pytest.fixture(scope="module")
def long_job(two_classes, quick, tmp_path_factory):
    """Data, a recommendation whose training can be killed in the middle, and its run when it is left alone."""
    folder = tmp_path_factory.mktemp("long")
    data, recommendation, whole = folder / "data.csv", folder / "recommendation.json", folder / "whole"
    two_classes.write_csv(data)
    # Long enough to be killed in the middle: checkpoints come every two seconds.
    recommendation.write_text(quick(problem("binary"), max_epochs=800, patience_epochs=800).to_json())
    done = subprocess.run(command(whole, data, recommendation), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return data, recommendation, advisor.load_run(whole)


def wait_for_checkpoint(partial, process):
    deadline = time.monotonic() + 600
    while not list(partial.rglob("*.npz")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_resumes_to_the_same_bits(long_job, tmp_path, how):
    data, recommendation, whole = long_job
    stopped = tmp_path / "stopped"
    with subprocess.Popen(
        command(stopped, data, recommendation), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        wait_for_checkpoint(tmp_path / "stopped.partial", process)
        os.kill(process.pid, how)
        _, said = process.communicate()
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "--resume" in said
    assert not stopped.exists()
    again = subprocess.run(
        command(stopped, data, recommendation, "--resume"), capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert weights_of(whole) == weights_of(advisor.load_run(stopped))
    once_more = subprocess.run(
        command(stopped, data, recommendation, "--resume"), capture_output=True, text=True, check=False
    )
    assert once_more.returncode == 0
    assert "Nothing to do" in once_more.stderr


def test_a_finished_run_of_another_request_is_not_passed_off_as_this_one(mixed_run, mixed_table, quick):
    with pytest.raises(RequestError, match="another request"):
        advisor.train(quick(problem("regression")), mixed_table, target="price", out=mixed_run.path, resume=True)
