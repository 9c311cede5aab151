from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import polars as pl

from advisor.data import Encoder, infer_schema, load_bundle, make_split

_SCRIPT = """
import numpy as np, polars as pl
from advisor.data import Encoder, infer_schema, load_bundle, make_split
frame = pl.DataFrame({"x": [None, *range(1, 60)], "c": ["b", "a", None] * 20, "y": ["n", "m"] * 30})
schema = infer_schema(frame)
print(load_bundle(frame, schema, make_split(frame, schema, seed=3), Encoder(schema)).sha256)
"""


def test_a_bundle_holds_the_encoded_parts(mixed: pl.DataFrame) -> None:
    schema = infer_schema(mixed)
    encoder = Encoder(schema)
    split = make_split(mixed, schema, seed=0)
    bundle = load_bundle(mixed, schema, split, encoder)
    assert (bundle.task, bundle.classes, bundle.target_names) == ("binary", ("no", "yes"), ("answer",))
    for part, rows in ((bundle.train, split.train), (bundle.val, split.val), (bundle.test, split.test)):
        np.testing.assert_array_equal(part.x, encoder.encode(mixed)[rows])
        np.testing.assert_array_equal(part.y, encoder.encode_target(mixed)[rows])
        np.testing.assert_array_equal(part.rows, rows)
        assert part.x.flags.c_contiguous
        assert (part.x.dtype, part.y.dtype, part.rows.dtype) == (np.float32, np.float32, np.int64)


def test_a_bundle_of_classes_holds_class_numbers() -> None:
    frame = pl.DataFrame({"x": np.sin(np.arange(60)), "y": ["a", "b", "c"] * 20})
    schema = infer_schema(frame)
    bundle = load_bundle(frame, schema, make_split(frame, schema, seed=0), Encoder(schema))
    assert (bundle.train.y.dtype, bundle.train.y.ndim) == (np.int32, 1)


def test_rows_without_a_target_are_left_out(numbers: pl.DataFrame) -> None:
    frame = numbers.with_columns(y=pl.when(pl.col("a") > 1).then(None).otherwise(pl.col("y")))
    schema = infer_schema(frame)
    bundle = load_bundle(frame, schema, make_split(frame, schema, seed=0), Encoder(schema))
    assert len(bundle.train) + len(bundle.val) + len(bundle.test) == schema.target.labeled_rows


def test_separate_tables_are_encoded(numbers: pl.DataFrame) -> None:
    schema = infer_schema(numbers)
    encoder = Encoder(schema)
    extra = {"validation": numbers.head(10), "test": numbers.tail(5)}
    bundle = load_bundle(numbers, schema, make_split(numbers, schema, seed=0, **extra), encoder, **extra)
    np.testing.assert_array_equal(bundle.test.x, encoder.encode(numbers.tail(5)))
    assert len(bundle.train) == 100


def test_the_digest_changes_with_the_data_alone(numbers: pl.DataFrame) -> None:
    def digest(frame: pl.DataFrame, seed: int = 0) -> str:
        schema = infer_schema(frame)
        return load_bundle(frame, schema, make_split(frame, schema, seed=seed), Encoder(schema)).sha256

    assert digest(numbers) == digest(numbers.clone())
    assert digest(numbers) == digest(
        numbers.with_columns(pl.lit("same").alias("note")).select(["note", *numbers.columns])
    )
    assert digest(numbers) != digest(numbers, seed=1)
    assert digest(numbers) != digest(numbers.with_columns(a=pl.col("a") + 1))
    assert digest(numbers) != digest(numbers.rename({"a": "d"}))


def test_the_digest_is_the_same_in_every_process() -> None:
    found = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, env=environment
        )
        found.add(done.stdout.strip())
    assert found == {"07a4c7f3921371e212154e49b7320b2d90a3b1bdf3febfe2415dc3d598ff72c0"}
