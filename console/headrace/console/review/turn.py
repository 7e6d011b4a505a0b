"""The turns of a conversation as one reads them, long ones folded."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from headrace.console.page import counted
from headrace.console.review.plain import line, plain
from headrace.lake.message import Body, text_of

Role = Literal["system", "user", "assistant", "tool", "other"]

HEAD = 20_000  # characters that an unfolded text shows of its beginning
END = 2_000  # and of its end
FOLDED: Mapping[Role, tuple[int, int]] = {  # lines and characters of a folded text
    "system": (2, 200),
    "tool": (6, 600),
    "other": (6, 600),
    "user": (60, 6_000),
    "assistant": (60, 6_000),
}
SPARE = 3  # lines that are not worth folding away

_ROLES: Mapping[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
    "tool": "tool", "function": "tool",
}  # fmt: skip
_TITLES: Mapping[Role, str] = {
    "system": "SYSTEM", "user": "USER", "assistant": "AGENT", "tool": "TOOL", "other": "OTHER",
}  # fmt: skip


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message; every text in it is harmless to a terminal."""

    role: Role
    title: str
    body: str
    folded: str | None = None  # the beginning, where the body is long


def turns(messages: Sequence[Body]) -> Iterator[Turn]:
    """The messages in order, each result named by the call that it answers."""
    names: dict[str, str] = {}
    for message in messages:
        for call in message.get("tool_calls") or ():
            names[str(call.get("id"))] = str(call["function"]["name"])
        yield _turn(message, names)


def last_said(messages: Sequence[Body]) -> str:
    """The text of the assistant's last turn that has any."""
    said = (text_of(body.get("content")) for body in messages if body["role"] == "assistant")
    return next((text for text in reversed(list(said)) if text.strip()), "")


def _turn(message: Body, names: Mapping[str, str]) -> Turn:
    role = _ROLES.get(str(message["role"]), "other")
    title = _TITLES[role] if role != "other" else line(str(message["role"]), 40).upper()
    of = names.get(str(message.get("tool_call_id"))) if role == "tool" else message.get("name")
    text = "\n".join(part for part in _parts(message) if part)
    body = plain(_cut(text)).strip("\n")
    return Turn(
        role=role,
        title=f"{title} {line(str(of), 60)}" if of else title,
        body=body or "(nothing)",
        folded=_folded(body, len(text), role),
    )


def _parts(message: Body) -> Iterator[str]:
    if message.get("reasoning_content"):
        yield f"(thinks) {message['reasoning_content']}"
    content = message.get("content")
    yield text_of(content)
    if isinstance(content, list):
        yield from (
            f"[{part.get('type', 'part')} not shown]"
            for part in content
            if isinstance(part, Mapping) and not isinstance(part.get("text"), str)
        )
    for call in message.get("tool_calls") or ():
        yield f"→ {call['function']['name']} {_arguments(call['function']['arguments'])}"


def _arguments(text: str) -> str:
    """Arguments over several lines; as they stand where they are no JSON."""
    if len(text) > HEAD:
        return text
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return "" if told == {} else json.dumps(told, indent=2, ensure_ascii=False)


def _cut(text: str) -> str:
    """Beginning and end of what nobody reads whole."""
    left = len(text) - HEAD - END
    if left <= 0:
        return text
    return f"{text[:HEAD]}\n[... {left:,} characters are not shown ...]\n{text[-END:]}"


def _folded(body: str, chars: int, role: Role) -> str | None:
    most, length = FOLDED[role]
    lines = body.split("\n")
    if len(lines) <= most + SPARE and len(body) <= length + 100:
        return None
    kept = "\n".join(lines[:most])[:length]
    more = body.count("\n") - kept.count("\n")
    size = f"{counted(more, 'line')} more, " if more else ""
    return f"{kept}\n▸ {size}{chars:,} characters in all"
