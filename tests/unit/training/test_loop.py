from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advisor.artifacts import DataBundle, Epoch, Part
from advisor.errors import TrainingError
from advisor.training import history_of, tensorboard_writer, train

from .cases import bundle, network, recipe, statistics, weights_of

pytestmark = pytest.mark.slow


def _train(data: DataBundle, model: Any, **changes: Any) -> Any:
    options = {
        key: changes.pop(key) for key in list(changes) if key in ("callbacks", "on_epoch", "should_stop", "time_budget")
    }
    return train(model, data, recipe(data.task, **changes), seed=1, statistics=statistics(data), **options)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass", "multilabel"])
def test_every_task_learns_and_leaves_the_best_weights(task: str) -> None:
    data = bundle(task, 400)
    model = network(data)
    report = _train(data, model, max_epochs=20, weight_averaging="none", class_weighting="balanced")
    assert report.epochs[-1].loss < report.epochs[0].loss
    best = report.epochs[report.best_epoch - 1]
    assert best.val_loss == report.best_val_loss == min(epoch.val_loss for epoch in report.epochs)
    output = np.asarray(model(data.val.x))
    if task == "regression":
        scale = statistics(data)
        assert scale is not None
        answers = output * scale.target_scale + scale.target_mean
        assert np.sqrt(np.mean((answers - data.val.y) ** 2)) == pytest.approx(best.val_metric, rel=1e-4)
    elif task == "multiclass":
        assert np.mean(output.argmax(axis=1) == data.val.y) == pytest.approx(best.val_metric)
    else:
        assert np.mean((output > 0.5) == data.val.y) == pytest.approx(best.val_metric)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_most_accurate_epoch_can_be_kept_and_the_first_of_several(task: str) -> None:
    data = bundle(task, 400)
    model = network(data)
    report = _train(data, model, max_epochs=20, early_stopping="restore_most_accurate")
    accuracies = [epoch.val_metric for epoch in report.epochs]
    assert report.best_epoch == accuracies.index(max(accuracies)) + 1
    assert report.best_val_loss == report.epochs[report.best_epoch - 1].val_loss
    output = np.asarray(model(data.val.x))
    right = output.argmax(axis=1) == data.val.y if task == "multiclass" else (output > 0.5) == data.val.y
    assert np.mean(right) == pytest.approx(max(accuracies))


def test_inputs_of_any_rank_and_batch_normalization_and_penalties_train() -> None:
    data = bundle("multiclass", 200, shape=(3, 4))
    model = network(data, bn=True, l2=0.01, dropout=0.1)
    before = weights_of(model)
    report = _train(data, model, gradient_clipping=1.0, optimizer="sgd_momentum", maximum_learning_rate="range_test")
    assert report.range_test
    assert report.maximum_learning_rate > 0
    assert weights_of(model) != before


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    data = bundle()
    made = []
    for seed in (1, 1, 2):
        model = network(data, dropout=0.2)
        train(model, data, recipe(maximum_learning_rate="range_test"), seed=seed, statistics=statistics(data))
        made.append(weights_of(model))
    assert made[0] == made[1] != made[2]


def test_the_range_test_leaves_no_trace_but_the_rate() -> None:
    data = bundle()
    tested, given = network(data, dropout=0.2, bn=True), network(data, dropout=0.2, bn=True)
    report = _train(data, tested, maximum_learning_rate="range_test")
    _train(data, given, maximum_learning_rate=report.maximum_learning_rate)
    assert weights_of(tested) == weights_of(given)


def test_averaged_weights_are_what_is_validated_and_delivered() -> None:
    data = bundle(rows=400)
    model, plain = network(data), network(data)
    report = _train(data, model, weight_averaging="ema", averaging_decay=0.9)
    _train(data, plain)
    assert weights_of(model) != weights_of(plain)
    scale = statistics(data)
    assert scale is not None
    error = (np.asarray(model(data.val.x)) * scale.target_scale + scale.target_mean - data.val.y) ** 2
    assert math.sqrt(error.mean()) == pytest.approx(report.epochs[report.best_epoch - 1].val_metric, rel=1e-4)


def test_patience_ends_a_training_that_no_longer_improves() -> None:
    data = bundle(rows=80)
    report = _train(data, network(data), max_epochs=200, patience_epochs=5, learning_rate_schedule="constant")
    assert len(report.epochs) == report.best_epoch + 5
    assert report.events[-1].facts["reason"] == "early_stopping"
    assert not report.interrupted


def test_without_early_stopping_the_last_weights_stay() -> None:
    data = bundle(rows=80)
    report = _train(data, network(data), max_epochs=40, early_stopping="none", maximum_learning_rate=0.05)
    assert report.best_epoch == 40
    assert report.best_val_loss == report.epochs[-1].val_loss


def test_a_diverged_training_starts_anew_at_a_lower_rate_and_says_so() -> None:
    data = bundle()
    model = network(data)
    report = _train(data, model, optimizer="sgd_momentum", maximum_learning_rate=30.0, retry_factor=0.01)
    kinds = [event.kind for event in report.events]
    assert kinds == ["diverged", "retry"] * (len(kinds) // 2)
    assert kinds
    assert report.maximum_learning_rate < 1
    assert len(report.epochs) == 6
    other = network(data)
    _train(data, other, optimizer="sgd_momentum", maximum_learning_rate=report.maximum_learning_rate)
    assert weights_of(model) == weights_of(other)


def test_a_training_that_diverges_at_every_rate_is_an_error() -> None:
    data = bundle()
    with pytest.raises(TrainingError, match="T104 the loss diverged at every learning rate that was tried, down to"):
        _train(
            data, network(data), optimizer="sgd_momentum", maximum_learning_rate=1e6, max_retries=1, retry_factor=0.9
        )


def test_keras_callbacks_hear_of_every_epoch_and_may_stop() -> None:
    import keras

    heard: list[tuple[int, float]] = []

    class Third(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            heard.append((epoch, (logs or {})["val_loss"]))
            assert float(self.model.optimizer.learning_rate) == pytest.approx((logs or {})["learning_rate"])
            self.model.stop_training = epoch == 2

    data = bundle()
    report = _train(data, network(data), callbacks=[Third()])
    assert [epoch for epoch, _ in heard] == [0, 1, 2]
    assert history_of(report.epochs, "regression")["val_loss"] == [loss for _, loss in heard]


def test_progress_is_told_epoch_by_epoch_and_should_stop_interrupts() -> None:
    told: list[tuple[Epoch, int]] = []
    data = bundle()
    report = _train(data, network(data), on_epoch=lambda *pair: told.append(pair), should_stop=lambda: len(told) == 2)
    assert [(epoch.number, planned) for epoch, planned in told] == [(1, 6), (2, 6)]
    assert report.interrupted
    assert len(report.epochs) == 2


def test_a_time_budget_shortens_the_schedule() -> None:
    data = bundle()
    report = _train(data, network(data), max_epochs=1_000_000, time_budget=3.0)
    assert 1 <= len(report.epochs) < 1_000_000
    assert report.seconds < 6
    assert any(event.kind == "shortened" for event in report.events)


def test_fewer_rows_than_a_batch_make_one_step_an_epoch() -> None:
    data = bundle(rows=20)
    report = _train(data, network(data), batch_size=64)
    assert len(report.epochs) == 6


def test_no_validation_rows_is_an_error() -> None:
    data = bundle()
    empty = Part(data.val.x[:0], data.val.y[:0], data.val.rows[:0])
    data = DataBundle(data.task, data.train, empty, data.test, (), ("y",), "empty")
    with pytest.raises(TrainingError, match="T108 there are no validation rows"):
        _train(data, network(data))


def test_learning_curves_are_written_for_tensorboard(tmp_path: Path) -> None:
    import tensorflow as tf

    data = bundle()
    report = _train(data, network(data), on_epoch=tensorboard_writer(tmp_path / "logs", data.task))
    (written,) = (tmp_path / "logs").iterdir()
    curve = {
        event.step: float(tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(str(written))
        for value in event.summary.value
        if value.tag == "val_loss" and value.metadata.plugin_data.plugin_name == "scalars"
    }
    assert curve == {epoch.number: pytest.approx(epoch.val_loss) for epoch in report.epochs}


def test_performance_scheduling_lowers_the_rate_when_validation_stalls() -> None:
    data = bundle(rows=80)
    still = {"maximum_learning_rate": 1e-12, "max_epochs": 7}  # at this rate nothing can get better
    report = _train(data, network(data), learning_rate_schedule="performance", plateau_epochs=2, **still)
    rates = [epoch.learning_rate / 1e-12 for epoch in report.epochs]
    assert rates == pytest.approx([1, 1, 1, 0.5, 0.5, 0.25, 0.25])


def test_decaying_weights_stay_smaller() -> None:
    data = bundle(rows=80)
    sizes = []
    for decay in (0.0, 3.0):
        model = network(data)
        _train(data, model, weight_decay=decay, early_stopping="none")
        sizes.append(sum(float(np.abs(weight).sum()) for weight in model.get_weights()))
    assert sizes[1] < sizes[0]
