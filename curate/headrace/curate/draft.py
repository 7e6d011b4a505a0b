"""The case in an episode: what is asked, what is right, and who can tell."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headrace.lake.message import Body, text_of

OUTCOME = "outcome"  # scorer of a case that only production can answer


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The question of a case, and what is right: a text, a list of calls, or not known."""

    messages: tuple[Body, ...]
    target: Any
    scorer: str


def draft(
    messages: Sequence[Body],
    trainable: Sequence[bool],
    *,
    success: bool,
    correction: object = None,
    turn: int | None = None,
) -> Draft | None:
    """The case in an episode: what a correction says, else what a success did.

    `turn` is the message that was corrected, where that is known. Without either the whole request
    is the question and only production can tell. None where no turn of the episode was trained on,
    so that there is nothing to ask.
    """
    turns = [i for i, (body, on) in enumerate(zip(messages, trainable, strict=True)) if on]
    if not turns:
        return None
    calling = [i for i in turns if messages[i].get("tool_calls")]
    if correction is not None:
        right = _message(correction)
        last = calling[-1] if calling and right.get("tool_calls") else turns[-1]
        point = last if turn is None else turn
    elif success:
        point = calling[-1] if calling else turns[-1]
        right = messages[point]
    else:
        point, right = turns[0], {}
    target, scorer = _target(right)
    return Draft(messages=tuple(messages[:point]), target=target, scorer=scorer)


def _target(right: Body) -> tuple[Any, str]:
    calls = [call["function"] for call in right.get("tool_calls") or []]
    if calls:
        wanted = [{"name": f["name"], "arguments": f.get("arguments", "")} for f in calls]
        return wanted, "tool_calls"
    text = text_of(right.get("content"))
    return (text, "match") if text.strip() else (None, OUTCOME)


def _message(correction: object) -> Body:
    if isinstance(correction, Mapping):
        return dict(correction)
    return {"role": "assistant", "content": correction}
