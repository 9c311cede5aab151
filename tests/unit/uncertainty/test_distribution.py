import json
import math
from dataclasses import replace

import numpy as np
import pytest

from advisor.errors import ArtifactError, DataError, RequestError
from advisor.uncertainty import ClassDistribution, Statement, ValueDistribution, tempered


def values(scores=(), noise=0.5):
    samples = np.array([[[1.0], [3.0]], [[10.0], [10.0]]])
    return ValueDistribution(samples, np.array([noise]), np.array(scores, float).reshape(-1, 1))


def test_variance_is_the_networks_and_the_noise_together():
    stated = values()
    assert stated.mean == pytest.approx([2.0, 10.0])
    assert stated.epistemic == pytest.approx([1.0, 0.0])
    assert stated.aleatoric == pytest.approx([0.5, 0.5])
    assert stated.std == pytest.approx([math.sqrt(1.25), 0.5])


def test_density_is_that_of_the_mixture():
    def normal(x, mean):
        return math.exp(-0.5 * ((x - mean) / 0.5) ** 2) / (0.5 * math.sqrt(2 * math.pi))

    expected = [math.log((normal(1.5, 1) + normal(1.5, 3)) / 2), math.log(normal(11, 10))]
    assert values().log_prob([1.5, 11.0]) == pytest.approx(expected)
    with pytest.raises(DataError, match="3 observed values for 2 rows"):
        values().log_prob([1, 2, 3])


def test_density_has_the_tails_of_its_degrees_of_freedom():
    free, scale = 3.0, 0.5 / math.sqrt(3.0)  # a variance of 3 / (3 - 2) times the scale's square

    def student(x, mean):
        front = math.gamma(2.0) / (math.gamma(1.5) * math.sqrt(3.0 * math.pi) * scale)
        return front * (1 + ((x - mean) / scale) ** 2 / free) ** -2

    plain = values()
    stated = ValueDistribution(plain.samples, plain.noise, plain.scores, np.array([free]))
    expected = [math.log((student(1.5, 1) + student(1.5, 3)) / 2), math.log(student(14, 10))]
    assert stated.log_prob([1.5, 14.0]) == pytest.approx(expected)
    assert stated.log_prob([2.0, 14.0])[1] > plain.log_prob([2.0, 14.0])[1]
    assert stated.std == pytest.approx(plain.std)


def test_intervals_are_gaussian_until_they_are_calibrated():
    low, high = values().interval(0.9)
    assert (high - low)[1] == pytest.approx(2 * 1.6448536 * 0.5)
    low, high = values(np.arange(1, 20)).interval(0.9)
    assert (high - low)[1] == pytest.approx(2 * 18 * 0.5)


def test_a_level_that_the_calibration_rows_cannot_promise_is_refused():
    with pytest.raises(RequestError, match=r"highest level is 0\.95"):
        values(np.arange(1, 20)).interval(0.99)


@pytest.mark.parametrize("level", [0, 1, -0.1, 90, "0.9", True])
def test_levels_outside_zero_and_one_are_refused(level):
    with pytest.raises(RequestError) as caught:
        values().interval(level)
    assert caught.value.findings[0].code == "U104"


def test_disagreement_is_mutual_information_and_agreement_is_not():
    agree = ClassDistribution(np.array([[[0.5, 0.5], [0.5, 0.5]]]), "binary", ("no", "yes"))
    differ = ClassDistribution(np.array([[[1.0, 0.0], [0.0, 1.0]]]), "binary", ("no", "yes"))
    assert agree.entropy == pytest.approx([math.log(2)])
    assert differ.entropy == pytest.approx([math.log(2)])
    assert agree.mutual_information == pytest.approx([0.0])
    assert differ.mutual_information == pytest.approx([math.log(2)], rel=1e-6)


def test_log_probabilities_go_by_labels():
    stated = ClassDistribution(np.array([[[0.2, 0.8]], [[0.6, 0.4]]]), "binary", (0, 1))
    assert stated.log_prob([1, 1]) == pytest.approx(np.log([0.8, 0.4]))
    with pytest.raises(DataError, match="'2' is no class"):
        stated.log_prob([1, 2])


def test_temperature_softens_and_keeps_the_ranking():
    logits = np.array([[[4.0, 0.0, -1.0]]])
    cold, warm = tempered(logits, 1.0, "multiclass"), tempered(logits, 4.0, "multiclass")
    assert cold.max() > warm.max()
    assert (np.argsort(cold) == np.argsort(warm)).all()
    assert tempered(np.zeros((1, 1, 1)), 3.0, "binary").tolist() == [[[0.5, 0.5]]]


def test_a_statement_survives_its_file_and_refuses_a_broken_one():
    stated = Statement(
        "regression", "single_pass", 1, 0, (), None, {"one": "litert", "many": "litert"}, 1.0, (0.5,), ((1.0, 2.0),), 2
    )
    assert Statement.from_dict(stated.as_dict(), "x") == stated
    two = replace(stated, noise=(0.5, 0.7), degrees=(math.inf, 5.0))
    assert Statement.from_dict(json.loads(json.dumps(two.as_dict(), allow_nan=False)), "x") == two
    for wrong in ([5.0], [5.0, 2.0], [5.0, "many"]):
        with pytest.raises(ArtifactError, match="can't be used"):
            Statement.from_dict({**two.as_dict(), "degrees": wrong}, "x")
    with pytest.raises(ArtifactError, match="version 99"):
        Statement.from_dict({**stated.as_dict(), "statement_version": 99}, "x")
    with pytest.raises(ArtifactError, match="noise"):
        Statement.from_dict({k: v for k, v in stated.as_dict().items() if k != "noise"}, "x")
