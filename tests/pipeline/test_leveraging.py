"""From other data to a delivered model: reused layers, a similar task, and what is dropped."""

import json
import shutil

import keras
import numpy as np
import polars as pl
import pytest

import advisor
from advisor.errors import ArtifactError, RequestError
from advisor.interfaces.cli.main import run as command
from advisor.pipeline import Silent
from advisor.pipeline.preparation import Request, prepare

pytestmark = pytest.mark.slow

REUSE = {"task": "binary", "architecture": "dense_stack", "pretrained_model_available": True}
SIMILAR = {"task": "binary", "architecture": "dense_stack", "similar_task_labeled_rows": 20000}
SHORT = {"units": 16, "hidden_layers": 2, "evidence_rounds": 0, "regularization": "none", "dropout": "none"}


def table(rows, seed, columns=4):
    """Two classes that no line parts, in numbers and a category."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, columns))
    kind = draw.choice(["a", "b"], rows)
    inside = np.where((x[:, 0] * x[:, 1] > 0) ^ (kind == "a"), "yes", "no")
    return pl.DataFrame({f"x{k}": x[:, k] for k in range(columns)}).with_columns(
        pl.Series("kind", kind), pl.Series("y", inside)
    )


@pytest.fixture(scope="module")
def short(quick):
    def make(problem, **changes):
        return quick(problem, **{**SHORT, "max_epochs": 6, "patience_epochs": 6, **changes})

    return make


@pytest.fixture(scope="module")
def source(short, tmp_path_factory):
    out = tmp_path_factory.mktemp("source") / "run"
    recommendation = short({"task": "binary", "architecture": "dense_stack"}, max_epochs=60, patience_epochs=60)
    return advisor.train(recommendation, table(3000, 1), target="y", out=out, export=("keras", "litert"))


@pytest.fixture(scope="module")
def reused(short, source, tmp_path_factory):
    out = tmp_path_factory.mktemp("reused") / "run"
    small = table(150, 2)
    return advisor.train(short(REUSE), small, target="y", out=out, pretrained=source.path, export=("keras", "litert"))


def test_layers_of_a_run_on_the_same_problem_are_kept_and_everything_tried_is_told(reused):
    (told,) = reused.metrics["leveraging"]
    assert told["kind"] == "reuse"
    assert told["outcome"] == "kept"
    assert told["gain"] > told["error"] > 0
    assert min(told["losses"]) < told["scratch_loss"]
    assert told["layers"] == [2, 1]
    assert told["notes"][0] == "Its inputs are the same as yours."
    assert told["notes"][1] == "Its layers keep their configuration: dense_1 (16), dense_2 (16) with selu."
    origins = [(each["origin"], each["kept"]) for each in reused.metrics["trials"]]
    assert origins[0] == ("scratch", False)
    assert sum(kept for _, kept in origins) == 1
    assert {"leveraged", "script"} <= {event["kind"] for event in reused.metrics["events"]}
    assert "from scratch" in (reused.path / "report.html").read_text()
    reused.verify()


def test_a_run_on_reused_layers_predicts_like_any_other(reused):
    rows = table(40, 3).drop("y")
    np.testing.assert_allclose(reused.predict_proba(rows), reused.predict_proba(rows, runtime="keras"), atol=1e-5)
    assert (reused.predict(rows) == table(40, 3)["y"].to_numpy()).mean() > 0.6


def test_what_does_not_beat_training_from_scratch_beyond_the_noise_is_dropped(short, source, tmp_path):
    recommendation = short(REUSE, leverage_margin_errors=1e9, reuse_tries=1)
    run = advisor.train(
        recommendation, table(150, 2), target="y", out=tmp_path / "run", pretrained=source.path, export=("keras",)
    )
    (told,) = run.metrics["leveraging"]
    assert told["outcome"] == "dropped"
    assert "standard errors" in told["why"]
    assert [each["origin"] for each in run.metrics["trials"] if each["kept"]] == ["scratch"]
    assert run.metrics["training"]["best_val_loss"] == told["scratch_loss"]


def test_a_stopped_run_goes_on_within_the_tries_and_ends_the_same(short, source, reused, tmp_path):
    class Stop(Silent):
        def fit_begins(self, label, max_epochs):
            if "unfrozen" in label:
                raise KeyboardInterrupt

    asked = {"target": "y", "out": tmp_path / "run", "pretrained": source.path, "export": ("keras", "litert")}
    with pytest.raises(KeyboardInterrupt):
        advisor.train(short(REUSE), table(150, 2), **asked, progress=Stop())
    kept = tmp_path / "run.partial" / "checkpoints" / "reuse"
    assert [each.name for each in kept.iterdir()] == ["reuse-2-frozen"]
    again = advisor.train(short(REUSE), table(150, 2), **asked, resume=True)
    rows = table(40, 3).drop("y")
    np.testing.assert_array_equal(again.raw_outputs(rows), reused.raw_outputs(rows))
    other = dict(asked, pretrained=None, out=tmp_path / "run", resume=True)
    with pytest.raises(RequestError, match=r"R121.*pretrained"):
        advisor.train(short(REUSE), table(150, 2), **other)


def test_a_similar_task_with_some_columns_in_common_is_learned_first(short, tmp_path):
    similar = table(1200, 4).with_columns(z=pl.col("x0") * pl.col("x1") * (pl.col("kind") == "b")).drop("y", "x3")
    mine = table(120, 5).rename({"x2": "mine"})
    run = advisor.train(
        short(SIMILAR, reuse_tries=1),
        mine,
        target="y",
        out=tmp_path / "run",
        auxiliary=similar,
        auxiliary_target="z",
        export=("keras",),
    )
    (told,) = run.metrics["leveraging"]
    assert told["kind"] == "auxiliary"
    assert told["outcome"] in ("kept", "dropped")
    assert "fresh weights for mine, x3" in told["notes"][0]
    assert "left out: x2" in told["notes"][0]
    best = min(each["best_val_loss"] for each in run.metrics["trials"] if each["kept"])
    assert best <= told["scratch_loss"]


def test_pictures_take_layers_of_somebody_else_s_network_by_their_shapes(quick, tmp_path):
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 120)
    x = draw.integers(0, 60, (120, 8, 8), dtype=np.uint8) + (120 * y[:, None, None] * np.eye(8)).astype(np.uint8)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(9, activation="relu")]
    theirs = keras.Sequential([keras.Input((8, 8)), *layers, keras.layers.Dense(5, activation="softmax")])
    theirs.save(tmp_path / "theirs.keras")
    recommendation = quick(REUSE | {"data_kind": "image"}, **SHORT, max_epochs=5, patience_epochs=5)
    asked = {"pretrained": tmp_path / "theirs.keras", "export": ("keras",)}
    run = advisor.train(recommendation, {"X": x, "y": y}, out=tmp_path / "run", **asked)
    (told,) = run.metrics["leveraging"]
    assert told["outcome"] in ("kept", "dropped")
    assert "matched by shape" in told["notes"][0]
    layers = [keras.layers.Flatten(), keras.layers.Dense(9, activation="relu"), keras.layers.Dense(5)]
    keras.Sequential([keras.Input((9, 9)), *layers]).save(tmp_path / "wide.keras")
    asked["pretrained"] = tmp_path / "wide.keras"
    with pytest.raises(RequestError, match=r"R207.*9 x 9"):
        advisor.train(recommendation, {"X": x, "y": y}, out=tmp_path / "other", **asked)
    assert not list(tmp_path.glob("other*"))


def test_what_is_advised_without_anything_to_start_from_is_said(short, tmp_path):
    run = advisor.train(short(SIMILAR), table(120, 5), target="y", out=tmp_path / "run", export=("keras",))
    (told,) = run.metrics["leveraging"]
    assert told["outcome"] == "not_tried"
    assert "--auxiliary" in told["why"]


def test_a_source_without_a_column_in_common_is_one_clear_error(source, tmp_path, capsys):
    other = tmp_path / "other.csv"
    table(120, 5).rename({name: f"my {name}" for name in ("x0", "x1", "x2", "x3", "kind")}).write_csv(other)
    asked = ["train", "--data", str(other), "--target", "y", "--out", str(tmp_path / "run"), "--no-progress"]
    assert command([*asked, "--pretrained", str(source.path)]) == 2
    assert "none of your columns" in capsys.readouterr().err
    similar = tmp_path / "similar.csv"
    table(120, 6).write_csv(similar)
    assert command([*asked, "--auxiliary", str(similar), "--auxiliary-target", "y"]) == 2
    assert "R203" in capsys.readouterr().err
    assert command([*asked, "--auxiliary-target", "y"]) == 2
    assert "R201" in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other.csv", "similar.csv"]


def test_a_run_that_was_tampered_with_is_refused(source, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(source.path, copy)
    (copy / "model" / "model.keras").write_bytes(b"PK")
    with pytest.raises(ArtifactError):
        advisor.train(None, table(120, 5), target="y", out=tmp_path / "run", pretrained=copy)


def test_facts_are_filled_from_what_is_given(source, tmp_path):
    similar = table(10500, 7)
    request = Request(table(300, 5), "y", pretrained=source.path, auxiliary=similar, auxiliary_target="y")
    prepared = prepare(request)
    facts = prepared.problem.facts()
    assert facts["pretrained_model_available"] is True
    assert facts["source_self_normalizing"] is True
    assert facts["similar_task_labeled_rows"] == 10500
    assert prepared.values["pretraining"] == ("reuse", "auxiliary")
    assert json.dumps(dict(prepared.others.digests)).count(":") == 2
