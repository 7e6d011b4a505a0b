import ast
import json
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Record, Shape, Written
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.formats.tinker_howto import howto
from headrace.exporters.formats.tinker_loader import LOADER
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from tests.talk import USER, YES, ask, result, row, rows, told, tool

SYSTEM: Body = {"role": "system", "content": "Be kind."}


def bare(messages: list[Body]) -> list[Body]:
    """Messages without what the format adds: empty text beside calls, and the marks."""
    kept = [{k: v for k, v in message.items() if k != "trainable"} for message in messages]
    return [
        {k: v for k, v in message.items() if k != "content" or v or "tool_calls" not in message}
        for message in kept
    ]


def tools_of(record: Record) -> str | None:
    return text(record["tools"]) if "tools" in record else None


@settings(max_examples=40, deadline=None)
@given(made=rows("sft"))
def test_a_conversation_comes_back_with_a_mark_on_every_message(made: Row) -> None:
    [record], codes = told("tinker", made)
    assert [message["trainable"] for message in record["messages"]] == [*made.trainable]
    assert bare(record["messages"]) == bare([*made.messages])
    assert all("content" in message for message in record["messages"])
    assert tools_of(record) == made.tools
    assert set(codes) <= {"content_filled"}


@settings(max_examples=40, deadline=None)
@given(made=rows("dpo"))
def test_a_pair_comes_back_and_the_better_side_is_a(made: Row) -> None:
    [record], _ = told("tinker", made)
    pair = record["comparison"]
    assert bare(pair["prompt_conversation"]) == bare([*made.prompt])
    assert bare(pair["completion_A"]) == bare([*made.chosen])
    assert bare(pair["completion_B"]) == bare([*made.rejected])
    assert record["label"] == "A" and tools_of(record) == made.tools
    assert "trainable" not in text(pair["completion_A"])


@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_reasoning_is_dropped_and_told(objective: Objective) -> None:
    thought = {**YES, "reasoning_content": "hm"}
    [record], codes = told("tinker", row(objective, [USER, thought, USER]))
    assert "hm" not in text(record) and codes == ["reasoning_dropped"]


class Renderer:
    """Tells of tools in a message of its own kind."""

    def create_conversation_prefix_with_tools(self, specs: list[Body], system: str) -> list[Body]:
        return [{"role": "system", "content": f"{system}|{json.dumps(specs)}"}]


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The program beside the files, with something else in the place of the cookbook."""

    class Builder:
        folder, renderer = ".", Renderer()
        common_config = SimpleNamespace(max_length=64, batch_size=2)

    def datum(said: list[Body], renderer: Renderer, *rest: Any) -> Any:
        return (said, *rest)

    members: dict[str, dict[str, Any]] = {
        "chz": {"chz": lambda made: made},
        "tinker": {"Datum": object},
        "tinker_cookbook": {},
        "tinker_cookbook.renderers": {
            "Message": dict,
            "Renderer": Renderer,
            "TrainOnWhat": SimpleNamespace(CUSTOMIZED="marked", LAST_ASSISTANT_MESSAGE="last"),
        },
        "tinker_cookbook.renderers.base": {"ToolCall": SimpleNamespace(model_validate=called)},
        "tinker_cookbook.supervised": {},
        "tinker_cookbook.supervised.data": {"conversation_to_datum": datum},
        "tinker_cookbook.supervised.types": {
            "ChatDatasetBuilder": Builder,
            "SupervisedDataset": object,
        },
    }
    for name, held in members.items():
        module = ModuleType(name)
        vars(module).update(held)
        monkeypatch.setitem(sys.modules, name, module)
    space: dict[str, Any] = {}
    exec(LOADER, space)
    return space


def called(call: Body) -> str:
    """A call as the cookbook has it: no object of JSON any more."""
    return f"{call['function']['name']} {call['id']}"


def test_the_loader_makes_a_datum_of_a_conversation_with_its_marks(loader: dict[str, Any]) -> None:
    chat = row("sft", [SYSTEM, USER, ask("c"), result("c")], tools=text([tool()]))
    [record], _ = told("tinker", chat)
    [(said, length, what)] = loader["datums"](record, Renderer(), 64)
    assert (length, what) == (64, "marked")
    assert said[0]["content"].startswith("Be kind.|") and said[0]["trainable"] is False
    assert [message["trainable"] for message in said[1:]] == [False, False, False, True]
    assert said[2]["tool_calls"] == ["find c"]


def test_the_loader_makes_two_datums_of_a_pair_the_better_first(loader: dict[str, Any]) -> None:
    [record], _ = told("tinker", row("dpo", [USER], ask("c")))
    (good, *rest), (bad, *_) = loader["datums"](record, Renderer(), None)
    assert rest == [None, "last", "none"]
    assert (good[-1]["tool_calls"], bad[-1]["content"]) == (["find c"], "Gone.")
    assert good[:-1] == bad[:-1] == [USER]


@pytest.mark.parametrize("function", [{"name": "now"}, {"name": "now", "description": "d"}])
def test_the_loader_tells_tools_as_they_are_and_fills_in_what_a_renderer_reads(
    loader: dict[str, Any], function: Body
) -> None:
    said = loader["conversation"]([USER], [{"type": "function", "function": function}], Renderer())
    [spec] = json.loads(said[0]["content"].removeprefix("|"))
    assert spec == {
        "description": "",
        **function,
        "parameters": {"type": "object", "properties": {}},
    }
    assert [*spec][: len(function)] == [*function] and said[1:] == [USER]
    assert "trainable" not in said[0]


def test_the_loader_reads_a_folder_in_batches_and_mixes_it_for_each_epoch(
    loader: dict[str, Any], tmp_path: Path
) -> None:
    lines = [text({"messages": [{**USER, "content": f"\u2028{n}"}]}) for n in range(5)]
    (tmp_path / "train.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    builder = loader["Folder"]()
    builder.folder = str(tmp_path)
    train, test = builder()
    assert test is None and len(train) == 3
    first = [datum[0][0]["content"] for at in range(3) for datum in train.get_batch(at)]
    assert first == [f"\u2028{n}" for n in range(5)]
    train.set_epoch(1)
    mixed = [datum[0][0]["content"] for at in range(3) for datum in train.get_batch(at)]
    assert mixed != first and sorted(mixed) == first
    (tmp_path / "test.jsonl").write_text(lines[0], encoding="utf-8")
    assert len(builder()[1]) == 1


@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_the_page_is_a_program_that_takes_the_longest_row(objective: Objective) -> None:
    shape = Shape.of("refunds 1", objective, RowFile.of([]))
    written = Written(
        shape=shape,
        files={"train": "train.jsonl"},
        columns=(),
        longest=9_000,
        loss=LossReport(format="tinker"),
    )
    [block] = re.findall(r"```python\n(.*?)```", howto(written), re.DOTALL)
    ast.parse(block)
    assert "max_length=4096" in block and 'recipe_name="refunds-1"' in block
    long = msgspec.structs.replace(written, longest=90_000)
    assert "max_length=32768" in howto(long)
