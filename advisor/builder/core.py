"""The numeric core: encoded rows in, preprocessing and body inside, answers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from advisor.artifacts import Array, InputSpec, Statistics
from advisor.builder.blueprint import Blueprint, draw_up
from advisor.builder.columns import EncodedColumn
from advisor.builder.kinds import head_of, inputs_of, spec_of, wide_of
from advisor.builder.layers import layer_classes
from advisor.builder.namespace import Model, Namespace, Tensor, floats, program_keras
from advisor.builder.registry import ARCHITECTURES, OUTPUT_ACTIVATIONS, REGULARIZATIONS
from advisor.builder.table_inputs import CROSSES, EMBEDDINGS, JOINED, NUMBERS, ONE_HOT
from advisor.errors import BuildError, Finding

INPUT = "features"
OUTPUT = "output"
OUTPUT_ACTIVATION = "output_activation"
TARGET_UNITS = "target_units"
Body = Callable[[Namespace, Tensor, Blueprint], Tensor]


def build_core(
    values: Mapping[str, Any],
    inputs: InputSpec | Sequence[EncodedColumn],
    statistics: Statistics,
    *,
    task: str,
    outputs: int,
    seed: int,
    architecture: str = "dense_stack",
    regularization_strength: float | None = None,
    dropout_rate: float | None = None,
    output_bias: Array | None = None,
    keras_namespace: Namespace | None = None,
    body: Body | None = None,
) -> Model:
    """Build the model that takes encoded rows.

    Its input is ``features``, float32 (batch, shape of an encoded row). First comes the preparation of the kind of
    data (see :mod:`advisor.builder.kinds`), then the body of the architecture, a dense layer ``output`` and the layer
    ``output_activation``.
    A regression answers in the units of training: see :func:`with_target_units`.

    Args:
        values: Slots and their values, as a recommendation has them.
        inputs: What the network reads; for a table the encoded columns are enough.
        statistics: What the training rows said about them.
        task: The problem's task.
        outputs: Number of outputs: target columns, classes (multiclass), 1 (binary) or labels (multilabel).
        seed: Decides all first weights and all dropout masks; same seed, same bits.
        architecture: Family of the body.
        regularization_strength: Strength of the penalty; None takes the first one that the recommendation lists.
        dropout_rate: Rate of the dropout; None takes the first one that the recommendation lists.
        output_bias: First bias of the output, see :func:`advisor.builder.statistics.initial_output_bias`; else 0.
        keras_namespace: The Keras to build with; None is the program's. Names are the same whichever it is.
        body: What takes the place of the architecture's body, such as :class:`advisor.builder.grafting.Graft`; one
            whose ``reads_raw`` is true is given the features as they are.

    Returns:
        An uncompiled model; ``logits_model`` gives its answers before the output activation.

    Raises:
        BuildError: If the slots can't be built, or columns, statistics and outputs do not belong together. Everything
            is checked before anything is built.
    """
    blueprint = draw_up(
        values,
        task=task,
        outputs=outputs,
        seed=seed,
        architecture=architecture,
        regularization_strength=regularization_strength,
        dropout_rate=dropout_rate,
    )
    spec = spec_of(inputs)
    prepare = inputs_of(spec).draw_up_preparation(spec, statistics, blueprint)
    head, wide = head_of(spec, statistics, blueprint), wide_of(spec, statistics, blueprint)
    _check_outputs(statistics, outputs, output_bias)
    keras = keras_namespace if keras_namespace is not None else program_keras()
    features = keras.Input(shape=spec.shape, name=INPUT, dtype="float32")
    prepared = prepare(keras, features)
    if wide is not None:
        deep = ARCHITECTURES["dense_stack"](keras, prepared, blueprint)
        tensor = keras.layers.Concatenate(name="wide_and_deep")([deep, *wide(keras, features, prepared)])
    elif body is None:
        tensor = ARCHITECTURES[blueprint.architecture](keras, prepared, blueprint)
    else:
        tensor = body(keras, features if getattr(body, "reads_raw", False) else prepared, blueprint)
    # The output layer isn't followed by one of the activations that He or LeCun initialization is derived for.
    tensor = keras.layers.Dense(
        outputs if head is None else head.units,
        kernel_initializer=keras.initializers.GlorotUniform(seed=blueprint.seed_of(OUTPUT)),
        kernel_regularizer=REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength),
        name=OUTPUT,
    )(tensor)
    if head is not None:
        tensor = head.finish(keras, features, prepared, tensor)
    tensor = OUTPUT_ACTIVATIONS[blueprint.output_activation](keras, OUTPUT_ACTIVATION)(tensor)
    core = keras.Model(features, tensor, name="core")
    if output_bias is not None:
        output = core.get_layer(OUTPUT)
        output.set_weights([output.get_weights()[0], np.asarray(output_bias, np.float32)])
    return core


def logits_model(core: Model) -> Model:
    """Return the model that answers before the output activation; it shares every weight with ``core``."""
    return type(core)(core.inputs[0], core.get_layer(OUTPUT_ACTIVATION).input, name="logits")


def with_target_units(core: Model, statistics: Statistics, *, keras_namespace: Namespace | None = None) -> Model:
    """Return the model that is delivered: it answers in the user's units and shares every weight with ``core``.

    Classification is returned as it is; so is a regression whose targets weren't scaled.
    """
    shift, scale = statistics.target_mean, statistics.target_scale
    if shift is None or scale is None or (np.all(shift == 0) and np.all(scale == 1)):
        return core
    keras = keras_namespace if keras_namespace is not None else program_keras()
    units = layer_classes(keras).target_units(scale=floats(scale), shift=floats(shift), name=TARGET_UNITS)(
        core.outputs[0]
    )
    return keras.Model(core.inputs[0], units, name="delivered")


def split_core(core: Model) -> tuple[Model, Model] | None:
    """Return what comes before the first trained layer, and the rest; both share every weight with ``core``.

    Training rows can then be prepared once instead of at every step (15 % of a compiled step's time).

    Returns:
        ``prepare`` (features → prepared inputs) and ``rest`` (prepared inputs → answers), or None if there are
        embeddings or crosses (they are trained, so nothing can be prepared), or the data are no table.
    """
    layers = {layer.name: layer for layer in core.layers}
    if {EMBEDDINGS, CROSSES} & set(layers) or not {JOINED, NUMBERS, ONE_HOT} & set(layers):
        return None
    prepared = next(layers[name].output for name in (JOINED, NUMBERS, ONE_HOT) if name in layers)
    kind = type(core)
    return kind(core.inputs[0], prepared, name="prepare"), kind(prepared, core.outputs[0], name="rest")


def _check_outputs(statistics: Statistics, outputs: int, output_bias: Array | None) -> None:
    findings = []
    for name, numbers in (("target_mean", statistics.target_mean), ("target_scale", statistics.target_scale)):
        if numbers is not None and len(numbers) != outputs:
            findings.append(Finding("B106", name, f"{len(numbers)} targets were scaled, {outputs} outputs are wanted."))
    if output_bias is not None and np.shape(output_bias) != (outputs,):
        findings.append(Finding("B106", "output_bias", f"shape {np.shape(output_bias)}, wanted ({outputs},)."))
    if findings:
        raise BuildError(*findings)
