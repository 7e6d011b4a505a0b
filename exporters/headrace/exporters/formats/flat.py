"""The flat view: messages of role and text alone, for trainers that read no tools.

The text is what the chat templates of Hermes, Qwen2.5 and Qwen3 write for tools, so that such a
model is trained on the tokens that it meets when it is served. One difference: without a system
message Qwen2.5 opens with a sentence of its own, and here the tools take its place.
"""

import json
from collections.abc import Sequence
from itertools import groupby

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Lost
from headrace.exporters.formats.said import call_text, in_order
from headrace.exporters.row import Messages
from headrace.lake.message import Body

FAMILY = "Hermes and Qwen (Qwen2.5, Qwen3)"  # whose templates write tools so; for the HOWTO

TOOLS = """\
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{signatures}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


def flat(messages: Messages, tools: str | None, lost: Lost) -> list[Body]:
    r"""`{"role", "content"}` each; assistant turns stay one to one and in their order.

    * Tools, a JSON list, follow the system text after an empty line, as `TOOLS` with a definition
      a line; where no system message opens the talk, they become one. Tells `tools_flattened`.
    * A call is `<tool_call>\n{"name": "...", "arguments": {...}}\n</tool_call>` on lines of its
      own, after the text of its turn. Tells `calls_flattened`.
    * A result is `<tool_response>\n...\n</tool_response>`; results in a row are one user turn, a
      line break between, in the order of their calls, which is what is left of their ids.
    * Reasoning and names of speakers are dropped: `reasoning_dropped`, `name_dropped`.
    """
    made: list[Body] = []
    for result, group in groupby(
        in_order(messages), key=lambda message: bool(message["role"] == "tool")
    ):
        said = [_said(message, lost) for message in group]
        made += [_turn("user", [m["content"] for m in said])] if result else said
    return _with_tools(made, tools, lost) if tools else made


def _said(message: Body, lost: Lost) -> Body:
    for key, code in (("reasoning_content", "reasoning_dropped"), ("name", "name_dropped")):
        if key in message:
            lost(code)
    content = message.get("content") or ""
    calls = message.get("tool_calls") or ()
    if calls or message["role"] == "tool":
        lost("calls_flattened")
    if message["role"] == "tool":
        return _turn("tool", [f"<tool_response>\n{content}\n</tool_response>"])
    return _turn(message["role"], [*filter(None, (content,)), *map(_call, calls)])


def _call(call: Body) -> str:
    return f"<tool_call>\n{call_text(call)}\n</tool_call>"


def _turn(role: str, parts: Sequence[str]) -> Body:
    return {"role": role, "content": "\n".join(parts)}


def _with_tools(messages: list[Body], tools: str, lost: Lost) -> list[Body]:
    lost("tools_flattened")
    told = TOOLS.format(signatures="\n".join(map(text, json.loads(tools))))
    if messages and messages[0]["role"] == "system":
        head, *rest = messages
        return [{"role": "system", "content": f"{head['content']}\n\n{told}"}, *rest]
    return [{"role": "system", "content": told}, *messages]
