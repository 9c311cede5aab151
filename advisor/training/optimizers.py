"""The optimizers' arithmetic, as short as in their papers and equal to Keras's (tested).

Every number that depends only on the step (rate, momentum, bias corrections) is computed before the epoch, in float64,
by ``coefficients``; one row of them enters the step as float32. What is left for the graph is the update itself, and
the only state is one variable per slot and weight: there is no hidden counter to lose on resuming.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.training.recipe import Recipe

Coefficients = Callable[[Array, Array, Recipe], Array]
Update = Callable[[Any, Any, Sequence[Any], Any, Recipe], None]


@dataclass(frozen=True)
class Method:
    """An optimizer.

    Attributes:
        slots: Names of the variables kept for every weight.
        width: Number of coefficients a step needs.
        range_divisor: How far 1cycle's maximum stays below the rate at which the range test's loss shoots up.
        coefficients: Step numbers from 0, momenta, recipe → (steps, width) coefficients besides the rate.
        update: Weight variable, gradient, slot variables, row (rate, coefficients…), recipe: assigns the new values.
    """

    slots: tuple[str, ...]
    width: int
    range_divisor: float
    coefficients: Coefficients
    update: Update


def _momentum_only(steps: Array, momenta: Array, recipe: Recipe) -> Array:
    return momenta[:, None]


def _nothing(steps: Array, momenta: Array, recipe: Recipe) -> Array:
    return np.zeros((len(steps), 0))


def _update_momentum(weight: Any, gradient: Any, slots: Sequence[Any], row: Any, recipe: Recipe) -> None:
    (velocity,) = slots
    moved = velocity * row[1] - gradient * row[0]
    velocity.assign(moved)
    weight.assign_add(moved)


def _update_nesterov(weight: Any, gradient: Any, slots: Sequence[Any], row: Any, recipe: Recipe) -> None:
    (velocity,) = slots
    moved = velocity * row[1] - gradient * row[0]
    velocity.assign(moved)
    weight.assign_add(moved * row[1] - gradient * row[0])


def _update_rmsprop(weight: Any, gradient: Any, slots: Sequence[Any], row: Any, recipe: Recipe) -> None:
    import tensorflow as tf

    (square,) = slots
    mean = square * recipe.rho + tf.square(gradient) * (1 - recipe.rho)
    square.assign(mean)
    weight.assign_sub(gradient * row[0] * tf.math.rsqrt(mean + recipe.epsilon))


def _nadam_coefficients(steps: Array, momenta: Array, recipe: Recipe) -> Array:
    """Weights of first moment and gradient, and the bias correction of the second moment (Dozat 2016, as in Keras)."""
    last = int(steps[-1]) + 2 if len(steps) else 1
    count = np.arange(1, last + 1, dtype=np.float64)
    decay = recipe.beta_1 * (1.0 - 0.5 * 0.96**count)
    product = np.cumprod(decay)
    now = np.asarray(steps, np.int64)
    return np.stack(
        [
            decay[now + 1] / (1.0 - product[now + 1]),
            (1.0 - decay[now]) / (1.0 - product[now]),
            1.0 / (1.0 - recipe.beta_2 ** (now + 1.0)),
        ],
        axis=1,
    )


def _update_nadam(weight: Any, gradient: Any, slots: Sequence[Any], row: Any, recipe: Recipe) -> None:
    import tensorflow as tf

    first, second = slots
    mean = first + (gradient - first) * (1 - recipe.beta_1)
    square = second + (tf.square(gradient) - second) * (1 - recipe.beta_2)
    first.assign(mean)
    second.assign(square)
    weight.assign_sub(row[0] * (row[1] * mean + row[2] * gradient) / (tf.sqrt(square * row[3]) + recipe.epsilon))


def _adam_coefficients(steps: Array, momenta: Array, recipe: Recipe) -> Array:
    count = np.asarray(steps, np.float64) + 1.0
    return np.stack([1.0 / (1.0 - recipe.beta_1**count), 1.0 / (1.0 - recipe.beta_2**count)], axis=1)


def _update_adamw(weight: Any, gradient: Any, slots: Sequence[Any], row: Any, recipe: Recipe) -> None:
    import tensorflow as tf

    first, second = slots
    mean = first + (gradient - first) * (1 - recipe.beta_1)
    square = second + (tf.square(gradient) - second) * (1 - recipe.beta_2)
    first.assign(mean)
    second.assign(square)
    weight.assign_sub(row[0] * (row[1] * mean) / (tf.sqrt(square * row[2]) + recipe.epsilon))


def decays(weight: Any, recipe: Recipe) -> bool:
    """Tell whether a weight is one that decays: a kernel or an embedding, but no bias and no scale of a normalization.

    Args:
        weight: A weight variable.
        recipe: Says how much weights decay.
    """
    return recipe.weight_decay > 0 and len(weight.shape) > 1


def update(weight: Any, gradient: Any, slots: Sequence[Any], row: Any, recipe: Recipe) -> None:
    """Make one update of one weight: let it decay, apart from the gradient, then step as the optimizer does.

    Args:
        weight: The weight variable; changed.
        gradient: Its gradient.
        slots: The optimizer's variables for it; changed.
        row: What :func:`controls` gives for the step; the rate comes first.
        recipe: Names the optimizer and gives its constants.

    Source:
        Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", section 2 (for SGD and Adam alike).
    """
    if decays(weight, recipe):
        weight.assign_sub(weight * (row[0] * recipe.weight_decay))
    METHODS[recipe.optimizer].update(weight, gradient, slots, row, recipe)


# The divisors: ten is the source's (HOML2 ch. 11, "about ten times lower") and was confirmed here for the adaptive
# methods, whose steps are bounded. Plain momentum blows up sharply and works up to half of that rate in regressions, a
# quarter in classifications (gal_energy, gal_concrete, gal_kin8nm, magic; SELU, ELU, ReLU; 3 and 10 layers).
METHODS: dict[str, Method] = {
    "sgd_momentum": Method(("velocity",), 1, 3.0, _momentum_only, _update_momentum),
    "rmsprop": Method(("square",), 0, 10.0, _nothing, _update_rmsprop),
    "nadam": Method(("first", "second"), 3, 10.0, _nadam_coefficients, _update_nadam),
    "sgd_nesterov": Method(("velocity",), 1, 3.0, _momentum_only, _update_nesterov),
    "adamw": Method(("first", "second"), 2, 10.0, _adam_coefficients, _update_adamw),
}


STEADY_DIVISOR = 10.0
"""How far a rate that stays for many epochs keeps below the one at which the loss shoots up (HOML2 ch. 11)."""


def range_divisor(optimizer: str, schedule: str) -> float:
    """Return how far the maximum rate stays below the one at which the range test's loss shoots up.

    Args:
        optimizer: Name in :data:`METHODS`.
        schedule: Name in :data:`advisor.training.schedules.SCHEDULES`; only 1cycle leaves its maximum at once.
    """
    own = METHODS[optimizer].range_divisor
    return own if schedule == "one_cycle" else max(own, STEADY_DIVISOR)


def controls(steps: Array, rates: Array, momenta: Array, recipe: Recipe) -> Array:
    """Return the rows that the compiled epoch reads, one for each step: the rate, then the method's coefficients.

    Args:
        steps: Number of updates made before each step, from 0, consecutive.
        rates: Learning rate of each step.
        momenta: Momentum of each step.
        recipe: Names the optimizer and gives its constants.

    Returns:
        float32 (steps, 1 + width).
    """
    method = METHODS[recipe.optimizer]
    return np.concatenate([np.asarray(rates)[:, None], method.coefficients(steps, momenta, recipe)], axis=1).astype(
        np.float32
    )
