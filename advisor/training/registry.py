"""The words of a recommendation that training carries out."""

from __future__ import annotations

from advisor.training.losses import LOSSES
from advisor.training.optimizers import METHODS
from advisor.training.schedules import SCHEDULES

CHOICES: dict[str, tuple[str, ...]] = {
    "task": ("regression", "binary", "multiclass", "multilabel", "forecasting"),
    "loss": tuple(LOSSES),
    "optimizer": tuple(METHODS),
    "schedule": tuple(SCHEDULES),
    "early_stopping": ("restore_best", "restore_most_accurate", "none"),
    "class_weighting": ("none", "balanced"),
    "weight_averaging": ("none", "ema"),
    "target_scaling": ("standardize", "scale", "interval", "none"),
}
