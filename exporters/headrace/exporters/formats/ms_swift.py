"""ms-swift: calls and results as messages of plain text, a mark on every turn of the assistant."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from headrace.exporters.formats import ms_swift_howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.said import (
    alternating,
    call_text,
    in_order,
    margin,
    without_reasoning,
)
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """Every message is a role and a text: a call is one of role `tool_call`, and its text is JSON.
    That is what ms-swift makes of OpenAI's shape itself, and no type has to be guessed.

    What one says twice is glued together there, hence roles have to alternate.
    """
    if not all(map(alternating, _whole(row))):
        lost("row_skipped:role_order")
        return
    tools = {"tools": row.tools or "[]"} if shape.tools else {}
    for record in _RECORDS[row.objective](row, shape, lost):
        yield {**record, **tools, **_rejected_tools(record, tools)}


def pages(written: Written) -> Mapping[str, str]:
    return ms_swift_howto.pages(written)


def _sft(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    yield {"messages": _said(row.messages, row.trainable, lost)}


def _kto(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    [said] = _whole(row)
    yield {"messages": _last(said, lost), "label": row.label}


def _dpo(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    chosen, rejected = _whole(row)
    yield {"messages": _last(chosen, lost), "rejected_messages": _last(rejected, lost)}


def _rm(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    for record in _dpo(row, shape, lost):
        yield {**record, **margin(row, shape, lost)}


def _rl(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """All columns of a row reach the reward function."""
    yield {
        "messages": _said(row.prompt, [False] * len(row.prompt), lost),
        **row.task,
    }


_RECORDS = {"sft": _sft, "kto": _kto, "dpo": _dpo, "rm": _rm, "rl": _rl}


def _whole(row: Row) -> list[Messages]:
    """The conversations of a row, each side of a pair after its prompt."""
    answers = [side for side in (row.completion, row.chosen, row.rejected) if side]
    return [(*row.prompt, *side) for side in answers] or [row.messages or row.prompt]


def _last(messages: Messages, lost: Lost) -> list[Body]:
    """A conversation of which the last message alone trains."""
    return _said(messages, [*(False for _ in messages[1:]), True], lost)


def _said(messages: Messages, trainable: Sequence[bool], lost: Lost) -> list[Body]:
    told = zip(without_reasoning(in_order(messages), lost), trainable, strict=True)
    return [made for message, on in told for made in _messages(message, on, lost)]


def _messages(message: Body, on: bool, lost: Lost) -> Iterator[Body]:
    """The text of a message, if it has one, and a message for each of its calls."""
    if "name" in message:
        lost("name_dropped")
    if "tool_calls" in message or message["role"] == "tool":
        lost("ids_dropped")
    mark = {"loss": on} if message["role"] == "assistant" else {}
    calls = message.get("tool_calls") or ()
    if message.get("content") or not calls:
        roles = {"tool": "tool_response"}
        role = roles.get(message["role"], message["role"])
        yield {"role": role, "content": message["content"], **mark}
    for call in calls:
        yield {"role": "tool_call", "content": call_text(call), **mark}


def _rejected_tools(record: Record, tools: Record) -> Record:
    """The other side of a pair has tools of its own."""
    pair = "rejected_messages" in record and tools
    return {"rejected_tools": tools["tools"]} if pair else {}
