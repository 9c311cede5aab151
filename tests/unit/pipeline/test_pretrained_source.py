"""Pretrained networks: which files are read, which are refused, and what is known of them."""

from __future__ import annotations

import json
import os
import pickle
import zipfile

import numpy as np
import polars as pl
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from advisor.data import open_source
from advisor.errors import ArtifactError, BuildError, RequestError
from advisor.pipeline.pretrained_source import OTHER_FRAMEWORKS, read_pretrained


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def dense(keras, activation, initializer, *more):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activation=activation, kernel_initializer=initializer),
            *more,
            layers.Dense(4, activation=activation, kernel_initializer=initializer),
            layers.Dense(1),
        ]
    )


@pytest.fixture
def saved(keras, tmp_path):
    path = tmp_path / "theirs.keras"
    dense(keras, "selu", "lecun_normal").save(path)
    return path


@pytest.mark.parametrize("ending", sorted(OTHER_FRAMEWORKS))
def test_files_of_other_frameworks_are_never_opened(ending, tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "executed"),))

    path = tmp_path / f"model{ending}"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ArtifactError, match=r"A130.*another framework") as caught:
        read_pretrained(path)
    assert "model.save" in str(caught.value)
    assert not (tmp_path / "executed").exists()


def test_what_is_no_path_is_refused():
    with pytest.raises(RequestError, match="R206"):
        read_pretrained(42)


def test_a_missing_file_a_saved_model_and_another_ending_are_refused(tmp_path):
    with pytest.raises(ArtifactError, match="A101"):
        read_pretrained(tmp_path / "none.keras")
    (tmp_path / "model.txt").write_text("a")
    with pytest.raises(ArtifactError, match="A130"):
        read_pretrained(tmp_path / "model.txt")
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"A130.*runs code"):
        read_pretrained(folder)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="A113"):
        read_pretrained(tmp_path)


@pytest.mark.parametrize("kept", [0, 100, 2000])
def test_a_damaged_file_is_refused(saved, kept):
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(ArtifactError, match=r"A102(.|\n)*Give a run folder, or a .keras file"):
        read_pretrained(saved)


def test_a_file_with_code_is_refused(saved, tmp_path):
    with zipfile.ZipFile(saved) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(contents["config.json"])
    document["config"]["layers"][1] = {
        "class_name": "Lambda",
        "module": "keras.layers",
        "registered_name": None,
        "config": {"name": "evil", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
    }
    with zipfile.ZipFile(saved, "w") as archive:
        for name, content in {**contents, "config.json": json.dumps(document).encode()}.items():
            archive.writestr(name, content)
    with pytest.raises(ArtifactError, match=r"A103.*Lambda"):
        read_pretrained(saved)


def test_a_network_says_itself_whether_it_normalizes_itself(keras, saved, tmp_path):
    assert read_pretrained(saved).is_self_normalizing
    others = {
        "relu": dense(keras, "relu", "lecun_normal"),
        "he": dense(keras, "selu", "he_normal"),
        "batch": dense(keras, "selu", "lecun_normal", keras.layers.BatchNormalization()),
    }
    for name, network in others.items():
        network.save(tmp_path / f"{name}.keras")
        found = read_pretrained(tmp_path / f"{name}.keras")
        assert not found.is_self_normalizing
        assert found.how


def test_a_linear_network_has_no_layer_to_reuse(keras, tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(tmp_path / "linear.keras")
    with pytest.raises(BuildError, match="B120"):
        read_pretrained(tmp_path / "linear.keras")


def waves(**options):
    steps = pl.DataFrame({"t": range(200), "load": np.sin(np.arange(200.0)), "heat": np.cos(np.arange(200.0))})
    if options:
        return open_source(steps, "load", time="t", **options)
    many = steps.with_columns(pl.col("t") // 10).with_columns((pl.col("t") % 2).alias("y"))
    return open_source(many, "y", series_id="t")


def words():
    rows = pl.DataFrame(
        {"text": [f"a text that is {mood}" for mood in ("good", "bad")] * 30, "y": ["plus", "minus"] * 30}
    )
    return open_source(rows, "y", kind="text")


@pytest.fixture
def of_others(keras, tmp_path):
    """A function that saves a network made with Keras alone and reads it back."""

    def read(shape, *layers, dtype="float32"):
        path = tmp_path / "theirs.keras"
        keras.Sequential([keras.Input(shape, dtype=dtype), *layers, keras.layers.Dense(3)]).save(path)
        return read_pretrained(path)

    return read


def test_a_network_without_recurrent_layers_is_not_reused_for_what_is_read_step_by_step(saved):
    for source in (waves(), waves(horizon=2, window=8), words()):
        with pytest.raises(RequestError, match=rf"R204.*no.* begin with a recurrent layer.* your {source.kind}"):
            read_pretrained(saved).check_kind(source)


def test_recurrent_networks_of_others_are_for_series_of_as_many_channels(keras, of_others):
    found = of_others((None, 2), keras.layers.GRU(4, return_sequences=True), keras.layers.GRU(4))
    found.check_kind(waves())
    with pytest.raises(RequestError, match=r"R204.*not made by Advisor, whose forecasts"):
        found.check_kind(waves(horizon=2, window=8))
    with pytest.raises(RequestError, match=r"R205.*kind series, yours are of the kind text"):
        found.check_kind(words())
    with pytest.raises(RequestError, match=r"R205.*reads 3 channels, yours are 2: load, heat"):
        of_others((None, 3), keras.layers.GRU(4)).check_kind(waves())


def test_a_network_of_codes_without_their_words_is_one_clear_error(keras, of_others):
    found = of_others((6,), keras.layers.Embedding(20, 4), keras.layers.GRU(4), dtype="int32")
    with pytest.raises(RequestError, match=r"R204.*holds no vocabulary(.|\n)*TextVectorization layer inside"):
        found.check_kind(words())
    cut = keras.layers.TextVectorization()
    cut.adapt(["a good text"])
    of_others((1,), cut, keras.layers.Embedding(20, 4), keras.layers.GRU(4), dtype="string").check_kind(words())
