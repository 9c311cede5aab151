from __future__ import annotations

import numpy as np
import pytest

from advisor.builder.statistics import fit_statistics, initial_output_bias, target_scaling
from advisor.errors import BuildError

from .conftest import COLUMNS, Column, table

NUMBER = (Column("x", "numeric"),)


def fit(y, scaling="standardize", output="linear"):
    x = np.zeros((len(y), 1), np.float32)
    return fit_statistics(x, NUMBER, np.asarray(y), "regression", scaling, output_activation=output)


def test_mean_and_scale_ignore_missing_values_and_are_computed_in_double_precision():
    x = table()
    statistics = fit_statistics(x, COLUMNS, None, "binary", "none")
    price = x[:, 0].astype(np.float64)
    assert statistics.mean[0] == pytest.approx(np.nanmean(price), rel=1e-14)
    assert statistics.scale[0] == pytest.approx(np.nanstd(price), rel=1e-12)
    assert statistics.has_missing.tolist() == [True, False, True, True, False, False, True]
    assert statistics.target_mean is None


def test_constant_empty_boolean_and_code_columns_have_scale_one():
    statistics = fit_statistics(table(), COLUMNS, None, "binary", "none")
    assert statistics.scale[[2, 3, 4, 5, 6]].tolist() == [1.0] * 5
    assert statistics.mean[4] == np.float32(0.1)
    assert statistics.mean[[3, 5, 6]].tolist() == [0.0] * 3
    assert 0.2 < statistics.mean[2] < 0.8


def test_infinite_inputs_are_refused_with_the_name_of_the_column():
    x = table()
    x[3, 1] = np.inf
    with pytest.raises(BuildError, match=r"'year:days'.*B108"):
        fit_statistics(x, COLUMNS, None, "binary", "none")


@pytest.mark.parametrize("shape", [(0, 7), (5, 6), (7,)])
def test_rows_of_another_shape_are_refused(shape):
    with pytest.raises(BuildError, match="training rows have shape"):
        fit_statistics(np.zeros(shape, np.float32), COLUMNS, None, "binary", "none")


def test_targets_are_standardized_only_where_the_output_reaches_everything():
    assert target_scaling("standardize", "linear") == "standardize"
    assert target_scaling("standardize", "softplus") == "scale"
    assert target_scaling("scale", "sigmoid") == "interval"
    assert target_scaling("none", "softplus") == "none"


def test_positive_targets_stay_positive_when_scaled():
    statistics = fit([10.0, 20.0, 30.0], output="softplus")
    assert statistics.target_mean.tolist() == [0.0]
    assert statistics.target_scale[0] == pytest.approx(np.std([10, 20, 30]))


@pytest.mark.parametrize(("output", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1)])
def test_bounded_targets_are_mapped_inside_the_range_of_the_output(output, low, high):
    y = np.array([[-5.0], [0.0], [95.0]])
    statistics = fit(y, output=output)
    scaled = (y - statistics.target_mean) / statistics.target_scale
    margin = 0.02 * (high - low)
    assert scaled.min() == pytest.approx(low + margin)
    assert scaled.max() == pytest.approx(high - margin)


def test_targets_that_lie_in_the_range_already_are_left_alone():
    statistics = fit([0.0, 0.4, 1.0], output="sigmoid")
    assert (statistics.target_mean.tolist(), statistics.target_scale.tolist()) == ([0.0], [1.0])


@pytest.mark.parametrize(
    ("y", "scaling", "output"), [([-1.0, 2.0], "standardize", "softplus"), ([3.0, 9.0], "none", "tanh")]
)
def test_targets_that_the_output_cannot_reach_are_refused(y, scaling, output):
    with pytest.raises(BuildError, match=r"B107.*can't be reached"):
        fit(y, scaling, output)


def test_targets_that_are_missing_are_refused():
    with pytest.raises(BuildError, match="missing or infinite"):
        fit([1.0, np.nan])


def test_an_unknown_target_scaling_is_refused():
    with pytest.raises(BuildError, match="standardize, scale, none"):
        fit([1.0, 2.0], "log")


@pytest.mark.parametrize(
    ("task", "output", "y", "answer"),
    [
        ("regression", "linear", [[1.0], [3.0]], [0.0]),
        ("regression", "softplus", [[1.0], [3.0]], [2.0]),
        ("regression", "tanh", [[-0.5], [0.1]], [-0.2]),
        ("binary", "sigmoid", [[0.0], [0.0], [1.0]], [2 / 5]),
        ("multilabel", "sigmoid", [[0, 1], [0, 1]], [1 / 4, 3 / 4]),
        ("multiclass", "softmax", [0, 0, 1], [3 / 6, 2 / 6, 1 / 6]),
    ],
)
def test_the_first_bias_answers_the_mean_or_the_shares(task, output, y, answer):
    functions = {
        "linear": lambda z: z,
        "softplus": lambda z: np.log1p(np.exp(z)),
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
        "softmax": lambda z: np.exp(z) / np.exp(z).sum(),
    }
    y = np.asarray(y)
    x = np.zeros((len(y), 1), np.float32)
    statistics = fit_statistics(x, NUMBER, y, task, "standardize", output_activation=output)
    bias = initial_output_bias(y, statistics, task=task, outputs=len(answer), output_activation=output)
    wanted = np.array(answer) / (1.0 if statistics.target_scale is None else statistics.target_scale)
    np.testing.assert_allclose(functions[output](bias.astype(np.float64)), wanted, rtol=1e-5, atol=1e-6)
