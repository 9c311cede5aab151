"""Recurrent networks: padding says nothing, laid out they answer alike, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advisor import recommend
from advisor.artifacts import InputSpec, Part, Statistics
from advisor.builder import (
    build_core,
    build_serving,
    describe_steps,
    laid_out,
    logits_model,
    start_forecast,
    start_votes,
)
from advisor.data.text_tokens import TextCodes, Vocabulary
from advisor.errors import BuildError
from advisor.export import LiteRTRuntime, export_litert, load_keras, save_keras
from advisor.export.int8 import MICRO_OPERATIONS, PreparedRuntime, export_full_int8, operations_of
from advisor.export.preparation import Preparation

STEPS, CHANNELS = 5, 2
TEXTS = ("a good film , really", "a bad film", "A GOOD good plot's 19 scenes and a very long text", "", "naïve zzz")


def values(data_kind: str, task: str, **changed: Any) -> dict[str, Any]:
    """Return the slots that the rules give, with small layers."""
    problem = {"task": task, "architecture": "recurrent", "data_kind": data_kind, "labeled_rows": 500}
    return {**recommend(problem).values, "recurrent_units": 3, "embedding_size": 4, "hidden_layers": 2, **changed}


def series_core(cell: str = "gru", seed: int = 0) -> Any:
    spec = InputSpec("series", (STEPS, CHANNELS), details={"channels": ["u", "v"]})
    statistics = Statistics(np.array([1.0, -2.0]), np.array([2.0, 0.5]), np.zeros(2, bool))
    slots = values("series", "multiclass", recurrent_cell=cell)
    return build_core(slots, spec, statistics, task="multiclass", outputs=3, seed=seed, architecture="recurrent")


def padded() -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(4, STEPS, CHANNELS)).astype(np.float32)
    x[1, 3:] = np.nan
    x[2, 1:] = np.nan
    return x


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_laid_out_step_by_step_it_answers_alike(cell: str) -> None:
    core = series_core(cell)
    x = padded()
    assert np.abs(core(x).numpy() - laid_out(core)(x).numpy()).max() < 1e-6
    assert np.abs(core(x).numpy() - laid_out(core, looped=True)(x).numpy()).max() < 1e-6


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_all_in_8_bits_series_are_prepared_by_the_caller_and_answers_stay_near(cell: str, tmp_path: Path) -> None:
    core = series_core(cell)
    rows = np.random.default_rng(1).normal(size=(300, STEPS, CHANNELS)).astype(np.float32)
    rows[::3, 3:] = np.nan
    rows[1::7, 1, 0] = np.nan
    found = Preparation.of(core)
    assert found is not None
    preparation, rest = found
    prepared = Preparation.from_dict(preparation.to_dict()).compile()(rows)
    assert np.abs(np.asarray(rest(prepared)) - np.asarray(core(rows))).max() < 1e-6
    path = tmp_path / "model.tflite"
    export_full_int8(laid_out(rest, eight_bits=True), path, prepared, integers=True, one_scale=True)
    assert set(operations_of(path)) <= MICRO_OPERATIONS
    runtime = PreparedRuntime(path, preparation)
    answers = runtime.predict(rows)
    assert np.abs(answers - np.asarray(core(rows))).mean() < 0.03
    assert np.array_equal(runtime.predict_row(rows[0]), answers[0])


def test_a_series_without_steps_has_a_summary_of_zeros_however_it_is_computed() -> None:
    core = series_core()
    empty = np.full((1, STEPS, CHANNELS), np.nan, np.float32)
    summary = type(core)(core.inputs[0], core.get_layer("summary").output)
    assert not np.asarray(summary(empty)).any()
    assert np.abs(np.asarray(core(empty)) - np.asarray(laid_out(core)(empty))).max() < 1e-6


def test_layers_keep_their_names_when_a_network_is_built_from_its_settings() -> None:
    core = series_core()
    again = type(core).from_config(core.get_config())
    assert [layer.name for layer in again.layers] == [layer.name for layer in core.layers]


def test_padding_says_nothing() -> None:
    core = series_core()
    x = padded()
    short = InputSpec("series", (3, CHANNELS), details={"channels": ["u", "v"]})
    statistics = Statistics(np.array([1.0, -2.0]), np.array([2.0, 0.5]), np.zeros(2, bool))
    slots = values("series", "multiclass")
    other = build_core(slots, short, statistics, task="multiclass", outputs=3, seed=0, architecture="recurrent")
    other.set_weights(core.get_weights())
    assert np.abs(core(x[1:2]).numpy() - other(x[1:2, :3]).numpy()).max() < 1e-6


def test_order_matters_beyond_the_wide_path() -> None:
    core = series_core()
    x = padded()[:1]
    assert np.abs(core(x).numpy() - core(x[:, ::-1]).numpy()).max() > 1e-4


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_litert_carries_masks_laid_out_and_in_a_smaller_loop(cell: str, tmp_path: Path) -> None:
    core, sizes = series_core(cell), []
    for looped in (False, True):
        path = tmp_path / f"model-{looped}.tflite"
        export_litert(laid_out(core, looped=looped), path)
        assert np.abs(LiteRTRuntime(path).predict(padded()) - core(padded()).numpy()).max() < 1e-5
        sizes.append(path.stat().st_size)
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("letters", [0, 2, 3])
def test_texts_inside_the_served_model_are_cut_up_as_outside(letters: int) -> None:
    import tensorflow as tf

    words, beginnings = ("a", "film", "good", "bad", "plot's", "00", ","), ("a", "fi", "naï", "00")
    vocabulary = Vocabulary(words, (" a", "a good", "good film"), 6, beginnings, letters)
    details = {"column": "text", "letters": letters, **{name: list(each) for name, each in vocabulary.kinds.items()}}
    spec = InputSpec("text", (6, 3 if letters else 2), details=details)
    core = build_core(
        values("text", "binary"), spec, _nothing(3), task="binary", outputs=1, seed=0, architecture="recurrent"
    )
    x = TextCodes(vocabulary).encode(list(TEXTS))
    assert start_votes(core, spec, Part(x, np.array([1, 0, 1, 0, 0], np.float32), np.arange(5)), "naive_bayes", 0.1)
    serving = build_serving(core, spec)
    raw = tf.constant([[text] for text in TEXTS])
    answers = serving.model({serving.inputs["text"]: raw}).numpy()
    assert np.abs(answers - core(x).numpy()).max() < 1e-6
    assert letters != 3 or x[4, 0, 2] == 4  # a beginning is counted in letters, not in bytes


@pytest.mark.parametrize("letters", [0, 3])
@pytest.mark.parametrize("pairs", [(), ("a good", "good film")])
def test_a_file_for_texts_says_itself_which_tokens_it_knows(
    letters: int, pairs: tuple[str, ...], tmp_path: Path
) -> None:
    details: dict[str, Any] = {"column": "text", "words": ["a", "film", "good"], "pairs": list(pairs)}
    details |= {"beginnings": ["fil", "goo"], "letters": letters} if letters else {}
    spec = InputSpec("text", (6, 3 if letters else 2), details=details)
    slots, kinds = values("text", "binary"), spec.shape[1]
    core = build_core(slots, spec, _nothing(kinds), task="binary", outputs=1, seed=0, architecture="recurrent")
    save_keras(build_serving(core, spec).model, tmp_path / "model.keras")
    serving = load_keras(tmp_path / "model.keras")
    found = describe_steps(serving, serving.layers[-1])
    assert found is not None
    assert (found.kind, found.shape) == ("text", spec.shape)
    assert found.details == {name: value for name, value in details.items() if name != "column"}
    assert describe_steps(core, core) == InputSpec("text", spec.shape)  # the core alone knows codes only


def test_a_core_for_series_or_forecasts_says_what_it_reads_but_not_how_its_channels_are_called() -> None:
    core = series_core()
    assert describe_steps(core, core) == InputSpec("series", (STEPS, CHANNELS))
    spec = InputSpec("series", (12, 2), details={"channels": ["u", "v"], "horizon": 3, "segment": 4, "season": 4})
    slots = values("series", "forecasting")
    core = build_core(slots, spec, _nothing(2), task="forecasting", outputs=6, seed=0, architecture="recurrent")
    assert describe_steps(core, core) == InputSpec("series", (12, 2), details={"segment": 4, "horizon": 3})


def test_votes_start_at_how_much_more_often_a_token_stands_with_a_class() -> None:
    spec = InputSpec("text", (4, 2), details={"column": "text", "words": ["good", "bad", "film"], "pairs": []})
    codes = TextCodes(Vocabulary(("good", "bad", "film"), (), 4))
    x = codes.encode(["good film", "good good", "bad film", "bad", "unheard"])
    labels = np.array([2, 2, 0, 0, 0])
    slots = values("text", "multiclass")
    core = build_core(slots, spec, _nothing(2), task="multiclass", outputs=3, seed=0, architecture="recurrent")
    before = logits_model(core)(x).numpy()
    assert start_votes(core, spec, Part(x, labels, np.arange(5)), "naive_bayes", 0.5)
    words = core.get_layer("token_votes").get_weights()[0]
    # Codes 2, 3, 4: "good" in two texts of the last class, "bad" in two of the first, "film" in one of each.
    assert not words[:2].any()
    assert words[2, 2] > 0 > words[2, 0]
    assert words[3, 0] > 0 > words[3, 2]
    within = np.array([[1, 3, 2], [1, 1, 1], [3, 1, 2]])  # class by word, one added
    without = np.array([[3, 1, 2], [3, 3, 3], [1, 3, 2]])
    # Padding and unknown, of words and of pairs, count 1 each.
    whole = np.log((within.sum(axis=1) + 4) / (without.sum(axis=1) + 4))
    expected = 0.5 * (np.log(within / without) - whole[:, np.newaxis]).T
    assert np.allclose(words[2:], expected, atol=1e-6)
    gained = logits_model(core)(x).numpy() - before
    assert np.allclose(gained[1], 2 * words[2], atol=1e-5)
    assert np.allclose(gained[4], 0.0, atol=1e-6)


def test_no_token_votes_for_a_number() -> None:
    spec = InputSpec("text", (4, 2), details={"column": "text", "words": ["good"], "pairs": []})
    slots = values("text", "regression")
    core = build_core(slots, spec, _nothing(2), task="regression", outputs=1, seed=0, architecture="recurrent")
    part = Part(np.zeros((1, 4, 2), np.float32), np.zeros((1, 1), np.float32), np.arange(1))
    assert not start_votes(core, spec, part, slots["token_votes"], 0.0)


def test_a_forecast_starts_from_the_ridge_solution() -> None:
    generator = np.random.default_rng(0)
    walk = np.cumsum(generator.normal(size=(400, 2)), axis=0) + 5 * np.sin(np.arange(400) / 2)[:, np.newaxis]
    x = np.stack([walk[at : at + 8] for at in range(380)]).astype(np.float32)
    y = np.stack([walk[at + 8 : at + 11].reshape(-1) for at in range(380)]).astype(np.float32)
    part = Part(x, y, np.arange(380))
    spec = InputSpec("series", (8, 2), details={"channels": ["u", "v"], "horizon": 3, "segment": 4, "season": 0})
    scale = walk.std(axis=0)
    statistics = Statistics(walk.mean(axis=0), scale, np.zeros(2, bool), y.mean(axis=0), y.std(axis=0))
    core = build_core(
        values("series", "forecasting"),
        spec,
        statistics,
        task="forecasting",
        outputs=6,
        seed=0,
        architecture="recurrent",
    )
    assert start_forecast(core, spec, scale, part, part) is not None
    answers = core(x).numpy() * statistics.target_scale + statistics.target_mean
    last = np.repeat(x[:, -1:, :], 3, axis=1).reshape(380, -1)
    assert ((answers - y) ** 2).mean() < 0.8 * ((last - y) ** 2).mean()
    assert np.abs(core(x).numpy() - laid_out(core)(x).numpy()).max() < 1e-5


def test_texts_need_a_recurrent_body() -> None:
    spec = InputSpec("text", (6, 2), details={"column": "text", "words": ["a"], "pairs": []})
    slots = {**values("text", "binary"), "units": 4}
    with pytest.raises(BuildError, match="allowed: recurrent"):
        build_core(slots, spec, _nothing(2), task="binary", outputs=1, seed=0, architecture="dense_stack")


def _nothing(width: int) -> Statistics:
    return Statistics(np.zeros(width), np.ones(width), np.zeros(width, bool))
