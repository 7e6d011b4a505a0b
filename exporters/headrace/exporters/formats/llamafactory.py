"""LLaMA-Factory: ShareGPT turns that alternate, tools and calls as JSON text, no mask."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from headrace.exporters.call import text
from headrace.exporters.formats import llamafactory_howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.said import (
    alternating,
    call_text,
    ending_on,
    in_order,
    without_reasoning,
)
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body

BETWEEN = "\n</tool_response>\n<tool_response>\n"  # results of one step; templates write the rest
CALLS = ("<tool_call>", "</tool_call>")  # around calls that have text beside them


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """Every assistant turn of a conversation trains, or with `mask_history` the last alone: where
    one turn must not train, the whole set becomes conversations that end on the turn to train."""
    tools = {"tools": _tools(row)} if shape.tools else {}
    made: list[Record] = []
    for said, beside in _lessons(row, shape, lost):
        told = without_reasoning(in_order(said), lost)
        system = told.pop(0)["content"] if told and told[0]["role"] == "system" else ""
        talk = _talk(told, lost)
        if (reason := _against(said, row)) is not None:
            lost(f"row_skipped:{reason}")
            return
        made.append({"conversations": talk, **beside, "system": system, **tools})
    yield from made


def pages(written: Written) -> Mapping[str, str]:
    info = json.dumps(_info(written), indent=2)
    return {HOWTO: llamafactory_howto.howto(written), "dataset_info.json": f"{info}\n"}


def _lessons(row: Row, shape: Shape, lost: Lost) -> Iterable[tuple[Messages, Record]]:
    """What becomes a conversation, and the columns beside it."""
    if row.objective == "sft" and not shape.masked:
        yield row.messages, {}
    elif row.objective == "sft":
        lost("mask_unrolled")
        for messages in ending_on(row):
            yield messages, {}
    elif row.objective == "kto":
        yield (*row.prompt, *row.completion), {"kto_tag": row.label}
    else:
        sides = {"chosen": row.chosen, "rejected": row.rejected}
        yield (
            row.prompt,
            {name: _talk(without_reasoning(side, lost), lost)[0] for name, side in sides.items()},
        )


def _talk(messages: Sequence[Body], lost: Lost) -> list[Body]:
    """Turns; the results of one step are one of them."""
    made: list[Body] = []
    for result, group in groupby(messages, key=lambda message: bool(message["role"] == "tool")):
        said = [_turn(message, lost) for message in group]
        joined = BETWEEN.join(turn["value"] for turn in said)
        made += [{"from": "observation", "value": joined}] if result else said
    return made


def _turn(message: Body, lost: Lost) -> Body:
    if "name" in message:
        lost("name_dropped")
    if "tool_calls" in message or message["role"] == "tool":
        lost("ids_dropped")
    if "tool_calls" in message:
        return {"from": "function_call", "value": _call(message)}
    names = {"user": "human", "assistant": "gpt"}
    role = message["role"]
    return {"from": names.get(role, role), "value": message["content"]}


def _call(message: Body) -> str:
    """One call as an object, several as a list; what is said beside them goes before."""
    said = [call_text(call) for call in message["tool_calls"]]
    made = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    if "tool_call" in made or "think" in made:
        made = made.replace("<", "\\u003c")  # would end the calls early; means the same in JSON
    content = message.get("content")
    return f"{content}\n{CALLS[0]}{made}{CALLS[1]}" if content else made


def _against(said: Messages, row: Row) -> str | None:
    """Why LLaMA-Factory would skip a conversation or misread it."""
    answered = bool(said) and said[-1]["role"] == "assistant"
    if answered == (row.objective == "dpo") or not alternating(said):
        return "role_order"  # a pair has its answers beside it
    if any(_reserved(message) for message in (*said, *row.chosen, *row.rejected)):
        return "reserved_token"
    # An empty text says there that the label is the other one.
    empty = not (said[-1].get("content") or said[-1].get("tool_calls"))
    return "empty_reply" if row.label and empty else None


def _reserved(message: Body) -> bool:
    """Whether the text beside calls looks like the start of calls."""
    return "tool_calls" in message and CALLS[0] in (message.get("content") or "")


def _tools(row: Row) -> str:
    """The bare functions."""
    return text([tool["function"] for tool in json.loads(row.tools)]) if row.tools else ""


def _info(written: Written) -> Record:
    """What names the files to LLaMA-Factory."""
    beside = {"kto": ("kto_tag",), "dpo": ("chosen", "rejected")}.get(written.shape.objective, ())
    columns = (*beside, "system", *(("tools",) if written.shape.tools else ()))
    return {
        llamafactory_howto.name(written, split): {
            "file_name": file,
            "formatting": "sharegpt",
            **({"ranking": True} if written.shape.objective == "dpo" else {}),
            "columns": {"messages": "conversations", **{column: column for column in columns}},
        }
        for split, file in written.files.items()
    }
