from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.curate.conversation import Conversation
from headrace.exporters import manifest, table
from headrace.exporters.errors import NotADataset
from headrace.exporters.manifest import Audit, Manifest
from headrace.exporters.recipe import Recipe
from headrace.exporters.row import Row
from headrace.exporters.selection import choose
from headrace.exporters.validation import validate
from headrace.lake.message import Body

Make = Callable[..., Conversation]

RECIPE = Recipe(objective="sft", formats=())
EMPTY = Audit(episodes=0, drops={}, outcomes={}, dedupe={}, decontaminate={}, suites={}, leaks=0)
TRAIN = "data/train-00000-of-00001.parquet"
TEST = "data/test-00000-of-00001.parquet"


def parquet(folder: Path, rows: Iterable[Row]) -> bytes:
    file = folder / "rows.parquet"
    table.write(rows, "sft", file)
    return file.read_bytes()


@pytest.fixture
def place(
    tmp_path: Path, episode: Make, standing: Callable[..., Any], said: Callable[..., Body]
) -> Path:
    """A whole data set: three rows to train on, one to test."""
    talks = [
        episode(f"e{i}", messages=[said("user", "hi"), said("assistant", f"a{i}")])
        for i in range(4)
    ]
    known = {f"e{i}": standing(split="test" if i == 3 else "train") for i in range(4)}
    rows = choose(talks, known, "sft").rows
    entries = rows.entries
    contents = {
        "README.md": b"page",
        TRAIN: parquet(tmp_path, rows.side("train")),
        TEST: parquet(tmp_path, rows.side("test")),
    }
    made = Manifest(
        project="p",
        name="n",
        version=manifest.version(entries, RECIPE),
        objective="sft",
        recipe=RECIPE,
        snapshot_id=1,
        rows=entries,
        audit=EMPTY,
        formats=(),
        libraries={},
        files={name: manifest.sha(content) for name, content in contents.items()},
    )
    out = tmp_path / "set"
    (out / "data").mkdir(parents=True)
    for name, content in {**contents, manifest.NAME: made.encode()}.items():
        (out / name).write_bytes(content)
    return out


def forge(place: Path, file: str, content: bytes, **more: Any) -> None:
    """Change a file and the manifest with it, as somebody would who hides a change."""
    (place / file).write_bytes(content)
    known = Manifest.load(place)
    files = {**known.files, file: manifest.sha(content)}
    made = msgspec.structs.replace(known, files=files, **more)
    (place / manifest.NAME).write_bytes(made.encode())


def test_what_was_written_is_valid(place: Path) -> None:
    found = validate(str(place))
    assert (found.ok, found.name, found.rows, found.faults) == (True, "n", 4, ())


def test_every_single_changed_byte_is_found(place: Path) -> None:
    for file in (TRAIN, TEST, "README.md"):
        whole = (place / file).read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 7)):
            (place / file).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert f"changed file: {file}" in validate(place).faults
        (place / file).write_bytes(whole)
    assert validate(place).ok


def test_rows_changed_together_with_their_checksum_are_named(place: Path) -> None:
    rows = list(table.read(place / TRAIN, "sft", "train"))
    said = rows[0].messages[-1]
    other = msgspec.structs.replace(
        rows[0], messages=(*rows[0].messages[:-1], {**said, "content": "changed"})
    )
    forge(place, TRAIN, parquet(place.parent, [other, *rows[1:]]))
    assert validate(place).faults == (f"changed rows: {TRAIN}: {rows[0].row_id}",)


def test_rows_in_another_order_are_another_file(place: Path) -> None:
    rows = list(table.read(place / TRAIN, "sft", "train"))
    forge(place, TRAIN, parquet(place.parent, rows[::-1]))
    assert validate(place).faults == (f"changed rows: {TRAIN}: their order",)


def test_a_row_left_out_and_a_row_twice_are_named(place: Path) -> None:
    rows = list(table.read(place / TRAIN, "sft", "train"))
    forge(place, TRAIN, parquet(place.parent, rows[1:]))
    assert validate(place).faults == (f"changed rows: {TRAIN}: {rows[0].row_id}",)
    forge(place, TRAIN, parquet(place.parent, [*rows, rows[0]]))
    assert validate(place).faults == (f"changed rows: {TRAIN}: their order",)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_a_file_without_rows_is_a_fault_and_no_crash(place: Path, content: bytes) -> None:
    forge(place, TEST, content)
    assert validate(place).faults == (f"unreadable rows: {TEST}: ArrowInvalid",)


def test_a_version_that_somebody_wrote_by_hand_does_not_follow(place: Path) -> None:
    forge(place, "README.md", b"page", version="0" * 16)
    [fault] = validate(place).faults
    assert fault == "changed file: manifest.json: version 0000000000000000 does not follow from it"


def test_a_missing_file_of_rows_is_told_twice(place: Path) -> None:
    (place / TEST).unlink()
    missing, changed = validate(place).faults
    assert missing == f"missing file: {TEST}"
    assert changed.startswith(f"changed rows: {TEST}: ")


def test_a_hidden_and_a_deep_file_are_extra(place: Path) -> None:
    for name in (".hidden", "formats/x/y"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    assert validate(place).faults == ("extra file: .hidden", "extra file: formats/x/y")


def test_a_file_is_no_folder_of_a_data_set(place: Path) -> None:
    with pytest.raises(NotADataset, match=r"README\.md holds no readable manifest"):
        validate(place / "README.md")
