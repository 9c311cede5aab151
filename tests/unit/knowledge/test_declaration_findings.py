"""Every mistake in ``rulebook.yaml`` and the bibliography is found, at its exact place."""

from __future__ import annotations

import pytest

from .conftest import BIBLIOGRAPHY, DECLARATIONS, a_rule, load, marked, refused

MISTAKES = [
    # (code, what is replaced, by what, message)
    ("K106", "rulebook: small\n", "", "the rulebook has no 'rulebook'"),
    ("K106", 'version: "1"\n', "", "the rulebook has no 'version'"),
    ("K106", "layers: [base, exception]\n", "", "the rulebook has no 'layers'"),
    (
        "K104",
        "[rows, decided.layers]",
        "[rows, §1]",
        "an element of 'reads' of computed number 'rows_per_parameter' must be",
    ),
    ("K104", 'version: "1"', "version: §1", "'version' must be text, not '1'"),
    ("K120", "rulebook: small", "rulebook: §Small", "the rulebook's name 'Small' is not in snake_case"),
    ("K105", "groups:", "§group:", "unknown key 'group' in the rulebook; did you mean 'groups'?"),
    ("K107", "layers: [base, exception]", "layers: [base, exception, §base]", "'base' is listed twice in 'layers'"),
    ("K104", "layers: [base, exception]", "layers: §base", "'layers' must be a mapping"),
    ("K120", "layers: [base, exception]", "layers: {base: x, exception: z, §A-b: z}", "'A-b' is not in snake_case"),
    ("K106", "layers: [base, exception]", 'layers: {base: §"", exception: z}', "the meaning of 'base' is empty"),
    # --- parameters
    ("K106", "{value: 4, ", "§{", "parameter 'many_layers' has no 'value'"),
    ("K106", "{value: 4, unit: layers,", "§{value: 4,", "parameter 'many_layers' is a number without a unit"),
    ("K104", "{value: 4,", "{value: §null,", "parameter 'many_layers' must be a number, a word"),
    ("K104", "{value: 4,", "{value: §[],", "parameter 'many_layers' must be a number, a word"),
    ("K104", "{value: 4,", "{value: §[1, a],", "parameter 'many_layers' must be a number, a word"),
    ("K110", "{value: 4,", "{value: §04,", "'04' is no number in a rule file"),
    ("K110", "{value: [0.1, 0.2],", "{value: [0.1, §.2],", "'.2' is no number in a rule file"),
    ("K105", "{value: 5,", "{value: 5, §units: ms,", "unknown key 'units' in parameter 'low_ms'; did you mean 'unit'?"),
    (
        "K119",
        "ms, meaning: m, because: b, source: {work: book,",
        "ms, meaning: m, because: b, source: {work: §bok,",
        "'bok'",
    ),
    (
        "K104",
        "{value: 4, unit: layers, meaning: m, because: b, source: {work: book, at: here}}",
        "§4",
        "must be a mapping",
    ),
    ("K120", "  many_layers:", "  §manyLayers:", "the parameter's name 'manyLayers' is not in snake_case"),
    # --- derived facts
    ("K106", "{values: [shallow, deep],", "§{", "derived fact 'depth' needs either 'values' or 'type'"),
    ("K106", "{values: [shallow, deep],", "§{values: [shallow, deep], type: int,", "needs either 'values' or 'type'"),
    ("K106", "{values: [shallow, deep],", "{values: §[],", "'values' of derived fact 'depth' is empty"),
    ("K104", "{values: [shallow, deep],", "{values: §shallow,", "'values' of derived fact 'depth' must be a mapping"),
    ("K103", "otherwise: shallow}", "otherwise: §shalow}", "unknown value 'shalow'"),
    ("K110", "otherwise: shallow}", "otherwise: §no}", "'no' is ambiguous"),
    ("K124", "  mood:", "  sparsity:", "derived fact 'sparsity' has the name of a fact"),
    ("K104", "  mood: {values: [good, bad], meaning: m}", "  mood: §1", "derived fact 'mood' must be a mapping"),
    # --- computed numbers
    ("K102", "[rows, decided.layers]", "[§row, decided.layers]", "unknown fact 'row'; did you mean 'rows'?"),
    ("K104", "[rows, decided.layers]", "§rows", "'reads' of computed number 'rows_per_parameter' must be a list"),
    ("K104", "{unit: rows, meaning: m, reads: [rows, decided.layers]}", "§x", "must be a mapping"),
    ("K106", "{unit: rows, meaning: m, reads: [rows, decided.layers]}", "§{unit: rows, meaning: m}", "has no 'reads'"),
    ("K124", "  rows_per_parameter: {", "  mood: §{", "computed number 'mood' has the name of a derived fact"),
    # --- slots
    ("K103", "pruned: {title: t, group: network,", "pruned: {title: t, group: §net,", "unknown group 'net'"),
    ("K103", "type: bool", "type: §boolean", "unknown type 'boolean' of slot 'pruned'; did you mean 'bool'?"),
    ("K104", "type: bool", "type: §1", "'type' of slot 'pruned' must be text"),
    ("K104", "type: bool,", "type: bool, nullable: §1,", "'nullable' of slot 'pruned' must be true or false"),
    ("K110", "type: bool,", "type: bool, nullable: §yes,", "'yes' is ambiguous"),
    (
        "K104",
        "type: bool,",
        "type: bool, collect: §true,",
        "slot 'pruned' collects, so it needs 'values' and 'list: true'",
    ),
    ("K104", "pruned: {title: t,", "pruned: §{minimum: 1, title: t,", "has a range, so its type must be int or number"),
    ("K104", "minimum: 1,", "minimum: §a,", "'minimum' of slot 'layers' must be a number"),
    ("K110", "minimum: 1,", "minimum: §+1,", "'+1' is no number in a rule file"),
    (
        "K104",
        "[elu, selu, relu],",
        "[elu, selu, relu], maximum: §3,",
        "'maximum' of slot 'activation' needs 'type: int'",
    ),
    ("K124", "  pruned: {", "  depth: §{", "slot 'depth' has the name of a derived fact"),
    (
        "K104",
        "  pruned: {title: t, group: network, type: bool, meaning: m}",
        "  pruned: §x",
        "slot 'pruned' must be a mapping",
    ),
]


@pytest.mark.parametrize(
    ("code", "old", "new", "message"), MISTAKES, ids=[f"{each[0]}-{each[3][:50]}" for each in MISTAKES]
)
def test_a_mistake_in_the_declarations_is_found_at_its_place(code: str, old: str, new: str, message: str) -> None:
    assert DECLARATIONS.count(old) == 1
    text, place = marked(DECLARATIONS.replace(old, new), "rulebook.yaml")
    findings = refused(declarations=text, base="")
    assert code in {finding.code for finding in findings}
    (finding,) = [each for each in findings if message in each.message]
    if "§" in new:
        assert (finding.code, finding.place) == (code, place)
    if code != "K124" or "§" in new:
        assert len(findings) == 1


def test_broken_declarations_raise_no_follow_up_findings_in_rules() -> None:
    findings = refused(declarations=DECLARATIONS.replace("many_layers:", "some_layers: {}\n  renamed:"))
    assert {finding.place.split(":")[0] for finding in findings} == {"rulebook.yaml"}


def test_rules_are_still_read_when_the_declarations_are_broken() -> None:
    rules = a_rule("set: {activation: relu}\nexamples: 1\nalternatives: {activation: [elu]}\ncornerstones: 1")
    findings = refused(declarations="rulebook: [", rules=rules)
    assert [finding.code for finding in findings] == ["K101", "K104", "K105"]
    assert {finding.place.split(":")[0] for finding in findings} == {"rulebook.yaml", "x.yaml"}


BIBLIOGRAPHY_MISTAKES = [
    ("K103", "kind: book", "kind: §boook", "unknown kind 'boook'; did you mean 'book'?"),
    ("K104", "[A. Author]", "§A. Author", "'authors' of work 'book' must be a list"),
    ("K104", "year: 2019", 'year: §"2019"', "'year' of work 'book' must be a whole number, not '2019'"),
    ("K104", "year: 2019", "year: §[2019]", "'year' of work 'book' must be a single value"),
    ("K106", ", year: 2019", "", "work 'book' has no 'year'"),
    ("K106", "authors: [A. Author], ", "", "work 'book' has no 'authors'"),
    ("K120", "  book:", "  §Book:", "the work's name 'Book' is not in snake_case"),
    ("K104", "{kind: book, authors: [A. Author], title: A Book, year: 2019}", "§x", "work 'book' must be a mapping"),
    ("K105", "works:", "§work:", "unknown key 'work' in the bibliography; did you mean 'works'?"),
]


@pytest.mark.parametrize(("code", "old", "new", "message"), BIBLIOGRAPHY_MISTAKES)
def test_a_mistake_in_the_bibliography_is_found_at_its_place(code: str, old: str, new: str, message: str) -> None:
    text, place = marked(BIBLIOGRAPHY.replace(old, new), "bibliography.yaml")
    (finding,) = [each for each in refused(bibliography=text) if message in each.message]
    assert finding.code == code
    if "§" in new:
        assert finding.place == place


def test_a_bibliography_that_cannot_be_read_does_not_make_works_unknown() -> None:
    findings = refused(bibliography="works: [")
    assert [finding.code for finding in findings] == ["K101"]


def test_groups_may_be_left_out() -> None:
    book = load(declarations=DECLARATIONS.replace("groups: {network: The network}\n", ""))
    assert dict(book.groups) == {"network": "network"}


def test_everything_declared_is_kept() -> None:
    book = load(declarations=DECLARATIONS.replace("layers: [base, exception]", "layers: {base: low, exception: high}"))
    assert dict(book.layers) == {"base": "low", "exception": "high"}
    assert book.parameters["rates"].value == (0.1, 0.2)
    assert book.parameters["word"].unit == ""
    assert str(book.parameters["low_ms"].place) == "rulebook.yaml:10:13"
    assert book.derived["depth"].otherwise == "shallow"
    assert not book.derived["depth"].domain.nullable
    assert book.derived["mood"].domain.nullable
    assert book.slots["pretraining"].collect
    assert book.bibliography["book"].authors == ("A. Author",)
