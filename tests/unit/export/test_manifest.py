from __future__ import annotations

import hashlib
import json

import pytest

from advisor.errors import ArtifactError
from advisor.export import check_manifest, write_manifest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model" / "saved_model").mkdir(parents=True)
    (tmp_path / "problem.json").write_text("{}")
    (tmp_path / "recommendation.json").write_text('{"a": 1}')
    (tmp_path / "model" / "model.keras").write_bytes(b"weights")
    (tmp_path / "model" / "saved_model" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "model" / ".model-x7.keras").write_bytes(b"half writ")
    write_manifest(tmp_path, seed=42, data_sha256="ab" * 32)
    return tmp_path


def test_it_lists_every_file_with_digest_and_size(folder):
    document = json.loads((folder / "manifest.json").read_text())
    assert set(document["files"]) == {
        "problem.json",
        "recommendation.json",
        "model/model.keras",
        "model/saved_model/saved_model.pb",
    }
    assert document["files"]["model/model.keras"] == {"sha256": hashlib.sha256(b"weights").hexdigest(), "bytes": 7}
    assert document["seed"] == 42
    assert document["digests"] == {
        "data": "ab" * 32,
        "problem": hashlib.sha256(b"{}").hexdigest(),
        "recommendation": hashlib.sha256(b'{"a": 1}').hexdigest(),
    }
    assert {"python", "advisor", "keras", "tensorflow", "numpy"} <= set(document["versions"])


def test_an_untouched_folder_passes_also_with_more_in_it(folder):
    (folder / "notes.txt").write_text("mine")
    assert check_manifest(folder)["seed"] == 42


def test_writing_it_again_changes_nothing(folder):
    before = (folder / "manifest.json").read_bytes()
    write_manifest(folder, seed=42, data_sha256="ab" * 32)
    assert (folder / "manifest.json").read_bytes() == before


def test_everything_damaged_is_named_at_once(folder):
    (folder / "model" / "model.keras").write_bytes(b"weightz")
    (folder / "problem.json").unlink()
    (folder / "recommendation.json").write_text("longer than before")
    with pytest.raises(ArtifactError) as caught:
        check_manifest(folder)
    assert [(finding.place, finding.message) for finding in caught.value.findings] == [
        ("model/model.keras", "the file's content has changed (its sha256 differs)."),
        ("problem.json", "the file is missing."),
        ("recommendation.json", "the file has 18 bytes, not 8."),
    ]


def test_only_the_files_asked_for_are_read(folder):
    (folder / "problem.json").unlink()
    check_manifest(folder, only=["model/saved_model", "model/model.keras"])
    with pytest.raises(ArtifactError, match="manifest doesn't list it"):
        check_manifest(folder, only=["model/model.tflite"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"files": 3}',
        '{"files": {"../../etc/passwd": {"sha256": "", "bytes": 1}}}',
        '{"files": {"/etc/passwd": {"sha256": "", "bytes": 1}}}',
        '{"files": {"a": {"sha256": 1}}}',
        "[" * 200_000,
    ],
)
def test_a_damaged_manifest_is_refused(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(ArtifactError, match="A105"):
        check_manifest(folder)


def test_a_folder_without_one_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="no manifest"):
        check_manifest(tmp_path)
