"""OpenTelemetry GenAI semantic conventions, content in attributes (1.37 and later).

Tables: `OPERATIONS` names the kind of a span by `gen_ai.operation.name`, of every era.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import get
from headrace.ingest.jsontext import value_of
from headrace.ingest.memo import Memo
from headrace.ingest.telemetry import Attributes, SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

OPERATIONS: Mapping[str, SpanKind] = {
    "chat": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "completion": "llm",
    "generate": "llm",
    "response": "llm",
    "invoke_agent": "agent",
    "invoke_workflow": "agent",
    "create_agent": "agent",
    "handle_conversation_turn": "agent",
    "execute_tool": "tool",
}

INPUT = "gen_ai.input.messages"
OUTPUT = "gen_ai.output.messages"
SYSTEM = "gen_ai.system_instructions"
TOOLS = "gen_ai.tool.definitions"

_repeated: Memo[object] = Memo(value_of)
_READ: Mapping[str, Callable[[object], object]] = {
    SYSTEM: _repeated,
    INPUT: value_of,
    OUTPUT: value_of,
    TOOLS: _repeated,
}
_HELD = {"text": frozenset(("content", "text")), "tool_call": frozenset(("arguments",))}
_NOTHING = (None, "", "null")  # null is whole JSON: there was nothing to tell
_PYDANTIC = ("function_tools", "output_tools")
_MERGED = "(merged tools)"  # Google ADK's bookkeeping, which repeats the tools it sums up


def kind(span: SpanData) -> SpanKind | None:
    """The kind by operation name."""
    operation = span.attributes.get("gen_ai.operation.name")
    if operation is None:
        return None
    if span.attributes.get("gen_ai.tool.name") == _MERGED:
        return "other"
    return OPERATIONS.get(str(operation), "other")


def content(span: SpanData) -> Content | None:
    """Messages and tool definitions, as JSON text or as structured values."""
    return of_attributes(span.attributes)


def of_attributes(attributes: Attributes) -> Content | None:
    """The content of attributes of a span or of an event that tells a whole call."""
    if INPUT not in attributes and OUTPUT not in attributes:
        return Content(defects=("content_elsewhere",)) if _elsewhere(attributes) else None
    values = {key: read(attributes[key]) for key, read in _READ.items() if key in attributes}
    system = [{"role": "system", "parts": _parts(values[SYSTEM])}] if values.get(SYSTEM) else []
    messages = [*system, *_messages(values.get(INPUT))]
    output = _messages(values.get(OUTPUT))
    return Content(
        input=messages,
        output=output[:1] if _choices(attributes) > 1 else output,
        tools=_definitions(attributes),
        defects=tuple(_defects(attributes, values, [*messages, *output])),
        read=frozenset(values),
        finish=_finish(output),
    )


def _finish(output: list[Body]) -> str | None:
    """The reason on the message, which the span's own attribute goes before."""
    reason = output[0].get("finish_reason") if output else None
    return reason if isinstance(reason, str) else None


def _definitions(attributes: Attributes) -> list[Body] | None:
    """As the convention tells them, else as Pydantic AI does."""
    found = definitions(attributes.get(TOOLS))
    if found:
        return found
    return requested_tools(attributes) or found


def requested_tools(attributes: Attributes) -> list[Body] | None:
    """The tools in Pydantic AI's request parameters; None where there are none."""
    told = value_of(attributes.get("model_request_parameters"))
    given = [tool for key in _PYDANTIC for tool in _listed(get(told, key))]
    return definitions(given) if given else None


def _messages(value: object) -> list[Body]:
    listed = value if isinstance(value, list) else []
    return [{**message} for message in listed if isinstance(message, dict)]


def _parts(value: object) -> object:
    """Instructions are parts; some products send messages or bare text instead."""
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict) and "role" in first and isinstance(value, list):
        nested = (message.get("parts") or message.get("content") or [] for message in value)
        return [
            part for parts in nested for part in (parts if isinstance(parts, list) else [parts])
        ]
    return value


def _choices(attributes: Attributes) -> int:
    count = attributes.get("gen_ai.request.choice.count")
    return count if isinstance(count, int) else 1


def _elsewhere(attributes: Attributes) -> bool:
    return any(f"{key}.ref" in attributes and key not in attributes for key in _READ)


def _defects(
    attributes: Attributes, values: Mapping[str, object], messages: list[Body]
) -> Iterable[str]:
    if any(value is None and attributes[key] not in _NOTHING for key, value in values.items()):
        yield "truncated_value"
    if _elsewhere(attributes):
        yield "content_elsewhere"
    if any(_hidden(message.get("parts")) for message in messages):
        yield "content_hidden"


def _hidden(parts: object) -> bool:
    """Whether a product told the kind of a part and kept its content to itself."""
    for part in _listed(parts):
        kind = part.get("type") if type(part) is dict else None
        if type(kind) is str and kind in _HELD and _HELD[kind].isdisjoint(part):
            return True
    return False


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
