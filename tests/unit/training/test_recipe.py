from __future__ import annotations

import pytest

from advisor.errors import TrainingError
from advisor.training import Recipe
from advisor.training.recipe import _SLOT_OF_FIELD
from advisor.training.registry import CHOICES

from .cases import recipe

VALUES = {
    "loss": "mse",
    "optimizer": "sgd_momentum",
    "momentum": 0.9,
    "learning_rate_schedule": "one_cycle",
    "maximum_learning_rate": "range_test",
    "batch_size": 32,
    "max_epochs": 100,
    "early_stopping": "restore_best",
    "patience_epochs": 20,
    "gradient_clipping": None,
    "class_weighting": "none",
    "weight_averaging": "ema",
    "target_scaling": "standardize",
    "activation": "elu",
}


def test_slots_become_fields_and_slots_of_other_stages_are_passed_over() -> None:
    made = Recipe.from_values(VALUES, task="regression")
    assert (made.schedule, made.maximum_rate, made.patience_epochs) == ("one_cycle", "range_test", 20)
    assert (made.momentum, made.weight_averaging, made.task) == (0.9, "ema", "regression")


def test_details_can_be_set_by_their_field_name() -> None:
    assert Recipe.from_values({**VALUES, "range_test_divisor": 4.0}, task="regression").range_test_divisor == 4.0


def test_a_momentum_that_the_optimizer_does_not_need_may_be_null() -> None:
    assert Recipe.from_values({**VALUES, "momentum": None}, task="regression").momentum == 0.95


def test_every_missing_slot_is_named() -> None:
    with pytest.raises(TrainingError) as caught:
        Recipe.from_values({"loss": "mse"}, task="regression")
    assert {finding.place for finding in caught.value.findings} == {
        "optimizer",
        "learning_rate_schedule",
        "maximum_learning_rate",
        "batch_size",
        "max_epochs",
        "early_stopping",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"optimizer": "lion"}, "training has no optimizer 'lion'"),
        ({"loss": "hinge"}, "training has no loss 'hinge'"),
        ({"learning_rate_schedule": "cosine"}, "training has no learning_rate_schedule 'cosine'"),
        ({"maximum_learning_rate": "big"}, "'big' is neither 'range_test' nor a number"),
        ({"maximum_learning_rate": -0.1}, "-0.1 is not a positive rate"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"early_stopping": "restore_most_accurate"}, "numbers have no accuracy"),
    ],
)
def test_values_that_training_does_not_carry_out_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        recipe(**change)


def test_every_choice_and_slot_is_a_field() -> None:
    fields = set(Recipe.__dataclass_fields__)
    assert set(CHOICES) <= fields
    assert set(_SLOT_OF_FIELD) <= fields


def test_weights_decay_by_the_strength_that_is_tried() -> None:
    values = {**VALUES, "regularization": "weight_decay", "regularization_strengths": [0.01, 0.1], "weight_decay": 0.5}
    assert Recipe.from_values(values, task="regression").weight_decay == 0.01
    assert Recipe.from_values(values, task="regression", strength=0.1).weight_decay == 0.1
    none = {**values, "regularization": "none", "regularization_strengths": []}
    assert Recipe.from_values(none, task="regression").weight_decay == 0.5


@pytest.mark.parametrize("wrong", [{"weight_decay": -1.0}, {"plateau_factor": 1.0}, {"plateau_epochs": 0}])
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match=next(iter(wrong))):
        Recipe.from_values({**VALUES, **wrong}, task="regression")
