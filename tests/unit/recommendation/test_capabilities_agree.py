"""The list of what is carried out, and the registries of those who carry it out, must agree."""

import pytest

from advisor.builder.registry import ARCHITECTURES as BUILT
from advisor.builder.registry import NUMBERS, REGISTRY
from advisor.recommendation.capabilities import ANY_NUMBER, ARCHITECTURES, CARRIED_OUT, DESCRIPTIVE, TASKS
from advisor.training.registry import CHOICES

# The interval of a bounded output is mapped by the output activation's own bounds, not by a registered function.
BUILT_WITHOUT_REGISTRY = {"target_scaling": {"interval"}}
SLOT_OF_CHOICE = {"schedule": "learning_rate_schedule"}


@pytest.mark.parametrize("slot", sorted(set(REGISTRY) - {"architecture"}))
def test_what_is_built_is_what_is_listed(slot: str):
    assert set(CARRIED_OUT[slot]) == set(REGISTRY[slot]) | BUILT_WITHOUT_REGISTRY.get(slot, set())


@pytest.mark.parametrize("choice", sorted(set(CHOICES) - {"task", "schedule"}))
def test_what_training_carries_out_is_what_is_listed(choice: str):
    assert set(CARRIED_OUT[SLOT_OF_CHOICE.get(choice, choice)]) == set(CHOICES[choice])


def test_schedules_that_are_listed_are_carried_out():
    assert set(CARRIED_OUT["learning_rate_schedule"]) <= set(CHOICES["schedule"])


def test_numbers_that_are_built_are_listed():
    built = set(NUMBERS) - {"seed"}
    assert built <= {slot for slot, allowed in CARRIED_OUT.items() if allowed == ANY_NUMBER} | DESCRIPTIVE


def test_families_that_are_listed_are_built():
    assert set(ARCHITECTURES) == set(BUILT)
    assert set(TASKS) <= set(CHOICES["task"])
