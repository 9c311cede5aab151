from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from advisor.data import FORMATS, read_table
from advisor.data.conventions import MISSING_TOKENS
from advisor.errors import EXIT_UNUSABLE, DataError, Finding


def refused(path: Path, content: bytes | None = None) -> Finding:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert caught.value.exit_code == EXIT_UNUSABLE
    assert len(caught.value.findings) == 1
    finding = caught.value.findings[0]
    assert finding.hint
    return finding


def read(path: Path, content: bytes) -> dict[str, list[object]]:
    path.write_bytes(content)
    return read_table(path).to_dict(as_series=False)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_every_format_gives_the_same_table(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": [1, 2, None], "x": [0.5, None, -1.5], "s": ["a", None, "b c"], "b": [True, False, None]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "t.tsv", separator="\t")
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_ndjson(tmp_path / "t.jsonl")
    frame.write_ipc(tmp_path / "t.arrow")
    frame.write_ipc_stream(tmp_path / "t.ipc")
    for suffix in ("csv", "tsv", "parquet", "jsonl", "arrow", "ipc"):
        assert read_table(tmp_path / f"t.{suffix}").equals(frame), suffix


def test_npz_gives_numbered_columns_target_and_split(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(
        path, X=np.arange(6, dtype=np.int16).reshape(3, 2), y=np.array([[1], [2], [3]]), split=["train", "val", "test"]
    )
    frame = read_table(path)
    assert frame.columns == ["x0", "x1", "y", "_split"]
    assert frame["y"].to_list() == [1, 2, 3]
    np.savez(path, X=np.zeros((3, 2)))
    assert read_table(path, labeled=False).columns == ["x0", "x1"]


@pytest.mark.parametrize(
    ("content", "table"),
    [
        (b"a;b\n1,5;x\n2;y\n", {"a": [1.5, 2.0], "b": ["x", "y"]}),
        (b"a;b\n1.234,5;1\n0,25;2\n", {"a": [1234.5, 0.25], "b": [1, 2]}),
        (b'a,b\n"1,234",1\n"2,000,000.5",2\n', {"a": [1234.0, 2000000.5], "b": [1, 2]}),
        (b"a|b\n1|2\n", {"a": [1], "b": [2]}),
        (b"a\tb\n1\t2\n", {"a": [1], "b": [2]}),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", {"a": [1], "b": [2]}),
        (b"a,b\n\n1,2\n\n", {"a": [1], "b": [2]}),
        (b"a,b\n1,2\n\r", {"a": [1], "b": [2]}),
        (b"a,b\r1,2\r", {"a": [1], "b": [2]}),
        (b"a,b\n 1 , x \n", {"a": [1], "b": ["x"]}),
        (b'a,b\n1,"two, ""quoted""\nlines"\n2,z\n', {"a": [1, 2], "b": ['two, "quoted"\nlines', "z"]}),
        (b'a,b\n1,5" pipe\n2,6\n', {"a": [1, 2], "b": ['5" pipe', "6"]}),
        (b"zip,n\n00501,1\n10001,2\n", {"zip": ["00501", "10001"], "n": [1, 2]}),
        (b"a,b\nTRUE,1\nfalse,2\n,3\n", {"a": [True, False, None], "b": [1, 2, 3]}),
        (b"a,b\n+1,1e3\n-2,.5\n", {"a": [1, -2], "b": [1000.0, 0.5]}),
        (b"a,b\nnan,x\n?,NaN\n", {"a": [None, None], "b": ["x", None]}),
        (b",a\n0,5\n1,7\n", {"column_1": [0, 1], "a": [5, 7]}),
        (b"a,b\n123456789012345678901,1\n5,2\n", {"a": [123456789012345678901.0, 5.0], "b": [1, 2]}),
        (b"2019,2020\n1,2\n", {"2019": [1], "2020": [2]}),
    ],
)
def test_delimited_text_is_typed_by_all_values_of_a_column(
    csv: Path, content: bytes, table: dict[str, list[object]]
) -> None:
    result = read(csv, content)
    if b"nan" in content:
        assert np.isnan(result["a"][0])  # type: ignore[call-overload]  # a float by the assertion's nature
        result["a"][0] = None
    assert result == table


@pytest.mark.parametrize("token", sorted(MISSING_TOKENS))
def test_missing_tokens_are_missing_in_numbers_and_in_text(csv: Path, token: str) -> None:
    assert read(csv, f"a,b\n{token},{token}\n1,x\n".encode()) == {"a": [None, 1], "b": [None, "x"]}


def test_none_is_a_category_and_not_missing(csv: Path) -> None:
    assert read(csv, b"a,b\n1,None\n2,none\n")["b"] == ["None", "none"]


def test_a_column_can_be_kept_as_text(csv: Path) -> None:
    csv.write_bytes(b"a,b\n1.50,2\nnan,3\n")
    assert read_table(csv, text=frozenset("a"))["a"].to_list() == ["1.50", None]


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "data.parquet").touch()
    finding = refused(tmp_path / "data.csv")
    assert (finding.code, finding.message) == ("D101", "there is no such file.")
    assert "data.parquet" in finding.hint


def test_folders_and_other_endings_are_refused_with_the_list_of_endings(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "D102"
    finding = refused(tmp_path / "t.xlsx", b"PK")
    assert finding.code == "D102"
    assert all(suffix in finding.hint for suffix in FORMATS)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \n"])
def test_an_empty_file_is_refused(csv: Path, content: bytes) -> None:
    assert refused(csv, content).code == "D103"


def test_a_header_without_rows_is_refused(csv: Path, tmp_path: Path) -> None:
    assert refused(csv, b"a,b\n").code == "D104"
    pl.DataFrame({"a": []}).write_parquet(tmp_path / "t.parquet")
    assert refused(tmp_path / "t.parquet").code == "D104"


@pytest.mark.parametrize(
    ("content", "line", "fields"),
    [
        (b"a,b\n1,2\n3\n", 3, 1),
        (b"a,b\n1,2\n1,2,3\n4,5\n", 3, 3),
        (b"\na,b\n\n1,2\n\n1,2,\n", 6, 3),
        (b'a,b\n"x\ny",2\n1\n', 4, 1),
        (b'"a","b"\n1,2\n\n"1,2,3"\n', 4, 1),
    ],
)
def test_a_ragged_line_is_named(csv: Path, content: bytes, line: int, fields: int) -> None:
    finding = refused(csv, content)
    assert finding.code == "D106"
    assert finding.place == f"{csv}:{line}"
    assert f"has {fields} field" in finding.message
    assert "header has 2" in finding.message


def test_an_unclosed_quotation_mark_is_named_with_the_line_where_it_opens(csv: Path) -> None:
    finding = refused(csv, b'a,b\n1,2\n3,"x\n5,6\n')
    assert (finding.code, finding.place) == ("D106", f"{csv}:3")
    assert "never closed" in finding.message


def test_undecodable_bytes_are_named_with_byte_and_line(csv: Path) -> None:
    finding = refused(csv, "a,b\n1,x\n2,café\n".encode("latin-1"))
    assert (finding.code, finding.place) == ("D105", f"{csv}:3")
    assert "byte 14" in finding.message
    assert "0xe9" in finding.message
    assert "iconv" in finding.hint
    assert "UTF-16" in refused(csv, "a,b\n1,x\n".encode("utf-16")).message
    assert "byte 6 is zero" in refused(csv, b"a,b\n1\0,2\n").message


def test_duplicate_column_names_are_refused_in_every_format(csv: Path, tmp_path: Path) -> None:
    assert "'a'" in refused(csv, b"a,b,a\n1,2,3\n").message
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    parquet.write_table(pyarrow.table([[1], [2]], names=["a", "a"]), tmp_path / "t.parquet")
    assert refused(tmp_path / "t.parquet").code == "D107"


@pytest.mark.parametrize("values", [[[1], [2]], [{"k": 1}, {"k": 2}], [b"1", b"2"]])
def test_nested_and_binary_columns_are_refused(tmp_path: Path, values: list[object]) -> None:
    pl.DataFrame({"plain": [1, 2], "nested": values}).write_parquet(tmp_path / "t.parquet")
    finding = refused(tmp_path / "t.parquet")
    assert (finding.code, finding.place) == ("D108", "column 'nested'")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "npz"])
@pytest.mark.parametrize("content", [b"not what it says", b"PAR1", b"ARROW1\0\0", b"PK\x03\x04 truncated"])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    assert refused(tmp_path / f"t.{suffix}", content).code == "D109"


def test_a_bad_line_of_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    assert refused(path, b'{"a":1}\n{bad\n').place == f"{path}:2"
    assert "holds a list" in refused(path, b'{"a":1}\n[1]\n').message
    assert refused(path, b'{"a":[1]}\n').code == "D108"
    assert refused(path, b'{"a":"\xe9"}\n').code in ("D105", "D109")


def test_missing_keys_of_json_lines_are_missing_values(tmp_path: Path) -> None:
    assert read(tmp_path / "t.jsonl", b'{"a":1}\n\n{"a":2.5,"b":"x"}\n') == {"a": [1.0, 2.5], "b": [None, "x"]}


def test_numbers_in_the_place_of_a_header_are_refused(csv: Path) -> None:
    assert refused(csv, b"1.5,2\n3,4\n").code == "D112"
    assert refused(csv, b"5,5\n3,4\n").code == "D112"


def test_npz_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    cases: list[tuple[dict[str, object], str]] = [
        ({"Z": np.zeros(3)}, "'X' is missing"),
        ({"X": np.zeros((3, 2))}, "'y' is missing"),
        ({"X": np.zeros((3, 2, 2)), "y": np.zeros(3)}, "shape (3, 2, 2)"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(2)}, "X has 3 rows"),
        ({"X": np.zeros((3, 2)), "y": np.zeros((3, 2))}, "shape is (3, 2)"),
        ({"X": np.array([["a", "b"]]), "y": np.zeros(1)}, "numbers are needed"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(3, dtype=complex)}, "numbers, truth values or text"),
        ({"X": np.array([[1, None]], dtype=object), "y": np.zeros(1)}, "can't be read"),
    ]
    for arrays, message in cases:
        np.savez(path, **arrays)  # type: ignore[arg-type]  # whatever a user may have saved
        finding = refused(path)
        assert finding.code == "D110"
        assert message in finding.message


def test_too_large_a_table_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from advisor.data import conventions, reading

    monkeypatch.setattr(reading, "CONVENTIONS", conventions.Conventions(maximum_cells=10))
    pl.DataFrame({"a": range(11)}).write_parquet(tmp_path / "t.parquet")
    assert refused(tmp_path / "t.parquet").code == "D113"
    np.savez(tmp_path / "t.npz", X=np.zeros((11, 1)), y=np.zeros(11))
    assert refused(tmp_path / "t.npz").code == "D113"


def test_of_a_very_long_file_an_even_sample_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from advisor.data import conventions, reading

    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": range(10_000), "b": [0.5] * 10_000}).write_parquet(path)
    frame, note = reading.read_to_learn(path)
    assert (frame.height, note) == (10_000, "")
    monkeypatch.setattr(reading, "CONVENTIONS", conventions.Conventions(sampled_cells=2_000))
    frame, note = reading.read_to_learn(path)
    assert 950 <= frame.height <= 1_050
    assert "10,000 rows" in note
    assert frame.equals(reading.read_to_learn(path)[0])
    parts = frame["a"].to_numpy() // 1_000
    assert min(np.bincount(parts, minlength=10)) > 80
