from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from advisor.artifacts import Artifact
from advisor.errors import ArtifactError, ExportError, StorageError
from advisor.export import load_keras, save_keras, verify_keras
from advisor.export.keras_format import predictor

from .conftest import build


def test_a_saved_model_answers_the_same_after_reloading(model, rows, tmp_path):
    path = tmp_path / "model" / "model.keras"
    save_keras(model, path)
    artifact = verify_keras(path, model, rows, root=tmp_path)
    assert isinstance(artifact, Artifact)
    assert artifact.max_difference == 0.0
    assert artifact.bytes == path.stat().st_size
    assert str(artifact.path) == "model/model.keras"
    assert artifact.rows_compared == len(rows)


def test_raw_columns_survive_the_file(serving, tmp_path):
    rows = {"age": np.array([[1.0], [2.0]], np.float32), "colour": np.array([["red"], ["green"]], object)}
    save_keras(serving, tmp_path / "m.keras")
    assert verify_keras(tmp_path / "m.keras", serving, rows, root=tmp_path).max_difference == 0.0


def test_the_same_model_gives_the_same_bytes(model, tmp_path):
    save_keras(model, tmp_path / "a.keras")
    save_keras(model, tmp_path / "b.keras")
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()


def test_another_model_under_the_name_is_an_export_error(model, rows, tmp_path):
    save_keras(build(seed=5), tmp_path / "m.keras")
    with pytest.raises(ExportError, match=r"E101.*differs from the model in memory by up to 0\.\d+.*allowed: 1e-06"):
        verify_keras(tmp_path / "m.keras", model, rows, root=tmp_path)


def test_a_wrong_suffix_is_a_programming_error(model, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.keras"):
        save_keras(model, tmp_path / "m.h5")


def test_an_unwritable_folder_is_a_storage_error(model, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="S101"):
        save_keras(model, tmp_path / "file" / "m.keras")


@pytest.mark.parametrize("where", [0.1, 0.5, 0.9])
def test_a_damaged_file_is_refused(model, tmp_path, where):
    path = tmp_path / "m.keras"
    save_keras(model, path)
    content = bytearray(path.read_bytes())
    place = int(len(content) * where)
    content[place : place + 64] = bytes(255 - byte for byte in content[place : place + 64])
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"A10[2-4]"):
        load_keras(path)


def test_a_truncated_and_a_missing_file_are_refused(model, tmp_path):
    path = tmp_path / "m.keras"
    with pytest.raises(ArtifactError, match="A101 there is no such file"):
        load_keras(path)
    save_keras(model, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match="A102"):
        load_keras(path)


FULL_DISK = """
    import os, resource, sys
    from pathlib import Path
    sys.path[:0] = [sys.argv[2]]
    from export.conftest import build
    from advisor.errors import StorageError
    from advisor.export import export_litert, save_keras, save_saved_model
    folder, model = Path(sys.argv[1]), build(seed=3)
    big = build(width=3000, seed=3)
    save_keras(model, folder / "m.keras")
    save_saved_model(model, folder / "saved_model")
    export_litert(model, folder / "m.tflite")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    for save, name in ((save_keras, "m.keras"), (save_saved_model, "saved_model"), (export_litert, "m.tflite")):
        try:
            save(big, folder / name)
        except StorageError as error:
            assert error.findings[0].code == "S101", error
        else:
            raise SystemExit(f"{name} fitted into too little room")
    after = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert after == before, sorted(map(str, set(after) ^ set(before)))
    print("kept")
"""


@pytest.mark.slow
def test_a_full_disk_leaves_the_earlier_artefacts_and_nothing_else(tmp_path):
    tests = os.path.dirname(os.path.dirname(__file__))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path), tests],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stdout.strip() == "kept", done.stderr[-2000:]


def test_the_file_size_limit_is_not_set_here():
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_predictor_answers_rows_and_columns(model, serving, rows):
    assert predictor(model)(rows).shape == (100, 3)
    columns = {"age": np.ones((2, 1), np.float32), "colour": np.array([["red"], ["blue"]], object)}
    assert predictor(serving)(columns).shape == (2, 1)
