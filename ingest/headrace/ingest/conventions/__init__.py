"""The trace conventions that are read: one module each, found by keys, never by versions."""

from collections.abc import Callable

import msgspec

from headrace.ingest.conventions import gen_ai, openinference
from headrace.ingest.conventions.content import Content
from headrace.ingest.telemetry import SpanData
from headrace.lake.record import SpanKind


class Convention(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: Callable[[SpanData], SpanKind | None]  # None: no span of this convention
    content: Callable[[SpanData], Content | None]  # None: no messages of this convention


CONVENTIONS = (  # a span may carry several families: the first that answers is taken
    Convention(
        name="openinference",
        kind=openinference.kind,
        content=openinference.content,
    ),
    Convention(
        name="gen_ai",
        kind=gen_ai.kind,
        content=gen_ai.content,
    ),
)


def kind_of(span: SpanData) -> tuple[SpanKind, str]:
    """What a span stands for, and the convention that says so; `other`, `none` where none does."""
    for convention in CONVENTIONS:
        kind = convention.kind(span)
        if kind is not None:
            return kind, convention.name
    return "other", "none"


def content_of(span: SpanData) -> tuple[Content, str] | None:
    """The messages of a model call and the convention they came in; None where there are none."""
    found = ((convention.content(span), convention.name) for convention in CONVENTIONS)
    read = [(content, name) for content, name in found if content is not None]
    return next((item for item in read if item[0].input), next(iter(read), None))
