"""Properties of the documents: problems and recommendations survive JSON, and both checks of a problem agree."""

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from advisor.errors import ArtifactError, ProblemError
from advisor.explanation import explain, why
from advisor.interfaces.wizard.machine import Interview, answer, next_question, stated_facts
from advisor.problem import FACTS, FactType, Problem, check_facts
from advisor.recommendation import Recommendation, recommend
from advisor.recommendation.document import RecommendationDocument

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def values(fact: FactType) -> st.SearchStrategy[Any]:
    """Return values of a fact."""
    found: st.SearchStrategy[Any]
    if fact.kind == "enum":
        found = st.sampled_from(fact.choices)
    elif fact.kind == "bool":
        found = st.booleans()
    elif fact.kind == "int":
        low, high = int(fact.minimum or 0), int(fact.maximum or 10**6)
        found = st.integers(low, min(high, low + 30)) | st.integers(low, high)
    else:
        found = st.floats(fact.minimum, fact.maximum, allow_nan=False).filter(fact.accepts)
    return found | st.none() if fact.nullable else found


OPTIONAL = {name: values(fact) for name, fact in FACTS.items() if not fact.required}
REQUIRED = {name: values(fact) for name, fact in FACTS.items() if fact.required}
STATED = st.fixed_dictionaries(REQUIRED, optional=OPTIONAL)


def is_consistent(facts: dict[str, Any]) -> bool:
    try:
        check_facts(facts)
    except ProblemError:
        return False
    return True


PROBLEMS = STATED.filter(is_consistent)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["none", "high", "binary"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@RELAXED
@given(PROBLEMS)
def test_a_problem_survives_json(facts):
    problem = Problem.from_facts(facts)
    assert Problem.from_json(problem.to_json()).facts() == problem.facts()
    assert problem.given == set(facts)


@RELAXED
@given(STATED, st.dictionaries(st.sampled_from([*FACTS, "unknown", "taks"]), ANYTHING, max_size=3))
def test_both_checks_of_a_problem_agree(facts, changes):
    """The vocabulary's own check and the pydantic schema refuse the same documents, contradictions apart."""
    document = {**facts, **changes}
    try:
        check_facts(document)
        ours = True
    except ProblemError as error:
        ours = all(finding.code.startswith("P2") for finding in error.findings)
    fields = {name: field.rebuild_annotation() for name, field in Problem.model_fields.items()}
    theirs = set(document) <= set(fields)
    for name in set(document) & set(fields):
        try:
            TypeAdapter(fields[name], config={"strict": True, "allow_inf_nan": False}).validate_python(document[name])
        except ValidationError:
            theirs = False
    assert ours == theirs


@RELAXED
@given(ANYTHING)
def test_anything_else_is_refused_with_findings(document):
    with pytest.raises(ProblemError) as caught:
        Problem.from_json(json.dumps(document))
    assert all(finding.code and finding.message for finding in caught.value.findings)


@RELAXED
@given(st.text(max_size=30) | st.binary(max_size=30))
def test_no_text_is_met_with_a_traceback(text):
    with pytest.raises(ProblemError):
        Problem.from_json(text)
    with pytest.raises(ArtifactError):
        Recommendation.from_json(text)


@RELAXED
@given(PROBLEMS)
def test_a_recommendation_survives_json(facts):
    found = recommend(facts)
    text = found.to_json()
    RecommendationDocument.model_validate_json(text)
    again = Recommendation.from_json(text)
    assert again == found
    assert again.values == found.values
    assert again.to_json() == text
    assert recommend(dict(reversed(list(facts.items())))).to_json() == text


@RELAXED
@given(PROBLEMS)
def test_every_recommendation_can_be_explained(facts):
    found = recommend(facts)
    assert all(len(line) <= 80 or " " not in line.strip() for line in str(explain(found, brief=True)).splitlines())
    assert explain(found).markdown()
    for slot in found:
        assert str(why(found, slot)).startswith(f"Why {slot} = ")


@RELAXED
@given(PROBLEMS)
def test_the_facts_of_a_decision_are_the_facts_that_hold(facts):
    found = recommend(facts)
    known = {**found.problem.facts(), **{f"decided.{slot}": value for slot, value in found.values.items()}}
    known.update({name: each["value"] for name, each in found.trace["derived"].items()})
    known.update({name: each["value"] for name, each in found.trace["computed"].items()})
    for rule in found.trace["rules"].values():
        for name, value in rule["facts"].items():
            expected = list(known[name]) if isinstance(known[name], tuple) else known[name]
            assert value == expected or (isinstance(value, float) and math.isnan(value))


@RELAXED
@given(st.data())
def test_every_interview_ends_in_a_valid_problem(data):
    interview = Interview()
    for _ in range(60):
        question = next_question(interview)
        if question is None:
            break
        try:
            interview, _ = answer(interview, question.fact.name, data.draw(values(question.fact)))
        except ProblemError:
            continue
    facts = stated_facts(interview)
    if next_question(interview) is None:
        assert Problem.from_facts(facts).given == set(facts)
