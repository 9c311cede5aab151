"""TensorFlow's toolkit on a twin: our pruning beside its own, quantization-aware training, and no traces left."""

import os

import keras
import numpy as np
import pytest

from advisor.artifacts import DataBundle, Part, Statistics
from advisor.compression import GradualPruning, plan_pruning
from advisor.compression.quantization_aware import LEGACY, toolkit, train_in_int8
from advisor.errors import CompressionError

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
EPOCHS, BATCH, FRACTION = 12, 64, 0.8
UNITS = (64, 32)


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


def test_training_in_8_bits_gives_a_file_that_is_as_good(trained):
    model, train, test = trained
    statistics = Statistics(np.zeros(64), np.ones(64), np.zeros(64, bool))
    before = os.environ.get(LEGACY)
    content = train_in_int8(
        model, lambda rows: rows, bundle_of(train, test), statistics, seed=0, epochs=10, rate=1e-4, batch=32
    )
    assert os.environ.get(LEGACY) == before
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    right = 0
    for row, label in zip(*test, strict=True):
        interpreter.set_tensor(inputs, row[None])
        interpreter.invoke()
        right += int(interpreter.get_tensor(outputs)[0].argmax() == label)
    assert right / len(test[0]) >= accuracy(model, test) - 0.03
    assert len(content) < 0.45 * 4 * model.count_params()


def test_training_in_8_bits_leaves_zeros_zero(trained, tmp_path):
    from advisor.evaluation import measure_litert_sparsity

    model, train, test = trained
    pruning = GradualPruning(model, plan_pruning(model, 0.9))
    pruned = pruning.finish()
    statistics = Statistics(np.zeros(64), np.ones(64), np.zeros(64, bool))
    bundle = bundle_of(train, test)
    content = train_in_int8(pruned, lambda rows: rows, bundle, statistics, seed=0, epochs=2, rate=1e-3, batch=32)
    path = tmp_path / "pruned.tflite"
    path.write_bytes(content)
    assert measure_litert_sparsity(path).fraction >= 0.9


def test_values_in_large_units_are_not_cut_off():
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
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    source, answer = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    errors = []
    for row, wanted in zip(x, y, strict=True):
        interpreter.set_tensor(source, row[None])
        interpreter.invoke()
        errors.append(float(interpreter.get_tensor(answer)[0, 0] - wanted[0]))
    before = np.square(y.std() * (model.predict(x, verbose=0) - scaled))
    assert np.sqrt(np.mean(np.square(errors))) < 1.1 * np.sqrt(before.mean())


def test_activations_that_the_toolkit_refuses_are_named(trained):
    _, train, test = trained
    statistics = Statistics(np.zeros(64), np.ones(64), np.zeros(64, bool))
    with pytest.raises(CompressionError, match="activation selu"):
        train_in_int8(
            build(keras, "selu"),
            lambda rows: rows,
            bundle_of(train, test),
            statistics,
            seed=0,
            epochs=10,
            rate=1e-4,
            batch=32,
        )
