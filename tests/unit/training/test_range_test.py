from __future__ import annotations

import numpy as np
import pytest

from advisor.errors import TrainingError
from advisor.training.range_test import rates_of, read_curve

from .cases import recipe


def _losses(rates: np.ndarray, explode_at: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.05, len(rates))
    falling = 1 / (1 + 100 * rates) + noise
    return np.where(rates < explode_at, falling, np.inf)


def test_the_maximum_lies_a_divisor_below_where_the_loss_shoots_up() -> None:
    chosen = recipe(range_test_steps=300)
    rates = rates_of(chosen)
    found = read_curve(rates, _losses(rates, 0.5), chosen)
    assert found.blow_up_rate == pytest.approx(0.5, rel=0.1)
    assert found.maximum_rate == pytest.approx(found.blow_up_rate / 10)
    assert len(found.curve) < 300
    assert all(np.isfinite(loss) for _, loss in found.curve)


def test_momentum_keeps_less_distance_than_adaptive_methods_unless_the_recipe_says_so() -> None:
    rates = rates_of(recipe(range_test_steps=300))
    losses = _losses(rates, 0.5)
    maxima = [
        read_curve(rates, losses, recipe(range_test_steps=300, **changes)).maximum_rate
        for changes in ({"optimizer": "sgd_momentum"}, {"optimizer": "nadam"}, {"range_test_divisor": 5.0})
    ]
    assert maxima[0] > maxima[2] > maxima[1]


def test_nan_counts_as_shooting_up() -> None:
    chosen = recipe(range_test_steps=100)
    losses = np.ones(100)
    losses[70:] = np.nan
    found = read_curve(rates_of(chosen), losses, chosen)
    assert found.blow_up_rate == pytest.approx(rates_of(chosen)[70])


def test_a_loss_that_never_shoots_up_gives_the_rate_of_the_lowest_loss() -> None:
    chosen = recipe(range_test_steps=200)
    rates = rates_of(chosen)
    found = read_curve(rates, np.abs(np.log10(rates) + 1) / 4 + 1, chosen)
    assert found.blow_up_rate is None
    assert found.maximum_rate == pytest.approx(0.1, rel=0.8)


def test_rows_learned_by_heart_give_the_rate_at_which_they_were() -> None:
    chosen = recipe(range_test_steps=200, range_test_smoothing=0.0)
    rates = rates_of(chosen)
    losses = np.where(rates < 0.01, 2.0, 2.0 * (0.01 / rates) ** 2)
    found = read_curve(rates, losses, chosen)
    assert found.blow_up_rate is None
    assert found.maximum_rate == pytest.approx(0.01 / np.sqrt(chosen.range_test_learned), rel=0.1)


def test_a_loss_that_is_not_finite_at_the_lowest_rate_is_an_error() -> None:
    chosen = recipe()
    with pytest.raises(TrainingError, match="T103 the training loss is not finite at the lowest learning rate"):
        read_curve(rates_of(chosen), np.full(60, np.nan), chosen)
