"""Risk and what it meets, end to end: train, deliver, load the folder, predict distributions."""

import json

import numpy as np
import polars as pl
import pytest

import advisor
from advisor.errors import DataError, RequestError
from advisor.interfaces.cli.predict import check_doubt, doubtful_answers
from advisor.uncertainty import calibrated

pytestmark = pytest.mark.slow
QUICK = {"max_epochs": 15, "patience_epochs": 15}


def risky(task, **more):
    return {"task": task, "architecture": "dense_stack", "risk_sensitive": True, "labeled_rows": 400, **more}


@pytest.fixture(scope="module")
def numbers():
    draw = np.random.default_rng(4)
    x = draw.normal(size=(400, 3))
    y = 2 * x[:, 0] - x[:, 1] + 0.5 * draw.normal(size=400)
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})


@pytest.fixture(scope="module")
def run(numbers, quick, tmp_path_factory):
    chosen = quick(risky("regression"), dropout_rates=[0.001, 0.01], **QUICK)
    return advisor.train(chosen, numbers, target="y", out=tmp_path_factory.mktemp("risk") / "run")


def test_a_self_normalizing_network_samples_with_alpha_dropout(run, numbers):
    loaded = advisor.load_run(run.path)
    assert loaded.recommendation.values["dropout"] == "alpha_dropout"
    stated = loaded.predict_distribution(numbers)
    low, high = stated.interval(0.9)
    y = numbers["y"].to_numpy()
    assert stated.mean.shape == stated.std.shape == low.shape == (400,)
    assert (stated.std > stated.epistemic).all()
    assert 0.75 < ((low <= y) & (y <= high)).mean() <= 1
    assert np.isfinite(stated.log_prob(y)).all()
    plan = {step["step"]: step["status"] for step in loaded.recommendation.to_dict()["plan"]}
    assert plan["mc_dropout"] == plan["calibrate"] == "carried_out"


def test_both_runtimes_agree_rows_stand_alone_and_seeds_decide(run, numbers):
    litert = run.predict_distribution(numbers[:40], runtime="litert")
    keras = run.predict_distribution(numbers[:40], runtime="keras")
    assert litert.mean == pytest.approx(keras.mean, abs=1e-3)
    assert litert.std == pytest.approx(keras.std, rel=1e-2)
    assert run.predict_distribution(numbers[3:4]).mean == pytest.approx(litert.mean[3:4], abs=1e-3)
    other = run.predict_distribution(numbers[:40], seed=7, runtime="litert")
    assert not np.array_equal(other.samples, litert.samples)
    assert run.predict_distribution(numbers[:2], samples=150).samples.shape == (2, 150, 1)


def test_metrics_say_what_the_uncertainty_is_worth(run):
    measured = run.metrics["uncertainty"]
    assert measured["method"] == "sample_whole_network"
    assert measured["samples"] == 100
    assert measured["calibration_rows"] + run.metrics["rows"]["val"] == 64
    assert measured["out_of_distribution"]["epistemic"] > measured["in_distribution"]["epistemic"]
    assert set(measured["coverage"]["0.9"]) == {"calibrated", "gaussian", "mean_width"}
    assert {"litert_sampling", "sampling_saved_model"} <= {each["name"] for each in run.metrics["artifacts"]}
    report = (run.path / "report.html").read_text()
    assert "What abstaining from doubtful rows buys" in report
    assert "Intervals for 90%" in report
    run.verify()


def test_requests_that_make_no_sense_are_refused(run, numbers):
    for wrong in ({"samples": 1}, {"samples": 10_000_000}, {"seed": -1}, {"runtime": "onnx"}):
        with pytest.raises(RequestError):
            run.predict_distribution(numbers, **wrong)
    for threshold in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(RequestError, match="above 0"):
            check_doubt(run, 0.9, threshold)
    with pytest.raises(RequestError, match="between 0 and 1"):
        check_doubt(run, 90, None)
    frame = doubtful_answers(run, run.encoder.encode(numbers[:5]), "litert", 0.9, 1e-6, None)
    assert frame.columns == ["prediction", "std", "lower", "upper", "abstain"]
    assert frame["abstain"].all()


def test_a_model_without_dropout_says_so(numbers, quick, tmp_path):
    plain = quick({"task": "regression", "architecture": "dense_stack", "labeled_rows": 400}, max_epochs=3)
    run = advisor.train(plain, numbers, target="y", out=tmp_path / "run")
    with pytest.raises(RequestError, match="trained without dropout"):
        run.predict_distribution(numbers)


def test_too_few_rows_to_calibrate_on_are_refused_before_training(numbers, tmp_path):
    with pytest.raises(DataError, match="rows are left to calibrate on"):
        advisor.train({"risk_sensitive": True}, numbers[:90], target="y", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_risk_and_sparsity_deliver_zeros_that_sample(three_classes, quick, tmp_path):
    chosen = quick(
        risky("multiclass", sparsity="sparse"), dropout_rates=[0.05], regularization_strengths=[1e-4], **QUICK
    )
    run = advisor.train(chosen, three_classes, target="label", out=tmp_path / "run")
    stated = run.predict_distribution(three_classes)
    assert chosen.values["dropout"] == "dropout"
    assert stated.probabilities.sum(axis=1) == pytest.approx(np.ones(400), abs=1e-5)
    assert (stated.mutual_information <= stated.entropy + 1e-9).all()
    assert stated.log_prob(three_classes["label"].to_list()).mean() > np.log(1 / 3)
    assert run.metrics["uncertainty"]["calibration"]["after"]["expected_calibration_error"] < 0.3
    once = run.predict_proba(three_classes)
    assert once.sum(axis=1) == pytest.approx(np.ones(400), abs=1e-5)
    raw = run.raw_outputs(three_classes)
    temperature = run.uncertainty.single_temperature
    assert once == pytest.approx(calibrated(raw, temperature, "multiclass"), abs=1e-6)
    assert (np.array(run.classes)[once.argmax(axis=1)] == run.predict(three_classes)).all()
    assert 0 <= run.metrics["uncertainty"]["calibration"]["single_pass"]["expected_calibration_error"] < 0.3
    zeros = json.loads((run.path / "requirements.json").read_text())["measured"]["sparsity"]["value"]
    assert zeros > 0


def test_risk_and_eight_bits_still_sample(two_classes, quick, tmp_path):
    chosen = quick(risky("binary", size_budget_kb=50), dropout_rates=[0.05], allowed_metric_cost=1.0, **QUICK)
    run = advisor.train(chosen, two_classes, target="y", out=tmp_path / "run")
    assert chosen.values["sampling_artifact"] == "masks_as_inputs"
    sampling = next(each for each in run.metrics["artifacts"] if each["name"] == "litert_sampling")
    assert sampling["precision"] == "int8"
    stated = run.predict_distribution(two_classes)
    assert stated.probabilities.shape == (400, 2)
    assert stated.std.max() > 0
    with pytest.raises(RequestError, match=r"below 0\.6931"):
        check_doubt(run, 0.9, 0.7)


@pytest.mark.parametrize(
    ("budget", "methods"),
    [(1e-6, {"single_pass"}), (5.0, {"sample_whole_network", "sample_last_layers", "single_pass"})],
)
def test_a_latency_budget_is_kept_and_what_is_given_up_is_said(numbers, quick, tmp_path, budget, methods):
    chosen = quick(
        risky("regression", latency_budget_ms=budget),
        dropout_rates=[0.05],
        regularization_strengths=[1e-4],
        compression_ladder=[],
        **QUICK,
    )
    run = advisor.train(chosen, numbers, target="y", out=tmp_path / "run")
    measured = run.metrics["uncertainty"]
    assert measured["method"] in methods
    given_up = [event["message"] for event in run.metrics["events"] if event["kind"] == "given_up"]
    assert bool(given_up) == (measured["method"] != "sample_whole_network")
    warned = [each["message"] for each in run.recommendation.warnings if each["code"] == "W111"]
    assert set(given_up) <= set(warned)
    stated = run.predict_distribution(numbers)
    low, high = stated.interval(0.8)
    assert (high > low).all()
    if measured["method"] == "single_pass":
        assert "single pass" in given_up[-1]
        assert stated.epistemic.max() == 0
        with pytest.raises(RequestError, match="single pass"):
            run.predict_distribution(numbers, samples=50)
    latency = next(each for each in run.requirements if each["name"] == "latency")
    assert latency["measured"] >= measured["latency"]["p99_ms"] * (1 - 1e-9)
    assert bool(run.closest) == (not latency["met"])


def test_risk_and_small_data_promise_only_what_the_calibration_rows_can_keep(numbers, quick, tmp_path):
    chosen = quick(risky("regression", labeled_rows=160), dropout_rates=[0.005], **QUICK)
    run = advisor.train(chosen, numbers[:160], target="y", out=tmp_path / "run")
    rows = run.metrics["uncertainty"]["calibration_rows"]
    assert 10 <= rows <= 20
    low, high = run.predict_distribution(numbers).interval(0.9)
    assert (high > low).all()
    with pytest.raises(RequestError, match=rf"{rows} calibration rows can't promise 0\.99"):
        run.predict_distribution(numbers).interval(0.99)


def pictures():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 160)
    x = draw.integers(0, 200, (160, 8, 8)).astype(np.uint8)
    x[(labels == 1) ^ (draw.random(160) < 0.2), 2:6, 2:6] += 50  # a fifth of the labels are wrong: nothing is certain
    return (
        {"X": x, "y": labels},
        {},
        {"architecture": "convolutional", "data_kind": "image"},
        {"filters": 4, "units": 8},
    )


def texts():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 160)
    lines = [f"{draw.choice(['film', 'plot'])} {('bad', 'good')[label]} {row}" for row, label in enumerate(labels)]
    frame = pl.DataFrame({"text": lines, "label": labels})
    return frame, {"target": "label"}, {"architecture": "recurrent", "data_kind": "text"}, {"recurrent_units": 8}


def series():
    draw = np.random.default_rng(0)
    rows = [
        (number, step, (1 - 2 * (number % 2)) * step + draw.normal(), number % 2)
        for number in range(140)
        for step in range(5)
    ]
    frame = pl.DataFrame(rows, schema=["id", "t", "u", "label"], orient="row")
    more = {"target": "label", "data_options": {"series_id": "id", "time": "t"}}
    return frame, more, {"architecture": "recurrent", "data_kind": "series"}, {"recurrent_units": 8}


@pytest.mark.parametrize("make", [pictures, texts, series])
def test_networks_of_pictures_texts_and_series_sample_too(make, quick, tmp_path):
    data, more, facts, small = make()
    if isinstance(data, dict):
        np.savez(tmp_path / "data.npz", **data)
        data = tmp_path / "data.npz"
    given = {"task": "binary", "risk_sensitive": True, "labeled_rows": 160, **facts}
    chosen = quick(given, dropout_rates=[0.2], **{"max_epochs": 3, "patience_epochs": 3, **small})
    run = advisor.train(chosen, data, out=tmp_path / "run", **more)
    stated = run.predict_distribution(data)
    assert stated.probabilities.sum(axis=1) == pytest.approx(np.ones(len(stated)), abs=1e-5)
    assert (stated.mutual_information >= 0).all()
    assert stated.std.max() > 0
    measured = run.metrics["uncertainty"]
    assert measured["method"] == "sample_whole_network"
    assert np.isfinite(measured["test"]["log_likelihood"])
    again = advisor.load_run(run.path).predict_distribution(data, runtime="keras")
    assert again.probabilities == pytest.approx(stated.probabilities, abs=1e-3)
