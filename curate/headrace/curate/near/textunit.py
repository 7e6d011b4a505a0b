"""The four texts an episode is compared by, one of each: request, skeleton, transcript, context.

Whole conversations share system prompts and schemas, so that everything would resemble everything.
The calls of an agent are rows of its episode: call k + 1 repeats call k, and comparing calls would
melt a run into one record.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from xxhash import xxh3_128_hexdigest

from headrace.curate import unit
from headrace.curate.near.mask import MASK, masked, slots
from headrace.curate.near.skeleton import skeleton
from headrace.curate.near.toolcall import enums, tool_calls
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

    request: TextUnit | None  # U1
    skeleton: TextUnit | None  # U2: no tool was called
    transcript: TextUnit | None  # U3
    context: TextUnit | None  # U4: neither system prompt nor tools are known
    wording: str | None  # hash of the request as it was worded, unmasked

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
        asked = task or unit.request_text(messages, trainable)
        return cls(
            request=_unit("request", _shape(asked, values, named=bool(task))),
            skeleton=_unit("skeleton", skeleton(calls, known)),
            transcript=_unit("transcript", masked(transcript(messages), values)),
            context=_unit("context", context(messages, tools)),
            wording=unit.request_hash(asked),
        )


class Wordings:
    """One masked text for each wording of a request: that of the first episode that asked so.

    Masks hold the values that a run called tools with. Two runs of one request may call with
    different ones, above all where one of them failed: they must not part for that.
    """

    def __init__(self, known: Mapping[str, TextUnit] | None = None) -> None:
        self.known = dict(known or {})  # by wording; to be kept from night to night

    def settled(self, units: Units) -> Units:
        """The units of the next episode, its request as it was masked at first."""
        if units.wording is None or units.request is None:
            return units
        first = self.known.setdefault(units.wording, units.request)
        return msgspec.structs.replace(units, request=first)


def transcript(messages: Iterable[Body]) -> str:
    """What was said and done, calls included, without system prompt and schemas."""
    heard = (message for message in messages if message["role"] != "system")
    return "\n".join(part for message in heard for part in _parts(message) if part)


def context(messages: Iterable[Body], tools: Sequence[Body] | None) -> str:
    """The hash of system prompt and tool schemas, whatever the order of these."""
    told = any(message["role"] == "system" for message in messages)
    return unit.context_hash(messages, tools) if told or tools else ""


def _parts(message: Body) -> Iterator[str]:
    yield text_of(message.get("content"))
    for call in message.get("tool_calls") or ():
        yield f"{call['function']['name']} {unit.arguments(call['function']['arguments'])}"


def _shape(asked: str, values: Iterable[str], *, named: bool) -> str:
    """A request masked. A name of one word stays: `airline/12` and `airline/13` are two tasks."""
    return unit.norm(asked) if named and len(asked.split()) == 1 else masked(asked, values)


def _unit(kind: Kind, text: str) -> TextUnit | None:
    return TextUnit(kind=kind, text=text) if text else None
