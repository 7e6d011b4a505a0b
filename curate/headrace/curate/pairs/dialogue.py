"""What an episode said and did, in the form in which two of them are compared."""

import re
from collections.abc import Sequence

import msgspec

from headrace.curate import unit
from headrace.curate.near.toolcall import answered
from headrace.lake.message import Body, chars, text_of

Key = tuple[str, str, tuple[str, ...]]  # role, text, calls

_TIMED_OUT = re.compile(
    r"\btime[sd]?[ -]?out\b|\btimeout|\bdeadline exceeded\b|\b(?:408|504)\b.{0,40}\bgateway\b",
    re.IGNORECASE,
)
_LOOKED_AT = 400  # characters of a result in which a time-out is told


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call with its arguments, and what came back; None where nothing did."""

    call: str
    result: str | None

    @property
    def timed_out(self) -> bool:
        return self.result is not None and tells_of_time(self.result)


class Dialogue(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of an episode up to its last trained turn."""

    keys: tuple[Key, ...]
    trainable: tuple[bool, ...]  # one per message
    chars: tuple[int, ...]  # of each message, call arguments included
    actions: tuple[Action, ...]  # of the whole episode

    @classmethod
    def of(cls, messages: Sequence[Body], trainable: Sequence[bool]) -> "Dialogue":
        """The dialogue of an episode: what follows the last trained turn can train nothing."""
        own = [
            mark and message["role"] == "assistant"
            for mark, message in zip(trainable, messages, strict=True)
        ]
        end = max((i + 1 for i, mark in enumerate(own) if mark), default=len(own))
        heard = messages[:end]
        return cls(
            keys=tuple(map(key, heard)),
            trainable=tuple(own[:end]),
            chars=tuple(map(chars, heard)),
            actions=tuple(_actions(messages)),
        )

    @property
    def last(self) -> str:
        """The last thing that the assistant said."""
        said = (text for role, text, _ in reversed(self.keys) if role == "assistant")
        return next(said, "")


def key(message: Body) -> Key:
    """What two messages must share to be equal: role, text, calls; ids of calls may differ."""
    written = text_of(message.get("content")).replace("\r\n", "\n").strip()
    return str(message["role"]), written, tuple(map(_call, message.get("tool_calls") or ()))


def tells_of_time(text: str) -> bool:
    """Whether a result says that it did not come in time."""
    return _TIMED_OUT.search(text[:_LOOKED_AT]) is not None


def _call(call: Body) -> str:
    function = call["function"]
    return f"{function['name']} {unit.arguments(function['arguments'])}"


def _actions(messages: Sequence[Body]) -> list[Action]:
    """The calls in order."""
    return [Action(call=_call(call), result=result) for call, result in answered(messages)]
