from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from advisor.errors import ExportError
from advisor.export import compare
from advisor.export.compare import Comparison, verified

ROWS = np.zeros((2, 1), np.float32)


def constant(*answers):
    return lambda rows: np.array(answers, np.float32)[:, None]


def test_differences_count_in_standard_deviations_of_the_target():
    assert compare(constant(1, 2), constant(1, 2.5), ROWS, 1e-6, scale=10.0).max_difference == pytest.approx(0.05)


def test_large_answers_are_compared_relative_to_themselves():
    assert compare(constant(1e6, 1), constant(1e6 + 1, 1), ROWS, 1e-5).max_difference == pytest.approx(1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_answer_that_is_no_number_is_infinitely_different(bad):
    assert compare(constant(1, bad), constant(1, bad), ROWS, 1e-6).max_difference == np.inf


def test_other_shapes_and_no_rows_are_errors():
    with pytest.raises(ExportError, match=r"shape \(1, 1\), the model with \(2, 1\)"):
        compare(constant(1, 2), constant(1), ROWS, 1e-6)
    with pytest.raises(ExportError, match="no rows at all"):
        compare(constant(), constant(), ROWS[:0], 1e-6)


@given(arrays(np.float32, (5, 2), elements=st.floats(-1e6, 1e6, width=32)), st.floats(0.1, 100))
def test_the_difference_is_never_larger_than_the_absolute_one_in_units_of_the_scale(a, scale):
    b = a + np.float32(0.5)
    difference = compare(lambda _: a, lambda _: b, a, 1.0, scale=scale).max_difference
    exact = np.abs(a.astype(np.float64) - b) / scale
    assert difference <= exact.max() + 1e-12
    assert compare(lambda _: a, lambda _: a, a, 0.0, scale=scale).within


def test_only_what_is_within_becomes_an_artifact(tmp_path):
    artifact = verified("keras", tmp_path / "a" / "m.keras", tmp_path, 5, Comparison(1e-7, 1e-6, 3))
    assert artifact.path == Path("a/m.keras")
    with pytest.raises(ExportError, match="E101"):
        verified("keras", tmp_path / "m.keras", tmp_path, 5, Comparison(float("nan"), 1e-6, 3))
