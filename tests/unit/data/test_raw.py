from __future__ import annotations

import numpy as np
import polars as pl

from advisor.data import infer_schema
from advisor.data.raw import raw_columns


def test_raw_columns_have_the_types_of_a_model_for_raw_rows(mixed: pl.DataFrame) -> None:
    schema = infer_schema(mixed)
    columns = raw_columns(mixed, schema)
    assert tuple(columns) == schema.feature_names
    assert {values.shape for values in columns.values()} == {(200, 1)}
    assert columns["size"].dtype == columns["sold"].dtype == np.float32
    assert columns["day"].dtype == np.float64
    assert columns["day"][0, 0] == 1704067200
    assert columns["colour"].dtype.kind == "U"
    assert columns["colour"][0, 0] == ""
    assert np.isnan(columns["size"][0, 0])
