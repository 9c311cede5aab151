"""Each mistake gets one clear error with the documented exit code, and leaves nothing half-written."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from advisor.interfaces.cli.main import run

GOOD = "a,b,y\n" + "\n".join(f"{k},{k * 7 % 13},{k % 3 + 0.5}" for k in range(60)) + "\n"


def rows(*lines):
    return "\n".join(lines) + "\n"


CASES = {
    "missing file": (None, [], 3, "there is no"),
    "empty file": ("", [], 3, "empty"),
    "header only": ("a,b,y\n", [], 3, "row"),
    "unreadable encoding": (b"a,b,y\n1,2,\xff\xfe\n" + b"1,2,3\n" * 30, [], 3, "UTF-8"),
    "ragged CSV": (GOOD + "1,2\n", [], 3, "62"),
    "target not in the columns": (GOOD, ["--target", "yy"], 3, "'y'"),
    "all-missing column": ("a,b,y\n" + "".join(f"{k},,{k}\n" for k in range(60)), [], 3, "b"),
    "one-class target": ("a,y\n" + "".join(f"{k},no\n" for k in range(60)), [], 3, "same value"),
    "infinite target": (GOOD + "1,2,inf\n", [], 3, "first in row 61"),
    "target that is not a number": (GOOD + "1,2,nan\n", [], 3, "not a number (NaN) in 1 of 61 rows, first in row 61"),
    "missing targets": (GOOD.replace(",1.5", ",", 3), [], 3, "3 of 60 rows have no target: rows 2, 5, 8."),
    "a column of no table": (GOOD, ["--column", "c=ignored"], 3, "'c'"),
    "a kind that is none": (GOOD, ["--column", "a=number"], 2, "numeric"),
    "two kinds of one column": (GOOD, ["--column", "a=numeric", "--column", "a=ignored"], 2, "numeric and ignored"),
    "a column that is not of the kind": (GOOD, ["--column", "a=datetime"], 3, "datetime"),
    "ten rows": ("".join(GOOD.splitlines(keepends=True)[:11]), [], 3, "10"),
    "duplicate column names": (GOOD.replace("a,b,y", "a,a,y", 1), [], 3, "'a'"),
    "unknown rulebook": (GOOD, ["--rulebook", "homl9"], 2, "homl9"),
    "negative seed": (GOOD, ["--seed", "-1"], 2, "seed"),
    "time budget of nothing": (GOOD, ["--time-budget", "0"], 2, "time budget"),
}


def command(data, out, more):
    target = [] if "--target" in more else ["--target", "y"]
    return ["train", "--data", str(data), *target, "--out", str(out), "--no-progress", *more]


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_the_data_or_the_request_is_named(name, tmp_path, capsys):
    content, more, code, said = CASES[name]
    data = tmp_path / "data.csv"
    if content is not None:
        data.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = sorted(tmp_path.iterdir())
    assert run(command(data, tmp_path / "run", more)) == code
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message
    assert sorted(tmp_path.iterdir()) == before


PROBLEMS = {
    "no JSON": ("{", 2, "JSON"),
    "a list": ("[]", 2, "object"),
    "unknown field": ('{"latency_budget": 5}', 2, "latency_budget_ms"),
    "duplicate key": ('{"risk_sensitive": true, "risk_sensitive": false}', 2, "risk_sensitive"),
    "not a number": ('{"latency_budget_ms": NaN}', 2, "NaN"),
    "bool for int": ('{"hidden_layers": true}', 2, "hidden_layers"),
    "contradiction": ('{"sparsity": "none", "sparsity_target": 0.9}', 2, "sparsity"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_mistake_in_the_problem_is_named(name, tmp_path, capsys):
    text, code, said = PROBLEMS[name]
    data, problem = tmp_path / "data.csv", tmp_path / "problem.json"
    data.write_text(GOOD)
    problem.write_text(text)
    assert run(command(data, tmp_path / "run", ["--problem", str(problem)])) == code
    message = capsys.readouterr().err
    assert said in message
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.csv", "problem.json"]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_a_column_of_lists_is_refused(suffix, tmp_path, capsys):
    data = tmp_path / f"data.{suffix}"
    frame = pl.DataFrame({"a": [[1, 2]] * 60, "b": np.arange(60), "y": np.arange(60.0)})
    frame.write_parquet(data) if suffix == "parquet" else frame.write_ndjson(data)
    assert run(command(data, tmp_path / "run", [])) == 3
    assert "'a'" in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.iterdir()) == [data.name]


def test_rows_without_a_target_are_left_out_where_that_is_allowed(tmp_path):
    from advisor.pipeline import Request
    from advisor.pipeline.preparation import prepare

    data = tmp_path / "data.csv"
    data.write_text(GOOD.replace(",1.5", ",", 3))
    prepared = prepare(Request.of(None, data, target="y", data_options={"allow_missing_target": True}))
    bundle = prepared.bundle
    assert len(bundle.train) + len(bundle.val) + len(bundle.test) == 57
    assert "3 of 60 rows have no target and are left out." in prepared.profile.notes


def test_a_run_folder_in_use_is_refused_and_kept(tmp_path, capsys):
    data, out = tmp_path / "data.csv", tmp_path / "run"
    data.write_text(GOOD)
    out.mkdir()
    (out / "precious.txt").write_text("precious")
    assert run(command(data, out, [])) == 2
    assert "--force" in capsys.readouterr().err
    assert (out / "precious.txt").read_text() == "precious"


def test_problem_and_recommendation_exclude_one_another(tmp_path, capsys):
    data = tmp_path / "data.csv"
    data.write_text(GOOD)
    assert run(command(data, tmp_path / "run", ["--problem", "p.json", "--recommendation", "r.json"])) == 2
    assert "only one" in capsys.readouterr().err


@pytest.mark.slow
def test_a_full_disk_is_one_clear_error_and_leaves_no_run(tmp_path):
    data = tmp_path / "data.csv"
    data.write_text(GOOD)

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    done = subprocess.run(
        [sys.executable, "-m", "advisor.interfaces.cli", *command(data, tmp_path / "run", ["--time-budget", "3"])],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_files,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    assert done.returncode == 3, done.stderr
    assert "can't be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_predicting_rows_that_do_not_fit_names_the_column(tmp_path, capsys):
    data, out = tmp_path / "data.csv", tmp_path / "run"
    data.write_text(GOOD)
    assert run(command(data, out, ["--time-budget", "3"])) in (0, 1)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,bb\n1,2\n")
    capsys.readouterr()
    assert run(["predict", str(out), "--data", str(wrong)]) == 3
    assert "'b'" in capsys.readouterr().err
    assert run(["predict", str(tmp_path), "--data", str(wrong)]) == 3
    assert "not a finished run" in capsys.readouterr().err
    right = tmp_path / "right.csv"
    right.write_text("a,b\n1,2\n3,\n")
    answers = tmp_path / "answers.csv"
    assert run(["predict", str(out), "--data", str(right), "--out", str(answers)]) == 0
    assert pl.read_csv(answers).columns == ["prediction"]
    assert pl.read_csv(answers).height == 2
    assert Path(answers).stat().st_mode & 0o444
