"""One self-contained HTML page per run: the verdict, the decisions with their reasons, and everything measured."""

from advisor.report.card import model_card_inputs
from advisor.report.inputs import (
    Calibration,
    ColumnProfile,
    DataProfile,
    Doubt,
    LayerSparsity,
    Metrics,
    ParetoPoint,
    ReportInputs,
    Score,
    Trial,
)
from advisor.report.page import MAXIMUM_BYTES, render_report

__all__ = [
    "MAXIMUM_BYTES",
    "Calibration",
    "ColumnProfile",
    "DataProfile",
    "Doubt",
    "LayerSparsity",
    "Metrics",
    "ParetoPoint",
    "ReportInputs",
    "Score",
    "Trial",
    "model_card_inputs",
    "render_report",
]
