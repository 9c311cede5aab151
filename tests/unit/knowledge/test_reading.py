"""What a rule file may look like as text: a small subset of YAML, within limits."""

from __future__ import annotations

import pytest

from advisor.errors import Finding
from advisor.knowledge.reading import BadScalar, FileReader, meaning_of_plain, suggestion

from .conftest import marked


def read(text: str | bytes) -> list[Finding]:
    findings: list[Finding] = []
    FileReader("x.yaml", findings).parse(text.encode() if isinstance(text, str) else text)
    return findings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-12", -12),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("2.5E+2", 250.0),
        ("none", "none"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("1.0.0", "1.0.0"),
        ("he_normal", "he_normal"),
    ],
)
def test_a_plain_scalar_means_what_it_looks_like(text: str, value: object) -> None:
    meant = meaning_of_plain(text)
    assert meant == value
    assert type(meant) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "True",
        "FALSE",
        "Null",
        "~",
        "",
        "01",
        "+1",
        "1.",
        ".5",
        "1_0",
        "0x1F",
        "0o7",
        ".nan",
        "-.INF",
    ],
)
def test_a_plain_scalar_that_readers_disagree_about_is_refused(text: str) -> None:
    with pytest.raises(BadScalar):
        meaning_of_plain(text)


@pytest.mark.parametrize(
    ("code", "text", "message"),
    [
        ("K101", "§a: [1", "not readable as YAML"),
        ("K101", "a: b§: c", "mapping values are not allowed"),
        ("K101", "§- a", "the file must be a mapping"),
        ("K101", "§", "the file is empty"),
        ("K101", "# nothing\n", "the file is empty"),
        ("K101", "§[a]: b", "a key must be a plain word"),
        ("K107", "a: 1\nb: {c: 1, §c: 2}", "key 'c' is given twice (first in line 2)"),
        ("K107", "a: 1\n§a: 2", "key 'a' is given twice (first in line 1)"),
        ("K108", "a: §&x 1", "anchor '&x' is not allowed"),
        ("K108", "a: 1\nb: §!!str 1", "tag 'tag:yaml.org,2002:str' is not allowed"),
        ("K108", "a: §!thing {}", "tag '!thing' is not allowed"),
        ("K108", "a: §!!python/object:os.system {}", "tag 'tag:yaml.org,2002:python/object:os.system' is not allowed"),
        ("K108", "§<<: {a: 1}", "merge key '<<' is not allowed"),
        ("K108", "a: §*x", "alias '*x' is not allowed"),
        ("K108", "a: 1\n§---\nb: 1", "a second one starts here"),
        ("K109", "a: " + "x" * 397 + "§" + "x" * 9, "the line has 409 characters; at most 400 are read"),
        ("K109", "\n" * 3 + "a: " + "[" * 100 + "§" + "[", "brackets are nested too deeply"),
        ("K109", "a: " + "[" * 19 + "§[1]" + "]" * 19, "values are nested more than 20 deep"),
    ],
)
def test_what_is_no_rule_file_is_refused_at_its_place(code: str, text: str, message: str) -> None:
    text, place = marked(text, "x.yaml")
    if "§" not in text and place.startswith("x.yaml:0"):
        place = "x.yaml:1:1"
    findings = read(text)
    assert code in {finding.code for finding in findings}
    finding = next(each for each in findings if each.code == code)
    assert message in finding.message
    if text not in ("# nothing\n", "a: [1", "a: b: c"):
        assert finding.place == place


def test_an_anchor_and_its_aliases_are_each_reported() -> None:
    findings = read("a: &bomb [1]\nb: [*bomb, *bomb]\n")
    assert [(finding.code, finding.place) for finding in findings] == [
        ("K108", "x.yaml:1:4"),
        ("K108", "x.yaml:2:5"),
        ("K108", "x.yaml:2:12"),
    ]


def test_ampersands_and_stars_in_text_are_no_anchors() -> None:
    assert read("a: Scikit-Learn, Keras & TensorFlow\nb: 3 * 4\nc: '&x *y'\nd: >\n  see &this and *that\n") == []


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    assert {finding.code for finding in read("\n".join(lines))} == {"K108"}


def test_a_huge_file_is_refused_unread() -> None:
    (finding,) = read(b"# " + b"x" * (1 << 20))
    assert (finding.code, finding.place) == ("K109", "x.yaml:1:1")


def test_a_line_of_a_megabyte_is_refused() -> None:
    (finding,) = read("a: 1\nb: " + "x" * 1_000_000)
    assert (finding.code, finding.place) == ("K109", "x.yaml:2:401")


def test_text_that_is_not_utf8_is_refused_where_it_starts() -> None:
    (finding,) = read(b"a: 1\nb: caf\xe9")
    assert (finding.code, finding.place) == ("K101", "x.yaml:2:7")


def test_control_characters_are_refused() -> None:
    assert [finding.code for finding in read("a: \x00")] == ["K101"]


def test_deep_indentation_is_refused() -> None:
    text = "\n".join(" " * depth + f"k{depth}:" for depth in range(60)) + " 1"
    assert {finding.code for finding in read(text)} == {"K109"}


def test_a_suggestion_is_made_for_near_words_only() -> None:
    assert suggestion("relo", ["relu", "elu"]) == "; did you mean 'relu'?"
    assert suggestion("quite_different", ["relu", "elu"]) == ""
