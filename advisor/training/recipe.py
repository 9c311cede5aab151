"""What a recommendation says about training, as one frozen record of numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from advisor.errors import Finding, TrainingError

_SLOT_OF_FIELD = {
    "loss": "loss",
    "optimizer": "optimizer",
    "momentum": "momentum",
    "schedule": "learning_rate_schedule",
    "maximum_rate": "maximum_learning_rate",
    "batch_size": "batch_size",
    "max_epochs": "max_epochs",
    "early_stopping": "early_stopping",
    "patience_epochs": "patience_epochs",
    "gradient_clipping": "gradient_clipping",
    "class_weighting": "class_weighting",
    "weight_averaging": "weight_averaging",
    "target_scaling": "target_scaling",
}
_REQUIRED = ("loss", "optimizer", "schedule", "maximum_rate", "batch_size", "max_epochs", "early_stopping")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training besides model, data and seed.

    The fields up to ``target_scaling`` are slots of a recommendation. The others are details of the methods that the
    slots name; their defaults are those of the cited source, and a rulebook may set any of them under the same name.

    Attributes:
        task: The problem's task.
        loss: Name in :data:`advisor.training.losses.LOSSES`.
        optimizer: Name in :data:`advisor.training.optimizers.METHODS`.
        schedule: Name in :data:`advisor.training.schedules.SCHEDULES`.
        maximum_rate: ``range_test``, or the number to use.
        batch_size: Rows a step; all training rows when there are fewer. The rows that don't fill a last batch sit out
            that epoch; every epoch shuffles anew.
        max_epochs: Length of the schedule.
        early_stopping: ``restore_best`` keeps the weights of the epoch with the lowest validation loss,
            ``restore_most_accurate`` those of the one with the highest validation accuracy; ``none`` keeps the last.
        momentum: Highest momentum of ``sgd_momentum`` and ``sgd_nesterov``.
        patience_epochs: Stop after so many epochs without a better one; null never stops early. Epochs in
            the rising half of 1cycle don't count: a rising rate is expected to disturb the validation loss.
        gradient_clipping: Largest global norm of the gradient; null leaves gradients alone.
        class_weighting: ``balanced`` weighs every class by the inverse of its share of the training rows.
        weight_averaging: ``ema`` validates and keeps an exponential moving average of the weights.
        target_scaling: How the targets of a regression are scaled; the statistics hold the numbers.
        min_delta: Improvement of the validation loss (or accuracy) that counts as better; on a tie the earlier epoch
            wins.
        momentum_drop: How far 1cycle lowers the momentum while the rate rises (HOML2 ch. 11: from 0.95 to 0.85).
        start_divisor: 1cycle starts at the maximum rate divided by this (HOML2 ch. 11: about ten times lower).
        annihilation_fraction: Share of the steps, at the end, in which 1cycle lets the rate fall to nearly nothing
            (HOML2 ch. 11: "the last few epochs"; a tenth is this project's judgement).
        annihilation_divisor: The last rate is the start rate divided by this (several orders of magnitude).
        beta_1: Decay of the first moment of ``nadam`` and ``adamw`` (HOML2 ch. 11).
        beta_2: Decay of the second moment of ``nadam`` and ``adamw`` (HOML2 ch. 11).
        rho: Decay of the squared gradients of ``rmsprop`` (HOML2 ch. 11).
        epsilon: Smallest denominator of the adaptive methods (Keras).
        weight_decay: Share of every kernel that is taken off in a step, times the rate, apart from the gradient; with
            the regularization ``weight_decay`` it is the strength that is tried.
        plateau_factor: What performance scheduling multiplies the rate by (HOML3 ch. 11: 0.5).
        plateau_epochs: Epochs without a lower validation loss after which it does so (HOML3 ch. 11: 5).
        averaging_decay: Decay of the moving average of the weights, a step; warmed up as (1 + t) / (10 + t).
        huber_delta: Where Huber's loss turns from square to absolute, in standard deviations of the target.
        range_test_steps: Steps of the range test (HOML2 ch. 11: a few hundred).
        range_test_repeats: Number of tests with other rows, of which the median counts; small tables are noisy.
        range_test_first: First rate (HOML2 ch. 11: 1e-5).
        range_test_last: Last rate (HOML2 ch. 11: 10).
        range_test_smoothing: Weight of the past in the smoothed loss.
        range_test_blow_up: The loss has shot up where it exceeds that of the untrained network by this factor
            (measured here: the one criterion under which the best maximum lies at a nearly constant distance over
            data sets and networks).
        range_test_learned: Where the loss never shoots up and falls below this share of that of the untrained network,
            the rows are learned by heart, and higher rates change nothing any more: the maximum is the rate at which
            that happened (measured: 100 pictures bear every rate of the test, and none above 0.08 when trained).
        range_test_divisor: The maximum is the rate at which the loss shot up, divided by this; null takes the
            optimizer's own, see :data:`advisor.training.optimizers.METHODS`.
        counted_from_share: Share of the planned epochs that must be over before an epoch can be the best: what a
            network was before, or while it still changes, is no answer.
        divergence_factor: A mean epoch loss above this multiple of the first loss counts as diverged.
        collapse_factor: A training whose last epoch's loss exceeds its lowest by this factor, and half of the first
            loss, has collapsed: it counts as diverged while there are retries left.
        max_retries: Number of new starts after a divergence.
        retry_factor: What the maximum rate is multiplied by at each new start.
        compiled: Whether the epoch is compiled by XLA; part of the recipe because it changes the last bits.
    """

    task: str
    loss: str
    optimizer: str
    schedule: str
    maximum_rate: float | str
    batch_size: int
    max_epochs: int
    early_stopping: str = "restore_best"
    momentum: float = 0.95
    patience_epochs: int | None = None
    gradient_clipping: float | None = None
    class_weighting: str = "none"
    weight_averaging: str = "none"
    target_scaling: str = "standardize"
    min_delta: float = 0.0
    momentum_drop: float = 0.1
    start_divisor: float = 10.0
    annihilation_fraction: float = 0.1
    annihilation_divisor: float = 1000.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    rho: float = 0.9
    epsilon: float = 1e-7
    weight_decay: float = 0.0
    plateau_factor: float = 0.5
    plateau_epochs: int = 5
    averaging_decay: float = 0.999
    huber_delta: float = 1.0
    range_test_steps: int = 300
    range_test_repeats: int = 3
    range_test_first: float = 1e-5
    range_test_last: float = 10.0
    range_test_smoothing: float = 0.9
    range_test_blow_up: float = 3.0
    range_test_learned: float = 0.05
    range_test_divisor: float | None = None
    counted_from_share: float = 0.0
    divergence_factor: float = 3.0
    collapse_factor: float = 2.0
    max_retries: int = 4
    retry_factor: float = 0.3
    compiled: bool = True

    @classmethod
    def from_values(
        cls, values: Mapping[str, Any], *, task: str | None = None, strength: float | None = None
    ) -> Recipe:
        """Read the recipe from the values of a recommendation.

        Args:
            values: Slot to value; slots of other stages are passed over, fields of this class are taken by their name.
            task: The problem's task; ``values["task"]`` when it is not given.
            strength: The regularization strength that is tried; None takes the first one that is listed. It matters
                here only where weights decay: penalties are part of the network.

        Raises:
            TrainingError: If a slot is missing, or a value is not one that training carries out.
        """
        chosen: dict[str, Any] = {}
        for item in fields(cls):
            slot = _SLOT_OF_FIELD.get(item.name, item.name)
            if slot in values:
                chosen[item.name] = values[slot]
        if task is not None:
            chosen["task"] = task
        if chosen.get("momentum", 0) is None:
            del chosen["momentum"]
        if chosen.get("maximum_rate") == "fixed":
            chosen["maximum_rate"] = values.get("fixed_learning_rate")
        if values.get("regularization") == "weight_decay":
            listed = values.get("regularization_strengths") or (0.0,)
            chosen["weight_decay"] = listed[0] if strength is None else strength
        missing = [_SLOT_OF_FIELD.get(name, name) for name in ("task", *_REQUIRED) if chosen.get(name) is None]
        if missing:
            raise TrainingError(
                *(
                    Finding(
                        "T101",
                        slot,
                        f"the recommendation doesn't decide '{slot}'.",
                        "Recommend again with a complete rulebook.",
                    )
                    for slot in missing
                )
            )
        recipe = cls(**chosen)
        recipe.check()
        return recipe

    def check(self) -> None:
        """Refuse values that no method of this stage carries out.

        Raises:
            TrainingError: With one finding for each such value.
        """
        from advisor.training.registry import CHOICES

        found = [
            Finding(
                "T102",
                _SLOT_OF_FIELD[name],
                f"training has no {_SLOT_OF_FIELD[name]} '{getattr(self, name)}'.",
                f"It has: {', '.join(allowed)}.",
            )
            for name, allowed in CHOICES.items()
            if getattr(self, name) not in allowed
        ]
        if isinstance(self.maximum_rate, str):
            if self.maximum_rate != "range_test":
                found.append(
                    Finding(
                        "T102", "maximum_learning_rate", f"'{self.maximum_rate}' is neither 'range_test' nor a number."
                    )
                )
        elif not 0 < self.maximum_rate < float("inf"):
            found.append(Finding("T102", "maximum_learning_rate", f"{self.maximum_rate} is not a positive rate."))
        found += [
            Finding("T102", name, f"{name} is {getattr(self, name)}; it must be at least 1.")
            for name in ("batch_size", "max_epochs", "range_test_steps", "range_test_repeats", "plateau_epochs")
            if getattr(self, name) < 1
        ]
        if self.early_stopping == "restore_most_accurate" and self.task in ("regression", "forecasting"):
            found.append(
                Finding("T102", "early_stopping", "numbers have no accuracy; 'restore_best' goes by the loss.")
            )
        if not 0 <= self.weight_decay < float("inf"):
            found.append(Finding("T102", "weight_decay", f"{self.weight_decay} is not a share of the weights."))
        if not 0 < self.plateau_factor < 1:
            found.append(
                Finding(
                    "T102",
                    "plateau_factor",
                    f"{self.plateau_factor} doesn't lower a rate; it must lie between 0 and 1.",
                )
            )
        if found:
            raise TrainingError(*found)

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as a JSON-ready dictionary."""
        return asdict(self)
