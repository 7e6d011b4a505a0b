"""Rows of files: each with its place, packed or not, or refused by file and line."""

import csv
import gzip
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.evals.errors import ScoresRefused
from headrace.evals.scores.rowfile import read

PLAIN: Callable[[bytes], bytes] = bytes
ZSTD = zstandard.ZstdCompressor().compress


@pytest.fixture
def holding(tmp_path: Path) -> Callable[..., Path]:
    """A file with this content, text as UTF-8."""

    def write(content: str | bytes, name: str = "s.jsonl") -> Path:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return write


def rows(file: Path) -> list[dict[str, Any]]:
    return [dict(row) for _, row in read(file)]


def lines(file: Path) -> list[int]:
    return [int(where.rpartition(" ")[2]) for where, _ in read(file)]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        *[("s.jsonl", PLAIN), ("s.jsonl.gz", gzip.compress), ("s.jsonl.zst", ZSTD)],
        *[("s.ndjson", PLAIN), ("s.v2.ndjson.gz", gzip.compress)],
        ("s.csv.jsonl", PLAIN),  # the last ending decides, not any in between
    ],
)
def test_json_rows_are_read_by_the_ending_behind_the_packing(
    holding: Callable[..., Path], name: str, pack: Callable[[bytes], bytes]
) -> None:
    assert rows(holding(pack(b'{"case_id": "a", "value": 1}\n'), name)) == [
        {"case_id": "a", "value": 1}
    ]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        *[("s.csv", PLAIN), ("s.csv.gz", gzip.compress), ("s.csv.zst", ZSTD)],
        ("s.jsonl.csv", PLAIN),
    ],
)
def test_csv_rows_are_read_by_the_ending_behind_the_packing(
    holding: Callable[..., Path], name: str, pack: Callable[[bytes], bytes]
) -> None:
    assert rows(holding(pack(b"case_id,value\na,1\n"), name)) == [{"case_id": "a", "value": "1"}]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_the_endings_of_lines_and_a_byte_order_mark_do_not_matter(
    holding: Callable[..., Path], ending: str
) -> None:
    text = ending.join(["\ufeff" + '{"a": 1}', "", "   ", '{"a": 2}'])
    assert rows(holding(text)) == [{"a": 1}, {"a": 2}]
    assert rows(holding(ending.join(["\ufeffa", "1", "2"]), "s.csv")) == [{"a": "1"}, {"a": "2"}]


def test_empty_lines_are_no_rows_but_count_as_lines(holding: Callable[..., Path]) -> None:
    assert lines(holding('\n{"a": 1}\n\n\n{"a": 2}')) == [2, 5]


def test_a_csv_row_stands_where_its_last_line_does(holding: Callable[..., Path]) -> None:
    file = holding('case_id,note\na,"two\nlines"\nb,one\n', "s.csv")
    assert lines(file) == [3, 4]
    assert rows(file)[0]["note"] == "two\nlines"


def test_a_short_csv_row_has_no_value_where_it_ends(holding: Callable[..., Path]) -> None:
    assert rows(holding("case_id,value\na\n", "s.csv")) == [{"case_id": "a", "value": None}]


def test_cells_that_an_unquoted_comma_shifted_are_refused(holding: Callable[..., Path]) -> None:
    file = holding("release,case_id,value\nv1,a,1\nv1,Lyon, France,0\n", "s.csv")
    with pytest.raises(ScoresRefused, match=r"s\.csv, line 3: more cells .* double quotes"):
        rows(file)


def test_empty_cells_behind_the_header_are_none(holding: Callable[..., Path]) -> None:
    file = holding(",case_id,value\n0,a,1,,\n1,b,0,,\n", "s.csv")
    assert [(row[""], row["case_id"]) for row in rows(file)] == [("0", "a"), ("1", "b")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"a": 1}\n{"a": \n', "line 2: no JSON"),
        ('{"a": 1}{"a": 2}\n', "line 1: no JSON"),
        ("[1]\n", "line 1: a row is a JSON object"),
        ('"text"\n', "line 1: a row is a JSON object"),
        ("null\n", "line 1: a row is a JSON object"),
        ("[" * 100_000 + "\n", "line 1: no JSON"),
        ('{"a": ' + "9" * 5000 + "}\n", "line 1: no JSON"),
        (b'{"a": "\xe9"}\n', "damaged or not UTF-8"),
        ('{"a": 1}\n'.encode("utf-16"), "damaged or not UTF-8"),
    ],
)
def test_what_is_no_row_is_refused_by_its_place(
    holding: Callable[..., Path], content: str | bytes, complaint: str
) -> None:
    with pytest.raises(ScoresRefused, match=f"s.jsonl.*{complaint}"):
        rows(holding(content))


@pytest.mark.parametrize("name", ["s.jsonl.gz", "s.csv.gz", "s.jsonl.zst", "s.csv.zst"])
def test_a_packed_file_that_was_cut_off_is_damaged(holding: Callable[..., Path], name: str) -> None:
    noise = "".join(f'{{"case_id": "{i * 7919 % 10007}"}}\n' for i in range(4000)).encode()
    packed = gzip.compress(noise) if name.endswith(".gz") else ZSTD(noise)
    with pytest.raises(ScoresRefused, match="damaged"):
        rows(holding(packed[: len(packed) // 2], name))


@pytest.mark.parametrize(("name", "pack"), [("s.jsonl.gz", gzip.compress), ("s.jsonl.zst", ZSTD)])
def test_a_packed_file_with_other_bytes_inside_is_damaged(
    holding: Callable[..., Path], name: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = bytearray(pack(bytes(range(97, 123)) * 40 + bytes(i * i % 251 for i in range(4000))))
    packed[20:60] = b"\xff" * 40
    with pytest.raises(ScoresRefused, match="damaged"):
        rows(holding(bytes(packed), name))


@pytest.mark.parametrize(("name", "pack"), [("s.jsonl.gz", gzip.compress), ("s.jsonl.zst", ZSTD)])
def test_packed_files_put_end_to_end_are_read_to_the_end(
    holding: Callable[..., Path], name: str, pack: Callable[[bytes], bytes]
) -> None:
    parts = [pack(f'{{"a": {i}}}\n'.encode()) for i in range(3)]
    assert rows(holding(b"".join(parts), name)) == [{"a": 0}, {"a": 1}, {"a": 2}]


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoresRefused, match=r"none\.jsonl: there is no such file"):
        rows(tmp_path / "none.jsonl")
    with pytest.raises(ScoresRefused, match="damaged"):
        rows(tmp_path)


def test_rows_before_a_damaged_one_are_handed_out(holding: Callable[..., Path]) -> None:
    reading = read(holding('{"a": 1}\nbroken\n'))
    assert next(reading)[1] == {"a": 1}
    with pytest.raises(ScoresRefused):
        next(reading)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_JSON = st.dictionaries(_TEXT, _TEXT | st.integers() | st.booleans() | st.none(), max_size=4)


@settings(max_examples=60, deadline=None)
@given(given=st.lists(_JSON, max_size=5), ascii=st.booleans())
def test_every_json_object_comes_back_whatever_its_text_holds(
    tmp_path_factory: pytest.TempPathFactory, given: list[dict[str, Any]], ascii: bool
) -> None:
    file = tmp_path_factory.mktemp("rows") / "s.jsonl"
    text = "".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in given)
    file.write_bytes(text.encode())
    assert rows(file) == given


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=5))
def test_every_csv_cell_comes_back_whatever_its_text_holds(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([("case_id", "note"), *cells])
    file = tmp_path_factory.mktemp("rows") / "s.csv"
    file.write_bytes(text.getvalue().encode())
    absent = [tuple(cell or None for cell in row) for row in cells]  # an empty cell says nothing
    assert [(row["case_id"], row["note"]) for row in rows(file)] == absent


@pytest.mark.parametrize("sign", [";", "\t", ","])
def test_a_spreadsheet_may_separate_cells_by_other_signs(
    holding: Callable[..., Path], sign: str
) -> None:
    table = [["release", "case_id", "value"], ["v1", "q1", "1"], ["v1", "q2", ""]]
    file = holding("\n".join(sign.join(row) for row in table), "s.csv")
    assert rows(file) == [
        {"release": "v1", "case_id": "q1", "value": "1"},
        {"release": "v1", "case_id": "q2", "value": None},
    ]
    assert lines(file) == [2, 3]
