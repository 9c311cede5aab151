"""Conditions hold, and read, as they are written."""

from __future__ import annotations

import pytest

from advisor.knowledge.conditions import AllOf, AnyOf, Atom, Operator, atoms, condition_from, holds, show
from advisor.knowledge.domains import Domain, Value, domain_of_fact

from .conftest import FACTS, a_rule, load


@pytest.mark.parametrize(
    ("operator", "bound", "true", "false"),
    [
        ("lt", 4, [3], [4, 5, None]),
        ("le", 4, [3, 4], [5, None]),
        ("gt", 4, [5], [3, 4, None]),
        ("ge", 4, [4, 5], [3, None]),
        ("in", 4, [4], [3, None]),
        ("not_in", 4, [3, None], [4]),
    ],
)
def test_a_comparison(operator: Operator, bound: int, true: list[Value], false: list[Value]) -> None:
    (place,) = [load().rules[0].place]
    atom = Atom("x", operator, (bound,), ("",), place)
    assert [atom.holds(value) for value in true] == [True] * len(true)
    assert [atom.holds(value) for value in false] == [False] * len(false)


def test_conditions_nest() -> None:
    condition = condition_from({"a": 1, "any": [{"b": True}, {"all": [{"c": ["x", "y"]}, {"c": {"not": "x"}}]}]})
    assert holds(condition, {"a": 1, "b": False, "c": "y"})
    assert not holds(condition, {"a": 1, "b": False, "c": "x"})
    assert not holds(condition, {"a": 2, "b": True, "c": "x"})
    assert [atom.fact for atom in atoms(condition)] == ["a", "b", "c", "c"]


def test_a_condition_reads_as_a_sentence_with_parameters_by_name() -> None:
    body = (
        "when: {sparsity: [sparse, very_sparse], rows: {lt: many_layers, not: 0},\n"
        "  any: [{fast: true}, {share: 1, rows: {ge: 1}}]}"
    )
    rule = load(a_rule(body + "\nset: {pruned: true}")).rule("x")
    assert str(rule.when) == (
        "sparsity = sparse or very_sparse and rows < 4 (many_layers) and rows is not 0 "
        "and (fast = true or (share = 1 and rows >= 1))"
    ).replace("(fast = true or", "((fast = true) or")
    assert str(AllOf(())) == "always"
    assert str(AnyOf(tuple(atoms(rule.when))[:2])) == "sparsity = sparse or very_sparse or rows < 4 (many_layers)"


def test_the_places_of_comparisons_are_exact() -> None:
    rule = load(a_rule("when: {rows: {ge: 1,\n    lt: many_layers}}\nset: {pruned: true}")).rule("x")
    assert [str(atom.place) for atom in atoms(rule.when)] == ["x.yaml:5:23", "x.yaml:6:13"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (False, "false"), (3, "3"), ("a", "a"), ((), "[]"), ((1, None), "[1, null]")],
)
def test_values_are_shown_as_they_are_written(value: Value, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize(
    ("domain", "good", "bad"),
    [
        (Domain("enum", ("a", "b")), ["a"], ["c", None, 1, True, ("a",)]),
        (Domain("enum", ("a", "b"), nullable=True, is_list=True), [None, (), ("a", "b")], ["a", ("c",), (None,)]),
        (Domain("bool"), [True, False], [0, 1, "true", None]),
        (Domain("int", minimum=1, maximum=3), [1, 3], [0, 4, 2.0, True, None]),
        (
            Domain("number", minimum=0, maximum=1, minimum_is_allowed=False, maximum_is_allowed=False),
            [0.5],
            [0, 1, 0.0, True],
        ),
        (Domain("word"), ["anything"], [1, None]),
    ],
)
def test_a_domain_accepts_its_values_only(domain: Domain, good: list[Value], bad: list[Value]) -> None:
    assert [domain.accepts(value) for value in good] == [True] * len(good)
    assert [domain.accepts(value) for value in bad] == [False] * len(bad)


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (Domain("enum", ("a", "b")), "a, b"),
        (Domain("int", minimum=1, nullable=True), "a whole number, at least 1, or null"),
        (Domain("number", minimum=0, maximum=1, is_list=True), "a list of: a number, at least 0, at most 1"),
        (
            Domain("number", minimum=0, maximum=1, minimum_is_allowed=False, maximum_is_allowed=False),
            "a number, above 0, below 1",
        ),
        (Domain("bool"), "true or false"),
    ],
)
def test_a_domain_says_what_it_allows(domain: Domain, text: str) -> None:
    assert str(domain) == text


def test_the_domain_of_a_fact_is_the_facts_own() -> None:
    assert domain_of_fact(FACTS["layers"]) == Domain("int", (), True, False, 1, 50)
    assert domain_of_fact(FACTS["task"]).choices == ("regression", "binary", "multiclass")
    assert domain_of_fact(FACTS["budget_ms"]).minimum_is_allowed is False
