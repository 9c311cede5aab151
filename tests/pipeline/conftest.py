"""Small tables with a known signal, and recommendations that train them quickly."""

import json
import warnings

import numpy as np
import polars as pl
import pytest

from advisor.recommendation import Recommendation, recommend

ROWS = 400


@pytest.fixture(scope="session")
def mixed_table():
    """A regression on numbers, a category, a boolean and a date, with missing values."""
    draw = np.random.default_rng(5)
    size = draw.normal(100, 30, ROWS)
    kind = draw.choice(["flat", "house", "loft"], ROWS)
    new = draw.random(ROWS) < 0.3
    sold = np.datetime64("2021-01-01") + draw.integers(0, 700, ROWS).astype("timedelta64[D]")
    price = 3 * size + np.select([kind == "house", kind == "loft"], [80, 40], 0) + 50 * new + draw.normal(0, 10, ROWS)
    size[draw.random(ROWS) < 0.1] = np.nan
    return pl.DataFrame(
        {
            "size m²": pl.Series(size).fill_nan(None),
            "kind": [None if draw.random() < 0.05 else each for each in kind],
            "new": new,
            "sold": sold.astype("datetime64[ms]"),
            "price": price,
        }
    ).with_columns(pl.col("sold").cast(pl.Date))


@pytest.fixture(scope="session")
def three_classes():
    """Three classes in four numbers."""
    draw = np.random.default_rng(6)
    labels = draw.integers(0, 3, ROWS)
    x = draw.normal(size=(ROWS, 4)) + 1.5 * np.eye(4)[labels]
    return pl.DataFrame({f"x{k}": x[:, k] for k in range(4)}).with_columns(
        pl.Series("label", np.array(["red", "green", "blue"])[labels])
    )


@pytest.fixture(scope="session")
def two_classes(three_classes):
    """Two classes, as whole numbers."""
    return three_classes.with_columns((pl.col("label") == "red").cast(pl.Int64).alias("y")).drop("label")


@pytest.fixture(scope="session")
def quick():
    """A function that makes a recommendation whose training takes a second: few epochs, without XLA."""

    def make(problem, **changes):
        document = json.loads(recommend(problem).to_json())
        for slot, value in {"max_epochs": 40, "patience_epochs": 40, "evidence_rounds": 0, **changes}.items():
            document["decisions"][slot]["value"] = value
        document["decisions"]["compiled"] = {**document["decisions"]["max_epochs"], "value": False}
        return Recommendation.from_json(json.dumps(document))

    return make


@pytest.fixture
def as_logged():
    """Return what a run answers as a model of MLflow, to raw rows that its signature has let through."""

    def answer(run, rows):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own, of which there are many
            from mlflow.models.utils import _enforce_schema as enforce

            from advisor.interfaces.tracking.model import DeliveredModel, signature_of

            signature = signature_of(run)
            answers = DeliveredModel(run).predict(enforce(rows, signature.inputs))
        assert list(answers) == [each.name for each in signature.outputs]
        return answers

    return answer
