"""The answer in what a policy wrote: messages of whichever trainer, or bare text with its marks."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from headrace.evals.scorers.answer import Answer
from headrace.lake.message import Body, text_of

# As Hermes and Qwen write a call; one that was cut is a call that cannot be read.
_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
# Reasoning, whether its beginning was written or is part of the template, whether it ends or not.
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)|\A(?:(?!<think>).)*?</think>", re.DOTALL)
# Results of tools in decoded text, which has lost the marks of turns but not the names of roles.
_RESULTS = re.compile(
    r"(?:\buser\n)?(?:<tool_response>.*?</tool_response>\s*)+(?:assistant\n)?", re.DOTALL
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call as the scorers read it; without a name and arguments where it cannot be read."""

    function: str
    arguments: Body = {}
    parse_error: str | None = None


def answer(turns: Iterable[Mapping[str, Any]]) -> Answer:
    """The text of the last assistant turn and the calls of all, reasoning left aside.

    `turns` follow the question: messages in OpenAI's shape, where `arguments` may be an object.
    Where a turn has no `tool_calls` of its own, they are read from its text.
    """
    read = [_turn(turn) for turn in turns if turn.get("role") == "assistant"]
    calls = tuple(call for _, made in read for call in made)
    return Answer(text=read[-1][0] if read else "", calls=calls)


def turns_in(text: str) -> list[Body]:
    """The assistant turns of decoded text, in which results of tools may stand between them."""
    return [{"role": "assistant", "content": said} for said in _RESULTS.split(text)]


def _turn(turn: Mapping[str, Any]) -> tuple[str, list[Call]]:
    """The text of a turn, and its calls."""
    said = text_of(turn.get("content"))
    thought = _THOUGHT.sub("", said, count=1)
    said = said if thought == said else thought.strip()
    if given := turn.get("tool_calls"):
        return said, [_given(call) for call in given]
    written = list(_written(said))
    return (_CALL.sub("", said).strip(), written) if written else (said, [])


def _written(text: str) -> Iterator[Call]:
    for found in _CALL.finditer(text):
        try:
            function = json.loads(found[1])
            yield _call(function["name"], function["arguments"])
        except (ValueError, TypeError, KeyError, RecursionError):
            yield Call(function="", parse_error=f"no call: {found[1][:200]}")


def _given(call: Mapping[str, Any]) -> Call:
    """A call of OpenAI's shape, or one without `function` around name and arguments."""
    inner = call.get("function")
    function = inner if isinstance(inner, Mapping) else call
    return _call(function.get("name"), function.get("arguments"))


def _call(name: object, arguments: object) -> Call:
    found = _parsed(arguments) if isinstance(arguments, str) else arguments or {}
    named = name if isinstance(name, str) else ""
    if not named or not isinstance(found, Mapping):
        return Call(function=named, parse_error=f"no call: {name} with {arguments}"[:200])
    return Call(function=named, arguments=dict(found))


def _parsed(arguments: str) -> object:
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        return None
