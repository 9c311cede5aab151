"""The commands that prove, mutate and compare rulebooks, on the shipped ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.interfaces.cli.main import run
from advisor.knowledge import list_rulebooks

RULES = Path(__file__).parents[2] / "rules"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A copy of homl2 in which a rule never wins."""
    folder = tmp_path / "homl2"
    folder.mkdir()
    for file in (RULES / "homl2").glob("*.yaml"):
        (folder / file.name).write_text(file.read_text())
    (tmp_path / "bibliography.yaml").write_text((RULES / "bibliography.yaml").read_text())
    more = "rules:\n  - rule: never-wins\n    title: t\n    layer: base\n    when: {latency_importance: high}\n"
    more += "    set: {precision: int8}\n    because: b\n    source: {work: judgement, at: here}\n    limits: l\n"
    more += (
        "    cornerstone: {given: {task: binary, architecture: dense_stack, latency_importance: high}, expect: {}}\n"
    )
    (folder / "more.yaml").write_text(more)
    return folder


def test_verify_prints_the_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "verify", "homl2"]) == 0
    assert "homl2 1.0.0: proven. " in capsys.readouterr().out


def test_verify_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "verify", "homl3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["proven"] is True
    assert document["findings"] == []
    assert all(remark["witness"] for remark in document["remarks"])


def test_verify_finds_what_is_wrong_with_place_and_witness(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (broken / "more.yaml").read_text().replace("expect: {}", "expect: {precision: float16}")
    (broken / "more.yaml").write_text(text)
    assert run(["rules", "verify", str(broken), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    found = {finding["code"]: finding for finding in findings}
    assert set(found) <= {"K142", "K118"}
    assert all(finding["place"].startswith(f"{broken}/") for finding in findings)


def test_verify_reports_mistakes_in_files_as_findings(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (broken / "more.yaml").write_text("rules: [{rule: x}]\n")
    assert run(["rules", "verify", str(broken)]) == 1
    printed = capsys.readouterr()
    assert "not proven" in printed.out
    assert f"{broken}/more.yaml:1:" in printed.err
    assert run(["rules", "verify", str(broken), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["proven"] is False


def test_verify_finds_a_cornerstone_that_fails_at_its_place(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (broken / "more.yaml").read_text().replace("expect: {}", "expect: {precision: float32}")
    (broken / "more.yaml").write_text(text.replace("set: {precision: int8}", "set: {wide_path: false}"))
    assert run(["rules", "verify", str(broken), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [each["place"] for each in findings if each["code"] == "K130"] == [f"{broken}/more.yaml:10:18"]


def test_verify_of_no_rulebook_is_a_mistake_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "verify", "homl9"]) == 2
    assert "unknown rulebook 'homl9'" in capsys.readouterr().err


@pytest.mark.slow
def test_diff_tells_where_the_third_edition_advises_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "diff", "homl2", "homl3"]) == 0
    printed = capsys.readouterr().out
    assert "activation: other advice for" in printed
    assert "leaky_relu → relu" in printed
    assert "    when architecture is not recurrent and size_budget_kb > 50 (or unknown) and" in printed
    assert "  for the same problems as regularization:" in printed


@pytest.mark.slow
def test_diff_tells_problems_shares_and_witnesses(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (broken / "more.yaml").unlink()
    text = (broken / "latency.yaml").read_text().replace("set: {precision: float16}", "set: {precision: float32}")
    (broken / "latency.yaml").write_text(text)
    assert run(["rules", "diff", "homl2", str(broken), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    changes = [change for slot in document["slots"] for change in slot["changes"]]
    assert all(change["when"] and change["witness"] and 0 < change["share"] <= 1 for change in changes)


@pytest.mark.slow
def test_diff_of_a_rulebook_with_itself_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "diff", "homl2", "homl2"]) == 0
    assert ": 0 of " in capsys.readouterr().out


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in list_rulebooks()])
def test_no_mutant_survives(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["rules", "mutate", name, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["survivors"] == []
    assert code == 0
    assert document["mutants"] > 1000
