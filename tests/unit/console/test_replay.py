import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from headrace.console.replay import STEP, post_outcomes, post_traces, request
from headrace.console.sample import Run, observed_tools, runs, tau2, taubench
from headrace.ingest.batch import Batch, Body
from headrace.ingest.messages import canonical
from headrace.ingest.reader import read

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


SAMPLE = runs(NOW)[::20]


def decoded(run: Run) -> Batch:
    """What the sidecar makes of the replay of a run."""
    body = Body(
        seq=1,
        signal="traces",
        content_type="application/x-protobuf",
        project=None,
        payload=request(run, observed_tools([run])).SerializeToString(),
        received_at=NOW,
    )
    return read(body)


def plain(run: Run) -> list[dict[str, Any]]:
    """The messages of a run as the sidecar would take them from a file."""
    kept = ("role", "content", "tool_calls", "tool_call_id")
    return canonical([{k: m[k] for k in kept if k in m} for m in run.messages])


def spoken(message: dict[str, Any]) -> tuple[object, ...]:
    """What counts in a message: a call's arguments by value, an empty text like none."""
    calls = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls") or []
    ]
    return message["role"], message.get("content") or "", message.get("tool_call_id"), calls


@pytest.mark.parametrize("run", SAMPLE, ids=lambda run: f"{run.project}-{run.task}-{run.release}")
def test_the_sidecar_reads_back_the_messages_of_a_run(run: Run) -> None:
    batch = decoded(run)
    bodies = {message.hash: json.loads(message.body) for message in batch.messages}
    calls = sorted(
        (span for span in batch.spans if span.kind == "llm"), key=lambda span: len(span.input)
    )
    last = [bodies[name] for name in (*calls[-1].input, *calls[-1].output)]
    said = plain(run)[: len(last)]
    assert [spoken(message) for message in last] == [spoken(message) for message in said]
    assert len(calls) == sum(run.generated)


@pytest.mark.parametrize("run", [RUN, SFT], ids=["taubench", "tau2"])
def test_the_sidecar_reads_back_who_and_what_it_was(run: Run) -> None:
    batch = decoded(run)
    assert {span.project for span in batch.spans} == {run.project}
    assert {span.release for span in batch.spans} == {run.release}
    assert {span.trace_id for span in batch.spans} == {run.run_id}
    assert not any(span.defects for span in batch.spans)
    assert {span.model for span in batch.spans if span.kind == "llm"} == {run.model}
    [agent] = [span for span in batch.spans if span.kind == "agent"]
    assert (agent.user_id, agent.conversation_id) == (run.user, run.run_id)


def test_the_spans_of_a_run_stand_one_after_the_other_inside_the_agent() -> None:
    agent, *children = sorted(decoded(RUN).spans, key=lambda span: (span.kind != "agent",))
    starts = [span.started_at for span in children if span.started_at]
    assert len(set(starts)) == len(children)
    assert all(
        agent.started_at <= span.started_at < span.ended_at <= agent.ended_at
        for span in children
        if agent.started_at and agent.ended_at and span.started_at and span.ended_at
    )
    assert agent.started_at == RUN.started_at
    assert agent.ended_at == RUN.started_at + STEP * len(RUN.messages)


def test_the_same_run_is_the_same_bytes() -> None:
    one, other = (request(RUN, observed_tools([RUN])).SerializeToString() for _ in range(2))
    assert one == other


def test_a_run_of_nobody_names_no_user() -> None:
    nobody = msgspec.structs.replace(RUN, user=None)
    assert "user.id" not in attributes(spans(nobody)[0])
    someone = msgspec.structs.replace(RUN, user="u7")
    assert attributes(spans(someone)[0])["user.id"] == "u7"


class Heard:
    """Answers every request and keeps it."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url="http://sidecar", transport=httpx.MockTransport(self))


def test_each_run_is_one_packed_request_counted_when_acknowledged() -> None:
    heard, sent = Heard(), []
    with heard.client() as client:
        post_traces(client, SAMPLE[:3], [], lambda: sent.append(len(heard.requests)))
    assert sent == [1, 2, 3]
    for run, posted in zip(SAMPLE, heard.requests, strict=False):
        assert posted.url.path == "/v1/traces"
        assert posted.headers["content-encoding"] == "gzip"
        assert gzip.decompress(posted.content) == request(run, []).SerializeToString()


def test_a_request_that_is_refused_is_not_counted() -> None:
    heard, sent = Heard(503), []
    with heard.client() as client, pytest.raises(httpx.HTTPStatusError):
        post_traces(client, SAMPLE, [], lambda: sent.append(1))
    assert (len(heard.requests), sent) == (1, [])


def test_outcomes_are_one_request_that_the_sidecar_understands() -> None:
    heard = Heard()
    with heard.client() as client:
        post_outcomes(client, SAMPLE, delay=timedelta(hours=1))
    [posted] = heard.requests
    batch = read(
        Body(
            seq=1,
            signal="outcomes",
            content_type=posted.headers["content-type"],
            project=None,
            payload=posted.content,
            received_at=NOW,
        )
    )
    marks = {o.target_id: (o.project, o.target_kind, o.success, o.at) for o in batch.outcomes}
    assert marks == {
        run.run_id: (run.project, "trace", run.success, run.started_at + timedelta(hours=1))
        for run in SAMPLE
    }
