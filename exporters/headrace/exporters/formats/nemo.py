"""NeMo RL and NeMo Gym: objects for arguments; pairs in the flat view; tasks in the shape of the
Responses API."""

import json
from collections.abc import Iterable, Iterator, Mapping

from headrace.exporters.formats import nemo_howto
from headrace.exporters.formats.context import context
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.flat import flat
from headrace.exporters.formats.said import with_objects, without_reasoning
from headrace.exporters.row import Row
from headrace.lake.message import Body


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    return _RECORDS[row.objective](row, lost)


def pages(written: Written) -> Mapping[str, str]:
    return nemo_howto.pages(written)


def _sft(row: Row, lost: Lost) -> Iterable[Record]:
    """Every assistant turn trains, and no row has a prompt apart from them."""
    if row.is_masked:
        lost("row_skipped:mask_inexpressible")
        return
    tools = {"tools": json.loads(row.tools)} if row.tools else {}
    yield {"messages": with_objects(row.messages, lost), **tools}


def _pair(row: Row, lost: Lost) -> Iterable[Record]:
    """Pairs have no tools, and are read with guessed types, which fill the arguments of calls with
    nulls: hence text. The better side has rank 0."""
    if row.margin is not None:
        lost("margin_dropped")
    yield {
        "context": context(row.prompt, row.tools, lost),
        "completions": [
            {"rank": 0, "completion": flat(row.chosen, None, lost)},
            {"rank": 1, "completion": flat(row.rejected, None, lost)},
        ],
    }


def _rl(row: Row, lost: Lost) -> Iterable[Record]:
    """What a resources server reads stands beside the request."""
    if not row.prompt or row.prompt[-1]["role"] == "assistant":
        lost("row_skipped:role_order")
        return
    said = [item for message in row.prompt for item in _items(message, lost)]
    tools = {"tools": [_tool(tool) for tool in json.loads(row.tools)]} if row.tools else {}
    yield {
        "responses_create_params": {"input": said, **tools},
        "task_id": row.task_id,
        "scorer": row.scorer,
        "expected_answer": row.reference,
        "pass_rate": row.pass_rate,
        "samples": row.samples,
        "policy": row.policy,
    }


def _items(message: Body, lost: Lost) -> Iterator[Body]:
    """A message as the items of a request, of which each call is one."""
    [told] = without_reasoning((message,), lost)
    if "name" in told:
        lost("name_dropped")
    role, content = told["role"], told.get("content")
    if role == "tool":
        called = told["tool_call_id"]
        yield {"type": "function_call_output", "call_id": called, "output": content or ""}
        return
    if role == "system":
        lost("role_renamed")
        role = "developer"
    if content is not None:
        yield {"role": role, "content": content}
    for call in told.get("tool_calls") or ():
        yield {"type": "function_call", "call_id": call["id"], **call["function"]}


def _tool(tool: Body) -> Body:
    """Without `function` around it; `strict` has to be told."""
    function: Body = {"name": None, "description": None, "parameters": None, **tool["function"]}
    return {"type": "function", "strict": False, **function}


_RECORDS = {"sft": _sft, "dpo": _pair, "rm": _pair, "rl": _rl}
