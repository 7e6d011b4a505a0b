"""Canonical messages and tool definitions as Inspect's, nothing lost that a model would read."""

from inspect_ai.model import ChatMessageAssistant, ChatMessageTool, ContentImage, ContentText

from headrace.evals.solver import chat, tool_infos


def test_a_conversation_with_tools_keeps_roles_calls_and_results() -> None:
    call = {"id": "c7", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}
    messages = chat(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c7", "content": "found"},
        ]
    )
    assert [m.role for m in messages] == ["system", "system", "user", "assistant", "tool"]
    asking, result = messages[3], messages[4]
    assert isinstance(asking, ChatMessageAssistant) and isinstance(result, ChatMessageTool)
    [made] = asking.tool_calls or []
    assert (made.id, made.function, made.arguments) == ("c7", "look", {"q": 1})
    assert (result.tool_call_id, result.function, result.text) == ("c7", "look", "found")


def test_arguments_that_are_no_object_are_kept_as_they_were_written() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{broken"}}
    [message] = chat([{"role": "assistant", "content": "", "tool_calls": [call]}])
    assert isinstance(message, ChatMessageAssistant)
    [made] = message.tool_calls or []
    assert made.arguments == {"arguments": "{broken"}


def test_an_image_stays_an_image() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    [message] = chat([{"role": "user", "content": [{"type": "text", "text": "See:"}, image]}])
    assert message.content == [
        ContentText(text="See:"),
        ContentImage(image="data:image/png;base64,AAAA"),
    ]


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    [message] = chat([{"role": "user", "content": parts}])
    assert message.content == "one\ntwo"


def test_tool_definitions_keep_their_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"q": {"type": "string", "enum": ["a", "b"]}, "n": {"type": ["integer"]}},
        "required": ["q"],
    }
    look = {"type": "function", "function": {"name": "look", "parameters": schema}}
    bare = {"type": "function", "function": {"name": "bare"}}
    found, empty = tool_infos([look, bare])
    assert (found.name, found.description) == ("look", "look")
    assert found.parameters.required == ["q"]
    assert found.parameters.properties["q"].enum == ["a", "b"]
    assert empty.parameters.properties == {}
