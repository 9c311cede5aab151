"""The recipe of a training, fitted to what the network costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.builder import compiles_well
from advisor.training import Recipe


def recipe_for(core: Any, values: Mapping[str, Any], task: str, strength: float | None = None) -> Recipe:
    """Return the recipe that the recommendation states, with the means that this network trains fastest by.

    A network that XLA slows down (convolutions), and one that is trained in few steps, is trained as a plain graph.

    Args:
        core: The built network.
        values: Slot → value.
        task: The problem's task.
        strength: The regularization strength that is tried; None takes the first one that is listed.

    Raises:
        TrainingError: If a slot is missing or can't be carried out.
    """
    recipe = Recipe.from_values(values, task=task, strength=strength)
    return replace(recipe, compiled=recipe.compiled and compiles_well(core))


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
    return replace(recipe, compiled=recipe.compiled and values.get("convolution", "none") == "none")
