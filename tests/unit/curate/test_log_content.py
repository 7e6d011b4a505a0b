"""Messages that come in log records find the calls that they belong to."""

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from headrace.curate.log_content import MADE, Told, told
from headrace.lake.message import dump
from headrace.lake.record import LogEvent, Span
from tests.unit.curate.conftest import NOW, T0

DETAILS = "gen_ai.client.inference.operation.details"


def call(span_id: str, at: int = 0, **fields: Any) -> Span:
    return Span(
        project="p", trace_id="t", span_id=span_id, kind="llm", name="chat", received_at=NOW,
        started_at=T0 + timedelta(seconds=at), defects=("no_content",), **fields,
    )  # fmt: skip


def event(name: str, at: int = 0, body: object = None, **fields: Any) -> LogEvent:
    own = dump(fields.pop("attributes", {}))
    given = {"trace_id": "t", "span_id": "1", **fields}
    return LogEvent(
        project="p", name=name, received_at=NOW, at=T0 + timedelta(milliseconds=at),
        attributes=own, body=None if body is None else dump(body), **given,
    )  # fmt: skip


def spoken(found: Told, span: Span) -> list[tuple[str, object]]:
    bodies = {message.hash: json.loads(message.body) for message in found.messages}
    said = [bodies[name] for name in (*span.input, *span.output)]
    return [(body["role"], body["content"]) for body in said]


def chat() -> list[LogEvent]:
    return [
        event("gen_ai.system.message", 1, {"content": "Be kind."}),
        event("gen_ai.user.message", 2, {"content": "Hi"}),
        event("gen_ai.choice", 3, {"index": 0, "message": {"content": "Hello"}}),
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_message_records_are_read_in_the_order_of_their_times(order: Sequence[int]) -> None:
    records = chat()
    found = told([call("1"), call("2")], [records[i] for i in order])
    [span] = found.spans
    assert spoken(found, span) == [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello")]
    assert (span.span_id, span.convention, span.defects) == ("1", "gen_ai_message_events", ())


def test_records_of_one_moment_are_read_as_they_were_sent() -> None:
    first = event("gen_ai.user.message", 1, {"content": "B"}, nth=0)
    second = event("gen_ai.user.message", 1, {"content": "A"}, nth=1)
    found = told([call("1")], [second, first])
    assert [text for _, text in spoken(found, found.spans[0])] == ["B", "A"]


def test_a_record_that_was_delivered_twice_is_said_once() -> None:
    found = told([call("1")], [*chat(), *chat()])
    assert len(spoken(found, found.spans[0])) == 3


def test_a_later_record_makes_its_call_anew() -> None:
    early = told([call("1")], chat()[:2])
    [half] = early.spans
    assert half.output == ()
    late = told([half], chat())
    assert spoken(late, late.spans[0])[-1] == ("assistant", "Hello")


def test_what_a_span_says_itself_is_not_overwritten() -> None:
    own = call("1", input=("a",), output=("b",), convention="gen_ai")
    assert told([own], chat()).spans == ()


def test_one_event_may_tell_a_whole_call_and_its_parts_are_united() -> None:
    parts = [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello"}]}]
    tools = [{"type": "function", "name": "look", "parameters": {}}]
    found = told(
        [call("1")],
        [
            event(DETAILS, 1, attributes={"gen_ai.input.messages": parts}),
            event(DETAILS, 2, attributes={"gen_ai.output.messages": answer}),
            event(DETAILS, 3, attributes={"gen_ai.tool.definitions": tools}),
        ],
    )
    [span] = found.spans
    assert spoken(found, span) == [("user", "Hi"), ("assistant", "Hello")]
    assert span.tools_hash == found.toolsets[0].hash
    assert span.convention == "gen_ai_event"


def test_records_of_another_trace_or_span_or_name_change_nothing() -> None:
    others = [
        event("gen_ai.user.message", 1, {"content": "Hi"}, trace_id="u"),
        event("gen_ai.user.message", 1, {"content": "Hi"}, span_id="9"),
        event("gen_ai.evaluation.result", 1, {"content": "Hi"}),
    ]
    assert told([call("1")], others) == Told()


# Claude Code -------------------------------------------------------------------------------------


def body(kind: str, pair: str, at: int, said: object, **fields: Any) -> LogEvent:
    own = {"request_body_id": pair, "body": json.dumps(said), "session.id": "s", "user.id": "u"}
    name = f"claude_code.api_{kind}_body"
    return event(name, at, attributes=own, **{"span_id": "run", **fields})


def pair(number: int) -> list[LogEvent]:
    asked = {"model": "m", "system": "Be.", "messages": [{"role": "user", "content": f"Q{number}"}]}
    usage = {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 2}
    answer = {
        "id": f"msg_{number}", "role": "assistant", "usage": usage, "stop_reason": "end_turn",
        "content": [{"type": "text", "text": f"A{number}"}],
    }  # fmt: skip
    return [
        body("request", str(number), 10 * number, asked),
        body("response", str(number), 10 * number + 5, answer),
    ]


def test_the_nth_pair_of_bodies_is_the_nth_call_below_its_span() -> None:
    spans = [call(str(n), n, parent_span_id="run", convention="claude_code") for n in (1, 2)]
    found = told(reversed(spans), [*pair(2), *pair(1)])
    said = {span.span_id: spoken(found, span)[-1] for span in found.spans}
    assert said == {"1": ("assistant", "A1"), "2": ("assistant", "A2")}
    assert {span.response_id for span in found.spans} == {"msg_1", "msg_2"}
    assert {span.finish_reason for span in found.spans} == {"stop"}


def test_without_spans_a_pair_is_a_call_of_its_own() -> None:
    [span] = told([], pair(1)).spans
    assert (span.scope, span.kind, span.conversation_id, span.user_id) == (MADE, "llm", "s", "u")
    assert (span.model, span.input_tokens, span.cached_tokens, span.output_tokens) == (
        None,
        7,
        4,
        2,
    )
    assert span.ended_at is not None


def test_a_call_that_was_made_gives_way_to_the_real_one() -> None:
    [made] = told([], pair(1)).spans
    real = call("1", parent_span_id="run", convention="claude_code")
    [filled] = told([made, real], pair(1)).spans
    assert (filled.span_id, filled.scope) == ("1", None)


def test_a_body_that_was_cut_is_told() -> None:
    request, _ = pair(1)
    fields = json.loads(request.attributes)
    cut = msgspec.structs.replace(request, attributes=dump({**fields, "body": fields["body"][:-9]}))
    [span] = told([], [cut]).spans
    assert "truncated_value" in span.defects
    assert span.output == ()
