from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from advisor.data import Split, infer_schema, make_split, stack_frames
from advisor.errors import DataError, Finding


def parts(split: Split) -> tuple[int, int, int]:
    return len(split.train), len(split.val), len(split.test)


def refused(frame: pl.DataFrame, target: str = "y", **options: object) -> Finding:
    schema = infer_schema(frame, target)
    with pytest.raises(DataError) as caught:
        make_split(frame, schema, **{"seed": 0, **options})  # type: ignore[arg-type]  # options of the test's own
    return caught.value.findings[0]


def test_chance_gives_the_shares_of_each_class_and_every_row_once(mixed: pl.DataFrame) -> None:
    schema = infer_schema(mixed)
    split = make_split(mixed, schema, seed=1)
    assert parts(split) == (128, 32, 40)
    assert sorted(np.concatenate([split.train, split.val, split.test])) == list(range(200))
    answers = (mixed["answer"] == "yes").to_numpy()
    for rows in (split.train, split.val, split.test):
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()
        assert abs(answers[rows].mean() - answers.mean()) < 0.03
    assert "seed 1" in split.how


def test_a_seed_always_gives_the_same_rows_and_another_seed_others(numbers: pl.DataFrame) -> None:
    schema = infer_schema(numbers)
    first, again, other = (make_split(numbers, schema, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)
    assert first.test[:5].tolist() == [4, 9, 17, 24, 26]


def test_equal_rows_stay_in_one_part(numbers: pl.DataFrame) -> None:
    frame = pl.concat([numbers, numbers.head(30), numbers.head(10)])
    split = make_split(frame, infer_schema(frame), seed=0)
    home = np.empty(len(frame), dtype=int)
    for number, rows in enumerate((split.train, split.val, split.test)):
        home[rows] = number
    assert (home[100:130] == home[:30]).all()
    assert (home[130:] == home[:10]).all()
    assert "40 rows repeat" in split.notes[0]


def test_equal_rows_are_found_beside_an_identifier(numbers: pl.DataFrame) -> None:
    frame = pl.concat([numbers, numbers.head(30)]).with_columns(pl.Series("id", [f"k{i}" for i in range(130)]))
    split = make_split(frame, infer_schema(frame, "y"), seed=0)
    assert set(split.test[split.test >= 100] - 100) <= set(split.test)
    assert "30 rows repeat" in split.notes[0]


def test_a_table_of_few_values_is_split_row_by_row() -> None:
    frame = pl.DataFrame({"x": [0, 1] * 50, "z": [0, 0, 1, 1] * 25, "y": ["a", "b", "b", "a"] * 25})
    split = make_split(frame, infer_schema(frame), seed=0)
    assert parts(split) == (64, 16, 20)
    assert "this table's nature" in split.notes[0]


def test_every_class_is_in_the_training_rows_however_rare() -> None:
    frame = pl.DataFrame({"x": np.sin(np.arange(47)), "y": ["a"] * 40 + ["b"] * 3 + ["c"] * 2 + ["d"] * 2})
    schema = infer_schema(frame)
    for seed in range(20):
        split = make_split(frame, schema, seed=seed)
        train = set(frame["y"].to_numpy()[split.train])
        assert train == {"a", "b", "c", "d"}
        assert "b" in frame["y"].to_numpy()[split.val]


@pytest.mark.parametrize("name", ["*", "^.*$", "row", "c1", "count"])
def test_columns_may_have_any_name(numbers: pl.DataFrame, name: str) -> None:
    frame = numbers.rename({"a": name})
    schema = infer_schema(frame, "y")
    split = make_split(frame, schema, seed=0, test=frame.head(4))
    assert parts(split) == (80, 20, 4)
    assert stack_frames(frame, schema, None, frame.head(4)).columns == frame.columns


def test_twenty_rows_are_enough(numbers: pl.DataFrame) -> None:
    frame = numbers.head(20)
    assert parts(make_split(frame, infer_schema(frame), seed=0)) == (13, 3, 4)


def test_a_split_column_is_obeyed(numbers: pl.DataFrame) -> None:
    marks = (["train"] * 7 + ["Validation"] + [" test "] * 2) * 10
    frame = numbers.with_columns(pl.Series("_split", marks))
    split = make_split(frame, infer_schema(frame, "y"), seed=0)
    assert parts(split) == (70, 10, 20)
    assert split.test[:3].tolist() == [8, 9, 18]
    assert split.how == "validation and test as given"
    named = frame.rename({"_split": "fold"})
    schema = infer_schema(named, "y", split_column="fold")
    assert np.array_equal(make_split(named, schema, seed=0, split_column="fold").test, split.test)


def test_a_part_that_the_column_leaves_out_comes_from_the_training_rows(numbers: pl.DataFrame) -> None:
    frame = numbers.with_columns(pl.Series("_split", ["train"] * 75 + ["test"] * 25))
    split = make_split(frame, infer_schema(frame, "y"), seed=0)
    assert parts(split) == (60, 15, 25)
    assert split.test.tolist() == list(range(75, 100))
    assert "test as given; validation by chance" in split.how


def test_leakage_in_a_given_split_is_reported(numbers: pl.DataFrame) -> None:
    frame = numbers.with_columns(pl.Series("_split", ["train"] * 60 + ["val"] * 20 + ["test"] * 20))
    frame = pl.concat([frame, frame.head(3).with_columns(pl.lit("test").alias("_split"))])
    split = make_split(frame, infer_schema(frame, "y"), seed=0)
    assert split.notes == ("3 of 23 test rows are equal to a row of another part, as given.",)


def test_separate_tables_are_numbered_below_the_main_one(numbers: pl.DataFrame) -> None:
    schema = infer_schema(numbers)
    extra = numbers.head(10).select("y", "c", "b", "a").with_columns(pl.lit("x").alias("more"))
    split = make_split(numbers, schema, seed=0, validation=extra, test=numbers.head(5))
    assert parts(split) == (100, 10, 5)
    assert split.test.tolist() == list(range(110, 115))
    stacked = stack_frames(numbers, schema, extra, numbers.head(5))
    assert stacked[110:].equals(numbers.head(5))
    assert parts(make_split(numbers, schema, seed=0, test=extra)) == (80, 20, 10)


def test_a_separate_table_replaces_the_rows_set_aside_for_it(numbers: pl.DataFrame) -> None:
    frame = numbers.with_columns(pl.Series("_split", ["train"] * 60 + ["val"] * 20 + ["test"] * 20))
    split = make_split(frame, infer_schema(frame, "y"), seed=0, test=numbers.head(7))
    assert parts(split) == (60, 20, 7)
    assert split.test.tolist() == list(range(100, 107))


def test_separate_tables_must_fit(numbers: pl.DataFrame) -> None:
    finding = refused(numbers, validation=numbers.drop("b"))
    assert (finding.code, finding.place) == ("D132", "validation data")
    assert refused(numbers, test=numbers.with_columns(a=pl.lit("x"))).code == "D132"
    whole = numbers.with_columns(a=pl.lit(1))
    assert parts(make_split(numbers, infer_schema(numbers), seed=0, test=whole))[2] == 100


def test_a_category_may_be_a_number_in_a_separate_table() -> None:
    frame = pl.DataFrame({"c": ["1", "2"] * 30, "y": np.sin(np.arange(60))})
    stacked = stack_frames(frame, infer_schema(frame), None, frame.with_columns(c=pl.lit(1.0)))
    assert stacked["c"][60:].to_list() == ["1"] * 60


def test_rows_without_a_target_are_in_no_part(numbers: pl.DataFrame) -> None:
    frame = numbers.with_columns(y=pl.when(pl.col("a") > 1).then(None).otherwise(pl.col("y")))
    split = make_split(frame, infer_schema(frame), seed=0)
    absent = np.flatnonzero(frame["y"].is_null().to_numpy())
    assert split.unlabeled.tolist() == absent.tolist()
    assert sum(parts(split)) == 100 - len(absent)


@pytest.mark.parametrize(
    ("marks", "code", "message"),
    [
        (["train"] * 50 + ["dev"] * 50, "D130", "row 51 holds 'dev'"),
        (["train"] * 50 + [None] * 50, "D130", "row 51 holds nothing"),
        (["test"] * 100, "D131", "part train"),
    ],
)
def test_a_wrong_split_column_is_refused(numbers: pl.DataFrame, marks: list[str], code: str, message: str) -> None:
    finding = refused(numbers.with_columns(pl.Series("_split", marks)))
    assert finding.code == code
    assert message in finding.message


def test_other_mistakes_are_refused(numbers: pl.DataFrame) -> None:
    assert refused(numbers, split_column="a").code == "D130"
    assert refused(numbers, split_column="nope").code == "D130"
    assert refused(numbers, fractions=(0.5, 0.5, 0.5)).code == "D134"
    assert refused(numbers, fractions=(1.0, 0.0, 0.0)).code == "D134"
    assert refused(numbers, seed=-1).code == "D134"
    assert refused(numbers, seed=True).code == "D134"
    unlabeled = numbers.head(3).with_columns(y=pl.lit(None, dtype=pl.Float64))
    assert refused(numbers, test=unlabeled).code == "D131"


def test_classes_outside_the_training_rows_are_refused() -> None:
    frame = pl.DataFrame({"x": np.sin(np.arange(60)), "y": ["a", "b"] * 28 + ["c"] * 4})
    marked = frame.with_columns(pl.Series("_split", ["train"] * 40 + ["val"] * 10 + ["test"] * 10))
    finding = refused(marked)
    assert finding.code == "D133"
    assert "'c'" in finding.message
    unseen = frame.head(4).with_columns(y=pl.lit("d"))
    assert refused(frame, test=unseen).code == "D133"
    assert (
        refused(
            marked.with_columns(y=pl.when(pl.col("y") == "c").then(None).otherwise("y")).with_columns(
                y=pl.when(pl.col("_split") == "train").then(pl.lit("a")).otherwise("y")
            )
        ).code
        == "D133"
    )
