"""The body of a recurrent network: layers that read step by step, a summary, and a wide path beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.builder.namespace import Namespace, Tensor
from advisor.builder.recurrent_layers import recurrent_layer_classes
from advisor.builder.registry import DROPOUTS, KERNEL_INITIALIZERS, NORMALIZATIONS, RECURRENT_CELLS, REGULARIZATIONS

if TYPE_CHECKING:
    from advisor.builder.blueprint import Blueprint

FORECASTING = "forecasting"


def recurrent(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    """Append the recurrent layers ``recurrent_i`` with ``normalization_i``, a summary, and ``dropout_1``.

    A forecast reads segments in their order, and its summary is the last state. Everything else reads in both
    directions (the whole row is there before the answer is due), and its summary is the largest and the mean state
    over the steps that exist; with a wide path, the sum of the steps also goes straight to the output. (That of a
    forecast stands behind the output: see :mod:`advisor.builder.series_inputs`.) A dropped number of a step is dropped
    in every step of the row.
    """
    return _forecast(keras, inputs, blueprint) if blueprint.task == FORECASTING else _classify(keras, inputs, blueprint)


def _classify(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    layers = recurrent_layer_classes(keras)
    flags = layers.step_flags(name="step_flags")(inputs)
    tensor = _drop_channels(keras, layers.step_values(name="step_values")(inputs), blueprint)
    for index in range(1, blueprint.hidden_layers + 1):
        layer = keras.layers.Bidirectional(
            _cell(keras, blueprint, index, "forward", whole=True),
            backward_layer=_cell(keras, blueprint, index, "backward", whole=True, backwards=True),
            name=f"recurrent_{index}",
        )
        tensor = _normalized(keras, layer(tensor, mask=flags), blueprint, index)
    parts = [layers.pool_steps(name="summary")([tensor, inputs])]
    if blueprint.wide_path:
        parts.append(layers.mean_step(name="wide")(inputs))
    return _drop(keras, _joined(keras, parts), blueprint)


def _forecast(keras: Namespace, inputs: Tensor, blueprint: Blueprint) -> Tensor:
    tensor = inputs
    for index in range(1, blueprint.hidden_layers + 1):
        layer = _cell(keras, blueprint, index, "", whole=index < blueprint.hidden_layers)
        tensor = _normalized(keras, layer(tensor), blueprint, index)
    return _drop(keras, tensor, blueprint)


def _cell(
    keras: Namespace, blueprint: Blueprint, index: int, direction: str, *, whole: bool, backwards: bool = False
) -> Any:
    name = f"{direction or 'recurrent'}_{index}"
    return RECURRENT_CELLS[blueprint.recurrent_cell](
        keras,
        units=blueprint.recurrent_units,
        return_sequences=whole,
        go_backwards=backwards,
        kernel_initializer=KERNEL_INITIALIZERS[blueprint.kernel_initializer](keras, blueprint.seed_of(name)),
        recurrent_initializer=keras.initializers.Orthogonal(seed=blueprint.seed_of(f"{name}/recurrent")),
        kernel_regularizer=REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength),
        name=name,
    )


def _normalized(keras: Namespace, tensor: Tensor, blueprint: Blueprint, index: int) -> Tensor:
    layer = NORMALIZATIONS[blueprint.normalization](
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
