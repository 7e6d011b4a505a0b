"""What a tool span says about one tool run: which call it answers and with what."""

from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.curate.unit import arguments
from headrace.lake.message import Body
from headrace.lake.record import Span


class ToolRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a tool, as the drain stored it: the call as input, its answer as output."""

    span: Span
    name: str
    call_id: str | None
    arguments: str | None  # parsed and sorted
    result: Any = None  # content of a tool message; None: not captured

    @classmethod
    def of(cls, span: Span, bodies: Mapping[str, Body]) -> "ToolRun":
        """Read a tool span; one without messages still tells its name."""
        asked = [call for name in span.input for call in bodies[name].get("tool_calls") or ()]
        given = [bodies[name] for name in span.output if bodies[name]["role"] == "tool"]
        unknown: Body = {"function": {"name": span.name, "arguments": None}}
        call, answer = (asked or [unknown])[0], (given or [{}])[0]
        function = call["function"]
        return cls(
            span=span,
            name=function["name"],
            call_id=call.get("id") or answer.get("tool_call_id") or None,
            arguments=None if function["arguments"] is None else arguments(function["arguments"]),
            result=answer.get("content"),
        )

    def answer(self, call_id: str | None) -> Body | None:
        """The tool message that answers a call; None where the result was not captured."""
        if self.result is None:
            return None
        return {"role": "tool", "tool_call_id": call_id or self.call_id, "content": self.result}
