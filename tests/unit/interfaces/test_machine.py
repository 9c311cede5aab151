"""The question machine: relevance, defaults, going back, dropped answers."""

import pytest

from advisor.errors import ProblemError
from advisor.interfaces.wizard.machine import (
    Interview,
    answer,
    back,
    complete,
    missing,
    next_question,
    parse_answer,
    question_about,
    relevant,
    stated_facts,
)
from advisor.problem import FACTS, Problem


def give(interview: Interview, **answers) -> Interview:
    for name, value in answers.items():
        interview, _ = answer(interview, name, value)
    return interview


START = give(Interview(), task="multiclass", architecture="dense_stack")


def test_the_first_questions_are_the_required_ones():
    question = next_question(Interview())
    assert question.fact.name == "task"
    assert not question.has_default
    assert question.number == 1
    assert missing(Interview()) == ("task", "architecture")
    assert missing(START) == ()


def test_only_relevant_questions_are_asked():
    assert "outputs" in relevant(START)
    assert "outputs" not in relevant(give(Interview(), task="binary"))
    assert "target_range" in relevant(give(Interview(), task="regression"))
    assert "sparsity_target" not in relevant(START)
    assert "sparsity_target" in relevant(give(START, sparsity="sparse"))
    assert "overfitting_observed" not in relevant(START)


def test_answering_every_default_gives_a_valid_problem():
    interview = Interview()
    while question := next_question(interview):
        value = question.default if question.has_default else question.fact.choices[0]
        interview = give(interview, **{question.fact.name: value})
    problem = Problem.from_facts(stated_facts(interview))
    assert set(interview.answers) == problem.given


@pytest.mark.parametrize("task", FACTS["task"].choices)
@pytest.mark.parametrize("sparsity", FACTS["sparsity"].choices)
@pytest.mark.parametrize("pretrained", [True, False])
def test_every_edge_forward_and_back(task, sparsity, pretrained):
    wanted = {"task": task, "sparsity": sparsity, "pretrained_model_available": pretrained}
    interview, states = Interview(), []
    while question := next_question(interview):
        states.append(interview)
        name = question.fact.name
        value = wanted.get(name, question.default if question.has_default else question.fact.choices[0])
        interview = give(interview, **{name: value})
    for state in reversed(states):
        taken_back = list(interview.answers)[-1]
        value = interview.answers[taken_back]
        interview = back(interview)
        assert interview.answers == state.answers
        question = next_question(interview)
        assert (question.fact.name, question.default) == (taken_back, value)
        assert question.default_because == "it was your earlier answer"
    assert back(interview) is interview


def test_an_earlier_answer_is_offered_again():
    interview = back(give(START, data_kind="image"))
    question = next_question(interview)
    assert question.default == "image"


def test_a_correction_drops_what_no_longer_fits_and_says_so():
    interview = give(START, sparsity="sparse", sparsity_target=0.9)
    corrected, dropped = answer(interview, "sparsity", "none")
    assert dropped == ("sparsity_target",)
    assert "sparsity_target" not in corrected.answers


def test_a_correction_of_the_task_drops_contradicting_answers():
    interview = give(Interview(), task="regression", architecture="dense_stack", outliers=True, outputs=1)
    corrected, dropped = answer(interview, "task", "multiclass")
    assert set(dropped) == {"outliers", "outputs"}
    assert "outliers" not in corrected.answers


def test_a_kept_answer_that_became_impossible_is_dropped():
    interview = back(give(Interview(), task="regression", architecture="dense_stack", outputs=1))
    interview = back(back(interview))
    interview, dropped = answer(interview, "task", "binary")
    assert dropped == ("outputs",)
    assert "outputs" not in interview.kept
    assert "architecture" in interview.kept


def test_a_contradicting_answer_is_refused():
    with pytest.raises(ProblemError, match="multiclass"):
        answer(START, "outputs", 1)


@pytest.mark.parametrize(("name", "value"), [("outputs", 0), ("outputs", "x"), ("task", "guess"), ("nonsense", 1)])
def test_a_wrong_answer_is_refused(name, value):
    with pytest.raises(ProblemError):
        answer(START, name, value)


def test_a_whole_number_answers_a_question_for_a_number():
    assert give(START, latency_budget_ms=2).answers["latency_budget_ms"] == 2.0


def test_measured_facts_are_offered_and_confirmed():
    interview = Interview(measured={"task": "binary", "max_categories": 0}, how={"task": "the target has 2 values"})
    question = next_question(interview)
    assert (question.default, question.default_because) == ("binary", "the target has 2 values")
    assert stated_facts(give(interview, task="regression"))["task"] == "regression"


def test_a_correction_offers_the_present_answer():
    question = question_about(give(START, features=7), "features")
    assert question.default == 7


def test_complete_has_every_fact():
    assert set(complete(START)) == set(FACTS)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("outliers", "Yes", True),
        ("outliers", "n", False),
        ("features", "1,000", 1000),
        ("features", "", None),
        ("features", "unknown", None),
        ("latency_budget_ms", "2.5", 2.5),
        ("latency_budget_ms", "2", 2.0),
        ("task", " Binary ", "binary"),
    ],
)
def test_typed_answers_are_read(name, text, value):
    assert parse_answer(FACTS[name], text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("features", "many"),
        ("features", "0"),
        ("features", "2.5"),
        ("outliers", "perhaps"),
        ("task", ""),
        ("latency_budget_ms", "nan"),
    ],
)
def test_typed_nonsense_is_refused(name, text):
    with pytest.raises(ProblemError, match="Allowed"):
        parse_answer(FACTS[name], text)
