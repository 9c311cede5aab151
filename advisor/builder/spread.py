"""How far numbers lie apart, where the answer is divided by."""

from __future__ import annotations

from advisor.artifacts import Array

SMALLEST_SCALE = 1e-30
"""A spread below this can't be divided by in float32; such a column counts as constant."""


def spread(values: Array) -> float:
    """Return the standard deviation, 1 for values that are all the same (rounding must not hide that)."""
    if values.max() == values.min():
        return 1.0
    found = float(values.std())
    return found if found > SMALLEST_SCALE else 1.0
