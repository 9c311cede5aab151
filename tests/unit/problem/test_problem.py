"""The strict JSON form of a problem: what is accepted, and how everything else is refused."""

import json
from typing import get_args

import pytest
from pydantic import ValidationError

from advisor.errors import ProblemError
from advisor.problem import CONTRADICTIONS, FACTS, Problem, complete_facts, vocabulary
from advisor.problem.conditions import holds

SMALLEST = {"task": "multiclass", "architecture": "dense_stack"}


def refused(document: object) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        Problem.from_json(document if isinstance(document, str | bytes) else json.dumps(document))
    return caught.value


def codes(document: object) -> list[str]:
    return [finding.code for finding in refused(document).findings]


def test_only_task_and_architecture_are_required():
    assert Problem.from_json(json.dumps(SMALLEST)).facts() == {
        **{name: fact.default for name, fact in FACTS.items()},
        **SMALLEST,
    }


def test_a_problem_survives_json():
    problem = Problem(task="regression", architecture="residual", latency_budget_ms=2.5, hidden_layers=4)
    assert Problem.from_json(problem.to_json()).facts() == problem.facts()


def test_a_problem_is_frozen():
    with pytest.raises(ValidationError):
        Problem(**SMALLEST).task = "binary"


def test_given_names_only_what_was_stated():
    assert Problem(**SMALLEST, features=3).given == {"task", "architecture", "features"}


def test_a_whole_number_is_a_number():
    assert (
        Problem.from_json('{"task":"binary","architecture":"residual","latency_budget_ms":2}').latency_budget_ms == 2.0
    )


def test_fields_and_vocabulary_are_the_same():
    assert set(Problem.model_fields) == set(FACTS)
    for name, fact in FACTS.items():
        assert Problem.model_fields[name].is_required() == fact.required
        if not fact.required:
            assert Problem.model_fields[name].default == fact.default


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("Task", "task"),
        ("Architecture", "architecture"),
        ("DataKind", "data_kind"),
        ("Sparsity", "sparsity"),
        ("SparsityPattern", "sparsity_pattern"),
        ("LatencyImportance", "latency_importance"),
        ("TargetRange", "target_range"),
        ("PreferredOptimizer", "preferred_optimizer"),
        ("PreferredSchedule", "preferred_schedule"),
        ("TargetDevice", "target_device"),
    ],
)
def test_types_and_choices_are_the_same(alias: str, name: str):
    assert get_args(getattr(vocabulary, alias)) == FACTS[name].choices


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_every_fact_is_complete(fact):
    assert fact.title
    assert fact.meaning.endswith(".")
    assert fact.question.endswith("?")
    assert fact.why.endswith(".")
    assert fact.required or fact.accepts(fact.default)
    assert fact.required or fact.default_because
    assert bool(fact.choice_meanings) == (fact.kind == "enum")
    assert bool(fact.null_means) == fact.nullable
    assert all(fact.accepts(example) for example in fact.examples)
    assert fact.examples
    for asked in fact.asked_when or {}:
        assert list(FACTS).index(asked) < list(FACTS).index(fact.name)


def test_an_unknown_field_is_refused_with_a_suggestion():
    finding = refused({**SMALLEST, "latency_importence": "high"}).findings[0]
    assert finding.code == "P105"
    assert finding.place == "latency_importence"
    assert "did you mean 'latency_importance'?" in finding.message


def test_a_misspelt_word_is_refused_with_a_suggestion():
    finding = refused({**SMALLEST, "task": "multi_clas"}).findings[0]
    assert (finding.code, finding.place) == ("P107", "task")
    assert "did you mean 'multiclass'?" in finding.message
    assert "regression, binary" in finding.hint


def test_everything_that_is_wrong_is_reported_together():
    document = {
        "architecture": "dense_stack",
        "features": True,
        "hidden_layers": 2.5,
        "outliers": 1,
        "latency_budget_ms": -1,
    }
    assert sorted((finding.place, finding.code) for finding in refused(document).findings) == [
        ("features", "P108"),
        ("hidden_layers", "P108"),
        ("latency_budget_ms", "P109"),
        ("outliers", "P108"),
        ("task", "P106"),
    ]


def test_a_refusal_says_what_was_received_and_what_is_allowed():
    finding = refused({**SMALLEST, "features": True}).findings[0]
    assert finding.message == "true is a truth value."
    assert finding.hint == "Allowed: a whole number from 1 to 10,000,000 (columns), or null (unknown)."


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "P101", "empty"),
        ("{", "P101", "Expecting"),
        ('{"task": "binary",}', "P101", "line 1"),
        ('{"task": NaN}', "P102", "NaN"),
        ('{"latency_budget_ms": -Infinity}', "P102", "-Infinity"),
        ('{"task": "binary", "task": "binary"}', "P103", "twice"),
        ("[]", "P104", "one object"),
        ('"text"', "P104", "one object"),
        ("null", "P104", "one object"),
        ("[" * 100_000, "P101", "too deeply"),
        ('{"features": ' + "9" * 5000 + "}", "P101", "can't be read"),
        (b"\xff\xfe", "P101", "UTF-8"),
    ],
)
def test_what_is_not_strict_json_is_refused(text, code, says):
    error = refused(text)
    assert error.findings[0].code == code
    assert says in str(error)


def test_a_byte_order_mark_is_no_mistake():
    assert Problem.from_json(b"\xef\xbb\xbf" + json.dumps(SMALLEST).encode()).task == "multiclass"


def test_an_overflowing_number_is_refused():
    assert codes('{"task":"binary","architecture":"dense_stack","latency_budget_ms":1e999}') == ["P109"]


@pytest.mark.parametrize(
    ("facts", "code", "field"),
    [
        ({"sparsity_target": 0.5}, "P201", "sparsity_target"),
        ({"sparsity": "none", "sparsity_pattern": "block"}, "P202", "sparsity_pattern"),
        ({"sparsity": "sparse", "sparsity_pattern": "two_of_four", "sparsity_target": 0.6}, "P203", "sparsity_target"),
        ({"target_range": "positive"}, "P204", "target_range"),
        ({"outliers": True}, "P205", "outliers"),
        ({"outputs": 1}, "P206", "outputs"),
        ({"task": "binary", "outputs": 2}, "P207", "outputs"),
        ({"task": "regression", "class_imbalance": 0.1}, "P208", "class_imbalance"),
        ({"source_self_normalizing": False}, "P209", "source_self_normalizing"),
        ({"max_categories": 3}, "P210", "max_categories"),
        ({"features": 2, "categorical_columns": 3}, "P211", "categorical_columns"),
        ({"outputs": 4, "class_imbalance": 0.3}, "P212", "class_imbalance"),
    ],
)
def test_contradictions_are_refused(facts, code, field):
    error = refused({**SMALLEST, **facts})
    assert [(finding.code, finding.place) for finding in error.findings] == [(code, field)]
    assert error.findings[0].hint


def test_two_of_four_allows_exactly_half():
    Problem.from_facts({**SMALLEST, "sparsity": "sparse", "sparsity_pattern": "two_of_four", "sparsity_target": 0.5})


@pytest.mark.parametrize("contradiction", CONTRADICTIONS, ids=lambda each: each.code)
def test_no_default_contradicts_anything(contradiction):
    field = contradiction.field
    condition = {field: contradiction.when[field]} if field in contradiction.when else {}
    assert condition
    assert not holds(condition, {field: FACTS[field].default})


def test_the_constructor_reports_findings_too():
    with pytest.raises(ProblemError, match="did you mean 'multiclass'"):
        Problem(task="multiclas", architecture="dense_stack")


def test_the_schema_tells_what_each_field_means():
    schema = Problem.model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["task", "architecture"]
    assert all(part["description"] and part["examples"] for part in schema["properties"].values())


def test_what_was_stated_wins_over_what_was_measured():
    facts, how = complete_facts(
        {"task": "binary", "features": 3}, {"architecture": "dense_stack", "features": 4}, {"architecture": "a table"}
    )
    assert facts["features"] == 3
    assert how == {"architecture": "a table"}


def test_measured_facts_that_make_no_sense_beside_stated_ones_are_left_out():
    measured = {"task": "regression", "architecture": "dense_stack", "target_range": "positive", "outputs": 1}
    facts, how = complete_facts({"task": "multiclass"}, measured, {})
    assert facts == {"task": "multiclass", "architecture": "dense_stack"}
    assert set(how) == {"architecture"}


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing() -> None:
    problem = Problem.from_json('{"task": "multiclass", "architecture": "dense_stack", "outputs": 3.0}')
    assert (problem.outputs, type(problem.outputs)) == (3, int)
    with pytest.raises(ProblemError, match="a number with a fraction"):
        Problem.from_json('{"task": "multiclass", "architecture": "dense_stack", "outputs": 3.5}')
