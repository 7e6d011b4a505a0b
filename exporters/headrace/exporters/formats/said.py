"""Messages in the forms that several dialects share."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from headrace.exporters.call import arguments, text
from headrace.exporters.formats.dialect import Lost, Record, Shape
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body

ASKS = ("user", "tool")  # roles in odd places of a conversation
ANSWERS = ("assistant",)  # and in even ones


def without_reasoning(messages: Messages, lost: Lost) -> list[Body]:
    """Canonical messages, arguments as text, without `reasoning_content`."""
    return [_bare(message, lost) for message in messages]


def with_texts(messages: Messages, lost: Lost) -> list[Body]:
    """Arguments as text, empty text for a turn of calls alone, no reasoning; results `in_order`."""
    return [_with_text(message, lost) for message in in_order(messages)]


def with_objects(messages: Messages, lost: Lost) -> list[Body]:
    """Arguments as objects, empty text for a turn of calls alone, no reasoning; results
    `in_order`."""
    return [_with_objects(message, lost) for message in in_order(messages)]


def marked(
    messages: Sequence[Body], trainable: Sequence[bool], mark: Callable[[bool], Body]
) -> list[Body]:
    """Assistant turns with the keys that tell whether they train; other messages as they are."""
    return [
        {**message, **mark(on)} if message["role"] == "assistant" else message
        for message, on in zip(messages, trainable, strict=True)
    ]


def in_order(messages: Messages) -> Messages:
    """Results of one step in the order of their calls: all that is left of ids that are dropped,
    by a dialect or by the template of a model, as those of Hermes, Qwen and Llama do."""
    made: list[Body] = []
    asked: list[str] = []
    for result, group in groupby(messages, key=lambda message: bool(message["role"] == "tool")):
        said = [*group]
        made += sorted(said, key=lambda m: _place(m, asked)) if result else said
        asked = [call["id"] for call in said[-1].get("tool_calls") or ()]
    return tuple(made)


def alternating(messages: Sequence[Body]) -> bool:
    """Whether, after a system text or none, somebody asks and the assistant answers, in turn; the
    results of one step are one of those who ask."""
    said = messages[1:] if messages and messages[0]["role"] == "system" else messages
    roles = [role for role, before in _steps(said) if not role == before == "tool"]
    return all(role in (ASKS, ANSWERS)[at % 2] for at, role in enumerate(roles))


def turns(row: Row) -> Iterator[tuple[Messages, Body]]:
    """Of a row of `sft` each trained turn with all that was said before it."""
    for at, (message, mark) in enumerate(zip(row.messages, row.trainable, strict=True)):
        if mark:
            yield row.messages[:at], message


def ending_on(row: Row) -> Iterator[Messages]:
    """Of a row of `sft` a conversation for each trained turn, which ends on it."""
    for prompt, turn in turns(row):
        yield (*prompt, turn)


def call_text(call: Body) -> str:
    """A call as one JSON object with the arguments as they were written."""
    function = call["function"]
    return f'{{"name": {text(function["name"])}, "arguments": {function["arguments"]}}}'


def margin(row: Row, shape: Shape, lost: Lost) -> Record:
    """The column of a row for `rm`, which all rows of a set have or none."""
    if shape.margin:
        return {"margin": row.margin}
    if row.margin is not None:
        lost("margin_dropped")
    return {}


def unmarked(row: Row, lost: Lost) -> Iterator[tuple[Messages, Body]]:
    """`turns` for a service that does not tell whether it trains the last turn of a record alone:
    what must not train may do so there."""
    if row.is_masked:
        lost("mask_inexpressible")
    if sum(message["role"] == "assistant" for message in row.messages) > 1:
        lost("mask_unrolled")
    return turns(row)


def _place(result: Body, asked: Sequence[str]) -> int:
    """Of the call that a result answers."""
    name = result.get("tool_call_id", "")
    return asked.index(name) if name in asked else len(asked)


def _steps(messages: Sequence[Body]) -> Iterator[tuple[str, str]]:
    """The role of each message and that of the one before it."""
    before = ""
    for message in messages:
        yield message["role"], before
        before = message["role"]


def _with_text(message: Body, lost: Lost) -> Body:
    made = _bare(message, lost)
    # Null raises in some templates; key order is the canonical one, `content` second.
    if "content" not in made:
        lost("content_filled")
    return {"role": made.pop("role"), "content": made.pop("content", ""), **made}


def _with_objects(message: Body, lost: Lost) -> Body:
    made = _with_text(message, lost)
    if "tool_calls" in message:
        made["tool_calls"] = [_with_object(call) for call in message["tool_calls"]]
    return made


def _bare(message: Body, lost: Lost) -> Body:
    if "reasoning_content" in message:
        lost("reasoning_dropped")
    return {key: value for key, value in message.items() if key != "reasoning_content"}


def _with_object(call: Body) -> Body:
    function = {"name": call["function"]["name"], "arguments": arguments(call)}
    return {**call, "function": function}
