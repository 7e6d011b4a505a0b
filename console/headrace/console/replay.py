"""Replay of recorded runs as an instrumented agent would have sent them: OTLP over HTTP."""

import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from headrace.console.sample import Json, Run

STEP = timedelta(seconds=2)  # between two messages; the recordings carry no clock

Attribute = str | int | float


def request(run: Run, tools: Sequence[Json]) -> ExportTraceServiceRequest:
    """One trace: the agent's span over one span per model call and per tool run.

    Attributes follow the OpenTelemetry GenAI conventions; every call repeats its whole history.
    """
    whole = ExportTraceServiceRequest()
    resource = whole.resource_spans.add()
    resource.resource.attributes.extend(
        _attributes(
            {
                "service.name": run.project,
                "service.version": run.release,
                "headrace.project": run.project,
            }
        )
    )
    scope = resource.scope_spans.add()
    scope.scope.name = "headrace.demo"
    scope.spans.extend([_agent(run), *_children(run, tools)])
    return whole


def post_traces(
    client: httpx.Client,
    sample: Iterable[Run],
    tools: Sequence[Json],
    sent: Callable[[], None],
) -> None:
    """Send each run as one gzip-compressed request; `sent` is called after each acknowledgement."""
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    for run in sample:
        body = gzip.compress(request(run, tools).SerializeToString(), compresslevel=1)
        client.post("/v1/traces", content=body, headers=headers).raise_for_status()
        sent()


def post_outcomes(client: httpx.Client, sample: Iterable[Run], *, delay: timedelta) -> None:
    """Mark each run by its trace id, as NDJSON; the mark was made `delay` after the run began."""
    lines = (json.dumps(_outcome(run, run.started_at + delay)) for run in sample)
    response = client.post(
        "/v1/outcomes",
        content="\n".join(lines),
        headers={"content-type": "application/x-ndjson"},
    )
    response.raise_for_status()


def _outcome(run: Run, at: datetime) -> Json:
    return {
        "project": run.project,
        "trace_id": run.run_id,
        "name": "task_reward",
        "success": run.success,
        "source": "product",
        "at": at.isoformat(),
    }


def _agent(run: Run) -> Span:
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": run.project,
        "gen_ai.conversation.id": run.run_id,
        "headrace.task": run.task,
    }
    if run.user is not None:
        attributes["user.id"] = run.user
    return _span(run, 0, len(run.messages), f"invoke_agent {run.project}", attributes)


def _children(run: Run, tools: Sequence[Json]) -> Iterable[Span]:
    parts = [json.dumps(_message(message), ensure_ascii=False) for message in run.messages]
    definitions = json.dumps(tools)
    names = _tool_names(run)
    for i, message in enumerate(run.messages):
        if run.generated[i]:
            yield _chat(run, i, parts, definitions)
        elif message["role"] == "tool":
            yield _tool(run, i, *names[message["tool_call_id"]])


def _chat(run: Run, i: int, parts: Sequence[str], definitions: str) -> Span:
    message = run.messages[i]
    usage = message.get("usage", {})
    measured = {
        "gen_ai.usage.input_tokens": usage.get("input_tokens"),
        "gen_ai.usage.output_tokens": usage.get("output_tokens"),
        "gen_ai.usage.cost": usage.get("cost_usd"),
    }
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": run.model,
        "gen_ai.response.model": run.model,
        "gen_ai.input.messages": f"[{', '.join(parts[:i])}]",
        "gen_ai.output.messages": f"[{parts[i]}]",
        "gen_ai.tool.definitions": definitions,
        "gen_ai.response.finish_reasons": "tool_calls" if message.get("tool_calls") else "stop",
        **{key: value for key, value in measured.items() if value is not None},
    }
    return _span(run, i, i + 1, f"chat {run.model}", attributes)


def _tool(run: Run, i: int, name: str, arguments: str) -> Span:
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": run.messages[i]["tool_call_id"],
        "gen_ai.tool.call.arguments": arguments,
        "gen_ai.tool.call.result": run.messages[i]["content"] or "",
    }
    return _span(run, i, i + 1, f"execute_tool {name}", attributes)


def _tool_names(run: Run) -> dict[str, tuple[str, str]]:
    return {
        call["id"]: (call["function"]["name"], call["function"]["arguments"])
        for message in run.messages
        for call in message.get("tool_calls") or []
    }


def _message(message: Json) -> Json:
    """The message in the parts of the GenAI conventions."""
    if message["role"] == "tool":
        response = message["content"] or ""
        part = {"type": "tool_call_response", "id": message["tool_call_id"], "response": response}
        return {"role": "tool", "parts": [part]}
    text = [{"type": "text", "content": message["content"]}] if message["content"] else []
    calls = [
        {
            "type": "tool_call",
            "id": call["id"],
            "name": call["function"]["name"],
            "arguments": json.loads(call["function"]["arguments"]),
        }
        for call in message.get("tool_calls") or []
    ]
    return {"role": message["role"], "parts": text + calls}


def _span(run: Run, start: int, end: int, name: str, attributes: dict[str, Attribute]) -> Span:
    child = not name.startswith("invoke_agent")
    return Span(
        trace_id=bytes.fromhex(run.run_id),
        span_id=(start + 2 if child else 1).to_bytes(8, "big"),
        parent_span_id=(1).to_bytes(8, "big") if child else b"",
        name=name,
        start_time_unix_nano=_nanoseconds(run.started_at + STEP * start),
        end_time_unix_nano=_nanoseconds(run.started_at + STEP * end),
        attributes=_attributes(attributes),
    )


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


def _attributes(values: dict[str, Attribute]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Attribute) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value)
