import numpy as np
import pytest

from advisor.errors import DataError
from advisor.uncertainty import (
    ValueDistribution,
    bootstrap_band,
    calibrated,
    calibration_error,
    conformal_scores,
    coverage,
    fit_noise,
    fit_temperature,
    mixture_log_density,
    quality_by_coverage,
    reliability_bins,
    split_validation,
    tempered,
)


def test_validation_rows_are_halved_class_by_class():
    y = np.array([0] * 90 + [1] * 10)
    chosen, calibration = split_validation(y, "multiclass", share=0.5, seed=0)
    assert len(calibration) == 50
    assert y[calibration].sum() == 5
    assert sorted([*chosen, *calibration]) == list(range(100))
    assert np.array_equal(calibration, split_validation(y, "multiclass", share=0.5, seed=0)[1])
    assert len(split_validation(y, "multiclass", share=0.2, seed=0)[1]) == 20


@pytest.mark.parametrize(
    ("y", "task", "code"),
    [
        (np.zeros((12, 1)), "regression", "U106"),
        (np.zeros((0, 1)), "regression", "U106"),
        (np.zeros((40, 1)), "binary", "U107"),
    ],
)
def test_too_few_rows_or_one_class_are_refused(y, task, code):
    with pytest.raises(DataError) as caught:
        split_validation(y, task, share=0.5, seed=0)
    assert caught.value.findings[0].code == code


def test_noise_is_found():
    draw = np.random.default_rng(0)
    samples = draw.normal(size=(2000, 1, 1)).repeat(30, axis=1) + 0.1 * draw.normal(size=(2000, 30, 1))
    y = samples.mean(axis=1) + 0.7 * draw.normal(size=(2000, 1))
    noise, degrees = fit_noise(samples, y, [3, 5, 10, 30])
    assert noise == pytest.approx([0.7], rel=0.05)
    assert degrees[0] >= 30


def test_heavy_tails_are_found_and_make_new_rows_likelier():
    draw = np.random.default_rng(0)
    samples = np.zeros((4000, 2, 1))
    y = draw.standard_t(3, size=(4000, 1))
    tried = {"gaussian": fit_noise(samples[:2000], y[:2000]), "tails": fit_noise(samples[:2000], y[:2000], [30, 3, 10])}
    noise, degrees = tried["tails"]
    assert degrees.tolist() == [3.0]
    assert noise == pytest.approx([np.sqrt(3.0)], rel=0.1)  # the standard deviation, not the scale
    density = {
        name: mixture_log_density(samples[2000:], each[0], y[2000:], each[1]).mean() for name, each in tried.items()
    }
    assert density["tails"] > density["gaussian"] + 0.05


def test_exact_answers_have_the_least_noise_whatever_the_tails():
    samples = np.ones((20, 3, 1))
    noise, degrees = fit_noise(samples, np.ones((20, 1)), [3, 5])
    assert 0 < noise[0] < 1e-9
    assert np.isinf(degrees[0])


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_temperature_is_found(task):
    draw = np.random.default_rng(0)
    logits = 2.0 * draw.normal(size=(6000, 1, 3 if task != "binary" else 1))
    p = tempered(logits, 1.0, task)[:, 0]
    if task == "multilabel":
        y = (draw.random(p.shape) < p).astype(float)
    else:
        y = (draw.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature(3.0 * logits, y, task) == pytest.approx(3.0, rel=0.1)


def test_calibrated_intervals_cover_new_rows_as_promised_even_when_the_noise_is_wrong():
    draw = np.random.default_rng(0)

    def data(rows):
        mean = draw.normal(size=(rows, 1, 1))
        return mean.repeat(5, axis=1), mean[:, 0] + draw.standard_t(3, size=(rows, 1))

    samples, y = data(999)
    scores = conformal_scores(samples, np.array([0.1]), y)
    new, truth = data(20_000)
    stated = ValueDistribution(new, np.array([0.1]), scores)
    assert coverage(*stated.interval(0.9), truth[:, 0]) == pytest.approx(0.9, abs=0.03)


def test_calibration_error_is_near_nothing_for_honest_probabilities():
    draw = np.random.default_rng(0)
    confidence = draw.random(20_000)
    right = (draw.random(20_000) < confidence).astype(float)
    assert calibration_error(confidence, right) < 0.015
    assert calibration_error(np.full(100, 0.9), np.zeros(100)) == pytest.approx(0.9)
    assert sum(rows for *_, rows in reliability_bins(confidence, right)) == 20_000
    low, high = bootstrap_band(lambda rows: calibration_error(confidence[rows], right[rows]), 20_000)
    assert low <= calibration_error(confidence, right) <= high


def test_abstaining_from_the_doubtful_rows_improves_the_rest():
    doubt = np.arange(100.0)
    points = quality_by_coverage(doubt, lambda rows: float(rows.mean()))
    assert points[0] == (0.1, pytest.approx(4.5))
    assert points[-1] == (1.0, pytest.approx(49.5))


@pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3), ("multilabel", 2)])
def test_a_temperature_softens_a_single_pass_and_never_changes_its_answer(task, outputs):
    draw = np.random.default_rng(0).uniform(0.01, 0.99, (50, outputs))
    given = draw / draw.sum(axis=1, keepdims=True) if task == "multiclass" else draw
    same, softer = calibrated(given, 1.0, task), calibrated(given, 3.0, task)
    whole = np.hstack([1 - given, given]) if task == "binary" else given
    assert same == pytest.approx(whole, abs=1e-6)
    if task == "multilabel":
        assert ((softer >= 0.5) == (whole >= 0.5)).all()
        assert (np.abs(softer - 0.5) <= np.abs(whole - 0.5) + 1e-6).all()
    else:
        assert (softer.argmax(axis=1) == whole.argmax(axis=1)).all()
        assert softer.sum(axis=1) == pytest.approx(np.ones(50))
        assert (softer.max(axis=1) <= whole.max(axis=1) + 1e-6).all()
