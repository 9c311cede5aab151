"""The recipe of a training, fitted to what the network costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.builder import compiles_well
from advisor.training import Recipe

COSTLY_RANGE_TEST_STEPS = 100
"""Steps of the one range test of a network whose steps are costly: as many as a quick test needs to pass from the
lowest rate to the highest (HOML2 ch. 11: a few hundred). The median of three tests is for small tables, whose batches
differ most."""


def recipe_for(core: Any, values: Mapping[str, Any], task: str, strength: float | None = None) -> Recipe:
    """Return the recipe that the recommendation states, with the means that this network trains fastest by.

    A network that XLA slows down (convolutions) is trained as a plain graph, and gets one shorter range test instead of
    three: at 0.2 s a step, three tests of 300 steps would take three minutes before the first epoch.

    Args:
        core: The built network.
        values: Slot → value.
        task: The problem's task.
        strength: The regularization strength that is tried; None takes the first one that is listed.

    Raises:
        TrainingError: If a slot is missing or can't be carried out.
    """
    recipe = Recipe.from_values(values, task=task, strength=strength)
    return recipe if compiles_well(core) else _spared(recipe)


def recipe_of(values: Mapping[str, Any], task: str, strength: float | None = None) -> Recipe:
    """Return the recipe of :func:`recipe_for` for a network that nobody has built yet.

    Args:
        values: Slot → value.
        task: The problem's task.
        strength: The regularization strength that is tried; None takes the first one that is listed.

    Raises:
        TrainingError: If a slot is missing or can't be carried out.
    """
    recipe = Recipe.from_values(values, task=task, strength=strength)
    return recipe if values.get("convolution", "none") == "none" else _spared(recipe)


def _spared(recipe: Recipe) -> Recipe:
    """Return the recipe of a network whose steps are costly and aren't compiled."""
    steps = min(recipe.range_test_steps, COSTLY_RANGE_TEST_STEPS)
    return replace(recipe, compiled=False, range_test_repeats=1, range_test_steps=steps)
