"""Numbers that rules read and that Python computes from facts and decided slots: formulas, no decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """A registered number.

    Attributes:
        reads: The names that it's computed from, in the order of the function's arguments; a rulebook declares them
            likewise.
        compute: The function; null arguments mean unknown.
    """

    reads: tuple[str, ...]
    compute: Callable[..., float | None]


def rows_per_parameter(
    labeled_rows: int | None, features: int | None, outputs: int | None, hidden_layers: int, units: int
) -> float | None:
    """Return the labeled rows for each trainable parameter of a stack of equal dense layers.

    Counted are the weights and biases between the input columns as stated, ``hidden_layers`` layers of ``units``
    neurons, and the outputs. Columns that encoding adds are not known before the data is read and do not count.

    Args:
        labeled_rows: Rows with an answer, or None when unknown.
        features: Input columns, or None when unknown.
        outputs: Outputs, or None when unknown.
        hidden_layers: Hidden layers, 0 for a linear model.
        units: Neurons in each hidden layer.

    Returns:
        Rows per parameter, or None when one of the three facts is unknown.

    Examples:
        >>> rows_per_parameter(1000, 8, 1, 1, 10)
        9.900990099009901
    """
    if labeled_rows is None or features is None or outputs is None:
        return None
    if hidden_layers < 1:
        return labeled_rows / ((features + 1) * outputs)
    first = (features + 1) * units
    between = (hidden_layers - 1) * (units + 1) * units
    return labeled_rows / (first + between + (units + 1) * outputs)


QUANTITIES: Mapping[str, Quantity] = {
    "rows_per_parameter": Quantity(
        ("labeled_rows", "features", "outputs", "decided.hidden_layers", "decided.units"), rows_per_parameter
    ),
}
