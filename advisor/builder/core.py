"""The numeric core: encoded rows in, preprocessing and body inside, answers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from advisor.artifacts import Array, Statistics
from advisor.builder.blueprint import Blueprint, draw_up
from advisor.builder.columns import EncodedColumn, Layout, is_bounded, lay_out
from advisor.builder.layers import layer_classes
from advisor.builder.namespace import Model, Namespace, Tensor, program_keras
from advisor.builder.registry import ARCHITECTURES, INPUT_NORMALIZATIONS, OUTPUT_ACTIVATIONS, REGULARIZATIONS
from advisor.errors import BuildError, Finding

INPUT = "features"
NUMBERS = "numbers"
MISSING = "missing"
ONE_HOT = "one_hot"
EMBEDDINGS = "embeddings"
JOINED = "prepared"
OUTPUT = "output"
OUTPUT_ACTIVATION = "output_activation"
TARGET_UNITS = "target_units"


def build_core(
    values: Mapping[str, Any],
    columns: Sequence[EncodedColumn],
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
) -> Model:
    """Build the model that takes encoded rows.

    Its input is ``features``, float32 (batch, width of the encoder). Numbers are imputed by their training mean and
    standardized (booleans and cyclic parts of dates stay as they are), columns with
    missing values in training get a flag, categories become
    one-hot slots or embeddings; then come the body, a dense layer ``output`` and the layer ``output_activation``.
    A regression answers in the units of training: see :func:`with_target_units`.

    Args:
        values: Slots and their values, as a recommendation has them.
        columns: The encoded columns, in order.
        statistics: What the training rows said about them.
        task: The problem's task.
        outputs: Number of outputs: target columns, classes (multiclass), 1 (binary) or labels (multilabel).
        seed: Decides all first weights and all dropout masks; same seed, same bits.
        architecture: Family of the body.
        regularization_strength: Strength of the penalty; None takes the first one that the recommendation lists.
        dropout_rate: Rate of the dropout; None takes the first one that the recommendation lists.
        output_bias: First bias of the output, see :func:`advisor.builder.statistics.initial_output_bias`; else 0.
        keras_namespace: The Keras to build with; None is the program's. Names are the same whichever it is.

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
    layout = lay_out(columns, statistics, blueprint.categorical_encoding_limit, blueprint.embedding_size)
    _check_outputs(statistics, outputs, output_bias)
    keras = keras_namespace if keras_namespace is not None else program_keras()
    inputs = keras.Input(shape=(len(columns),), name=INPUT, dtype="float32")
    tensor = _prepare(keras, inputs, columns, statistics, layout, blueprint)
    tensor = ARCHITECTURES[blueprint.architecture](keras, tensor, blueprint)
    # The output layer isn't followed by one of the activations that He or LeCun initialization is derived for.
    tensor = keras.layers.Dense(
        outputs,
        kernel_initializer=keras.initializers.GlorotUniform(seed=blueprint.seed_of(OUTPUT)),
        kernel_regularizer=REGULARIZATIONS[blueprint.regularization](keras, blueprint.regularization_strength),
        name=OUTPUT,
    )(tensor)
    tensor = OUTPUT_ACTIVATIONS[blueprint.output_activation](keras, OUTPUT_ACTIVATION)(tensor)
    core = keras.Model(inputs, tensor, name="core")
    if output_bias is not None:
        output = core.get_layer(OUTPUT)
        output.set_weights([output.get_weights()[0], np.asarray(output_bias, np.float32)])
    return core


def logits_model(core: Model) -> Model:
    """Return the model that answers before the output activation; it shares every weight with ``core``."""
    return type(core)(core.inputs[0], core.get_layer(OUTPUT).output, name="logits")


def with_target_units(core: Model, statistics: Statistics, *, keras_namespace: Namespace | None = None) -> Model:
    """Return the model that is delivered: it answers in the user's units and shares every weight with ``core``.

    Classification is returned as it is; so is a regression whose targets weren't scaled.
    """
    shift, scale = statistics.target_mean, statistics.target_scale
    if shift is None or scale is None or (np.all(shift == 0) and np.all(scale == 1)):
        return core
    keras = keras_namespace if keras_namespace is not None else program_keras()
    units = layer_classes(keras).target_units(scale=_floats(scale), shift=_floats(shift), name=TARGET_UNITS)(
        core.outputs[0]
    )
    return keras.Model(core.inputs[0], units, name="delivered")


def split_core(core: Model) -> tuple[Model, Model] | None:
    """Return what comes before the first trained layer, and the rest; both share every weight with ``core``.

    Training rows can then be prepared once instead of at every step (15 % of a compiled step's time).

    Returns:
        ``prepare`` (features → prepared inputs) and ``rest`` (prepared inputs → answers), or None if there are
        embeddings: they are trained, so nothing can be prepared.
    """
    layers = {layer.name: layer for layer in core.layers}
    if EMBEDDINGS in layers:
        return None
    prepared = next(layers[name].output for name in (JOINED, NUMBERS, ONE_HOT) if name in layers)
    kind = type(core)
    return kind(core.inputs[0], prepared, name="prepare"), kind(prepared, core.outputs[0], name="rest")


def _floats(numbers: Array) -> list[float]:
    """Return the numbers as float32 holds them, exactly representable in JSON."""
    return [float(each) for each in np.asarray(numbers, np.float32).ravel()]


def _prepare(
    keras: Namespace,
    inputs: Tensor,
    columns: Sequence[EncodedColumn],
    statistics: Statistics,
    layout: Layout,
    blueprint: Blueprint,
) -> Tensor:
    """Append preprocessing: numbers, flags, one-hot slots and embeddings, joined in this order."""
    layers = layer_classes(keras)
    parts = []
    if layout.numbers:
        chosen = list(layout.numbers)
        bounded = np.array([is_bounded(columns[index]) for index in chosen])
        parts.append(
            INPUT_NORMALIZATIONS["standardize"](
                keras,
                columns=chosen,
                fill=_floats(statistics.mean[chosen]),
                center=_floats(np.where(bounded, 0.0, statistics.mean[chosen])),
                factor=_floats(np.where(bounded, 1.0, 1.0 / statistics.scale[chosen])),
                name=NUMBERS,
            )(inputs)
        )
    if layout.flags:
        parts.append(layers.missing_flags(columns=layout.flags, name=MISSING)(inputs))
    if layout.slots:
        of, codes = zip(*layout.slots, strict=True)
        parts.append(layers.one_hot(columns=of, codes=codes, name=ONE_HOT)(inputs))
    if layout.embedded:
        parts.append(
            layers.embeddings(
                columns=[each.column for each in layout.embedded],
                codes=[each.codes for each in layout.embedded],
                sizes=[each.size for each in layout.embedded],
                seeds=[blueprint.seed_of(f"{EMBEDDINGS}/{each.column}") for each in layout.embedded],
                name=EMBEDDINGS,
            )(inputs)
        )
    if len(parts) == 1:
        return parts[0]
    return keras.layers.Concatenate(name=JOINED)(parts)


def _check_outputs(statistics: Statistics, outputs: int, output_bias: Array | None) -> None:
    findings = []
    for name, numbers in (("target_mean", statistics.target_mean), ("target_scale", statistics.target_scale)):
        if numbers is not None and len(numbers) != outputs:
            findings.append(Finding("B106", name, f"{len(numbers)} targets were scaled, {outputs} outputs are wanted."))
    if output_bias is not None and np.shape(output_bias) != (outputs,):
        findings.append(Finding("B106", "output_bias", f"shape {np.shape(output_bias)}, wanted ({outputs},)."))
    if findings:
        raise BuildError(*findings)
