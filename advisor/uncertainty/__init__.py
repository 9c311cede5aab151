"""Predictions that know what they don't know: Monte Carlo dropout, calibration, predictive distributions."""

from advisor.uncertainty.calibration import (
    FEWEST_CALIBRATION_ROWS,
    conformal_scores,
    fit_noise,
    fit_temperature,
    split_validation,
)
from advisor.uncertainty.distribution import ClassDistribution, ValueDistribution
from advisor.uncertainty.graph import random_layers, sampling_parts
from advisor.uncertainty.sampler import MOST_SAMPLES, Sampler, check_samples, draw_masks

__all__ = [
    "FEWEST_CALIBRATION_ROWS",
    "MOST_SAMPLES",
    "ClassDistribution",
    "Sampler",
    "ValueDistribution",
    "check_samples",
    "conformal_scores",
    "draw_masks",
    "fit_noise",
    "fit_temperature",
    "random_layers",
    "sampling_parts",
    "split_validation",
]
