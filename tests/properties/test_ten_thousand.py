"""The properties that the rulebooks' trustworthiness rests on, at 10,000 examples each.

``test_engine`` and ``test_documents`` hold the same properties with examples that Hypothesis draws piece by piece and
can make small; here an example is a number, from which rules and problem follow, so that very many are affordable.
"""

from __future__ import annotations

import random
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import ProblemError
from advisor.knowledge.rulebook import Rulebook
from advisor.problem import FACTS, check_facts
from advisor.recommendation import Recommendation, recommend
from tests.properties.test_engine import (
    build,
    check_justified,
    check_order,
    check_return,
    random_facts,
    random_rules,
    shuffled,
)

pytestmark = pytest.mark.slow

EXAMPLES = 10_000
BOOKS = 1_000
RULES = 6
often = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
numbers = st.integers(0, 2**60)


@lru_cache(maxsize=BOOKS)
def book(number: int) -> tuple[list[str], Rulebook | None]:
    """Return one of the random rulebooks."""
    rules = random_rules(random.Random(number), RULES)
    return rules, build(rules)


@lru_cache(maxsize=BOOKS)
def in_another_order(number: int) -> Rulebook | None:
    """Return one of the random rulebooks, its rules shuffled and in one to three files."""
    return shuffled(book(number)[0], number, 1 + number % 3)


@often
@given(numbers)
def test_the_order_of_rules_and_files_never_matters(number: int) -> None:
    source = random.Random(number)
    name = source.randrange(BOOKS)
    check_order(book(name)[1], in_another_order(name), random_facts(source))


@often
@given(numbers)
def test_every_decision_is_justified_down_to_the_facts_of_the_problem(number: int) -> None:
    source = random.Random(number)
    check_justified(book(source.randrange(BOOKS))[1], random_facts(source))


@often
@given(numbers)
def test_a_withdrawn_rule_comes_back_when_its_defeaters_go(number: int) -> None:
    source = random.Random(number)
    rules, whole = book(source.randrange(BOOKS))
    check_return(whole, rules, random_facts(source))


@often
@given(numbers)
def test_a_recommendation_survives_json(number: int) -> None:
    text = recommend(_problem(random.Random(number))).to_json()
    assert Recommendation.from_json(text).to_json() == text


def _problem(source: random.Random) -> dict[str, object]:
    """Return a valid problem that states some of its fields."""
    while True:
        stated: dict[str, object] = {}
        for name, fact in FACTS.items():
            if not fact.required and source.random() < 0.7:
                continue
            if fact.choices:
                stated[name] = source.choice(fact.choices)
            elif fact.kind == "bool":
                stated[name] = source.random() < 0.5
            elif fact.kind == "int":
                stated[name] = max(int(fact.minimum or 0), int(10 ** source.uniform(0, 4)))
            else:
                low, high = fact.minimum or 0, min(fact.maximum or 1, 1000)
                stated[name] = source.uniform(low, high) or 0.5
        try:
            check_facts(stated)
        except ProblemError:
            continue
        return stated
