"""The command line as a process: light imports, streams, broken pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.slow

SMALLEST = '{"task": "multiclass", "architecture": "dense_stack"}'
ADVISOR = [sys.executable, "-m", "advisor.interfaces.cli"]


def test_recommend_loads_no_heavy_package():
    code = (
        "import sys; from advisor.interfaces.cli.main import run; run(['recommend', '-']);"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=SMALLEST, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.strip().splitlines()[-1].replace("'", '"')))
    heavy = {
        "keras",
        "tensorflow",
        "numpy",
        "polars",
        "pandas",
        "sklearn",
        "rich",
        "prompt_toolkit",
        "yaml",
    }
    assert loaded & (heavy - {"yaml"}) == set()
    assert json.loads(done.stdout)["problem"]["task"] == "multiclass"


def test_asking_nobody_fails_at_once():
    done = subprocess.run([*ADVISOR, "ask"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'task' is not answered" in done.stderr
    assert done.stdout == ""


def test_a_reader_that_goes_away_is_no_error():
    script = f"{' '.join(ADVISOR)} rules show --vocabulary | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {script}"], capture_output=True, text=True, check=False)
    assert done.stdout == "task\n"
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("command", [["recommend", "-"], ["rules", "show", "--vocabulary"], ["--version"], ["--help"]])
def test_a_full_disk_behind_stdout_is_one_clear_error(command):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*ADVISOR, *command], input=SMALLEST, stdout=full, stderr=-1, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "stdout  S101 the answer can't be written: No space left on device.",
        "  Free space or write it to another place.",
    ]


def test_recommend_and_explain_in_a_pipe():
    script = f"{' '.join(ADVISOR)} recommend - | {' '.join(ADVISOR)} explain - --why activation"
    done = subprocess.run(["bash", "-c", script], input=SMALLEST, capture_output=True, text=True, check=True)
    assert "Why activation = selu" in done.stdout


def test_two_processes_give_the_same_bytes():
    found = {
        subprocess.run(
            [*ADVISOR, "recommend", "-"],
            input=SMALLEST,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path):
    folder = tmp_path / "locked"
    folder.write_text("a file where a folder is wanted")
    (tmp_path / "answers.json").write_text(SMALLEST)
    done = subprocess.run(
        [*ADVISOR, "ask", "--no-input", "--answers", str(tmp_path / "answers.json"), "--out", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "S101" in done.stderr
    assert "Traceback" not in done.stderr
    assert folder.read_text() == "a file where a folder is wanted"


@pytest.mark.parametrize("no_color", [False, True])
def test_a_person_gets_a_page(tmp_path: Path, no_color: bool):
    (tmp_path / "problem.json").write_text(SMALLEST)
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color"} | ({"NO_COLOR": "1"} if no_color else {})
    page, code = pexpect.run(
        f"{' '.join(ADVISOR)} recommend {tmp_path / 'problem.json'}",
        withexitstatus=True,
        encoding="utf-8",
        env=environment,
        dimensions=(24, 80),
    )
    assert code == 0
    assert "Activation function" in page
    assert ("\033[" in page) != no_color
