"""Two trainings as one report, and what the plan says of each beginning."""

import pytest

from advisor.artifacts import Epoch, Event, TrainingReport
from advisor.pipeline.clock import Clock
from advisor.pipeline.fine_tuning import joined
from advisor.recommendation import recommend


def report(losses, best, first_loss, **more):
    epochs = tuple(Epoch(k, 1.0, loss, 0.5, 0.1, 1.0) for k, loss in enumerate(losses, start=1))
    best_loss = losses[best - 1] if best else first_loss
    events = (Event("stopped", "It stopped."),)
    return TrainingReport(epochs, best, best_loss, more.get("rate", 0.1), (), events, False, 2.0)


def test_the_second_training_s_epochs_count_on():
    found = joined(report([3.0, 2.0], 2, 9.0), report([1.5, 1.0, 1.2], 2, 2.0, rate=0.01))
    assert [epoch.number for epoch in found.epochs] == [1, 2, 3, 4, 5]
    assert (found.best_epoch, found.best_val_loss) == (4, 1.0)
    assert (found.maximum_learning_rate, found.seconds, len(found.events)) == (0.1, 4.0, 2)


def test_a_second_training_that_brings_nothing_leaves_the_first_one_s_best_epoch():
    found = joined(report([3.0, 2.0], 2, 9.0), report([2.5], 0, 2.0))
    assert (found.best_epoch, found.best_val_loss) == (2, 2.0)


def test_an_unlimited_clock_never_ends_and_a_spent_one_leaves_a_second():
    assert Clock(None).share(3) is None
    assert not Clock(None).is_over()
    assert Clock(0.0).is_over()
    assert Clock(0.0).share(2) == 1.0
    assert Clock(100.0).share(4) == pytest.approx(25.0, abs=0.1)


GIVEN = {"pretrained_model_available": True, "similar_task_labeled_rows": 50000, "unlabeled_rows": 50000}


@pytest.mark.parametrize(
    "problem",
    [
        {"task": "binary", "architecture": "dense_stack"},
        {"task": "multiclass", "architecture": "convolutional", "data_kind": "image"},
        {"task": "multiclass", "architecture": "recurrent", "data_kind": "series"},
    ],
)
def test_the_plan_says_that_each_beginning_is_carried_out_and_what_it_costs(problem):
    plan = {step["step"]: step for step in recommend({**problem, **GIVEN}).to_dict()["plan"]}
    for kind in ("reuse", "unsupervised", "auxiliary"):
        assert plan[f"pretrain_{kind}"]["status"] == "carried_out"
    assert "up to 5 further trainings" in plan["pretrain_reuse"]["does"]
    assert "a training on the similar task" in plan["pretrain_auxiliary"]["does"]
