"""What a recommendation says about pretraining without labels, as one frozen record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.errors import Finding, TrainingError
from advisor.training.optimizers import METHODS
from advisor.training.recipe import Recipe

METHODS_WITHOUT_LABELS = ("denoising_autoencoder", "next_step", "masked_step")
"""Values of the slot ``unsupervised_method`` that are carried out, besides ``none``."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides a pretraining without labels besides network, rows and seed.

    Attributes:
        method: Slot ``unsupervised_method``: a value of :data:`METHODS_WITHOUT_LABELS`.
        damage_rate: Slot ``damage_rate``: share of the values, patches or steps that are damaged; null is none.
        patch_size: Slot ``patch_size``: side of a hidden patch of a picture, in pixels; null is 1.
        optimizer: Slot ``unsupervised_optimizer``.
        rate: Slot ``unsupervised_rate``: highest learning rate of 1cycle.
        batch_size: Slot ``unsupervised_batch_size``: rows in one step.
        epochs: Slot ``unsupervised_epochs``: passes over all rows, at most.
        patience: Slot ``unsupervised_patience``: epochs without progress on the held-out rows after which it stops.
        held_out: Slot ``unsupervised_held_out``: share of the rows that are not trained on but stopped by.
        error_limit: Standard deviations from which on the error of a number counts linearly instead of squared.
        negatives: Words drawn at random in each step, which the right one must be told from.
    """

    method: str
    damage_rate: float
    patch_size: int
    optimizer: str
    rate: float
    batch_size: int
    epochs: int
    patience: int
    held_out: float
    error_limit: float = 3.0
    negatives: int = 200

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Settings:
        """Read the settings from the values of a recommendation.

        Args:
            values: Slot → value; slots of other stages are passed over.

        Raises:
            TrainingError: With a finding for each slot that is missing or can't be carried out.
        """
        slots = {
            "method": "unsupervised_method",
            "damage_rate": "damage_rate",
            "patch_size": "patch_size",
            "optimizer": "unsupervised_optimizer",
            "rate": "unsupervised_rate",
            "batch_size": "unsupervised_batch_size",
            "epochs": "unsupervised_epochs",
            "patience": "unsupervised_patience",
            "held_out": "unsupervised_held_out",
        }
        needless = {"damage_rate": 0.0, "patch_size": 1}
        given = {**needless, **{slot: value for slot, value in values.items() if value is not None}}
        missing = [slot for slot in slots.values() if slot not in given]
        if missing:
            raise TrainingError(
                *(
                    Finding(
                        "T120",
                        slot,
                        f"the recommendation doesn't decide '{slot}', which pretraining without labels needs.",
                        "Recommend again with the number of rows without labels.",
                    )
                    for slot in missing
                )
            )
        settings = cls(**{name: given[slot] for name, slot in slots.items()})
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse what can't be carried out.

        Raises:
            TrainingError: With one finding for each such value.
        """
        right = {
            "unsupervised_method": self.method in METHODS_WITHOUT_LABELS,
            "unsupervised_optimizer": self.optimizer in METHODS,
            "damage_rate": 0 <= self.damage_rate < 1,
            "patch_size": self.patch_size >= 1,
            "unsupervised_rate": 0 < self.rate < float("inf"),
            "unsupervised_batch_size": self.batch_size >= 1,
            "unsupervised_epochs": self.epochs >= 1,
            "unsupervised_held_out": 0 < self.held_out < 1,
        }
        wrong = [slot for slot, fits in right.items() if not fits]
        if wrong:
            raise TrainingError(
                *(
                    Finding("T121", slot, f"pretraining without labels can't be done with this {slot}.")
                    for slot in wrong
                )
            )

    def recipe(self, *, compiled: bool) -> Recipe:
        """Return the recipe of the training that minimizes the row losses.

        Args:
            compiled: Whether XLA compiles the epoch.
        """
        return Recipe(
            task="regression",
            loss="mae",
            optimizer=self.optimizer,
            schedule="one_cycle",
            maximum_rate=self.rate,
            batch_size=self.batch_size,
            max_epochs=self.epochs,
            patience_epochs=self.patience,
            target_scaling="none",
            weight_decay=0.0,
            compiled=compiled,
        )
