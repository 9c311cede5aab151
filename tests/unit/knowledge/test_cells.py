"""Every way in which comparisons can come out has one representative value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.knowledge.cells import Space, between, problem_of, representatives, satisfying
from advisor.knowledge.conditions import NOWHERE, AllOf, AnyOf, Atom, Operator, condition_from, holds, negated
from advisor.knowledge.domains import Domain, Value

from .conftest import a_rule, load


def atom(operator: Operator, *values: Value) -> Atom:
    return Atom("x", operator, values, ("",) * len(values), NOWHERE)


@pytest.mark.parametrize(
    ("domain", "compared", "expected"),
    [
        (Domain("enum", ("a", "b", "c")), [], ("a",)),
        (Domain("enum", ("a", "b", "c")), [atom("in", "b")], ("a", "b")),
        (Domain("bool"), [atom("in", True)], (False, True)),
        (Domain("bool", nullable=True), [atom("in", True), atom("in", None)], (None, False, True)),
        (Domain("int", minimum=1), [atom("ge", 4)], (1, 4)),
        (Domain("int", minimum=1), [atom("gt", 4)], (1, 5)),
        (Domain("int", minimum=1, maximum=9), [atom("in", 4)], (1, 4)),
        (Domain("int", minimum=1, maximum=4), [atom("gt", 4)], (1,)),
        (Domain("int"), [atom("gt", 2.5)], (2, 3)),
        (Domain("int", maximum=7), [atom("ge", 7)], (6, 7)),
        (Domain("number", minimum=0, minimum_is_allowed=False), [atom("le", 5)], (1, 6)),
        (Domain("number", minimum=0, maximum=1), [atom("lt", 0.5), atom("gt", 0.5)], (0, 0.5, 0.75)),
        (Domain("number", maximum=1, maximum_is_allowed=False), [atom("ge", 1)], (0,)),
        (Domain("number"), [], (1,)),
        (Domain("word"), [atom("in", "a")], ("a", "other_a")),
        (Domain("enum", ("a", "b"), is_list=True), [atom("in", ())], ((), ("a",))),
        (Domain("number", is_list=True), [atom("in", ())], ((), (1,))),
        (Domain("number", is_list=True, maximum=0.7), [atom("in", ())], ((), (0.5,))),
        (Domain("bool", is_list=True), [atom("in", ())], ((), (True,))),
        (Domain("word", is_list=True), [atom("in", ())], ((), ("a_word",))),
    ],
)
def test_representatives(domain: Domain, compared: list[Atom], expected: tuple[Value, ...]) -> None:
    found = representatives(domain, compared)
    assert found == expected
    assert all(domain.accepts(value) for value in found)


def test_the_preferred_value_stands_for_its_like() -> None:
    assert representatives(Domain("number", minimum=0, maximum=1), [atom("lt", 0.2)], 0.5) == (0.5, 0)


thresholds = st.one_of(st.integers(-5, 5), st.floats(-5, 5, allow_nan=False))


@given(
    domain=st.sampled_from(
        [Domain("int"), Domain("number"), Domain("int", minimum=-2, maximum=3), Domain("number", nullable=True)]
    ),
    compared=st.lists(
        st.builds(atom, st.sampled_from(["in", "not_in", "lt", "le", "gt", "ge"]), thresholds), min_size=1, max_size=4
    ),
    value=thresholds,
)
def test_every_number_behaves_like_a_representative(domain: Domain, compared: list[Atom], value: float) -> None:
    if not domain.accepts(value):
        return
    behaviours = [tuple(each.holds(found) for each in compared) for found in representatives(domain, compared)]
    assert tuple(each.holds(value) for each in compared) in behaviours
    assert len(behaviours) == len(set(behaviours))


@pytest.mark.parametrize(
    ("low", "high", "whole", "expected"),
    [
        (-math.inf, math.inf, False, 1),
        (-math.inf, 3, True, 2),
        (3, math.inf, False, 4),
        (1, 2, True, None),
        (1, 2, False, 1.5),
        (1, math.nextafter(1, 2), False, None),
    ],
)
def test_a_simple_number_between_two(low: float, high: float, whole: bool, expected: float | None) -> None:
    assert between(low, high, whole=whole) == expected


DOMAINS = {"x": Domain("int", minimum=0, nullable=True), "y": Domain("bool"), "z": Domain("enum", ("a", "b"))}


def test_satisfying_finds_values_through_nested_alternatives() -> None:
    conditions = [
        condition_from({"any": [{"x": {"lt": 0}}, {"y": True, "any": [{"z": "b"}, {"x": 3}]}]}),
        condition_from({"z": {"not": "b"}, "all": [{"x": {"not": None}}]}),
    ]
    assert satisfying(DOMAINS, conditions) == {"x": 3, "y": True, "z": "a"}


def test_satisfying_tells_when_there_is_nothing() -> None:
    assert (
        satisfying(DOMAINS, [condition_from({"any": [{"x": 1}, {"x": 2}]}), condition_from({"x": {"gt": 2}})]) is None
    )


@given(x=st.one_of(st.none(), st.integers(0, 9)), y=st.booleans(), z=st.sampled_from("ab"))
def test_a_negated_condition_holds_exactly_when_the_condition_does_not(x: int | None, y: bool, z: str) -> None:
    values = {"x": x, "y": y, "z": z}
    for condition in (
        condition_from({"x": {"lt": 4, "ge": 1}}),
        condition_from({"x": {"le": 4, "gt": 1}, "y": True}),
        condition_from({"any": [{"x": [1, None]}, {"z": {"not": "a"}, "y": False}]}),
        AllOf(()),
        AnyOf(()),
    ):
        assert holds(negated(condition), values) is not holds(condition, values)


def test_a_cone_holds_only_what_its_steps_depend_on() -> None:
    space = Space(load(a_rule("when: {sparsity: sparse, decided.layers: {ge: many_layers}}\nset: {activation: relu}")))
    assert dict(space.cone(["decided.clipping"]).axes) == {}
    cone = space.cone(["decided.activation"])
    assert dict(cone.axes) == {"sparsity": ("none", "sparse")}
    assert "decided.layers" in cone.steps
    assert "decided.rates" not in cone.steps
    assert cone.size == 2


def test_a_gap_is_found_with_a_witness() -> None:
    base = "rules: []"
    rules = a_rule("when: {any: [{fast: true}, {rows: {ge: many_layers}}]}\nset: {activation: relu}")
    space = Space(load(rules, base=base))
    cone = space.cone(["decided.activation"])
    witness = space.witness(cone.steps, cone.axes, "s_activation is GAP")
    assert witness == {"fast": False, "rows": None}
    assert space.witness(cone.steps, cone.axes, "s_activation == 'selu'") is None


def test_a_cell_without_axes_is_searched_too() -> None:
    space = Space(load())
    cone = space.cone(["decided.activation"])
    assert space.witness(cone.steps, cone.axes, "s_activation == 'elu'") == {}


def test_a_cell_is_told_as_a_problem_without_the_defaults() -> None:
    book = load()
    assert problem_of(book, {"sparsity": "none", "rows": 3}) == {"task": "regression", "rows": 3}
    assert problem_of(book, {"task": "binary", "fast": True}) == {"task": "binary", "fast": True}
