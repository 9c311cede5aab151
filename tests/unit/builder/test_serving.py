from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from advisor.builder import build_core, build_serving, fit_statistics, input_names, with_target_units
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
            columns += [Encoded(f"{raw.name}_{part}", "date_part") for part in range(7 if raw.has_time else 5)]
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
    dates = pytest.importorskip("advisor.data.dates")
    parts = []
    for raw, values in zip(RAW, columns, strict=True):
        if raw.kind == "categorical":
            codes = {"": 0, **{category: code for code, category in enumerate(raw.categories, 2)}}
            parts.append(np.array([[codes.get(value, 1)] for value in values[:, 0]], np.float32))
        elif raw.kind == "datetime":
            parts.append(dates.date_parts(values[:, 0], raw.origin_day, raw.has_time))
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
