"""Recurrent layers of other series and texts: matched by channel and by token, tried, judged, and refused clearly."""

import json
import shutil

import keras
import numpy as np
import polars as pl
import pytest

import advisor
from advisor.builder import laid_out, put_in
from advisor.errors import RequestError
from advisor.export import export_litert, verify_litert
from advisor.export.onnx import save_onnx, verify_onnx
from advisor.interfaces.cli.main import run as command
from advisor.pipeline import Request, train_network
from advisor.pipeline.fitting import candidates
from advisor.pipeline.leveraging import _downwards, _tries_of
from advisor.pipeline.preparation import prepare
from advisor.pipeline.progress import Silent
from advisor.pipeline.reusing import pretrained_body
from advisor.pipeline.work import Work

pytestmark = pytest.mark.slow

SMALL = {"recurrent_units": 8, "hidden_layers": 2, "dropout": "none", "regularization": "none", "evidence_rounds": 0}
OPTIONS = {"series_id": "id", "time": "t"}


def series(count, seed, channels=("u", "v"), labels=("fast", "slow")):
    """Waves that are fast or slow, in two channels."""
    draw, found = np.random.default_rng(seed), []
    for number in range(count):
        fast = number % 2
        steps = np.arange(8 + number % 3)
        waves = [10 * k + np.sin(steps * (1.2 if fast else 0.4) + draw.random()) for k in range(len(channels))]
        found.append(
            pl.DataFrame(
                {"id": [number] * len(steps), "t": steps, **dict(zip(channels, waves, strict=True))}
            ).with_columns(pl.lit(labels[0] if fast else labels[1]).alias("y"))
        )
    return pl.concat(found)


def texts(count, seed):
    """Friendly and unfriendly words."""
    draw = np.random.default_rng(seed)
    good, bad = ["good", "fine", "warm", "kind"], ["bad", "cold", "rude", "dull"]
    labels = draw.integers(0, 2, count)
    words = [" ".join(draw.choice([*(good if label else bad), "the", "was", "so"], 5)) for label in labels]
    return pl.DataFrame({"text": words, "y": np.where(labels, "plus", "minus")})


@pytest.mark.parametrize(
    ("highest", "most", "expected"),
    [
        (1, 5, [1]),
        (4, 5, [4, 3, 2, 1]),
        (5, 5, [5, 4, 3, 2, 1]),
        (9, 5, [9, 7, 5, 3, 1]),
        (20, 2, [20, 1]),
        (3, 1, [3]),
    ],
)
def test_numbers_of_layers_are_tried_from_all_of_them_down_to_the_lowest(highest, most, expected):
    assert _downwards(highest, most) == expected


def problem(**facts):
    return {"task": "binary", "architecture": "recurrent", "labeled_rows": 100, **facts}


@pytest.fixture(scope="module")
def series_source(quick, tmp_path_factory):
    return advisor.train(
        quick(problem(data_kind="series"), max_epochs=12, **SMALL),
        series(60, 0),
        target="y",
        out=tmp_path_factory.mktemp("series") / "run",
        data_options=OPTIONS,
        export=("keras", "litert"),
    )


@pytest.fixture(scope="module")
def text_source(quick, tmp_path_factory):
    return advisor.train(
        quick(problem(data_kind="text"), max_epochs=3, **{**SMALL, "hidden_layers": 1, "embedding_size": 4}),
        texts(120, 0),
        target="y",
        out=tmp_path_factory.mktemp("texts") / "run",
        data_kind="text",
        export=("keras",),
    )


def matched(request, folder):
    prepared = prepare(request)
    candidate = next(candidates(prepared.recommendation, "first"))
    return pretrained_body(Work(prepared, candidate, folder, folder, False, None, Silent())), prepared


def test_layers_of_a_run_on_the_same_channels_are_kept_and_the_delivered_files_agree(quick, series_source, tmp_path):
    run = advisor.train(
        quick(problem(data_kind="series", pretrained_model_available=True), max_epochs=2, **SMALL),
        series(24, 1),
        target="y",
        out=tmp_path / "run",
        data_options=OPTIONS,
        pretrained=series_source.path,
        export=("keras", "litert"),
    )
    (told,) = run.metrics["leveraging"]
    assert told["outcome"] == "kept"
    assert told["layers"][0] == 2
    assert told["notes"] == [
        "Its channels are the same as yours.",
        "Its layers keep their configuration: recurrent_1 (8 GRU units in both directions), "
        "recurrent_2 (8 GRU units in both directions).",
    ]
    assert min(told["losses"]) < told["scratch_loss"]
    plan = {step["step"]: step["status"] for step in json.loads(run.recommendation.to_json())["plan"]}
    assert plan["pretrain_reuse"] == "carried_out"
    rows = series(10, 2).drop("y")
    np.testing.assert_allclose(run.predict_proba(rows), run.predict_proba(rows, runtime="keras"), atol=1e-5)


@pytest.mark.parametrize(("dropped", "layers"), [("drop", 1), ("replace", 2)])
def test_upper_layers_are_left_out_or_replaced_as_decided(quick, series_source, tmp_path, dropped, layers):
    asked = quick(
        problem(data_kind="series", pretrained_model_available=True), dropped_layers=dropped, max_epochs=1, **SMALL
    )
    request = Request(
        series(24, 1),
        "y",
        recommendation=asked,
        data_options=OPTIONS,
        pretrained=series_source.path,
        data_kind="series",
    )
    body, prepared = matched(request, tmp_path)
    candidate = next(candidates(prepared.recommendation, "first"))
    work = Work(prepared, candidate, tmp_path, tmp_path, False, None, Silent())
    whole, fewer = list(_tries_of(work, body))[:2]
    assert (whole.count, whole.settings, fewer.count) == (2, {"hidden_layers": 2}, 1)
    core = work.build(statistics=body.statistics, body=fewer.body, settings=fewer.settings)
    assert [layer.name for layer in core.layers if layer.name.startswith("recurrent_")] == [
        f"recurrent_{number}" for number in range(1, layers + 1)
    ]
    put_in(core, fewer.weights)
    kept = core.get_layer("recurrent_1").get_weights()
    np.testing.assert_array_equal(kept[0], series_source.core.get_layer("recurrent_1").get_weights()[0])


def test_channels_are_matched_by_name_whatever_their_order(quick, series_source, tmp_path):
    asked = quick(problem(data_kind="series", pretrained_model_available=True), **SMALL)
    mine = series(24, 1, channels=("v", "other", "u"))
    request = Request(
        mine, "y", recommendation=asked, data_options=OPTIONS, pretrained=series_source.path, data_kind="series"
    )
    body, prepared = matched(request, tmp_path)
    assert body.layers == ("recurrent_1", "recurrent_2")
    assert body.notes[0] == "2 of your 3 channels are matched by name; fresh weights for other."
    theirs = series_source.core.get_layer("recurrent_1").get_weights()
    for index in (0, 3):  # the kernels of both directions
        np.testing.assert_array_equal(body.weights["recurrent_1"][index][[2, 0]], theirs[index])
        assert np.isnan(body.weights["recurrent_1"][index][1]).all()
    layer = series_source.core.get_layer("standardized_steps")
    np.testing.assert_allclose(body.statistics.mean[[2, 0]], layer.center, rtol=1e-6)
    assert body.statistics.mean[1] == prepared.statistics.mean[1]


def test_tokens_are_matched_by_their_words(quick, text_source, tmp_path):
    asked = quick(
        problem(data_kind="text", pretrained_model_available=True),
        **{**SMALL, "hidden_layers": 1, "embedding_size": 4},
        max_epochs=2,
    )
    mine = texts(60, 1).with_columns(pl.col("text").str.replace_all("kind", "gentle"))
    request = Request(mine, "y", recommendation=asked, data_kind="text", pretrained=text_source.path)
    body, prepared = matched(request, tmp_path)
    table = body.weights["embedded_tokens"][0]
    words, known = (each.inputs.details["words"] for each in (prepared.encoder, text_source.encoder))
    assert np.isnan(table[2 + words.index("gentle")]).all()
    theirs = text_source.core.get_layer("embedded_tokens").get_weights()[0]
    np.testing.assert_array_equal(table[2 + words.index("good")], theirs[2 + known.index("good")])
    assert "tokens are known to it" in body.notes[0]
    _, fitted = train_network(request, tmp_path / "run")
    assert fitted.leveraging[0].outcome in ("kept", "dropped")


@pytest.mark.parametrize("kind", ["series", "text"])
def test_a_similar_task_is_learned_first(quick, tmp_path, kind):
    asked = quick(
        problem(data_kind=kind, similar_task_labeled_rows=20000),
        **{**SMALL, "hidden_layers": 1, "embedding_size": 4, "recurrent_units": 4},
        max_epochs=2,
    )
    more = {"data_options": OPTIONS} if kind == "series" else {}
    mine, similar = (
        (series(24, 1), series(40, 2, labels=("a", "b"))) if kind == "series" else (texts(60, 1), texts(90, 2))
    )
    request = Request(
        mine,
        "y",
        recommendation=asked,
        data_kind=kind,
        auxiliary=similar.rename({"y": "z"}),
        auxiliary_target="z",
        **more,
    )
    _, fitted = train_network(request, tmp_path / "run")
    (told,) = fitted.leveraging
    assert (told.kind, told.layers) == ("auxiliary", (1,))
    assert told.outcome in ("kept", "dropped")


def forecast_request(quick, steps, period, **more):
    draw = np.random.default_rng(0)
    hours = np.arange(steps)
    frame = pl.DataFrame({"t": hours, "wave": np.sin(2 * np.pi * hours / period) + 0.1 * draw.normal(size=steps)})
    asked = {"task": "forecasting", "architecture": "recurrent", "data_kind": "series", **more.pop("facts", {})}
    return Request(
        frame,
        None,
        recommendation=quick(asked, **{**SMALL, "hidden_layers": 1}, max_epochs=2),
        data_options={"time": "t", "horizon": 4},
        data_kind="series",
        **more,
    )


def test_forecasts_take_layers_of_forecasts_with_the_same_season(quick, tmp_path):
    request = forecast_request(quick, 500, 12)
    source = advisor.train(
        request.recommendation,
        request.data,
        out=tmp_path / "source",
        data_options=request.data_options,
        data_kind="series",
        export=("keras",),
    )
    facts = {"pretrained_model_available": True}
    body, _ = matched(forecast_request(quick, 400, 12, facts=facts, pretrained=source.path), tmp_path)
    assert body.layers == ("recurrent_1",)
    assert body.statistics is None
    alone = copied(source, tmp_path)
    assert_same(matched(forecast_request(quick, 400, 12, facts=facts, pretrained=alone), tmp_path)[0], body)
    for given in (source.path, alone):
        with pytest.raises(RequestError, match=r"R207.*segments of 12 steps, yours are cut into 7"):
            prepare(forecast_request(quick, 400, 7, facts=facts, pretrained=given))


def test_what_can_not_be_matched_is_one_clear_error(quick, series_source, text_source, tmp_path):
    facts = problem(data_kind="series", pretrained_model_available=True)

    def refused(data, code, said, pretrained, facts=facts, **changes):
        asked = quick(facts, **{**SMALL, **changes})
        kind = facts["data_kind"]
        options = OPTIONS if kind == "series" else {}
        request = Request(data, "y", recommendation=asked, data_options=options, data_kind=kind, pretrained=pretrained)
        with pytest.raises(RequestError, match=f"{code}.*{said}"):
            matched(request, tmp_path)

    refused(series(24, 1, channels=("a", "b")), "R205", "reads none of your channels", series_source.path)
    refused(series(24, 1), "R205", "reads data of the kind text, yours are of the kind series", text_source.path)


def copied(run, folder):
    """The network of a run in a file by itself."""
    return shutil.copy(run.path / "model" / "model.keras", folder / "copy.keras")


def assert_same(body, other):
    assert (body.layers, list(body.weights)) == (other.layers, list(other.weights))
    for name, arrays in body.weights.items():
        for one, two in zip(arrays, other.weights[name], strict=True):
            np.testing.assert_array_equal(one, two)
    assert (body.statistics is None) == (other.statistics is None)
    if body.statistics is not None:
        np.testing.assert_array_equal(body.statistics.mean, other.statistics.mean)
        np.testing.assert_array_equal(body.statistics.scale, other.statistics.scale)


def test_a_file_out_of_a_run_gives_the_same_weights_as_the_run(quick, series_source, text_source, tmp_path):
    facts = problem(data_kind="series", pretrained_model_available=True)
    asked = {"recommendation": quick(facts, **SMALL), "data_options": OPTIONS, "data_kind": "series"}
    mine = series(24, 1)
    whole, _ = matched(Request(mine, "y", pretrained=series_source.path, **asked), tmp_path)
    alone, _ = matched(Request(mine, "y", pretrained=copied(series_source, tmp_path), **asked), tmp_path)
    assert_same(alone, whole)
    assert alone.notes == (
        "It says nothing of names: its channels are taken for yours in their order, u, v.",
        "Your channels are standardized as its own layers do it.",
        whole.notes[-1],
    )
    asked["recommendation"] = quick(facts | {"data_kind": "text"}, **{**SMALL, "hidden_layers": 1, "embedding_size": 4})
    asked |= {"data_options": {}, "data_kind": "text"}
    mine = texts(60, 1).with_columns(pl.col("text").str.replace_all("kind", "gentle"))
    whole, _ = matched(Request(mine, "y", pretrained=text_source.path, **asked), tmp_path)
    alone, _ = matched(Request(mine, "y", pretrained=copied(text_source, tmp_path), **asked), tmp_path)
    assert_same(alone, whole)
    assert alone.notes == whole.notes


def of_others(path, *layers, shape=(None, 2), dtype="float32"):
    """Save a network made with Keras alone."""
    keras.Sequential([keras.Input(shape, dtype=dtype), *layers, keras.layers.Dense(2)]).save(path)
    return path


def test_recurrent_layers_of_somebody_else_s_network_are_tried(quick, tmp_path):
    request = Request(
        series(24, 1),
        "y",
        recommendation=quick(
            problem(data_kind="series", pretrained_model_available=True), **{**SMALL, "hidden_layers": 1}, max_epochs=2
        ),
        data_options=OPTIONS,
        pretrained=of_others(
            tmp_path / "theirs.keras", keras.layers.GRU(7, return_sequences=True), keras.layers.LSTM(6)
        ),
    )
    _, fitted = train_network(request, tmp_path / "run")
    (told,) = fitted.leveraging
    assert told.outcome in ("kept", "dropped")
    assert told.layers[0] == 2
    assert told.notes == (
        "It says nothing of names: its channels are taken for yours in their order, u, v.",
        "Your channels are standardized with your training rows, for it scales none.",
        "Its layers keep their configuration: recurrent_1 (7 GRU units), recurrent_2 (6 LSTM units).",
    )


def test_recurrent_layers_keep_their_configuration_up_to_the_files(quick, tmp_path):
    theirs = of_others(
        tmp_path / "theirs.keras",
        keras.layers.SimpleRNN(6, return_sequences=True),
        keras.layers.LayerNormalization(),
        keras.layers.Bidirectional(keras.layers.LSTM(5)),
    )
    asked = quick(problem(data_kind="series", pretrained_model_available=True), **{**SMALL, "hidden_layers": 1})
    request = Request(series(24, 1), "y", recommendation=asked, data_options=OPTIONS, pretrained=theirs)
    body, prepared = matched(request, tmp_path)
    candidate = next(candidates(prepared.recommendation, "first"))
    work = Work(prepared, candidate, tmp_path, tmp_path, False, None, Silent())
    whole = next(_tries_of(work, body))
    core = work.build(statistics=body.statistics, body=whole.body, settings=whole.settings)
    put_in(core, whole.weights)
    layers = {layer.name: layer for layer in core.layers}
    assert isinstance(layers["recurrent_1"], keras.layers.SimpleRNN)
    assert isinstance(layers["recurrent_2"].forward_layer, keras.layers.LSTM)
    assert (layers["recurrent_1"].units, layers["recurrent_2"].forward_layer.units) == (6, 5)
    assert isinstance(layers["normalization_1"], keras.layers.LayerNormalization)
    assert not {"normalization_2", "recurrent_3"} & set(layers)
    rows = prepared.bundle.train.x  # padding is among them
    for looped in (False, True):
        path = tmp_path / f"{looped}.tflite"
        export_litert(laid_out(core, looped=looped), path)
        verify_litert(path, core, rows, root=tmp_path)
    save_onnx(core, tmp_path / "model.onnx")
    verify_onnx(tmp_path / "model.onnx", core, rows, root=tmp_path)


def test_each_layer_and_each_table_is_taken_from_a_network_of_others(quick, tmp_path):
    scaled = keras.layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0])
    forwards = [keras.layers.LSTM(7, return_sequences=True), keras.layers.LSTM(9)]
    asked = quick(problem(data_kind="series", pretrained_model_available=True), **SMALL)
    path = of_others(tmp_path / "theirs.keras", keras.layers.Masking(), scaled, *forwards)
    request = Request(series(24, 1), "y", recommendation=asked, data_options=OPTIONS, pretrained=path)
    body, _ = matched(request, tmp_path)
    np.testing.assert_allclose(body.statistics.mean, [1.0, 2.0])
    np.testing.assert_allclose(body.statistics.scale, [2.0, 3.0])
    for layer, arrays in zip(forwards, body.weights.values(), strict=True):
        for mine, theirs in zip(arrays, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    cut = keras.layers.TextVectorization()
    cut.adapt(["good good good bad bad else"])
    table, both = keras.layers.Embedding(9, 4, mask_zero=True), keras.layers.Bidirectional(keras.layers.GRU(8))
    path = of_others(tmp_path / "theirs.keras", cut, table, both, shape=(1,), dtype="string")
    small = {**SMALL, "hidden_layers": 1, "embedding_size": 6}
    asked = quick(problem(data_kind="text", pretrained_model_available=True), **small)
    request = Request(texts(60, 1), "y", recommendation=asked, data_kind="text", pretrained=path)
    body, prepared = matched(request, tmp_path)
    assert body.settings == {"embedding_size": 4}
    own = prepared.encoder.inputs.details["words"]
    rows = [2 + own.index(word) for word in ("good", "bad")]
    np.testing.assert_array_equal(body.weights["embedded_tokens"][0][rows], table.get_weights()[0][2:4])
    np.testing.assert_array_equal(body.weights["recurrent_1"][0][:4], both.get_weights()[0])
    assert np.isnan(body.weights["recurrent_1"][0][4:]).all()
    _, fitted = train_network(request, tmp_path / "run")
    assert [each.layers for each in fitted.leveraging] == [(1,)]


def test_the_first_layer_of_an_unusual_form_ends_what_is_reused(quick, tmp_path):
    path = of_others(
        tmp_path / "theirs.keras",
        keras.layers.GRU(7, return_sequences=True),
        keras.layers.LayerNormalization(epsilon=0.1),
        keras.layers.GRU(7),
    )
    asked = quick(problem(data_kind="series", pretrained_model_available=True), **SMALL)
    request = Request(series(24, 1), "y", recommendation=asked, data_options=OPTIONS, pretrained=path)
    body, _ = matched(request, tmp_path)
    assert list(body.weights) == ["recurrent_1"]
    assert [each.normalization for each in body.forms] == ["none"]


def test_files_that_can_not_be_matched_end_the_command_with_one_error(tmp_path, capsys):
    for name, data in (("series", series(24, 1)), ("texts", texts(60, 1))):
        data.write_csv(tmp_path / f"{name}.csv")

    def refused(data, *more):
        asked = ["train", "--data", str(tmp_path / data), "--target", "y", "--out", str(tmp_path / "run"), *more]
        assert command([*asked, "--no-progress", "--pretrained", str(tmp_path / "theirs.keras")]) == 2
        assert not (tmp_path / "run").exists()
        return capsys.readouterr().err

    of_others(tmp_path / "theirs.keras", keras.layers.GRU(64), shape=(None, 3))
    told = refused("series.csv", "--series-id", "id", "--time", "t")
    assert "R205 the network theirs.keras reads 3 channels, yours are 2: u, v." in told
    of_others(tmp_path / "theirs.keras", keras.layers.LSTM(64, activation="relu"))
    told = refused("series.csv", "--series-id", "id", "--time", "t")
    assert "R207 the network theirs.keras begins with 64 LSTM units, activation relu, which isn't built here." in told
    of_others(tmp_path / "theirs.keras", keras.layers.Embedding(9, 4), keras.layers.GRU(8), shape=(6,))
    assert "R204 the network theirs.keras holds no vocabulary" in refused("texts.csv")
