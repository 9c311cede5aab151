"""Plan, capabilities, cost and cautions."""

import pytest

from advisor.knowledge import list_rulebooks, load_rulebook
from advisor.recommendation import recommend
from advisor.recommendation.capabilities import ARCHITECTURES, CARRIED_OUT, DESCRIPTIVE, is_carried_out
from advisor.recommendation.cost import estimate_dense_stack
from advisor.recommendation.plan import plan_of

SMALLEST = {"task": "multiclass", "architecture": "dense_stack"}


def steps(facts: dict[str, object]) -> dict[str, str]:
    return {step["step"]: step["status"] for step in recommend({**SMALLEST, **facts}).plan}


@pytest.mark.parametrize("name", list_rulebooks())
def test_every_slot_is_carried_out_or_said_not_to_be(name):
    slots = set(load_rulebook(name).slots)
    assert slots - set(CARRIED_OUT) - DESCRIPTIVE == set()


@pytest.mark.parametrize("name", list_rulebooks())
def test_every_slot_belongs_to_a_step(name):
    found = recommend({**SMALLEST, "unlabeled_rows": 10**9, "latency_budget_ms": 1.0}, name)
    planned = {slot for step in found.plan for slot in step["slots"]}
    assert set(found.values) - planned == set()


def test_a_plain_dense_stack_is_carried_out_completely():
    assert set(steps({}).values()) == {"carried_out", "not_needed"}


def test_another_architecture_is_visibly_not_carried_out():
    found = {step["step"]: step["status"] for step in recommend({**SMALLEST, "architecture": "convolutional"}).plan}
    assert "table" not in ARCHITECTURES["convolutional"]
    assert found["build_network"] == "not_carried_out_yet"


def test_what_is_not_carried_out_is_warned_of():
    found = recommend({**SMALLEST, "sparsity": "very_sparse", "risk_sensitive": True})
    waiting = [step["step"] for step in found.plan if step["status"] == "not_carried_out_yet"]
    warned = [each["message"] for each in found.warnings if each["code"] == "W110"]
    assert bool(waiting) == bool(warned)


def test_only_what_is_listed_is_carried_out():
    assert is_carried_out("activation", "elu")
    assert not is_carried_out("activation", "unheard_of")
    assert not is_carried_out("unheard_of", "elu")
    assert is_carried_out("units", 7)
    assert is_carried_out("mc_samples", 100)
    assert not is_carried_out("fold_batch_normalization", 0)
    assert is_carried_out("pretraining", ())


def test_an_unlisted_value_makes_its_step_wait():
    found = recommend(SMALLEST)
    facts = found.problem.facts()
    plan = plan_of(facts, {**found.values, "activation": "unheard_of"})
    assert next(step.status for step in plan if step.step == "build_network") == "not_carried_out_yet"


def test_cost_is_counted_by_hand():
    values = {"hidden_layers": 2, "units": 10, "normalization": "none"}
    found = estimate_dense_stack(values, "dense_stack", 4, 3)
    assert found is not None
    assert found.parameters == found.trainable_parameters == (4 * 10 + 10) + (10 * 10 + 10) + (10 * 3 + 3)
    assert found.multiply_adds == 4 * 10 + 10 * 10 + 10 * 3
    assert found.bytes == 4 * found.parameters


def test_batch_normalization_costs_four_numbers_a_neuron_and_spares_the_bias():
    values = {
        "hidden_layers": 1,
        "units": 10,
        "normalization": "batch_normalization",
        "normalization_position": "before_activation",
        "precision": "int8",
    }
    found = estimate_dense_stack(values, "dense_stack", 4, 1)
    assert found is not None
    assert found.trainable_parameters == 4 * 10 + 2 * 10 + 10 + 1
    assert found.parameters == found.trainable_parameters + 2 * 10
    assert found.bytes == found.parameters


def test_cost_is_unknown_when_the_encoded_width_is():
    assert recommend(SMALLEST).estimate is None
    assert recommend({**SMALLEST, "features": 5, "outputs": 3, "categorical_columns": 1}).estimate is None
    assert recommend({**SMALLEST, "features": 5, "outputs": 3}).estimate is not None
    assert recommend({"task": "binary", "architecture": "dense_stack", "features": 5}).estimate["outputs"] == 1
    assert recommend({**SMALLEST, "architecture": "convolutional", "features": 5, "outputs": 3}).estimate is None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"latency_budget_ms": 1.0, "risk_sensitive": True}, "W102"),
        ({"latency_budget_ms": 1.0, "sparsity": "sparse"}, "W103"),
        ({"latency_budget_ms": 1.0, "latency_importance": "low"}, "W104"),
        ({"size_budget_kb": 1.0, "features": 10, "outputs": 3}, "W106"),
        ({"preferred_optimizer": "adamw"}, "W107"),
        ({"preferred_schedule": "performance"}, "W108"),
    ],
)
def test_what_pulls_apart_is_said(facts, code):
    warnings = recommend({**SMALLEST, **facts}).warnings
    assert code in [each["code"] for each in warnings]
    assert all(each["message"].endswith(".") and each["about"] for each in warnings)


def test_a_plain_problem_has_no_warnings():
    assert recommend(SMALLEST).warnings == []
