"""What a tool span says about one tool run: which call it answers and with what."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.curate.unit import arguments
from headrace.lake.message import Body, dump
from headrace.lake.record import Span

# Keys of the conventions in order of preference; a span carries those of one of them.
_CALL_ID = (
    "gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool_use_id",
    "langfuse.observation.metadata.tool_call_id",
)  # fmt: skip
_NAME = ("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name", "tool_name")
_ARGUMENTS = (
    "gen_ai.tool.call.arguments", "tool_arguments", "ai.toolCall.args", "traceloop.entity.input",
    "input.value", "langfuse.observation.input", "mlflow.spanInputs", "gen_ai.prompt", "input",
)  # fmt: skip
_RESULT = (
    "gen_ai.tool.call.result", "tool_response", "ai.toolCall.result", "traceloop.entity.output",
    "output.value", "langfuse.observation.output", "mlflow.spanOutputs", "gen_ai.completion",
    "output",
)  # fmt: skip


class ToolRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a tool."""

    span: Span
    name: str
    call_id: str | None
    arguments: str | None  # parsed and sorted
    result: str | None  # as the model would read it; None: not captured

    @classmethod
    def of(cls, span: Span, bodies: Mapping[str, Body]) -> "ToolRun":
        """Read a tool span: its messages where the drain made some, else its attributes."""
        attributes: dict[str, Any] = json.loads(span.attributes)
        said = next((bodies[n] for n in span.output if bodies[n]["role"] == "tool"), {})
        call_id = said.get("tool_call_id") or _first(attributes, _CALL_ID)
        given = _first(attributes, _ARGUMENTS)
        return cls(
            span=span,
            name=str(_first(attributes, _NAME) or span.name),
            call_id=None if call_id is None else str(call_id),
            arguments=None if given is None else arguments(_text(given)),
            result=said["content"] if said else _result(span, attributes),
        )

    def answer(self, call_id: str | None) -> Body | None:
        """The tool message that answers a call; None where the result was not captured."""
        if self.result is None:
            return None
        return {"role": "tool", "tool_call_id": call_id or self.call_id, "content": self.result}


def _result(span: Span, attributes: Mapping[str, Any]) -> str | None:
    found = _first(attributes, _RESULT)
    if found is not None:
        return _text(found)
    return f"Error: {span.error}" if span.status == "error" and span.error else None


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((attributes[key] for key in keys if attributes.get(key) is not None), None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else dump(value)
