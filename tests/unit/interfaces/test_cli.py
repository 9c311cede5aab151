"""The command line, run in this process: results on stdout, messages on stderr, documented exit codes."""

import io
import json
import sys
from pathlib import Path

import pytest

from advisor.interfaces.cli.main import COMMANDS, run
from advisor.knowledge import load_rulebook
from advisor.problem import FACTS
from advisor.recommendation import Recommendation, recommend

SMALLEST = {"task": "multiclass", "architecture": "dense_stack"}


class Answer:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def advisor(capsys, monkeypatch):
    def call(*words: str, stdin: str = "") -> Answer:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run(list(words))
        printed = capsys.readouterr()
        return Answer(code, printed.out, printed.err)

    return call


@pytest.fixture
def problem(tmp_path: Path) -> str:
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(SMALLEST))
    return str(path)


@pytest.fixture
def recommendation(tmp_path: Path) -> str:
    path = tmp_path / "recommendation.json"
    path.write_text(recommend(SMALLEST).to_json())
    return str(path)


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "table.csv"
    rows = [f"{i * 5 % 13 / 4},{i * 7 % 11},{'abc'[i % 3]},{i * 0.5 + i % 7}" for i in range(60)]
    path.write_text("x,y,kind,price\n" + "\n".join(rows) + "\n")
    return str(path)


def test_recommend_prints_json_when_stdout_is_no_terminal(advisor, problem):
    answer = advisor("recommend", problem)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == recommend(SMALLEST).to_json() + "\n"


@pytest.mark.parametrize("words", [["recommend", "-"], ["recommend"]])
def test_recommend_reads_stdin(advisor, words):
    assert json.loads(advisor(*words, stdin=json.dumps(SMALLEST)).out)["problem"]["task"] == "multiclass"


def test_recommend_takes_another_rulebook(advisor, problem):
    answer = advisor("recommend", problem, "--rulebook", str(Path(__file__).parents[3] / "rules" / "homl2"))
    assert json.loads(answer.out)["rulebook"]["name"] == "homl2"


def test_recommend_completes_the_problem_from_data(advisor, table):
    answer = advisor("recommend", "--data", table, "--target", "price")
    document = json.loads(answer.out)
    assert document["problem"]["task"] == "regression"
    assert document["problem"]["features"] == 3
    assert document["trace"]["facts"]["features"]["origin"] == "measured"
    assert document["trace"]["facts"]["sparsity"]["origin"] == "default"


def test_what_is_stated_wins_over_data(advisor, table):
    answer = advisor("recommend", "-", "--data", table, "--target", "price", stdin='{"features": 99, "outliers": true}')
    document = json.loads(answer.out)
    assert document["problem"]["features"] == 99
    assert document["trace"]["facts"]["features"]["origin"] == "given"


@pytest.mark.parametrize(
    ("words", "stdin", "code", "says"),
    [
        (["recommend", "/no/such/file.json"], "", 2, "No such file"),
        (["recommend", "-"], "{}", 2, "the field 'task' is missing"),
        (["recommend", "-"], "", 2, "The document is empty"),
        (
            ["recommend", "-"],
            '{"task": "binary", "architecture": "dense_stack", "sparsty": 1}',
            2,
            "did you mean 'sparsity'",
        ),
        (["recommend", "-", "--rulebook", "hml2"], json.dumps(SMALLEST), 2, "did you mean 'homl2'"),
        (["recommend", "--target", "x"], "", 2, "--data"),
        (["recommend", "--nonsense"], "", 2, "No such option"),
        (["recommend", "--data", "/no/such.csv", "--target", "x"], "", 3, "/no/such.csv"),
        (["explain", "/no/such/file.json"], "", 3, "No such file"),
        (["explain", "-"], json.dumps(SMALLEST), 3, "this is no recommendation"),
        (["explain"], "", 2, "Missing argument"),
        (["schema", "problems"], "", 2, "did you mean 'problem'"),
        (["rules", "show", "self-normalising-dense-stack"], "", 2, "did you mean 'self-normalizing-dense-stack'"),
        (["rules", "test", "hml2"], "", 2, "homl2"),
        (["rules", "nonsense"], "", 2, "No such command"),
        (["recomend"], "", 2, "did you mean 'recommend'"),
        (["ask"], "", 2, "'architecture' is not answered"),
        (["ask", "--no-input", "--answers", "/no/such.json"], "", 2, "No such file"),
        (["ask", "--no-input", "--resume", "--out", "/no/such/folder"], "", 2, "no interview"),
    ],
)
def test_what_cannot_be_done_gets_one_clear_message(advisor, words, stdin, code, says):
    answer = advisor(*words, stdin=stdin)
    assert answer.code == code
    assert says in answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err


def test_stated_facts_are_checked_before_data_are_read(advisor):
    answer = advisor("recommend", "-", "--data", "/no/such.csv", stdin='{"features": "many"}')
    assert answer.code == 2
    assert "Allowed: a whole number" in answer.err


def test_explain_in_three_forms(advisor, recommendation):
    assert advisor("explain", recommendation).out.startswith("Recommendation\n====")
    assert json.loads(advisor("explain", recommendation, "--json").out)["title"] == "Recommendation"
    assert advisor("explain", recommendation, "--markdown").out.startswith("# Recommendation\n")


def test_explain_reads_what_recommend_writes(advisor):
    written = advisor("recommend", "-", stdin=json.dumps(SMALLEST)).out
    assert advisor("explain", "-", stdin=written).code == 0


def test_explain_why(advisor, recommendation):
    answer = advisor("explain", recommendation, "--why", "activation")
    assert "Why activation = selu" in answer.out
    assert advisor("explain", recommendation, "--why", "activaton").code == 2


@pytest.mark.parametrize("name", ["problem", "recommendation"])
def test_schemas_accept_what_the_program_writes(advisor, name):
    import jsonschema

    schema = json.loads(advisor("schema", name).out)
    jsonschema.Draft202012Validator.check_schema(schema)
    found = recommend({**SMALLEST, "latency_budget_ms": 1.0, "sparsity": "sparse", "features": 3, "outputs": 3})
    document = json.loads(found.to_json())
    jsonschema.validate(document["problem"] if name == "problem" else document, schema)


def test_the_schema_refuses_what_the_program_refuses(advisor):
    import jsonschema

    schema = json.loads(advisor("schema", "problem").out)
    for wrong in (
        {"task": "binary"},
        {**SMALLEST, "x": 1},
        {**SMALLEST, "sparsity_target": 0},
        {**SMALLEST, "features": True},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_rules_are_listed_and_shown(advisor):
    assert "homl2" in advisor("rules", "list").out
    listed = advisor("rules", "list", "homl2").out
    for rule in load_rulebook("homl2").rules:
        assert f"{rule.id}:" in listed
    shown = advisor("rules", "show", "self-normalizing-dense-stack").out
    assert "Because: SELU" in shown
    assert "Cornerstone:" in shown
    assert "Parameters" in advisor("rules", "show", "homl2").out
    assert len(json.loads(advisor("rules", "list", "homl2", "--json").out)) == len(load_rulebook("homl2").rules)
    assert json.loads(advisor("rules", "show", "self-normalizing-dense-stack", "--json").out)["layer"] == "architecture"
    assert json.loads(advisor("rules", "show", "--json").out)["name"] == "homl2"


def test_the_vocabulary_is_shown(advisor):
    shown = advisor("rules", "show", "--vocabulary").out
    assert all(f"\n{name}\n" in f"\n{shown}" for name in FACTS)
    assert [fact["name"] for fact in json.loads(advisor("rules", "show", "--vocabulary", "--json").out)] == list(FACTS)


def test_rules_replay_their_cases(advisor):
    answer = advisor("rules", "test")
    assert answer.code == 0
    assert "all came out as expected" in answer.out
    assert json.loads(advisor("rules", "test", "homl2", "--json").out)["passed"] is True


def test_a_failing_case_is_an_answer_of_no(advisor, tmp_path):
    import shutil

    rules = Path(__file__).parents[3] / "rules"
    shutil.copytree(rules / "homl2", tmp_path / "mine")
    shutil.copy(rules / "bibliography.yaml", tmp_path / "bibliography.yaml")
    changed = 0
    for path in (tmp_path / "mine").glob("*.yaml"):
        text = path.read_text()
        new = text.replace(
            "set: {kernel_initializer: he_normal, activation: elu}",
            "set: {kernel_initializer: he_normal, activation: tanh}",
        )
        changed += new != text
        path.write_text(new)
    assert changed == 1
    answer = advisor("rules", "test", str(tmp_path / "mine"))
    assert answer.code == 1
    assert "expected elu" in answer.err


def test_help_is_complete(advisor):
    shown = advisor("--help").out
    there = [
        name
        for name in COMMANDS
        if (Path(sys.modules["advisor.interfaces.cli.main"].__file__).parent / f"{COMMANDS[name]}.py").exists()
    ]
    assert {"ask", "recommend", "explain", "rules", "schema"} <= set(there)
    for name in there:
        assert f"\n  {name} " in shown
        assert advisor(name, "--help").code == 0
    assert "Exit codes" in shown
    assert advisor().out.startswith("Usage:") or advisor().err.startswith("Usage:")


def test_version(advisor):
    assert advisor("--version").out.startswith("advisor 0.")


def test_ask_takes_answers_and_saves(advisor, tmp_path):
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({**SMALLEST, "sparsity": "sparse"}))
    first = advisor("ask", "--answers", str(answers), "--no-input", "--out", str(tmp_path / "a"))
    second = advisor("ask", "--answers", str(answers), "--no-input", "--out", str(tmp_path / "b"))
    assert first.code == 0
    assert first.out == second.out
    assert "default is taken: data_kind" in first.err
    for name in ("problem.json", "recommendation.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    saved = Recommendation.from_json((tmp_path / "a" / "recommendation.json").read_text())
    assert saved["activation"] == "elu"
    again = advisor("ask", "--resume", "--no-input", "--out", str(tmp_path / "a"))
    assert again.out == first.out


def test_ask_names_every_missing_required_field(advisor, tmp_path):
    answers = tmp_path / "answers.json"
    answers.write_text("{}")
    answer = advisor("ask", "--answers", str(answers), "--no-input", "--out", str(tmp_path / "out"))
    assert answer.code == 2
    assert "'task' is not answered" in answer.err
    assert "'architecture' is not answered" in answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["[]", '{"task": "binary", "architecture": "dense_stack", "outputs": 3}', '{"x": 1}'])
def test_ask_refuses_wrong_answers(advisor, tmp_path, text):
    answers = tmp_path / "answers.json"
    answers.write_text(text)
    assert advisor("ask", "--answers", str(answers), "--no-input").code == 2


def test_ask_is_answered_by_data(advisor, table):
    answer = advisor("ask", "--no-input", "--data", table, "--target", "price")
    assert answer.code == 0
    document = json.loads(answer.out)
    assert document["problem"]["task"] == "regression"
    assert document["trace"]["facts"]["labeled_rows"]["origin"] == "measured"


def test_an_interruption_has_its_own_exit_code(advisor, monkeypatch, problem):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["advisor.recommendation.recommend"], "recommend", interrupted)
    assert advisor("recommend", problem).code == 130


def test_a_page_is_painted_only_on_a_terminal_that_wants_it(monkeypatch):
    from advisor.interfaces.cli.streams import page_style, page_width, wants_json

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert page_style().heading("x") == "x"
    assert wants_json(False)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert page_style().heading("x") == "\033[1mx\033[0m"
    assert page_style().value("") == ""
    assert not wants_json(False)
    assert wants_json(True)
    assert page_width() == 80
    monkeypatch.setenv("NO_COLOR", "1")
    assert page_style().heading("x") == "x"


def test_too_large_a_document_is_refused(advisor, tmp_path):
    path = tmp_path / "large.json"
    path.write_bytes(b" " * (16 * 1024 * 1024 + 1))
    answer = advisor("recommend", str(path))
    assert answer.code == 2
    assert "the limit is 16,777,216 bytes" in answer.err
