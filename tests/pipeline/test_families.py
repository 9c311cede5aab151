"""Other architectures than the plain stack, and pictures, from raw data to a delivered and measured model."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import advisor
from advisor.errors import DataError
from advisor.export.int8 import MICRO_OPERATIONS, PreparedRuntime, operations_of
from advisor.export.preparation import Preparation
from advisor.interfaces.cli.main import run as command
from advisor.pipeline.benching import bench
from advisor.pipeline.compressing import ALL_IN_INTEGERS

pytestmark = pytest.mark.slow


def check_exports(run, rows):
    """Every format was reloaded and compared within its tolerance, both runtimes agree on raw rows, all are timed."""
    artifacts = {each["name"]: each for each in run.metrics["artifacts"]}
    assert {"keras", "saved_model", "litert"} <= set(artifacts)
    assert all(each["max_difference"] <= min(each["tolerance"], 1e-5) for each in artifacts.values())
    answers = [run.raw_outputs(rows, runtime=runtime) for runtime in ("litert", "keras")]
    scale = np.maximum(np.abs(answers[1]), 1.0)
    assert np.max(np.abs(answers[0] - answers[1]) / scale) <= 1e-5
    assert "SavedModel" in {each.name for each in bench(run, batches=(1, 3), seconds=0.02).timings}


@pytest.mark.parametrize("architecture", ["wide_and_deep", "residual"])
def test_wide_and_deep_and_residual_networks_learn_a_table(architecture, mixed_table, quick, tmp_path):
    decided = quick({"task": "regression", "architecture": architecture}, max_epochs=60)
    run = advisor.train(decided, mixed_table, target="price", out=tmp_path / "run")
    metrics = run.metrics
    assert metrics["test"]["rmse"] < 0.6 * metrics["baselines"]["mean"]["test"]["rmse"]
    check_exports(run, mixed_table.drop("price").head(20))
    statuses = {step["step"]: step["status"] for step in run.recommendation.plan}
    assert statuses["build_network"] == "carried_out"
    parameters = run.recommendation.estimate
    assert parameters is None or parameters["parameters"] == metrics["parameters"]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Pictures of bars and of discs, in colour and of several sizes, and one that is damaged."""
    folder, draw = tmp_path_factory.mktemp("data") / "shapes", np.random.default_rng(0)
    for label in ("bars", "discs"):
        (folder / label).mkdir(parents=True)
        for index in range(60):
            height, width = draw.integers(10, 16, 2)
            values = draw.integers(0, 60, (height, width, 3)).astype(np.uint8)
            y, x = np.mgrid[:height, :width]
            inside = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (min(height, width) / 3) ** 2
            values[inside if label == "discs" else np.abs(x - width / 2) < 2] = 220
            Image.fromarray(values).save(folder / label / f"{index:02}.png")
    (folder / "bars" / "broken.png").write_bytes(b"rubbish")
    return folder


@pytest.fixture(scope="module")
def shapes_run(shapes, quick, tmp_path_factory):
    facts = {"task": "binary", "architecture": "convolutional", "data_kind": "image", "labeled_rows": 120}
    decided = quick(facts, hidden_layers=2, filters=8, units=16, max_epochs=60, patience_epochs=60)
    return advisor.train(decided, shapes, out=tmp_path_factory.mktemp("runs") / "run")


def test_a_convolutional_network_tells_shapes_apart(shapes_run, shapes, as_logged):
    pictures = np.zeros((3, *shapes_run.contract["encoder"]["shape"]), np.float32)
    assert as_logged(shapes_run, pictures)["prediction"].tolist() == shapes_run.predict(pictures).tolist()
    assert shapes_run.metrics["test"]["auc"] > 0.9
    check_exports(shapes_run, [str(path) for path in sorted(shapes.glob("discs/*.png"))[:20]])


@pytest.fixture(scope="module")
def few_digits():
    """Pictures of three digits, their labels, and a problem for a microcontroller."""
    digits = load_digits()
    few = digits.target < 3
    pictures, labels = digits.images[few].astype(np.float32), digits.target[few]
    facts = {"task": "multiclass", "architecture": "convolutional", "data_kind": "image", "labeled_rows": len(labels)}
    return pictures, labels, {**facts, "target_device": "microcontroller", "size_budget_kb": 60}


def test_a_microcontroller_gets_a_convolutional_network_in_integers(quick, few_digits, tmp_path):
    pictures, labels, given = few_digits
    decided = quick(given, hidden_layers=2, filters=8, units=16, max_epochs=30, patience_epochs=30)
    run = advisor.train(decided, (pictures, labels), out=tmp_path / "run")
    assert run.contract["litert"]["precision"] in ALL_IN_INTEGERS
    measured = {each["name"]: each for each in run.requirements}
    assert measured["size"]["met"]
    assert measured["metric_cost"]["measured"] < 0.05
    assert run.metrics["test"]["accuracy"] > 0.95
    assert np.mean(run.predict(pictures) == run.predict(pictures, runtime="keras")) > 0.98
    header = (run.path / "model" / "model_data.h").read_text()
    assert "CONV_2D" in header
    assert '"kind": "pictures"' in header
    assert {each.rows for each in bench(run, batches=(1, 3), seconds=0.02).timings} == {1, 3}


def test_a_convolutional_network_that_rounding_costs_too_much_is_trained_in_8_bits(quick, few_digits, tmp_path):
    pictures, labels, given = few_digits
    decided = quick(
        {**given, "size_budget_kb": 1},  # missed, so that the ladder is gone down
        hidden_layers=2,
        filters=8,
        units=16,
        max_epochs=30,
        patience_epochs=30,
        quantization_epochs=1,
        allowed_metric_cost=-0.99,  # any rounding costs too much
        compression_ladder=["quantization_aware_int8"],
    )
    run = advisor.train(decided, (pictures, labels), out=tmp_path / "run")
    ladder = {each["name"]: each for each in json.loads((run.path / "requirements.json").read_text())["ladder"]}
    aware = ladder["quantization_aware_int8"]
    assert aware["outcome"] in ("taken", "no_gain")
    assert aware["test_after"] >= aware["test_before"] - 0.05
    assert aware["bytes"] < 1.5 * ladder["full_int8_integers"]["bytes"]
    path = run.path / aware["artifact"]
    assert set(operations_of(path)) <= MICRO_OPERATIONS
    runtime = PreparedRuntime(path, Preparation.of(run.core)[0])
    assert np.mean(runtime.predict(pictures[..., None]).argmax(axis=1) == labels) > 0.95


def test_pictures_are_predicted_from_files_and_arrays_alike(shapes_run, shapes):
    path = shapes / "discs" / "03.png"
    expected = shapes_run.predict_proba(str(path))
    assert np.array_equal(shapes_run.predict_proba(shapes_run.encoder.encode(path)), expected)
    with Image.open(path) as image:
        assert np.array_equal(shapes_run.predict_proba(image), expected)
    assert shapes_run.predict(shapes / "discs").shape == (60,)
    with pytest.raises(DataError, match="is needed"):
        shapes_run.predict(np.zeros((2, 5, 5, 3)))


def test_a_folder_is_predicted_on_the_command_line_with_its_files_named(shapes_run, shapes, capsys):
    assert command(["predict", str(shapes_run.path), "--data", str(shapes)]) == 0
    said = capsys.readouterr()
    assert "1 of 121 pictures can't be read" in said.err
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert len(rows) == 120
    assert rows[0]["file"] == "bars/00.png"
    assert set(rows[0]) == {"file", "prediction", "probability_bars", "probability_discs"}


def test_the_damaged_picture_stands_in_the_report(shapes_run):
    assert "1 of 121 pictures can&#39;t be read" in (shapes_run.path / "report.html").read_text().replace(
        "&#x27;", "&#39;"
    )
