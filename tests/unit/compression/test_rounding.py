"""Kernels rounded to 8 bits: what a file can hold, and nearer to the network than rounding each weight by itself."""

import keras
import numpy as np
import pytest

from advisor.compression import round_kernels
from advisor.compression.rounding import LARGEST, round_kernel
from advisor.export import export_litert
from advisor.export.litert import axis_of_scales

pytestmark = pytest.mark.slow
L = keras.layers


def rows_that_go_together(generator, n, width, sources=4):
    return generator.normal(size=(n, sources)) @ generator.normal(size=(sources, width)) + 0.1 * generator.normal(
        size=(n, width)
    )


def nearest(kernel, axis):
    scales = np.abs(kernel).max(axis, keepdims=True) / LARGEST
    return np.rint(kernel / scales) * scales


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("seed", range(20))
def test_a_kernel_becomes_whole_multiples_that_answer_better_than_the_nearest_ones(axis, seed):
    generator = np.random.default_rng(seed)
    width, neurons = int(generator.integers(2, 40)), int(generator.integers(1, 30))
    rows = rows_that_go_together(generator, 300, width)
    kernel = generator.normal(size=(width, neurons)) * (generator.random((width, neurons)) > 0.3)
    kernel[generator.integers(width, size=neurons), np.arange(neurons)] = 1.5  # no neuron and no input without weights
    kernel[:, 0] += 0.1
    bias = generator.normal(size=neurons)
    rounded, moved = round_kernel(kernel, bias, rows, rows, axis)
    scales = np.abs(kernel).max(axis, keepdims=True) / LARGEST
    integers = rounded / scales
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-9)
    assert np.abs(integers).max() <= LARGEST + 1e-9
    assert (rounded[kernel == 0] == 0).all()
    np.testing.assert_allclose(np.abs(rounded).max(axis), np.abs(kernel).max(axis), rtol=1e-12)

    def error(other, shift):
        return np.square(rows @ kernel + bias - rows @ other - shift).mean()

    assert error(rounded, moved) < error(nearest(kernel, axis), bias)


def network(generator):
    inputs = tensor = keras.Input((12,))
    for _ in range(3):
        tensor = L.Dense(40, activation="elu")(tensor)
    model = keras.Model(inputs, L.Dense(2)(tensor))
    for layer in model.layers[1:]:
        kernel, bias = layer.get_weights()
        layer.set_weights([generator.normal(0, 1.3 / np.sqrt(len(kernel)), kernel.shape), bias + 0.1])
    return model


def answers(model, rows):
    return np.asarray(model(rows, training=False), np.float64)


def test_later_layers_make_up_for_earlier_ones():
    generator = np.random.default_rng(0)
    model = network(generator)
    rows, unseen = np.split(rows_that_go_together(generator, 1000, 12).astype(np.float32), 2)
    rounded = round_kernels(model, rows, lambda kernel: None)
    plain = keras.models.clone_model(model)
    for layer, original in zip(plain.layers, model.layers, strict=True):
        if original.get_weights():
            kernel, bias = original.get_weights()
            layer.set_weights([nearest(kernel, None), bias])
    of_rounded, of_plain = (
        np.square(answers(each, unseen) - answers(model, unseen)).mean() for each in (rounded, plain)
    )
    assert of_rounded < of_plain / 4


def weights_of(path):
    """Return the weights that a file holds in 8 bits, as floats."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    found = []
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.INT8 and data is not None:
            integers = np.asarray(data, np.uint8).view(np.int8).reshape(tensor.shape).astype(np.float64)
            shape = [1, 1]
            shape[tensor.quantization.quantizedDimension] = -1
            found.append((integers * np.asarray(tensor.quantization.scale, np.float64).reshape(shape)).T)
    return found


@pytest.mark.parametrize("one_scale", [True, False])
def test_the_file_holds_exactly_the_rounded_weights(tmp_path, one_scale):
    generator = np.random.default_rng(1)
    rows = rows_that_go_together(generator, 400, 12).astype(np.float32)

    def axis(kernel):
        return axis_of_scales(kernel, one_scale=one_scale, integers=False)

    rounded = round_kernels(network(generator), rows, axis)
    export_litert(rounded, tmp_path / "model.tflite", precision="int8", one_scale=one_scale)
    stored = weights_of(tmp_path / "model.tflite")
    kernels = [layer.get_weights()[0] for layer in rounded.layers if layer.get_weights()]
    assert len(stored) == len(kernels) == 4
    for kernel in kernels:
        [alike] = [each for each in stored if each.shape == kernel.shape and np.allclose(each, kernel, rtol=1e-6)]
        assert np.abs(alike).max() > 0


def test_a_network_with_nothing_to_round_is_copied():
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, L.Flatten()(L.Conv2D(2, 3)(inputs)))
    rows = np.ones((3, 4, 4, 1), np.float32)
    np.testing.assert_array_equal(answers(round_kernels(model, rows, lambda kernel: 0), rows), answers(model, rows))


def test_a_layer_without_bias_and_inputs_that_are_never_there():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, L.Dense(3, use_bias=False)(inputs))
    rows = np.zeros((5, 6), np.float32)
    rounded = round_kernels(model, rows, lambda kernel: 0)
    kernel, original = rounded.layers[-1].get_weights()[0], model.layers[-1].get_weights()[0]
    np.testing.assert_allclose(kernel, original, atol=np.abs(original).max() / LARGEST)
