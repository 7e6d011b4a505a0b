"""The parts of a message, one table per kind: what a dialect writes and what it means."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.errors import Undecodable
from headrace.ingest.parts import Gathered, arguments, call, gather, result, result_text
from headrace.lake.message import Body


def gathered(content: object) -> Gathered:
    found = Gathered()
    gather(content, found, "content")
    return found


def media(part: Body) -> Any:
    """The one medium of a part that holds nothing else."""
    found = gathered(part)
    assert not (found.texts or found.calls or found.results or found.reasoning)
    [medium] = found.media
    return medium


@pytest.mark.parametrize(
    "part",
    [
        "hi",
        {"type": "text", "text": "hi"},
        {"type": "text", "content": "hi"},
        {"type": "input_text", "text": "hi"},
        {"type": "output_text", "text": "hi", "annotations": []},
        {"type": "refusal", "refusal": "hi"},
        {"text": "hi"},
        {"content": "hi"},
        [["hi"]],
    ],
)
def test_text_in_every_dialect(part: Any) -> None:
    assert gathered(part).texts == gathered([part]).texts == ["hi"]


@pytest.mark.parametrize("part", [None, [], {"type": "text"}, {"type": "text", "text": None}])
def test_a_part_without_text_says_nothing(part: Any) -> None:
    found = gathered(part)
    assert not (found.texts or found.media)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (3, "content is int: give text or a list of parts"),
        (True, "content is bool"),
        (["a", ["b", 4.5]], r"content\[1\]\[1\] is float"),
        ([{"type": "text", "text": {"a": 1}}], r"content\[0\].text is dict: give a string"),
        ([{"type": "text", "text": ["a"]}], r"content\[0\].text is list"),
        ([{"type": "tool_use", "id": "c"}], r"content\[0\] names no function"),
        ([{"type": "tool_use", "name": ""}], r"content\[0\] names no function"),
        ([{"type": "tool_call", "name": 7}], r"content\[0\] names no function"),
    ],
)
def test_what_is_no_part_is_refused_by_its_place(content: Any, fault: str) -> None:
    with pytest.raises(Undecodable, match=fault):
        gathered(content)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"b": 1}},
        {"type": "tool_call", "id": "c1", "name": "f", "arguments": '{"b":1}'},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"b": 1}},
        {"type": "tool-call", "toolCallId": "c1", "toolName": "f", "input": {"b": 1}},
        {"type": "tool-call", "toolCallId": "c1", "toolName": "f", "args": {"b": 1}},
        {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"b": 1}}},
        {"type": "function_call", "call_id": "c1", "id": "fc", "name": "f", "arguments": '{"b":1}'},
        {"type": "function", "id": "c1", "function": {"name": "f", "arguments": '{"b": 1}'}},
    ],
)  # fmt: skip
def test_a_call_in_every_dialect(part: Body) -> None:
    function = {"name": "f", "arguments": '{"b": 1}'}
    assert gathered(part).calls == [{"id": "c1", "type": "function", "function": function}]


@pytest.mark.parametrize(
    "raw",
    [
        {"name": "f", "args": {}, "id": "c"},  # LangChain
        {"function": "f", "args": {}, "id": "c"},  # AgentDojo
        {"id": "c", "type": "custom", "custom": {"name": "f", "input": ""}},  # OpenAI
        {"call_id": "c", "id": "fc_9", "name": "f"},  # Responses: the result names call_id
        {"tool_call_id": "c", "tool_name": "f", "parameters": {}},
    ],
)
def test_an_entry_of_tool_calls_in_every_dialect(raw: Body) -> None:
    made = call(raw, "x")
    assert (made["id"], made["function"]) == ("c", {"name": "f", "arguments": "{}"})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "{}"),
        ("", "{}"),
        ("{}", "{}"),
        ("null", "null"),
        (0, "0"),
        (False, "false"),
        ([], "[]"),
        ('{"z":1,"a":{"y":2,"b":3}}', '{"z": 1, "a": {"y": 2, "b": 3}}'),
        ('{"a":"\\u00e9\\u65e5"}', '{"a": "é日"}'),
        (' { "a" : 1 } ', '{"a": 1}'),
        ('{"a": 1', '{"a": 1'),
        ("Paris", "Paris"),
        ({"a": float("inf")}, "{'a': inf}"),
        ('{"a": NaN}', '{"a": "NaN"}'),
    ],
)
def test_arguments_are_json_in_the_models_order_or_its_own_words(given: Any, text: str) -> None:
    assert arguments(given) == text


@settings(max_examples=60, deadline=None)
@given(st.text() | st.dictionaries(st.text(max_size=3), st.integers() | st.text(), max_size=4))
def test_arguments_once_written_stay_as_they_are(given: Any) -> None:
    once = arguments(given)
    assert arguments(once) == once


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_call_response", "id": "c1", "response": "r"},
        {"type": "tool_call_response", "id": "c1", "result": "r"},
        {"type": "tool_result", "tool_use_id": "c1", "content": "r"},
        {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "r"}]},
        {"type": "tool-result", "toolCallId": "c1", "output": {"type": "text", "value": "r"}},
        {"type": "tool-result", "toolCallId": "c1", "result": "r"},
        {"type": "function_call_output", "call_id": "c1", "output": "r"},
        {"toolResult": {"toolUseId": "c1", "status": "success", "content": [{"text": "r"}]}},
    ],
)
def test_a_result_in_every_dialect(part: Body) -> None:
    expected = {"role": "tool", "tool_call_id": "c1", "content": "r"}
    assert gathered([part]).results == [expected]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ("as it is {}", "as it is {}"),
        (["a", {"type": "output_text", "text": "b"}, {"content": "c"}], "a\nb\nc"),
        ([], "[]"),
        ([{"type": "text", "text": "a"}, {"type": "image"}],
         '[{"type": "text", "text": "a"}, {"type": "image"}]'),
        ([{"type": "text", "text": 1}], '[{"type": "text", "text": 1}]'),
        ({"type": "error-text", "value": "no such file"}, "no such file"),
        ({"type": "json", "value": {"b": 1, "a": [2]}}, '{"b": 1, "a": [2]}'),
        ({"type": "json", "value": None}, "null"),
        ({"type": "json", "value": 1, "more": 2}, '{"type": "json", "value": 1, "more": 2}'),
        ({"output": {"type": "tool", "content": ["x", "y"], "tool_call_id": "c"}}, "x\ny"),
        ({"output": {"type": "tool", "content": "x"}, "n": 1},
         '{"output": {"type": "tool", "content": "x"}, "n": 1}'),
        ({"output": "x"}, '{"output": "x"}'),
        ({"result": {"é": 1}}, '{"result": {"é": 1}}'),
        (1.5, "1.5"),
        (True, "true"),
    ],
)  # fmt: skip
def test_a_result_is_the_text_that_the_model_read(value: Any, text: str) -> None:
    assert result_text(value) == text


def test_a_result_without_bounds_is_still_text() -> None:
    assert result_text(float("nan")) == "nan"
    assert result_text({"type": "json", "value": float("inf")}) == "inf"


@pytest.mark.parametrize(("identity", "told"), [(None, ""), ("", ""), ("c", "c"), (7, "7")])
def test_the_id_of_a_result_is_text(identity: object, told: str) -> None:
    assert result(identity, "r")["tool_call_id"] == told


@pytest.mark.parametrize(
    "part",
    [
        {"type": "reasoning", "content": "hm"},
        {"type": "reasoning", "text": "hm"},
        {"type": "thinking", "thinking": "hm", "signature": "xyz"},
        {"type": "thinking", "content": "hm"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "xyz"}}},
    ],
)
def test_reasoning_in_every_dialect_stays_out_of_the_text(part: Body) -> None:
    found = gathered(part)
    assert (found.reasoning, found.texts, found.media) == (["hm"], [], [])


@pytest.mark.parametrize(
    "part",
    [
        {"type": "redacted_thinking", "data": "c2VjcmV0"},
        {"type": "reasoning", "summary": [], "encrypted_content": "c2VjcmV0"},
        {"type": "thinking", "thinking": ""},
        {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
    ],
)
def test_reasoning_that_nobody_can_read_is_left_out(part: Body) -> None:
    found = gathered(part)
    assert not (found.reasoning or found.texts or found.media)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/4AAQSkZJRg", "image/jpeg"),
        ("R0lGODlhAQAB", "image/gif"),
        ("UklGRiIAAABXRUJQ", "image/webp"),
        ("JVBERi0xLjQ", "application/pdf"),
        ("AAAAGGZ0eXA", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("told", [{}, {"mime_type": None}, {"mediaType": "image/*"}])
def test_a_missing_media_type_is_told_by_the_first_bytes(told: Body, head: str, kind: str) -> None:
    url = media({"type": "blob", "content": head, **told})["image_url"]["url"]
    assert url == f"data:{kind};base64,{head}"


@pytest.mark.parametrize("key", ["mime_type", "media_type", "mediaType", "mimeType"])
def test_a_media_type_that_is_told_is_believed(key: str) -> None:
    made = media({"type": "blob", "content": "iVBORw0KGgo", key: "image/x-own"})
    assert made["image_url"]["url"] == "data:image/x-own;base64,iVBORw0KGgo"


@pytest.mark.parametrize(
    ("part", "url"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x/y"}}, "https://x/y"),
        ({"type": "input_image", "image_url": "https://x/y"}, "https://x/y"),
        ({"type": "uri", "uri": "gs://bucket/o", "modality": "image"}, "gs://bucket/o"),
        ({"type": "image", "image": "http://x/y"}, "http://x/y"),
        ({"type": "image", "image": "data:image/gif;base64,R0"}, "data:image/gif;base64,R0"),
        ({"type": "image", "source": {"type": "url", "url": "https://x/y"}}, "https://x/y"),
        ({"type": "document", "source": {"media_type": "application/pdf", "data": "JVBE"}},
         "data:application/pdf;base64,JVBE"),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE"}},
         "data:application/pdf;base64,JVBE"),
        ({"type": "input_file", "file_data": "JVBERi0"}, "data:application/pdf;base64,JVBERi0"),
        ({"type": "own", "source": {"media_type": "image/png", "data": "iVB"}},
         "data:image/png;base64,iVB"),
    ],
)  # fmt: skip
def test_media_in_every_dialect_are_urls(part: Body, url: str) -> None:
    assert media(part) == {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        ({"type": "file", "file_id": "f-1"}, {"type": "file", "file": {"file_id": "f-1"}}),
        ({"type": "input_file", "file": {"file_id": "f-1"}},
         {"type": "file", "file": {"file_id": "f-1"}}),
        ({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
         {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}),
    ],
)  # fmt: skip
def test_files_and_sound_keep_their_reference(part: Body, kept: Body) -> None:
    assert media(part) == kept


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "compaction", "content": "a summary that nobody said"}, "compaction"),
        ({"type": "server_tool_call", "id": "s", "name": "web"}, "server_tool_call"),
        ({"type": "generic", "generic_type": "own"}, "generic"),
        ({"type": "image", "image": {"url": {"url": 3}}}, "image"),
        ({"cachePoint": {"type": "default"}}, "cachePoint"),
        ({}, "unknown"),
        ({"type": 5}, "5"),
    ],
)
def test_what_is_not_known_stays_as_its_type_alone(part: Body, kind: str) -> None:
    assert media(part) == {"type": kind}


def test_kinds_are_sorted_and_keep_their_order() -> None:
    found = gathered(
        [
            {"type": "text", "text": "one"},
            {"type": "tool_use", "id": "a", "name": "f", "input": {}},
            {"type": "thinking", "thinking": "hm"},
            {"type": "image", "image": "https://x/1"},
            {"type": "text", "text": "two"},
            {"type": "tool_use", "id": "b", "name": "g", "input": {}},
            {"type": "image", "image": "https://x/2"},
        ]
    )
    assert found.texts == ["one", "two"]
    assert [entry["id"] for entry in found.calls] == ["a", "b"]
    assert [part["image_url"]["url"] for part in found.media] == ["https://x/1", "https://x/2"]
