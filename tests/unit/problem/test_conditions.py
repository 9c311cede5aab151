"""Conditions on facts."""

import pytest

from advisor.problem.conditions import holds


@pytest.mark.parametrize(
    ("condition", "facts", "expected"),
    [
        (None, {}, True),
        ({}, {}, True),
        ({"a": "x"}, {"a": "x"}, True),
        ({"a": "x"}, {"a": "y"}, False),
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": None}, {"a": None}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": {"not": None}}, {"a": 0}, True),
        ({"a": {"not": ["x", None]}}, {"a": None}, False),
        ({"a": {"lt": 2}}, {"a": 1}, True),
        ({"a": {"lt": 2}}, {"a": None}, False),
        ({"a": {"ge": 1, "le": 2}}, {"a": 2}, True),
        ({"a": {"gt": 2}}, {"a": 2}, False),
        ({"any": [{"a": 1}, {"b": 1}]}, {"a": 0, "b": 1}, True),
        ({"any": [{"a": 1}, {"b": 1}]}, {"a": 0, "b": 0}, False),
        ({"all": [{"a": 1}, {"any": [{"b": 1}]}]}, {"a": 1, "b": 1}, True),
        ({"all": [{"a": 1}, {"b": 1}]}, {"a": 1, "b": 0}, False),
    ],
)
def test_a_condition_holds_when_everything_in_it_does(condition, facts, expected):
    assert holds(condition, facts) is expected
