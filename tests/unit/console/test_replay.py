import json
from datetime import UTC, datetime

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from headrace.console.replay import request
from headrace.console.sample import Run, observed_tools, tau2, taubench

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RUN = next(iter(taubench(NOW)))
SFT = next(iter(tau2(NOW)))


def spans(run: Run) -> list[Span]:
    [resource] = request(run, observed_tools([run])).resource_spans
    [scope] = resource.scope_spans
    return list(scope.spans)


def attributes(span: Span) -> dict[str, object]:
    return {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in span.attributes}


def chats(run: Run) -> list[dict[str, object]]:
    found = [attributes(span) for span in spans(run)]
    return [a for a in found if a["gen_ai.operation.name"] == "chat"]


@pytest.mark.parametrize("run", [RUN, SFT])
def test_every_generated_message_is_one_call_that_repeats_its_history(run: Run) -> None:
    calls = chats(run)
    assert len(calls) == sum(run.generated)
    lengths = [len(json.loads(str(call["gen_ai.input.messages"]))) for call in calls]
    assert lengths == [i for i, generated in enumerate(run.generated) if generated]


def test_every_tool_result_is_one_tool_span_with_the_call_it_answers() -> None:
    tools = [a for s in spans(RUN) if "gen_ai.tool.name" in (a := attributes(s))]
    assert len(tools) == sum(message["role"] == "tool" for message in RUN.messages)
    calls = {c["id"]: c["function"] for m in RUN.messages for c in m.get("tool_calls") or []}
    for tool in tools:
        call = calls[str(tool["gen_ai.tool.call.id"])]
        assert (tool["gen_ai.tool.name"], tool["gen_ai.tool.call.arguments"]) == (
            call["name"],
            call["arguments"],
        )


def test_all_spans_of_a_run_form_one_trace_below_the_agent() -> None:
    root, *children = spans(RUN)
    assert {span.trace_id.hex() for span in (root, *children)} == {RUN.run_id}
    assert root.parent_span_id == b""
    assert {child.parent_span_id for child in children} == {root.span_id}
    assert len({span.span_id for span in (root, *children)}) == len(children) + 1
    assert attributes(root)["headrace.task"] == RUN.task


def test_usage_that_was_not_recorded_is_left_out_and_not_sent_as_zero() -> None:
    assert all("gen_ai.usage.input_tokens" not in call for call in chats(RUN))
    assert all(call["gen_ai.usage.input_tokens"] for call in chats(SFT))


def test_a_trace_names_its_project_and_release() -> None:
    [resource] = request(RUN, []).resource_spans
    named = {a.key: a.value.string_value for a in resource.resource.attributes}
    assert named["headrace.project"] == "taubench-airline"
    assert named["service.version"] == RUN.release
