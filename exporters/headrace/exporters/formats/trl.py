"""TRL: arguments as objects, empty text for a turn of calls alone, no mask for single turns."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from headrace.exporters.call import arguments, text
from headrace.exporters.formats import trl_howto
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.formats.registry import Adapted
from headrace.exporters.objective import Objective
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body
from headrace.lake.record import Split

Record = dict[str, Any]
SPLITS: tuple[Split, ...] = ("train", "test")


def write(rows: Sequence[Row], objective: Objective) -> Adapted:
    """JSONL for TRL's trainer of this objective, one file a split, and the lines that train it.

    TRL trains every assistant turn of `messages` or none, so where one turn must not train, the
    whole set becomes prompts with one turn as completion: a file of two shapes does not load.
    """
    unrolled = any(masked(row) for row in rows)
    with_tools = any(row.tools for row in rows)
    loss = LossReport.of("trl", _lost(rows, unrolled))
    records = {
        split: [
            _with_tools(record, row) if with_tools else record
            for row in rows
            if row.split == split
            for record in _records(row, unrolled)
        ]
        for split in SPLITS
    }
    files = {f"{split}.jsonl": _lines(made) for split, made in records.items() if made}
    files["HOWTO.md"] = trl_howto.howto(objective, records, loss)
    return Adapted(files=files, loss=loss)


def masked(row: Row) -> bool:
    """Has the row an assistant turn that must not train?"""
    turns = zip(row.messages, row.trainable, strict=True)
    return any(message["role"] == "assistant" and not mark for message, mark in turns)


def _records(row: Row, unrolled: bool) -> Iterable[Record]:
    if row.objective == "kto":
        yield {**_said(row, "prompt", "completion"), "label": row.label}
    elif row.objective == "dpo":
        yield _said(row, "prompt", "chosen", "rejected")
    elif not unrolled:
        yield _said(row, "messages")
    else:
        for i, mark in enumerate(row.trainable):
            if mark:
                prompt, turn = row.messages[:i], row.messages[i : i + 1]
                yield {"prompt": _messages(prompt), "completion": _messages(turn)}


def _said(row: Row, *columns: str) -> Record:
    return {column: _messages(getattr(row, column)) for column in columns}


def _with_tools(record: Record, row: Row) -> Record:
    return {**record, "tools": None if row.tools is None else json.loads(row.tools)}


def _messages(messages: Messages) -> list[Body]:
    return [_message(message) for message in messages]


def _message(message: Body) -> Body:
    made = {k: v for k, v in message.items() if k != "reasoning_content"}
    # Null raises in some templates; key order is the canonical one, `content` second.
    made = {"role": made.pop("role"), "content": made.pop("content", ""), **made}
    if "tool_calls" in message:
        made["tool_calls"] = [_call(call) for call in message["tool_calls"]]
    return made


def _call(call: Body) -> Body:
    function = {"name": call["function"]["name"], "arguments": arguments(call)}
    return {**call, "function": function}


def _lost(rows: Iterable[Row], unrolled: bool) -> Iterable[tuple[str, str]]:
    for row in rows:
        said = [*row.messages, *row.prompt, *row.completion, *row.chosen, *row.rejected]
        if any("content" not in message for message in said):
            yield "content_filled", row.row_id
        if any("reasoning_content" in message for message in said):
            yield "reasoning_dropped", row.row_id
        if unrolled:
            yield "mask_unrolled", row.row_id


def _lines(records: Iterable[Record]) -> str:
    return "".join(text(record) + "\n" for record in records)
