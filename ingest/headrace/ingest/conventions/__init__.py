"""The trace conventions that are read: one module each, found by keys, never by versions."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Self

import msgspec

from headrace.ingest.conventions import (
    ai_sdk,
    claude_code,
    content_events,
    gen_ai,
    google_adk,
    langfuse,
    langsmith,
    logfire,
    message_events,
    mlflow,
    openinference,
    prompt_n,
    pydantic_ai,
    traceloop,
)
from headrace.ingest.conventions.content import Content
from headrace.ingest.telemetry import SpanData
from headrace.lake.record import SpanKind

Kind = Callable[[SpanData], SpanKind | None]  # None: no span of this convention
Read = Callable[[SpanData], Content | None]  # None: no messages of this convention
Facts = Callable[[SpanData], Mapping[str, object]]  # fields of `aliases.ALIASES` -> values


class Convention(msgspec.Struct, frozen=True, kw_only=True):
    """What a module knows; what it does not is left out."""

    name: str
    heads: frozenset[str]  # first words of its keys: a span without any of them is none of its
    kind: Kind | None = None
    content: Read | None = None
    facts: Facts | None = None  # what no alias finds, because it stands in JSON or needs a sum
    reading: int = 0  # its turn where a span carries the messages of several


# In the order in which they are asked for the kind of a span: families live side by side on one.
CONVENTIONS = (
    Convention(
        name="openinference",
        heads=frozenset(("openinference", "llm")),
        kind=openinference.kind,
        content=openinference.content,
        facts=openinference.facts,
        reading=1,
    ),
    Convention(
        name="claude_code",
        heads=frozenset(("span",)),
        kind=claude_code.kind,
        facts=claude_code.facts,
    ),
    Convention(
        name="langsmith",
        heads=frozenset(("langsmith",)),
        kind=langsmith.kind,
        content=langsmith.content,
        facts=langsmith.facts,
        reading=5,
    ),
    Convention(
        name="langfuse",
        heads=frozenset(("langfuse",)),
        kind=langfuse.kind,
        content=langfuse.content,
        facts=langfuse.facts,
        reading=4,
    ),
    Convention(
        name="mlflow",
        heads=frozenset(("mlflow",)),
        kind=mlflow.kind,
        content=mlflow.content,
        facts=mlflow.facts,
        reading=6,
    ),
    Convention(
        name="ai_sdk",
        heads=frozenset(("ai",)),
        kind=ai_sdk.kind,
        content=ai_sdk.content,
        reading=3,
    ),
    Convention(
        name="traceloop",
        heads=frozenset(("traceloop",)),
        kind=traceloop.kind,
        facts=traceloop.facts,
    ),
    Convention(
        name="gen_ai",
        heads=frozenset(("gen_ai",)),
        kind=gen_ai.kind,
        content=gen_ai.content,
        reading=2,
    ),
    Convention(
        name="prompt_n",
        heads=frozenset(("gen_ai", "llm")),
        kind=prompt_n.kind,
        content=prompt_n.content,
        reading=7,
    ),
    Convention(
        name="google_adk",
        heads=frozenset(("gcp",)),
        kind=google_adk.kind,
        content=google_adk.content,
        facts=google_adk.facts,
        reading=11,
    ),
    Convention(
        name="pydantic_ai",
        heads=frozenset(("agent_name", "tool_arguments")),
        kind=pydantic_ai.kind,
    ),
    Convention(
        name="logfire",
        heads=frozenset(("logfire",)),
        kind=logfire.kind,
        facts=logfire.facts,
    ),
    Convention(
        name="events_json",
        heads=frozenset(("events",)),
        content=message_events.attribute,
        reading=8,
    ),
    Convention(
        name="gen_ai_message_events",
        heads=frozenset(("gen_ai",)),
        content=message_events.messages,
        facts=message_events.facts,
        reading=9,
    ),
    Convention(
        name="gen_ai_event",
        heads=frozenset(("gen_ai",)),
        content=message_events.details,
        reading=10,
    ),
    Convention(
        name="gen_ai_content_events",
        heads=frozenset(("gen_ai",)),
        content=content_events.content,
        reading=12,
    ),
)


class Among(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked about a span, each for what it knows, in its turn."""

    kinds: tuple[tuple[str, Kind], ...]
    contents: tuple[tuple[str, Read], ...]
    facts: tuple[Facts, ...]

    @classmethod
    def of(cls, conventions: Iterable[Convention]) -> Self:
        given = list(conventions)
        turns = sorted(given, key=lambda convention: convention.reading)
        return cls(
            kinds=tuple((one.name, one.kind) for one in given if one.kind),
            contents=tuple((one.name, one.content) for one in turns if one.content),
            facts=tuple(one.facts for one in given if one.facts),
        )


ALL = Among.of(CONVENTIONS)
_HEADS = frozenset(head for convention in CONVENTIONS for head in convention.heads)


def candidates(span: SpanData) -> Among:
    """The conventions that a span can be of, by the first words of its keys."""
    return _among(_HEADS.intersection({key.partition(".")[0] for key in span.attributes}))


@cache  # there are few sets of these words, whatever is sent
def _among(heads: frozenset[str]) -> Among:
    return Among.of(one for one in CONVENTIONS if not one.heads.isdisjoint(heads))


def kind_of(span: SpanData, among: Among = ALL) -> tuple[SpanKind, str]:
    """What a span stands for, and the convention that says so; `other`, `none` where none does."""
    for name, kind in among.kinds:
        found = kind(span)
        if found is not None:
            return found, name
    return "other", "none"


def content_of(span: SpanData, among: Among = ALL) -> tuple[Content, str] | None:
    """The messages of a model call and the convention they came in; None where there are none.

    The first that has an input is taken, else the first that has anything.
    """
    first: tuple[Content, str] | None = None
    for name, read in among.contents:
        content = read(span)
        if content is not None and content.input:
            return content, name
        if content is not None and first is None:
            first = content, name
    return first


def facts_of(span: SpanData, among: Among = ALL) -> Mapping[str, object]:
    """What conventions say of a span beside its aliases, the first to say it wins."""
    found: dict[str, object] = {}
    for facts in reversed(among.facts):
        found.update(facts(span))
    return found
