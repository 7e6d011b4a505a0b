"""Vercel AI SDK 4 to 7: `ai.*` on the spans of `experimental_telemetry`."""

from collections.abc import Iterable

from headrace.ingest.conventions.content import Content
from headrace.ingest.jsontext import cut, value_of
from headrace.ingest.telemetry import Attributes, SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

OPERATION = "ai.operationId"
AGENTS = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")

_INPUT = "ai.prompt.messages"
_TOOLS = "ai.prompt.tools"
_OUTPUT = tuple(
    f"ai.{era}.{part}"
    for era in ("response", "result")  # `result` before 4.0
    for part in ("text", "toolCalls", "reasoning", "object")
)
_CALLS = tuple(key for key in _OUTPUT if key.endswith("toolCalls"))


def kind(span: SpanData) -> SpanKind | None:
    """The kind by operation; the outer span repeats what its calls say and is none itself."""
    operation = span.attributes.get(OPERATION)
    if operation is None:
        return None
    if str(operation).endswith((".doGenerate", ".doStream")):
        return "llm"
    if operation == "ai.toolCall":
        return "tool"
    return "agent" if operation in AGENTS else "other"


def content(span: SpanData) -> Content | None:
    """Messages of a model call; None where capture is off."""
    attributes = span.attributes
    if kind(span) != "llm":
        return None
    given = attributes.get(_INPUT)
    messages = value_of(given)
    output = list(_output(attributes))
    if given is None and not output:
        return None
    broken = given is not None and not isinstance(messages, list)
    broken = broken or any(
        cut(attributes[key], value_of(attributes[key])) for key in _CALLS if key in attributes
    )
    return Content(
        input=[{**m} for m in messages if isinstance(m, dict)]
        if isinstance(messages, list)
        else [],
        output=output,
        tools=definitions(attributes.get(_TOOLS)),
        defects=("truncated_value",) if broken else (),
        read=frozenset(key for key in (_INPUT, _TOOLS, *_OUTPUT) if key in attributes),
    )


def _output(attributes: Attributes) -> Iterable[Body]:
    held = {
        part: attributes[key]
        for key in reversed(_OUTPUT)
        for part in [key.rpartition(".")[2]]
        if attributes.get(key) not in (None, "")
    }
    if not held:
        return
    calls = value_of(held.get("toolCalls"))
    yield {
        "role": "assistant",
        "content": held.get("text") or held.get("object"),
        "tool_calls": calls if isinstance(calls, list) else [],
        "reasoning": held.get("reasoning"),
    }
