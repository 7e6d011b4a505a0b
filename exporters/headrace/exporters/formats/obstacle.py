"""Why a row cannot be turns of parts, as the hosted services of Google and Amazon take them."""

import json
import re
from collections.abc import Iterator

from headrace.exporters.call import arguments, calls, names, orphan
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body


def obstacle(row: Row, name: re.Pattern[str]) -> str | None:
    """The first reason why a service would refuse a row whose tools are named by this pattern."""
    return next(_obstacles(row, name), None)


def _obstacles(row: Row, name: re.Pattern[str]) -> Iterator[str]:
    answers = (*row.chosen, *row.rejected)
    said = (*row.messages, *row.prompt, *answers)
    if not all(map(name.fullmatch, names(json.loads(row.tools or "[]")))):
        yield "tool_name"
    if not _in_order(row.messages or row.prompt, is_prompt=row.objective != "sft"):
        yield "role_order"
    if any(_is_empty(message) for message in said):
        yield "empty_turn"
    if any(arguments(call) is None for call in calls(said)):
        yield "arguments_not_object"
    if (unmatched := orphan(row.messages or row.prompt)) is not None:
        yield unmatched
    if calls(answers):
        yield "tool_reply_unsupported"


def _in_order(messages: Messages, is_prompt: bool) -> bool:
    """A user speaks first, after the system, and an answer can follow a prompt."""
    roles = [message["role"] for message in messages if message["role"] != "system"]
    heads = [message["role"] for message in messages[: len(messages) - len(roles)]]
    starts = roles[:1] == ["user"] and set(heads) <= {"system"}
    return starts and not (is_prompt and roles[-1] == "assistant")


def _is_empty(message: Body) -> bool:
    """A turn that says and calls nothing; a result may be empty, and a system text is left out."""
    speaks = message["role"] in ("user", "assistant")
    return speaks and not message.get("content") and not message.get("tool_calls")
