"""Measures what was delivered: metrics, baselines, latency, size, sparsity, and what they say of requirements."""

from advisor.evaluation.baselines import Baseline, measure_baselines
from advisor.evaluation.comparison import compare_with_baselines
from advisor.evaluation.forecast import measure_forecast_baselines, standardized_errors
from advisor.evaluation.latency import host, measure_latency
from advisor.evaluation.metrics import Metrics, PrimaryMetric, expected_calibration_error, measure, primary_metric
from advisor.evaluation.requirements import (
    Measurement,
    latency_measurement,
    metric_cost_measurement,
    size_measurement,
    sparsity_measurement,
    verdicts,
)
from advisor.evaluation.size import measure_size
from advisor.evaluation.sparsity import Sparsity, measure_litert_sparsity, measure_sparsity

__all__ = [
    "Baseline",
    "Measurement",
    "Metrics",
    "PrimaryMetric",
    "Sparsity",
    "compare_with_baselines",
    "expected_calibration_error",
    "host",
    "latency_measurement",
    "measure",
    "measure_baselines",
    "measure_forecast_baselines",
    "measure_latency",
    "measure_litert_sparsity",
    "measure_size",
    "measure_sparsity",
    "metric_cost_measurement",
    "primary_metric",
    "size_measurement",
    "sparsity_measurement",
    "standardized_errors",
    "verdicts",
]
