"""What the builder does for each kind of data: learn from the training rows, prepare the inputs, serve raw rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from advisor.artifacts import Array, InputSpec, Statistics
from advisor.errors import BuildError, Finding

if TYPE_CHECKING:
    from advisor.builder.blueprint import Blueprint
    from advisor.builder.serving import Serving

MODULES: Mapping[str, str] = {
    "table": "advisor.builder.table_inputs",
    "image": "advisor.builder.image_inputs",
    "series": "advisor.builder.series_inputs",
    "text": "advisor.builder.text_inputs",
}
"""Kind of data → the module that offers what :class:`Inputs` says."""

Prepare = Callable[[Any, Any], Any]
"""From a Keras and the tensor ``features`` to the tensor that the body reads."""


@dataclass(frozen=True)
class Head:
    """An output layer that doesn't answer by itself.

    Attributes:
        units: Neurons of the output layer.
        finish: From a Keras, the features, the prepared inputs and the output layer's answer to the network's answer.
    """

    units: int
    finish: Callable[[Any, Any, Any, Any], Any]


class Inputs(Protocol):
    """What a kind of data must offer."""

    def fit_inputs(self, x_train: Array, spec: InputSpec) -> tuple[Array, Array, Array]:
        """Learn mean, scale and has_missing (see :class:`advisor.artifacts.Statistics`) from encoded training rows."""

    def draw_up_preparation(self, spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Prepare:
        """Check everything, and return the function that appends the preparation."""

    def build_serving(self, core: Any, spec: InputSpec) -> Serving:
        """Put a model for raw rows around a core for encoded ones."""


def head_of(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Head | None:
    """Return the kind's own head, if it has one (a function ``draw_up_head``) and it is needed."""
    draw_up_head = getattr(inputs_of(spec), "draw_up_head", None)
    return None if draw_up_head is None else draw_up_head(spec, statistics, blueprint)


Wide = Callable[[Any, Any, Any], list[Any]]
"""From a Keras, the features and the prepared inputs to what goes straight to the output layer."""


def wide_of(spec: InputSpec, statistics: Statistics, blueprint: Blueprint) -> Wide | None:
    """Return what the kind's wide path reads, where the user chose it (a function ``draw_up_wide``)."""
    draw_up_wide = getattr(inputs_of(spec), "draw_up_wide", None)
    return None if draw_up_wide is None else draw_up_wide(spec, statistics, blueprint)


def inputs_of(spec: InputSpec) -> Inputs:
    """Return what the builder does for the kind of data.

    Raises:
        BuildError: If the kind can't be built.
    """
    if spec.kind not in MODULES:
        raise BuildError(Finding("B102", "data_kind", f"{spec.kind!r} can't be built; allowed: {', '.join(MODULES)}."))
    return cast(Inputs, import_module(MODULES[spec.kind]))


def spec_of(inputs: InputSpec | Sequence[Any]) -> InputSpec:
    """Return the inputs' description; bare encoded columns are those of a table."""
    if isinstance(inputs, InputSpec):
        return inputs
    return InputSpec("table", (len(inputs),), tuple(inputs))
