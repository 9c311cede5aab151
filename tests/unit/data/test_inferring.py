from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from advisor.data import Schema, infer_schema
from advisor.data.targets import has_outliers
from advisor.errors import DataError, Finding

N = 60


def table(**columns: object) -> pl.DataFrame:
    base: dict[str, object] = {"x": np.linspace(0, 1, N), "y": np.sin(np.arange(N))}
    return pl.DataFrame({**base, **columns})


def refused(frame: pl.DataFrame, target: str | None = "y", **options: object) -> Finding:
    with pytest.raises(DataError) as caught:
        infer_schema(frame, target, **options)  # type: ignore[arg-type]  # options of the test's own
    return caught.value.findings[0]


def test_each_kind_is_recognized_and_the_useless_ignored_with_a_note(mixed: pl.DataFrame) -> None:
    schema = infer_schema(mixed)
    assert {column.name: (column.kind, column.role) for column in schema.columns} == {
        "size": ("numeric", "feature"),
        "count": ("numeric", "feature"),
        "colour": ("categorical", "feature"),
        "sold": ("boolean", "feature"),
        "day": ("datetime", "feature"),
        "seen": ("datetime", "feature"),
        "serial": ("text", "ignored"),
        "comment": ("text", "ignored"),
        "same": ("categorical", "ignored"),
        "answer": ("categorical", "target"),
    }
    assert schema["size"].missing == 12
    assert schema["colour"].categories == ("blue", "green", "red")
    assert not schema["day"].has_time
    assert schema["seen"].has_time
    assert "identifier" in schema["serial"].note
    assert "free text" in schema["comment"].note
    assert "same value" in schema["same"].note
    assert schema.target.classes == ("no", "yes")
    assert schema.feature_names == ("size", "count", "colour", "sold", "day", "seen")
    with pytest.raises(KeyError):
        schema["nothing"]


def test_a_schema_survives_json(mixed: pl.DataFrame) -> None:
    schema = infer_schema(mixed)
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict(), allow_nan=False))) == schema


@pytest.mark.parametrize(
    "damage",
    [
        {"schema_format": 2},
        {"columns": [{"name": "a"}]},
        {"columns": []},
        {"target": {"name": "answer", "task": "guess"}},
        {"target": None},
        {"rows": "many"},
        {"notes": 3},
        {"columns": [{"name": "answer", "kind": "categorical", "role": "target", "colour": 1}]},
        {"columns": [{"name": "answer", "kind": "categorical", "role": "target", "categories": [1]}]},
        {"columns": [{"name": "answer", "kind": "categorical", "role": "target", "missing": 1.5}]},
    ],
)
def test_a_damaged_schema_is_refused(mixed: pl.DataFrame, damage: dict[str, object]) -> None:
    with pytest.raises(DataError, match="D190"):
        Schema.from_dict({**infer_schema(mixed).to_dict(), **damage})
    with pytest.raises(DataError, match="D190"):
        Schema.from_dict([])  # type: ignore[arg-type]  # what a damaged file may hold


def test_a_schema_prints_a_row_a_column(mixed: pl.DataFrame) -> None:
    rows = {row["column"]: row for row in infer_schema(mixed).describe()}
    assert list(rows) == mixed.columns
    assert rows["colour"]["values"] == "3 categories"
    assert rows["size"]["missing"] == "12"
    assert rows["answer"]["values"].startswith("no ")
    assert "…" in rows["size"]["values"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", "Target", "b"], "Target"),
        (["y", "a", "b"], "y"),
        (["Class", "y"], "y"),
        (["a", "b"], "b"),
        (["label", "y"], "label"),
    ],
)
def test_a_target_that_is_not_named_is_guessed_and_reported(names: list[str], found: str) -> None:
    frame = pl.DataFrame({name: np.sin(np.arange(N) + len(name) + i) for i, name in enumerate(names)})
    target = infer_schema(frame).target
    assert target.name == found
    assert "guessed" in target.how


def test_the_split_column_is_not_taken_for_the_target() -> None:
    schema = infer_schema(table(_split=["train"] * N))
    assert schema.target.name == "y"
    assert schema.split_column == "_split"
    assert infer_schema(table(part=["train"] * N), "y", split_column="part").split_column == "part"


def test_an_unknown_column_gets_a_suggestion() -> None:
    frame = table().rename({"y": "median_house_value"})
    finding = refused(frame, "median_house_valu")
    assert finding.code == "D120"
    assert "did you mean 'median_house_value'?" in finding.message
    assert "Columns: x, median_house_value." in finding.hint
    assert "did you mean" not in refused(frame, "qqq").message
    assert refused(table(), "y", split_column="_splt").code == "D120"
    assert refused(table(), "y", kinds={"xx": "numeric"}).code == "D120"


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (np.sin(np.arange(N)), "regression", ()),
        (np.arange(N) % 2, "binary", ("0", "1")),
        (np.where(np.arange(N) % 2, 1.0, -1.0), "binary", ("-1", "1")),
        (np.arange(N) % 3 + 1, "multiclass", ("1", "2", "3")),
        (np.arange(N) % 15, "regression", ()),
        (np.arange(N) % 3 * 10, "regression", ()),
        ((np.arange(N) % 2).astype(bool), "binary", ("false", "true")),
        (np.array(["b", "a", "c"])[np.arange(N) % 3], "multiclass", ("a", "b", "c")),
        (np.arange(N) % 10, "regression", ()),
    ],
)
def test_the_task_follows_from_the_target(values: np.ndarray, task: str, classes: tuple[str, ...]) -> None:  # type: ignore[type-arg]  # any
    target = infer_schema(table(y=values)).target
    assert (target.task, target.classes) == (task, classes)
    assert target.outputs == (len(classes) if task == "multiclass" else 1)


def test_the_user_knows_the_task_better() -> None:
    codes = np.arange(N) % 3
    assert infer_schema(table(y=codes), "y", task="regression").target.task == "regression"
    assert infer_schema(table(y=codes % 2), "y", task="multiclass").target.outputs == 2
    assert infer_schema(table(y=np.arange(N) % 15), "y", task="multiclass").target.outputs == 15


@pytest.mark.parametrize(
    ("values", "options", "code", "message"),
    [
        ([None] * N, {}, "D122", "missing in every row"),
        ([float("nan")] * 3 + [1.5] * (N - 3), {}, "D124", "not a number (NaN) in 3 of 60 rows, first in row 1"),
        ([1.5] * (N - 1) + [float("inf")], {}, "D124", "infinite in 1 of 60 rows, first in row 60"),
        ([1] * N, {}, "D123", "same value in every row (1)"),
        (["a"] * N, {}, "D123", "'a'"),
        (["a", "b"] * 29 + ["c", "d"], {}, "D125", "2 of 4 classes have a single row: 'c', 'd'"),
        ([f"{v}.5" for v in range(N - 1)] + ["lots"], {}, "D125", "'lots' is not"),
        (["a", "b", "c"] * 20, {"task": "binary"}, "D126", "3 different values"),
        (["a", "b", "c"] * 20, {"task": "regression"}, "D126", "needs numbers"),
        ([1, 2] * 30, {"task": "forecasting"}, "D126", "not carried out"),
        ([date(2024, 1, 1) + timedelta(i) for i in range(N)], {}, "D126", "dates"),
        ([None] * 3 + [1.5, 2.5, 3.5] * 19, {"allow_missing_target": False}, "D124", "3 of 60 rows have no target"),
    ],
)
def test_a_target_that_nothing_can_be_learned_for_is_refused(
    values: list[object], options: dict[str, object], code: str, message: str
) -> None:
    finding = refused(table(y=values), **options)
    assert finding.code == code
    assert message in finding.message
    assert finding.place == "column 'y'"
    assert finding.hint


def test_a_task_that_does_not_fit_is_refused_with_one_that_does() -> None:
    assert refused(table(y=["a", "b", "c"] * 20), task="binary").hint.startswith("Say multiclass,")
    assert refused(table(y=np.arange(N) + 0.5), task="binary").hint.startswith("Say regression,")


def test_too_many_classes_are_refused() -> None:
    frame = pl.DataFrame({"x": np.sin(np.arange(603)), "y": [f"c{i % 201}" for i in range(603)]})
    assert refused(frame).code == "D126"


def test_ten_rows_are_refused_with_what_to_do() -> None:
    finding = refused(table().head(10))
    assert finding.code == "D111"
    assert "10 rows" in finding.message
    assert "at least 20" in finding.hint
    assert infer_schema(table().head(20)).rows == 20


def test_rows_without_a_target_are_counted() -> None:
    schema = infer_schema(table(y=[None] * 5 + ["a", "b"] * 27 + [""]))
    assert (schema.target.missing, schema.target.labeled_rows) == (6, 54)
    assert schema.notes == ("6 of 60 rows have no target and are left out.",)


def test_a_column_without_any_value_is_refused_unless_it_is_ignored() -> None:
    for values in ([None] * N, [float("nan")] * N, [""] * N):
        frame = table(empty=values)
        finding = refused(frame)
        assert (finding.code, finding.place) == ("D128", "column 'empty'")
        assert infer_schema(frame, "y", kinds={"empty": "ignored"})["empty"].role == "ignored"


def test_without_any_feature_there_is_nothing_to_learn_from() -> None:
    finding = refused(pl.DataFrame({"x": [1] * N, "y": np.sin(np.arange(N))}))
    assert finding.code == "D127"
    assert "x: the same value in every row" in finding.message
    assert refused(pl.DataFrame({"_split": ["train"] * N}), None).code == "D121"


def test_infinite_features_count_as_missing() -> None:
    column = infer_schema(table(z=[np.inf, -np.inf] + [0.5, 1.0] * 29))["z"]
    assert (column.missing, column.minimum, column.maximum) == (2, 0.5, 1.0)
    assert "2 infinite values" in column.note


def test_row_numbers_are_ignored_and_other_whole_numbers_are_not() -> None:
    schema = infer_schema(table(index=range(N), other=[i * 7 % N for i in range(N)]))
    assert schema["index"].role == "ignored"
    assert schema["other"].role == "feature"


def test_numbers_in_text_are_categories_if_few_and_numbers_if_many() -> None:
    schema = infer_schema(
        table(
            few=[str(i % 5) for i in range(N)],
            many=[f"{i}.5" for i in range(N)],
            zips=[f"{i % 9:05d}" for i in range(N)],
        )
    )
    assert schema["few"].categories == ("0", "1", "2", "3", "4")
    assert (schema["many"].kind, schema["many"].maximum) == ("numeric", 59.5)
    assert schema["zips"].kind == "categorical"
    assert "abc" in infer_schema(table(z=[f"{i % 25}" for i in range(58)] + ["abc"] * 2))["z"].note


def test_dates_in_text_are_dates() -> None:
    schema = infer_schema(
        table(day=[f"{i % 12 + 1:02d}/{i % 9 + 1:02d}/2024" for i in range(N)], late=["31.12.2023", None] * 30)
    )
    assert (schema["day"].kind, schema["day"].date_order) == ("datetime", "mdy")
    assert "guess" in schema["day"].note
    assert schema["late"].origin_day == date(2023, 12, 31).toordinal() - date(1970, 1, 1).toordinal()


def test_rare_categories_are_read_as_unknown() -> None:
    schema = infer_schema(table(c=["a", "b"] * 29 + ["c", "d"]))
    assert schema["c"].categories == ("a", "b")
    assert "2 categories with fewer than 2 rows" in schema["c"].note


def test_columns_may_have_any_name() -> None:
    names = ["count", "value", "literal", "number", "\0row", "a:b", "*", "^.*$"]
    frame = table(**{name: [f"{name}{i % 3}" for i in range(N)] for name in names})
    schema = infer_schema(frame, "y")
    assert all(schema[name].kind == "categorical" for name in names)
    assert infer_schema(frame, "count").target.outputs == 3


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2, 2] * 20, "categorical", ("1", "2")),
        ([1.0, 0.5, 0.5] * 20, "categorical", ("0.5", "1")),
        ([True, False] * 30, "categorical", ("false", "true")),
        (["1.5", "2"] * 30, "numeric", ()),
        ([0, 1] * 30, "boolean", ()),
        (["True", "false"] * 30, "boolean", ()),
        (["2024-01-01", "2024-01-02"] * 30, "datetime", ()),
        ([True, False] * 30, "numeric", ()),
    ],
)
def test_a_kind_may_be_said(values: list[object], kind: str, expected: tuple[str, ...]) -> None:
    column = infer_schema(table(z=values), "y", kinds={"z": kind})["z"]
    assert (column.kind, column.categories) == (kind, expected)


def test_a_kind_that_does_not_fit_is_refused() -> None:
    frame = table(z=["1", "b"] * 30)
    finding = refused(frame, kinds={"z": "numeric"})
    assert finding.code == "D129"
    assert "row 2 holds 'b'" in finding.message
    assert refused(frame, kinds={"z": "datetime"}).code == "D129"
    assert refused(frame, kinds={"z": "boolean"}).code == "D129"
    assert refused(frame, kinds={"z": "number"}).code == "D129"
    assert refused(frame, kinds={"y": "numeric"}).code == "D129"


def test_a_copy_of_the_target_is_noted() -> None:
    frame = table()
    assert "equal to the target" in infer_schema(frame.with_columns(copy=pl.col("y")), "y")["copy"].note


def test_values_that_float32_cannot_tell_apart_are_noted() -> None:
    assert "float32" in infer_schema(table(z=1.7e9 + np.arange(N)[::-1]))["z"].note


def test_outliers_are_few_values_that_carry_most_of_the_deviation() -> None:
    rng = np.random.default_rng(0)
    assert not has_outliers(rng.normal(size=1000))
    assert not has_outliers(rng.exponential(size=1000))
    assert not has_outliers(np.ones(50))
    assert not has_outliers(rng.lognormal(size=5000))
    assert has_outliers(np.append(rng.normal(size=1000), [1e3, -2e3]))
    assert has_outliers(np.append(rng.normal(size=1000), 1e300))
    schema = infer_schema(table(y=np.append(np.sin(np.arange(N - 1)) + 2, 1e6)))
    assert schema.target.outliers
    assert schema.target.range == "positive"
