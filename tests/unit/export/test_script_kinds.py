"""Scripts for every kind of data and every family: each runs by itself, and its loop repeats the training."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from advisor.artifacts import Part
from advisor.builder import build_core, fit_statistics, start_forecast, start_votes
from advisor.data import open_source
from advisor.export.script import CALIBRATION_SALT, ScriptData, ScriptFacts, generate_script
from advisor.pipeline.recipes import recipe_for, recipe_of
from advisor.recommendation import recommend
from advisor.training import train
from advisor.uncertainty import calibration
from tests.unit.export.script_cases import execute_here
from tests.unit.export.test_script import assert_clean

slow = pytest.mark.slow
SEED = 7
SMALL = {"max_epochs": 2, "hidden_layers": 2, "units": 8, "batch_size": 16}
CONVOLUTIONAL = {**SMALL, "filters": 4, "kernel_size": 3}
RECURRENT = {**SMALL, "recurrent_units": 6, "hidden_layers": 1}
COMPILED = ("labeled series", "crosses", "several labels")
"""Cases that are trained with XLA; it takes longer to compile than they take without."""


def several(folder: Path, *, labels: bool) -> Path:
    """Write a table with three targets."""
    random = np.random.default_rng(3)
    x = random.normal(size=(160, 3))
    y = x @ random.normal(size=(3, 3)) + 0.1 * random.normal(size=(160, 3))
    columns = {f"x{k}": x[:, k].round(5) for k in range(3)}
    columns |= {f"y{k}": (y[:, k] > 0.5).astype(int) if labels else y[:, k].round(5) for k in range(3)}
    pl.DataFrame(columns).write_csv(folder / "several.csv")
    return folder / "several.csv"


def bars(random: np.random.Generator, colour: bool, size: tuple[int, int], label: int) -> np.ndarray[Any, Any]:
    """Return a picture of an upright or a lying bar."""
    values = random.integers(0, 80, (*size, 3) if colour else size).astype(np.uint8)
    if label:
        values[:, size[1] // 2 - 1 : size[1] // 2 + 1] = 220
    else:
        values[size[0] // 2 - 1 : size[0] // 2 + 1] = 220
    return values


def pictures(folder: Path, *, kind: str) -> Path:
    """Write pictures as class folders (of several sizes, with a damaged and an equal one), as a zip, or as arrays."""
    random = np.random.default_rng(4)
    labels = np.arange(90) % 2
    if kind == "npz":
        x = np.stack([bars(random, False, (10, 9), label) for label in labels])
        np.savez(folder / "pictures.npz", X=x, y=labels)
        return folder / "pictures.npz"
    found: dict[str, bytes] = {}
    for number, label in enumerate(labels):
        size = (int(random.integers(10, 14)), 11) if kind == "folder" else (9, 9)
        part = ("train", "train", "train", "val", "test")[number % 5] + "/" if kind == "zip" else ""
        buffer = io.BytesIO()
        Image.fromarray(bars(random, kind == "folder", size, int(label))).save(buffer, "PNG")
        found[f"{part}{('lying', 'upright')[label]}/{number:02}.png"] = buffer.getvalue()
    if kind == "zip":
        with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
            for name, content in found.items():
                archive.writestr(name, content)
        return folder / "pictures.zip"
    found |= {"lying/90.png": found["lying/00.png"], "upright/91.png": b"rubbish"}
    for name, content in found.items():
        path = folder / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "pictures"


def labeled_series(folder: Path) -> Path:
    """Write a long table of labeled series, not in the order of time, with a hole and one label missing."""
    random = np.random.default_rng(5)
    rows = []
    for number in range(60):
        for step in random.permutation(int(random.integers(3, 7))):
            day = f"{1 + step:02}.03.2024"
            value = "" if (number, step) == (4, 1) else f"{(1 - 2 * (number % 2)) * step + random.normal() * 0.3:.4f}"
            label = "" if number == 9 else ("down", "up")[number % 2]
            rows.append((f"s{number}", day, value, round(random.normal(), 4), label))
    frame = pl.DataFrame(rows, schema=["id", "day", "u", "v", "label"], orient="row")
    frame.write_csv(folder / "series.csv")
    return folder / "series.csv"


def steps(folder: Path, *, gaps: bool) -> Path:
    """Write two series to forecast; with gaps, some steps are missing, some values too, and nothing is in order."""
    random = np.random.default_rng(6)
    frames = []
    for name in ("a", "b"):
        time = np.datetime64("2021-01-01", "us") + np.arange(140).astype("timedelta64[D]")
        wave = 10 + 3 * np.sin(2 * np.pi * np.arange(140) / 7) + 0.3 * random.normal(size=140)
        more = wave + random.normal(size=140)
        frames.append(pl.DataFrame({"name": [name] * 140, "day": time, "sales": wave, "visits": more}))
    frame = pl.concat(frames)
    if gaps:
        frame = frame.with_columns(
            pl.when(pl.int_range(280) % 50 == 3).then(None).otherwise(pl.col("sales")).alias("sales")
        )
        frame = frame.filter(pl.int_range(280) % 31 != 17).sample(fraction=1.0, shuffle=True, seed=1)
    frame.write_parquet(folder / "steps.parquet")
    return folder / "steps.parquet"


def texts(folder: Path) -> Path:
    """Write texts with a label."""
    random = np.random.default_rng(8)
    fill = ("film", "plot's", "Actor", "scene,", "music!", "story 12")
    labels = random.integers(0, 2, 150)
    lines = [
        f"{' '.join(random.choice(fill, 3))} {('bad', 'good')[label]} {' '.join(random.choice(fill, 3))} {row % 140}"
        for row, label in enumerate(labels)
    ]
    pl.DataFrame({"review": lines, "label": labels}).write_csv(folder / "texts.csv")
    return folder / "texts.csv"


def mixed(folder: Path) -> Path:
    """Write a table with what the wide path is made of: categories, few and many, truth values and holes."""
    random = np.random.default_rng(9)
    color, zone = random.choice(["red", "green", "blue"], 200), random.choice([f"z{k}" for k in range(16)], 200)
    sure, size = random.choice(["true", "false", ""], 200), random.normal(size=200).round(3)
    y = (size + (color == "red") * (sure == "true") > 0.4).astype(int)
    frame = pl.DataFrame({"size": size, "color": color, "zone": zone, "sure": sure, "y": y})
    frame = frame.with_columns(pl.when(pl.int_range(200) % 9 == 0).then(None).otherwise(pl.col("size")).alias("size"))
    frame.write_csv(folder / "mixed.csv")
    return folder / "mixed.csv"


WIDE = {"wide_columns": ["size", "zone"], "crosses": [["color", "sure"], ["color", "zone"]]}
TIME = {"time": "day", "series_id": "name", "horizon": 3, "window": 14}
CASES: dict[str, tuple[Any, dict[str, Any], str | None, dict[str, Any], dict[str, Any]]] = {
    "several numbers": (lambda f: several(f, labels=False), {}, "y0,y1,y2", {}, {}),
    "several labels": (lambda f: several(f, labels=True), {}, "y0,y1,y2", {}, {"class_weighting": "balanced"}),
    "a risk to state": (lambda f: several(f, labels=False), {"risk_sensitive": True}, "y0", {}, {}),
    "crosses": (mixed, {}, "y", WIDE, {"cross_buckets": 20}),
    "class folders": (lambda f: pictures(f, kind="folder"), {}, None, {}, {**CONVOLUTIONAL, "augmentation": "light"}),
    "a zip": (
        lambda f: pictures(f, kind="zip"),
        {"latency_importance": "high"},
        None,
        {},
        {**CONVOLUTIONAL, "convolution": "separable", "pooling": "global_average", "dropout": "dropout"},
    ),
    "arrays": (lambda f: pictures(f, kind="npz"), {"architecture": "residual"}, None, {}, {}),
    "labeled series": (labeled_series, {}, "label", {"time": "day", "series_id": "id"}, RECURRENT),
    "forecasts": (lambda f: steps(f, gaps=False), {}, "sales,visits", TIME, {**RECURRENT, "hidden_layers": 2}),
    "mended series": (lambda f: steps(f, gaps=True), {}, "sales", TIME, {**RECURRENT, "recurrent_cell": "lstm"}),
    "texts": (texts, {}, "label", {}, {**RECURRENT, "embedding_size": 5, "dropout": "dropout"}),
}


def advised(name: str, folder: Path) -> tuple[Path, Any, dict[str, Any], dict[str, Any]]:
    """Return path, source, recommendation and values of a case."""
    make, facts, target, options, changes = CASES[name]
    path = make(folder)
    source = open_source(path, target, **options)
    document = recommend({**source.profile.facts, **facts}).to_dict()
    for slot, value in {**SMALL, **changes}.items():
        document["decisions"][slot]["value"] = value
    document["decisions"]["compiled"] = {**document["decisions"]["max_epochs"], "value": name in COMPILED}
    if document["decisions"]["dropout"]["value"] != "none":
        document["decisions"]["dropout_rates"]["value"] = [0.2]
    return path, source, document, {slot: each["value"] for slot, each in document["decisions"].items()}


def kept_for_stopping(bundle: Any, values: Mapping[str, Any]) -> Any:
    """Return the bundle without the validation rows that a run keeps to calibrate on."""
    if values.get("calibration", "none") == "none":
        return bundle
    rows, _ = calibration.split_validation(bundle.val.y, bundle.task, share=0.5, seed=SEED)
    return replace(bundle, val=Part(bundle.val.x[rows], bundle.val.y[rows], bundle.val.rows[rows]))


@slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in ("several numbers", "arrays")])
def test_the_loop_repeats_the_training(name: str, tmp_path: Path) -> None:
    import keras

    path, source, document, values = advised(name, tmp_path)
    task, architecture = source.schema.target.task, document["problem"]["architecture"]
    bundle = source.bundle(source.split(SEED))
    spec = source.encoder.inputs
    statistics = fit_statistics(
        bundle.train.x,
        spec,
        bundle.train.y,
        task,
        values["target_scaling"],
        output_activation=values["output_activation"],
    )
    outputs = source.schema.target.outputs
    core = build_core(values, spec, statistics, task=task, outputs=outputs, seed=SEED, architecture=architecture)
    start_forecast(core, spec, statistics.scale, bundle.train, bundle.val)
    start_votes(core, spec, bundle.train, values["token_votes"], values["token_vote_share"] or 0.0)
    recipe = recipe_for(core, values, task)
    report = train(core, kept_for_stopping(bundle, values), recipe, seed=SEED, statistics=statistics)
    script = generate_script(
        document,
        recipe.as_dict(),
        style="loop",
        data=ScriptData(str(path), source.schema, source=source),
        facts=ScriptFacts.from_training(report, seed=SEED),
    )
    execute_here(script, tmp_path)
    theirs = [each for each in keras.models.load_model(tmp_path / "model.keras").get_weights()]
    ours = [each for each in core.get_weights() if each.dtype == np.float32]
    theirs = [each for each in theirs if each.dtype == np.float32]
    assert sorted(each.shape for each in ours) == sorted(each.shape for each in theirs)
    worst = max(
        min(float(np.abs(mine - other).max()) for other in theirs if other.shape == mine.shape) for mine in ours
    )
    assert worst == 0.0


def measured(printed: str) -> list[float]:
    """Return what a script says of the test rows."""
    return [float(word.split()[-1]) for word in printed.split("test ")[-1].split(",")]


FIT = ("a risk to state", "arrays", "labeled series", "crosses")
WITHOUT_DATA: dict[str, tuple[str, ...]] = {
    "several numbers": ("--target", "y0,y1,y2"),
    "several labels": ("--target", "y0,y1,y2"),
    "a zip": (),
    "labeled series": ("--target", "label", "--series-id", "id", "--time", "when"),
    "forecasts": ("--target", "sales,visits", "--series-id", "name", "--time", "day"),
    "texts": ("--target", "label", "--text", "review"),
}
"""Cases whose script isn't written for their data, and how it is told of them."""


def quickly(values: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the recipe with a range test that proves nothing, but is over soon."""
    return {**recipe_of(values, task).as_dict(), "range_test_repeats": 1, "range_test_steps": 5}


@slow
@pytest.mark.parametrize("name", FIT)
def test_the_fit_style_trains_the_same_network(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    path, source, document, values = advised(name, tmp_path)
    source.split(SEED)
    data = ScriptData(str(path), source.schema, source=source)
    recipe = quickly(values, source.schema.target.task)
    execute_here(generate_script(document, recipe, style="fit", data=data), tmp_path)
    assert np.isfinite(measured(capsys.readouterr().out)).all()
    model = keras.models.load_model(tmp_path / "model.keras")
    assert model.output_shape[-1] == source.schema.target.outputs


@slow
@pytest.mark.parametrize("name", WITHOUT_DATA)
def test_a_script_without_data_takes_them_when_it_runs(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, source, document, values = advised(name, tmp_path)
    if name == "labeled series":
        frame = pl.read_csv(path).with_columns(pl.col("day").str.to_date("%d.%m.%Y").cast(pl.String).alias("when"))
        frame.drop("day").write_csv(path)
    if name == "forecasts":
        values |= {"hidden_layers": 1}
    style = "fit" if name in ("several labels", "forecasts", "texts") else "loop"
    recipe = quickly(values, source.schema.target.task)
    script = generate_script(document, recipe, style=style)  # type: ignore[arg-type]
    if name == "forecasts":
        script = script.replace("WINDOW, SEGMENT, HORIZON = 96, 24, 24", "WINDOW, SEGMENT, HORIZON = 14, 7, 3")
    execute_here(script, tmp_path, "--data", str(path), *WITHOUT_DATA[name])
    assert np.isfinite(measured(capsys.readouterr().out)).all()


@pytest.mark.parametrize("style", ["fit", "loop"])
@pytest.mark.parametrize("name", CASES)
def test_every_script_is_formatted_and_free_of_findings(
    name: str, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, source, document, values = advised(name, tmp_path)
    recipe = recipe_of(values, source.schema.target.task).as_dict()
    source.split(SEED)
    # A short path: the constant of a very long one would be wrapped.
    data = ScriptData(str(path.relative_to(tmp_path)), source.schema, source=source)
    folder = tmp_path / "scripts"
    folder.mkdir()
    for number, each in enumerate((data, None)):
        text = generate_script(document, recipe, style=style, data=each)  # type: ignore[arg-type]
        (folder / f"script_{number}.py").write_text(text, encoding="utf-8")
    assert_clean(folder)


def test_rows_for_calibration_are_set_aside_as_in_a_run() -> None:
    assert calibration._SALT == CALIBRATION_SALT
