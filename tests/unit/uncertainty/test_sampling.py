import numpy as np
import pytest

from advisor.errors import ArtifactError, BuildError, ExportError, RequestError
from advisor.export import (
    SamplingRuntime,
    export_sampling_litert,
    load_sampling_model,
    save_sampling_model,
    verify_sampling,
)
from advisor.uncertainty import Sampler, check_samples, draw_masks, random_layers, sampling_parts
from tests.unit.uncertainty.conftest import dense


def by_hand(model, row, masks, rates, kind):
    """Run a dense network of the fixtures in NumPy under given masks, one sample at a time."""
    answers = []
    for sample in range(len(masks[0])):
        h = row.astype(np.float64)
        for k, rate in enumerate(rates):
            kernel, bias = model.get_layer(f"dense_{k}").get_weights()
            h = h @ kernel + bias
            h = 1.0507009873554805 * np.where(h > 0, h, 1.6732632423543772 * (np.exp(h) - 1))
            m = masks[k][sample]
            if kind == "Dropout":
                h = h * m / (1 - rate)
            else:
                low = -1.6732632423543772 * 1.0507009873554805
                a = ((1 - rate) * (1 + rate * low**2)) ** -0.5
                h = a * (h * m + low * (1 - m)) - a * low * rate
        kernel, bias = model.get_layer("output").get_weights()
        answers.append(h @ kernel + bias)
    return np.stack(answers)


@pytest.mark.parametrize("kind", ["Dropout", "AlphaDropout"])
def test_samples_are_those_of_the_networks_thinned_by_hand(kind, rows):
    model = dense(kind, normalization=False)
    parts = sampling_parts(model)
    answers = Sampler(parts, 7, seed=5)(rows)
    masks = draw_masks(parts.masks, 7, 5)
    expected = np.stack([by_hand(model, row, masks, [0.2, 0.2], kind) for row in rows])
    assert np.abs(answers - expected).max() < 1e-5


def test_mean_and_spread_agree_with_keras_own_dropout(rows):
    model = dense("Dropout", normalization=False)
    answers = Sampler(sampling_parts(model), 4000, seed=1)(rows[:3])
    theirs = np.stack([np.asarray(model(np.repeat(rows[:1], 4000, 0), training=True))])[0]
    assert answers[0].mean(axis=0) == pytest.approx(theirs.mean(axis=0), abs=float(5 * theirs.std() / 4000**0.5))
    assert answers[0].std(axis=0) == pytest.approx(theirs.std(axis=0), rel=0.08)


def test_batch_normalization_keeps_to_its_statistics(rows):
    model = dense()
    before = [np.array(weight) for weight in model.get_weights()]
    Sampler(sampling_parts(model), 5)(rows)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_an_answer_does_not_depend_on_the_rows_beside_it_and_repeats(rows):
    sampler = Sampler(sampling_parts(dense()), 20, seed=2)
    together = sampler(rows)
    assert np.allclose(together[3:4], sampler(rows[3:4]), atol=1e-6)
    assert np.array_equal(together, sampler(rows))
    assert not np.allclose(together, Sampler(sampling_parts(dense()), 20, seed=3)(rows))
    assert sampler(rows[:0]).shape == (0, 20, 2)


def test_only_the_last_layer_can_be_sampled(rows):
    model = dense()
    last = sampling_parts(model, last_only=True)
    assert last.layers == ("dropout_1",)
    assert [mask.shape for mask in last.masks] == [(12,)]
    whole = Sampler(sampling_parts(model), 300)(rows).std(axis=1).mean()
    assert 0 < Sampler(last, 300)(rows).std(axis=1).mean() < whole


def test_skip_connections_convolutions_and_recurrent_layers_are_sampled():
    import keras

    inputs = keras.Input((6, 6, 1))
    tensor = keras.layers.SpatialDropout2D(0.3)(keras.layers.Conv2D(4, 3, padding="same")(inputs))
    skipped = keras.layers.Add()([tensor, keras.layers.Conv2D(4, 1)(inputs)])
    flat = keras.layers.Concatenate()([keras.layers.Flatten()(skipped), keras.layers.Flatten()(inputs)])
    picture = keras.Model(inputs, keras.layers.Dense(3)(flat))
    parts = sampling_parts(picture)
    assert [mask.shape for mask in parts.masks] == [(1, 1, 4)]
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype(np.float32)
    answers = Sampler(parts, 400)(x)
    theirs = np.asarray(picture(np.repeat(x[:1], 400, 0), training=True))
    assert answers[0].std(axis=0) == pytest.approx(theirs.std(axis=0), rel=0.3)

    series = keras.Input((5, 2))
    tensor = keras.layers.LSTM(4, return_sequences=True)(series)
    tensor = keras.layers.Dropout(0.3, noise_shape=(None, 1, 4))(tensor)
    recurrent = keras.Model(series, keras.layers.Dense(1)(keras.layers.LSTM(4, dropout=0.2)(tensor)))
    parts = sampling_parts(recurrent)
    assert parts.draws_inside
    assert Sampler(parts, 30)(np.ones((2, 5, 2), np.float32)).std(axis=1).min() > 0


def test_nested_models_are_looked_into(rows):
    import keras

    inner = dense()
    inputs = keras.Input((5,))
    outer = keras.Model(inputs, keras.layers.Dense(1)(inner(inputs)))
    assert random_layers(outer) == ("dropout_0", "dropout_1")
    assert Sampler(sampling_parts(outer), 10)(rows).shape == (9, 10, 1)


def test_a_network_without_dropout_is_refused_and_told_why():
    with pytest.raises(BuildError, match="no dropout layer") as caught:
        sampling_parts(dense(rate=0.0))
    assert caught.value.findings[0].code == "U101"


@pytest.mark.parametrize("samples", [1, 0, -5, 10_000_000, 2.5, True, "100"])
def test_numbers_of_samples_that_make_no_sense_are_refused(samples):
    with pytest.raises(RequestError) as caught:
        check_samples(samples)
    assert caught.value.findings[0].code == "U103"


@pytest.mark.slow
def test_the_litert_file_answers_as_the_sampler_does_under_the_same_masks(rows, tmp_path):
    parts = sampling_parts(dense("AlphaDropout", rate=0.1))
    file = tmp_path / "sampling.tflite"
    export_sampling_litert(parts, file, samples=10)
    masks = draw_masks(parts.masks, 25, 4)
    runtime = SamplingRuntime(file)
    answers, expected = runtime.draw(rows, masks), Sampler(parts, 25, seed=4)(rows)
    assert np.abs(answers - expected).max() < 1e-5
    artifact = verify_sampling(file, expected, answers, root=tmp_path, layers=3)
    assert artifact.name == "litert_sampling"
    with pytest.raises(ExportError, match="differs"):
        verify_sampling(file, expected + 1, answers, root=tmp_path, layers=3)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ArtifactError, match="can't sample"):
        SamplingRuntime(file)
    with pytest.raises(ArtifactError, match="can't be read"):
        SamplingRuntime(tmp_path / "nothing.tflite")


@pytest.mark.slow
def test_the_saved_model_samples_by_seed_and_agrees_in_distribution(rows, tmp_path):
    parts = sampling_parts(dense(rate=0.3))
    save_sampling_model(parts, tmp_path / "sampling", samples=500, task="regression", noise=np.array([0.5, 0.5]))
    sample = load_sampling_model(tmp_path / "sampling")
    first, again, other = sample(rows, 1), sample(rows, 1), sample(rows, 2)
    assert np.array_equal(first["samples"], again["samples"])
    assert not np.array_equal(first["samples"], other["samples"])
    kept = Sampler(parts, 500, seed=9)(rows)
    drawn = first["samples"].numpy()
    assert drawn.std(axis=1) == pytest.approx(kept.std(axis=1), rel=0.25)
    apart = np.abs(drawn.mean(axis=1) - kept.mean(axis=1)) / (kept.std(axis=1) * (2 / 500) ** 0.5)
    assert np.median(apart) < 4
    assert first["std"].numpy() == pytest.approx(np.sqrt(drawn.var(axis=1) + 0.25), rel=1e-4)


def test_recurrent_layers_with_dropout_of_their_own_are_not_exported_to_litert(tmp_path):
    import keras

    series = keras.Input((5, 2))
    parts = sampling_parts(keras.Model(series, keras.layers.LSTM(2, recurrent_dropout=0.2)(series)))
    with pytest.raises(ExportError, match="dropout of their own"):
        export_sampling_litert(parts, tmp_path / "x.tflite", samples=4)
