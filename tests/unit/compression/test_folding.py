"""Folding changes nothing but the number of layers."""

import keras
import numpy as np
import pytest

from advisor.builder.layers import layer_classes
from advisor.compression import fold
from advisor.compression.folding import difference
from advisor.errors import CompressionError

pytestmark = pytest.mark.slow
L = keras.layers
ALLOWED = 1e-5


def shake(model, generator):
    """Give normalizations statistics that they could have after training, and biases values."""
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, L.BatchNormalization):
            n = len(weights[0])
            statistics = [generator.normal(0, 0.7, n), generator.uniform(0.2, 3.0, n)]
            affine = [generator.uniform(0.5, 1.5, n)] * layer.scale + [generator.normal(0, 0.5, n)] * layer.center
            layer.set_weights(affine + statistics)
        elif weights:
            layer.set_weights([w if w.ndim > 1 else generator.normal(0, 0.3, w.shape) for w in weights])
    return model


def dense_net(generator):
    inputs = tensor = keras.Input((int(generator.integers(2, 20)),))
    for _ in range(generator.integers(1, 4)):
        tensor = L.Dense(int(generator.integers(2, 40)), use_bias=bool(generator.integers(2)))(tensor)
        normalization = L.BatchNormalization(scale=bool(generator.integers(2)), center=bool(generator.integers(2)))
        activation = L.Activation(str(generator.choice(["relu", "elu", "leaky_relu", "tanh"])))
        order = (normalization, activation) if generator.random() < 0.7 else (activation, normalization)
        for layer in order:
            tensor = layer(tensor)
    return keras.Model(inputs, L.Dense(3)(tensor))


def convolutional_net(generator):
    inputs = tensor = keras.Input((8, 8, int(generator.integers(1, 4))))
    for _ in range(generator.integers(1, 4)):
        filters, bias = int(generator.integers(2, 8)), bool(generator.integers(2))
        layers = (L.Conv2D, L.DepthwiseConv2D, L.Conv2DTranspose)
        kind = layers[generator.integers(len(layers))]
        size = (
            {"depth_multiplier": int(generator.integers(1, 3))} if kind is L.DepthwiseConv2D else {"filters": filters}
        )
        layer = kind(kernel_size=3, padding="same", use_bias=bias, **size)
        tensor = L.Activation("relu")(L.BatchNormalization()(layer(tensor)))
    return keras.Model(inputs, L.Dense(2)(L.Flatten()(tensor)))


def test_two_hundred_random_nets_answer_the_same_after_folding():
    worst, folded = 0.0, 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        keras.utils.set_random_seed(seed)
        net = shake((convolutional_net if seed % 10 == 0 else dense_net)(generator), generator)
        rows = generator.normal(size=(32, *net.input_shape[1:])).astype(np.float32)
        folding = fold(net)
        assert not folding.kept
        assert not [layer for layer in folding.model.layers if isinstance(layer, L.BatchNormalization)]
        worst, folded = max(worst, difference(net, folding.model, rows)), folded + len(folding.folded)
    assert folded > 200
    assert worst <= ALLOWED


def test_a_residual_net_is_folded_too():
    generator = np.random.default_rng(0)
    inputs = keras.Input((6,))
    first = L.Activation("relu")(L.BatchNormalization()(L.Dense(8)(inputs)))
    second = L.BatchNormalization()(L.Dense(8, use_bias=False)(first))
    net = shake(keras.Model(inputs, L.Dense(1)(L.Add()([first, second]))), generator)
    folding = fold(net, rows=generator.normal(size=(64, 6)).astype(np.float32))
    assert len(folding.folded) == 2


def test_zeros_stay_zeros():
    generator = np.random.default_rng(1)
    net = shake(dense_net(generator), generator)
    for layer in net.layers:
        if isinstance(layer, L.Dense):
            kernel, *bias = layer.get_weights()
            layer.set_weights([kernel * (generator.random(kernel.shape) < 0.3), *bias])
    kernels = [w for w in fold(net).model.get_weights() if w.ndim > 1]
    before = [w for w in net.get_weights() if w.ndim > 1]
    assert [np.count_nonzero(w) for w in kernels] == [np.count_nonzero(w) for w in before]


def test_what_can_not_be_folded_stays_and_says_why():
    inputs = keras.Input((6,))
    tensor = L.Activation("relu")(L.BatchNormalization(name="late")(L.Activation("relu")(L.Dense(4)(inputs))))
    net = keras.Model(inputs, tensor)
    folding = fold(net)
    assert folding.model is net
    assert "nothing linear" in folding.kept["late"]


def standardized(center, factor, extra=0):
    width = len(center)
    inputs = keras.Input((width + extra,), name="features")
    standardize = layer_classes(keras).standardize
    parts = [standardize(columns=range(width), fill=center, center=center, factor=factor, name="numbers")(inputs)]
    if extra:
        flags = layer_classes(keras).missing_flags(columns=range(width, width + extra), name="missing")(inputs)
        parts = [L.Concatenate(name="prepared")([flags, *parts])]
    return keras.Model(inputs, L.Dense(2)(L.Dense(16, activation="relu")(parts[0])))


@pytest.mark.parametrize("extra", [0, 2])
def test_the_standardization_of_inputs_goes_into_the_first_dense_layer(extra):
    generator = np.random.default_rng(0)
    net = standardized([3.0, -20.0, 0.5], [0.1, 2.0, 7.0], extra)
    rows = generator.normal([3.0, -20.0, 0.5] + [0] * extra, [10, 0.5, 0.14] + [1] * extra, (64, 3 + extra))
    rows[::5, 1] = np.nan
    rows[::7, -1] = np.nan
    folding = fold(net, standardization=True, rows=rows.astype(np.float32))
    assert folding.folded == (("numbers", net.layers[-2].name),)
    numbers = folding.model.get_layer("numbers")
    assert set(numbers.center) == {0.0}
    assert set(numbers.factor) == {1.0}


def test_standardization_that_would_lose_digits_is_refused_and_nothing_is_changed():
    net = standardized([1e7, 0.0], [10.0, 1.0])
    before = net.get_weights()
    rows = np.random.default_rng(0).normal([1e7, 0], [1.0, 1.0], (64, 2)).astype(np.float32)
    with pytest.raises(CompressionError, match="differs by"):
        fold(net, standardization=True, rows=rows)
    assert all(np.array_equal(a, b) for a, b in zip(before, net.get_weights(), strict=True))
