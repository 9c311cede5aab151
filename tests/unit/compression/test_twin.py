"""The twin in the legacy Keras answers as the network does, and the toolkit quantizes all of it."""

import keras
import numpy as np
import pytest

from advisor.artifacts import InputSpec
from advisor.builder import build_core, fit_statistics
from advisor.compression import fold
from advisor.compression.quantization_aware import start_ranges, toolkit
from advisor.compression.twin import build_twin
from advisor.data.encoding import EncodedColumn
from advisor.errors import CompressionError
from advisor.export.preparation import Preparation
from advisor.recommendation import recommend

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
L = keras.layers
PICTURE = InputSpec("image", (9, 11, 3))
TABLE = InputSpec("table", (5,), tuple(EncodedColumn(f"x{k}", f"x{k}", "numeric") for k in range(5)))
BUILT = {
    "convolutional": ("convolutional", PICTURE, {"size_budget_kb": 50}),
    "small_convolutional": ("convolutional", PICTURE, {"target_device": "microcontroller"}),
    "leaky_convolutional": ("convolutional", PICTURE, {"latency_budget_ms": 1}),
    "dense_on_pictures": ("dense_stack", PICTURE, {"size_budget_kb": 50}),
    "residual": ("residual", TABLE, {"size_budget_kb": 50}),
    "wide_and_deep": ("wide_and_deep", TABLE, {"size_budget_kb": 50}),
}
"""Family, inputs, and the wish that makes the rules choose 8 bits or few weights."""


def shaken(network):
    """Give every weight another value, so that biases and statistics say something."""
    draw = np.random.default_rng(0)
    for layer in network.layers:
        layer.set_weights([w + np.abs(draw.normal(0, 0.1, w.shape)).astype(w.dtype) for w in layer.get_weights()])
    return network


def built(family, spec, wish):
    """Return the network behind the preprocessing, as the ladder hands it over."""
    facts = {"task": "multiclass", "architecture": family, "outputs": 3, "data_kind": spec.kind, **wish}
    x = np.random.default_rng(0).normal(size=(16, *spec.shape)).astype(np.float32)
    statistics = fit_statistics(x, spec, None, "multiclass", "none")
    values = recommend(facts).values
    core = build_core(values, spec, statistics, task="multiclass", outputs=3, seed=1, architecture=family)
    return Preparation.of(fold(shaken(core)).model)[1]


def everything():
    """Return a network with every other layer that can be quantized."""
    inputs = keras.Input((10, 8, 2))
    first = L.SeparableConv2D(4, 3, padding="same", activation="relu", depth_multiplier=2)(inputs)
    second = L.ReLU()(L.Conv2D(4, 1)(first))
    tensor = L.LeakyReLU(negative_slope=0.3)(L.Add()([first, second]))
    tensor = L.AveragePooling2D(2)(L.ZeroPadding2D(1)(tensor))
    tensor = L.DepthwiseConv2D(3, strides=2, activation="tanh")(tensor)
    tensor = L.Activation("leaky_relu")(L.Dropout(0.5)(tensor))
    tensor = L.Flatten()(L.Reshape((-1, 2))(tensor))
    tensor = L.Concatenate()([tensor, L.GlobalAveragePooling2D()(second)])
    return shaken(keras.Model(inputs, L.Dense(2, activation="sigmoid")(tensor)))


@pytest.mark.parametrize("which", [*BUILT, "everything"])
def test_a_twin_answers_alike_and_all_of_it_is_quantized(which):
    network = everything() if which == "everything" else built(*BUILT[which])
    rows = np.random.default_rng(1).normal(0, 2, (40, *network.input_shape[1:])).astype(np.float32)
    with toolkit() as (tf_keras, tfmot):
        twin = build_twin(tf_keras, network)
        assert np.abs(twin.predict(rows, verbose=0) - np.asarray(network(rows))).max() <= 1e-5
        quantized = tfmot.quantization.keras.quantize_model(twin)
        start_ranges(tf_keras, quantized, twin, rows)
        named = {weight.name: weight.numpy() for weight in quantized.weights}
        kernels = [name for name in named if "kernel:" in name]
        assert len(kernels) == sum(w.ndim > 1 for layer in network.layers for w in layer.get_weights())
        for name in kernels:  # a kernel without a range is one that the toolkit has silently left out
            place, _, kernel = name.rpartition("/")
            assert f"{'' if 'quant_' in place else 'quant_'}{place}/{kernel.replace(':', '_min:')}" in named
        ends = [value for name, value in named.items() if "activation_m" in name or "output_m" in name]
        assert len(ends) >= 2 * len([layer for layer in twin.layers if layer.weights])
        assert not np.isin(ends, (-6.0, 6.0)).any()


def test_all_layers_that_cannot_be_quantized_are_named():
    inputs = keras.Input((8, 8, 1))
    tensor = L.Conv2D(4, 3, activation="elu", name="curved")(inputs)
    tensor = L.ReLU(6.0, name="bounded")(L.BatchNormalization(name="unfolded")(tensor))
    network = keras.Model(inputs, L.Dense(1, activation="softplus", name="answer")(L.Flatten()(tensor)))
    named = r"curved \(elu\), unfolded \(BatchNormalization\), bounded \(.*\), answer \(softplus\)"
    with toolkit() as (tf_keras, _), pytest.raises(CompressionError, match=named) as caught:
        build_twin(tf_keras, network)
    assert [each.code for each in caught.value.findings] == ["C106"]
