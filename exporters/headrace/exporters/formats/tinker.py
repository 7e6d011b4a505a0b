"""Tinker's cookbook: a mark on every message, arguments as text, comparisons for preferences."""

import json
from collections.abc import Iterable, Mapping

from headrace.exporters.formats import tinker_howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.said import in_order, without_reasoning
from headrace.exporters.formats.tinker_loader import LOADER
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """The cookbook has no column for tools: the loader beside the file tells the model of them."""
    tools = {"tools": json.loads(row.tools)} if row.tools else {}
    yield {**_RECORDS[row.objective](row, lost), **tools}


def pages(written: Written) -> Mapping[str, str]:
    return {HOWTO: tinker_howto.howto(written), tinker_howto.FILE: LOADER}


def _sft(row: Row, lost: Lost) -> Record:
    """A mark on all messages or on none is what the cookbook takes."""
    said = zip(_said(row.messages, lost), row.trainable, strict=True)
    return {"messages": [{**message, "trainable": mark} for message, mark in said]}


def _dpo(row: Row, lost: Lost) -> Record:
    """A is the better one always, for a pair is two rows of a batch and not a question."""
    return {
        "comparison": {
            "prompt_conversation": _said(row.prompt, lost),
            "completion_A": _said(row.chosen, lost),
            "completion_B": _said(row.rejected, lost),
        },
        "label": "A",
    }


_RECORDS = {"sft": _sft, "dpo": _dpo}


def _said(messages: Messages, lost: Lost) -> list[Body]:
    return [_filled(message, lost) for message in without_reasoning(in_order(messages), lost)]


def _filled(message: Body, lost: Lost) -> Body:
    """Renderers ask every message for its content."""
    if "content" in message:
        return message
    lost("content_filled")
    return {"role": message["role"], "content": "", **message}
