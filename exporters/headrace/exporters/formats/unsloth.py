"""Unsloth: what TRL reads, but no prompts with a completion of their own."""

import json
from collections.abc import Iterable, Mapping

from headrace.exporters.formats import trl, unsloth_howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.said import ending_on, with_objects
from headrace.exporters.row import Row


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """`train_on_responses_only` trains every assistant turn, or with `last_response_only` the last
    alone: where one turn must not train, the whole set becomes conversations that end on the turn
    to train."""
    if row.objective != "sft" or not shape.masked:
        yield from trl.records(row, shape, lost)
        return
    lost("mask_unrolled")
    tools = {"tools": row.tools and json.loads(row.tools)} if shape.tools else {}
    for messages in ending_on(row):
        yield {"messages": with_objects(messages, lost), **tools}


def pages(written: Written) -> Mapping[str, str]:
    return {HOWTO: unsloth_howto.howto(written)}
