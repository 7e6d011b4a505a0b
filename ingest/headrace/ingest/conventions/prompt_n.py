"""Flattened `gen_ai.prompt.N.*`: OpenLLMetry before 0.55 and many gateways."""

import re
from collections.abc import Mapping
from typing import Any

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.numbered import grouped, whole
from headrace.ingest.jsontext import value_of
from headrace.ingest.telemetry import Attributes, SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

_INPUT = "gen_ai.prompt."
_OUTPUT = "gen_ai.completion."
_TOOLS = "llm.request.functions."
_FLAT = re.compile(
    r"gen_ai\.prompt\.[0-9]|gen_ai\.completion\.0\."
)  # variables of prompts do not count
_NUMBERED = re.compile(r"(gen_ai\.(prompt|completion)|llm\.request\.functions)\.[0-9]+\.")


def kind(span: SpanData) -> SpanKind | None:
    """A model call by its request type or by flattened messages, all that eviction may leave."""
    asked = span.attributes.get("llm.request.type") in ("chat", "completion")
    return "llm" if asked or any(map(_FLAT.match, span.attributes)) else None


def content(span: SpanData) -> Content | None:
    """Messages of prompt and completion; None where none are flattened."""
    attributes = span.attributes
    sent, said = grouped(attributes, _INPUT), grouped(attributes, _OUTPUT)
    if not sent and not said:
        return None
    entire = bool(sent) and whole(sent, "role")
    return Content(
        input=[_message(fields) for fields in sent.values() if fields.get("role")],
        output=[_message({"role": "assistant"} | said[index]) for index in list(said)[:1]],
        tools=_definitions(attributes),
        defects=() if entire else ("dropped_attributes",),
        read=frozenset(filter(_NUMBERED.match, attributes)),
        finish=next((fields.get("finish_reason") for fields in said.values()), None),
    )


def _message(fields: Mapping[str, Any]) -> Body:
    return {
        "role": fields.get("role"),
        "content": _parts(fields.get("content")),
        "tool_call_id": fields.get("tool_call_id"),
        "tool_calls": [
            {"id": call.get("id"), "function": call}
            for call in grouped(fields, "tool_calls.").values()
        ],
    }


def _parts(text: object) -> object:
    """Text, or the parts that a product wrote as JSON: each an object with a type."""
    if not isinstance(text, str) or not text.startswith("["):
        return text
    parts = value_of(text)
    typed = isinstance(parts, list) and parts and all(_typed(part) for part in parts)
    return parts if typed else text


def _typed(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("type"), str)


def _definitions(attributes: Attributes) -> list[Body] | None:
    functions = list(grouped(attributes, _TOOLS).values())
    return definitions(functions) if functions else None
