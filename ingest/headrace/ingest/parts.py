"""The parts of a message: what every dialect calls text, reasoning, tool call, result or media."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headrace.ingest.errors import Undecodable
from headrace.ingest.jsontext import parse, written
from headrace.lake.message import Body

Raw = Mapping[str, Any]

_MAGIC = {  # first base64 digits of a file -> its media type
    "iVBORw0": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi": "application/pdf",
}
_DATA_URL = re.compile(r"data:([^;,]*)[;,]")


class Gathered(msgspec.Struct, kw_only=True):
    """What the parts of one message add up to."""

    texts: list[str] = []
    reasoning: list[str] = []
    calls: list[Body] = []
    results: list[Body] = []  # tool messages
    media: list[Body] = []


def gather(content: object, into: Gathered, where: str) -> None:
    """Sort a content field into its kinds: a string, null, one part or a list of parts.

    Raises Undecodable naming the part.
    """
    if content is None:
        return
    if isinstance(content, str):
        into.texts.append(content)
    elif isinstance(content, dict):
        _part(content, into, where)
    elif isinstance(content, list | tuple):
        for index, part in enumerate(content):
            gather(part, into, f"{where}[{index}]")
    else:
        raise Undecodable(f"{where} is {type(content).__name__}: give text or a list of parts")


def call(raw: object, where: str) -> Body:
    """One entry of `tool_calls` from any dialect; an id that is missing is empty.

    Raises Undecodable where there is no function name.
    """
    if not isinstance(raw, dict):
        raise Undecodable(f"{where} is {type(raw).__name__}: give an object with id and function")
    inner = _first(raw, "function", "custom", "toolUse")
    named = inner if isinstance(inner, dict) else raw
    name = inner if isinstance(inner, str) else _first(named, "name", "toolName", "tool_name")
    if not isinstance(name, str) or not name:
        raise Undecodable(f"{where} names no function: give function.name")
    given = _first(named, "arguments", "args", "input", "parameters")
    identity = _first(raw, "call_id", "id", "toolCallId", "toolUseId", "tool_call_id")
    return {
        "id": str(identity or named.get("toolUseId") or ""),
        "type": "function",
        "function": {"name": name, "arguments": arguments(given)},
    }


def arguments(given: object) -> str:
    """Call arguments as JSON text in the model's own key order; what is no JSON stays as it is."""
    if given is None or given == "":
        return "{}"
    value = parse(given) if isinstance(given, str) else given
    if value is None and isinstance(given, str):
        return given
    try:
        return written(value)
    except ValueError:
        return str(given)


def result(identity: object, content: object) -> Body:
    """A tool message."""
    return {"role": "tool", "tool_call_id": str(identity or ""), "content": result_text(content)}


def result_text(value: object) -> str:
    """What a tool gave back, as the text that a model reads."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and value and all(_is_text(part) for part in value):
        return "\n".join(part if isinstance(part, str) else _text(part) for part in value)
    if isinstance(value, dict):
        if set(value) == {"type", "value"}:
            return result_text(value["value"]) if isinstance(value["value"], str) else _json(value)
        inner = value.get("output")
        if isinstance(inner, dict) and inner.get("type") == "tool" and len(value) == 1:
            return result_text(inner.get("content"))
    return _json(value)


def _json(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"type", "value"}:
        value = value["value"]
    try:
        return written(value)
    except ValueError:
        return str(value)


def _is_text(part: object) -> bool:
    if isinstance(part, str):
        return True
    typed = isinstance(part, dict) and part.get("type", "text") in ("text", "output_text")
    return typed and isinstance(part, dict) and isinstance(_text(part), str)


def _text(part: Raw) -> Any:
    return _first(part, "text", "content")


def _part(part: Raw, into: Gathered, where: str) -> None:
    kind = part.get("type") or _untyped(part)
    reader = _READERS.get(str(kind))
    if reader is not None:
        reader(part, into, where)
    elif isinstance(part.get("source"), dict) or "data" in part:
        _media(part, into, where)
    else:
        into.media.append({"type": str(kind)})


def _untyped(part: Raw) -> str:
    """The type of a Bedrock Converse part, which its only key tells."""
    return next((key for key in ("text", "content") if key in part), next(iter(part), "unknown"))


def _read_text(part: Raw, into: Gathered, where: str) -> None:
    text = _first(part, "text", "content", "refusal")
    if isinstance(text, str):
        into.texts.append(text)
    elif text is not None:
        raise Undecodable(f"{where}.text is {type(text).__name__}: give a string")


def _read_reasoning(part: Raw, into: Gathered, where: str) -> None:
    inner = _first(part, "thinking", "reasoning", "text", "content", "summary", "reasoningText")
    nested = part.get("reasoningContent")
    if isinstance(nested, dict):
        inner = nested.get("reasoningText")
    texts = inner if isinstance(inner, list | tuple) else [inner]
    for text in texts:
        value = text.get("text") if isinstance(text, dict) else text
        if isinstance(value, str) and value:
            into.reasoning.append(value)


def _read_call(part: Raw, into: Gathered, where: str) -> None:
    into.calls.append(call(part, where))


def _read_result(part: Raw, into: Gathered, where: str) -> None:
    inner = part.get("toolResult")
    source: Raw = inner if isinstance(inner, dict) else part
    keys = ("tool_use_id", "toolCallId", "toolUseId", "tool_call_id", "call_id", "id")
    value = _first(source, "response", "result", "output", "content")
    into.results.append(result(_first(source, *keys), value))


def _media(part: Raw, into: Gathered, where: str) -> None:
    url = _url(part)
    into.media.append(
        {"type": "image_url", "image_url": {"url": url}} if url else {"type": str(part.get("type"))}
    )


def _url(part: Raw) -> str | None:
    """A URI or data URL of a media part; never followed."""
    held = _first(part, "image_url", "source", "image", "file") or part
    if isinstance(held, str):
        return held if _is_link(held) else _data_url(held, part)
    if not isinstance(held, dict):
        return None
    link = _first(held, "url", "uri", "image_url", "file_uri")
    if isinstance(link, dict):
        link = link.get("url")
    if isinstance(link, str):
        return link
    data = _first(held, "data", "content", "file_data", "base64", "bytes")
    return _data_url(data, {**part, **held}) if isinstance(data, str) else None


def _is_link(text: str) -> bool:
    return text.startswith(("http:", "https:", "data:", "gs:", "s3:", "file:"))


def _data_url(data: str, part: Raw) -> str:
    if _DATA_URL.match(data):
        return data
    given = _first(part, "mime_type", "media_type", "mediaType", "mimeType")
    if not isinstance(given, str) or given.endswith("*"):
        given = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    return f"data:{given or 'application/octet-stream'};base64,{data}"


def _read_file(part: Raw, into: Gathered, where: str) -> None:
    held = part.get("file")
    source: Raw = held if isinstance(held, dict) else part
    identity = source.get("file_id")
    if isinstance(identity, str):
        into.media.append({"type": "file", "file": {"file_id": identity}})
    else:
        _media(part, into, where)


def _read_audio(part: Raw, into: Gathered, where: str) -> None:
    into.media.append({"type": "input_audio", "input_audio": part.get("input_audio")})


def _first(raw: Raw, *keys: str) -> Any:
    for key in keys:
        value = raw.get(key)
        if value is not None:
            return value
    return None


_READERS: Mapping[str, Callable[[Raw, Gathered, str], None]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "refusal", "content"), _read_text),
    **dict.fromkeys(
        ("reasoning", "thinking", "redacted_thinking", "reasoningContent"), _read_reasoning
    ),
    **dict.fromkeys(
        ("tool_call", "tool_use", "tool-call", "function_call", "function", "toolUse"), _read_call
    ),
    **dict.fromkeys(
        (
            "tool_call_response",
            "tool_result",
            "tool-result",
            "function_call_output",
            "toolResult",
        ),
        _read_result,
    ),
    **dict.fromkeys(("image_url", "blob", "uri", "image", "input_image", "document"), _media),
    **dict.fromkeys(("file", "input_file"), _read_file),
    "input_audio": _read_audio,
}
