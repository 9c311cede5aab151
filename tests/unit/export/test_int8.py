"""Files all in integers, what comes before them, sparsely stored files, C arrays and ONNX."""

import keras
import numpy as np
import pytest

from advisor.builder.layers import layer_classes
from advisor.errors import ArtifactError, ExportError
from advisor.evaluation import measure_litert_sparsity
from advisor.export.compacting import ALIGNMENT, compact
from advisor.export.int8 import (
    PreparedRuntime,
    check_micro_operations,
    export_full_int8,
    export_sparse,
    operations_of,
    write_c_array,
)
from advisor.export.litert_runtime import LiteRTRuntime
from advisor.export.onnx import load_onnx, save_onnx, verify_onnx
from advisor.export.preparation import Preparation

pytestmark = pytest.mark.slow
ROWS = np.random.default_rng(0).normal([100.0, 0.0, 2.0], [20.0, 0.01, 1.0], (300, 3)).astype(np.float32)
ROWS[:, 2] = np.random.default_rng(1).integers(0, 4, 300)
ROWS[::9, 0] = np.nan


@pytest.fixture(scope="module")
def core():
    keras.utils.set_random_seed(0)
    layers = layer_classes(keras)
    inputs = keras.Input((3,), name="features")
    parts = [
        layers.standardize(columns=[0, 1], fill=[100, 0], center=[100, 0], factor=[0.05, 100], name="numbers")(inputs),
        layers.missing_flags(columns=[0], name="missing")(inputs),
        layers.one_hot(columns=[2, 2], codes=[2, 3], name="one_hot")(inputs),
    ]
    tensor = keras.layers.Concatenate(name="prepared")(parts)
    for _ in range(2):
        tensor = keras.layers.Dense(64, activation="relu")(tensor)
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="output")(tensor))


def test_the_preparation_does_what_the_layers_do(core):
    preparation, rest = Preparation.of(core)
    again = Preparation.from_dict(preparation.to_dict())
    prepared = again.compile()(ROWS)
    assert prepared.dtype == np.float32
    assert np.array_equal(np.asarray(rest(prepared)), np.asarray(core(ROWS)))


@pytest.mark.parametrize("alone", [False, True])
def test_tables_of_embeddings_are_the_kernels_of_first_layers(core, tmp_path, alone):
    layers, generator = layer_classes(keras), np.random.default_rng(2)
    inputs = keras.Input((4,), name="features")
    settings = {"columns": [2, 3], "codes": [4, 30], "sizes": [2, 5], "seeds": [0, 1], "name": "embeddings"}
    tensor = layers.embeddings(**settings)(inputs)
    if not alone:
        numbers = layers.standardize(columns=[0, 1], fill=[100, 0], center=[100, 0], factor=[0.05, 100], name="numbers")
        tensor = keras.layers.Concatenate(name="prepared")([numbers(inputs), tensor])
    tensor = keras.layers.Dense(64, activation="relu")(tensor)
    core = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="output")(tensor))
    core.get_layer("embeddings").set_weights([generator.normal(size=(4, 2)), generator.normal(size=(30, 5))])
    rows = np.concatenate([ROWS, generator.integers(0, 30, (len(ROWS), 1))], axis=1).astype(np.float32)
    preparation, rest = Preparation.of(core)
    prepared = Preparation.from_dict(preparation.to_dict()).compile()(rows)
    assert prepared.shape[1] == 34 + (0 if alone else 2)
    np.testing.assert_allclose(rest(prepared), core(rows), atol=1e-6)
    path = tmp_path / "model.tflite"
    export_full_int8(rest, path, prepared, integers=True)
    assert np.abs(PreparedRuntime(path, preparation).predict(rows) - np.asarray(core(rows))).max() < 0.05
    write_c_array(path, tmp_path / "model_data.h", {})


@pytest.mark.parametrize("damaged", [None, "x", [{}], [{"kind": "numbers"}], [{"kind": "spell", "columns": [0]}]])
def test_a_damaged_contract_is_refused(damaged):
    with pytest.raises(ArtifactError, match="isn't understood"):
        Preparation.from_dict(damaged)


@pytest.mark.parametrize("integers", [False, True])
def test_a_file_all_in_8_bits_answers_nearly_like_the_network(core, tmp_path, integers):
    preparation, rest = Preparation.of(core)
    path = tmp_path / "model.tflite"
    export_full_int8(rest, path, preparation.compile()(ROWS), integers=integers)
    runtime = PreparedRuntime(path, preparation)
    expected = np.asarray(core(ROWS))
    answers = runtime.predict(ROWS)
    assert np.abs(answers - expected).max() < 0.05
    assert np.array_equal(runtime.predict_row(ROWS[0]), answers[0])
    used = operations_of(path)
    assert ("QUANTIZE" in used) is not integers
    header = tmp_path / "model_data.h"
    write_c_array(path, header, {"classes": "[]"})
    text = header.read_text()
    assert f"advisor_model_length = {path.stat().st_size};" in text
    assert text.count("0x") == path.stat().st_size


@pytest.mark.parametrize("integers", [False, True])
def test_answers_far_from_zero_have_all_levels_for_themselves(core, tmp_path, integers):
    """What 8 bits lose doesn't depend on the target's unit: 450 megawatts, give or take 17, or their standard score."""
    centered = core.get_layer("output").input
    plain = keras.Model(core.inputs[0], keras.layers.Dense(1, name="output")(centered))
    units = layer_classes(keras).target_units(scale=[17.0], shift=[450.0], name="target_units")
    delivered = keras.Model(core.inputs[0], units(plain.outputs[0]))
    lost = []
    for model, scale in ((plain, 1.0), (delivered, 17.0)):
        preparation, rest = Preparation.of(model)
        again = Preparation.from_dict(preparation.to_dict())
        path = tmp_path / "model.tflite"
        export_full_int8(rest, path, again.compile()(ROWS), integers=integers)
        runtime = PreparedRuntime(path, again)
        answers = runtime.predict(ROWS)
        assert np.array_equal(runtime.predict_row(ROWS[0]), answers[0])
        lost.append(np.abs(answers - np.asarray(model(ROWS))).max() / scale)
    assert lost[1] == pytest.approx(lost[0], abs=1e-5)


@pytest.mark.parametrize("integers", [False, True])
def test_activations_in_16_bits_lose_less_than_half_of_what_those_in_8_lose(core, tmp_path, integers):
    preparation, rest = Preparation.of(core)
    path, prepared, expected = tmp_path / "model.tflite", preparation.compile()(ROWS), np.asarray(core(ROWS))
    lost = {}
    for wide in (False, True):
        settings = {"integers": integers, "wide_activations": wide}
        export_full_int8(rest, path, prepared, **settings)
        runtime = PreparedRuntime(path, preparation)
        lost[wide] = np.sqrt(np.mean((runtime.predict(ROWS) - expected) ** 2))
        assert ("QUANTIZE" in operations_of(path)) is not integers
    assert lost[True] < 0.5 * lost[False]
    write_c_array(path, tmp_path / "model_data.h", {}, wide_activations=True)


def test_an_operation_that_microcontrollers_have_only_in_8_bits_is_named(tmp_path):
    inputs = keras.Input((8,), name="features")
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(16, activation="elu")(inputs)))
    path = tmp_path / "model.tflite"
    export_full_int8(model, path, np.random.default_rng(0).normal(size=(200, 8)), integers=True)
    assert "ELU" in check_micro_operations(path)
    with pytest.raises(ExportError, match="lacks ELU with activations in 16 bits"):
        check_micro_operations(path, wide_activations=True)


def test_too_few_representative_rows_are_refused_with_their_number(core, tmp_path):
    preparation, rest = Preparation.of(core)
    with pytest.raises(ExportError, match="99 rows are too few"):
        export_full_int8(rest, tmp_path / "model.tflite", preparation.compile()(ROWS[:99]))
    assert not list(tmp_path.iterdir())


def test_an_operation_that_microcontrollers_lack_is_named(core, tmp_path):
    from advisor.export.litert import export_litert

    export_litert(core, tmp_path / "model.tflite")
    with pytest.raises(ExportError, match=r"lacks .*SELECT_V2"):
        write_c_array(tmp_path / "model.tflite", tmp_path / "model.h", {})


def test_a_sparsely_stored_file_is_smaller_and_answers_the_same(core, tmp_path):
    from advisor.export.litert import export_litert

    sparse = keras.models.clone_model(core)
    for layer, other in zip(sparse.layers, core.layers, strict=True):
        weights = other.get_weights()
        if weights:
            kept = np.random.default_rng(0).random(weights[0].shape) > 0.9
            layer.set_weights([weights[0] * kept, weights[1]])
    export_litert(sparse, tmp_path / "dense.tflite")
    export_sparse(sparse, tmp_path / "sparse.tflite")
    assert (tmp_path / "sparse.tflite").stat().st_size < 0.5 * (tmp_path / "dense.tflite").stat().st_size
    assert measure_litert_sparsity(tmp_path / "sparse.tflite").fraction > 0.85
    answers = LiteRTRuntime(tmp_path / "sparse.tflite").predict(ROWS)
    assert np.allclose(answers, np.asarray(sparse(ROWS)), atol=1e-5)


def test_onnx_is_run_and_compared(core, tmp_path):
    path = tmp_path / "model.onnx"
    save_onnx(core, path)
    artifact = verify_onnx(path, core, ROWS, root=tmp_path)
    assert artifact.max_difference <= 1e-5
    assert load_onnx(path)(ROWS[:5]).shape == (5, 1)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ArtifactError, match="onnxruntime can't run it"):
        load_onnx(path)


def test_one_scale_a_layer_brings_a_usual_network_to_three_tenths_of_its_bytes_and_hardly_changes_answers(tmp_path):
    from advisor.export.litert import export_litert

    keras.utils.set_random_seed(0)
    tensor = inputs = keras.Input((8,), name="features")
    for index in range(3):
        tensor = keras.layers.Dense(100, activation="relu", name=f"dense_{index}")(tensor)
    model = keras.Model(inputs, keras.layers.Dense(1, name="output")(tensor))
    for layer in model.layers[1:]:  # converters leave biases of zero out
        layer.bias.assign(np.random.default_rng(0).normal(size=layer.bias.shape) * 0.1)
    rows = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    export_litert(model, tmp_path / "float.tflite")
    sizes, expected = {}, np.asarray(model(rows))[:, 0]
    for one_scale in (True, False):
        path = tmp_path / f"{one_scale}.tflite"
        export_full_int8(model, path, rows, one_scale=one_scale)
        sizes[one_scale] = path.stat().st_size / (tmp_path / "float.tflite").stat().st_size
        runtime = LiteRTRuntime(path)
        answers = np.array([runtime.predict_row(row)[0] for row in rows])
        assert np.sqrt(np.mean((answers - expected) ** 2)) < 0.1 * expected.std()
    assert sizes[True] <= 0.30 < sizes[False]


def test_what_no_runtime_reads_is_left_out_and_nothing_else_changes(core, tmp_path, monkeypatch):
    from tensorflow.lite.python import schema_py_generated as schema

    from advisor.export import conversion
    from advisor.export.litert import export_litert

    small, whole = tmp_path / "small.tflite", tmp_path / "whole.tflite"
    export_litert(core, small)
    monkeypatch.setattr(conversion, "compact", lambda content, **others: content)
    export_litert(core, whole)
    assert small.stat().st_size < whole.stat().st_size
    assert np.array_equal(LiteRTRuntime(small).predict(ROWS), LiteRTRuntime(whole).predict(ROWS))
    content = small.read_bytes()
    model = schema.Model.GetRootAs(content, 0)
    weights = 0
    for index in range(model.BuffersLength()):
        data = model.Buffers(index)
        if data.DataLength():
            start = data._tab.Vector(data._tab.Offset(4))
            assert start % ALIGNMENT == 0
            weights += data.DataLength() // 4
    assert weights >= sum(each.size for each in core.get_weights() if each.ndim > 1)
    document = schema.ModelT.InitFromPackedBuf(content, 0)
    (graph,) = document.subgraphs
    ends = {*graph.inputs, *graph.outputs}
    assert ends == {index for index, tensor in enumerate(graph.tensors) if tensor.name}
    assert sum(buffer.data is None for buffer in document.buffers) == 1
    assert compact(content) == content


@pytest.mark.parametrize("one_scale", [True, False])
def test_small_kernels_are_stored_in_eight_bits_whatever_their_columns_are_scaled_by(tmp_path, one_scale):
    from advisor.export.litert import export_litert

    keras.utils.set_random_seed(0)
    rows = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32) * 10.0 ** np.arange(-3, 5)
    tensor = inputs = keras.Input((8,), name="features")
    for name, units, activation in (("first", 64, "relu"), ("second", 64, "relu"), ("output", 1, None)):
        tensor = keras.layers.Dense(units, activation, name=name)(tensor)
    model = keras.Model(inputs, tensor)
    kernel = model.get_layer("first").get_weights()[0] / (10.0 ** np.arange(-3, 5))[:, None]
    kernel[:4, 1:32] = 0
    model.get_layer("first").set_weights([kernel, np.linspace(-1, 1, 64)])
    whole, path = tmp_path / "whole.tflite", tmp_path / "eight.tflite"
    export_litert(model, whole)
    export_litert(model, path, precision="int8", one_scale=one_scale)
    found = measure_litert_sparsity(path)
    assert found.weights == 8 * 64 + 64 * 64 + 64
    assert 4 * 31 <= found.zeros < 4 * 31 + 150  # some that were nearly zero are rounded to it
    assert path.stat().st_size < (0.35 if one_scale else 0.40) * whole.stat().st_size
    expected = np.asarray(model(rows))[:, 0]
    answers = np.array([LiteRTRuntime(path).predict_row(row)[0] for row in rows])
    assert np.sqrt(np.mean((answers - expected) ** 2)) < 0.03 * expected.std()


def test_a_kernel_of_zeros_stays_one_in_eight_bits(tmp_path):
    from advisor.export.litert import export_litert

    inputs = keras.Input((8,), name="features")
    model = keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="zeros", bias_initializer="ones")(inputs))
    export_litert(model, tmp_path / "m.tflite", precision="int8")
    assert np.array_equal(LiteRTRuntime(tmp_path / "m.tflite").predict_row(np.ones(8, np.float32)), [1.0, 1.0])
