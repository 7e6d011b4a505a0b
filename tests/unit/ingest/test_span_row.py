"""One span as rows: what its columns hold, what is stored twice, and what is said to be lost."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest import span_row
from headrace.ingest.span_row import Rows, rows, stored
from headrace.ingest.telemetry import EventData, SpanData, moment
from headrace.lake.message import Body

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CHAT = {"gen_ai.operation.name": "chat"}
BARE = SpanData(
    trace_id="a" * 32,
    span_id="b" * 16,
    parent_span_id=None,
    name="call",
    started_at=moment(10**9),
    ended_at=moment(2 * 10**9),
    status="unset",
    status_message="",
    attributes={},
    events=(),
    links=(),
    resource={},
    scope="",
    dropped=0,
)


STORED_CHARS = 256 * 1024


@pytest.fixture(scope="module", autouse=True)
def low_cap() -> Iterator[None]:
    """The cap of a column within reach."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(span_row, "STORED_CHARS", STORED_CHARS)
        yield


def made(own: Mapping[str, object], **fields: Any) -> Rows:
    data = msgspec.structs.replace(BARE, attributes=own, **fields)
    return rows(data, project="p", received_at=NOW)


def talk(*texts: str) -> str:
    roles = ("user", "assistant")
    said = [
        {"role": roles[i % 2], "parts": [{"type": "text", "content": text}]}
        for i, text in enumerate(texts)
    ]
    return json.dumps(said)


def bodies(found: Rows) -> list[Body]:
    return [json.loads(message.body) for message in found.messages]


def answered(*messages: Any, **fields: Any) -> Rows:
    own = {**CHAT, "gen_ai.input.messages": talk("hi")}
    return made({**own, "gen_ai.output.messages": json.dumps(messages)}, **fields)


def test_columns_come_from_the_span_its_resource_and_the_aliases() -> None:
    span = made(
        {
            **CHAT,
            "gen_ai.provider.name": "OpenAI",
            "gen_ai.request.model": "asked",
            "gen_ai.response.model": "answered",
            "gen_ai.response.id": "r-1",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.usage.input_tokens": 9,
            "gen_ai.usage.output_tokens": 0,
            "gen_ai.usage.cache_creation.input_tokens": 3,
            "session.id": "c-1",
            "enduser.id": "u-1",
        },
        resource={"service.name": "shop", "service.version": "7"},
        parent_span_id="c" * 16,
        scope="lib",
    ).span
    assert (span.provider, span.model, span.response_id) == ("openai", "answered", "r-1")
    assert (span.input_tokens, span.output_tokens, span.cached_tokens) == (9, 0, None)
    assert span.cache_write_tokens == 3
    assert (span.conversation_id, span.user_id, span.service) == ("c-1", "u-1", "shop")
    assert (span.release, span.scope, span.parent_span_id) == ("7", "lib", "c" * 16)
    assert json.loads(str(span.request)) == {"temperature": 0.5}
    assert (span.project, span.received_at) == ("p", NOW)


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "embeddings"])
def test_usage_that_repeats_the_calls_below_is_not_a_column(operation: str) -> None:
    own = {"gen_ai.operation.name": operation, "gen_ai.usage.input_tokens": 9}
    span = made({**own, "gen_ai.request.model": "m", "gen_ai.usage.cost": 1.0}).span
    assert (span.input_tokens, span.cost_usd, span.model, span.release) == (None,) * 4
    assert json.loads(span.attributes)["gen_ai.usage.input_tokens"] == 9


def test_messages_on_an_agent_span_are_a_copy_and_not_read() -> None:
    found = made({"gen_ai.operation.name": "invoke_agent", "gen_ai.input.messages": talk("hi")})
    assert (found.messages, found.span.input, found.span.kind) == ((), (), "agent")
    assert "hi" in found.span.attributes


@pytest.mark.parametrize(
    ("own", "agent"),
    [
        ({"gen_ai.operation.name": "invoke_agent"}, "call"),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "ada"}, "ada"),
        ({**CHAT, "gen_ai.agent.name": "ada"}, "ada"),
        (CHAT, None),
    ],
)
def test_an_agent_is_named_by_itself_or_by_its_span(
    own: dict[str, object], agent: str | None
) -> None:
    assert made(own).span.agent == agent


def test_a_release_without_a_name_moves_with_the_prompt_not_with_the_talk() -> None:
    def release(system: str, user: str) -> str | None:
        own = {**CHAT, "gen_ai.request.model": "m", "gen_ai.input.messages": talk(user)}
        parts = [{"type": "text", "content": system}]
        return made({**own, "gen_ai.system_instructions": json.dumps(parts)}).span.release

    first = release("be kind", "hi")
    assert str(first).startswith("h:")
    assert first == release("be kind", "and now?")
    assert first != release("be brief", "hi")


def test_a_release_hashes_the_model_that_was_asked_for() -> None:
    """Providers answer with a dated name that changes without the product changing."""
    own = {**CHAT, "gen_ai.request.model": "m", "gen_ai.input.messages": talk("hi")}
    names = {made({**own, "gen_ai.response.model": f"m-{day}"}).span.release for day in (1, 2)}
    assert len(names) == 1


def test_without_content_a_release_is_not_guessed() -> None:
    assert made({**CHAT, "gen_ai.request.model": "m"}).span.release is None


TOOL_CALL = {"type": "tool_call", "id": "c", "name": "f", "arguments": {}}


@pytest.mark.parametrize(
    ("parts", "said", "reason"),
    [
        ([{"type": "text", "content": "x"}], ["stop"], "stop"),
        ([{"type": "text", "content": "x"}], "max_tokens", "length"),
        ([{"type": "text", "content": "x"}], None, None),
        ([TOOL_CALL], ["stop"], "tool_calls"),  # some say stop whatever was called
        ([TOOL_CALL], None, "tool_calls"),
    ],
)
def test_an_output_that_calls_tools_finished_so(parts: Any, said: Any, reason: str | None) -> None:
    own = {**CHAT, "gen_ai.response.finish_reasons": said}
    output = json.dumps([{"role": "assistant", "parts": parts}])
    assert made({**own, "gen_ai.output.messages": output}).span.finish_reason == reason


@pytest.mark.parametrize(
    ("parts", "failed", "outputs"),
    [
        ([], True, 0),
        ([{"type": "text", "content": ""}], True, 0),
        ([{"type": "text", "content": "half an ans"}], True, 1),
        ([TOOL_CALL], True, 1),
        ([], False, 1),
    ],
)
def test_a_failed_call_that_said_nothing_has_no_output(
    parts: Any, failed: bool, outputs: int
) -> None:
    span = answered({"role": "assistant", "parts": parts}, status="error" if failed else "ok").span
    assert (len(span.input), len(span.output)) == (1, outputs)


def test_an_output_that_no_assistant_said_is_none() -> None:
    assert answered({"role": "user", "parts": ["hi"]}).span.output == ()


def test_calls_without_an_id_are_numbered_on_from_the_history() -> None:
    bare = {"type": "tool_call", "name": "f", "arguments": {}}
    history = [
        {"role": "assistant", "parts": [bare]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "r"}]},
    ]
    output = [{"role": "assistant", "parts": [bare]}]
    own = {"gen_ai.input.messages": json.dumps(history)}
    found = made({**CHAT, **own, "gen_ai.output.messages": json.dumps(output)})
    ids = [call["id"] for body in bodies(found) for call in body.get("tool_calls", ())]
    assert ids == ["call_1", "call_2"]
    assert found.span.defects == ("missing_tool_id",)


@pytest.mark.parametrize("asked, answered", [("c", ""), ("", "c")])
def test_an_id_that_one_side_lacks_is_the_others_and_is_told(asked: str, answered: str) -> None:
    function = {"name": "f", "arguments": {}}
    history = [
        {"role": "assistant", "parts": [{"type": "tool_call", "id": asked, **function}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": answered}]},
    ]
    own = {**CHAT, "gen_ai.input.messages": json.dumps(history), "other": "kept"}
    found = made(own)
    [call], [result] = bodies(found)[0]["tool_calls"], bodies(found)[1:]
    assert (call["id"], result["tool_call_id"]) == ("c", "c")
    assert found.span.defects == ("missing_tool_id",)
    assert json.loads(found.span.attributes) == {**CHAT, "other": "kept"}, "what was read is whole"


def test_what_was_read_whole_is_not_stored_again_and_what_has_a_defect_is() -> None:
    own = {**CHAT, "gen_ai.input.messages": talk("hi"), "other": "kept"}
    assert json.loads(made(own).span.attributes) == {**CHAT, "other": "kept"}
    cut = {**own, "gen_ai.tool.definitions": '[{"name": "f"'}
    assert json.loads(made(cut).span.attributes) == cut


@pytest.mark.parametrize(
    ("count", "dropped", "defects"),
    [
        (127, 0, ()),
        (128, 0, ("suspected_dropped_attributes",)),
        (129, 0, ()),
        (1, 1, ("suspected_dropped_attributes",)),
    ],
)
def test_a_full_or_admittedly_cut_span_is_suspected(
    count: int, dropped: int, defects: tuple[str, ...]
) -> None:
    own = {f"k{n}": n for n in range(count)}
    assert made(own, dropped=dropped).span.defects == defects


@pytest.mark.parametrize(
    ("texts", "suspected"),
    [
        (["a" * 120, "b" * 120, "c" * 120, "short"], True),
        (["a" * 120, "b" * 120, "c" * 120, "longer " * 20], False),
        (["a" * 120, "b" * 120, "b" * 120], False),  # two texts, one of them told twice
        (["a" * 99, "b" * 99, "c" * 99], False),  # ids and names may well be of one length
        (["a" * 1028], True),
        (["a" * 1028, "b" * 1029], False),
        ([], False),
    ],
)
def test_texts_that_end_at_one_length_are_suspected_to_be_cut(
    texts: list[str], suspected: bool
) -> None:
    own: dict[str, Any] = {f"k{n}": text for n, text in enumerate(texts)}
    found = made({**own, "count": 10**200, "list": ["d" * 500]}).span
    assert found.defects == (("size_cliff",) if suspected else ())


@pytest.mark.parametrize("word", ["__REDACTED__", "[REDACTED]"])
@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "content": "WORD"},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": "WORD"},
        {"type": "tool_call_response", "id": "c", "response": "WORD"},
    ],
    ids=lambda part: str(part["type"]),
)
def test_a_word_in_the_place_of_content_is_hidden_content(part: Body, word: str) -> None:
    held = {key: word if value == "WORD" else value for key, value in part.items()}
    role = "assistant" if part["type"] == "tool_call" else "user"
    own = {**CHAT, "gen_ai.input.messages": json.dumps([{"role": role, "parts": [held]}])}
    assert made(own).span.defects == ("content_hidden",)


def test_a_text_that_speaks_of_redaction_is_not_hidden() -> None:
    told = "replace the name by [REDACTED]"
    assert made({**CHAT, "gen_ai.input.messages": talk(told)}).span.defects == ()


def test_an_opaque_part_is_a_defect() -> None:
    part = {"type": "hologram"}
    own = {**CHAT, "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [part]}])}
    assert made(own).span.defects == ("unknown_part",)


TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}


@pytest.mark.parametrize(
    ("own", "fields", "answer"),
    [
        ({"gen_ai.tool.call.result": "done"}, {}, "done"),
        ({"gen_ai.tool.call.result": '{"n": 1}'}, {}, '{"n": 1}'),
        ({"gen_ai.tool.call.result": {"n": 1}}, {}, '{"n": 1}'),
        ({"gen_ai.tool.call.result": "x"}, {"status": "error", "status_message": "no disk"},
         "Error: no disk"),
        ({}, {"status": "error"}, "Error: error"),
    ],
)  # fmt: skip
def test_a_tool_run_answers_with_its_result_or_its_error(
    own: dict[str, object], fields: dict[str, Any], answer: str
) -> None:
    asked, told = bodies(made({**TOOL, "gen_ai.tool.call.id": "c", **own}, **fields))
    assert asked["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert told == {"role": "tool", "tool_call_id": "c", "content": answer}


def test_a_tool_run_that_told_no_result_has_none() -> None:
    found = made({**TOOL, "gen_ai.tool.call.arguments": '{"b":1,"a":2}'})
    [asked] = bodies(found)
    assert asked["tool_calls"][0]["function"]["arguments"] == '{"b": 1, "a": 2}'
    assert (found.span.output, found.span.kind) == ((), "tool")


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ({"gen_ai.tool.call.arguments": "{}", "gen_ai.tool.call.result": "done"}, {}),
        ({"tool_arguments": "{}", "tool_response": "done", "k": 1}, {"k": 1}),
        ({"input.value": "{}", "gen_ai.tool.call.result": ""}, {"gen_ai.tool.call.result": ""}),
        ({"gen_ai.tool.call.result": "x", "output.value": "y"}, {"output.value": "y"}),
    ],
)
def test_what_a_tool_was_asked_and_answered_is_stored_once(
    own: dict[str, object], kept: dict[str, object]
) -> None:
    assert json.loads(made({**TOOL, **own}).span.attributes) == {**TOOL, **kept}


def test_of_a_tool_that_failed_the_result_stays_in_its_attributes() -> None:
    own = {"gen_ai.tool.call.arguments": "{}", "gen_ai.tool.call.result": "half"}
    kept = json.loads(made({**TOOL, **own}, status="error").span.attributes)
    assert kept == {**TOOL, "gen_ai.tool.call.result": "half"}


def test_a_tool_without_a_name_is_named_by_its_span() -> None:
    [asked] = bodies(made({"gen_ai.operation.name": "execute_tool"}, name="lookup"))
    assert asked["tool_calls"][0]["function"]["name"] == "lookup"


def test_events_are_stored_with_their_times_and_lose_their_content_over_the_cap() -> None:
    def told(text: str) -> Any:
        events = tuple(
            EventData(name=f"e{n}", at=moment(n * 10**9), attributes={"a": text}) for n in range(3)
        )
        return json.loads(made({}, events=events).span.events)

    small, large = told("x"), told("x" * STORED_CHARS)
    assert [e["attributes"] for e in small] == [{"a": "x"}] * 3
    assert [e["attributes"] for e in large] == [{}] * 3
    assert [(e["name"], e["at"]) for e in small] == [(e["name"], e["at"]) for e in large]
    assert (small[0]["at"], small[1]["at"]) == (None, "1970-01-01T00:00:01+00:00")


def test_the_longest_text_gives_way_first_and_only_as_many_as_must() -> None:
    half = STORED_CHARS // 2
    own = {"a": "x" * (half + 10), "b": "y" * (half - 10), "c": "z" * 100}
    kept = json.loads(stored(own))
    assert kept["a"] == f"[cut: {half + 12} characters]"
    assert (kept["b"], kept["c"]) == (own["b"], own["c"])


sizes = st.lists(st.sampled_from([0, 10, 1_000, STORED_CHARS // 3, STORED_CHARS]), max_size=6)


@settings(max_examples=50, deadline=None)
@given(sizes, st.randoms(use_true_random=False))
def test_storing_does_not_depend_on_the_order_of_keys_and_stays_bounded(
    lengths: list[int], random: Any
) -> None:
    own = {f"k{n}": "x" * length for n, length in enumerate(lengths)}
    shuffled = list(own.items())
    random.shuffle(shuffled)
    text = stored(dict(shuffled))
    assert text == stored(own)
    assert len(text) <= STORED_CHARS + 40 * len(own) + 2
    assert set(json.loads(text)) == set(own)


def test_the_order_of_attributes_changes_no_row() -> None:
    own = {**CHAT, "gen_ai.input.messages": talk("a", "b", "c"), "n": 1, "session.id": "s"}
    assert made(own) == made(dict(reversed(own.items())))
