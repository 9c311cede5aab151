from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from advisor.data import Encoder, infer_schema
from advisor.errors import DataError, Finding


@pytest.fixture
def encoder(mixed: pl.DataFrame) -> Encoder:
    return Encoder(infer_schema(mixed))


@pytest.fixture
def plain(numbers: pl.DataFrame) -> Encoder:
    return Encoder(infer_schema(numbers))


ROW = {"size": 1.5, "count": 2, "colour": "red", "sold": True, "day": date(2024, 1, 2), "seen": datetime(2024, 3, 1, 6)}


def refused(encoder: Encoder, rows: object) -> Finding:
    with pytest.raises(DataError) as caught:
        encoder.encode(rows)
    return caught.value.findings[0]


def test_the_columns_say_what_stands_where(encoder: Encoder) -> None:
    assert [column.name for column in encoder.columns[:5]] == ["size", "count", "colour", "sold", "day:days"]
    assert [column.kind for column in encoder.columns[:5]] == ["numeric", "numeric", "code", "boolean", "date"]
    assert encoder.columns[2].cardinality == 5
    assert {column.source for column in encoder.columns} == {*ROW}
    assert encoder.width == len(encoder.columns) == 4 + 5 + 7


def test_a_row_becomes_what_the_contract_says(encoder: Encoder) -> None:
    x = encoder.encode(ROW)
    assert x.shape == (1, encoder.width)
    assert x.dtype == np.float32
    assert x[0, :4].tolist() == [1.5, 2, 4, 1]
    assert x[0, 4] == 1
    empty = encoder.encode(dict.fromkeys(ROW))[0]
    assert np.isnan(np.delete(empty, 2)).all()
    assert empty[2] == 0
    assert encoder.encode({**ROW, "colour": "mauve"})[0, 2] == 1


def test_every_form_of_rows_gives_the_same_numbers(mixed: pl.DataFrame, encoder: Encoder, tmp_path: Path) -> None:
    expected = encoder.encode(mixed)
    names = encoder.schema.feature_names
    forms: list[object] = [
        mixed.to_pandas(),
        mixed.to_arrow(),
        mixed.lazy(),
        mixed.rows(named=True),
        mixed.to_dict(as_series=False),
        mixed.to_dict(as_series=True),
        mixed.select(names).rows(),
        [list(row) for row in mixed.select(names).rows()],
        np.array(mixed.select(names).rows(), dtype=object),
        mixed.select(reversed(mixed.columns)),
    ]
    for form in ("csv", "parquet", "jsonl", "arrow"):
        path = tmp_path / f"t.{form}"
        {"csv": mixed.write_csv, "parquet": mixed.write_parquet, "jsonl": mixed.write_ndjson, "arrow": mixed.write_ipc}[
            form
        ](path)
        forms += [path, str(path)]
    for rows in forms:
        np.testing.assert_array_equal(encoder.encode(rows), expected, err_msg=str(type(rows)))
    for number in (0, 1, 17, 29):
        np.testing.assert_array_equal(encoder.encode(mixed.row(number, named=True))[0], expected[number])
        np.testing.assert_array_equal(encoder.encode(mixed.select(names).row(number))[0], expected[number])


def test_every_form_of_numbers_gives_the_same_numbers(numbers: pl.DataFrame, plain: Encoder) -> None:
    features = numbers.select("a", "b", "c")
    expected = features.to_numpy().astype(np.float32)
    array = features.to_numpy()
    for rows in (
        numbers,
        array,
        array.tolist(),
        features.to_dicts(),
        np.asfortranarray(array),
        pd.DataFrame(array, columns=list("abc")),
    ):
        np.testing.assert_array_equal(plain.encode(rows), expected)
    for row in (
        array[3],
        tuple(array[3].tolist()),
        array[3].tolist(),
        dict(zip("abc", array[3].tolist(), strict=True)),
        array[3:4],
    ):
        np.testing.assert_array_equal(plain.encode(row), expected[3:4])
    assert plain.encode(np.array([[1, 2, 3]])).tolist() == [[1, 2, 3]]
    assert plain.encode((True, None, "4.5"))[0, [0, 2]].tolist() == [1, 4.5]
    assert plain.encode([]).shape == plain.encode(np.empty((0, 3))).shape == (0, 3)


def test_the_answer_is_a_copy(plain: Encoder) -> None:
    rows = np.ones((2, 3), dtype=np.float32)
    plain.encode(rows)[0, 0] = 7
    assert rows[0, 0] == 1


def test_infinite_numbers_are_missing_in_every_form(plain: Encoder) -> None:
    for rows in (
        (math.inf, 1e300, 1.0),
        [[-math.inf, -1e300, 1.0]],
        np.array([np.inf, 1e39, 1.0]),
        {"a": math.inf, "b": 1e39, "c": 1},
    ):
        assert np.isnan(plain.encode(rows)).tolist() == [[True, True, False]]
    assert np.isnan(plain.encode(pl.DataFrame({"a": [math.inf], "b": [1e39], "c": [1.0]}))).sum() == 2


def test_whole_numbers_are_exact_up_to_two_to_the_24(plain: Encoder) -> None:
    assert plain.encode((2**24, 2**24 + 1, 0))[0].tolist() == [2**24, 2**24, 0]


@pytest.mark.parametrize(
    ("column", "value", "index", "expected"),
    [
        ("size", "2.5", 0, 2.5),
        ("size", " ? ", 0, math.nan),
        ("size", np.float64(2.5), 0, 2.5),
        ("size", Decimal("2.5"), 0, 2.5),
        ("size", timedelta(seconds=2), 0, 2),
        ("size", pd.NA, 0, math.nan),
        ("size", False, 0, 0),
        ("colour", "", 2, 0),
        ("colour", math.nan, 2, 0),
        ("colour", 3, 2, 1),
        ("sold", "TRUE", 3, 1),
        ("sold", 0, 3, 0),
        ("sold", np.True_, 3, 1),
        ("sold", "NA", 3, math.nan),
        ("day", "2024-01-03", 4, 2),
        ("day", np.datetime64("2024-01-03"), 4, 2),
        ("day", pd.Timestamp("2024-01-03 05:00"), 4, 2),
        ("day", pd.NaT, 4, math.nan),
        ("day", datetime(2024, 1, 3, tzinfo=UTC), 4, 2),
        ("day", math.nan, 4, math.nan),
    ],
)
def test_single_values_are_read_generously(
    encoder: Encoder, column: str, value: object, index: int, expected: float
) -> None:
    np.testing.assert_equal(float(encoder.encode({**ROW, column: value})[0, index]), expected)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("size", "big", "'big' is not a number"),
        ("size", 1j, "is not a number"),
        ("size", [1, 2], None),
        ("size", 10**400, "is not a number"),
        ("size", b"1", "is not a number"),
        ("size", date(2024, 1, 1), "is not a number"),
        ("sold", 2, "2 is not true or false"),
        ("sold", "maybe", "'maybe' is not true or false"),
        ("day", "tomorrow", "'tomorrow' is not a date"),
        ("day", 20240101, "20240101 is not a date"),
        ("colour", 1j, "is not text or a number"),
    ],
)
def test_values_of_the_wrong_kind_are_named(encoder: Encoder, column: str, value: object, message: str | None) -> None:
    if message is not None:
        finding = refused(encoder, {**ROW, column: value})
        assert (finding.code, finding.place) == ("D141", f"column '{column}'")
        assert message in finding.message
    refused(encoder, [ROW, {**ROW, column: value}])


def test_wrong_values_are_named_with_their_row(encoder: Encoder) -> None:
    assert refused(encoder, [ROW, {**ROW, "size": "big"}]).place == "column 'size', row 2"
    frame = pl.DataFrame([ROW, ROW]).with_columns(size=pl.Series(["1", "big"]))
    assert refused(encoder, frame).place == "column 'size', row 2"
    assert refused(encoder, pl.DataFrame([ROW]).with_columns(day=pl.lit(3))).code == "D141"
    assert refused(encoder, pl.DataFrame([ROW]).with_columns(sold=pl.lit(3))).code == "D141"


def test_other_columns_are_ignored_and_missing_ones_refused_with_a_suggestion(encoder: Encoder) -> None:
    assert encoder.encode({**ROW, "more": [1, 2]}).shape[0] == 1
    rows = {("color" if name == "colour" else name): value for name, value in ROW.items()}
    for given in (rows, pl.DataFrame([rows]), [rows]):
        finding = refused(encoder, given)
        assert finding.code == "D140"
        assert "'colour' is missing. Is it 'color'?" in finding.message
    assert refused(encoder, [ROW, rows]).place == "row 2"
    with pytest.raises(DataError) as caught:
        encoder.encode({})
    assert len(caught.value.findings) == 5


def test_wrong_shapes_are_refused(encoder: Encoder, plain: Encoder) -> None:
    for rows in (np.ones((2, 4)), np.ones(4), np.ones((2, 2, 3)), [1.0, 2.0], (1.0, 2.0), [[1.0]], np.array(1.0)):
        finding = refused(plain, rows)
        assert finding.code == "D142"
        assert "a, b, c" in finding.hint
    assert refused(plain, 3).code == "D145"
    assert refused(plain, None).code == "D145"
    assert refused(plain, "nothing.csv").code == "D101"


def test_what_was_missing_or_unknown_is_counted(encoder: Encoder) -> None:
    counted = encoder.encode_counted([ROW, {**ROW, "colour": "mauve", "seen": None}, dict.fromkeys(ROW)])
    assert dict(counted.unknown) == {"colour": 1}
    assert dict(counted.missing) == {"size": 1, "count": 1, "colour": 1, "sold": 1, "day": 1, "seen": 2}
    assert counted.x.shape == (3, encoder.width)


def test_a_contract_gives_the_same_encoder(mixed: pl.DataFrame, encoder: Encoder) -> None:
    document = json.loads(json.dumps(encoder.contract(), allow_nan=False))
    again = Encoder.from_contract(document)
    np.testing.assert_array_equal(again.encode(mixed), encoder.encode(mixed))
    assert again.contract() == encoder.contract()
    for damage in ({"contract_format": 9}, {"width": 3}, {"columns": []}, {"schema": {}}, {"missing_code": 5}):
        with pytest.raises(DataError, match="D190"):
            Encoder.from_contract({**document, **damage})
    with pytest.raises(DataError, match="D190"):
        Encoder.from_contract("text")  # type: ignore[arg-type]  # what a damaged file may hold


def test_a_category_that_a_file_writes_as_a_number_is_found_again(tmp_path: Path) -> None:
    frame = pl.DataFrame({"c": [1, 2, 2] * 20, "y": np.sin(np.arange(60))})
    encoder = Encoder(infer_schema(frame, kinds={"c": "categorical"}))
    path = tmp_path / "rows.csv"
    path.write_text("c\n1\n2.0\n02\n7\nnan\n")
    assert encoder.encode(path)[:, 0].tolist() == [2, 3, 1, 1, 0]
    assert encoder.encode([(1,), (2.0,), ("2",), (7,), (None,)])[:, 0].tolist() == [2, 3, 3, 1, 0]
    assert encoder.encode(np.array([[1.0], [2.0]]))[:, 0].tolist() == [2, 3]


def test_text_categories_that_look_like_numbers_are_read_as_they_were_trained(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("c,y\n" + "".join(f"{'1.50' if i % 2 else 'n'},{math.sin(i)}\n" for i in range(60)))
    from advisor.data import read_table

    encoder = Encoder(infer_schema(read_table(path)))
    path.write_text("c\n1.50\n")
    assert encoder.encode(path)[0, 0] == 2


def test_targets_of_a_regression_come_back_as_numbers(numbers: pl.DataFrame, plain: Encoder) -> None:
    y = plain.encode_target(numbers)
    assert (y.shape, y.dtype) == ((100, 1), np.float32)
    np.testing.assert_array_equal(plain.decode_target(y), y[:, 0].astype(np.float64))
    assert (
        plain.encode_target([1, 2.5]).tolist() == plain.encode_target(np.array([[1], [2.5]])).tolist() == [[1], [2.5]]
    )
    assert (plain.classes, len(plain.labels)) == ((), 0)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["no", "yes"], ["no", "yes"]),
        ([False, True], [False, True]),
        ([-1, 1], [-1, 1]),
        ([0.5, 1.0], [0.5, 1.0]),
        ([10, 9, 11], [9, 10, 11]),
    ],
)
def test_labels_come_back_in_the_users_own_type(values: list[object], labels: list[object]) -> None:
    given = (values * 40)[:80]
    frame = pl.DataFrame({"x": np.sin(np.arange(80)), "y": given})
    encoder = Encoder(infer_schema(frame, "y", task="multiclass" if len(values) > 2 else "binary"))
    y = encoder.encode_target(frame)
    assert (y.shape, y.dtype) == (((80, 1), np.float32) if len(values) == 2 else ((80,), np.int32))
    assert encoder.decode_target(y).tolist() == given
    assert encoder.labels.tolist() == labels
    np.testing.assert_array_equal(encoder.encode_target(frame.to_pandas()), y)
    np.testing.assert_array_equal(encoder.encode_target(given), y)


def test_targets_that_do_not_fit_are_refused(numbers: pl.DataFrame, encoder: Encoder, plain: Encoder) -> None:
    cases: list[tuple[Encoder, object, str]] = [
        (encoder, ["yes", "perhaps"], "row 2 has 'perhaps'"),
        (encoder, ["yes", None], "row 2 has no target"),
        (plain, ["a"], "numbers are needed"),
        (plain, [1e300], "beyond float32"),
        (plain, [math.nan], "not a number"),
        (plain, numbers.drop("y"), "no column 'y'"),
    ]
    for used, values, message in cases:
        with pytest.raises(DataError) as caught:
            used.encode_target(values)
        assert message in caught.value.findings[0].message
    for numbers_given in ([0.5], [2], [-1], [[0, 1]], ["a"]):
        with pytest.raises(DataError):
            encoder.decode_target(numbers_given)


def test_dates_in_text_are_encoded_alike_in_a_file_and_in_a_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    days = [f"{i % 28 + 1:02d}.{i % 12 + 1:02d}.2024 {i % 24}:30" if i % 7 else "" for i in range(60)]
    path.write_text("day,y\n" + "".join(f"{day},{math.sin(i)}\n" for i, day in enumerate(days)))
    from advisor.data import read_table

    frame = read_table(path)
    encoder = Encoder(infer_schema(frame))
    assert encoder.schema["day"].date_order == "dmy"
    x = encoder.encode(path)
    np.testing.assert_array_equal(x, encoder.encode([(day,) for day in days]))
    assert np.isnan(x[0]).all()
    path.write_text("day\n2024-01-02\nsoon\n")
    assert refused(encoder, path).place == "column 'day', row 2"
    np.testing.assert_array_equal(encoder.encode({"day": "2024-01-02"}), encoder.encode({"day": date(2024, 1, 2)}))


def test_numbers_in_text_are_encoded_alike_in_a_frame_and_in_a_row(plain: Encoder) -> None:
    frame = pl.DataFrame({"a": ["1.5", "?", None], "b": [True, False, None], "c": [None, None, None]})
    np.testing.assert_array_equal(plain.encode(frame), plain.encode(frame.rows()))
    assert plain.encode({"a": 10**30, "b": 1, "c": 2})[0, 0] == np.float32(1e30)
    assert refused(plain, (10**400, 1, 2)).code == "D141"
    assert refused(plain, ("x" * 100, 1, 2)).message.endswith("... is not a number.")


def test_typed_cells_may_be_categories(numbers: pl.DataFrame) -> None:
    moments = [datetime(2024, 1, 1), datetime(2024, 1, 1, 5)] * 50
    frame = numbers.with_columns(pl.Series("t", moments), pl.Series("b", [True, False] * 50))
    encoder = Encoder(infer_schema(frame, "y", kinds={"t": "categorical", "b": "categorical"}))
    np.testing.assert_array_equal(encoder.encode(frame), encoder.encode(frame.rows(named=True)))
    aware = {**frame.row(0, named=True), "t": datetime(2024, 1, 1, tzinfo=UTC)}
    np.testing.assert_array_equal(encoder.encode(aware), encoder.encode(frame.head(1)))
    assert encoder.encode({**aware, "t": np.datetime64("2024-01-01T05:00")})[0, -1] == 3
    assert encoder.encode({**aware, "a": np.timedelta64(90, "s")})[0, 0] == 90
