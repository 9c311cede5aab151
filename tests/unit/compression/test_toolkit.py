"""TensorFlow's toolkit on a twin: our pruning beside its own, quantization-aware training, and no traces left."""

import os
import time

import keras
import numpy as np
import pytest

from advisor.artifacts import DataBundle, Part, Statistics
from advisor.compression import GradualPruning, plan_pruning
from advisor.compression.quantization_aware import LEGACY, toolkit, train_in_int8
from advisor.errors import CompressionError
from advisor.evaluation import measure_litert_sparsity, measure_sparsity
from advisor.export.int8 import MICRO_OPERATIONS, operations_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
EPOCHS, BATCH, FRACTION = 12, 64, 0.8
UNITS = (64, 32)
UNSCALED = Statistics(np.zeros(64), np.ones(64), np.zeros(64, bool))


def retrained(model, train, test, **changed):
    """Train a network in 8 bits on rows that need no preprocessing, and return the file."""
    settings = {"seed": 0, "epochs": 1, "rate": 1e-4, "batch": 32, **changed}
    return train_in_int8(model, lambda rows: rows, bundle_of(train, test), UNSCALED, **settings)


def digits():
    from sklearn.datasets import load_digits

    pictures = load_digits()
    order = np.random.default_rng(0).permutation(len(pictures.data))
    x, y = (pictures.data[order] / 16).astype(np.float32), pictures.target[order].astype(np.int32)
    return (x[:1300], y[:1300]), (x[1300:], y[1300:])


def build(namespace, activation="relu"):
    tensor = inputs = namespace.Input((64,), name="features")
    for index, units in enumerate(UNITS):
        tensor = namespace.layers.Dense(units, activation=activation, name=f"dense_{index}")(tensor)
    return namespace.Model(inputs, namespace.layers.Dense(10, activation="softmax", name="output")(tensor))


def accuracy(model, part):
    return float((np.asarray(model(part[0])).argmax(axis=1) == part[1]).mean())


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    train, test = digits()
    model = build(keras)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*train, epochs=20, batch_size=BATCH, verbose=0)
    return model, train, test


def test_pruning_is_never_clearly_worse_than_the_toolkits_own(trained):
    model, train, test = trained
    pruning = GradualPruning(model, plan_pruning(model, FRACTION), end_share=0.5)
    pruning.model.compile("adam", "sparse_categorical_crossentropy")
    pruning.model.fit(*train, epochs=EPOCHS, batch_size=BATCH, verbose=0, callbacks=[pruning.callback()])
    ours = pruning.finish()
    with toolkit() as (tf_keras, tfmot):
        twin = build(tf_keras)
        for layer in twin.layers[1:]:
            layer.set_weights(model.get_layer(layer.name).get_weights())
        assert np.allclose(twin.predict(test[0], verbose=0), model.predict(test[0], verbose=0), atol=1e-5)
        steps = EPOCHS * (len(train[0]) // BATCH + 1)
        schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, FRACTION, 0, steps // 2, frequency=steps // EPOCHS)
        theirs = tfmot.sparsity.keras.prune_low_magnitude(twin, pruning_schedule=schedule)
        theirs.compile("adam", "sparse_categorical_crossentropy")
        update = tfmot.sparsity.keras.UpdatePruningStep()
        theirs.fit(*train, epochs=EPOCHS, batch_size=BATCH, verbose=0, callbacks=[update])
        stripped = tfmot.sparsity.keras.strip_pruning(theirs)
    kernels = [w for w in ours.get_weights() if w.ndim == 2]
    assert sum((w == 0).sum() for w in kernels) / sum(w.size for w in kernels) >= FRACTION
    assert accuracy(ours, test) >= accuracy(stripped, test) - 0.03


def bundle_of(train, test):
    parts = [Part(x, y, np.arange(len(x))) for x, y in (train, test)]
    return DataBundle("multiclass", parts[0], parts[1], parts[1], tuple("0123456789"), ("y",), "0")


def in_litert(content, rows):
    """Return the answers of a file to prepared rows, and its operations' types."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    source, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    answers = []
    for row in rows:
        given = row[None]
        if source["dtype"] == np.int8:
            scale, zero = source["quantization"]
            given = np.clip(np.rint(given / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], given)
        interpreter.invoke()
        found = interpreter.get_tensor(answer["index"])[0]
        if answer["dtype"] == np.int8:
            scale, zero = answer["quantization"]
            found = (found.astype(np.float32) - zero) * scale
        answers.append(found)
    return np.asarray(answers), {np.dtype(each["dtype"]).name for each in interpreter.get_tensor_details()}


def test_training_in_8_bits_gives_a_file_that_is_as_good(trained):
    model, train, test = trained
    before = os.environ.get(LEGACY)
    content = retrained(model, train, test, epochs=10)
    assert os.environ.get(LEGACY) == before
    answers, _ = in_litert(content, test[0])
    assert (answers.argmax(axis=1) == test[1]).mean() >= accuracy(model, test) - 0.03
    assert len(content) < 0.45 * 4 * model.count_params()


def test_training_in_8_bits_leaves_zeros_zero(trained, tmp_path):
    model, train, test = trained
    pruned = GradualPruning(model, plan_pruning(model, 0.9)).finish()
    content = retrained(pruned, train, test, epochs=2, rate=1e-3)
    path = tmp_path / "pruned.tflite"
    path.write_bytes(content)
    assert measure_litert_sparsity(path).fraction >= 0.9


def test_training_in_8_bits_ends_in_time(trained):
    model, train, test = trained
    begun = time.monotonic()
    retrained(model, train, test, epochs=10**6, seconds=1)
    assert time.monotonic() - begun < 120


@pytest.fixture(scope="module")
def convolutional(trained):
    """A network for the same digits as pictures, half of whose weights are zero."""
    _, *parts = trained
    train, test = ((x.reshape(-1, 8, 8, 1), y) for x, y in parts)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1))
    tensor = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    tensor = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(tensor)
    tensor = keras.layers.MaxPooling2D()(keras.layers.Conv2D(32, 1, activation="relu")(tensor))
    # 7 kB of graph and names are in every file, so that the network must not be too small for its size to mean much
    tensor = keras.layers.Dense(64, activation="relu")(keras.layers.Flatten()(tensor))
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(tensor))
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    pruning = GradualPruning(model, plan_pruning(model, 0.5), end_share=0.5)
    pruning.model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    pruning.model.fit(*train, epochs=8, batch_size=BATCH, verbose=0, callbacks=[pruning.callback()])
    return pruning.finish(), train, test


@pytest.mark.parametrize("integers", [False, True])
def test_a_convolutional_network_trained_in_8_bits_is_as_good_small_and_keeps_its_zeros(
    convolutional, integers, tmp_path
):
    model, train, test = convolutional
    content = retrained(model, train, test, integers=integers)
    path = tmp_path / "file.tflite"
    path.write_bytes(content)
    answers, types = in_litert(content, test[0])
    assert accuracy(model, test) > 0.9
    assert (answers.argmax(axis=1) == test[1]).mean() >= accuracy(model, test) - 0.02
    assert len(content) < 0.35 * 4 * model.count_params()
    assert measure_litert_sparsity(path).fraction >= measure_sparsity(model).fraction >= 0.45
    assert set(operations_of(path)) <= MICRO_OPERATIONS
    assert types == ({"int8", "int32"} if integers else {"int8", "int32", "float32"})


def test_a_regression_learns_in_the_units_of_training():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(256, 6)).astype(np.float32)
    y = (50 + 20 * x[:, :1] - 10 * np.maximum(x[:, 1:2], 0)).astype(np.float32)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(16, "relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.compile("adam", "mse")
    scaled = (y - y.mean()) / y.std()
    model.fit(x, scaled, epochs=150, verbose=0)
    parts = [Part(x, y, np.arange(len(x)))] * 3
    statistics = Statistics(np.zeros(6), np.ones(6), np.zeros(6, bool), np.array([y.mean()]), np.array([y.std()]))
    content = train_in_int8(
        model,
        lambda rows: rows,
        DataBundle("regression", *parts, (), ("y",), "0"),
        statistics,
        seed=0,
        epochs=2,
        rate=1e-4,
        batch=32,
    )
    errors = in_litert(content, x)[0] - scaled
    before = np.square(model.predict(x, verbose=0) - scaled)
    assert np.sqrt(np.mean(np.square(errors))) < 1.1 * np.sqrt(before.mean())


def test_activations_that_the_toolkit_refuses_are_named(trained):
    _, train, test = trained
    with pytest.raises(CompressionError, match=r"dense_0 \(selu\), dense_1 \(selu\)"):
        retrained(build(keras, "selu"), train, test)
