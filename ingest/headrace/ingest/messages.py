"""Messages of any chat dialect in canonical form: OpenAI chat shape, tidied, ids paired.

Read are OpenAI chat (content null, text or parts; legacy `function_call`), OpenAI Responses items,
Anthropic blocks, OTel GenAI parts, Bedrock Converse, AI SDK and LangChain messages, and the
transcripts of tau-bench and AgentDojo.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from headrace.ingest.errors import Undecodable
from headrace.ingest.jsontext import cleaned
from headrace.ingest.memo import Memo
from headrace.ingest.parts import Gathered, Raw, call, gather, result
from headrace.lake.message import Body

LONGEST = 10_000  # messages of one conversation

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}
_ITEMS = {  # OpenAI Responses items without a role
    "function_call": "assistant",
    "reasoning": "assistant",
    "function_call_output": "tool",
}


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Canonical messages."""

    messages: list[Body]
    named: bool  # every tool call and result came with an id


def canonical(raw: object, *, calls_before: int = 0) -> list[Body]:
    """Canonical messages; what is canonical comes back unchanged.

    `calls_before` counts the tool calls that went before: ids that are missing are numbered.
    Raises Undecodable naming message index and field.
    """
    return read(raw, calls_before=calls_before).messages


def read(raw: object, *, calls_before: int = 0) -> Read:
    """What `canonical` gives, and whether ids had to be made for it; raises what it raises."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        raise Undecodable(f"messages is {type(raw).__name__}: give a list of messages")
    if len(raw) > LONGEST:
        raise Undecodable(f"{len(raw)} messages: a conversation may hold {LONGEST}")
    split = [part for i, message in enumerate(raw) for part in _known(message, f"messages[{i}]")]
    merged = [_own(body) for body in _merged(split)]
    named = _are_named(merged)
    _number(merged, calls_before)
    _pair(merged)
    return Read(messages=merged, named=named)


def instructions(content: object) -> list[Body]:
    """The system message for instructions that travel apart; none where they are empty."""
    gathered = Gathered()
    gather(content, gathered, "system")
    text = "\n".join(gathered.texts)
    return [{"role": "system", "content": text}] if text else []


def _tidy(raw: object, where: str) -> list[Body]:
    return [{str(key): cleaned(value) for key, value in b.items()} for b in _split(raw, where)]


_known = Memo(_tidy)  # a history comes again with every call that continues it


def _own(body: Body) -> Body:
    """A message whose ids may be changed: what is remembered may not."""
    if "tool_calls" in body:
        return {**body, "tool_calls": [{**entry} for entry in body["tool_calls"]]}
    return {**body} if body["role"] == "tool" else body


def _split(raw: object, where: str) -> list[Body]:
    """One raw message as canonical ones: results stand apart, before any text left."""
    if not isinstance(raw, dict):
        raise Undecodable(f"{where} is {type(raw).__name__}: give an object with role and content")
    message = _unwrapped(raw)
    role = _role(message, where)
    if role == "tool":
        return _tool(message, where)
    found = Gathered()
    if str(message.get("type")) in _ITEMS:
        gather(message, found, where)
    else:
        gather(_content(message), found, f"{where}.content")
    if role == "assistant":
        return [_assistant(message, found, where), *found.results]
    if message.get("tool_calls") or found.calls:
        raise Undecodable(f"{where}.tool_calls: only assistant messages may call tools")
    return [*found.results, *_said(role, message, found)]


def _unwrapped(raw: Raw) -> Raw:
    """The inside of a serialised LangChain message; any other message as it is."""
    inner = raw.get("kwargs")
    if raw.get("lc") is None or not isinstance(inner, dict):
        return raw
    path = raw.get("id")  # the last word of it is the class: AIMessage, HumanMessage
    name = str(path[-1]) if isinstance(path, list) and path else ""
    plain = name.removesuffix("Chunk").removesuffix("Message").lower()
    return {**inner, "role": inner.get("type") or plain}


def _role(message: Raw, where: str) -> str:
    given = message.get("role") or _ITEMS.get(str(message.get("type"))) or message.get("type")
    role = ROLES.get(str(given).lower())
    if role is None:
        known = ", ".join(dict.fromkeys(ROLES.values()))
        raise Undecodable(f"{where}.role is {str(given)[:40]!r}: give one of {known}")
    return role


def _content(message: Raw) -> object:
    parts = message.get("parts")
    return message.get("content") if parts is None else parts


def _tool(message: Raw, where: str) -> list[Body]:
    content = _content(message)
    keys = ("tool_call_id", "toolCallId", "call_id", "id")
    if isinstance(content, list) and any(_is_result(part) for part in content):
        found = Gathered()
        gather(content, found, f"{where}.content")
        return found.results
    if content is None:
        content = message.get("output")
    failure = message.get("error")
    if not content and isinstance(failure, str):
        content = failure
    identity = next((message[key] for key in keys if message.get(key)), None)
    return [result(identity, content)]


def _is_result(part: object) -> bool:
    kinds = ("tool_call_response", "tool_result", "tool-result")
    return isinstance(part, dict) and (str(part.get("type")) in kinds or "toolResult" in part)


def _assistant(message: Raw, found: Gathered, where: str) -> Body:
    twice = {entry["id"] for entry in found.calls} - {""}  # told as a part and once more as a call
    for index, entry in enumerate(_calls(message, where)):
        made = call(entry, f"{where}.tool_calls[{index}]")
        if made["id"] not in twice:
            found.calls.append(made)
    thoughts = [message.get("reasoning_content") or message.get("reasoning"), *found.reasoning]
    reasoning = "\n".join(text for text in thoughts if isinstance(text, str) and text)
    body: Body = {"role": "assistant", "content": _joined(found) or None}
    if found.calls:
        body["tool_calls"] = found.calls
    if reasoning:
        body["reasoning_content"] = reasoning
    return body if str(message.get("type")) in _ITEMS else {**body, **_named(message)}


def _calls(message: Raw, where: str) -> Sequence[Any]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list | tuple):
        raise Undecodable(f"{where}.tool_calls is {type(calls).__name__}: give a list")
    legacy = message.get("function_call")
    return [*calls, legacy] if isinstance(legacy, dict) else calls


def _said(role: str, message: Raw, found: Gathered) -> list[Body]:
    content = _joined(found)
    if found.results and not content:
        return []
    return [{"role": role, "content": content, **(_named(message) if role == "user" else {})}]


def _named(message: Raw) -> Body:
    """Who spoke, where several people or several agents take part."""
    name = message.get("name")
    return {"name": name} if isinstance(name, str) and name else {}


def _joined(found: Gathered) -> str | list[Body]:
    text = "\n".join(text for text in found.texts if text)
    if not found.media:
        return text
    return [*([{"type": "text", "text": text}] if text else []), *found.media]


def _merged(messages: Sequence[Body]) -> list[Body]:
    """Consecutive messages of one assistant as one."""
    merged: list[Body] = []
    for body in messages:
        last = merged[-1] if merged else None
        if last and last["role"] == body["role"] == "assistant" and _one_speaker(last, body):
            merged[-1] = _together(last, body)
        else:
            merged.append(body)
    return merged


def _one_speaker(first: Body, second: Body) -> bool:
    names = {body["name"] for body in (first, second) if "name" in body}
    return len(names) < 2


def _together(first: Body, second: Body) -> Body:
    gathered = Gathered()
    gather(first["content"], gathered, "content")
    gather(second["content"], gathered, "content")
    body: Body = {"role": "assistant", "content": _joined(gathered) or None}
    if calls := [*first.get("tool_calls", ()), *second.get("tool_calls", ())]:
        body["tool_calls"] = calls
    body |= _named(first) or _named(second)
    thoughts = [
        part["reasoning_content"] for part in (first, second) if "reasoning_content" in part
    ]
    return {**body, "reasoning_content": "\n".join(thoughts)} if thoughts else body


def _are_named(messages: Sequence[Body]) -> bool:
    """Whether all results and calls have an id."""
    entries = (entry for body in messages if "tool_calls" in body for entry in body["tool_calls"])
    results = (body["tool_call_id"] for body in messages if body["role"] == "tool")
    return all(results) and all(entry["id"] for entry in entries)


def _number(messages: Sequence[Body], before: int) -> None:
    """Name the calls that came without an id by their place in the conversation."""
    calls = [entry for body in messages for entry in body.get("tool_calls", ())]
    for number, entry in enumerate(calls, start=before + 1):
        entry["id"] = entry["id"] or f"call_{number}"


def _pair(messages: Sequence[Body]) -> None:
    """Give every tool result and its call one id: the result's, else the call's."""
    waiting: list[Body] = []
    for body in messages:
        if body["role"] == "assistant":
            waiting = list(body.get("tool_calls", ()))
        elif body["role"] == "tool" and waiting:
            entry = _match(waiting, body["tool_call_id"])
            waiting.remove(entry)
            entry["id"] = body["tool_call_id"] = body["tool_call_id"] or entry["id"]


def _match(waiting: Sequence[Body], identity: str) -> Body:
    same = (entry for entry in waiting if entry["id"] == identity)
    ending = (entry for entry in waiting if identity and entry["id"].endswith(identity))
    return next(same, None) or next(ending, None) or waiting[0]
