"""Rows in a dialect made up here: what of it is written, counted and told."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.exporters.formats import writer
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.registry import Format
from headrace.exporters.formats.sink import Container
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.record import Split

Say = Callable[[Row, Lost], Iterable[Record]]
Write = Callable[..., Written]


def row(name: str, split: Split = "train", answers: int = 1) -> Row:
    """A row whose dialect makes so many records of it."""
    said = tuple({"role": "assistant", "content": f"{name}{n}"} for n in range(answers))
    return Row(objective="sft", split=split, row_id=name, episode_ids=("e",), messages=said,
               trainable=(True,) * answers)  # fmt: skip


def texts(row: Row, lost: Lost) -> Iterable[Record]:
    for message in row.messages:
        yield {"text": message["content"]}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write rows in a dialect that says them so; its page tells what it was given."""

    def written(
        *rows: Row, say: Say = texts, container: Container = "jsonl", **more: Any
    ) -> Written:
        module = ModuleType("headrace.exporters.formats.made_up")
        vars(module).update(
            records=lambda row, shape, lost: say(row, lost),
            pages=lambda told: {"HOWTO.md": ", ".join(told.files.values()) or "none"},
            schema=lambda shape: pa.schema([("text", pa.string())]),
        )
        monkeypatch.setitem(sys.modules, module.__name__, module)
        format = Format(name="made-up", about="x", objectives=("sft",), container=container, **more)
        held = RowFile.of(rows)
        return writer.write(format, held, Shape.of("s", "sft", held), tmp_path / "formats" / "x")

    return written


def found(tmp_path: Path) -> dict[str, str]:
    """What lies in the folder of the format, by its path there."""
    place = tmp_path / "formats" / "x"
    files = (path for path in sorted(place.rglob("*")) if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes().decode() for path in files}


def test_records_of_a_side_are_written_by_the_names_of_their_rows(
    write: Write, tmp_path: Path
) -> None:
    made = write(row("b"), row("t", "test"), row("a", answers=2))
    assert found(tmp_path) == {
        "train.jsonl": '{"text": "a0"}\n{"text": "a1"}\n{"text": "b0"}\n',
        "test.jsonl": '{"text": "t0"}\n',
        "HOWTO.md": "train.jsonl, test.jsonl",
    }
    assert made.records == {"train": 3, "test": 1}
    assert made.files == {"train": "train.jsonl", "test": "test.jsonl"}


def test_a_side_without_rows_or_without_records_has_no_file(write: Write, tmp_path: Path) -> None:
    assert write(row("a")).files == {"train": "train.jsonl"}
    assert set(found(tmp_path)) == {"train.jsonl", "HOWTO.md"}


@pytest.mark.parametrize("container", ["jsonl", "parquet", "folders"])
def test_where_no_record_is_left_there_is_a_page_and_no_empty_file(
    write: Write, tmp_path: Path, container: Container
) -> None:
    def skip(row: Row, lost: Lost) -> Iterable[Record]:
        lost("row_skipped:too_long")
        return ()

    made = write(row("a"), row("t", "test"), say=skip, container=container)
    assert found(tmp_path) == {"HOWTO.md": "none"}
    assert [path.name for path in (tmp_path / "formats" / "x").iterdir()] == ["HOWTO.md"]
    assert (made.files, made.records, made.columns, made.longest) == ({}, {}, (), 0)
    [loss] = made.loss.losses
    assert (loss.code, loss.count, loss.row_ids) == ("row_skipped:too_long", 2, ("a", "t"))


def test_a_loss_is_of_the_row_that_is_being_said(write: Write) -> None:
    def say(row: Row, lost: Lost) -> Iterable[Record]:
        for record in texts(row, lost):
            if row.row_id != "b":
                lost("name_dropped")  # told while its records are taken, and once for each
            yield record

    made = write(row("a", answers=3), row("b"), row("c"), say=say)
    [loss] = made.loss.losses
    assert (loss.count, loss.row_ids) == (2, ("a", "c"))
    assert made.loss.format == "made-up"


def test_the_longest_record_is_told_and_the_columns_of_the_first(write: Write) -> None:
    def say(row: Row, lost: Lost) -> Iterable[Record]:
        more = {"more": "ü"} if row.row_id == "b" else {}
        yield {"text": row.row_id, **more}

    made = write(row("a"), row("b"), say=say)
    assert made.columns == ("text",)
    assert made.longest == len('{"text": "b", "more": "ü"}')


def test_parquet_has_the_schema_of_the_dialect(write: Write, tmp_path: Path) -> None:
    made = write(row("a"), row("b"), container="parquet")
    assert made.files == {"train": "train.parquet"}
    table = pq.read_table(tmp_path / "formats" / "x" / "train.parquet")
    assert table.schema == pa.schema([("text", pa.string())])
    assert table.to_pylist() == [{"text": "a0"}, {"text": "b0"}]


def test_a_folder_holds_one_for_each_record(write: Write, tmp_path: Path) -> None:
    def say(row: Row, lost: Lost) -> Iterable[Record]:
        yield {"name": row.row_id, "files": {"task.toml": "x", "tests/t.sh": row.row_id}}

    made = write(row("a"), row("t", "test"), say=say, container="folders")
    assert made.files == {"train": "train", "test": "test"} and made.longest == 2
    assert set(found(tmp_path)) == {
        "HOWTO.md", "train/a/task.toml", "train/a/tests/t.sh", "test/t/task.toml",
        "test/t/tests/t.sh",
    }  # fmt: skip


def test_files_are_called_as_the_trainer_wants_them(write: Write, tmp_path: Path) -> None:
    made = write(row("a"), row("t", "test"), stems={"train": "train", "test": "valid"})
    assert made.files == {"train": "train.jsonl", "test": "valid.jsonl"}
    assert json.loads(found(tmp_path)["valid.jsonl"]) == {"text": "t0"}
