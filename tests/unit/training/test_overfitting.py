from __future__ import annotations

from advisor.artifacts import Epoch, TrainingReport
from advisor.training import overfits


def _report(pairs: list[tuple[float, float]]) -> TrainingReport:
    epochs = tuple(Epoch(n, loss, val, 0.0, 0.1, 0.0) for n, (loss, val) in enumerate(pairs, start=1))
    best = min(epochs, key=lambda epoch: epoch.val_loss)
    return TrainingReport(epochs, best.number, best.val_loss, 0.1, (), (), False, 0.0)


def test_a_validation_loss_that_rises_while_the_training_loss_falls_is_overfitting() -> None:
    event = overfits(_report([(1, 1), (0.5, 0.6), (0.3, 0.7), (0.2, 0.9)]), largest_gap=2, largest_rise=0.2)
    assert event is not None
    assert event.kind == "overfitting"
    assert "After epoch 2 the validation loss rose by 50%" in event.message


def test_a_wide_gap_at_the_best_epoch_is_overfitting() -> None:
    event = overfits(_report([(1, 1), (0.2, 0.6)]), largest_gap=2, largest_rise=0.2)
    assert event is not None
    assert "3.0 times the training loss" in event.message


def test_a_threshold_that_is_just_met_is_not_overfitting() -> None:
    assert overfits(_report([(1, 1), (0.25, 0.5)]), largest_gap=2, largest_rise=0.2) is None
    assert overfits(_report([(1, 1), (0.5, 0.5), (0.4, 0.625)]), largest_gap=2, largest_rise=0.25) is None


def test_a_training_without_a_better_epoch_says_nothing() -> None:
    report = TrainingReport((), 0, 1.0, 0.1, (), (), True, 0.0)
    assert overfits(report, largest_gap=2, largest_rise=0.2) is None
