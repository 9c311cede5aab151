"""The core, reloaded from each format in its own runtime, answers as in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from advisor.builder import build_core, fit_statistics, with_target_units

from .conftest import COLUMNS, DEFAULT, SELF_NORMALIZING, table

pytestmark = pytest.mark.slow
TOLERANCE = 1e-6
"""Largest difference, as a share of the target's scale plus the largest answer: the operations are the same, but each
runtime adds up a product in an order of its own (already the same Keras model does for 1 row and for 2,000)."""

CONFIGURATIONS = {
    "self_normalizing": {**SELF_NORMALIZING, "dropout": "alpha_dropout", "dropout_rates": [0.1]},
    "default": {**DEFAULT, "normalization": "batch_normalization", "normalization_position": "before_activation"},
    "fast": {**DEFAULT, "activation": "leaky_relu", "regularization": "l1_l2", "regularization_strengths": [0.01]},
}


def litert_answers(path: str, x: np.ndarray) -> np.ndarray:
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = interpreter_module.Interpreter(model_path=path, num_threads=1)
    (source,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(source["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], x)
    interpreter.invoke()
    assert not [each["op_name"] for each in interpreter._get_ops_details() if "Flex" in each["op_name"]]
    (answer,) = interpreter.get_output_details()
    return interpreter.get_tensor(answer["index"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_reloaded_cores_answer_alike(keras: Any, tmp_path, name):
    rng = np.random.default_rng(1)
    x, y = table(), rng.normal(3.0, 2.0, (64, 1))
    statistics = fit_statistics(x, COLUMNS, y, "regression", "standardize")
    core = build_core(CONFIGURATIONS[name], COLUMNS, statistics, task="regression", outputs=1, seed=3)
    for layer in core.layers:  # moving statistics as after training
        if layer.name.startswith("normalization"):
            layer.set_weights([weight + 0.1 * rng.random(weight.shape) for weight in layer.get_weights()])
    delivered = with_target_units(core, statistics)
    x = table(seed=5)
    x[0], x[1, 3], x[2, 5] = np.nan, 1, 1
    x[0, [3, 5]] = 0
    wanted = delivered(x).numpy()
    allowed = TOLERANCE * (float(statistics.target_scale[0]) + np.abs(wanted).max())
    assert np.isfinite(wanted).all()

    delivered.save(tmp_path / "core.keras")
    loaded = keras.models.load_model(tmp_path / "core.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(x).numpy(), wanted)

    delivered.export(str(tmp_path / "saved"), verbose=False)
    import tensorflow as tf

    saved = tf.saved_model.load(str(tmp_path / "saved"))
    assert np.abs(saved.serve(x).numpy() - wanted).max() <= allowed

    delivered.export(str(tmp_path / "core.tflite"), format="litert", verbose=False)
    answers = litert_answers(str(tmp_path / "core.tflite"), x)
    assert np.abs(answers - wanted).max() <= allowed


def test_missing_values_are_exact_when_compiled(keras: Any):
    import tensorflow as tf

    x = table()
    statistics = fit_statistics(x, COLUMNS, None, "binary", "none")
    core = build_core(DEFAULT, COLUMNS, statistics, task="regression", outputs=1, seed=3)
    prepare = keras.Model(core.inputs[0], core.get_layer("prepared").output)
    compiled = tf.function(lambda rows: prepare(rows), jit_compile=True)
    np.testing.assert_array_equal(compiled(tf.constant(x)), prepare(x))


def test_a_twin_in_the_legacy_keras_has_the_same_names_and_answers(keras: Any):
    tf_keras = pytest.importorskip("tf_keras")
    x = table()
    statistics = fit_statistics(x, COLUMNS, None, "binary", "none")
    for values in CONFIGURATIONS.values():
        settings = {"task": "binary", "outputs": 1, "seed": 3}
        values = {**values, "output_activation": "sigmoid"}
        core = build_core(values, COLUMNS, statistics, **settings)
        twin = build_core(values, COLUMNS, statistics, **settings, keras_namespace=tf_keras)
        assert [layer.name for layer in twin.layers] == [layer.name for layer in core.layers]
        for layer in core.layers:
            if layer.get_weights():
                twin.get_layer(layer.name).set_weights([w for w in layer.get_weights() if w.dtype == np.float32])
        assert np.abs(twin(x).numpy() - core(x).numpy()).max() <= TOLERANCE
