"""The body of a recurrent network: layers that read step by step, a summary, and a wide path beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from advisor.builder.namespace import Namespace, Tensor
from advisor.builder.recurrent_layers import recurrent_layer_classes
from advisor.builder.registry import DROPOUTS, KERNEL_INITIALIZERS, NORMALIZATIONS, RECURRENT_CELLS, REGULARIZATIONS

if TYPE_CHECKING:
    from advisor.builder.blueprint import Blueprint

FORECASTING = "forecasting"


def _simple_rnn(keras: Namespace, *, units: int, **settings: Any) -> Any:
    return keras.layers.SimpleRNN(units, **settings)


CELLS: Mapping[str, Any] = {**RECURRENT_CELLS, "simple_rnn": _simple_rnn}
"""What can be built: the cells that rules may recommend, and one that only networks of others have."""


@dataclass(frozen=True)
class StepForm:
    """Of what form a recurrent layer is.

    Attributes:
        cell: Name in :data:`CELLS`.
        units: Units of each direction.
        both: Whether it reads in both directions; a forecast never does.
        normalization: What stands behind it: a value of the slot ``normalization``.
    """

    cell: str
    units: int
    both: bool
    normalization: str


def recurrent(keras: Namespace, inputs: Tensor, blueprint: Blueprint, forms: Sequence[StepForm] = ()) -> Tensor:
    """Append the recurrent layers ``recurrent_i`` with ``normalization_i``, a summary, and ``dropout_1``.

    A forecast reads segments in their order, and its summary is the last state. Everything else reads in both
    directions (the whole row is there before the answer is due), and its summary is the largest and the mean state
    over the steps that exist; with a wide path, the sum of the steps also goes straight to the output. (That of a
    forecast stands behind the output: see :mod:`advisor.builder.series_inputs`.) A dropped number of a step is dropped
    in every step of the row.

    Args:
        keras: The Keras to build with.
        inputs: Prepared rows.
        blueprint: What the rules decided.
        forms: Of what form the lowest layers are, where that was decided elsewhere; the others are as the rules say.
    """
    forecasts = blueprint.task == FORECASTING
    usual = StepForm(blueprint.recurrent_cell, blueprint.recurrent_units, not forecasts, blueprint.normalization)
    whole = [*forms, *[usual] * (blueprint.hidden_layers - len(forms))]
    return (_forecast if forecasts else _classify)(keras, inputs, blueprint, whole)


def _classify(keras: Namespace, inputs: Tensor, blueprint: Blueprint, forms: Sequence[StepForm]) -> Tensor:
    layers = recurrent_layer_classes(keras)
    flags = layers.step_flags(name="step_flags")(inputs)
    tensor = _drop_channels(keras, layers.step_values(name="step_values")(inputs), blueprint)
    for index, form in enumerate(forms, 1):
        layer = _both(keras, blueprint, form, index) if form.both else _cell(keras, blueprint, form, index)
        tensor = _normalized(keras, layer(tensor, mask=flags), blueprint, form, index)
    parts = [layers.pool_steps(name="summary")([tensor, inputs])]
    if blueprint.wide_path:
        parts.append(layers.mean_step(name="wide")(inputs))
    return _drop(keras, _joined(keras, parts), blueprint)


def _forecast(keras: Namespace, inputs: Tensor, blueprint: Blueprint, forms: Sequence[StepForm]) -> Tensor:
    tensor = inputs
    for index, form in enumerate(forms, 1):
        layer = _cell(keras, blueprint, form, index, whole=index < len(forms))
        tensor = _normalized(keras, layer(tensor), blueprint, form, index)
    return _drop(keras, tensor, blueprint)


def _both(keras: Namespace, blueprint: Blueprint, form: StepForm, index: int) -> Any:
    return keras.layers.Bidirectional(
        _cell(keras, blueprint, form, index, "forward"),
        backward_layer=_cell(keras, blueprint, form, index, "backward"),
        name=f"recurrent_{index}",
    )


def _cell(
    keras: Namespace,
    blueprint: Blueprint,
    form: StepForm,
    index: int,
    direction: str = "recurrent",
    *,
    whole: bool = True,
) -> Any:
    name = f"{direction}_{index}"
    return CELLS[form.cell](
        keras,
        units=form.units,
        return_sequences=whole,
        go_backwards=direction == "backward",
        kernel_initializer=KERNEL_INITIALIZERS[blueprint.kernel_initializer](keras, blueprint.seed_of(name)),
        recurrent_initializer=keras.initializers.Orthogonal(seed=blueprint.seed_of(f"{name}/recurrent")),
        kernel_regularizer=REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength),
        name=name,
    )


def _normalized(keras: Namespace, tensor: Tensor, blueprint: Blueprint, form: StepForm, index: int) -> Tensor:
    layer = NORMALIZATIONS[form.normalization](
        keras, name=f"normalization_{index}", momentum=blueprint.batch_normalization_momentum
    )
    return tensor if layer is None else layer(tensor)


def _drop(keras: Namespace, tensor: Tensor, blueprint: Blueprint) -> Tensor:
    name = "dropout_1"
    layer = DROPOUTS[blueprint.dropout](keras, rate=blueprint.dropout_rate, seed=blueprint.seed_of(name), name=name)
    return tensor if layer is None else layer(tensor)


def _drop_channels(keras: Namespace, tensor: Tensor, blueprint: Blueprint) -> Tensor:
    if blueprint.dropout != "dropout":
        return tensor
    name = "dropout_inputs"
    return keras.layers.SpatialDropout1D(blueprint.dropout_rate, seed=blueprint.seed_of(name), name=name)(tensor)


def _joined(keras: Namespace, parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="wide_and_recurrent")(parts)
