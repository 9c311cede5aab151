"""Makes the trained network as sparse as the recommendation says, at a cost that is measured on validation rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from advisor.artifacts import Event
from advisor.builder import with_target_units
from advisor.compression import GradualPruning, plan_pruning, with_masks, without_masks, zero_tiny_weights
from advisor.errors import CompressionError, Finding
from advisor.evaluation import measure_sparsity
from advisor.export.keras_format import predictor
from advisor.pipeline.candidates import cost_of, primary
from advisor.pipeline.fitting import Fitted, Interrupted, Trial
from advisor.pipeline.preparation import Prepared
from advisor.pipeline.progress import Progress
from advisor.training import Recipe, train

Tell = Callable[[Event], None]
NO_LIMIT = 1e12
"""A trained network's loss rises by any factor when most of its weights go; that is no divergence."""


@dataclass(frozen=True)
class PruningRecipe:
    """How a network goes on training while it is pruned; a rulebook may set any of these under the same name.

    Attributes:
        pruning_epoch_share: Length of the pruning, as a share of the planned epochs of the training before it.
        pruning_fewest_epochs: But at least so many.
        pruning_ramp_share: Share of them in which the sparsity rises (Zhu & Gupta 2017, section 3: pruning ends well
            before training does, so that the network can recover).
        pruning_rate_fraction: Maximum learning rate, as a share of the training's.
        smallest_pruned_layer: Layers with fewer weights than this stay dense where the others can make up for them.
        highest_sparsity: More than this isn't tried: some weights must be left for an answer that depends on the row.
    """

    pruning_epoch_share: float = 0.5
    pruning_fewest_epochs: int = 30
    pruning_ramp_share: float = 0.5
    pruning_rate_fraction: float = 0.5
    smallest_pruned_layer: int = 256
    highest_sparsity: float = 0.99

    @classmethod
    def from_values(cls, values: Any) -> PruningRecipe:
        """Take what a rulebook sets."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if values.get(name) is not None}
        return cls(**known)


def wanted_sparsity(fitted: Fitted) -> float | None:
    """Return the fraction of zeros that is required, or None."""
    for requirement in fitted.recommendation.requirements:
        if requirement["name"] == "sparsity":
            return float(requirement["required"])
    return None


def sparsify(prepared: Prepared, fitted: Fitted, progress: Progress, tell: Tell) -> Fitted:
    """Make the chosen network sparse as the slot ``sparsification`` says.

    Args:
        prepared: Data and decisions.
        fitted: The trained networks.
        progress: Is told of the epochs of pruning.
        tell: Is told what was done, and what it cost.

    Returns:
        The same with a sparse network as the chosen one; as it was when nothing is to be done.

    Raises:
        CompressionError: If the sparsity can't be had.
        Interrupted: If the user stopped it.
    """
    kind = fitted.recommendation.values["sparsification"]
    wanted = wanted_sparsity(fitted)
    if kind == "none":
        return fitted
    if kind == "magnitude_pruning":
        return prune(prepared, fitted, wanted or 0.0, progress, tell)
    zeroed = _zero(prepared, fitted, tell)
    reached = measure_sparsity(zeroed.chosen.core).fraction
    if wanted is None or reached >= wanted:
        return zeroed
    tell(
        Event(
            "pruning_instead",
            f"Zeroing tiny weights reaches {reached:.3f} zeros at the allowed cost, {wanted:g} are required: "
            "the alternative that the rule names, magnitude pruning, goes on from there.",
            {"reached": reached, "required": wanted},
        )
    )
    return prune(prepared, zeroed, wanted, progress, tell)


def validation_metric(prepared: Prepared) -> Callable[[Any], float]:
    """Return a function from a network in the units of training to its metric on the validation rows."""
    known: dict[int, tuple[Any, Any]] = {}

    def metric(core: Any) -> float:
        if id(core) not in known:
            known[id(core)] = core, predictor(with_target_units(core, prepared.statistics))
        return primary(prepared, prepared.bundle.val, known[id(core)][1](prepared.bundle.val.x))

    return metric


def _zero(prepared: Prepared, fitted: Fitted, tell: Tell) -> Fitted:
    """Zero tiny weights in the candidate in which the most can go; all within the allowed cost of the best one."""
    task = prepared.bundle.task
    allowed = float(fitted.recommendation.values["allowed_metric_cost"])
    metric = validation_metric(prepared)
    before = metric(fitted.chosen.core)

    def cost(core: Any) -> float:
        found = cost_of(task, before, metric(core))
        return math.inf if math.isnan(found) else found

    best: tuple[float, Trial, Any] | None = None
    for trial in fitted.trials:
        if trial.candidate.recommendation is not fitted.recommendation or cost(trial.core) > allowed:
            continue
        zeroed = zero_tiny_weights(trial.core, cost, allowed=allowed)
        if best is None or zeroed.fraction > best[0]:
            best = zeroed.fraction, trial, zeroed
    if best is None:
        raise CompressionError(Finding("C104", "sparsification", "no trained network keeps the validation metric."))
    fraction, trial, zeroed = best
    tell(
        Event(
            "zeroed",
            f"With {trial.candidate.title}, the weights below {zeroed.threshold:.3g} became zero: {fraction:.3f} of "
            f"all, at {zeroed.cost:+.2%} of the validation metric (allowed: {allowed:.2%}).",
            {"threshold": zeroed.threshold, "sparsity": fraction, "cost": zeroed.cost, "allowed": allowed},
        )
    )
    return replace(fitted, chosen=replace(trial, core=zeroed.model))


def prune(prepared: Prepared, fitted: Fitted, wanted: float, progress: Progress, tell: Tell) -> Fitted:
    """Prune the chosen network step by step to a fraction of zeros while it goes on training."""
    values, chosen = fitted.recommendation.values, fitted.chosen
    own = PruningRecipe.from_values(values)
    fraction = min(wanted, own.highest_sparsity)
    if fraction < wanted:
        tell(
            Event(
                "sparsity_limit",
                f"A sparsity of {wanted:g} leaves no weight that depends on the row; {fraction:g} is the most "
                "that is tried.",
                {"required": wanted, "tried": fraction},
            )
        )
    target = plan_pruning(
        chosen.core,
        fraction,
        pattern=values["sparsity_pattern"],
        smallest=own.smallest_pruned_layer,
        spared=("output",),
    )
    metric = validation_metric(prepared)
    before = metric(chosen.core)
    recipe = Recipe.from_values(values, task=prepared.bundle.task, strength=chosen.candidate.strength)
    epochs = max(own.pruning_fewest_epochs, math.ceil(recipe.max_epochs * own.pruning_epoch_share))
    recipe = replace(
        recipe,
        max_epochs=epochs,
        maximum_rate=max(chosen.report.maximum_learning_rate * own.pruning_rate_fraction, 1e-6),
        early_stopping="none",
        patience_epochs=None,
        weight_averaging="none",
        divergence_factor=NO_LIMIT,
        collapse_factor=NO_LIMIT,
    )
    masked = with_masks(chosen.core, target)
    pruning = GradualPruning(target, ramp_epochs=math.ceil(epochs * own.pruning_ramp_share))
    title = f"pruning to {fraction:g} zeros"
    progress.fit_begins(title, epochs)
    report = train(
        masked,
        prepared.bundle,
        recipe,
        seed=prepared.request.seed,
        statistics=prepared.statistics,
        callbacks=[pruning.callback(masked)],
        on_epoch=lambda epoch, planned: progress.epoch(epoch),
    )
    progress.fit_ends()
    if report.interrupted:
        raise Interrupted
    pruning.finish()
    pruned = without_masks(masked, chosen.core)
    after = metric(pruned)
    reached = measure_sparsity(pruned).fraction
    cost = cost_of(prepared.bundle.task, before, after)
    allowed = float(values["allowed_metric_cost"])
    tell(
        Event(
            "pruned",
            f"Pruned to {reached:.3f} zeros ({values['sparsity_pattern'].replace('_', ' ')}) in {epochs} epochs: "
            f"the validation metric went from {before:.4g} to {after:.4g} "
            + (
                f"({cost:+.2%})."
                if cost <= allowed
                else f"({cost:+.2%}, more than the {allowed:.2%} that a step should cost)."
            ),
            {"sparsity": reached, "before": before, "after": after, "cost": cost, "allowed": allowed},
        )
    )
    return replace(fitted, chosen=replace(chosen, core=pruned))
