"""Recurrent networks of others: which of their layers are counted, and what is known of their inputs."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from advisor.builder import Trunk
from advisor.pipeline.step_network import steps_of_others

layers = keras.layers
TWO = (None, 2)


def steps_of(shape, *lower, dtype="float32"):
    network = keras.Sequential([keras.Input(shape, dtype=dtype), *lower, layers.Dense(2), layers.Dense(1)])
    return steps_of_others(Trunk(network))


def adapted(**options):
    layer = layers.Normalization(**options)
    layer.adapt(np.random.default_rng(0).normal([5.0, -3.0], [2.0, 10.0], (50, 4, 2)))
    return layer


def test_layers_are_counted_from_the_input_up_to_the_first_of_another_kind():
    gru = layers.GRU(3, return_sequences=True)
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True))
    norm = layers.LayerNormalization()
    found = steps_of(TWO, layers.Masking(), gru, layers.Dropout(0.1), norm, both, layers.Dense(3), layers.GRU(3))
    assert {name: layer.name for name, layer in found.layers.items()} == {
        "recurrent_1": gru.name,
        "normalization_1": norm.name,
        "recurrent_2": both.name,
    }
    assert (found.spec.kind, found.spec.shape, found.spec.details, found.scaling) == ("series", TWO, {}, None)


@pytest.mark.parametrize("lower", [[layers.Conv1D(3, 2)], [layers.LayerNormalization()], [layers.Flatten()]])
def test_what_begins_with_another_layer_has_none(lower):
    assert steps_of((5, 2), *lower) is None


@pytest.mark.parametrize(
    "make",
    [
        adapted,
        lambda: layers.Normalization(mean=[5.0, -3.0], variance=[4.0, 100.0]),
        lambda: layers.Normalization(axis=None, mean=5.0, variance=4.0),
        lambda: layers.Rescaling(0.5, offset=-1.0),
        lambda: layers.Rescaling([0.5, 2.0], offset=[-1.0, 3.0]),
    ],
)
def test_what_scales_the_channels_becomes_their_standardization(make):
    layer = make()
    found = steps_of((4, 2), layer, layers.GRU(3))
    x = np.random.default_rng(1).normal(size=(3, 4, 2)).astype(np.float32)
    center, factor = found.scaling
    np.testing.assert_allclose((x - center) * factor, layer(x), atol=1e-5)


@pytest.mark.parametrize("options", [{"axis": 1}, {"axis": (1, 2)}, {"invert": True}])
def test_what_scales_steps_or_scales_back_is_no_standardization(options):
    assert steps_of((4, 2), adapted(**options), layers.GRU(3)) is None


def test_words_are_those_of_the_vocabulary_that_have_a_row_in_the_table():
    cut = layers.TextVectorization()
    cut.adapt(["good good good fine fine bad"])
    found = steps_of((1,), cut, layers.Embedding(4, 3), layers.GRU(3), dtype="string")
    assert (found.spec.kind, found.spec.details) == ("text", {"words": ["good", "fine"]})
    assert list(found.layers) == ["embedded_tokens", "recurrent_1"]


@pytest.mark.parametrize("options", [{"ngrams": 2}, {"split": "character"}])
def test_other_tokens_than_words_are_not_taken_for_words(options):
    cut = layers.TextVectorization(**options)
    cut.adapt(["good fine bad"])
    assert steps_of((1,), cut, layers.Embedding(20, 3), layers.GRU(3), dtype="string").spec.details == {}
