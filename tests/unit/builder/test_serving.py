from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from advisor.builder import build_core, build_serving, fit_statistics, input_names, with_target_units
from advisor.data import Encoder, infer_schema
from advisor.data.dates import date_parts, part_names
from advisor.errors import BuildError

from .conftest import DEFAULT
from .conftest import Column as Encoded

TOLERANCE = 1e-6
"""In standardized target units: the same numbers reach the same core, so only the runtimes' arithmetic may differ."""


@dataclass(frozen=True)
class Raw:
    name: str
    kind: str
    categories: tuple[str, ...] = ()
    origin_day: int = 0
    has_time: bool = False


CATEGORIES = ("[UNK]", "with\nnewline", " space", "ß", "价")
RAW = (
    Raw("größe in m²", "numeric"),
    Raw("when/created", "datetime", origin_day=18_000, has_time=True),
    Raw("when created", "datetime", origin_day=18_000),
    Raw("价格", "categorical", CATEGORIES),
    Raw("class", "boolean"),
    Raw("core", "categorical", ("no", "yes")),
    Raw("lookup_3", "categorical"),
)


def encoded_columns() -> list[Encoded]:
    columns = []
    for raw in RAW:
        if raw.kind == "datetime":
            parts = part_names(raw.has_time)
            columns += [Encoded(f"{raw.name}:{part}", "date", part=part) for part in parts]
        elif raw.kind == "categorical":
            columns.append(Encoded(raw.name, "code", len(raw.categories) + 2))
        else:
            columns.append(Encoded(raw.name, raw.kind))
    return columns


def raw_rows(rows: int = 40) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    missing = rng.random((rows, len(RAW))) < 0.2
    columns: list[np.ndarray] = []
    for index, raw in enumerate(RAW):
        if raw.kind == "categorical":
            values = rng.choice(np.array([*raw.categories, "never seen"], dtype=object), rows)
            values[missing[:, index]] = ""
        elif raw.kind == "boolean":
            values = np.where(missing[:, index], np.nan, rng.integers(0, 2, rows)).astype(np.float32)
        elif raw.kind == "datetime":
            values = np.where(missing[:, index], np.nan, rng.uniform(-1e9, 2e9, rows).round(1))
        else:
            values = np.where(missing[:, index], np.nan, rng.normal(1e4, 1, rows)).astype(np.float32)
            values[0] = np.inf
        columns.append(values[:, None])
    return columns


def encode(columns: list[np.ndarray]) -> np.ndarray:
    """Encode the rows as the data stage's contract says, with its formulas for dates."""
    parts = []
    for raw, values in zip(RAW, columns, strict=True):
        if raw.kind == "categorical":
            codes = {"": 0, **{category: code for code, category in enumerate(raw.categories, 2)}}
            parts.append(np.array([[codes.get(value, 1)] for value in values[:, 0]], np.float32))
        elif raw.kind == "datetime":
            parts.append(date_parts(values[:, 0], raw.origin_day, raw.has_time))
        else:
            parts.append(np.where(np.isfinite(values), values, np.nan).astype(np.float32))
    return np.concatenate(parts, axis=1)


def delivered_core() -> tuple[Any, float]:
    x = encode(raw_rows())
    y = np.random.default_rng(0).normal(50, 5, (len(x), 1))
    statistics = fit_statistics(x, encoded_columns(), y, "regression", "standardize")
    core = build_core(DEFAULT, encoded_columns(), statistics, task="regression", outputs=1, seed=1)
    return with_target_units(core, statistics), float(statistics.target_scale[0])


def tensors(serving: Any, columns: list[np.ndarray]) -> dict[str, Any]:
    import tensorflow as tf

    named = {serving.inputs[raw.name]: values for raw, values in zip(RAW, columns, strict=True)}
    return {name: tf.constant(values, serving.types[name]) for name, values in named.items()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_raw_rows_are_answered_as_encoded_ones_also_after_reloading(keras: Any, tmp_path):
    import tensorflow as tf

    core, scale = delivered_core()
    serving = build_serving(core, RAW)
    columns = raw_rows()
    given, x = tensors(serving, columns), encode(columns)
    encoder = keras.Model(serving.model.input, serving.model.get_layer("encoded").output)
    np.testing.assert_allclose(encoder(given), x, rtol=0, atol=1e-6)
    wanted, allowed = core(x).numpy(), TOLERANCE * scale
    assert np.abs(serving.model(given).numpy() - wanted).max() <= allowed

    serving.model.save(tmp_path / "serving.keras")
    loaded = keras.models.load_model(tmp_path / "serving.keras", safe_mode=True)
    assert np.abs(loaded(given).numpy() - wanted).max() <= allowed

    serving.model.export(str(tmp_path / "saved"), verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    assert np.abs(saved.serve(given).numpy() - wanted).max() <= allowed
    by_name = saved.signatures["serving_default"](**given)
    assert np.abs(next(iter(by_name.values())).numpy() - wanted).max() <= allowed


@pytest.mark.slow
def test_raw_rows_of_a_real_schema_are_answered_as_the_encoders():
    rng = np.random.default_rng(0)
    rows = 300
    frame = pl.DataFrame(
        {
            "size m²": rng.normal(1e6, 3, rows),
            "sold/when": [datetime(2019, 3, 1) + timedelta(hours=int(h)) for h in rng.integers(0, 9000, rows)],
            "colour": rng.choice(["red", "grün", "a b"], rows),
            "new": rng.integers(0, 2, rows).astype(bool),
            "price": rng.normal(10, 2, rows),
        }
    ).with_columns(
        pl.when(pl.int_range(rows) % 7 == 3).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("size m²", "sold/when", "colour", "new")
    )
    schema = infer_schema(frame, "price")
    encoder = Encoder(schema)
    x, y = encoder.encode(frame), encoder.encode_target(frame)
    statistics = fit_statistics(x, encoder.columns, y, "regression", "standardize")
    core = build_core(DEFAULT, encoder.columns, statistics, task="regression", outputs=1, seed=1)
    core = with_target_units(core, statistics)
    serving = build_serving(core, schema.features)
    import tensorflow as tf

    given = {}
    for column in schema.features:
        name, values = serving.inputs[column.name], frame[column.name]
        if serving.types[name] == "float64":
            numbers = values.dt.epoch("us").cast(pl.Float64) / 1e6
        elif serving.types[name] == "string":
            numbers = values.fill_null("")
        else:
            numbers = values.cast(pl.Float32)
        filled = numbers.to_numpy() if numbers.dtype == pl.String else numbers.fill_null(np.nan).to_numpy()
        given[name] = tf.constant(filled[:, None], serving.types[name])
    assert [column.kind for column in schema.features] == ["numeric", "datetime", "categorical", "boolean"]
    difference = np.abs(serving.model(given).numpy() - core(x).numpy()).max()
    assert difference <= TOLERANCE * statistics.target_scale[0]


def test_names_of_inputs_are_plain_different_and_stable():
    columns = ["a b", "a/b", "a_b", "A B", "größe", "价格", "", "1st", "core", "x\ny", "___", "class"]
    names = input_names(columns)
    assert list(names) == columns
    assert list(names.values()) == [
        "a_b", "a_b_2", "a_b_3", "A_B_4", "gro_e", "column", "column_2", "column_1st", "core_2", "x_y", "column_3",
        "column_class",
    ]  # fmt: skip
    assert all(name.isascii() and name.isidentifier() for name in names.values())


def test_columns_that_do_not_fit_the_core_are_refused():
    core, _ = delivered_core()
    with pytest.raises(BuildError, match="the columns give 16 encoded inputs, the model has 17"):
        build_serving(core, RAW[1:])
    with pytest.raises(BuildError, match="text columns can't be served"):
        build_serving(core, (*RAW, Raw("review", "text")))
