"""The wizard in a real pseudo-terminal of 80 by 24."""

import json
import os
import re
import sys
import time
from pathlib import Path

import pexpect
import pyte
import pytest

from advisor.recommendation import recommend

pytestmark = pytest.mark.slow

DOWN, ESCAPE, ENTER, INTERRUPT, BACKSPACE = "\x1b[B", "\x1b", "\r", "\x03", "\x7f"


class Terminal:
    """A person in front of a terminal: reads the screen, presses keys."""

    def __init__(self, words: list[str], folder: Path, **environment: str) -> None:
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.Stream(self.screen)
        self.seen = ""
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "advisor.interfaces.cli", *words],
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=20,
            cwd=str(folder),
            env={**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(folder / "state"), **environment},
        )

    def _read(self, seconds: float) -> bool:
        try:
            text = self.child.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            self.child.close()
            return False
        self.seen += text
        self.stream.feed(text)
        if "\x1b[6n" in text:  # where is the cursor?
            self.child.send(f"\x1b[{self.screen.cursor.y + 1};{self.screen.cursor.x + 1}R")
        return True

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, words: str) -> None:
        end = time.monotonic() + 20
        while words not in self.text:
            self._read(0.05)
            assert time.monotonic() < end, f"{words!r} did not appear in:\n{self.text}"

    def press(self, keys: str, until: str) -> None:
        self.child.send(keys)
        self.wait_for(until)

    def end(self) -> int:
        end = time.monotonic() + 20
        while not self.child.closed and time.monotonic() < end:
            self._read(0.1)
        self.child.close()
        return self.child.exitstatus


@pytest.fixture
def sit_down(tmp_path):
    opened: list[Terminal] = []

    def start(*words: str, **environment: str) -> Terminal:
        opened.append(Terminal(["ask", *words], tmp_path, **environment))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.child.close(force=True)


def test_an_interview_from_the_first_question_to_the_saved_recommendation(sit_down, tmp_path):
    terminal = sit_down("--out", "advice")
    terminal.wait_for("Question 1 of")
    assert "What should the network predict?" in terminal.text
    terminal.press(DOWN + DOWN, "> 3. multiclass")
    terminal.press(ENTER, "Question 2 of")
    assert "Task: multiclass" in terminal.text
    terminal.press("?", "Why we ask: Only a plain stack")
    terminal.press(ENTER, "Question 3 of")
    terminal.press(ESCAPE, "because it was your earlier answer")
    assert "Back to: Architecture." in terminal.text
    terminal.press(ENTER, "Question 3 of")
    terminal.press(ENTER, "How many input columns")
    terminal.press("many" + ENTER, "“many” is not an answer")
    terminal.press(BACKSPACE * 4 + "20" + ENTER, "Question 5 of")
    terminal.press("1" + ENTER, "That can't be: one output is given")
    terminal.press("3" + ENTER, "Labeled rows")
    number, last = map(int, re.findall(r"Question (\d+) of (\d+)", terminal.text)[-1])
    for following in range(number + 1, last + 1):
        terminal.press(ENTER, f"Question {following} of {last}")
    terminal.child.send(ENTER)
    terminal.wait_for("All of this is right")
    assert "Input columns: 20" in terminal.text
    terminal.child.send(ENTER)
    assert terminal.end() == 0
    problem = json.loads((tmp_path / "advice" / "problem.json").read_text())
    assert (problem["task"], problem["features"], problem["outputs"]) == ("multiclass", 20, 3)
    assert "Kernel initializer" in terminal.seen
    saved = json.loads((tmp_path / "advice" / "recommendation.json").read_text())
    facts = {name: value for name, value in problem.items() if saved["trace"]["facts"][name]["origin"] == "given"}
    assert json.loads(recommend(facts).to_json()) == saved


def test_an_interrupted_interview_goes_on(sit_down, tmp_path):
    terminal = sit_down("--out", "advice")
    terminal.wait_for("Question 1 of")
    terminal.press(ENTER, "Question 2 of")
    terminal.child.send(INTERRUPT)
    assert terminal.end() == 130
    assert "advisor ask --resume --out advice" in terminal.seen
    assert json.loads((tmp_path / "advice" / "answers.json").read_text()) == {"task": "regression"}
    again = sit_down("--out", "advice", "--resume")
    again.wait_for("Question 2 of")
    assert "Already answered: Task: regression." in again.text


def test_without_a_folder_answers_are_kept_in_the_state_folder(sit_down, tmp_path):
    terminal = sit_down()
    terminal.wait_for("Question 1 of")
    terminal.press(ENTER, "Question 2 of")
    terminal.child.send(INTERRUPT)
    assert terminal.end() == 130
    assert (tmp_path / "state" / "advisor" / "answers.json").is_file()


def test_complete_answers_ask_nothing_and_give_the_same_bytes(sit_down, tmp_path):
    answers = {"task": "binary", "architecture": "dense_stack", "data_kind": "table", "features": None}
    answers |= {"labeled_rows": None, "hidden_layers": 2, "unlabeled_rows": 0, "similar_task_labeled_rows": 0}
    answers |= {"pretrained_model_available": False, "sparsity": "none", "latency_importance": "low"}
    answers |= {"size_budget_kb": None, "target_device": "host", "risk_sensitive": False, "preferred_optimizer": None}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    terminal = sit_down("--answers", "answers.json", "--out", "one", "--json")
    assert terminal.end() == 0
    assert (tmp_path / "one" / "recommendation.json").read_text() == recommend(answers).to_json() + "\n"


def test_a_first_escape_stays_at_the_first_question(sit_down):
    terminal = sit_down()
    terminal.wait_for("Question 1 of")
    terminal.press(ESCAPE, "This is the first question.")
    terminal.press(ENTER, "Question 2 of")


def test_a_line_of_the_summary_can_be_corrected(sit_down, tmp_path):
    answers = {"task": "multiclass", "architecture": "dense_stack", "data_kind": "table", "features": 5, "outputs": 3}
    answers |= {"labeled_rows": 100, "hidden_layers": None, "unlabeled_rows": 0, "similar_task_labeled_rows": 0}
    answers |= {"pretrained_model_available": False, "sparsity": "none", "latency_importance": "low"}
    answers |= {"size_budget_kb": None, "target_device": "host", "risk_sensitive": False}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    terminal = sit_down("--answers", "answers.json", "--out", "advice")
    terminal.wait_for("Preferred optimizer")
    terminal.press(ENTER, "Is everything right?")
    terminal.press(DOWN, "> Task: multiclass")
    terminal.press(ENTER, "Question 1 of")
    terminal.press("2", "> 2. binary")
    terminal.press(ENTER, "Dropped, because it no longer fits: Outputs.")
    terminal.wait_for("Is everything right?")
    terminal.child.send(ENTER)
    assert terminal.end() == 0
    assert json.loads((tmp_path / "advice" / "problem.json").read_text())["task"] == "binary"


def test_no_color_paints_nothing(sit_down):
    terminal = sit_down(NO_COLOR="1")
    terminal.wait_for("Question 1 of")
    terminal._read(0.3)
    codes = {code for part in terminal.seen.split("\x1b[")[1:] for code in part.split("m")[0].split(";") if "m" in part}
    assert not {code for code in codes if code.isdigit() and 30 <= int(code) <= 107}
