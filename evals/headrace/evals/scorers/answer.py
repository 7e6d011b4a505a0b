"""What scorers look at: the text that was answered, and every call that was made on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:  # Inspect takes seconds to import, and who only reads the table needs none of it
    from inspect_ai.model import ChatMessage, ChatMessageAssistant
    from inspect_ai.solver import TaskState


class Called(Protocol):
    """A call that was made: Inspect's own, or one read from what a policy wrote."""

    @property
    def function(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def parse_error(self) -> str | None: ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a case; `text` is that of its last message, empty where there is none."""

    text: str
    calls: tuple[Called, ...] = ()  # of all turns since the question, in their order
    question: tuple[ChatMessage, ...] = ()


def answer_of(state: TaskState) -> Answer:
    """The answer in a state, whatever solver gave it: the turns that the question did not hold."""
    asked = () if isinstance(state.input, str) else tuple(state.input)
    calls = (call for turn in _given(state, asked) for call in turn.tool_calls or [])
    return Answer(text=state.output.completion, calls=tuple(calls), question=asked)


def _given(state: TaskState, asked: Iterable[ChatMessage]) -> list[ChatMessageAssistant]:
    known = {message.id for message in asked}
    turns = [message for message in state.messages if message.role == "assistant"]
    given = [turn for turn in turns if turn.id not in known]
    last = state.output.message if state.output.choices else None
    missing = last is not None and all(turn.id != last.id for turn in given)
    return [*given, last] if missing and last is not None else given
