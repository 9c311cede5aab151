from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from advisor.artifacts import DataBundle, Part, Statistics
from advisor.evaluation import compare_with_baselines, measure, measure_baselines
from advisor.evaluation.baselines import Baseline
from advisor.evaluation.columns import LinearLayout, tree_table
from advisor.evaluation.metrics import Metrics


@dataclass(frozen=True)
class Column:
    kind: str
    cardinality: int = 0


NUMBERS = (Column("numeric"), Column("numeric"))
MIXED = (Column("numeric"), Column("code", 5), Column("boolean"))


def bundle(task, x, y, classes=()):
    cuts = int(len(x) * 0.6), int(len(x) * 0.8)
    parts = [
        Part(a, b, np.arange(len(a)))
        for a, b in zip(np.split(x.astype(np.float32), cuts), np.split(y, cuts), strict=True)
    ]
    return DataBundle(task, *parts, classes=classes, target_names=("t",), sha256="0")


def linear_data(rows=400):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 2)) * [1, 1000] + [0, 5000]
    y = (x @ [2.0, 0.003] + 0.01 * rng.normal(size=rows))[:, None]
    return x, y.astype(np.float32)


def by_name(baselines):
    return {baseline.name: baseline for baseline in baselines}


def test_a_linear_model_wins_on_linear_data():
    x, y = linear_data()
    found = by_name(measure_baselines(bundle("regression", x, y), NUMBERS, seed=0))
    assert list(found) == ["mean", "linear", "boosted_trees"]
    assert found["linear"].metrics.primary < 0.02
    assert found["linear"].metrics.primary < found["boosted_trees"].metrics.primary < found["mean"].metrics.primary
    assert found["mean"].metrics.values["r2"] <= 0
    assert all(baseline.seconds > 0 and baseline.rows == 240 for baseline in found.values())


def test_standardized_targets_are_measured_in_the_users_units():
    x, y = linear_data()
    statistics = Statistics(np.zeros(2), np.ones(2), np.zeros(2, bool), y.mean(axis=0), y.std(axis=0))
    scaled = bundle("regression", x, ((y - y.mean(axis=0)) / y.std(axis=0)).astype(np.float32))
    raw = measure_baselines(bundle("regression", x, y), NUMBERS, seed=0)
    for a, b in zip(measure_baselines(scaled, NUMBERS, seed=0, statistics=statistics), raw, strict=True):
        assert a.metrics.primary == pytest.approx(b.metrics.primary, rel=0.02)


def mixed_data(rows=300):
    rng = np.random.default_rng(1)
    code = rng.integers(2, 5, rows)
    number = rng.normal(size=rows)
    y = ((code == 3) ^ (number > 1.5)).astype(np.float32)
    number[::7] = np.nan
    code[::11] = 0
    return np.stack([number, code, rng.integers(0, 2, rows)], axis=1), y


def test_categories_and_missing_values_are_used():
    x, y = mixed_data()
    found = by_name(measure_baselines(bundle("binary", x, y[:, None], ("no", "yes")), MIXED, seed=0))
    assert found["linear"].metrics.values["auc"] > 0.85
    assert found["boosted_trees"].metrics.values["auc"] > 0.85
    assert found["majority"].metrics.values["auc"] == 0.5
    json.dumps([baseline.as_dict() for baseline in found.values()], allow_nan=False)


def test_several_classes_and_labels_are_fitted():
    x, y = mixed_data()
    classes = (y + 2 * (x[:, 2] == 1)).astype(np.int32)
    for task, target in (("multiclass", classes), ("multilabel", np.stack([y, x[:, 2]], axis=1).astype(np.float32))):
        found = by_name(measure_baselines(bundle(task, x, target, tuple("abcd")), MIXED, seed=0))
        assert found["linear"].metrics.primary > found["majority"].metrics.primary
        assert found["boosted_trees"].metrics.primary > 0.8


def test_a_class_that_training_rows_lack_is_no_obstacle():
    x, y = mixed_data(60)
    y = y.astype(np.int32)
    y[-5:] = 2
    found = measure_baselines(bundle("multiclass", x, y, ("a", "b", "c")), MIXED, seed=0)
    assert all(np.isfinite(baseline.metrics.primary) for baseline in found)
    one_class = measure_baselines(bundle("binary", x, np.zeros((60, 1), np.float32), ("a", "b")), MIXED, seed=0)
    assert all(baseline.metrics.primary == 1.0 for baseline in one_class)


def test_a_large_table_is_cut_to_bound_the_time_and_says_so():
    x, y = linear_data()
    found = by_name(measure_baselines(bundle("regression", x, y), NUMBERS, seed=0, largest_table_cells=100))
    assert found["linear"].rows == 50
    assert found["linear"].notes == ("Fitted on 50 of 240 training rows, drawn at random, to bound its time.",)
    assert found["mean"].notes == ()


def test_the_same_seed_gives_the_same_metrics():
    x, y = linear_data()
    data = bundle("regression", x, y)
    first, second = (measure_baselines(data, NUMBERS, seed=3, largest_table_cells=200) for _ in range(2))
    assert [each.metrics for each in first] == [each.metrics for each in second]


def test_a_linear_model_sees_scaled_numbers_flags_and_one_slot_for_each_code():
    x = np.array([[1.0, 2, 0], [np.nan, 3, 1], [3.0, 3, 1]], np.float32)
    layout = LinearLayout.fit(MIXED, x)
    expected = [[-1, -np.sqrt(2), 0, 1, 0], [0, np.sqrt(0.5), 1, 0, 1], [1, np.sqrt(0.5), 0, 0, 1]]
    np.testing.assert_allclose(layout.apply(x).toarray(), expected, atol=1e-6)
    unseen = np.array([[2.0, 4, 0]], np.float32)
    assert layout.apply(unseen).toarray()[0, 3:].tolist() == [0, 0]


def test_an_empty_column_and_no_numbers_are_no_obstacle():
    x = np.full((4, 1), np.nan, np.float32)
    assert np.isfinite(LinearLayout.fit([Column("numeric")], x).apply(x)).all()
    codes = np.array([[2.0], [3.0]], np.float32)
    assert LinearLayout.fit([Column("code", 4)], codes).apply(codes).shape == (2, 2)


def test_trees_see_missing_codes_as_missing_and_very_many_codes_as_numbers():
    table, categorical = tree_table([Column("code", 5), Column("code", 900)], np.array([[0.0, 700.0]]))
    assert np.isnan(table[0, 0])
    assert table[0, 1] == 700
    assert categorical == [True, False]


def test_very_many_codes_are_fitted():
    rng = np.random.default_rng(0)
    x = rng.integers(2, 2000, (500, 1)).astype(np.float32)
    y = (x > 1000).astype(np.float32)
    found = by_name(measure_baselines(bundle("binary", x, y, ("a", "b")), [Column("code", 2000)], seed=0))
    assert found["boosted_trees"].metrics.primary > 0.9


def result(primary, error=0.005, task="regression", **more):
    name = "accuracy" if task == "binary" else "rmse"
    contributions = np.random.default_rng(round(1000 * primary)).normal(primary, error * np.sqrt(1000), 1000)
    return Metrics(task, {name: primary, **more}, {}, 1000, contributions)


def sentences(net, constant, linear, trees):
    names = (("mean", "predicting the mean"), ("linear", "linear model"), ("boosted_trees", "gradient boosting"))
    return compare_with_baselines(
        net, [Baseline(*name, m, 0.1, 10) for name, m in zip(names, (constant, linear, trees), strict=True)]
    )


def test_the_wrong_tool_is_named_plainly():
    found = sentences(result(0.5), result(1.0), result(0.6), result(0.4))
    assert found[2].startswith("On 1000 test rows the deep net's root mean squared error is 0.5, ")
    assert found[2].endswith("clearly worse than the 0.4 of gradient boosting.")
    assert found[-1] == (
        "A deep net is the wrong tool for these data: gradient boosting did clearly better on the same rows."
    )
    both = sentences(result(0.5), result(1.0), result(0.3), result(0.4))
    assert "the linear model and gradient boosting did clearly better" in both[-1]


def test_a_draw_with_a_simpler_model_recommends_the_simpler_one():
    assert "prefer the linear model" in sentences(result(0.5), result(1.0), result(0.501), result(0.6))[-1]
    assert "about equal" in sentences(result(0.5), result(1.0), result(0.7), result(0.499))[-1]


def test_a_clear_win_and_learning_nothing_are_said():
    assert "good choice" in sentences(result(0.5), result(1.0), result(0.7), result(0.8))[-1]
    assert "learned nothing" in " ".join(sentences(result(1.0), result(1.0), result(0.7), result(0.8)))


def forecast(net, naive, season, ridge, **more):
    names = (
        ("naive", "the last value again"),
        ("seasonal_naive", "the last season again"),
        ("ridge", "ridge regression"),
    )
    found = [Baseline(*name, result(error), 0.1, 10) for name, error in zip(names, (naive, season, ridge), strict=True)]
    return compare_with_baselines(result(net), found, **more)


def test_a_forecast_is_judged_beside_repeating_and_beside_ridge_regression():
    assert "prefer ridge regression, which" in forecast(0.5, 1.0, 0.8, 0.499)[-1]
    assert "wrong tool for these data: ridge regression did" in forecast(0.5, 1.0, 0.8, 0.4)[-1]
    assert "nothing here that the last season again doesn't give" in " ".join(forecast(0.5, 1.0, 0.5, 0.7))
    assert "good choice" in forecast(0.5, 1.0, 0.8, 0.7)[-1]


def test_a_training_that_was_cut_short_is_not_the_last_word():
    assert "with more time it may do better" in forecast(0.5, 1.0, 0.8, 0.4, cut_short=True)[-1]
    assert "good choice" in forecast(0.5, 1.0, 0.8, 0.7, cut_short=True)[-1]


def test_the_simpler_models_are_not_held_to_the_requirements():
    assert "keep what is required here was not measured" in forecast(0.5, 1.0, 0.8, 0.4, required=True)[-1]
    assert "good choice" in forecast(0.5, 1.0, 0.8, 0.7, required=True)[-1]


def test_rare_classes_are_judged_by_balanced_accuracy():
    net = result(0.98, task="binary", balanced_accuracy=0.8)
    majority = Baseline("majority", "the majority class", result(0.977, task="binary", balanced_accuracy=0.5), 0.1, 9)
    assert (
        "judged by balanced accuracy, the deep net reaches 0.8 against the 0.5"
        in compare_with_baselines(net, [majority])[-1]
    )


@pytest.mark.parametrize(("worse_by", "word"), [(0.1, "clearly worse than"), (0.005, "not clearly different from")])
def test_models_are_compared_row_by_row_and_trifles_are_not_clear(worse_by, word):
    rng = np.random.default_rng(0)
    errors = rng.standard_t(3, (400, 1))  # a few rows that are hard for both make up most of the error
    zeros = np.zeros((400, 1))
    trees = Baseline("boosted_trees", "gradient boosting", measure("regression", zeros, errors), 0.1, 10)
    net = measure("regression", zeros, errors * (1 + worse_by))
    assert net.standard_error > 0.05 * net.primary
    assert word in compare_with_baselines(net, [trees])[0]


@pytest.mark.parametrize(("overlapping", "word"), [(1, "clearly better than"), (24, "not clearly different from")])
def test_windows_of_forecasts_that_overlap_count_once(overlapping, word):
    rng = np.random.default_rng(4)
    stretches = (rng.normal(size=(8, 1)) + 1 for _ in range(2))
    mine, theirs = (np.repeat(each, 24, axis=0) for each in stretches)
    zeros = np.zeros_like(mine)
    ridge = Baseline("ridge", "ridge regression", measure("forecasting", zeros, theirs), 0.1, 10)
    found = compare_with_baselines(measure("forecasting", zeros, mine), [ridge], overlapping=overlapping)
    assert word in found[0]


def test_one_stretch_of_windows_says_nothing():
    zeros = np.zeros((30, 1))
    ridge = Baseline("ridge", "ridge regression", measure("forecasting", zeros, zeros + 1), 0.1, 10)
    found = compare_with_baselines(measure("forecasting", zeros, zeros + 2), [ridge], overlapping=24)
    assert "not clearly different from" in found[0]


def test_a_real_comparison_reads_whole():
    x, y = linear_data()
    data = bundle("regression", x, y)
    net = measure("regression", data.test.y, data.test.y + 1)
    assert "wrong tool" in compare_with_baselines(net, measure_baselines(data, NUMBERS, seed=0))[-1]
