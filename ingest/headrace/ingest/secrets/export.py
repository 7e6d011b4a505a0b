"""Secrets in decoded telemetry and in posted lines."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from headrace.ingest.batch import Batch
from headrace.ingest.jsontext import crowded, deep, whole, written
from headrace.ingest.secrets import keyname, text
from headrace.ingest.secrets.tree import Stripper
from headrace.ingest.telemetry import Attributes, EventData, Export, LogData, SpanData
from headrace.lake.record import Episode, Span

Marked = TypeVar("Marked", Episode, Span)
Resources = dict[int, tuple[Attributes, tuple[str, ...]]]  # by identity; and what was removed

DEFECT = "secret_removed"  # `secret_removed:openai_key` on a span or an episode

_KEYS = 20_000  # of attributes that are known to tell nothing

_plain: set[str] = set()


def stripped(export: Export) -> Export:
    """The same telemetry with a placeholder for every secret, and what was removed on its span.

    Itself where there is none: a clean span costs one look at its texts.
    """
    resources: Resources = {}
    spans = tuple(_span(span, resources) for span in export.spans)
    logs = tuple(_log(log, resources) for log in export.logs)
    if _same(spans, export.spans) and _same(logs, export.logs):
        return export
    return msgspec.structs.replace(export, spans=spans, logs=logs)


def stripped_line(line: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A posted line of JSON without secrets, and what was removed from it; itself without one.

    What is no JSON stays as it is: its reader says so.
    """
    if not text.suspicious(line) or crowded(line) or deep(line):  # the reader refuses the latter
        return line, ()
    try:
        value: object = msgspec.json.decode(whole(line))
    except (ValueError, RecursionError, MemoryError):
        return line, ()
    work = Stripper()
    bare = work.value(value)
    return (line if bare is value else written(bare).encode()), tuple(work.removed)


def marked(row: Marked, removed: Iterable[str]) -> Marked:
    """A row whose defects say which kinds of secrets were removed from it."""
    defects = {*row.defects, *(f"{DEFECT}:{kind}" for kind in removed)}
    return msgspec.structs.replace(row, defects=tuple(sorted(defects)))


def told(batch: Batch, removed: Iterable[str]) -> Batch:
    """The rows of a posted line, its episodes marked."""
    episodes = tuple(marked(episode, removed) for episode in batch.episodes)
    return msgspec.structs.replace(batch, episodes=episodes) if removed else batch


def counted(batch: Batch) -> Counter[str]:
    """How many rows a secret was removed from, by its kind."""
    told = [{*_kinds(row.defects)} for row in batch.spans]
    told += [{*_kinds(row.defects)} for row in batch.episodes]
    told += [_placed(row.attributes, row.body) for row in batch.log_events]
    told += [_placed(row.comment, row.correction) for row in batch.outcomes]
    return Counter(kind for kinds in told for kind in kinds)


def _kinds(defects: Iterable[str]) -> Iterable[str]:
    pairs = (defect.partition(":") for defect in defects)
    return (kind for name, _, kind in pairs if name == DEFECT)


def _placed(*texts: str | None) -> set[str]:
    held = (one for one in texts if one and "[secret:" in one)
    return {kind for one in held for kind in text.placeholders(one.encode())}


def _same(new: tuple[object, ...], old: tuple[object, ...]) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))


def _span(span: SpanData, resources: Resources) -> SpanData:
    resource, removed = _resource(span.resource, resources)
    dirty = _dirty([span.name, span.status_message], [span.attributes])
    dirty = dirty or any(_dirty([event.name], [event.attributes]) for event in span.events)
    if not dirty and resource is span.resource and not removed:
        return span
    work = Stripper()
    return msgspec.structs.replace(
        span,
        name=work.text(span.name),
        status_message=work.text(span.status_message),
        attributes=work.mapping(span.attributes),
        events=tuple(_event(event, work) for event in span.events),
        resource=resource,
        removed=(*work.removed, *removed),
    )


def _event(event: EventData, work: Stripper) -> EventData:
    name, attributes = work.text(event.name), work.mapping(event.attributes)
    return msgspec.structs.replace(event, name=name, attributes=attributes)


def _log(log: LogData, resources: Resources) -> LogData:
    resource, removed = _resource(log.resource, resources)
    dirty = _dirty([log.name], [log.attributes, {"": log.body}])
    if not dirty and resource is log.resource and not removed:
        return log
    work = Stripper()
    return msgspec.structs.replace(
        log,
        name=work.text(log.name),
        attributes=work.mapping(log.attributes),
        body=work.value(log.body),
        resource=resource,
        removed=(*work.removed, *removed),
    )


def _resource(given: Attributes, known: Resources) -> tuple[Attributes, tuple[str, ...]]:
    """A resource, looked at once: all spans of a group share it."""
    found = known.get(id(given))
    if found is None:
        work = Stripper()
        bare = work.mapping(given) if _dirty([], [given]) else given
        found = known[id(given)] = bare, tuple(work.removed)
    return found


def _dirty(texts: list[str], groups: Iterable[Mapping[str, object]]) -> bool:
    """Whether there can be a secret in the texts, or in the keys and values of the groups."""
    nested: list[object] = []
    for group in groups:
        if not _plain.issuperset(group) and not _learned(group):
            return True
        for value in group.values():
            kind = value.__class__
            if kind is str:
                texts.append(value)  # type: ignore[arg-type]
            elif kind is list or kind is dict or kind is tuple:
                nested.append(value)
    raw = "\n".join(texts).encode("utf-8", "surrogatepass")
    if nested:
        raw += b"\n" + msgspec.json.encode(nested)
    return text.suspicious(raw)


def _learned(keys: Iterable[str]) -> bool:
    """Whether all keys tell nothing; remembered, for products send the same ones again."""
    if len(_plain) > _KEYS:
        _plain.clear()
    for key in keys:
        raw = key.encode("utf-8", "surrogatepass")
        if keyname.telling(key) is not None or text.suspicious(raw):
            return False
        _plain.add(key)
    return True
