"""Amazon Nova: turns in the shape of Bedrock's Converse, tasks in OpenAI's; no reserved words."""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import groupby, pairwise

from headrace.exporters.call import arguments, calls, names
from headrace.exporters.formats import nova_howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.obstacle import obstacle
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.said import unmarked
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body

VERSION = "bedrock-conversation-2024"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of a tool
ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")  # of a call
# Whatever the case, a job fails on them in what is said, called or answered.
RESERVED = re.compile(
    r"system:|user:|bot:|assistant:|thought:|\[eos]|<image>|<video>|<unk>", re.IGNORECASE
)


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """There is no mask, and Amazon does not say which assistant turns of a row train. The last one
    does, so each trained turn ends a row of its own."""
    if (reason := obstacle(row, NAME) or _obstacle(row)) is not None:
        lost(f"row_skipped:{reason}")
        return
    yield from _RECORDS[row.objective](row, lost)


def pages(written: Written) -> Mapping[str, str]:
    grader = {nova_howto.GRADER: nova_howto.grader()}
    return {
        HOWTO: nova_howto.howto(written),
        **(grader if written.shape.objective == "rl" else {}),
    }


def unique(messages: Messages) -> Messages:
    """Calls whose ids nothing else has, in the signs that Bedrock takes, and results that follow.

    An id that is fit stays with the first call that has it; the same messages are always renamed
    alike.
    """
    fit = {call["id"] for call in calls(messages) if ID.fullmatch(call["id"])}
    used: set[str] = set()
    waiting: list[tuple[str, str]] = []  # calls: the id that was and that is
    made: list[Body] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            made.append({**message, "tool_call_id": _answered(message["tool_call_id"], waiting)})
        else:
            waiting = _asked(at, message, fit, used)
            made.append(_renamed(message, [new for _, new in waiting]))
    return tuple(made)


def _asked(at: int, message: Body, fit: set[str], used: set[str]) -> list[tuple[str, str]]:
    """Of each call of a message the id that was and that is; what is used now is added."""
    found = []
    for number, call in enumerate(calls([message])):
        old = new = call["id"]
        if old not in fit or old in used:
            new = _free(f"call_{at}_{number}", fit | used)
        used.add(new)
        found.append((old, new))
    return found


def _answered(id: str, waiting: list[tuple[str, str]]) -> str:
    """What the first call that waits under an id is called now; it waits no longer."""
    pair = next(pair for pair in waiting if pair[0] == id)
    waiting.remove(pair)
    return pair[1]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _renamed(message: Body, ids: list[str]) -> Body:
    if not ids:
        return message
    named = [{**call, "id": id} for call, id in zip(calls([message]), ids, strict=True)]
    return {**message, "tool_calls": named}


def _obstacle(row: Row) -> str | None:
    tools = json.loads(row.tools or "[]")
    if len(names(tools)) < len(tools):
        return "tool_name"  # two of one name are refused
    roles = [message["role"] for message in row.messages or row.prompt]
    if row.objective != "rl" and ("assistant", "assistant") in pairwise(roles):
        return "role_order"
    if row.objective == "rl" and "tool" in roles:
        return "tool_reply_unsupported"
    if row.objective == "rl" and roles.count("system") > 1:
        return "role_order"
    said = (*row.messages, *row.prompt, *row.chosen, *row.rejected)
    return "reserved_token" if any(map(_is_reserved, said)) else None


def _is_reserved(message: Body) -> bool:
    written = [call["function"]["arguments"] for call in calls([message])]
    return any(RESERVED.search(text) for text in (message.get("content") or "", *written))


def _sft(row: Row, lost: Lost) -> Iterable[Record]:
    fit = _unique(row.messages, lost)
    for prompt, _ in unmarked(row, lost):
        yield _conversation(row, _turns(fit[: len(prompt) + 1], lost), lost)


def _dpo(row: Row, lost: Lost) -> Iterable[Record]:
    """The last turn has two candidates of text; tools are kept for what was called before."""
    sides = (("preferred", row.chosen), ("non-preferred", row.rejected))
    candidates = [
        {"content": _turns(side, lost)[0]["content"], "preferenceLabel": label}
        for label, side in sides
    ]
    said = _turns(_unique(row.prompt, lost), lost)
    yield _conversation(row, [*said, {"role": "assistant", "candidates": candidates}], lost)


def _rl(row: Row, lost: Lost) -> Iterable[Record]:
    """What is right is text against text, so that every row is of one type."""
    known = {name: getattr(row, name) for name in ("pass_rate", "samples", "policy")}
    tools = [_function(tool, lost) for tool in json.loads(row.tools or "[]")]
    spoken = [m for m in row.prompt if m["role"] != "system" or m.get("content")]
    yield {
        "id": row.task_id,
        "messages": [{"role": m["role"], "content": _said(m, lost)} for m in spoken],
        **({"tools": tools} if tools else {}),
        "reference_answer": {"scorer": row.scorer, "reference": row.reference},
        **{name: value for name, value in known.items() if value is not None},
    }


_RECORDS = {"sft": _sft, "dpo": _dpo, "rl": _rl}


def _conversation(row: Row, said: list[Body], lost: Lost) -> Record:
    heads = [m for m in row.messages or row.prompt if m["role"] == "system" and m.get("content")]
    system = {"system": [{"text": message["content"]} for message in heads]} if heads else {}
    return {"schemaVersion": VERSION, **system, **_toolset(row, lost), "messages": said}


def _toolset(row: Row, lost: Lost) -> Record:
    made = [_function(tool, lost)["function"] for tool in json.loads(row.tools or "[]")]
    specs = [
        {
            "name": function["name"],
            "description": function["description"],
            "inputSchema": {"json": function["parameters"]},
        }
        for function in made
    ]
    return {"toolConfig": {"tools": [{"toolSpec": spec} for spec in specs]}} if specs else {}


def _function(tool: Body, lost: Lost) -> Body:
    """A tool with the description and the schema that Amazon insists on."""
    function = tool["function"]
    described = (function.get("description") or "").strip()
    if not described:
        lost("content_filled")
    schema = {"type": "object", "properties": {}, **(function.get("parameters") or {})}
    made = {
        "name": function["name"],
        "description": function["description"] if described else function["name"],
        "parameters": schema,
    }
    return {"type": "function", "function": made}


def _unique(messages: Messages, lost: Lost) -> Messages:
    made = unique(messages)
    if made != messages:
        lost("ids_rewritten")
    return made


def _turns(messages: Messages, lost: Lost) -> list[Body]:
    """User and assistant in turns: results and what the user says after them are one."""
    spoken = [message for message in messages if message["role"] != "system"]
    made: list[Body] = []
    for answers, group in groupby(spoken, key=lambda m: bool(m["role"] == "assistant")):
        content = [part for message in group for part in _parts(message, lost)]
        made.append({"role": "assistant" if answers else "user", "content": content})
    return made


def _parts(message: Body, lost: Lost) -> list[Body]:
    said = _said(message, lost)
    if message["role"] == "tool":
        answer = {"toolUseId": message["tool_call_id"], "content": [{"text": said}]}
        return [{"toolResult": answer}]
    made: list[Body] = [{"text": said}] if said else []
    for call in calls([message]):
        use = {"toolUseId": call["id"], "name": call["function"]["name"], "input": arguments(call)}
        made.append({"toolUse": use})
    return made


def _said(message: Body, lost: Lost) -> str:
    for key, code in (("reasoning_content", "reasoning_dropped"), ("name", "name_dropped")):
        if key in message:
            lost(code)
    return str(message.get("content") or "")
