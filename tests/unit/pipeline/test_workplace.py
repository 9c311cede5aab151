"""A failed or killed run never harms an earlier result, and can be resumed."""

import pytest

from advisor.errors import RequestError
from advisor.pipeline.workplace import is_finished, open_workplace


def finish(path):
    with open_workplace(path, resume=False, force=True) as workplace:
        (workplace.partial / "manifest.json").write_text("{}")
        workplace.finish()


def test_a_finished_run_takes_its_place_only_at_the_end(tmp_path):
    out = tmp_path / "run"
    with open_workplace(out, resume=False, force=False) as workplace:
        (workplace.partial / "manifest.json").write_text("{}")
        assert not out.exists()
        workplace.finish()
    assert is_finished(out)
    assert not workplace.partial.exists()


def test_a_non_empty_folder_is_refused_and_left_alone(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match="is not empty") as caught, open_workplace(out, resume=False, force=False):
        pass
    assert caught.value.exit_code == 2
    assert [each.name for each in tmp_path.iterdir()] == ["run"]
    assert (out / "mine.txt").read_text() == "mine"


def test_a_finished_run_is_refused_without_force(tmp_path):
    finish(tmp_path / "run")
    with (
        pytest.raises(RequestError, match="holds a finished run"),
        open_workplace(tmp_path / "run", resume=False, force=False),
    ):
        pass


def test_a_failure_with_force_leaves_the_earlier_run_whole(tmp_path):
    out = tmp_path / "run"
    finish(out)
    (out / "old").write_text("old")
    with pytest.raises(ZeroDivisionError), open_workplace(out, resume=False, force=True) as workplace:
        (workplace.partial / "half").write_text("half")
        raise ZeroDivisionError
    assert (out / "old").read_text() == "old"
    assert not workplace.partial.exists()


def test_a_failure_keeps_checkpoints_for_resuming(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(ZeroDivisionError), open_workplace(out, resume=False, force=False) as workplace:
        workplace.bind({"seed": 0})
        workplace.checkpoints.mkdir()
        (workplace.checkpoints / "state.npz").write_bytes(b"state")
        raise ZeroDivisionError
    with pytest.raises(RequestError, match="an unfinished run is here"), open_workplace(out, resume=False, force=False):
        pass
    with open_workplace(out, resume=True, force=False) as resumed:
        assert resumed.resumed
        resumed.bind({"seed": 0})


def test_resuming_with_other_inputs_is_refused_and_says_which(tmp_path):
    out = tmp_path / "run"
    with open_workplace(out, resume=False, force=False) as workplace:
        workplace.bind({"seed": 0, "target": "y"})
    with (
        open_workplace(out, resume=True, force=False) as workplace,
        pytest.raises(RequestError, match=r"other inputs \(seed changed\)"),
    ):
        workplace.bind({"seed": 1, "target": "y"})


def test_two_processes_do_not_work_on_one_run(tmp_path):
    out = tmp_path / "run"
    with (
        open_workplace(out, resume=False, force=False),
        pytest.raises(RequestError, match="another process is at work"),
        open_workplace(out, resume=True, force=False),
    ):
        pass


def test_a_file_in_the_way_is_named(tmp_path):
    out = tmp_path / "run"
    out.write_text("file")
    with pytest.raises(RequestError, match="taken by a file"), open_workplace(out, resume=False, force=True):
        pass
    assert out.read_text() == "file"
