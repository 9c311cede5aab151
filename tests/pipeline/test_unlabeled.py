"""From rows without labels to a delivered model, for every kind of data; stopped, resumed, in time, and said."""

import numpy as np
import polars as pl
import pytest

import advisor
from advisor.errors import RequestError
from advisor.interfaces.cli.main import run as command
from advisor.pipeline import Request, Silent, train_network

pytestmark = pytest.mark.slow

SHORT = {"units": 16, "hidden_layers": 2, "regularization": "none", "dropout": "none"}
SHORT |= {"unsupervised_epochs": 2, "unsupervised_batch_size": 32, "max_epochs": 4, "patience_epochs": 4}


def problem(**facts):
    return {"task": "binary", "architecture": "dense_stack", "unlabeled_rows": 20000, **facts}


def table(rows, seed):
    """Two classes by a sign; columns that hang together, a category, missing values."""
    draw = np.random.default_rng(seed)
    hidden = draw.normal(size=(rows, 2))
    x = hidden @ np.array([[1, 1, 0.3, 0], [0, 1, -1, 1]]) + 0.05 * draw.normal(size=(rows, 4))
    x[draw.random(rows) < 0.1, 3] = np.nan
    frame = pl.DataFrame({f"x{k}": pl.Series(x[:, k]).fill_nan(None) for k in range(4)})
    kind = np.where(hidden[:, 1] > 0.5, "a", np.where(hidden[:, 0] > 0, "b", "c"))
    return frame.with_columns(kind=pl.Series(kind), y=pl.Series(np.where(hidden[:, 0] > 0, "yes", "no")))


def body_of(request, folder):
    """Train, and return the pretraining's record and the delivered trial."""
    _, fitted = train_network(request, folder)
    (told,) = fitted.leveraging
    return told, fitted


@pytest.fixture(scope="module")
def rows():
    return table(500, 1).drop("y")


@pytest.fixture(scope="module")
def pretrained(quick, rows, tmp_path_factory):
    out = tmp_path_factory.mktemp("pretrained") / "run"
    return advisor.train(
        quick(problem(), **SHORT), table(120, 2), target="y", out=out, unlabeled=rows, export=("keras",)
    )


def test_the_report_says_what_was_learned_and_whether_it_was_kept(pretrained):
    (told,) = pretrained.metrics["leveraging"]
    assert told["kind"] == "unsupervised"
    assert told["outcome"] in ("kept", "dropped")
    assert told["layers"] == [2]
    events = {event["kind"]: event for event in pretrained.metrics["events"]}
    assert 500 < events["pretrained"]["facts"]["rows"] < 500 + 120
    assert events["pretrained"]["facts"]["epochs"] == 2
    best = min(each["best_val_loss"] for each in pretrained.metrics["trials"] if each["kept"])
    assert best <= told["scratch_loss"]
    pretrained.verify()
    assert len(pretrained.predict(table(9, 3).drop("y"))) == 9


def test_at_a_rate_of_zero_only_the_new_layers_are_trained(quick, rows, tmp_path):
    found = []
    for epochs in (1, 3):
        wanted = quick(problem(), **{**SHORT, "max_epochs": epochs, "unsupervised_rate_fractions": [0]})
        request = Request(table(120, 2), "y", recommendation=wanted, unlabeled=rows)
        found.append(body_of(request, tmp_path / str(epochs))[1].trials[-1])
    assert [each.candidate.origin for each in found] == ["unsupervised"] * 2
    same = {
        layer.name: all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), other.get_weights(), strict=True))
        for layer, other in zip(found[0].core.layers, found[1].core.layers, strict=True)
        if layer.weights
    }
    assert same.pop("output") is False
    assert same
    assert all(same.values())


def test_a_stopped_run_goes_on_within_the_pretraining_and_ends_the_same(quick, rows, pretrained, tmp_path):
    class Stop(Silent):
        pretraining = False

        def fit_begins(self, label, max_epochs):
            if "frozen" in label:
                raise KeyboardInterrupt

    asked = {"target": "y", "out": tmp_path / "run", "unlabeled": rows, "export": ("keras",)}
    with pytest.raises(KeyboardInterrupt):
        advisor.train(quick(problem(), **SHORT), table(120, 2), **asked, progress=Stop())
    kept = tmp_path / "run.partial" / "checkpoints" / "unsupervised"
    assert (kept / "pretraining" / "training.npz").is_file()
    again = advisor.train(quick(problem(), **SHORT), table(120, 2), **asked, resume=True)
    new = table(40, 3).drop("y")
    np.testing.assert_array_equal(again.raw_outputs(new), pretrained.raw_outputs(new))
    assert again.metrics["leveraging"][0]["losses"] == pretrained.metrics["leveraging"][0]["losses"]
    with pytest.raises(RequestError, match=r"R121.*unlabeled"):
        changed = dict(asked, unlabeled=rows.head(400), resume=True)
        advisor.train(quick(problem(), **SHORT), table(120, 2), **changed)


def test_a_regression_with_batch_normalization_and_dropout_is_pretrained(quick, rows, tmp_path):
    changes = dict(SHORT, normalization="batch_normalization", normalization_position="before_activation")
    changes |= {"dropout": "dropout", "dropout_rates": [0.1], "activation": "elu", "kernel_initializer": "he_normal"}
    mine = table(120, 2).with_columns(y=pl.col("x0") * 3 + 100)
    request = Request(mine, "y", recommendation=quick(problem(task="regression"), **changes), unlabeled=rows)
    told, fitted = body_of(request, tmp_path / "run")
    assert told.outcome in ("kept", "dropped")
    tuned = next(each for each in fitted.trials if each.candidate.origin == "unsupervised")
    moving = tuned.core.get_layer("normalization_1").moving_mean.numpy()
    assert np.abs(moving).max() > 0


@pytest.mark.parametrize("pooling", ["flatten", "global_average"])
def test_convolutional_networks_learn_from_pictures(quick, tmp_path, pooling):
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 90)
    shown = draw.integers(0, 60, (90, 10, 9), dtype=np.uint8)
    shown[y == 1, 2:6] += 120
    changes = {**SHORT, "filters": 4, "pooling": pooling, "normalization": "none", "unsupervised_epochs": 1}
    asked = problem(architecture="convolutional", data_kind="image")
    request = Request(
        {"X": shown, "y": y},
        recommendation=quick(asked, **changes),
        unlabeled={"X": draw.integers(0, 60, (64, 10, 9), dtype=np.uint8)},
    )
    told, fitted = body_of(request, tmp_path / "run")
    assert told.outcome in ("kept", "dropped")
    events = [event for event in fitted.events if event.kind == "pretrained"]
    assert events[0].facts["best"] < 3


@pytest.mark.parametrize(("layers", "method"), [(1, "next_step"), (2, "masked_step")])
def test_recurrent_networks_learn_from_series(quick, tmp_path, layers, method):
    draw = np.random.default_rng(0)

    def series(count, *, labeled):
        found = []
        for number in range(count):
            fast = number % 2
            steps = np.arange(8 + number % 3)
            wave = np.sin(steps * (1.2 if fast else 0.4) + draw.random())
            found.append(
                pl.DataFrame({"id": [number] * len(steps), "t": steps, "v": wave}).with_columns(
                    pl.lit("fast" if fast else "slow").alias("y")
                )
            )
        frame = pl.concat(found)
        return frame if labeled else frame.drop("y")

    asked = problem(architecture="recurrent", data_kind="series", hidden_layers=layers)
    changes = {"recurrent_units": 8, "dropout": "none", "regularization": "none"}
    changes |= {"unsupervised_epochs": 2, "max_epochs": 2, "patience_epochs": 2}
    recommendation = quick(asked, **changes)
    assert recommendation.values["unsupervised_method"] == method
    request = Request(
        series(48, labeled=True),
        "y",
        recommendation=recommendation,
        data_options={"series_id": "id", "time": "t"},
        unlabeled=series(60, labeled=False),
    )
    told, _ = body_of(request, tmp_path / "run")
    assert told.outcome in ("kept", "dropped")


def test_recurrent_networks_learn_from_texts(quick, tmp_path):
    draw = np.random.default_rng(0)
    good, bad = ["good", "fine", "warm", "kind"], ["bad", "cold", "rude", "dull"]

    def texts(count):
        labels = draw.integers(0, 2, count)
        words = [" ".join(draw.choice([*(good if label else bad), "the", "was", "so"], 5)) for label in labels]
        return pl.DataFrame({"text": words, "y": np.where(labels, "plus", "minus")})

    asked = problem(architecture="recurrent", data_kind="text")
    changes = {"recurrent_units": 8, "embedding_size": 4, "dropout": "none", "unsupervised_epochs": 2}
    recommendation = quick(asked, **changes, max_epochs=2, patience_epochs=2)
    request = Request(texts(80), "y", recommendation=recommendation, data_kind="text", unlabeled=texts(120).drop("y"))
    told, _ = body_of(request, tmp_path / "run")
    assert told.outcome in ("kept", "dropped")


def test_a_time_budget_holds_for_pretraining_too(quick, rows, tmp_path):
    long = quick(problem(), **{**SHORT, "unsupervised_epochs": 100000, "unsupervised_patience": 100000})
    request = Request(table(120, 2), "y", recommendation=long, unlabeled=rows, time_budget=8.0)
    told, fitted = body_of(request, tmp_path / "run")
    assert told.outcome in ("kept", "dropped", "not_tried")
    pretraining = [event for event in fitted.events if event.kind == "pretrained"]
    assert all(event.facts["epochs"] < 100000 for event in pretraining)


def test_a_file_that_holds_labels_is_one_clear_error_of_the_command(tmp_path, capsys):
    table(120, 2).write_csv(tmp_path / "mine.csv")
    table(120, 3).write_csv(tmp_path / "more.csv")
    asked = ["train", "--data", str(tmp_path / "mine.csv"), "--target", "y", "--out", str(tmp_path / "run")]
    assert command([*asked, "--unlabeled", str(tmp_path / "more.csv"), "--no-progress"]) == 3
    assert capsys.readouterr().err.count("D160") == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine.csv", "more.csv"]
