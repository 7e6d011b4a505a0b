"""The program beside Tinker's files: it makes of them what the cookbook trains on."""

LOADER = '''\
"""Rows of this folder as Tinker's cookbook trains on them: tried with tinker-cookbook 0.5.8.

The cookbook's own reader of files dies on calls and knows no tools. Here calls are the cookbook's
own, and tools are told to the model in the words of its renderer.
"""

import json
import random
from pathlib import Path
from typing import Any

import chz
import tinker
from tinker_cookbook.renderers import Message, Renderer, TrainOnWhat
from tinker_cookbook.renderers.base import ToolCall
from tinker_cookbook.supervised.data import conversation_to_datum
from tinker_cookbook.supervised.types import ChatDatasetBuilder, SupervisedDataset

NOTHING = {"description": "", "parameters": {"type": "object", "properties": {}}}


def datums(row: dict[str, Any], renderer: Renderer, length: int | None) -> list[tinker.Datum]:
    """One of a conversation; two of a pair, the better side first, as the DPO loop wants them."""
    tools = row.get("tools") or []
    if "messages" in row:
        said = conversation(row["messages"], tools, renderer)
        return [conversation_to_datum(said, renderer, length, TrainOnWhat.CUSTOMIZED)]
    pair, last = row["comparison"], TrainOnWhat.LAST_ASSISTANT_MESSAGE
    sides = [pair["completion_A"], pair["completion_B"]]
    talks = [conversation(pair["prompt_conversation"] + side, tools, renderer) for side in sides]
    # A preference weighs whole answers: their tokens are summed, not averaged.
    return [conversation_to_datum(talk, renderer, length, last, "none") for talk in talks]


def conversation(
    messages: list[dict[str, Any]], tools: list[dict[str, Any]], renderer: Renderer
) -> list[Message]:
    """Messages with the cookbook's calls, the tools told before them; these never train."""
    said = [parsed(message) for message in messages]
    if not tools:
        return said
    system = said.pop(0)["content"] if said[0]["role"] == "system" else ""
    functions = [tool["function"] for tool in tools]
    specs = [one | {key: NOTHING[key] for key in NOTHING if key not in one} for one in functions]
    mark = {"trainable": False} if "trainable" in messages[0] else {}
    heads = renderer.create_conversation_prefix_with_tools(specs, system)
    return [*({**head, **mark} for head in heads), *said]


def parsed(message: dict[str, Any]) -> Message:
    if not message.get("tool_calls"):
        return message
    return {**message, "tool_calls": [ToolCall.model_validate(c) for c in message["tool_calls"]]}


class Rows(SupervisedDataset):
    """The rows of a file in batches; the last batch may be smaller."""

    def __init__(self, file: Path, renderer: Renderer, length: int | None, batch: int) -> None:
        lines = file.read_text(encoding="utf-8").split("\\n")
        self.first = self.rows = [json.loads(line) for line in lines if line]
        self.renderer, self.length, self.batch = renderer, length, batch

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch)

    def get_batch(self, index: int) -> list[tinker.Datum]:
        part = self.rows[index * self.batch : (index + 1) * self.batch]
        return [datum for row in part for datum in datums(row, self.renderer, self.length)]

    def set_epoch(self, seed: int = 0) -> None:
        self.rows = random.Random(seed).sample(self.first, len(self.first))


@chz.chz
class Folder(ChatDatasetBuilder):
    """`train.jsonl` of a folder, and `test.jsonl` where there is one."""

    folder: str = "."

    def __call__(self) -> tuple[SupervisedDataset, SupervisedDataset | None]:
        asked, renderer = self.common_config, self.renderer
        made = [
            Rows(file, renderer, asked.max_length, asked.batch_size) if file.exists() else None
            for file in (Path(self.folder) / f"{name}.jsonl" for name in ("train", "test"))
        ]
        return made[0], made[1]
'''
