import ast
import itertools
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.artifacts import Event, TrainingReport
from advisor.data import infer_schema
from advisor.errors import ExportError
from advisor.export.script import RANGE_DIVISORS, ScriptData, ScriptFacts, generate_script
from advisor.export.source_text import LINE, first_sentences, literal, quoted
from advisor.training.optimizers import METHODS
from tests.unit.export.script_cases import ACCURATE, VARIANTS, advice, script_for, table, write_mixed, write_plain

ALLOWED = {
    "argparse", "csv", "datetime", "hashlib", "math", "os", "re", "numpy", "polars", "keras", "tensorflow",
}  # fmt: skip
FOUND = ScriptFacts(3, 0.0123, 20, 7, 0.002, 0.11)
RULES = "E4,E7,E9,F,I,UP,SIM,RET,W"


def assert_clean(folder: Path) -> None:
    """Check all scripts of a folder with ruff, as it is without any configuration."""
    ruff = [sys.executable, "-m", "ruff"]
    checked = subprocess.run([*ruff, "check", "--isolated", "--select", RULES, folder], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout[-3000:]
    formatted = subprocess.run([*ruff, "format", "--isolated", "--diff", folder], capture_output=True, text=True)
    assert formatted.returncode == 0, formatted.stdout[-3000:]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a script for every variant, style, table and state of knowledge."""
    folder = tmp_path_factory.mktemp("scripts")
    data = [
        table(write_mixed(folder / "classes.csv", classes=True)),
        table(write_mixed(folder / "amounts.csv", classes=False)),
        table(write_plain(folder / "plain.parquet", task="binary")),
        table(write_plain(folder / "plain.csv", task="multiclass")),
        table(write_plain(folder / "plain.jsonl", task="regression")),
    ]
    cases = [(each.schema.target.task, each) for each in data]
    cases += [(task, None) for task in ("regression", "binary", "multiclass", "multilabel")]
    combined = itertools.product(cases, VARIANTS, ("fit", "loop"), (None, FOUND))
    for number, ((task, known), changes, style, facts) in enumerate(combined):
        if changes is ACCURATE and task == "regression":
            continue
        source = script_for(task, changes, style=style, data=known, facts=facts)
        (folder / f"script_{number}.py").write_text(source, encoding="utf-8")
    return folder


def test_every_script_is_formatted_and_free_of_findings(sources: Path) -> None:
    assert_clean(sources)


def test_scripts_import_nothing_but_keras_tensorflow_numpy_and_polars(sources: Path) -> None:
    for path in sources.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {
            alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert names <= ALLOWED


def test_each_constant_that_a_rule_set_names_the_rule() -> None:
    document, values, recipe = advice("multiclass")
    source = generate_script(document, recipe.as_dict(), style="loop")
    for slot, constant in (
        ("hidden_layers", "HIDDEN_LAYERS"),
        ("activation", "ACTIVATION"),
        ("batch_size", "BATCH_SIZE"),
    ):
        above = source.split(f"\n{constant} = {literal(values[slot])}")[0].split("\n\n")[-1]
        assert f"Rule {document['decisions'][slot]['rule']}:" in above.replace("\n# ", " ")


def test_the_loop_has_a_marked_hook_for_a_custom_loss() -> None:
    source = script_for("regression", style="loop")
    assert "def row_losses(y, output):" in source
    assert "CUSTOM LOSS" in source
    assert "tf.GradientTape" in source


def test_the_fit_style_is_plain_keras() -> None:
    source = script_for("binary", style="fit")
    assert "model.compile(" in source
    assert "model.fit(" in source
    assert "GradientTape" not in source
    assert "import tensorflow" not in source


def test_what_a_run_found_stands_in_its_script() -> None:
    source = script_for("regression", VARIANTS[3], facts=FOUND)
    for line in ("SEED = 3", "MAXIMUM_LEARNING_RATE = 0.0123", "MAX_EPOCHS = 20", "STOP_AFTER = 7", "STRENGTH = 0.002"):
        assert f"\n{line}\n" in source
    assert "DROPOUT_RATE = 0.11" in source
    assert "RANGE_TEST" not in source


def test_facts_are_read_from_what_training_did() -> None:
    events = (
        Event("shortened", "", {"epochs": 12, "seconds_an_epoch": 1.0}),
        Event("stopped", "", {"epoch": 9, "reason": "time_budget"}),
    )
    report = TrainingReport((), 3, 0.1, 0.02, (), events, False, 1.0)
    facts = ScriptFacts.from_training(report, seed=5, dropout_rate=0.1)
    assert facts == ScriptFacts(5, 0.02, 12, 9, None, 0.1)


def test_steps_that_the_script_leaves_out_are_said() -> None:
    document, _, recipe = advice("regression")
    document["plan"].append({"step": "quantize", "does": "", "slots": [], "status": "carried_out"})
    assert "Not in this script: smaller number formats." in generate_script(document, recipe.as_dict())


def test_the_divisors_of_the_range_test_are_those_of_training() -> None:
    assert {name: method.range_divisor for name, method in METHODS.items()} == RANGE_DIVISORS


def test_what_no_script_can_do_is_refused_with_all_reasons() -> None:
    document, _, recipe = advice("regression")
    document["problem"]["architecture"] = "transformer"
    with pytest.raises(ExportError) as caught:
        generate_script(document, recipe.as_dict(), style="other")  # type: ignore[arg-type]
    assert [finding.place for finding in caught.value.findings] == ["style", "architecture"]
    assert "'transformer'" in str(caught.value)


def test_many_numbered_columns_are_written_in_one_line(tmp_path: Path) -> None:
    frame = pl.DataFrame({**{f"x{i}": [float(i + j * j % 7) for j in range(30)] for i in range(40)}, "y": [*range(30)]})
    data = ScriptData("data.parquet", infer_schema(frame, "y"), frame)
    assert 'FEATURES = {f"x{i}": "numeric" for i in range(40)}' in script_for("regression", data=data)


@settings(max_examples=20, deadline=None)
@given(names=st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=5, unique=True))
def test_any_column_name_makes_a_clean_script(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    frame = pl.DataFrame({name: [float(i * (j + 2) % 11) for j in range(30)] for i, name in enumerate(names, 1)})
    data = ScriptData("data.parquet", infer_schema(frame, names[-1]), frame)
    source = script_for(data.schema.target.task, data=data, facts=FOUND)
    scope: dict[str, object] = {}
    lines = [line for line in source.splitlines() if line.startswith(("TARGET = ",))]
    exec("\n".join(lines), scope)
    assert scope["TARGET"] == names[-1]
    folder = tmp_path_factory.mktemp("named")
    (folder / "script.py").write_text(source, encoding="utf-8")
    assert_clean(folder)


@given(st.text())
def test_a_quoted_text_reads_back(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text


def test_reasons_are_cut_at_a_sentence_and_lines_at_their_width() -> None:
    assert first_sentences("One. Two is longer. Three.", longest=10) == "One."
    code = [line for line in script_for("regression").splitlines() if not line.lstrip().startswith(("#", '"'))]
    assert max(map(len, code)) <= LINE


def test_a_script_draws_the_sample_of_a_long_file_as_the_run_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from advisor.data import conventions, reading
    from advisor.export import table_source

    path = tmp_path / "long.parquet"
    pl.DataFrame({"x": [float(k % 17) for k in range(900)], "y": [k * 0.5 for k in range(900)]}).write_parquet(path)
    small = replace(conventions.CONVENTIONS, sampled_cells=600)
    for module in (reading, table_source):
        monkeypatch.setattr(module, "CONVENTIONS", small)
    frame, note = reading.read_to_learn(path)
    assert note
    source = script_for("regression", data=ScriptData(str(path), infer_schema(frame, "y"), frame))
    scope: dict[str, object] = {"pl": pl}
    begin, end = source.index("def read(path)"), source.index("def typed(frame)")
    exec(source[begin:end], scope)
    assert scope["read"](str(path)).equals(frame)  # type: ignore[operator]
    (tmp_path / "script.py").write_text(source, encoding="utf-8")
    assert_clean(tmp_path)
