"""Damage is what the settings say, and losses are 0 exactly where everything is restored."""

import math

import numpy as np
import pytest

from advisor.errors import TrainingError
from advisor.training.unsupervised import METHODS_WITHOUT_LABELS, Settings
from advisor.training.unsupervised.damage import damage_layers
from advisor.training.unsupervised.restoring import loss_layers
from advisor.training.unsupervised.steps import step_layers

VALUES = {
    "unsupervised_method": "denoising_autoencoder",
    "damage_rate": 0.3,
    "patch_size": 2,
    "unsupervised_optimizer": "nadam",
    "unsupervised_rate": 0.001,
    "unsupervised_batch_size": 32,
    "unsupervised_epochs": 2,
    "unsupervised_patience": 5,
    "unsupervised_held_out": 0.1,
}


def rows(count, width, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def test_swapped_values_come_from_the_same_column_at_about_the_given_rate():
    x = rows(400, 5) + 100 * np.arange(5, dtype=np.float32)
    layer = damage_layers().swap_values(0.3, seed=1)
    damaged = np.asarray(layer(x, training=True))
    for column in range(5):
        assert set(damaged[:, column]) <= set(x[:, column])
    assert 0.25 < (damaged != x).mean() < 0.35


def test_missing_values_and_codes_are_swapped_as_they_are():
    x = np.array([[np.nan, 3.0], [1.0, 0.0], [2.0, 1.0], [np.nan, 2.0]] * 50, np.float32)
    damaged = np.asarray(damage_layers().swap_values(0.5, seed=1)(x, training=True))
    assert set(np.unique(damaged[:, 1])) <= {0.0, 1.0, 2.0, 3.0}
    assert 0.3 < np.isnan(damaged[:, 0]).mean() < 0.7


@pytest.mark.parametrize("kind", ["swap_values", "hide_patches", "hide_steps"])
def test_damage_is_new_in_each_step_of_training_and_the_same_in_every_validation(kind):
    more = {"patch": 2} if kind == "hide_patches" else {}
    shape = {"swap_values": (64, 6), "hide_patches": (64, 8, 8, 1), "hide_steps": (64, 9, 3)}[kind]
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    layer = getattr(damage_layers(), kind)(0.5, 3, **more)
    first, second = (np.asarray(layer(x, training=True)) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(layer(x, training=False), layer(x, training=False))
    assert (np.asarray(layer(x, training=False)) != x).any()


def test_patches_are_hidden_as_a_whole_also_at_the_edge():
    x = np.ones((200, 7, 5, 2), np.float32)
    damaged = np.asarray(damage_layers().hide_patches(0.5, 3, patch=3)(x, training=True))
    patches = damaged[:, :3, :3].reshape(200, -1)
    assert set(patches.mean(axis=1)) == {0.0, 1.0}
    assert set(damaged[:, 6:, 3:].reshape(200, -1).mean(axis=1)) == {0.0, 1.0}
    assert 0.4 < damaged.mean() < 0.6


def test_hidden_steps_keep_the_flag_that_they_exist():
    x = np.ones((100, 6, 3), np.float32)
    damaged = np.asarray(damage_layers().hide_steps(0.4, 3)(x, training=True))
    np.testing.assert_array_equal(damaged[:, :, -1], 1.0)
    assert set(np.unique(damaged[:, :, :-1].sum(axis=2))) == {0.0, 2.0}


def test_the_loss_of_a_table_is_zero_where_restored_and_one_for_a_guess():
    x = np.array([[3.0, 2.0, np.nan]], np.float32)
    layer = loss_layers().table_loss([0, 2], [1.0, 0.0], [0.5, 1.0], [[1, 4]], 3.0)
    sure = np.array([[1.0, 9.9, -50, -50, 50, -50]], np.float32)
    assert float(layer([x, sure])[0, 0]) == pytest.approx(0.0, abs=1e-6)
    guess = np.array([[0.0, 9.9, 0, 0, 0, 0]], np.float32)
    assert float(layer([x, guess])[0, 0]) == pytest.approx((1.0 + 1.0) / 3)


def test_far_numbers_count_linearly():
    x = np.array([[10.0]], np.float32)
    layer = loss_layers().table_loss([0], [0.0], [1.0], [], 3.0)
    assert float(layer([x, np.zeros((1, 1), np.float32)])[0, 0]) == pytest.approx(3 * (2 * 10 - 3))


def test_the_loss_of_pictures_is_the_mean_squared_error_of_each():
    x = rows(3, 8).reshape(3, 2, 2, 2)
    layer = loss_layers().value_loss()
    np.testing.assert_allclose(layer([x, x * 0])[:, 0], (x**2).reshape(3, -1).mean(axis=1), rtol=1e-5)


def test_a_step_is_held_against_the_next_one_and_padding_counts_nothing():
    steps = np.array([[[1.0, 1], [2.0, 1], [4.0, 1], [0.0, 0]]], np.float32)
    said = np.array([[[2.0], [4.0], [7.0], [7.0]]], np.float32)
    assert float(step_layers().step_loss(shift=1)([steps, said])[0, 0]) == 0.0
    before = np.array([[[9.0], [1.0], [2.0], [9.0]]], np.float32)
    found = float(step_layers().step_loss(shift=-1)([steps, before])[0, 0])
    assert found == 0.0
    restored = np.array([[[1.0], [2.0], [5.0], [9.0]]], np.float32)
    assert float(step_layers().step_loss(shift=0)([steps, restored])[0, 0]) == pytest.approx(1 / 3)


def test_words_are_told_from_words_drawn_at_random():
    codes = np.array([[[2, 0], [5, 0], [0, 0]]], np.float32)
    said = rows(3, 4)[None]
    layer = step_layers().word_loss(words=6, first=2, negatives=6, shift=1, seed=1)
    untrained = float(layer([codes, said], training=False)[0, 0])
    assert 0 < untrained < 3 * math.log(6)
    layer.bias.assign(np.array([0, 0, 0, 40, 0, 0], np.float32))
    assert float(layer([codes, said], training=False)[0, 0]) == pytest.approx(0.0, abs=1e-3)
    padding = np.zeros_like(codes)
    assert float(layer([padding, said], training=False)[0, 0]) == 0.0


def test_settings_are_read_from_the_slots():
    settings = Settings.from_values(VALUES)
    assert (settings.damage_rate, settings.batch_size, settings.rate) == (0.3, 32, 0.001)
    recipe = settings.recipe(compiled=False)
    assert (recipe.optimizer, recipe.max_epochs, recipe.compiled) == ("nadam", 2, False)
    recipe.check()


@pytest.mark.parametrize("slot", sorted(set(VALUES) - {"damage_rate", "patch_size"}))
def test_a_setting_that_is_not_decided_is_named(slot):
    with pytest.raises(TrainingError, match=rf"T120.*\n?.*{slot}"):
        Settings.from_values({**VALUES, slot: None})


@pytest.mark.parametrize(
    ("slot", "value"),
    [("unsupervised_method", "none"), ("damage_rate", 1.0), ("patch_size", 0), ("unsupervised_held_out", 0.0)],
)
def test_a_setting_that_can_not_be_carried_out_is_refused(slot, value):
    with pytest.raises(TrainingError, match=rf"T121.*{slot}|{slot}.*T121"):
        Settings.from_values({**VALUES, slot: value})


def test_the_body_is_found_by_the_names_that_the_builder_gives():
    from advisor.builder import core, image_inputs, series_inputs, text_inputs
    from advisor.training.unsupervised import structure

    assert core.OUTPUT == structure.OUTPUT
    kinds = (image_inputs.STANDARDIZED, series_inputs.STANDARDIZED, text_inputs.EMBEDDED)
    assert kinds == structure.PREPARED


def test_every_method_of_the_rulebooks_is_carried_out():
    from advisor.recommendation.capabilities import CARRIED_OUT

    assert set(CARRIED_OUT["unsupervised_method"]) == {"none", *METHODS_WITHOUT_LABELS}
