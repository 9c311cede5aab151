from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from advisor.errors import TrainingError
from advisor.training import loop, train

from .cases import bundle, network, recipe, statistics, weights_of

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]


def _child(folder: Path, resume: str = "new", number: int = 0, at: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.resume_child", str(folder), resume, str(number), str(at)]
    places = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "unit")])
    environment = {**os.environ, "PYTHONPATH": places, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env=environment)


def _weights(folder: Path) -> list[bytes]:
    with np.load(folder / "weights.npz") as archive:
        return [archive[name].tobytes() for name in sorted(archive.files)]


def test_killed_and_interrupted_trainings_resume_to_the_same_bits(tmp_path: Path) -> None:
    for name in ("whole", "killed", "interrupted"):
        (tmp_path / name).mkdir()
    whole = _child(tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.startswith("False 12 ")

    killed = _child(tmp_path / "killed", number=signal.SIGKILL, at=7)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "weights.npz").exists()
    again = _child(tmp_path / "killed", "resume")
    assert again.stdout == whole.stdout
    assert _weights(tmp_path / "killed") == _weights(tmp_path / "whole")

    interrupted = _child(tmp_path / "interrupted", number=signal.SIGINT, at=4)
    assert interrupted.returncode == 0, interrupted.stderr
    assert interrupted.stdout.startswith("True 4 ")
    again = _child(tmp_path / "interrupted", "resume")
    assert again.stdout == whole.stdout
    assert _weights(tmp_path / "interrupted") == _weights(tmp_path / "whole")


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    data = bundle()
    first = network(data)
    report = train(first, data, recipe(), seed=1, statistics=statistics(data), checkpoints=tmp_path)
    second = network(data)
    told: list[object] = []
    again = train(
        second,
        data,
        recipe(),
        seed=1,
        statistics=statistics(data),
        checkpoints=tmp_path,
        resume=True,
        on_epoch=lambda *pair: told.append(pair),
    )
    assert told == []
    assert again.epochs == report.epochs
    assert weights_of(first) == weights_of(second)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"max_epochs": 7}, "recipe"), ({"seed": 2}, "seed"), ({"units": (16, 17)}, "network"), ({"rows": 164}, "data")],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path, change: dict[str, object], named: str) -> None:
    data = bundle()
    train(network(data), data, recipe(), seed=1, statistics=statistics(data), checkpoints=tmp_path)
    other = bundle(rows=int(str(change.get("rows", 160))))
    model = network(other, units=change.get("units", (16, 16)))  # type: ignore[arg-type]  # a pair of ints
    with pytest.raises(TrainingError, match=f"T105 the checkpoint belongs to another training; different: .*{named}"):
        train(
            model,
            other,
            recipe(max_epochs=change.get("max_epochs", 6)),
            seed=int(str(change.get("seed", 1))),
            statistics=statistics(other),
            checkpoints=tmp_path,
            resume=True,
        )


def test_a_damaged_checkpoint_is_refused_and_a_new_start_replaces_it(tmp_path: Path) -> None:
    data = bundle()
    train(network(data), data, recipe(), seed=1, statistics=statistics(data), checkpoints=tmp_path)
    path = tmp_path / "training.npz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(TrainingError, match="T106 the checkpoint can't be read"):
        train(network(data), data, recipe(), seed=1, statistics=statistics(data), checkpoints=tmp_path, resume=True)
    train(network(data), data, recipe(), seed=1, statistics=statistics(data), checkpoints=tmp_path)
    with np.load(path, allow_pickle=False) as archive:
        document = json.loads(archive["document"].tobytes())
    assert document["finished"] is True
    assert [entry.name for entry in tmp_path.iterdir()] == ["training.npz"]


def test_checkpoints_are_rare_in_a_fast_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    save = loop.checkpoint.save

    def count(*arguments: object) -> None:
        written.append(1)
        save(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(loop.checkpoint, "save", count)
    data = bundle()
    report = train(
        network(data), data, recipe(max_epochs=100), seed=1, statistics=statistics(data), checkpoints=tmp_path
    )
    assert len(report.epochs) == 100
    assert len(written) <= 2 + report.seconds / loop.SECONDS_BETWEEN_CHECKPOINTS
