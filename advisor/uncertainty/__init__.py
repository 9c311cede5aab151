"""Predictions that know what they don't know: Monte Carlo dropout, calibration, predictive distributions."""

from advisor.uncertainty.assessment import (
    bootstrap_band,
    calibration_error,
    coverage,
    quality_by_coverage,
    reliability_bins,
)
from advisor.uncertainty.calibration import (
    FEWEST_CALIBRATION_ROWS,
    class_loss,
    conformal_scores,
    fit_noise,
    fit_temperature,
    split_validation,
)
from advisor.uncertainty.distribution import ClassDistribution, ValueDistribution, mixture_log_density, tempered
from advisor.uncertainty.graph import random_layers, sampling_parts
from advisor.uncertainty.sampler import MOST_SAMPLES, Sampler, check_samples, draw_masks
from advisor.uncertainty.statement import STATEMENT, Statement, calibrated, logits_of

__all__ = [
    "FEWEST_CALIBRATION_ROWS",
    "MOST_SAMPLES",
    "STATEMENT",
    "ClassDistribution",
    "Sampler",
    "Statement",
    "ValueDistribution",
    "bootstrap_band",
    "calibrated",
    "calibration_error",
    "check_samples",
    "class_loss",
    "conformal_scores",
    "coverage",
    "draw_masks",
    "fit_noise",
    "fit_temperature",
    "logits_of",
    "mixture_log_density",
    "quality_by_coverage",
    "random_layers",
    "reliability_bins",
    "sampling_parts",
    "split_validation",
    "tempered",
]
