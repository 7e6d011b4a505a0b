"""Episodes made by hand: one that every objective may take, and what curation knows of it."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from headrace.curate.conversation import Conversation
from headrace.exporters import folder
from headrace.exporters.eligibility import Standing
from headrace.exporters.formats import writer
from headrace.exporters.formats.dialect import Shape
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.formats.registry import format_named
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body

REFUND: Body = {
    "type": "function",
    "function": {
        "name": "refund",
        "description": "Give money back",
        "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
    },
}


def say(role: str, content: str | None, **more: Any) -> Body:
    return {"role": role, "content": content, **more}


def ask(arguments: str = '{"order_id": "A1"}', *, name: str = "refund", id: str = "c1") -> Body:
    function = {"name": name, "arguments": arguments}
    call = {"id": id, "type": "function", "function": function}
    return say("assistant", None, tool_calls=[call])


def messages() -> list[Body]:
    return [
        say("system", "Be kind."),
        say("user", "My money back"),
        ask(),
        say("tool", "ok", tool_call_id="c1"),
        say("assistant", "Done"),
    ]


def make_episode(episode_id: str = "e1", **fields: Any) -> Conversation:
    said = tuple(fields.pop("messages", messages()))
    given: dict[str, Any] = {
        "project": "p",
        "episode_id": episode_id,
        "messages": said,
        "scrubbed": True,
        "trainable": tuple(message["role"] == "assistant" for message in said),
        "tools": (REFUND,),
        "resolution": "success",
        "representative": True,
        "trace_ids": (),
        "request": "My money back",
        "defects": (),
        "metadata": {},
    }
    empty = dict.fromkeys(Conversation.__struct_fields__)
    return Conversation(**{**empty, **given, **fields})


def make_standing(**fields: Any) -> Standing:
    return Standing(**{"split": "train", "decontaminated": True, "request": "r1", **fields})


@pytest.fixture
def episode() -> Callable[..., Conversation]:
    return make_episode


@pytest.fixture
def standing() -> Callable[..., Standing]:
    return make_standing


@pytest.fixture
def said() -> Callable[..., Body]:
    return say


@pytest.fixture
def called() -> Callable[..., Body]:
    return ask


@pytest.fixture
def talk() -> Callable[[], list[Body]]:
    """The messages of the plain episode, new at each call."""
    return messages


class Adapted(NamedTuple):
    """The files of a dialect, by name, and what they lost."""

    files: Mapping[str, str | list[dict[str, Any]]]  # Parquet as its records
    loss: LossReport


def read(file: Path) -> str | list[dict[str, Any]]:
    if file.suffix != ".parquet":
        return file.read_bytes().decode()
    records: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return records


@pytest.fixture
def adapted(tmp_path: Path) -> Callable[..., Adapted]:
    """What a dialect writes of rows."""

    def write(format: str, rows: Iterable[Row], objective: Objective) -> Adapted:
        held = RowFile.of(rows)
        shape = Shape.of("refunds", objective, held)
        place = tmp_path / "formats" / str(len(list(tmp_path.glob("formats/*"))))
        written = writer.write(format_named(format, objective), held, shape, place)
        return Adapted({file: read(place / file) for file in folder.files(place)}, written.loss)

    return write
