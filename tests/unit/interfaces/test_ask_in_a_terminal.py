"""The wizard in a real pseudo-terminal of 80 by 24."""

import itertools
import json
import os
import re
import sys
import time
from pathlib import Path

import pexpect
import pyte
import pytest

from advisor.interfaces.wizard.machine import Interview, answer, next_question
from advisor.problem import FACTS
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
            timeout=120,
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
        end = time.monotonic() + 120
        while words not in self.text and words not in " ".join(self.text.split()):  # wherever lines are broken
            self._read(0.05)
            assert time.monotonic() < end, f"{words!r} did not appear in:\n{self.text}"

    def press(self, keys: str, until: str) -> None:
        self.child.send(keys)
        self.wait_for(until)

    def take_what_is_offered(self, until: str) -> None:
        """In plain lines: press Enter at each prompt until some words appear, and wait for the prompt after them."""
        end = time.monotonic() + 240
        while True:
            while not self.seen.endswith(": "):
                self._read(0.05)
                assert time.monotonic() < end, f"no prompt in:\n{self.text}"
            if until in " ".join(self.text.split()):
                return
            self.seen += "\n"
            self.child.send("\r")

    def end(self, seconds: float = 20) -> int:
        end = time.monotonic() + seconds
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
    terminal.press(ENTER, "Train now?")
    terminal.child.send(ENTER)
    assert terminal.end() == 0
    assert "Train later with: advisor train --data FILE --recommendation advice/" in terminal.seen.replace("\r\n", " ")
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


def test_an_answer_given_before_the_question_stands_there_counts(sit_down):
    terminal = sit_down()
    terminal.child.send(ENTER)
    terminal.wait_for("Question 2 of")


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
    terminal.press(ENTER, "Train now?")
    terminal.press(ESCAPE, "Train later with")
    assert terminal.end() == 0
    assert json.loads((tmp_path / "advice" / "problem.json").read_text())["task"] == "binary"


def test_no_color_paints_nothing(sit_down):
    terminal = sit_down(NO_COLOR="1")
    terminal.wait_for("Question 1 of")
    terminal._read(0.3)
    codes = {code for part in terminal.seen.split("\x1b[")[1:] for code in part.split("m")[0].split(";") if "m" in part}
    assert not {code for code in codes if code.isdigit() and 30 <= int(code) <= 107}


def test_what_the_highlighted_answer_changes_is_shown_before_it_is_given(sit_down):
    terminal = sit_down()
    terminal.wait_for("“regression” leads to: Output activation linear Loss mse")
    terminal.press(DOWN, "“binary” leads to: Output activation sigmoid Loss")
    assert "Assuming" in terminal.text
    terminal.press(ENTER, "“dense_stack” leads to:")
    terminal.press(DOWN + DOWN, "“residual” leads to:")
    terminal.press("1" + ENTER, "This is what is offered")
    assert "Activation function" not in terminal.text
    terminal.press(ENTER, "Input columns")
    terminal.press(ENTER, "Labeled rows")
    terminal.press("500", "“500” instead of “unknown” would change:")
    terminal.press("x", "How many")
    terminal.press(BACKSPACE, "“500” instead of")


def test_why_names_the_rules_that_rely_on_the_answer(sit_down):
    terminal = sit_down()
    terminal.wait_for("Question 1 of")
    terminal.press("?", "rules read it, such as")
    assert re.search(r"“[^”]+” and “[^”]+”; \d+ more follow", " ".join(terminal.text.split()))


def test_every_screen_fits_80_by_24_and_says_how_to_go_on(sit_down):
    terminal = sit_down("--out", "advice")
    number = last = 0
    while "Is everything right?" not in terminal.text:
        number += 1
        terminal.wait_for(f"Question {number} of")
        for keys, words in (("?", "Why we ask:"), ("?", "Esc goes back, ? says why we ask.")):
            terminal.press(keys, words)
            lines = terminal.text.splitlines()
            assert f"Question {number} of" in terminal.text
            assert "Esc goes back" in terminal.text
            assert max(map(len, lines)) <= 80
        last = int(re.findall(r"Question \d+ of (\d+)", terminal.text)[-1])
        terminal.press(ENTER, f"Question {number + 1} of" if number < last else "Is everything right?")
    assert number == last > 10


def test_plain_lines_draw_nothing_and_can_do_the_same(sit_down, tmp_path):
    terminal = sit_down("--plain")
    terminal.wait_for("Type a number, or back, why, if 2:")
    terminal.press("if 2\r", "“binary” leads to:")
    terminal.press("why\r", "Why we ask:")
    terminal.press("nonsense\r", "That is none of the answers.")
    terminal.press("\r", "Type a number from 1 to 5")
    terminal.press("3\r", "Task: multiclass")
    terminal.press("dense\r", "Architecture: dense_stack")
    terminal.press("back\r", "Back to: Architecture.")
    terminal.press("\r", "Kind of data")
    terminal.press("\r", "How many input columns")
    terminal.press("if 30\r", "changes nothing in the advice so far")
    terminal.press("many\r", "“many” is not an answer")
    terminal.press("30\r", "Input columns: 30")
    terminal.take_what_is_offered("Is everything right?")
    terminal.press("\r", "In which folder shall")
    terminal.press("mine\r", "Train now?")
    terminal.press("1\r", "Train later with")
    assert terminal.end() == 0
    problem = json.loads((tmp_path / "mine" / "problem.json").read_text())
    assert (problem["task"], problem["features"]) == ("multiclass", 30)
    conversation = terminal.seen.partition("Train now?")[0]
    assert "\x1b" not in re.sub("\x1b\\[[0-9;]*m", "", conversation)  # the explanation may be painted, nothing is drawn


def test_a_dumb_terminal_is_asked_in_plain_lines(sit_down):
    terminal = sit_down(TERM="dumb")
    terminal.wait_for("Type a number, or back, why, if 2:")
    assert "\x1b" not in terminal.seen
    terminal.child.sendeof()
    assert terminal.end() == 130


def test_training_starts_at_the_end_with_the_data_that_are_named(sit_down, tmp_path):
    rows = ["x,y,price", *(f"{number % 7},{number % 5},{3 * (number % 7) - number % 5}" for number in range(60))]
    (tmp_path / "small.csv").write_text("\n".join(rows) + "\n")
    answers = {"task": "regression", "architecture": "dense_stack", "hidden_layers": 1, "labeled_rows": 20000}
    answers |= {"features": 2, "outputs": 1, "data_kind": "table"}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    terminal = sit_down("--answers", "answers.json", "--plain")
    terminal.take_what_is_offered("In which folder")
    terminal.press("\r", "Train now?")
    terminal.press("yes\r", "Which file or folder holds the data?")
    terminal.press("missing.csv\r", "There is no missing.csv.")
    terminal.press("small.csv\r", "Which column should be predicted?")
    terminal.press("price\r", "advisor train --data small.csv")
    assert terminal.end(120) == 0
    assert (tmp_path / "advice" / "run" / "model" / "model.keras").is_file()


def interviews() -> list[list[tuple[str, object]]]:
    """Return interviews that together pass from every question to every question that can follow it."""
    gates = {name: FACTS[name].choices or (False, True) for fact in FACTS.values() for name in fact.asked_when or ()}
    gates = {name: choices for name, choices in gates.items() if FACTS[name].asked}
    found: dict[frozenset[tuple[str, str]], list[tuple[str, object]]] = {}
    for combination in itertools.product(*gates.values()):
        wanted = dict(zip(gates, combination, strict=True))
        interview, given = Interview(), []
        while question := next_question(interview):
            name = question.fact.name
            value = wanted.get(name, question.default if question.has_default else question.fact.choices[0])
            interview, _ = answer(interview, name, value)
            given.append((name, value))
        names = [name for name, _ in given]
        found.setdefault(frozenset(itertools.pairwise([*names, "summary"])), given)
    left, chosen = set().union(*found), []
    assert len(left) > 20
    while left:
        edges = max(found, key=lambda each: (len(each & left), -len(each)))
        chosen.append(found[edges])
        left -= edges
    return chosen


@pytest.mark.parametrize("given", interviews(), ids=lambda given: f"{given[0][1]}, {len(given)} questions")
def test_every_edge_of_the_question_graph_forward_and_back(sit_down, given):
    terminal = sit_down("--out", "advice")
    for number, (name, value) in enumerate(given, 1):
        terminal.wait_for(f"Question {number} of")
        fact = FACTS[name]
        assert re.search(rf"Question {number} of \d+: {re.escape(fact.title)}\n", terminal.text + "\n")
        if value != fact.default or fact.required:
            values = list(fact.choices) or [False, True]
            place = values.index(value) + 1 + (fact.nullable and bool(fact.choices))
            terminal.press(str(place), f"> {place}. ")
        following = f"Question {number + 1} of" if number < len(given) else "Is everything right?"
        terminal.press(ENTER, following)
    for number, (name, _) in reversed(list(enumerate(given, 1))):
        terminal.press(ESCAPE, f"Question {number} of")  # of how many changes with the answers that are taken back
        assert re.search(rf"Question {number} of \d+: {re.escape(FACTS[name].title)}\n", terminal.text)
        assert "because it was your earlier answer" in terminal.text
    terminal.press(ESCAPE, "This is the first question.")
