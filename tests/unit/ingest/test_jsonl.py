"""Lines of a file, however it is packed; a file that is not whole is said to be so."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.ingest import jsonl
from headrace.ingest.errors import Undecodable, UnreadableFile
from headrace.ingest.jsonl import lines, record

PACK: dict[str, Callable[[bytes], bytes]] = {
    "a.jsonl": bytes,
    "a.jsonl.gz": gzip.compress,
    "a.jsonl.zst": zstandard.compress,
    "a.zstd": zstandard.compress,
}


def file(folder: Path, name: str, *parts: bytes) -> Path:
    """A file of several packed members, one after the other."""
    path = folder / name
    path.write_bytes(b"".join(PACK[name](part) for part in parts))
    return path


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\nb", [(1, b"a"), (2, b"b")]),
        (b"\n \n\ta\r\n\n\xc3\xa9\n\n", [(3, b"a"), (5, b"\xc3\xa9")]),
        (b"\n", []),
    ],
)
def test_lines_keep_their_numbers_in_every_packing(
    tmp_path: Path, name: str, text: bytes, found: list[tuple[int, bytes]]
) -> None:
    read = [(number, line.strip()) for number, line in lines(file(tmp_path, name, text))]
    assert read == found


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_packed_members_may_follow_one_another_in_mid_line(tmp_path: Path, name: str) -> None:
    path = file(tmp_path, name, b"a", b"b\nc", b"", b"\n")
    assert [line for _, line in lines(path)] == [b"ab\n", b"c\n"]


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.binary(max_size=40_000), max_size=3), st.sampled_from(sorted(PACK)))
def test_no_byte_is_lost_in_any_packing(tmp_path: Path, parts: list[bytes], name: str) -> None:
    path = file(tmp_path, name, *(parts or [b""]))
    expected = [line for line in b"".join(parts).split(b"\n") if line.strip()]
    assert [line.removesuffix(b"\n") for _, line in lines(path)] == expected


def test_a_line_may_have_its_limit_and_not_one_byte_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "LINE_BYTES", 10)
    fits = file(tmp_path, "a.jsonl", b"x" * 9 + b"\n" + b"y" * 10)
    assert [len(line) for _, line in lines(fits)] == [10, 10]
    long = file(tmp_path, "a.jsonl", b"x" * 11)
    with pytest.raises(
        UnreadableFile, match=r"a.jsonl has a line over .*: write one object a line"
    ):
        list(lines(long))


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_the_lines_before_a_break_are_given(tmp_path: Path, name: str) -> None:
    text = b"".join(b'{"n": %d}\n' % number for number in range(20_000))
    packed = PACK[name](text)
    path = tmp_path / name
    path.write_bytes(packed[:-20])
    given_lines = []
    with pytest.raises(UnreadableFile, match=f"{name} breaks off after line"):
        for number, _ in lines(path):
            given_lines.append(number)
    assert given_lines == list(range(1, len(given_lines) + 1))


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_file_that_only_says_it_is_packed_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b'{"a": 1}\n' * 5)
    with pytest.raises(UnreadableFile, match=f"{name} breaks off after line 0"):
        list(lines(path))


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    for name, fault in ((".", "Is a directory"), ("gone.jsonl", "No such file")):
        with pytest.raises(UnreadableFile, match=fault):
            list(lines(tmp_path / name))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"a": 1}\r\n', {"a": 1}),
        (b"{}", {}),
        (b'  {"a": "\\ud83d"}', {"a": "\ufffd"}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"n": 123456789012345678901234567890}', {"n": 123456789012345678901234567890}),
    ],
)
def test_a_line_is_an_object(line: bytes, found: dict[str, object]) -> None:
    assert record(line) == found


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"[1]", "list instead of an object: write one object a line"),
        (b"null", "NoneType instead of an object"),
        (b'"text"', "str instead of an object"),
        (b"7", "int instead"),
        (b"{", "no JSON: .*every line must hold one whole object"),
        (b"{} {}", "no JSON"),
        (b'{"a": NaN}', "no JSON"),
        (b'{"a": "\xff"}', "no JSON"),
        (b'{"a":' * 100_000, "no JSON"),
    ],
)
def test_what_is_no_object_is_refused_with_a_cure(line: bytes, fault: str) -> None:
    with pytest.raises(Undecodable, match=fault):
        record(line)
