"""Canonical messages and tools as Inspect knows them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
)
from inspect_ai.tool import ToolCall, ToolInfo, ToolParams

from headrace.lake.message import Body, text_of


def chat(messages: Sequence[Body]) -> list[ChatMessage]:
    """Canonical messages as Inspect's; reasoning is left out, since no other model wrote it."""
    names: dict[str, str] = {}  # of the calls so far: some models count their ids anew each turn
    turns = []
    for body in messages:
        calls = body.get("tool_calls") or []
        names |= {call["id"]: call["function"]["name"] for call in calls}
        turns.append(_message(body, names))
    return turns


def tool_infos(tools: Sequence[Mapping[str, Any]]) -> list[ToolInfo]:
    """Tool definitions {type, function: {name, description, parameters}} as Inspect's."""
    return [_tool(tool["function"]) for tool in tools]


def _tool(function: Mapping[str, Any]) -> ToolInfo:
    schema = function.get("parameters") or {}
    return ToolInfo(
        name=function["name"],
        description=function.get("description") or function["name"],
        parameters=ToolParams(
            properties=schema.get("properties") or {},
            required=schema.get("required") or [],
            additionalProperties=schema.get("additionalProperties", False),
        ),
    )


def _message(body: Body, names: Mapping[str, str]) -> ChatMessage:
    content = _content(body.get("content"))
    match body["role"]:
        case "user":
            return ChatMessageUser(content=content)
        case "assistant":
            calls = [_call(call) for call in body.get("tool_calls") or []]
            return ChatMessageAssistant(content=content, tool_calls=calls or None)
        case "tool":
            of = body.get("tool_call_id")
            return ChatMessageTool(content=content, tool_call_id=of, function=names.get(of or ""))
        case _:  # system, and developer, its newer name
            return ChatMessageSystem(content=content)


def _call(call: Body) -> ToolCall:
    function = call["function"]
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):  # Inspect knows objects only; keep what the model wrote
        arguments = {"arguments": function["arguments"]}
    return ToolCall(id=call["id"], function=function["name"], arguments=arguments)


def _content(content: object) -> str | list[Content]:
    if not isinstance(content, list):
        return text_of(content)
    images = [p["image_url"]["url"] for p in content if _is_image(p)]
    if not images:
        return text_of(content)
    return [ContentText(text=text_of(content)), *(ContentImage(image=url) for url in images)]


def _is_image(part: object) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("image_url"), Mapping)
