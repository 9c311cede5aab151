"""Makes the trained network as sparse as the recommendation says, at a cost that is measured on validation rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from advisor.artifacts import Event
from advisor.builder import with_target_units
from advisor.compression import GradualPruning, fold, plan_pruning, zero_tiny_weights
from advisor.errors import CompressionError, Finding
from advisor.evaluation import measure_sparsity
from advisor.export.keras_format import predictor
from advisor.pipeline.candidates import CHECKED_ROWS, cost_of, primary
from advisor.pipeline.fitting import Fitted, Interrupted, Trial
from advisor.pipeline.preparation import Prepared
from advisor.pipeline.progress import Progress
from advisor.training import Recipe, train

Tell = Callable[[Event], None]
NO_LIMIT = 1e12
"""A trained network's loss rises by any factor when most of its weights go; that is no divergence."""


@dataclass(frozen=True)
class PruningRecipe:
    """How a network goes on training while it is pruned: slots of a recommendation, under the same names.

    Attributes:
        pruning_optimizer: Method of the gradient steps.
        pruning_schedule: Schedule of the learning rate.
        pruning_learning_rate: Its highest value.
        pruning_epoch_share: Length of the pruning, as a share of the most epochs of the training before it.
        pruning_fewest_epochs: But at least so many.
        pruning_begin_share: Share of them before the first weights go.
        pruning_end_share: Share of them after which all of the target has gone; the rest is fine-tuning.
        pruning_every_epochs: Epochs between two changes of the masks.
        pruning_time_share: Share of a time budget that is kept for it.
        pruning_folds_normalization: Whether Batch Normalization is folded into the kernels first.
        pruning_spares_output: Whether the output layer stays dense where the others can make up for it.
        smallest_pruned_layer: Layers with fewer weights than this stay dense where the others can make up for them.
        highest_sparsity: More than this isn't tried: some weights must be left for an answer that depends on the row.
    """

    pruning_optimizer: str
    pruning_schedule: str
    pruning_learning_rate: float
    pruning_epoch_share: float
    pruning_fewest_epochs: int
    pruning_begin_share: float
    pruning_end_share: float
    pruning_every_epochs: int
    pruning_time_share: float
    pruning_folds_normalization: bool
    pruning_spares_output: bool
    smallest_pruned_layer: int
    highest_sparsity: float

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> PruningRecipe:
        """Read it from the values of a recommendation.

        Raises:
            CompressionError: If a slot is missing: the recommendation was made before there was one.
        """
        missing = [name for name in cls.__dataclass_fields__ if values.get(name) is None]
        if missing:
            raise CompressionError(
                Finding(
                    "C110",
                    "sparsification",
                    f"the recommendation doesn't decide {', '.join(missing)}.",
                    "Recommend again with this version's rulebook.",
                )
            )
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})

    def training(self, recipe: Recipe) -> Recipe:
        """Return the recipe of the training before, changed to one for pruning."""
        return replace(
            recipe,
            optimizer=self.pruning_optimizer,
            schedule=self.pruning_schedule,
            maximum_rate=self.pruning_learning_rate,
            max_epochs=max(self.pruning_fewest_epochs, math.ceil(recipe.max_epochs * self.pruning_epoch_share)),
            early_stopping="restore_best",
            counted_from_share=self.pruning_end_share,
            patience_epochs=None,
            weight_averaging="none",
            divergence_factor=NO_LIMIT,
            collapse_factor=NO_LIMIT,
        )

    def seconds(self, time_budget: float | None) -> float | None:
        """Return what pruning may take of a time budget; None is unlimited."""
        return None if time_budget is None else max(1.0, time_budget * self.pruning_time_share)


def wanted_sparsity(fitted: Fitted) -> float | None:
    """Return the fraction of zeros that is required, or None."""
    for requirement in fitted.recommendation.requirements:
        if requirement["name"] == "sparsity":
            return float(requirement["required"])
    return None


def sparsify(
    prepared: Prepared,
    fitted: Fitted,
    progress: Progress,
    tell: Tell,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
) -> Fitted:
    """Make the chosen network sparse as the slot ``sparsification`` says.

    Args:
        prepared: Data and decisions.
        fitted: The trained networks.
        progress: Is told of the epochs of pruning.
        tell: Is told what was done, and what it cost.
        checkpoints: Folder of the checkpoints of this network; None writes none.
        resume: Go on from a checkpoint that is there.

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
        return prune(prepared, fitted, wanted or 0.0, progress, tell, checkpoints=checkpoints, resume=resume)
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
    return prune(prepared, zeroed, wanted, progress, tell, checkpoints=checkpoints, resume=resume)


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


def folded(prepared: Prepared, fitted: Fitted, tell: Tell) -> tuple[Fitted, str]:
    """Fold Batch Normalization in the chosen network; also says why nothing was folded, empty when something was."""
    core = fitted.chosen.core
    try:
        folding = fold(core, rows=prepared.bundle.val.x[:CHECKED_ROWS])
    except CompressionError as error:
        tell(Event("not_folded", f"Batch Normalization was not folded: {error.findings[0].message}"))
        return fitted, error.findings[0].message
    if folding.kept:
        tell(
            Event(
                "not_folded", "; ".join(f"{layer} was not folded: {why}" for layer, why in folding.kept.items()) + "."
            )
        )
    if not folding.folded:
        return fitted, "there is no Batch Normalization that could be folded."
    count = len(folding.folded)
    tell(
        Event(
            "folded",
            f"{count} Batch Normalizations were folded into the layers beside them, exactly.",
            {"count": count},
        )
    )
    return replace(fitted, chosen=replace(fitted.chosen, core=folding.model)), ""


def prune(
    prepared: Prepared,
    fitted: Fitted,
    wanted: float,
    progress: Progress,
    tell: Tell,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
) -> Fitted:
    """Prune the chosen network step by step to a fraction of zeros while it goes on training.

    Args:
        prepared: Data and decisions.
        fitted: The trained networks.
        wanted: Fraction of zeros.
        progress: Is told of the epochs.
        tell: Is told what was done, and what it cost.
        checkpoints: Folder of the checkpoints of this network; None writes none.
        resume: Go on from a checkpoint that is there.

    Raises:
        CompressionError: If the sparsity can't be had.
        Interrupted: If the user stopped it.
    """
    values = fitted.recommendation.values
    own = PruningRecipe.from_values(values)
    if own.pruning_folds_normalization:
        fitted, _ = folded(prepared, fitted, tell)
    chosen = fitted.chosen
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
        spared=("output",) if own.pruning_spares_output else (),
    )
    metric = validation_metric(prepared)
    before = metric(chosen.core)
    recipe = own.training(Recipe.from_values(values, task=prepared.bundle.task, strength=chosen.candidate.strength))
    pruning = GradualPruning(
        chosen.core,
        target,
        begin_share=own.pruning_begin_share,
        end_share=own.pruning_end_share,
        every_epochs=own.pruning_every_epochs,
    )
    progress.fit_begins(f"pruning to {fraction:g} zeros", recipe.max_epochs)
    report = train(
        pruning.model,
        prepared.bundle,
        recipe,
        seed=prepared.request.seed,
        statistics=prepared.statistics,
        checkpoints=None if checkpoints is None else checkpoints / f"pruning-{fraction:g}",
        resume=resume,
        callbacks=[pruning.callback()],
        on_epoch=lambda epoch, planned: progress.epoch(epoch),
        time_budget=own.seconds(prepared.request.time_budget),
    )
    progress.fit_ends()
    if report.interrupted:
        raise Interrupted
    for event in report.events:
        tell(event)
    pruned = pruning.finish()
    after = metric(pruned)
    reached = measure_sparsity(pruned).fraction
    cost = cost_of(prepared.bundle.task, before, after)
    allowed = float(values["allowed_metric_cost"])
    tell(
        Event(
            "pruned",
            f"Pruned to {reached:.3f} zeros ({values['sparsity_pattern'].replace('_', ' ')}) in {len(report.epochs)} "
            f"epochs: the validation metric went from {before:.4g} to {after:.4g} "
            + (
                f"({cost:+.2%})."
                if cost <= allowed
                else f"({cost:+.2%}, more than the {allowed:.2%} that a step should cost)."
            ),
            {"sparsity": reached, "before": before, "after": after, "cost": cost, "allowed": allowed},
        )
    )
    return replace(fitted, chosen=replace(chosen, core=pruned))
