"""Labeled rows are counted by those for training where a given split leaves few of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from advisor.data import count_for_training, open_source, profile


def _frame(train: int, val: int, test: int) -> pl.DataFrame:
    rows = train + val + test
    draw = np.random.default_rng(0)
    parts = ["train"] * train + ["val"] * val + ["test"] * test
    return pl.DataFrame(
        {"a": draw.normal(size=rows), "b": draw.normal(size=rows), "y": ["no", "yes"] * (rows // 2), "_split": parts}
    )


@pytest.mark.parametrize(
    ("parts", "expected"),
    [((64, 300, 600), 100), ((200, 80, 120), 400), ((100, 40, 160), 300), ((94, 46, 160), 147)],
    ids=["few", "usual", "a little fewer", "just below half of the usual"],
)
def test_a_split_with_few_rows_for_training_counts_as_few_labeled_rows(
    parts: tuple[int, int, int], expected: int
) -> None:
    found = profile(_frame(*parts), "y")
    assert found.facts["labeled_rows"] == expected


def test_the_profile_says_how_they_were_counted() -> None:
    found = profile(_frame(64, 300, 600), "y")
    assert found.how["labeled_rows"] == (
        "64 of 964 labeled rows are for training: as many as an ordinary split leaves of 100."
    )


def test_a_split_by_chance_leaves_the_count_alone() -> None:
    source = open_source(_frame(64, 300, 600).drop("_split"), "y")
    before = source.profile
    assert count_for_training(before, source.split(3)) is before
