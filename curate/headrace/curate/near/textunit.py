"""The four texts an episode is compared by, one of each: request, skeleton, transcript, context.

Whole conversations share system prompts and schemas, so that everything would resemble everything.
The calls of an agent are rows of its episode: call k + 1 repeats call k, and comparing calls would
melt a run into one record.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec
from xxhash import xxh3_128_hexdigest

from headrace.curate import unit
from headrace.curate.near.mask import MASK, masked, masked_norm, slots
from headrace.curate.near.skeleton import skeleton
from headrace.curate.near.toolcall import enums, tool_calls
from headrace.ingest.memo import Memo
from headrace.lake.message import Body, text_of

VERSION = f"{unit.NORM} {MASK}"

Kind = Literal["request", "skeleton", "transcript", "context"]


class TextUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A normalised, masked text; equal hashes are exact duplicates."""

    kind: Kind
    text: str
    version: str = VERSION

    @property
    def text_hash(self) -> str:
        """xxh3_128 of kind, version and text, in hex; the same on every machine."""
        keyed = f"{self.kind} {self.version}\n{self.text}"
        return xxh3_128_hexdigest(keyed.encode("utf-8", "surrogatepass"))


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """The units of one episode; None where there is nothing to compare."""

    request: TextUnit | None  # U1: the product's name of the task where it gave one, else `asked`
    asked: TextUnit | None  # in the words of the user
    skeleton: TextUnit | None  # U2: no tool was called
    transcript: TextUnit | None  # U3
    context: TextUnit | None  # U4: neither system prompt nor tools are known
    wording: str | None  # hash of the request before it was masked
    words: str | None  # the same of `asked`

    @classmethod
    def of(
        cls,
        messages: Sequence[Body],
        trainable: Sequence[bool],
        tools: Sequence[Body] | None = None,
        task: str | None = None,
    ) -> "Units":
        """Of an episode; `task` is the product's own name of what was asked, if it gave one."""
        calls, known = tool_calls(messages), enums(tools or ())
        values = slots((call.arguments for call in calls), frozenset().union(*known.values()))
        said = unit.request_text(messages, trainable)
        asked = _unit("request", masked(said, values))
        return cls(
            request=_unit("request", _named(task, values)) if task else asked,
            asked=asked,
            skeleton=_unit("skeleton", skeleton(calls, known)),
            transcript=_unit("transcript", masked_norm(transcript(messages), values)),
            context=_unit("context", context(messages, tools)),
            wording=unit.request_hash(task or said),
            words=unit.request_hash(said),
        )


def transcript(messages: Iterable[Body]) -> str:
    """What was said and done, calls included, without system prompt and schemas; normalised.

    Part by part, which is the same: most are ASCII, and those that are not take ten times as long.
    """
    heard = (message for message in messages if message["role"] != "system")
    parts = (unit.norm(part) for message in heard for part in _parts(message))
    return " ".join(part for part in parts if part)


def context(messages: Iterable[Body], tools: Sequence[Body] | None) -> str:
    """The hash of system prompt and tool schemas, whatever the order of these."""
    system = [message for message in messages if message["role"] == "system"]
    if not (system or tools):
        return ""
    return _known_context([system, list(tools or ())])


def _context(told: tuple[list[Body], list[Body]]) -> str:
    return unit.context_hash(*told)


_known_context = Memo(_context)


def _parts(message: Body) -> Iterator[str]:
    yield text_of(message.get("content"))
    for call in message.get("tool_calls") or ():
        yield f"{call['function']['name']} {unit.arguments(call['function']['arguments'])}"


def _named(task: str, values: Iterable[str]) -> str:
    """A name of one word stays as it is: `airline/12` and `airline/13` are two tasks."""
    return unit.norm(task) if len(task.split()) == 1 else masked(task, values)


def _unit(kind: Kind, text: str) -> TextUnit | None:
    return TextUnit(kind=kind, text=text) if text else None
