from __future__ import annotations

import numpy as np
import pytest

from advisor.errors import ArtifactError, ExportError
from advisor.export import check_saved_model, load_saved_model, save_saved_model, verify_saved_model

from .conftest import build


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "model" / "saved_model"
    save_saved_model(model, folder)
    return folder


def test_it_answers_the_same_in_tensorflow_alone(model, rows, folder):
    artifact = verify_saved_model(folder, model, rows, root=folder.parent.parent)
    assert artifact.max_difference <= 1e-6
    assert str(artifact.path) == "model/saved_model"
    assert artifact.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_raw_columns_are_served_by_name(serving, tmp_path):
    save_saved_model(serving, tmp_path / "sm")
    columns = {"age": np.ones((3, 1), np.float32), "colour": np.array([["red"], ["blue"], ["?"]], object)}
    assert verify_saved_model(tmp_path / "sm", serving, columns, root=tmp_path).max_difference <= 1e-6


def test_an_earlier_folder_is_replaced_and_nothing_is_left_beside_it(model, rows, tmp_path):
    save_saved_model(build(seed=9), tmp_path / "sm")
    with pytest.raises(ExportError, match="E101"):
        verify_saved_model(tmp_path / "sm", model, rows, root=tmp_path)
    save_saved_model(model, tmp_path / "sm")
    verify_saved_model(tmp_path / "sm", model, rows, root=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sm"]


def test_nothing_is_printed(model, tmp_path, capfd):
    save_saved_model(model, tmp_path / "sm")
    load_saved_model(tmp_path / "sm")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_missing_and_damaged_folders_are_refused(model, tmp_path):
    with pytest.raises(ArtifactError, match="A101"):
        load_saved_model(tmp_path / "nothing")
    save_saved_model(model, tmp_path / "sm")
    graph = tmp_path / "sm" / "saved_model.pb"
    content = graph.read_bytes()
    graph.write_bytes(content[: len(content) // 2])
    with pytest.raises(ArtifactError, match="A102"):
        load_saved_model(tmp_path / "sm")
    graph.write_bytes(content)
    (tmp_path / "sm" / "variables" / "variables.index").unlink()
    with pytest.raises(ArtifactError, match="A102"):
        load_saved_model(tmp_path / "sm")


def test_a_graph_that_reads_files_is_refused(tmp_path):
    import tensorflow as tf

    class Thief(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((), tf.string)])
        def serve(self, name):
            return tf.io.read_file(name)

    tf.saved_model.save(Thief(), str(tmp_path / "sm"))
    with pytest.raises(ArtifactError, match=r"A103.*ReadFile"):
        check_saved_model(tmp_path / "sm")


def test_a_link_in_the_folder_is_refused(model, tmp_path):
    save_saved_model(model, tmp_path / "sm")
    (tmp_path / "sm" / "more").symlink_to(tmp_path)
    with pytest.raises(ArtifactError, match=r"A103.*link"):
        check_saved_model(tmp_path / "sm")
