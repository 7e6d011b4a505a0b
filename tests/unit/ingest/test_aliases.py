"""One fact under many names: which key wins, which figure counts, and when a figure is absent."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest import aliases
from headrace.ingest.aliases import ALIASES
from headrace.ingest.telemetry import EventData, SpanData, moment

SECOND = 10**9


def span(
    own: Mapping[str, object] | None = None,
    *,
    status: str = "unset",
    message: str = "",
    events: tuple[EventData, ...] = (),
    started: int = SECOND,
) -> SpanData:
    return SpanData(
        trace_id="a" * 32,
        span_id="b" * 16,
        parent_span_id=None,
        name="call",
        started_at=moment(started),
        ended_at=None,
        status=status,
        status_message=message,
        attributes=own or {},
        events=events,
        links=(),
        resource={},
        scope="",
        dropped=0,
    )


def ttft_ms(data: SpanData) -> float | None:
    return aliases.ttft_ms(data, aliases.told(data.attributes))


def event(name: str, at: int = 0, **own: object) -> EventData:
    attributes = {key.replace("_", "."): value for key, value in own.items()}
    return EventData(name=name, at=moment(at), attributes=attributes)


@pytest.mark.parametrize("field", sorted(ALIASES))
def test_the_first_key_of_a_field_wins_and_every_key_is_heard(field: str) -> None:
    keys = ALIASES[field]
    for place, key in enumerate(keys):
        rest = {later: f"from {later}" for later in reversed(keys[place:])}
        assert aliases.told(rest)[field] == f"from {key}"
    assert field not in aliases.told({})


@pytest.mark.parametrize(
    ("value", "found"), [(None, "next"), ("", "next"), (0, 0), (False, False), ([], []), (" ", " ")]
)
def test_only_an_absent_or_empty_text_gives_way_to_the_next_key(value: Any, found: Any) -> None:
    assert aliases.told({"user.id": value, "enduser.id": "next"})["user"] == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, None), ("", None), ("gpt-5", "gpt-5"), ('"gpt-5"', "gpt-5"), ('"gpt-5', '"gpt-5'),
        ('""', '""'), (7, "7"), ("a\x00b", "a\ufffdb"),
    ],
)  # fmt: skip
def test_a_text_that_stands_in_quotes_as_json_is_taken_out_of_them(value: Any, found: Any) -> None:
    assert aliases.text(value) == found


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("OpenAI", "openai"), ("openai.chat", "openai"), ("openai.responses", "openai"),
        ("anthropic.messages", "anthropic"), ("aws.bedrock", "aws.bedrock"),
        ("azure.ai.openai", "azure.ai.openai"), ("google.generative-ai", "google.generative-ai"),
        (None, None), ("", None),
    ],
)  # fmt: skip
def test_a_provider_is_named_without_the_interface_that_was_called(said: Any, name: Any) -> None:
    assert aliases.provider(said) == name


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (0, 0), (12, 12), ("12", 12), (12.0, 12), (2**63 - 1, 2**63 - 1),
        (2**63, None), (-1, None), ("-1", None), ("many", None), ("12.5", None), (True, None),
        (float("nan"), None), (float("inf"), None), ([12], None), ({"total": 12}, None),
        ("9" * 5_000, None),
    ],
)  # fmt: skip
def test_a_number_of_tokens_is_whole_and_not_negative_or_absent(
    value: Any, tokens: int | None
) -> None:
    assert aliases.count(value) == tokens


@pytest.mark.parametrize(
    ("value", "dollars"),
    [
        (0, "0"), (0.1, "0.1"), ("0.000000001", "1e-9"), (1e-10, "0"), (999_999_999, "999999999"),
        (10**9, None), (-0.01, None), ("NaN", None), ("Infinity", None), ("$1", None), ("", None),
        (True, None), (None, None), ([1], None), ("1e400", None),
    ],
)  # fmt: skip
def test_money_is_exact_to_nine_places_or_absent(value: Any, dollars: str | None) -> None:
    told = None if dollars is None else Decimal(dollars)
    assert aliases.usd(value) == told


@settings(max_examples=80, deadline=None)
@given(st.decimals(0, 10**8, places=9), st.decimals(0, 10**8, places=9))
def test_money_adds_up_to_the_last_place(one: Decimal, other: Decimal) -> None:
    first, second = aliases.usd(str(one)), aliases.usd(str(other))
    assert first is not None and second is not None
    assert aliases.usd(str(first + second)) == one + other


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("stop", "stop"), ("end_turn", "stop"), ("stop_sequence", "stop"), ("completed", "stop"),
        ("tool_calls", "tool_calls"), ("tool_call", "tool_calls"), ("tool-calls", "tool_calls"),
        ("tool_use", "tool_calls"), ("function_call", "tool_calls"),
        ("length", "length"), ("max_tokens", "length"), ("max_output_tokens", "length"),
        ("content_filter", "content_filter"), (["end_turn"], "stop"), (["stop", "length"], "stop"),
        ('["tool_use"]', "tool_calls"), ("[]", None), ([], None), ("", None), (None, None),
        (3, None), ([None], None), ("[cut", None), ({"reason": "stop"}, None),
    ],
)  # fmt: skip
def test_a_finish_reason_has_one_word_whatever_held_it(said: Any, reason: str | None) -> None:
    assert aliases.finish(said) == reason
    assert aliases.finish(aliases.finish(said)) == reason


@pytest.mark.parametrize(
    ("own", "milliseconds"),
    [
        ({"gen_ai.response.time_to_first_chunk": 0.25}, 250.0),
        ({"gen_ai.client.operation.time_to_first_chunk": 2}, 2000.0),
        ({"gen_ai.server.time_to_first_token": 120}, 120.0),
        ({"gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.server.time_to_first_token": 9},
         250.0),
        ({"gen_ai.response.time_to_first_chunk": "soon"}, None),
        ({"gen_ai.response.time_to_first_chunk": True}, None),
        ({"gen_ai.response.time_to_first_chunk": -1.0}, None),
        ({"gen_ai.response.time_to_first_chunk": 0.0}, 0.0),
        ({"gen_ai.response.time_to_first_chunk": float("inf")}, None),
        ({"gen_ai.response.time_to_first_chunk": float("nan")}, None),
        ({"ai.response.msToFirstChunk": 143.5}, 143.5),
        ({"ttft_ms": 40}, 40.0),
        ({"langfuse.observation.completion_start_time": '"1970-01-01T00:00:01.250000Z"'}, 250.0),
        ({"langfuse.observation.completion_start_time": "1970-01-01T00:00:01.250000Z"}, 250.0),
        ({"langfuse.observation.completion_start_time": "1970-01-01T00:00:01.250000"}, None),
        ({"langfuse.observation.completion_start_time": '"soon"'}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_first_token_is_told_in_seconds_or_milliseconds(
    own: dict[str, object], milliseconds: float | None
) -> None:
    assert ttft_ms(span(own)) == milliseconds


@pytest.mark.parametrize(
    ("events", "milliseconds"),
    [
        ((event("First Token Stream Event", 3 * SECOND // 2),), 500.0),
        ((event("gen_ai.content.completion.chunk", 2 * SECOND),
          event("gen_ai.content.completion.chunk", 3 * SECOND)), 1000.0),
        ((event("ai.stream.firstChunk", 2 * SECOND),), 1000.0),
        ((event("new_token", 2 * SECOND),), 1000.0),
        ((event("exception", 2 * SECOND),), None),
        ((event("First Token Stream Event"),), None),  # an event without a time
        ((event("First Token Stream Event", SECOND // 2),), None),  # before the call began
        ((event("First Token Stream Event", SECOND),), 0.0),
    ],
)  # fmt: skip
def test_the_first_token_may_be_an_event_after_the_start(
    events: tuple[EventData, ...], milliseconds: float | None
) -> None:
    assert ttft_ms(span(events=events)) == milliseconds


def test_without_a_start_an_event_tells_no_delay() -> None:
    first = (event("First Token Stream Event", SECOND),)
    assert ttft_ms(span(events=first, started=0)) is None
    own = {"gen_ai.server.time_to_first_token": 7}
    assert ttft_ms(span(own, events=first, started=0)) == 7.0


def test_parameters_of_a_request_stand_under_their_bare_names() -> None:
    own = {
        "llm.invocation_parameters": '{"temperature": 0.1, "top_p": 0.9, "model": "m", "seed": 1}',
        "openai.request.seed": 2,
        "gen_ai.openai.request.seed": 3,
        "gen_ai.request.seed": 4,
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.model": "m",
        "gen_ai.response.id": "r",
    }
    assert aliases.request(own) == {"temperature": 0.7, "top_p": 0.9, "seed": 4}


def test_what_a_parameter_leaves_open_and_what_is_none_is_left_out() -> None:
    own = {
        "model_settings": '{"temperature": 0.5, "top_p": null}',
        "ai.prompt.toolChoice": '{"type":"auto"}',
        "ai.settings.maxOutputTokens": 9,
        "ai.settings.context.sessionId": "s",
        "llm.invocation_parameters": '{"id": "resp_1", "created_at": 1, "seed": 3}',
    }
    assert aliases.request(own) == {
        "temperature": 0.5,
        "toolChoice": {"type": "auto"},
        "maxOutputTokens": 9,
        "seed": 3,
    }


@pytest.mark.parametrize("held", ["cut {", "[1]", 7, None, '"text"'])
def test_parameters_that_cannot_be_read_are_none(held: Any) -> None:
    assert aliases.request({"llm.invocation_parameters": held}) == {}


RAISED = event("exception", 0, exception_message="boom", exception_type="ValueError")


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (span(), None),
        (span(status="ok"), None),
        (span(events=(RAISED,)), None),  # caught: the call went on
        (span(status="error", message="said"), "said"),
        (span(status="error", message="said", events=(RAISED,)), "said"),
        (span({"error.type": "429"}, status="error", events=(RAISED,)), "boom"),
        (span({"error.type": "429"}), "429"),
        (span({"error.type": "429", "error.message": "slow down"}), "slow down"),
        (span(status="error", events=(event("exception", 0, exception_type="E"),)), "E"),
        (span(status="error"), "error"),
        (span({"error.type": ""}), None),
        (span({"error_class": "rate_limit", "error": "429 slow down"}), "429 slow down"),
        (span({"error.type": "_OTHER", "error": True}), "_OTHER"),
        (span({"error": "handled"}), None),
    ],
)
def test_an_error_is_told_in_the_best_words_there_are(failed: SpanData, told: str | None) -> None:
    assert aliases.error(failed) == told
