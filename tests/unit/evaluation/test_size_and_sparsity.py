from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from advisor.errors import ArtifactError
from advisor.evaluation import measure_litert_sparsity, measure_size, measure_sparsity


def test_size_is_the_bytes_of_a_file_or_of_everything_in_a_folder(tmp_path):
    (tmp_path / "m" / "deep").mkdir(parents=True)
    (tmp_path / "m" / "a").write_bytes(b"12345")
    (tmp_path / "m" / "deep" / "b").write_bytes(b"123")
    (tmp_path / "m" / "link").symlink_to(tmp_path / "m" / "a")
    assert measure_size(tmp_path / "m" / "a") == 5
    assert measure_size(tmp_path / "m") == 8
    with pytest.raises(ArtifactError, match="A101"):
        measure_size(tmp_path / "nothing")


@pytest.fixture(scope="module")
def sparse_model() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1), name="features")
    tensor = keras.layers.Conv2D(8, 3, name="conv")(image)
    tensor = keras.layers.DepthwiseConv2D(3, name="depthwise")(tensor)
    tensor = keras.layers.BatchNormalization(name="normalization")(tensor)
    tensor = keras.layers.Flatten()(tensor)
    inside_input = keras.Input((128,))
    inside = keras.Model(inside_input, keras.layers.Dense(32, activation="relu", name="dense")(inside_input))
    tensor = inside(tensor)
    model = keras.Model(image, keras.layers.Dense(40, name="output")(tensor))
    rng = np.random.default_rng(0)
    for name, share in (("conv", 0.5), ("depthwise", 0.25), ("output", 0.9)):
        layer = model.get_layer(name)
        kernel = layer.get_weights()[0]
        kernel.reshape(-1)[rng.permutation(kernel.size)[: round(kernel.size * share)]] = 0
        layer.set_weights([kernel, *layer.get_weights()[1:]])
    return model


def test_exact_zeros_of_dense_and_convolution_kernels_are_counted_in_nested_models_too(sparse_model):
    found = measure_sparsity(sparse_model)
    assert found.weights == 72 + 72 + 128 * 32 + 32 * 40
    assert found.zeros == 36 + 18 + 1152
    assert found.fraction == pytest.approx(1206 / 5520)
    assert found.kernels["output/kernel"] == pytest.approx(0.9)


def test_embeddings_and_biases_do_not_count():
    import keras

    codes = keras.Input((1,), dtype="int32")
    flat = keras.layers.Flatten()(keras.layers.Embedding(9, 4, embeddings_initializer="zeros")(codes))
    model = keras.Model(codes, keras.layers.Dense(2)(flat))
    assert (measure_sparsity(model).zeros, measure_sparsity(model).weights) == (0, 8)
    assert measure_sparsity(keras.Sequential([keras.Input((2,)), keras.layers.Activation("relu")])).fraction == 0.0


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_the_exported_file_is_as_sparse_as_the_model(sparse_model, tmp_path, precision):
    from advisor.export import export_litert

    export_litert(sparse_model, tmp_path / "m.tflite", precision=precision)
    found = measure_litert_sparsity(tmp_path / "m.tflite")
    expected = measure_sparsity(sparse_model)
    assert found.weights == expected.weights
    if precision == "int8":  # small weights round to zero as well
        assert expected.zeros <= found.zeros < expected.zeros + 0.02 * expected.weights
    else:
        assert found.zeros == expected.zeros


def test_files_that_are_none_are_refused(tmp_path):
    for content in (b"", b"no model", bytes(range(256)) * 8):
        (tmp_path / "m.tflite").write_bytes(content)
        with pytest.raises(ArtifactError, match="A102"):
            measure_litert_sparsity(tmp_path / "m.tflite")
    with pytest.raises(ArtifactError, match="A101"):
        measure_litert_sparsity(tmp_path / "nothing.tflite")
