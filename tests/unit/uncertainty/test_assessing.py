from types import SimpleNamespace

import numpy as np
import pytest

from advisor.pipeline.assessing import shifted_rows
from advisor.pipeline.doubt_documents import calibration_of, doubt_of

VALUES = {
    "method": "sample_last_layers",
    "samples": 40,
    "calibration_rows": 50,
    "test": {"rmse": 2.0, "log_likelihood": -2.5},
    "coverage": {
        "0.5": {"calibrated": 0.55, "gaussian": 0.4, "mean_width": 1.0},
        "0.9": {"calibrated": 0.91, "gaussian": 0.8, "mean_width": 3.0},
    },
    "doubt": "std",
    "in_distribution": {"mean": 1.0, "epistemic": 0.2},
    "out_of_distribution": {"mean": 2.0, "epistemic": 1.7},
    "quality": "rmse",
    "quality_by_coverage": [[0.5, 1.0], [1.0, 2.0]],
}


def test_the_coverage_of_intervals_is_shown_as_reliability():
    shown = calibration_of(VALUES, "conformal", 100)
    assert shown.bins == ((0.5, 0.55, 100), (0.9, 0.91, 100))
    assert shown.error == pytest.approx(0.03)
    assert shown.error_before == pytest.approx(0.1)
    doubt = doubt_of(VALUES)
    assert doubt.intervals == ((0.5, 0.55, 0.4), (0.9, 0.91, 0.8))
    assert ("RMSE of the mean", 2.0) in doubt.numbers


def test_strange_rows_move_numbers_and_leave_codes():
    prepared = SimpleNamespace(statistics=SimpleNamespace(scale=np.array([2.0, 1.0])))
    rows = np.array([[1.0, 3.0]], np.float32)
    assert shifted_rows(prepared, rows).tolist() == [[7.0, 3.0]]
