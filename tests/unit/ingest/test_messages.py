"""Every chat dialect in, one canonical form out."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.errors import Undecodable
from headrace.ingest.messages import LONGEST, canonical, instructions
from headrace.lake.message import Message

DATA = Path(__file__).parents[3].parent / "shared" / "data"
PNG = "iVBORw0KGgoAAAANSUhEUg=="

SETS = [
    ("agentdojo/banking_slack_2024h1_models.jsonl.zst", "messages"),
    ("taubench/gpt4o_airline_tasks_0_34.jsonl.gz", "traj"),
    ("tau2/agents.jsonl.gz", "messages"),
    ("tau2/sft_before_after.jsonl.gz", "messages"),
    ("carbench_unlabelled/traces.jsonl.gz", "traj"),
    ("who_when/algorithm_generated.jsonl.gz", "history"),
]

CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "f", "arguments": '{"b": 1, "a": "é"}'},
}
USER = {"role": "user", "content": "go"}
ASKED = [
    {"role": "user", "content": "go"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "done"},
    {"role": "assistant", "content": "ok"},
]

DIALECTS: dict[str, list[Any]] = {
    "openai": [
        {"role": "user", "content": [{"type": "text", "text": "go"}]},
        {"role": "assistant", "content": "", "tool_calls": [CALL], "refusal": None},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "done"}]},
        {"role": "assistant", "content": "ok", "tool_calls": None, "annotations": []},
    ],
    "responses": [
        {"role": "user", "content": [{"type": "input_text", "text": "go"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f",
         "arguments": '{"b":1,"a":"é"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
        {"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "ok"}]},
    ],
    "anthropic": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"b": 1, "a": "é"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c1",
             "content": [{"type": "text", "text": "done"}]}]},
        {"role": "assistant", "content": [{"type": "text", "text": "ok"}]},
    ],
    "otel": [
        {"role": "user", "parts": [{"type": "text", "content": "go"}], "name": None},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"b": 1, "a": "é"}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "done"}]},
        {"role": "assistant", "parts": [{"type": "text", "content": "ok"}],
         "finish_reason": "stop"},
    ],
    "pydantic": [
        {"role": "user", "parts": [{"type": "text", "content": "go"}]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": '{"b":1,"a":"é"}'}]},
        {"role": "user", "parts": [{"type": "tool_call_response", "id": "c1", "result": "done"}]},
        {"role": "assistant", "parts": [{"type": "text", "content": "ok"}]},
    ],
    "converse": [
        {"role": "user", "content": [{"text": "go"}]},
        {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"b": 1, "a": "é"}}}]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "c1", "content": [{"text": "done"}]}}]},
        {"role": "assistant", "content": [{"text": "ok"}]},
    ],
    "ai_sdk": [
        {"role": "user", "content": [{"type": "text", "text": "go"}]},
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "f",
             "input": {"b": 1, "a": "é"}}]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c1", "toolName": "f",
             "output": {"type": "text", "value": "done"}}]},
        {"role": "assistant", "content": "ok"},
    ],
    "langchain": [
        {"type": "human", "content": "go"},
        {"type": "ai", "content": "", "tool_calls": [
            {"name": "f", "args": {"b": 1, "a": "é"}, "id": "c1"}]},
        {"type": "tool", "content": "done", "tool_call_id": "c1"},
        {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"],
         "kwargs": {"content": "ok"}},
    ],
    "tau2": [
        {"role": "user", "content": "go", "turn_idx": 0, "cost": 0.1},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "name": "f", "arguments": {"b": 1, "a": "é"}, "requestor": "assistant"}]},
        {"role": "tool", "id": "c1", "content": "done", "error": False},
        {"role": "assistant", "content": "ok", "tool_calls": None, "raw_data": {"x": 1}},
    ],
    "agentdojo": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"function": "f", "args": {"b": 1, "a": "é"}, "id": "c1"}]},
        {"role": "tool", "content": "", "error": "done", "tool_call_id": "c1", "tool_call": {}},
        {"role": "assistant", "content": "ok", "tool_calls": None},
    ],
    "legacy": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "function_call": {
            "id": "c1", "name": "f", "arguments": '{"b":1,"a":"é"}'}},
        {"role": "function", "name": "f", "content": "done"},
        {"role": "assistant", "content": "ok"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_says_the_same(dialect: str) -> None:
    assert canonical(DIALECTS[dialect]) == ASKED


def test_developer_is_system_and_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, "b"]
    assert canonical([{"role": "developer", "content": parts}]) == [
        {"role": "system", "content": "a\nb"}
    ]


def test_nothing_said_is_null_for_the_assistant_and_empty_for_others() -> None:
    bodies = canonical([{"role": role, "content": None} for role in ("user", "assistant", "tool")])
    assert [body["content"] for body in bodies] == ["", None, ""]


def test_reasoning_never_gets_into_content() -> None:
    [anthropic] = canonical(
        [{"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, "yes"]}]
    )
    [openai] = canonical([{"role": "assistant", "content": "yes", "reasoning": "hm"}])
    [parts] = canonical(
        [{"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, "yes"]}]
    )
    assert anthropic == openai == parts
    assert anthropic == {"role": "assistant", "content": "yes", "reasoning_content": "hm"}


def test_results_stand_before_the_text_that_came_with_them() -> None:
    blocks = [
        {"type": "text", "text": "and now?"},
        {"type": "tool_result", "tool_use_id": "b", "content": "2"},
        {"type": "tool_result", "tool_use_id": "a", "content": None},
    ]
    bodies = canonical([{"role": "user", "content": blocks}])
    assert [(body["role"], body["content"]) for body in bodies] == [
        ("tool", "2"),
        ("tool", ""),
        ("user", "and now?"),
    ]


def test_consecutive_assistant_turns_become_one() -> None:
    turns: list[Any] = [
        {"role": "assistant", "content": "let me see", "reasoning_content": "first"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "content": "there"},
    ]
    assert canonical(turns) == [
        {
            "role": "assistant",
            "content": "let me see\nthere",
            "tool_calls": [CALL],
            "reasoning_content": "first",
        }
    ]


@pytest.mark.parametrize(
    ("names", "speakers"),
    [
        (("planner", "planner"), ["planner"]),
        (("planner", None), ["planner"]),
        ((None, "planner"), ["planner"]),
        (("planner", "coder"), ["planner", "coder"]),
        (("planner", None, "coder"), ["planner", "coder"]),
    ],
)
def test_turns_of_two_agents_stay_two(names: tuple[str | None, ...], speakers: list[str]) -> None:
    turns = [{"role": "assistant", "content": "x", "name": name} for name in names]
    assert [body["name"] for body in canonical(turns)] == speakers


@pytest.mark.parametrize(
    ("called", "answered", "agreed"),
    [
        (["c1", "c2"], ["c2", "c1"], (["c1", "c2"], ["c2", "c1"])),
        (["fc_c1"], ["c1"], (["c1"], ["c1"])),
        (["a", "b"], ["x", "y"], (["x", "y"], ["x", "y"])),
        ([None, None], [None, None], (["call_1", "call_2"], ["call_1", "call_2"])),
        (["a"], [None, "late"], (["a"], ["a", "late"])),
    ],
)
def test_calls_and_results_get_one_id(
    called: list[Any], answered: list[Any], agreed: tuple[list[str], list[str]]
) -> None:
    calls = [{"id": name, "function": {"name": "f", "arguments": {}}} for name in called]
    results = [{"role": "tool", "tool_call_id": name, "content": "r"} for name in answered]
    first, *rest = canonical([{"role": "assistant", "tool_calls": calls}, *results])
    assert [call["id"] for call in first["tool_calls"]] == agreed[0]
    assert [body["tool_call_id"] for body in rest] == agreed[1]


def test_a_call_can_be_answered_only_until_the_assistant_speaks_again() -> None:
    late = {"role": "tool", "tool_call_id": "fc", "content": "r"}
    said = {"role": "assistant", "content": "never mind"}
    first, _, result = canonical([{"role": "assistant", "tool_calls": [CALL]}, USER, late])
    assert first["tool_calls"][0]["id"] == result["tool_call_id"] == "fc"
    called, *_, orphan = canonical([{"role": "assistant", "tool_calls": [CALL]}, USER, said, late])
    assert (called["tool_calls"][0]["id"], orphan["tool_call_id"]) == ("c1", "fc")


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"role": "user", "content": "a", "name": "ada"}, "ada"),
        ({"role": "user", "content": "a", "name": ""}, None),
        ({"role": "user", "content": "a", "name": 7}, None),
        ({"role": "assistant", "content": "a", "name": "agent"}, "agent"),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}, None),
        ({"role": "system", "content": "a", "name": "s"}, None),
        ({"role": "tool", "content": "a", "name": "f", "tool_call_id": "c"}, None),
    ],
)
def test_who_spoke_is_kept_of_people_and_agents_alone(message: Any, name: str | None) -> None:
    assert canonical([message])[0].get("name") == name


@pytest.mark.parametrize(
    ("role", "plain"),
    [
        ("SYSTEM", "system"), ("Developer", "system"), ("Human", "user"), ("ai", "assistant"),
        ("model", "assistant"), ("function", "tool"),
    ],
)  # fmt: skip
def test_roles_of_every_dialect_are_four(role: str, plain: str) -> None:
    assert canonical([{"role": role, "content": "x"}])[0]["role"] == plain


@pytest.mark.parametrize(
    ("path", "role"),
    [
        (["langchain", "schema", "messages", "HumanMessage"], "user"),
        (["langchain", "schema", "messages", "AIMessageChunk"], "assistant"),
        (["langchain", "schema", "messages", "SystemMessage"], "system"),
    ],
)
def test_a_serialised_message_is_named_by_its_class_or_its_type(path: list[str], role: str) -> None:
    for inner in ({"content": "x"}, {"content": "x", "type": role}):
        raw = {"lc": 1, "type": "constructor", "id": path, "kwargs": inner}
        assert canonical([raw]) == [{"role": role, "content": "x"}]


@pytest.mark.parametrize(
    ("content", "system"),
    [
        (None, None), ("", None), ([], None), ([{"type": "text", "text": ""}], None),
        ("be kind", "be kind"), ([{"type": "text", "text": "be"}, "kind"], "be\nkind"),
    ],
)  # fmt: skip
def test_instructions_that_travel_apart_are_one_message_or_none(
    content: Any, system: str | None
) -> None:
    expected = [] if system is None else [{"role": "system", "content": system}]
    assert instructions(content) == expected


def test_a_conversation_may_hold_its_limit() -> None:
    assert len(canonical([USER] * LONGEST)) == LONGEST


def test_what_was_given_is_not_changed() -> None:
    for dialect in DIALECTS.values():
        before = json.dumps(dialect)
        canonical(dialect)
        assert json.dumps(dialect) == before


def test_invented_ids_go_on_counting_over_a_conversation() -> None:
    turn: list[Any] = [
        {"role": "assistant", "tool_calls": [{"function": "f", "args": {}}]},
        {"role": "tool", "content": "r"},
    ]
    whole = canonical(turn * 3)
    assert [body["tool_call_id"] for body in whole if body["role"] == "tool"] == [
        "call_1",
        "call_2",
        "call_3",
    ]
    assert whole[4:] == canonical(turn, calls_before=2)


@pytest.mark.parametrize(
    ("part", "url"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}, None),
        ({"type": "image_url", "image_url": "https://x/y.png"}, "https://x/y.png"),
        ({"type": "blob", "mime_type": "image/png", "content": PNG}, None),
        ({"type": "blob", "mime_type": None, "content": PNG}, None),
        ({"type": "file", "mediaType": "image/*", "data": PNG}, None),
        ({"type": "image", "image": PNG}, None),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            None,
        ),
        ({"type": "uri", "modality": "image", "uri": "gs://b/o"}, "gs://b/o"),
    ],
)
def test_media_become_urls_that_nobody_follows(part: dict[str, Any], url: str | None) -> None:
    [body] = canonical([{"role": "user", "content": [part, {"type": "text", "text": "see"}]}])
    text, media = body["content"]
    assert text == {"type": "text", "text": "see"}
    assert media["image_url"]["url"] in {url, "https://x/y.png", f"data:image/png;base64,{PNG}"}


def test_a_part_of_unknown_type_stays_as_an_opaque_part() -> None:
    [body] = canonical([{"role": "user", "content": [{"type": "hologram", "bits": "…"}]}])
    assert body["content"] == [{"type": "hologram"}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("plain", "plain"),
        ([{"type": "text", "text": "a"}, {"text": "b"}], "a\nb"),
        ({"type": "json", "value": {"a": 1}}, '{"a": 1}'),
        ({"output": {"type": "tool", "content": "inside"}}, "inside"),
        ({"result": "kept, the model saw it"}, '{"result": "kept, the model saw it"}'),
        ([1, 2], "[1, 2]"),
        (0, "0"),
        (False, "false"),
    ],
)
def test_tool_results_read_as_the_model_read_them(value: Any, text: str) -> None:
    [body] = canonical([{"role": "tool", "tool_call_id": "c", "content": value}])
    assert body["content"] == text


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ("hi", "messages is str"),
        ([1], r"messages\[0\] is int"),
        ([{"role": "user", "content": "a"}, {"role": "bot"}], r"messages\[1\].role is 'bot'"),
        ([{"content": "a"}], r"messages\[0\].role"),
        ([{"role": "user", "content": 7}], r"messages\[0\].content is int"),
        ([{"role": "user", "content": ["a", 7]}], r"messages\[0\].content\[1\] is int"),
        ([{"role": "assistant", "tool_calls": {}}], None),
        ([{"role": "assistant", "tool_calls": "f()"}], r"messages\[0\].tool_calls is str"),
        ([{"role": "assistant", "tool_calls": [{}]}], r"tool_calls\[0\] names no function"),
        ([{"role": "assistant", "tool_calls": [3]}], r"tool_calls\[0\] is int"),
        ([{"role": "user", "tool_calls": [CALL]}], "only assistant messages may call"),
        ([{"role": "user", "content": "a"}] * 10_001, "10001 messages"),
    ],
)
def test_what_is_no_conversation_is_refused_by_index_and_field(
    messages: Any, fault: str | None
) -> None:
    if fault is None:
        assert canonical(messages) == [{"role": "assistant", "content": None}]
        return
    with pytest.raises(Undecodable, match=fault):
        canonical(messages)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
identities = st.none() | st.sampled_from(["a", "b", "fc_a", "call_1"])
tool_calls = st.builds(
    lambda identity, name, value, nested: (
        {"id": identity, "function": {"name": name, "arguments": value}}
        if nested
        else {"id": identity, "name": name, "args": value}
    ),
    identities,
    st.text(min_size=1),
    json_values | st.text(),
    st.booleans(),
)
contents = (
    st.none() | st.text() | st.lists(st.builds(lambda t: {"type": "text", "text": t}, st.text()))
)
conversations = st.lists(
    st.builds(lambda r, c: {"role": r, "content": c}, st.sampled_from(["system", "user"]), contents)
    | st.builds(
        lambda c, calls: {"role": "assistant", "content": c, "tool_calls": calls},
        contents,
        st.none() | st.lists(tool_calls, max_size=3),
    )
    | st.builds(
        lambda i, c: {"role": "tool", "tool_call_id": i, "content": c}, identities, json_values
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(conversations)
def test_canonical_messages_come_back_unchanged(messages: list[Any]) -> None:
    once = canonical(messages)
    assert canonical(once) == once
    assert canonical(json.loads(json.dumps(once))) == once
    for body in once:
        Message.of(body).body.encode()


WORDS = (
    "role", "content", "parts", "type", "text", "name", "id", "tool_calls", "function", "arguments",
    "args", "input", "tool_call_id", "tool_use_id", "call_id", "toolUse", "toolResult", "output",
    "reasoning", "reasoningContent", "summary", "image_url", "url", "source", "data", "file",
    "kwargs", "lc", "value", "error", "function_call", "media_type",
)  # fmt: skip
NAMES = (
    "user", "assistant", "tool", "system", "text", "tool_call", "tool_use", "tool_result",
    "reasoning", "image_url", "image", "file", "document", "function_call", "function_call_output",
    "input_audio", "blob", "https://x/y", "",
)  # fmt: skip
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=20,
)
messages_of_anything = st.lists(
    st.builds(
        lambda role, body: {**body, "role": role},
        st.sampled_from(NAMES[:4]),
        st.dictionaries(st.sampled_from(WORDS), anything, max_size=5),
    ),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(messages_of_anything | anything)
def test_anything_is_read_or_refused(messages: Any) -> None:
    try:
        bodies = canonical(messages)
    except Undecodable as error:
        assert str(error)
    else:
        assert canonical(bodies) == bodies
        for body in bodies:
            Message.of(body).body.encode()


@settings(max_examples=60, deadline=None)
@given(conversations, conversations)
def test_a_later_turn_leaves_what_went_before_as_it_was(
    history: list[Any], later: list[Any]
) -> None:
    """A history and its continuation share their head: the next call's prefix is this one."""
    opened = [*history, {"role": "user", "content": "next"}]
    turn = [body for body in later if body["role"] != "tool"]
    assert canonical([*opened, *turn])[: len(canonical(opened))] == canonical(opened)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_arguments_survive_with_the_order_of_their_keys(value: dict[str, Any]) -> None:
    for given_as in (value, json.dumps(value)):
        call = {"id": "c", "function": {"name": "f", "arguments": given_as}}
        [body] = canonical([{"role": "assistant", "tool_calls": [call]}])
        text = body["tool_calls"][0]["function"]["arguments"]
        back = json.loads(text)
        assert back == value
        assert list(back) == list(value)


@pytest.mark.parametrize("broken", ['{"a": ', "not json", "[" * 5_000, '{"a": 1e999}', "9" * 5_000])
def test_arguments_that_are_no_json_stay_as_they_are(broken: str) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": broken}}
    [body] = canonical([{"role": "assistant", "tool_calls": [call]}])
    assert body["tool_calls"][0]["function"]["arguments"] == broken


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_no_arguments_are_an_empty_object(nothing: Any) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": nothing}}
    [body] = canonical([{"role": "assistant", "tool_calls": [call]}])
    assert body["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(("file", "field"), SETS)
def test_real_transcripts_are_read_without_a_fault(file: str, field: str) -> None:
    if not (DATA / file).is_file():
        pytest.skip("the larger data sets are not here")
    for record in records(DATA / file):
        bodies = canonical(record[field])
        answered = {body["tool_call_id"] for body in bodies if body["role"] == "tool"}
        called = {call["id"] for body in bodies for call in body.get("tool_calls", ())}
        assert bodies and answered <= called


def records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as raw:
        if path.suffix == ".zst":
            reader: Any = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw)
        else:
            reader = gzip.open(raw)
        for number, line in enumerate(io.TextIOWrapper(reader, encoding="utf-8")):
            if number % 25 == 0:  # some from everywhere: the runs differ
                yield json.loads(line)


def test_what_one_conversation_makes_of_a_message_is_not_seen_by_another() -> None:
    calls = {"role": "assistant", "tool_calls": [{"name": "f", "args": {}}]}
    answer = {"role": "tool", "content": "42"}
    named, numbered = {**answer, "tool_call_id": "theirs"}, {"id": "call_1"}
    first, second = canonical([calls, named]), canonical([calls, answer])
    assert [first[0]["tool_calls"][0]["id"], first[1]["tool_call_id"]] == ["theirs"] * 2
    assert [second[0]["tool_calls"][0]["id"], second[1]["tool_call_id"]] == [numbered["id"]] * 2
    assert canonical([calls], calls_before=6)[0]["tool_calls"][0]["id"] == "call_7"
    assert canonical([calls, named]) == first
