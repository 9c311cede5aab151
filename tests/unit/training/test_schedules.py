from __future__ import annotations

import numpy as np
import pytest

from advisor.training.schedules import constant, lowered, one_cycle, rising_epochs

from .cases import recipe


def test_one_cycle_rises_falls_and_dies_while_momentum_moves_the_other_way() -> None:
    rates, momenta = one_cycle(np.arange(1001), 1001, 1.0, recipe())
    assert rates[0] == pytest.approx(0.1)
    assert rates[450] == pytest.approx(1.0)
    assert rates[900] == pytest.approx(0.1)
    assert rates[1000] == pytest.approx(1e-4)
    assert np.argmax(rates) == np.argmin(momenta) == 450
    assert momenta[0] == pytest.approx(0.95)
    assert momenta[450] == pytest.approx(0.85)
    assert momenta[900:] == pytest.approx(0.95)
    assert np.all(np.diff(rates[:451]) > 0)
    assert np.all(np.diff(rates[450:]) < 0)


def test_one_cycle_depends_on_the_global_step_only() -> None:
    whole = one_cycle(np.arange(40), 40, 0.3, recipe())
    parts = [one_cycle(np.arange(start, start + 10), 40, 0.3, recipe()) for start in range(0, 40, 10)]
    for index in range(2):
        assert np.array_equal(whole[index], np.concatenate([part[index] for part in parts]))


def test_one_cycle_of_a_single_step_stays_finite() -> None:
    rates, _ = one_cycle(np.arange(1), 1, 0.5, recipe())
    assert rates == pytest.approx([0.05])


def test_constant_keeps_the_maximum() -> None:
    rates, momenta = constant(np.arange(3), 3, 0.2, recipe())
    assert rates.tolist() == [0.2] * 3
    assert momenta.tolist() == [0.95] * 3


def test_patience_waits_for_the_rising_half_of_one_cycle_only() -> None:
    assert rising_epochs(100, recipe()) == 45
    assert rising_epochs(100, recipe(learning_rate_schedule="constant")) == 0


def test_performance_scheduling_halves_the_rate_after_epochs_without_a_better_one() -> None:
    chosen = recipe(learning_rate_schedule="performance", plateau_epochs=2)
    losses = [1.0, 0.9, 0.95, 0.9, 0.8, 0.9, 0.9, 0.9, 0.9]
    factors = [lowered(losses[:epochs], chosen) for epochs in range(len(losses) + 1)]
    assert factors == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_other_schedules_are_never_lowered() -> None:
    assert lowered([1.0] * 50, recipe()) == 1.0
