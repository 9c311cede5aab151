import pytest

from advisor.pipeline import fitting
from advisor.pipeline.clock import Clock
from advisor.pipeline.fitting import Trial
from advisor.recommendation import recommend


class Report:
    events = ()
    best_val_loss = 0.0


def tried(monkeypatch, scores, given):
    """Return the titles of the networks that are trained when they are judged like this, and what is told."""
    told, waiting = [], iter(scores)

    def fit_one(prepared, candidate, *rest):
        return Trial(candidate, None, Report(), next(waiting))

    monkeypatch.setattr(fitting, "_fit_one", fit_one)
    trials = fitting._fit_all(None, recommend(given), "first", Clock(None), None, None, False, None, told.append)
    return [trial.candidate.rate for trial in trials], told


@pytest.mark.parametrize(
    ("scores", "rates"),
    [((3.0, 3.1), [0.001, 0.005]), ((3.0, 2.9, 2.8), [0.001, 0.005, 0.02]), ((3.0, 2.9, 2.95), [0.001, 0.005, 0.02])],
)
def test_rates_of_alpha_dropout_rise_until_one_is_worse(monkeypatch, scores, rates):
    found, told = tried(
        monkeypatch, scores, {"task": "regression", "architecture": "dense_stack", "risk_sensitive": True}
    )
    assert found == rates
    assert [event.facts["left_out"] for event in told] == ([[0.02]] if len(rates) == 2 else [])


def test_each_strength_has_a_search_of_its_own_and_ordinary_dropout_tries_every_rate(monkeypatch):
    given = {"task": "binary", "architecture": "dense_stack", "risk_sensitive": True, "sparsity": "sparse"}
    advice = recommend(given)
    count = len(advice.values["regularization_strengths"]) * len(advice.values["dropout_rates"])
    found, told = tried(monkeypatch, range(count), given)
    assert len(found) == count
    assert not told
