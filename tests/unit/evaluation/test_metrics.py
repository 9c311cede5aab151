from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from advisor.errors import DataError
from advisor.evaluation import expected_calibration_error, measure, primary_metric
from advisor.evaluation.metrics import PRIMARY_METRICS

FINITE = st.floats(-1e3, 1e3, width=32)
UNIT = st.floats(0.0, 1.0, width=32)


@given(arrays(np.float32, (12, 2), elements=FINITE), arrays(np.float32, (12, 2), elements=FINITE))
def test_regression_metrics_are_those_of_their_definitions(y, p):
    found = measure("regression", y, p)
    error = y.astype(float) - p
    assert found.values["rmse"] == pytest.approx(np.sqrt((error**2).mean(axis=0)).mean())
    assert found.values["mae"] == pytest.approx(np.abs(error).mean())
    if found.values["r2"] is None:
        assert found.undefined["r2"] == "The target doesn't vary in these rows."
    else:
        assert found.values["r2"] == pytest.approx(sk.r2_score(y.astype(float), p.astype(float)))


@given(st.lists(st.tuples(st.integers(0, 1), UNIT), min_size=1, max_size=40))
def test_binary_metrics_are_those_of_their_definitions(pairs):
    y, p = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    found = measure("binary", y.astype(np.float32)[:, None], p.astype(np.float32)[:, None])
    predicted = p >= 0.5
    assert found.values["accuracy"] == pytest.approx((predicted == y).mean())
    assert found.values["brier"] == pytest.approx(((p - y) ** 2).mean())
    both = 0 < y.sum() < len(y)
    assert (found.values["auc"] is not None) == both == ("auc" not in found.undefined)
    if both:
        better = [(a > b) + 0.5 * (a == b) for a in p[y == 1] for b in p[y == 0]]
        assert found.values["auc"] == pytest.approx(np.mean(better))
        assert found.values["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, predicted))
    assert (found.values["average_precision"] is None) == (y.sum() == 0)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 3), arrays(np.float64, 4, elements=st.floats(0.01, 1))), min_size=2, max_size=30)
)
def test_multiclass_metrics_are_those_of_their_definitions(pairs):
    y = np.array([pair[0] for pair in pairs])
    p = np.stack([pair[1] / pair[1].sum() for pair in pairs])
    found = measure("multiclass", y, p).values
    assert found["accuracy"] == pytest.approx((p.argmax(axis=1) == y).mean())
    assert found["log_loss"] == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean())
    assert found["macro_f1"] == pytest.approx(sk.f1_score(y, p.argmax(axis=1), average="macro", zero_division=0.0))
    if len(set(y)) > 1:
        recalls = [(p.argmax(axis=1)[y == each] == each).mean() for each in set(y)]
        assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    else:
        assert found["balanced_accuracy"] is None


@settings(max_examples=50)
@given(arrays(np.int8, (9, 3), elements=st.integers(0, 1)), arrays(np.float64, (9, 3), elements=UNIT))
def test_multilabel_metrics_are_those_of_their_definitions(y, p):
    found = measure("multilabel", y, p).values
    predicted = p >= 0.5
    assert found["accuracy"] == pytest.approx((predicted == y).mean())
    assert found["subset_accuracy"] == pytest.approx((predicted == y).all(axis=1).mean())
    assert found["macro_f1"] == pytest.approx(sk.f1_score(y, predicted, average="macro", zero_division=0.0))
    assert (found["mean_average_precision"] is None) == (not y.any())


@pytest.mark.parametrize("task", sorted(PRIMARY_METRICS))
def test_every_task_has_a_primary_metric_that_is_measured_and_fits_json(task):
    y, p = np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.2, 0.8]])
    if task == "binary":
        y, p = y[:, :1], p[:, :1]
    if task == "multiclass":
        y = y[:, 1]
    found = measure(task, y, p)
    assert found.task == task
    assert found.primary is not None
    assert primary_metric(task).name in found.values
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["rows"] == 2
    assert all(value is None or type(value) is float for value in found.values.values())


def test_undefined_metrics_are_none_and_say_why():
    found = measure("binary", np.zeros((3, 1)), np.array([0.1, 0.2, 0.7]))
    assert found.values["auc"] is None
    assert found.undefined["auc"] == "Only one class occurs in these rows."
    assert found.undefined["average_precision"] == "The second class doesn't occur in these rows."
    assert measure("regression", np.ones((1, 1)), np.ones((1, 1))).undefined == {"r2": "R² needs at least two rows."}


def test_the_standard_error_shrinks_with_rows_and_is_right():
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(300):
        y = rng.normal(size=(200, 1))
        errors.append(measure("regression", y, np.zeros((200, 1))))
    observed = np.std([found.primary for found in errors])
    assert np.mean([found.standard_error for found in errors]) == pytest.approx(observed, rel=0.15)
    half = measure("binary", np.array([1, 0] * 50), np.array([0.9, 0.9] * 50))
    assert half.standard_error == pytest.approx(0.05)
    assert measure("binary", np.array([1]), np.array([0.9])).standard_error is None


def test_a_second_column_of_probabilities_is_the_one_of_the_second_class():
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert measure("binary", np.array([0, 1]), p).values == measure("binary", np.array([0, 1]), p[:, 1]).values


@pytest.mark.parametrize(
    ("task", "y", "p", "message"),
    [
        ("regression", [], [], "no rows"),
        ("regression", [[1.0]], [[1.0, 2.0]], "don't fit"),
        ("regression", [[1.0]], [[np.nan]], "isn't a finite number"),
        ("binary", [1], [1.5], "from 0 to 1; found 1.5"),
        ("binary", [1, 0], [0.5], "don't fit"),
        ("multiclass", [3], [[0.5, 0.5]], "class numbers must be from 0 to 1"),
        ("multiclass", [0], [[1.0]], "don't fit"),
        ("multilabel", [[1, 0]], [[0.5]], "don't fit"),
        ("clustering", [1], [1.0], "'clustering' has no metrics"),
    ],
)
def test_what_cannot_be_measured_is_a_data_error(task, y, p, message):
    with pytest.raises(DataError, match=message):
        measure(task, np.array(y), np.array(p))


def test_measuring_changes_nothing_that_is_given():
    p = np.array([[1.0000001, -1e-9]])
    before = p.copy()
    measure("multilabel", np.array([[1, 0]]), p)
    np.testing.assert_array_equal(p, before)


def test_a_perfectly_calibrated_prediction_has_no_calibration_error():
    assert expected_calibration_error(np.full(10, 0.7), np.array([1] * 7 + [0] * 3, bool)) == pytest.approx(0)
    assert expected_calibration_error(np.array([0.9, 0.6]), np.array([True, False])) == pytest.approx(0.35)
    assert expected_calibration_error(np.array([1.0]), np.array([True])) == 0.0


@given(st.lists(st.tuples(UNIT, st.booleans()), min_size=1, max_size=50), st.integers(1, 20))
def test_the_calibration_error_is_the_weighted_mean_gap_of_the_bins(pairs, bins):
    confidence, correct = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    total = 0.0
    for k in range(bins):
        low, high = k / bins, (k + 1) / bins
        inside = (np.ceil(confidence * bins) - 1 == k) | ((k == 0) & (confidence == 0))
        assert (confidence[inside] >= low - 1e-9).all()
        assert (confidence[inside] <= high + 1e-9).all()
        if inside.any():
            total += inside.sum() * abs(correct[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(confidence, correct, bins=bins) == pytest.approx(total / len(pairs), abs=1e-9)


@pytest.mark.parametrize("confidence", [[], [1.2], [-0.1]])
def test_a_calibration_error_of_nothing_is_an_error(confidence):
    with pytest.raises(DataError):
        expected_calibration_error(np.array(confidence), np.ones(len(confidence), bool))
