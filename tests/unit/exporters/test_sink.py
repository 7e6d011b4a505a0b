import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.formats import sink
from headrace.exporters.formats.sink import GROUP

SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("calls", pa.list_(pa.struct([("id", pa.string()), ("n", pa.int64())]))),
    ]
)
WORDS = st.text(st.characters(codec="utf-8"), max_size=6)
CALLS = st.lists(
    st.fixed_dictionaries({"id": st.none() | WORDS, "n": st.integers(0, 9)}), max_size=2
)
RECORDS = st.lists(st.fixed_dictionaries({"name": WORDS, "calls": CALLS}), max_size=4)


@pytest.fixture
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sink") / "train"


def put(file: Path, records: list[dict[str, Any]]) -> list[int]:
    with sink.parquet(file, SCHEMA) as write:
        return [write(record) for record in records]


@settings(max_examples=30, deadline=None)
@given(records=RECORDS)
def test_lines_come_back_one_for_each_record(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    file = tmp_path_factory.mktemp("lines") / "train.jsonl"
    with sink.lines(file) as write:
        sizes = [write(record) for record in records]
    written = file.read_bytes()
    assert b"\r" not in written and written.count(b"\n") == len(records)
    lines = written.decode().split("\n")[:-1]
    assert [json.loads(line) for line in lines] == records
    assert sizes == [len(line) for line in lines]


def test_a_line_keeps_its_letters_and_what_others_take_for_its_end(file: Path) -> None:
    with sink.lines(file) as write:
        write({"a": "ü\u2028\x85☃", "b": "one\r\ntwo"})
    assert file.read_bytes().decode() == '{"a": "ü\u2028\x85☃", "b": "one\\r\\ntwo"}\n'


def test_what_no_json_can_say_is_not_written(file: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"), sink.lines(file) as write:
        write({"a": float("nan")})


@settings(max_examples=20, deadline=None)
@given(records=RECORDS)
def test_parquet_comes_back_with_its_schema_and_tells_the_characters(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    file = tmp_path_factory.mktemp("parquet") / "train.parquet"
    sizes = put(file, records)
    table = pq.read_table(file)
    assert table.schema.equals(SCHEMA) and table.to_pylist() == records
    assert sizes == [len(text(record)) for record in records]


@pytest.mark.parametrize("count", [0, 1, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP + 3])
def test_the_same_records_are_the_same_bytes_in_groups_of_so_many(
    tmp_path: Path, count: int
) -> None:
    records = [{"name": f"r{n}", "calls": [{"id": None, "n": n}]} for n in range(count)]
    for name in ("one", "two"):
        put(tmp_path / name, records)
    one, two = ((tmp_path / name).read_bytes() for name in ("one", "two"))
    assert hashlib.sha256(one).hexdigest() == hashlib.sha256(two).hexdigest()
    found = pq.ParquetFile(tmp_path / "one").metadata
    assert found.num_rows == count and found.num_row_groups == -(-count // GROUP)
    assert pq.read_table(tmp_path / "one").column("name").to_pylist() == [
        record["name"] for record in records
    ]


def test_a_record_that_its_schema_has_no_place_for_is_refused(file: Path) -> None:
    with pytest.raises(pa.ArrowException):
        put(file, [{"name": "a", "calls": [{"id": "c", "n": "many"}]}])


def test_a_column_that_the_schema_lacks_is_not_left_out_in_silence(file: Path) -> None:
    with pytest.raises(ValueError, match="the schema has no column label, tools"):
        put(file, [{"name": "a", "calls": [], "tools": None, "label": True}])


def test_keys_that_a_record_lacks_are_null(file: Path) -> None:
    put(file, [{"name": "a"}, {"calls": []}])
    assert pq.read_table(file).to_pylist() == [
        {"name": "a", "calls": None},
        {"name": None, "calls": []},
    ]


def test_a_record_is_a_folder_of_texts_as_they_are(file: Path) -> None:
    with sink.folders(file) as write:
        one = write({"name": "a", "files": {"task.toml": "ü\r\nx", "tests/deep/run.sh": "#!\n"}})
        two = write({"name": "b", "files": {"task.toml": ""}})
    found = {
        path.relative_to(file).as_posix(): path.read_bytes().decode()
        for path in file.rglob("*")
        if path.is_file()
    }
    assert found == {"a/task.toml": "ü\r\nx", "a/tests/deep/run.sh": "#!\n", "b/task.toml": ""}
    assert (one, two) == (7, 0)
