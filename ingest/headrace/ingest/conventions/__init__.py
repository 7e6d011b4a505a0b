"""The trace conventions that are read: one module each, found by keys, never by versions."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from headrace.ingest.conventions import gen_ai, openinference
from headrace.ingest.conventions.content import Content
from headrace.ingest.telemetry import SpanData
from headrace.lake.record import SpanKind


class Convention(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    heads: frozenset[str]  # first words of its keys: a span without any of them is none of its
    kind: Callable[[SpanData], SpanKind | None]  # None: no span of this convention
    content: Callable[[SpanData], Content | None]  # None: no messages of this convention


CONVENTIONS = (  # a span may carry several families: the first that answers is taken
    Convention(
        name="openinference",
        heads=frozenset(("openinference", "llm")),
        kind=openinference.kind,
        content=openinference.content,
    ),
    Convention(
        name="gen_ai",
        heads=frozenset(("gen_ai", "llm")),
        kind=gen_ai.kind,
        content=gen_ai.content,
    ),
)


def candidates(span: SpanData) -> Sequence[Convention]:
    """The conventions that a span can be of, by the first words of its keys."""
    heads = {key.partition(".")[0] for key in span.attributes}
    return [convention for convention in CONVENTIONS if not convention.heads.isdisjoint(heads)]


def kind_of(span: SpanData, among: Iterable[Convention] = CONVENTIONS) -> tuple[SpanKind, str]:
    """What a span stands for, and the convention that says so; `other`, `none` where none does."""
    for convention in among:
        kind = convention.kind(span)
        if kind is not None:
            return kind, convention.name
    return "other", "none"


def content_of(
    span: SpanData, among: Iterable[Convention] = CONVENTIONS
) -> tuple[Content, str] | None:
    """The messages of a model call and the convention they came in; None where there are none."""
    first: tuple[Content, str] | None = None
    for convention in among:
        content = convention.content(span)
        if content is not None and content.input:
            return content, convention.name
        if content is not None and first is None:
            first = content, convention.name
    return first
