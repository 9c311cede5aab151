"""Whether a reloaded artefact answers like the model in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, Artifact
from advisor.errors import ExportError, Finding

Rows = Array | Mapping[str, Array]
"""Encoded rows (n, width), or raw columns by name, each (n, 1)."""
Predict = Callable[[Any], Array]

TOLERANCES: Mapping[str, float] = {"float32": 1e-6, "float16": 1e-2, "int8": 0.25}
"""Largest difference allowed after reloading. For float32 it means "the same numbers"; for the narrower precisions
it only catches a broken conversion: what they cost is judged on the metric, not here."""


@dataclass(frozen=True)
class Comparison:
    """Result of comparing two ways to predict the same rows.

    Attributes:
        max_difference: Largest difference, as :func:`compare` defines it; infinite where one answers NaN.
        tolerance: What is allowed.
        rows: Number of rows compared.
    """

    max_difference: float
    tolerance: float
    rows: int

    @property
    def within(self) -> bool:
        """Whether the difference is allowed."""
        return self.max_difference <= self.tolerance


def count_rows(rows: Rows) -> int:
    """Return the number of rows of an array or of columns by name."""
    return len(next(iter(rows.values()))) if isinstance(rows, Mapping) else len(rows)


def compare(
    reference: Predict, candidate: Predict, rows: Rows, tolerance: float, *, scale: Array | float = 1.0
) -> Comparison:
    """Predict the same rows in two ways and return the largest difference.

    The difference of two answers is ``|a - b| / max(scale, |a|)``. With the scale of the target that is the difference
    in standardized units, and for answers far larger than their spread (a price of 300,000 ± 1,000) a relative
    one: a float32 has seven digits, whatever the units.

    Args:
        reference: The model in memory.
        candidate: The artefact, reloaded in its own runtime.
        rows: Rows to predict, at least one.
        tolerance: Largest difference allowed.
        scale: Standard deviation of the target, one number or one for each output; 1 for probabilities.

    Returns:
        The comparison.

    Raises:
        ExportError: If there are no rows, or the answers differ in shape.
    """
    if count_rows(rows) == 0:
        raise ExportError(
            Finding("E103", "", "an artefact can't be compared on no rows at all.", "Give at least one row.")
        )
    expected, received = np.asarray(reference(rows)), np.asarray(candidate(rows))
    if expected.shape != received.shape:
        raise ExportError(
            Finding("E103", "", f"the artefact answers with shape {received.shape}, the model with {expected.shape}.")
        )
    if not (np.isfinite(expected).all() and np.isfinite(received).all()):
        return Comparison(float("inf"), tolerance, len(expected))
    a, b = expected.astype(np.float64), received.astype(np.float64)
    difference = np.abs(a - b) / np.maximum(np.asarray(scale, dtype=np.float64), np.abs(a))
    return Comparison(float(difference.max(initial=0.0)), tolerance, len(expected))


def verified(
    name: str, path: Path, root: Path, size: int, comparison: Comparison, precision: str = "float32"
) -> Artifact:
    """Return the record of an artefact that was reloaded and compared.

    Args:
        name: Name of the format.
        path: Where the artefact is.
        root: The run folder; the record holds the path relative to it.
        size: Bytes of the artefact.
        comparison: What comparing gave.
        precision: Precision of its weights.

    Raises:
        ExportError: If the difference is larger than allowed.
    """
    if not comparison.within:
        raise ExportError(
            Finding(
                "E101",
                str(path),
                f"after reloading, the {name} artefact differs from the model in memory by up to "
                f"{comparison.max_difference:.3g} over {comparison.rows} rows; allowed: {comparison.tolerance:.3g}.",
                "Don't use this artefact; export it again, or choose another format or precision.",
            )
        )
    relative = path.relative_to(root) if path.is_relative_to(root) else path
    return Artifact(name, relative, size, comparison.max_difference, comparison.tolerance, comparison.rows, precision)


def verify(
    name: str,
    path: Path,
    reference: Predict,
    reloaded: Predict,
    rows: Rows,
    tolerance: float,
    *,
    root: Path,
    scale: Array | float = 1.0,
    precision: str = "float32",
) -> Artifact:
    """Compare an artefact that was reloaded in its runtime with the model in memory, and return its record.

    Args:
        name: Name of the format.
        path: The file, or the folder, whose files all count.
        reference: The model in memory.
        reloaded: The artefact.
        rows: Rows to predict, at least one.
        tolerance: Largest difference allowed.
        root: The run folder.
        scale: Standard deviation of the target; see :func:`compare`.
        precision: Precision of its weights.

    Raises:
        ExportError: If it answers differently.
    """
    comparison = compare(reference, reloaded, rows, tolerance, scale=scale)
    files = path.rglob("*") if path.is_dir() else (path,)
    size = sum(each.stat().st_size for each in files if each.is_file())
    return verified(name, path, root, size, comparison, precision)
