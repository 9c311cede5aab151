"""Finding rulebooks, loading them once, and keeping what was checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.errors import KnowledgeError, RuleFileError
from advisor.knowledge import canonical, kept, loading
from advisor.knowledge.loading import find_folder, list_rulebooks, load_rulebook, read_rulebook, rule_files
from advisor.knowledge.rulebook import Rulebook

from .conftest import BASE, BIBLIOGRAPHY, DECLARATIONS, FACTS, a_rule, load

OWN_DECLARATIONS = """\
rulebook: own
version: "1"
title: Own
layers: [base]
slots:
  activation: {title: t, group: g, values: [elu, relu], meaning: m}
"""
OWN_RULES = """\
rules:
  - rule: base
    title: t
    layer: base
    set: {activation: elu}
    because: b
    source: {work: book, at: here}
    limits: l
    cornerstone: {given: {task: binary, architecture: dense_stack}, expect: {activation: elu}}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own cache folder and an empty memory."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ADVISOR_CACHE_DIR", str(folder))
    monkeypatch.setattr(loading, "_by_name", {})
    monkeypatch.setattr(loading, "_by_folder", {})
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "mine" / "own"
    folder.mkdir(parents=True)
    (folder / "rulebook.yaml").write_text(OWN_DECLARATIONS)
    (folder / "rules.yaml").write_text(OWN_RULES)
    (folder.parent / "bibliography.yaml").write_text(BIBLIOGRAPHY)
    return folder


def test_the_shipped_rulebook_is_found_by_name_and_loaded_once() -> None:
    assert "homl2" in list_rulebooks()
    book = load_rulebook("homl2")
    assert book.name == "homl2"
    assert load_rulebook("homl2") is book
    assert book.rules[0].place.file.startswith("rules/homl2/")


def test_the_source_tree_wins_over_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for root in ("source", "package"):
        (tmp_path / root / "own").mkdir(parents=True)
        (tmp_path / root / "own" / "rulebook.yaml").write_text(OWN_DECLARATIONS)
    monkeypatch.setattr(loading, "ROOTS", (tmp_path / "source", tmp_path / "package"))
    assert find_folder("own") == (tmp_path / "source" / "own", "rules/own")
    (tmp_path / "source" / "own" / "rulebook.yaml").unlink()
    assert find_folder("own") == (tmp_path / "package" / "own", "rules/own")


@pytest.mark.parametrize(
    "form", [str, Path, lambda path: path / "rulebook.yaml", lambda path: str(path / "rulebook.yaml")]
)
def test_a_rulebook_is_loaded_from_its_folder_or_file(own: Path, form: type[str]) -> None:
    book = load_rulebook(form(own))
    assert book.name == "own"
    assert load_rulebook(form(own)) is book
    assert str(book.rules[0].place) == f"{own}/rules.yaml:2:11"
    assert list(book.bibliography) == ["book"]


def test_a_changed_folder_is_loaded_again(own: Path) -> None:
    before = load_rulebook(own)
    (own / "rules.yaml").write_text(OWN_RULES.replace("because: b", "because: better"))
    after = load_rulebook(own)
    assert after.rules[0].because == "better"
    assert after.sha256 != before.sha256


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(KnowledgeError, match=r"K100 unknown rulebook 'hmol2'; did you mean 'homl2'\?") as caught:
        load_rulebook("hmol2")
    assert "homl2" in caught.value.findings[0].hint


def test_a_folder_without_a_rulebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"holds no rulebook: there is no rulebook\.yaml in it"):
        load_rulebook(tmp_path)


def test_files_without_declarations_are_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"there is no rulebook\.yaml"):
        read_rulebook({}, FACTS)


def test_a_file_with_the_wrong_ending_is_refused(own: Path) -> None:
    (own / "more.yml").write_text("rules: []")
    with pytest.raises(RuleFileError, match=r"more\.yml:1:1  K101 rule files end in \.yaml"):
        load_rulebook(own)


def test_the_nearest_bibliography_is_taken(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [name for _, name in rule_files(own)] == ["../bibliography.yaml", "rulebook.yaml", "rules.yaml"]
    (own / "bibliography.yaml").write_text(BIBLIOGRAPHY)
    assert rule_files(own)[0] == (own / "bibliography.yaml", "bibliography.yaml")
    (own / "bibliography.yaml").unlink()
    (own.parent / "bibliography.yaml").unlink()
    assert rule_files(own)[0][0].parts[-2:] == ("rules", "bibliography.yaml")
    monkeypatch.setattr(loading, "ROOTS", (tmp_path / "nowhere",))
    assert [name for _, name in rule_files(own)] == ["rulebook.yaml", "rules.yaml"]


def same(one: Rulebook, other: Rulebook) -> bool:
    names = [*kept._PARTS, "bibliography", "impossible", "sha256"]
    return all(getattr(one, name) == getattr(other, name) for name in names)


def test_a_kept_rulebook_is_the_same(own: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = load_rulebook(own)
    (file,) = (cache / "rulebooks").iterdir()
    assert file.name.startswith("own-")
    loading._by_folder.clear()
    monkeypatch.setattr(loading, "read_rulebook", None)
    again = load_rulebook(own)
    assert again is not read
    assert same(again, read)


def test_the_shipped_rulebook_survives_being_kept() -> None:
    read = load_rulebook("homl2")
    loading._by_name.clear()
    loading._by_folder.clear()
    again = load_rulebook("homl2")
    assert again is not read
    assert same(again, read)
    assert canonical.digest(again) == read.sha256


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", None])
def test_a_damaged_kept_file_is_read_over(own: Path, cache: Path, damage: bytes | None) -> None:
    read = load_rulebook(own)
    (file,) = (cache / "rulebooks").iterdir()
    good = file.read_bytes()
    if damage is None:
        document = json.loads(good)
        document["rules"][0]["!"][0] = 99
        file.write_text(json.dumps(document, separators=(",", ": ")))
    else:
        file.write_bytes(good[:80] + damage)
    loading._by_folder.clear()
    assert same(load_rulebook(own), read)
    assert file.read_bytes() == good


def test_a_kept_file_of_somebody_else_is_not_read(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = load_rulebook(own)
    loading._by_folder.clear()
    monkeypatch.setattr(os, "getuid", lambda: -1)
    assert same(load_rulebook(own), read)


def test_nothing_is_kept_when_the_cache_folder_is_set_to_nothing(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_CACHE_DIR", "")
    assert kept.cache_folder() is None
    assert load_rulebook(own).name == "own"


def test_a_cache_folder_that_cannot_be_written_is_no_obstacle(own: Path, cache: Path) -> None:
    cache.write_text("not a folder")
    assert load_rulebook(own).name == "own"


def test_the_cache_folder_follows_the_desktop_conventions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ADVISOR_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept.cache_folder() == tmp_path / "advisor"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kept.cache_folder() == tmp_path / ".cache" / "advisor"


def test_the_digest_ignores_comments_layout_and_the_order_of_files_and_keys() -> None:
    one = load(a_rule("when: {fast: true, sparsity: sparse}\nset: {activation: relu, pruned: true}"))
    more = a_rule("when: {fast: true, sparsity: sparse}\nset: {activation: relu, pruned: true}").replace("rules:\n", "")
    both = load("rules:\n" + more + BASE.replace("rules:\n", ""), base="")
    other = a_rule("set: {pruned: true,   activation: relu} # a comment\nwhen:\n  sparsity: sparse\n  fast: true")
    assert one.sha256 == both.sha256 == load(other).sha256
    assert one.sha256 != load(a_rule("when: {fast: true}\nset: {activation: relu, pruned: true}")).sha256
    assert len(one.sha256) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value: 4", "value: 3"),
        ('version: "1"', 'version: "2"'),
        ("otherwise: shallow", "otherwise: deep"),
        ("minimum: 1", "minimum: 2"),
    ],
)
def test_the_digest_covers_the_declarations(old: str, new: str) -> None:
    assert load(declarations=DECLARATIONS.replace(old, new)).sha256 != load().sha256


def test_importing_the_package_is_cheap_and_its_names_resolve() -> None:
    code = (
        "import sys, advisor.knowledge as k; assert 'yaml' not in sys.modules and 'advisor.problem' not in sys.modules;"
        "assert all(getattr(k, name) for name in k.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_of_the_package_resolves() -> None:
    import advisor.knowledge

    assert all(getattr(advisor.knowledge, name) is not None for name in advisor.knowledge.__all__)


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import advisor.knowledge

    with pytest.raises(AttributeError, match="no attribute 'rulebok'"):
        advisor.knowledge.rulebok  # noqa: B018  # reading it is the test


def test_a_rule_knows_where_its_keys_are_written() -> None:
    rule = load(a_rule("when: {fast: true}\ndefeats: [base]")).rule("x")
    assert str(rule.place_of("when")) == "x.yaml:5:11"
    assert str(rule.place_of("defeats.base")) == "x.yaml:6:15"
    assert rule.place_of("set") == rule.place
    assert rule.contrast is None
    assert rule.cornerstone.name == "cornerstone"
