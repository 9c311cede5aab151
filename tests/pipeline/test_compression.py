"""Requirements, from a problem to a measured file: kept, or answered with numbers."""

import json
import re

import numpy as np
import polars as pl
import pytest
from ai_edge_litert.interpreter import Interpreter

import advisor
from advisor.builder import with_target_units
from advisor.export import LiteRTRuntime, Preparation, export_litert
from advisor.export.int8 import PreparedRuntime, export_full_int8, representative_rows
from advisor.export.keras_format import predictor
from advisor.interfaces.cli.main import run as advisor_command
from advisor.pipeline import Request, Silent
from advisor.pipeline.benching import BARE, PREDICT, bench
from advisor.pipeline.candidates import Workbench, open_runtime
from advisor.pipeline.compressing import ALL_IN_INTEGERS
from advisor.pipeline.fitting import fit
from advisor.pipeline.preparation import prepare

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SECONDS = 1.0


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(500, 6))
    y = 10 * np.sin(x[:, 0]) + 5 * x[:, 1] * x[:, 2] + 50 + generator.normal(size=500)
    path = tmp_path_factory.mktemp("data") / "table.csv"
    pl.DataFrame({**{name: x[:, k] for k, name in enumerate("abcdef")}, "y": y}).write_csv(path)
    return path


def document(folder):
    return json.loads((folder / "requirements.json").read_text())


def test_a_size_budget_is_kept_and_every_step_is_written_down(table, tmp_path):
    run = advisor.train({"size_budget_kb": 14}, table, target="y", out=tmp_path / "run", time_budget=SECONDS)
    found = document(tmp_path / "run")
    assert found["met"]
    file = tmp_path / "run" / run.contract["artifacts"]["litert"]
    assert file.stat().st_size <= 14_000
    assert found["requirements"][0]["measured"] == file.stat().st_size / 1000
    assert sum(each["delivered"] for each in found["ladder"]) == 1
    assert sum(each["delivered"] for each in found["pareto"]) == 1
    for rung in found["ladder"]:
        assert rung["why"]
        if rung["artifact"]:
            assert (tmp_path / "run" / rung["artifact"]).is_file()
            assert {"latency_p99_ms", "bytes", "val_before", "val_after", "test_after"} <= set(rung)
    run.verify()
    timed = {each.name for each in bench(run, batches=(1,), seconds=0.02).timings}
    assert {f"ladder/{path.name}" for path in (tmp_path / "run" / "model" / "ladder").glob("*.tflite")} <= timed
    assert any("full_int8" in name for name in timed)
    rows = pl.read_csv(table).drop("y")
    assert np.isfinite(run.predict(rows)).all()


def test_dense_layers_in_8_bits_answer_nearer_to_the_network_than_the_converters(table, tmp_path):
    """Rounded so that weights make up for each other, with one scale a layer, before and behind the preprocessing."""
    request = Request(pl.read_csv(table), target="y", given={"target_device": "microcontroller"}, max_epochs=3)
    prepared = prepare(request)
    places = {"checkpoints": tmp_path / "checkpoints", "logs": tmp_path / "logs"}
    core = fit(prepared, **places, resume=False, progress=Silent()).chosen.core
    model, rows = with_target_units(core, prepared.statistics), prepared.bundle.val.x
    exact, bench = predictor(model)(rows), Workbench(prepared, tmp_path, None)

    def distance(runtime):
        return float(np.square(runtime.predict(rows) - exact).mean())

    def ours(name):
        made = bench.make(core, name, "per_layer")
        return distance(open_runtime(tmp_path / made.artifact.path, made.preparation))

    export_litert(model, tmp_path / "plain.tflite", precision="int8", one_scale=True)
    assert ours("dynamic_int8") < distance(LiteRTRuntime(tmp_path / "plain.tflite"))
    preparation, rest = bench.cut(core)
    seen = preparation.compile()(representative_rows(prepared.bundle.train.x))
    export_full_int8(rest, tmp_path / "wide.tflite", seen, one_scale=True, wide_activations=True)
    theirs = distance(PreparedRuntime(tmp_path / "wide.tflite", preparation))
    assert ours("int16_activations") < theirs


def test_budgets_that_nothing_can_meet_together_are_answered_with_what_came_closest_to_each(table, tmp_path, capsys):
    problem = tmp_path / "problem.json"
    problem.write_text('{"latency_budget_ms": 0.000001, "size_budget_kb": 0.5, "hidden_layers": 2}')
    out = tmp_path / "run"
    arguments = ["train", "--data", str(table), "--target", "y", "--out", str(out), "--problem", str(problem)]
    assert advisor_command([*arguments, "--no-progress", "--time-budget", str(SECONDS)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "MISSED" in shown
    metrics = advisor.load_run(out).metrics
    concluding = metrics["comparison"][len(metrics["baselines"]) :]
    assert " ".join(concluding) in shown
    found = document(out)
    assert "can be met together" in found["closest"]
    assert found["closest"].count("is met by nothing; closest came") == 2
    assert [each["met"] for each in found["requirements"]] == [False, False]
    assert {each["name"] for each in found["ladder"]} >= {"float16", "dynamic_int8", "fewer_units", "fewer_layers"}
    assert advisor.load_run(out).predict(pl.read_csv(table).head(3)).shape == (3,)


def test_nine_in_ten_weights_are_zero_in_the_file(table, tmp_path):
    from advisor.evaluation import measure_litert_sparsity

    given = {"sparsity": "very_sparse", "hidden_layers": 4}
    run = advisor.train(given, table, target="y", out=tmp_path / "run", time_budget=SECONDS)
    assert run.recommendation.values["normalization"] == "batch_normalization"
    assert "BatchNormalization" not in {type(layer).__name__ for layer in run.core.layers}
    assert run.requirements[0]["met"]
    assert measure_litert_sparsity(tmp_path / "run" / "model" / "model.tflite").fraction >= 0.9
    assert run.recommendation["activation"] == "elu"


def short_series(count, steps=6, **fields):
    """Return rising and falling series, what is asked about them, and how to read them."""
    place = np.tile(np.arange(steps), count)
    up = np.repeat(np.arange(count) % 2, steps)
    noise = np.random.default_rng(0).normal(size=count * steps)
    frame = pl.DataFrame(
        {"id": np.repeat(np.arange(count), steps), "t": place, "u": place * (2 * up - 1) + noise, "y": up}
    )
    asked = {"task": "binary", "architecture": "recurrent", "data_kind": "series", **fields}
    return frame, asked, {"target": "y", "data_options": {"series_id": "id", "time": "t"}}


def test_the_steps_of_a_recurrent_network_stay_a_loop_where_that_keeps_the_size_budget(quick, tmp_path):
    frame, asked, more = short_series(60, steps=20, size_budget_kb=30)
    chosen = quick(asked, recurrent_units=12, hidden_layers=1, max_epochs=2)
    run = advisor.train(chosen, frame, out=tmp_path / "run", export=("litert",), **more)
    found = document(tmp_path / "run")
    assert [each["outcome"] for each in found["ladder"]] == ["taken", "taken"]
    assert found["ladder"][1]["name"] == "looped_steps"
    assert found["ladder"][1]["bytes"] < 30_000 < found["ladder"][0]["bytes"]
    assert run.requirements[0]["met"]
    assert np.isfinite(run.predict_proba(frame.drop("y"))).all()


def test_a_microcontroller_gets_a_recurrent_network_in_integers(quick, tmp_path):
    frame, asked, more = short_series(200, target_device="microcontroller", size_budget_kb=100)
    chosen = quick(asked, recurrent_units=6, hidden_layers=1, max_epochs=10, patience_epochs=10)
    run = advisor.train(chosen, frame, out=tmp_path / "run", export=("litert",), **more)
    assert run.contract["litert"]["precision"] in ALL_IN_INTEGERS
    measured = {each["name"]: each for each in run.requirements}
    assert measured["size"]["met"]
    assert measured["metric_cost"]["measured"] < 0.05
    assert run.metrics["test"]["accuracy"] > 0.9
    series = frame.drop("y")
    assert np.mean(run.predict(series) == run.predict(series, runtime="keras")) > 0.97
    header = (run.path / "model" / "model_data.h").read_text()
    assert '"kind": "series"' in header
    assert "each prepared step ends with a 1" in header
    assert {each.rows for each in bench(run, batches=(1, 3), seconds=0.02).timings} == {1, 3}


def test_a_recurrent_network_too_large_for_a_microcontroller_is_told_what_the_narrowest_takes(quick, tmp_path):
    frame, asked, more = short_series(200, target_device="microcontroller", size_budget_kb=5)
    longer = pl.DataFrame({"id": [0] * 3, "t": [6, 7, 8], "u": [0.1, 0.2, 0.3], "y": [0] * 3}, frame.schema)
    chosen = quick(asked, recurrent_units=8, hidden_layers=1, max_epochs=2)
    # No training row has the longest series' first steps, so that what an untrained network makes of them is all zero.
    advisor.train(chosen, pl.concat([frame, longer]), out=tmp_path / "run", export=("litert",), **more)
    found = {each["name"]: each for each in document(tmp_path / "run")["ladder"]}
    assert found["fewer_units"]["outcome"] == "no_gain"
    assert re.search(r"1 layers of 4 neurons take .* kB", found["fewer_units"]["why"])


@pytest.mark.parametrize("channels", [1, 2])
def test_a_microcontroller_gets_a_forecast_in_integers_channel_by_channel(quick, tmp_path, channels):
    hours, draw = np.arange(400), np.random.default_rng(0)
    waves = {
        f"wave {k}": 50 * k + 10 * np.sin(2 * np.pi * hours / 12 + k) + draw.normal(size=400) for k in range(channels)
    }
    history = pl.DataFrame({"t": hours, **waves})
    asked = {"task": "forecasting", "architecture": "recurrent", "data_kind": "series"}
    run = advisor.train(
        quick({**asked, "target_device": "microcontroller"}, recurrent_units=8, hidden_layers=1, max_epochs=2),
        history,
        out=tmp_path / "run",
        data_options={"time": "t", "horizon": 4},
        data_kind="series",
        export=("keras", "litert"),
    )
    assert run.contract["litert"]["precision"] in ALL_IN_INTEGERS
    header = (tmp_path / "run" / "model" / "model_data.h").read_text()
    assert "// windows: each channel is an input by itself" in header
    assert f'A forecast of <span class="mono">{", ".join(waves)}</span>' in (run.path / "report.html").read_text()
    (part,) = run.contract["litert"]["preparation"]
    assert (part["kind"], part["shape"][-1]) == ("windows", channels)
    exact, integers = run.predict(history, runtime="keras"), run.predict(history)
    assert integers.shape == exact.shape == (1, 4 * channels)
    assert np.abs(integers - exact).max() < 2
    preparation, rest = Preparation.of(run.core)
    windows = draw.normal(50, 10, (5, *preparation.shape)).astype(np.float32)
    again = preparation.finish(windows, np.asarray(rest(preparation.compile()(windows))))
    np.testing.assert_allclose(again, np.asarray(run.core(windows)), rtol=1e-4)
    assert {each.rows for each in bench(run, batches=(1,), seconds=0.02).timings} == {1}


def test_a_loop_over_steps_is_not_tried_in_8_bits_throughout(quick, tmp_path):
    frame, asked, more = short_series(60, steps=20, size_budget_kb=1)
    ladder = ["looped_steps", "full_int8"]
    chosen = quick(asked, recurrent_units=4, hidden_layers=1, max_epochs=1, compression_ladder=ladder)
    run = advisor.train(chosen, frame, out=tmp_path / "run", export=("litert",), **more)
    found = {each["name"]: each for each in document(tmp_path / "run")["ladder"]}
    assert found["full_int8"]["outcome"] == "skipped"
    assert "can't be in integers throughout" in found["full_int8"]["why"]
    assert found["looped_steps"]["outcome"] == "taken"
    assert not run.requirements[0]["met"]


@pytest.mark.parametrize("kind", ["series", "texts", "forecast"])
def test_nine_in_ten_weights_of_recurrent_networks_are_zero_in_the_file(kind, quick, tmp_path):
    frame, asked, more = short_series(60, sparsity="very_sparse")
    draw = np.random.default_rng(0)
    if kind == "texts":
        label = draw.integers(0, 2, 120)
        frame = pl.DataFrame({"text": [f"{('bad', 'good')[each]} {row}" for row, each in enumerate(label)], "y": label})
        asked["data_kind"], more = "text", {"target": "y", "data_kind": "text"}
    if kind == "forecast":
        frame = pl.DataFrame({"t": np.arange(300), "u": np.sin(np.arange(300) / 2) + 0.1 * draw.normal(size=300)})
        asked["task"], more = "forecasting", {"data_options": {"time": "t", "horizon": 3}, "data_kind": "series"}
    chosen = quick(asked, recurrent_units=12, hidden_layers=1, max_epochs=2, pruning_fewest_epochs=2)
    run = advisor.train(chosen, frame, out=tmp_path / "run", export=("litert",), **more)
    (sparse,) = run.requirements
    assert (sparse["name"], sparse["met"]) == ("sparsity", True)
    assert 0.9 <= sparse["measured"] < 0.91


def test_a_sparsity_of_one_is_answered_with_the_most_that_is_possible(table, tmp_path):
    given = {"sparsity": "very_sparse", "sparsity_target": 1.0}
    run = advisor.train(given, table, target="y", out=tmp_path / "run", time_budget=SECONDS)
    requirement = run.requirements[0]
    assert not requirement["met"]
    assert 0.98 <= requirement["measured"] < 1.0
    assert "sparsity" in document(tmp_path / "run")["closest"]


def test_a_microcontroller_gets_integers_and_a_c_array_and_onnx_where_asked(table, tmp_path):
    out = tmp_path / "run"
    given = {"target_device": "microcontroller"}
    run = advisor.train(given, table, target="y", out=out, time_budget=SECONDS, export=["onnx"])
    cost = next(each for each in run.requirements if each["name"] == "metric_cost")
    assert cost["met"] == (cost["measured"] <= cost["required"])
    assert run.contract["litert"]["precision"] in ALL_IN_INTEGERS
    text = (out / "model" / "model_data.h").read_text()
    assert "advisor_model_length" in text
    assert (out / "model" / "model.onnx").is_file()
    assert not (out / "model" / "saved_model").exists()
    rows = pl.read_csv(table).head(50)
    spread = float(np.std(run.predict(rows, runtime="keras")))
    assert np.median(np.abs(run.predict(rows) - run.predict(rows, runtime="keras"))) < 0.5 * spread
    np.testing.assert_allclose(as_the_header_says(text, rows.drop("y").to_numpy()), run.predict(rows), rtol=1e-4)


def as_the_header_says(header, rows):
    """Predict with nothing but the C header: its bytes, its numbers, and its sentence on what an answer is."""
    content = bytes(int(each, 16) for each in re.findall(r"0x(..)", header))
    (numbers,) = json.loads(re.search("// prepared inputs: (.*)", header)[1])
    (units,) = json.loads(re.search("// answers: (.*)", header)[1])
    assert "// target_units: prediction = answer * scale + shift" in header
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    bounds = np.iinfo(inputs["dtype"])
    found = []
    for row in rows[:, numbers["columns"]]:
        prepared = ((row - numbers["center"]) * numbers["factor"]).astype(np.float32)
        scale, zero = inputs["quantization"]
        integers = np.clip(np.rint(prepared / scale) + zero, bounds.min, bounds.max).astype(inputs["dtype"])
        interpreter.set_tensor(inputs["index"], integers[None])
        interpreter.invoke()
        scale, zero = outputs["quantization"]
        answer = (interpreter.get_tensor(outputs["index"])[0].astype(float) - zero) * scale
        found.append(answer * units["scale"] + units["shift"])
    return np.concatenate(found)


def test_a_microcontroller_gets_its_integers_at_any_cost_and_the_cost_is_a_requirement_that_is_missed(table, tmp_path):
    problem = {"target_device": "microcontroller", "task": "regression", "architecture": "dense_stack", "features": 6}
    asked = json.loads(advisor.recommend(problem).to_json())
    asked["requirements"][0]["required"] = -0.99  # nothing can be so much better than the network in 32 bits
    asked["decisions"]["max_epochs"]["value"] = 5
    asked["decisions"]["evidence_rounds"]["value"] = 0
    file, out = tmp_path / "recommendation.json", tmp_path / "run"
    file.write_text(json.dumps(asked))
    arguments = ["train", "--data", str(table), "--target", "y", "--out", str(out), "--recommendation", str(file)]
    for rung in asked["decisions"]["compression_ladder"]["value"]:
        assert rung != "dynamic_int8"
    assert advisor_command([*arguments, "--no-progress"]) == 1
    found = document(out)
    assert [each["name"] for each in found["requirements"] if not each["met"]] == ["metric_cost"]
    assert "metric_cost" in found["closest"]
    assert {each["name"] for each in found["pareto"]} <= set(ALL_IN_INTEGERS)
    assert {each["name"]: each["outcome"] for each in found["ladder"]}["fewer_units"] == "skipped"
    assert (out / "model" / "model_data.h").is_file()


def test_where_8_bits_throughout_cost_too_much_a_microcontroller_gets_activations_in_16(quick, tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(600, 3))
    y = 3 * x[:, 0] - 2 * x[:, 1] + 0.1 * draw.normal(size=600)  # 256 levels are too few for so little noise
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})
    problem = {"target_device": "microcontroller", "task": "regression", "architecture": "dense_stack", "features": 3}
    run = advisor.train(quick(problem), frame, target="y", out=tmp_path / "run", export=("litert",))
    rungs = {each["name"]: each for each in document(tmp_path / "run")["ladder"]}
    eight, sixteen = rungs["full_int8_integers"], rungs["int16_activations"]
    assert eight["cost"] > eight["allowed"]
    assert sixteen["cost"] <= sixteen["allowed"]
    assert sixteen["bytes"] < 1.3 * eight["bytes"]
    assert run.contract["litert"]["precision"] == "int16_activations_integers"
    header = (tmp_path / "run" / "model" / "model_data.h").read_text()
    assert "// inputs and outputs: int16; scale and zero point stand in the file" in header
    for rows in (frame.drop("y"), frame.drop("y") * 1.5):  # also where no training row was
        assert np.abs(run.predict(rows) - run.predict(rows, runtime="keras")).max() < 0.2
    assert {each.rows for each in bench(run, batches=(1,), seconds=0.02).timings} == {1}


def test_activations_in_16_bits_are_tried_for_size_where_8_cost_too_much_and_say_why_where_they_can_not_be(
    quick, tmp_path
):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(600, 3))
    y = 3 * x[:, 0] - 2 * x[:, 1] + 0.1 * draw.normal(size=600)
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})
    problem = {"task": "regression", "architecture": "dense_stack", "features": 3, "size_budget_kb": 1}
    changes = {"compression_ladder": ["full_int8", "int16_activations"]}
    found = {}
    for activation in ("relu", "elu"):
        out = tmp_path / activation
        run = advisor.train(quick(problem, activation=activation, **changes), frame, target="y", out=out, export=())
        found[activation] = {each["name"]: each for each in document(out)["ladder"]}
        files = {each.name for each in (out / "model" / "ladder").iterdir()}
        assert any("int16_activations" in each for each in files) is (activation == "relu")
        timed = {each.name for each in bench(run, batches=(1,), seconds=0.02).timings}
        assert timed >= {f"ladder/{each}" for each in files}
    assert found["relu"]["int16_activations"]["cost"] < 0.5 * found["relu"]["full_int8"]["cost"]
    assert found["relu"]["int16_activations"]["bytes"] < 1.3 * found["relu"]["full_int8"]["bytes"]
    assert found["elu"]["int16_activations"]["outcome"] == "failed"
    assert "ELU" in found["elu"]["int16_activations"]["why"]


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    """A table whose target hangs on a category of thirty and on a number."""
    draw, path = np.random.default_rng(0), tmp_path_factory.mktemp("towns") / "towns.csv"
    worth, of, a = draw.normal(size=30), draw.integers(0, 30, 600), draw.normal(size=600)
    columns = {"town": [f"town {k}" for k in of], "coast": of % 2 == 0, "a": a, "y": 5 * worth[of] + a}
    pl.DataFrame(columns).write_csv(path)
    return path


def test_a_microcontroller_gets_embeddings_of_categories_in_integers(towns, tmp_path):
    given = {"target_device": "microcontroller"}
    run = advisor.train(given, towns, target="y", out=tmp_path / "run", time_budget=4 * SECONDS)
    assert "embeddings" in {layer.name for layer in run.core.layers}
    assert run.contract["litert"]["precision"] in ALL_IN_INTEGERS
    header = (tmp_path / "run" / "model" / "model_data.h").read_text()
    assert '"kind": "one_hot"' in header
    rows = pl.read_csv(towns).drop("y")
    exact, integers = run.predict(rows, runtime="keras"), run.predict(rows)
    assert np.corrcoef(exact, integers)[0, 1] > 0.98
    unknown = rows.head(2).with_columns(pl.lit("elsewhere").alias("town"))
    assert np.isfinite(run.predict(unknown)).all()


def test_a_microcontroller_without_a_file_in_8_bits_is_one_error_that_says_why(towns, tmp_path, capsys):
    problem, out = tmp_path / "problem.json", tmp_path / "run"
    problem.write_text('{"target_device": "microcontroller", "architecture": "wide_and_deep"}')
    arguments = ["train", "--data", str(towns), "--target", "y", "--out", str(out), "--problem", str(problem)]
    arguments += ["--cross", "town,coast"]
    assert advisor_command([*arguments, "--no-progress", "--time-budget", str(SECONDS)]) == 1
    said = capsys.readouterr().err
    assert "E109" in said
    assert "texts, crosses of columns and embeddings of more than 4,096 categories are read in 32 bits" in said
    assert not out.exists()


def test_too_few_rows_to_learn_ranges_from_are_counted_and_training_in_8_bits_helps_out(table, tmp_path):
    few = pl.read_csv(table).head(90)
    given = {"target_device": "microcontroller", "hidden_layers": 1}
    run = advisor.train(given, few, target="y", out=tmp_path / "run", time_budget=SECONDS)
    rungs = {each["name"]: each for each in document(tmp_path / "run")["ladder"]}
    assert rungs["full_int8_integers"]["outcome"] == "failed"
    assert "rows are too few" in rungs["full_int8_integers"]["why"]
    assert run.contract["litert"]["precision"] == "quantization_aware_int8"


def test_deep_networks_are_delivered_folded_and_bench_measures_every_artefact(table, tmp_path):
    out = tmp_path / "run"
    given = {"hidden_layers": 5, "latency_importance": "high"}
    run = advisor.train(given, table, target="y", out=out, time_budget=SECONDS)
    assert run.recommendation["fold_batch_normalization"] is True
    kinds = {type(layer).__name__ for layer in run.core.layers}
    assert "BatchNormalization" not in kinds
    assert {each["status"] for each in run.recommendation.plan if each["step"] == "fold_batch_normalization"} == {
        "carried_out"
    }
    timings = bench(run, seconds=0.2).timings
    assert {each.rows for each in timings} == {1, 32, 1000}
    single = {each.name: each for each in timings if each.rows == 1}
    assert {PREDICT, BARE, "SavedModel"} <= set(single)
    delivered = f"LiteRT {run.contract['litert']['precision'].replace('_', ' ')}"
    assert single[delivered].ratio > 10


def test_an_unknown_format_is_a_request_that_is_not_understood(table, tmp_path):
    with pytest.raises(advisor.errors.RequestError, match="no format 'tflight'"):
        advisor.train({}, table, target="y", out=tmp_path / "run", export=["tflight"])
