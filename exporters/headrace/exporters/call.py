"""Tool calls: what a message calls, and with which arguments."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from headrace.lake.message import Body


def calls(messages: Iterable[Body]) -> list[Body]:
    """Every tool call of the messages, in their order."""
    return [call for message in messages for call in message.get("tool_calls") or ()]


def arguments(call: Body) -> Body | None:
    """The arguments as an object; None where they are no JSON object that can be written again."""
    try:
        given: Any = json.loads(call["function"]["arguments"], parse_constant=_refuse)
        written = text(given).encode("utf-8")
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return given if isinstance(given, dict) and written else None


def text(value: object) -> str:
    """JSON in the order given, `", "` and `": "` between, no ASCII escapes, no NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def names(tools: Sequence[Body]) -> set[str]:
    """The names under which tools are defined."""
    return {str((tool.get("function") or {}).get("name")) for tool in tools}


def orphan(messages: Sequence[Body]) -> str | None:
    """`orphan_tool_call` or `orphan_tool_result`, whichever comes first; None where all match.

    Calls of the last message may stay open: what was trained ends there.
    """
    waiting: list[str | None] = []
    for message in messages:
        if message["role"] != "tool":
            if waiting:
                return "orphan_tool_call"
            waiting = [call.get("id") or None for call in calls([message])]
        elif not _answers(message.get("tool_call_id") or None, waiting):
            return "orphan_tool_result"
    return None


def _answers(name: str | None, waiting: list[str | None]) -> bool:
    """Take the call that a result answers from those that wait; ids may be missing on a side."""
    if not waiting:
        return False
    if name in waiting:
        waiting.remove(name)
    elif name is None:
        waiting.pop(0)
    elif None in waiting:
        waiting.remove(None)
    else:
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
