"""The list of what is carried out, and the registries of those who carry it out, must agree."""

import pytest

from advisor.builder.registry import ARCHITECTURES as BUILT
from advisor.builder.registry import NUMBERS, REGISTRY
from advisor.recommendation.capabilities import ANY_NUMBER, ARCHITECTURES, CARRIED_OUT, DESCRIPTIVE, TASKS
from advisor.training.registry import CHOICES

# The interval of a bounded output is mapped by the output activation's own bounds, not by a registered function.
BUILT_WITHOUT_REGISTRY = {"target_scaling": {"interval"}}
# Slots of other families: they are listed once the whole way works, from data to export, not only the building.
FAMILIES = {"augmentation", "convolution", "pooling", "recurrent_cell", "skip_connections", "wide_path"}
NUMBERS_OF_FAMILIES = {"filters", "kernel_size", "recurrent_units"}
OFF = {"none", False}
SLOT_OF_CHOICE = {"schedule": "learning_rate_schedule"}


@pytest.mark.parametrize("slot", sorted(set(REGISTRY) - FAMILIES - {"architecture"}))
def test_what_is_built_is_what_is_listed(slot: str):
    assert set(CARRIED_OUT[slot]) == set(REGISTRY[slot]) | BUILT_WITHOUT_REGISTRY.get(slot, set())


@pytest.mark.parametrize("slot", sorted(set(REGISTRY) & FAMILIES))
def test_families_promise_nothing_that_is_not_built(slot: str):
    assert set(CARRIED_OUT[slot]) - OFF <= set(REGISTRY[slot])


@pytest.mark.parametrize("choice", sorted(set(CHOICES) - {"task", "schedule"}))
def test_what_training_carries_out_is_what_is_listed(choice: str):
    assert set(CARRIED_OUT[SLOT_OF_CHOICE.get(choice, choice)]) == set(CHOICES[choice])


def test_schedules_that_are_listed_are_carried_out():
    assert set(CARRIED_OUT["learning_rate_schedule"]) <= set(CHOICES["schedule"])


def test_numbers_that_are_built_are_listed():
    built = set(NUMBERS) - {"seed"} - NUMBERS_OF_FAMILIES
    assert built <= {slot for slot, allowed in CARRIED_OUT.items() if allowed == ANY_NUMBER} | DESCRIPTIVE


def test_families_that_are_listed_are_built():
    assert set(ARCHITECTURES) <= set(BUILT)
    assert set(TASKS) <= set(CHOICES["task"])
