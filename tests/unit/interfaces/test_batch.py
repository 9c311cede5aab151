"""Many problems from a file: order, errors by line, resuming, processes."""

import json

import polars
import pytest

from advisor.errors import DataError
from advisor.interfaces.cli.main import run
from advisor.interfaces.service import batching
from advisor.interfaces.service.batching import answer_all, read_lines
from advisor.recommendation import recommend

SMALLEST = {"task": "multiclass", "architecture": "dense_stack"}
OTHER = {"task": "binary", "architecture": "dense_stack", "sparsity": "sparse"}


@pytest.fixture
def problems(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join([json.dumps(SMALLEST), '{"task": "multiclas"}', "", "nope", json.dumps(OTHER)]))
    return path


def answers(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_bad_line_yields_an_error_record_and_not_an_end(problems, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    assert run(["batch", str(problems), str(out), "--workers", "1"]) == 1
    first, second, third, fourth = answers(out)
    assert first == recommend(SMALLEST).to_dict()
    assert second["line"] == 2
    assert set(second["error"]) == {"code", "place", "message", "hint"}
    assert (second["error"]["code"], second["error"]["place"]) == ("P107", "task")
    assert second["further_errors"][0]["code"] == "P106"
    assert (third["line"], third["error"]["code"]) == (4, "P101")
    assert fourth == recommend(OTHER).to_dict()
    assert "Wrote 2 recommendations and 2 errors" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_counts_are_printed_as_json_and_a_clean_batch_exits_with_zero(tmp_path, capsys):
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(SMALLEST) + "\n")
    assert run(["batch", str(source), str(tmp_path / "out.jsonl"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"answered": 1, "failed": 0, "resumed": 0}


def test_an_interrupted_batch_goes_on_where_it_stopped(problems, tmp_path, monkeypatch):
    monkeypatch.setattr(batching, "LINES_AT_ONCE", 1)
    whole, out, asked = tmp_path / "whole.jsonl", tmp_path / "out.jsonl", []
    answer_all(problems, whole, rulebook="homl2", workers=1)
    real = batching.answer_chunk

    def interrupted(lines, rulebook):
        asked.append(lines[0][0])
        if len(asked) == 3:
            raise KeyboardInterrupt
        return real(lines, rulebook)

    monkeypatch.setattr(batching, "answer_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        answer_all(problems, out, rulebook="homl2", workers=1)
    assert not out.exists()
    partial = tmp_path / "out.jsonl.partial"
    partial.write_bytes(partial.read_bytes() + b'{"cut of')
    result = answer_all(problems, out, rulebook="homl2", workers=1)
    assert (result.answered, result.failed, result.resumed) == (2, 2, 2)
    assert asked == [1, 2, 4, 4, 5]
    assert out.read_bytes() == whole.read_bytes()
    assert not partial.exists()


def test_what_another_input_left_is_not_taken_over(problems, tmp_path):
    out = tmp_path / "out.jsonl"
    (tmp_path / "out.jsonl.partial").write_text("{}\n")
    (tmp_path / "out.jsonl.partial.json").write_text('{"input_sha256": "other"}')
    assert answer_all(problems, out, rulebook="homl2", workers=1).resumed == 0
    assert len(answers(out)) == 4


def test_tables_go_in_and_out(tmp_path):
    table = tmp_path / "in.parquet"
    rows = {"task": ["multiclass", "oops"], "architecture": ["dense_stack"] * 2, "features": [20, None]}
    polars.DataFrame(rows).write_parquet(table)
    out = tmp_path / "out.parquet"
    assert answer_all(table, out, rulebook="homl2", workers=1).failed == 1
    first, second = polars.read_parquet(out).to_dicts()
    assert json.loads(first["recommendation"]) == recommend({**SMALLEST, "features": 20}).to_dict()
    assert (second["recommendation"], second["error_code"], second["error_place"]) == (None, "P107", "task")
    polars.DataFrame({"problem": [json.dumps(SMALLEST)]}).write_parquet(table)
    assert answer_all(table, tmp_path / "out.jsonl", rulebook="homl2", workers=1).failed == 0


def test_a_line_too_long_for_a_problem_costs_only_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(batching, "MOST_BYTES_OF_A_LINE", 100)
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(SMALLEST) + "\n" + "[" * 350 + "\n" + json.dumps(SMALLEST) + "\n")
    assert [(number, len(text)) for number, text in read_lines(source)] == [(1, 54), (2, 101), (3, 54)]
    answer_all(source, tmp_path / "out.jsonl", rulebook="homl2", workers=1)
    assert [each.get("error", {}).get("code") for each in answers(tmp_path / "out.jsonl")] == [None, "R103", None]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["in.jsonl", "in.jsonl"], 2, "would replace the input"),
        (["in.csv", "out.jsonl"], 2, "neither JSONL nor Parquet"),
        (["absent.jsonl", "out.jsonl"], 3, "can't be read"),
        (["in.jsonl", "out.jsonl", "--rulebook", "nope"], 2, "unknown rulebook"),
    ],
)
def test_a_request_that_can_not_be_carried_out_writes_nothing(words, code, message, problems, capsys, monkeypatch):
    monkeypatch.chdir(problems.parent)
    assert run(["batch", *words]) == code
    assert message in capsys.readouterr().err
    assert [path.name for path in problems.parent.iterdir()] == ["in.jsonl"]


def test_a_table_that_is_none_is_refused(tmp_path):
    path = tmp_path / "in.parquet"
    path.write_text("no table")
    with pytest.raises(DataError, match="the table can't be read"):
        answer_all(path, tmp_path / "out.jsonl", rulebook="homl2", workers=1)


@pytest.mark.slow
def test_processes_keep_the_order(tmp_path, monkeypatch):
    monkeypatch.setattr(batching, "LINES_AT_ONCE", 2)
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps({**SMALLEST, "features": number}) + "\n" for number in range(1, 10)))
    answer_all(source, out, rulebook="homl2", workers=2)
    assert [each["problem"]["features"] for each in answers(out)] == list(range(1, 10))
