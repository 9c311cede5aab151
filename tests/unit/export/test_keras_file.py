"""Files made by somebody who means harm, refused before anything of them runs or is allocated."""

from __future__ import annotations

import io
import json
import resource
import zipfile

import h5py
import numpy as np
import pytest

from advisor.errors import ArtifactError
from advisor.export import FileLimits, check_keras_file, load_keras, save_keras

from .conftest import build


def rewrite(path, change=None, *, config=None, add=None, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    if config is not None:
        document = json.loads(contents["config.json"])
        config(document)
        contents["config.json"] = json.dumps(document).encode()
    if change is not None:
        change(contents)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in {**contents, **(add or {})}.items():
            archive.writestr(name, content)


def layer(document, name):
    return next(each for each in document["config"]["layers"] if each["config"].get("name") == name)


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


@pytest.fixture
def path(model, tmp_path):
    path = tmp_path / "m.keras"
    save_keras(model, path)
    return path


@pytest.fixture
def refused(path):
    def check(match, **limits):
        before = peak_mb()
        with pytest.raises(ArtifactError, match=match) as caught:
            load_keras(path, FileLimits(**limits))
        assert peak_mb() - before < 200
        assert caught.value.exit_code == 3

    return check


def test_what_advisor_writes_passes(path):
    check_keras_file(path)


def test_a_packed_bomb_is_refused(path, refused):
    rewrite(
        path,
        lambda contents: contents.update({"model.weights.h5": bytes(300_000_000)}),
        compression=zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 1_000_000
    refused("A104.*unpacks from")


def test_a_description_that_asks_for_gigabytes_is_refused_before_they_are_allocated(path, refused):
    def grow(document):
        layer(document, "dense_1")["config"]["units"] = 400_000_000
        layer(document, "normalization_1")["build_config"]["input_shape"] = [None, 400_000_000]

    rewrite(path, config=grow)
    refused("A10[24]")


def test_a_description_that_asks_for_more_than_is_stored_is_refused(tmp_path, path, refused):
    save_keras(build(width=40), tmp_path / "wide.keras")
    wide = zipfile.ZipFile(tmp_path / "wide.keras").read("config.json")
    rewrite(path, lambda contents: contents.update({"config.json": wide}))
    refused("A104.*asks for .* but only .* are stored")


@pytest.mark.parametrize("units", [60_000, 10**12, -1, "many", None])
def test_absurd_units_are_refused(path, refused, units):
    def grow(document):
        for name in ("dense_1", "output"):
            layer(document, name)["config"]["units"] = units
        layer(document, "output")["build_config"]["input_shape"] = [None, units]

    rewrite(path, config=grow)
    refused("A10[24]")


def test_weights_that_declare_much_and_store_nothing_are_refused(path, refused):
    def bomb(contents):
        stored = io.BytesIO(contents["model.weights.h5"])
        with h5py.File(stored, "a") as file:
            file.create_dataset("layers/extra", (50_000_000,), "f4", chunks=True, compression="gzip")
        contents["model.weights.h5"] = stored.getvalue()

    rewrite(path, bomb)
    refused("A104.*declare 200000000 bytes")


def test_weights_in_another_file_are_refused(path, refused, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(400))

    def link(contents):
        stored = io.BytesIO(contents["model.weights.h5"])
        with h5py.File(stored, "a") as file:
            file.create_dataset("layers/extra", (100,), "f4", external=[(str(tmp_path / "secret"), 0, 400)])
        contents["model.weights.h5"] = stored.getvalue()

    rewrite(path, link)
    refused("A103.*another file")


@pytest.mark.parametrize("link", [h5py.SoftLink("/layers"), h5py.ExternalLink("other.h5", "/")])
def test_links_among_the_weights_are_refused(path, refused, link):
    def add(contents):
        stored = io.BytesIO(contents["model.weights.h5"])
        with h5py.File(stored, "a") as file:
            file["layers/link"] = link
        contents["model.weights.h5"] = stored.getvalue()

    rewrite(path, add)
    refused("A103.*link")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "evil.py", "assets/../../evil", "assets/evil.pkl"])
def test_entries_that_do_not_belong_are_refused(path, refused, name):
    rewrite(path, add={name: b"x"})
    refused("A103.*doesn't belong")


def test_missing_entries_and_too_many_are_refused(path, refused):
    rewrite(path, add={f"assets/a{k}/vocabulary.txt": b"" for k in range(20)})
    refused("A104 the file has 23 entries", entries=10)
    rewrite(path, lambda contents: contents.pop("config.json"))
    refused("A102.*lacks config.json")


@pytest.mark.parametrize(
    "node",
    [
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "folder"}},
        {"module": "keras.layers", "class_name": "MelSpectrogram", "config": {"fft_length": 1000000000}},
        {"module": "os", "class_name": "system", "config": "true"},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "keras.utils", "class_name": "get_file", "config": {}},
        {"module": "keras.layers", "class_name": "__lambda__", "config": {}},
        {"module": None, "class_name": "Custom", "registered_name": "other>Custom", "config": {}},
        {"module": None, "class_name": "Custom", "registered_name": "advisor>Unheard", "config": {}},
        {"module": "advisor.builder", "class_name": ["a"], "config": {}},
    ],
)
def test_objects_that_may_run_code_are_refused(path, refused, node):
    rewrite(path, config=lambda document: document["config"]["layers"].insert(1, node))
    refused("A103 the model")


def test_code_hidden_deep_inside_is_refused(path, refused):
    hidden = {"module": "keras.layers", "class_name": "Lambda", "config": {}}
    rewrite(
        path, config=lambda document: layer(document, "dense_1")["config"].update(kernel_constraint=[{"a": hidden}])
    )
    refused("A103.*Lambda")


def test_a_vocabulary_in_another_file_is_refused(serving, path, refused):
    save_keras(serving, path)
    rewrite(path, config=lambda document: layer(document, "lookup")["config"].update(vocabulary="words.txt"))
    refused("A103.*vocabulary is 'words.txt'")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"text"', b"[" * 200_000, b'{"class_name": "Lambda", "config": {}}']
)
def test_descriptions_that_are_none_are_refused(path, refused, content):
    rewrite(path, lambda contents: contents.update({"config.json": content}))
    refused("A10[234]")


def test_limits_are_kept(path, refused):
    refused("A104 the file unpacks to", file_bytes=1000)
    refused("A104 the model's description is larger", config_bytes=10)
    refused("A104 the file declares more than 5 weights", weights=5)


def test_checking_leaves_the_generators_alone(path):
    import keras

    keras.utils.set_random_seed(3)
    expected = float(np.asarray(keras.random.normal((1,)))[0])
    keras.utils.set_random_seed(3)
    check_keras_file(path)
    assert float(np.asarray(keras.random.normal((1,)))[0]) == expected
