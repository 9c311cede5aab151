from __future__ import annotations

import threading

import numpy as np
import pytest

from advisor.errors import ArtifactError, DataError, ExportError
from advisor.export import LiteRTRuntime, export_litert, verify_litert
from advisor.export.litert import PRECISIONS
from advisor.export.litert_runtime import BLOCK_ROWS
from advisor.export.registry import FORMATS, carried_out

from .conftest import build


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model" / "model.tflite"
    export_litert(model, path)
    return path


@pytest.fixture(scope="module")
def runtime(path):
    return LiteRTRuntime(path)


def test_the_file_answers_as_the_model_in_memory(model, rows, path):
    artifact = verify_litert(path, model, rows, root=path.parent.parent)
    assert artifact.max_difference <= 1e-6
    assert (str(artifact.path), artifact.precision) == ("model/model.tflite", "float32")


def test_the_file_has_a_signature_for_programs_that_ask_by_name(model, rows, path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["features"], "outputs": ["output_0"]}}
    answer = interpreter.get_signature_runner()(features=rows[:1])["output_0"]
    np.testing.assert_allclose(answer, model(rows[:1]), atol=1e-6)


@pytest.mark.parametrize("precision", sorted(PRECISIONS))
def test_every_precision_is_written_loaded_and_compared(rows, tmp_path, precision):
    model = build(outputs=300, activation="linear")
    export_litert(model, tmp_path / "m.tflite", precision=precision)
    artifact = verify_litert(tmp_path / "m.tflite", model, rows, root=tmp_path, precision=precision)
    assert artifact.precision == precision
    assert (artifact.max_difference > 1e-6) == (precision != "float32")


def test_an_unknown_precision_and_several_inputs_are_refused(model, serving, tmp_path):
    with pytest.raises(ExportError, match="'int3' is not a precision; allowed: float32, float16, int8"):
        export_litert(model, tmp_path / "m.tflite", precision="int3")
    with pytest.raises(ExportError, match="one input, this model has 2"):
        export_litert(serving, tmp_path / "m.tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_operation_that_litert_lacks_is_an_export_error(tmp_path):
    import keras

    inputs = keras.Input((4,), name="features")
    odd = keras.Model(inputs, keras.ops.erfinv(inputs))
    with pytest.raises(ExportError, match=r"E102.*can't be converted to LiteRT"):
        export_litert(odd, tmp_path / "m.tflite")
    assert not list(tmp_path.iterdir())


def test_many_rows_give_the_same_numbers_as_one_by_one(runtime):
    for count in (0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS + 5):
        table = np.random.default_rng(count).normal(size=(count, 6)).astype(np.float32)
        answers = runtime.predict(table)
        assert answers.shape == (count, 3)
        for row, answer in zip(table, answers, strict=True):
            np.testing.assert_array_equal(runtime.predict_row(row), answer)


def test_a_graph_fixed_to_one_row_still_predicts_many(tmp_path):
    import keras

    inputs = keras.Input((4,), batch_size=1, name="features")
    fixed = keras.Model(inputs, keras.ops.reshape(keras.layers.Dense(6)(inputs), (1, 6))[:, :2])
    export_litert(fixed, tmp_path / "m.tflite")
    runtime = LiteRTRuntime(tmp_path / "m.tflite")
    table = np.random.default_rng(0).normal(size=(70, 4)).astype(np.float32)
    answers = runtime.predict(table)
    np.testing.assert_array_equal(answers, np.stack([runtime.predict_row(row) for row in table]))


def test_answers_are_copies(runtime, rows):
    first = runtime.predict_row(rows[0])
    kept = first.copy()
    runtime.predict_row(rows[1])
    np.testing.assert_array_equal(first, kept)


def test_any_form_of_a_row_gives_the_same_answer(runtime, rows):
    row = rows[0]
    expected = runtime.predict_row(row)
    wide = np.zeros((6, 9), np.float32)
    wide[:, 4] = row
    for form in (
        row[None],
        row.astype(np.float64),
        row.tolist(),
        [row.tolist()],
        wide[:, 4],
        row.astype(">f4"),
        row[::-1][::-1],
    ):
        np.testing.assert_array_equal(runtime.predict_row(form), expected)


@pytest.mark.parametrize("bad", [np.zeros(5, np.float32), np.zeros((2, 6), np.float32), ["a"] * 6, 3.0, None, {}])
def test_rows_that_do_not_fit_are_data_errors(runtime, bad):
    with pytest.raises(DataError, match="D101"):
        runtime.predict_row(bad)


def test_tables_that_do_not_fit_are_data_errors(runtime):
    with pytest.raises(DataError, match=r"shape \(3, 5\); expected: \(rows, 6\)"):
        runtime.predict(np.zeros((3, 5), np.float32))
    with pytest.raises(DataError, match="D101"):
        runtime.predict(np.zeros(6, np.float32))


def test_several_threads_get_their_own_answers(runtime, rows):
    expected = runtime.predict(rows)
    wrong = []

    def ask(offset):
        for k in range(offset, offset + 300):
            if not np.array_equal(runtime.predict_row(rows[k % 100]), expected[k % 100]):
                wrong.append(k)

    threads = [threading.Thread(target=ask, args=(k * 13,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_files_that_are_none_are_refused(path, tmp_path):
    with pytest.raises(ArtifactError, match="A101"):
        LiteRTRuntime(tmp_path / "nothing.tflite")
    content = path.read_bytes()
    for bad in (b"", b"text that is no model", content[:3], content[: len(content) // 2]):
        (tmp_path / "bad.tflite").write_bytes(bad)
        with pytest.raises(ArtifactError, match="A106"):
            LiteRTRuntime(tmp_path / "bad.tflite")


def test_nothing_is_printed(model, tmp_path, capfd):
    export_litert(model, tmp_path / "m.tflite")
    LiteRTRuntime(tmp_path / "m.tflite").predict(np.zeros((40, 6), np.float32))
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_the_formats_are_those_of_a_run_folder():
    assert {name: each.location for name, each in FORMATS.items()} == {
        "keras": "model/model.keras",
        "saved_model": "model/saved_model",
        "litert": "model/model.tflite",
    }
    assert carried_out() == {"precision": ("float32", "float16", "int8")}
