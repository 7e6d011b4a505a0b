"""Outcomes that travel in or beside traces: evaluation events, annotations, feedback spans.

Tables: `_SOURCES` says who an annotator is, `_SCOPES` and `_WORDS` how OpenInference spells marks.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec

from headrace.ingest import naming
from headrace.ingest.batch import REVISED
from headrace.ingest.conventions.numbered import grouped
from headrace.ingest.grade import passed
from headrace.ingest.jsontext import clean, value_of
from headrace.ingest.log_row import event_name
from headrace.ingest.telemetry import Attributes, LogData, SpanData
from headrace.lake.message import digest, dump
from headrace.lake.record import Outcome, Source, TargetKind

EVENT = "gen_ai.evaluation.result"

_SOURCES: Mapping[str, Source] = {"HUMAN": "human", "LLM": "judge", "CODE": "rule"}
_SCOPES = ("", "trace.", "session.")  # of OpenInference: the span, its trace, its session
_WORDS = ("annotation", "evaluation")
_PREFIXES = tuple(f"{scope}{word}s." for scope in _SCOPES for word in _WORDS)
_FEEDBACK = "logfire.feedback.name"

Target = tuple[TargetKind, str]


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """A mark as its convention spells it; values as they came."""

    target: Target
    fields: Mapping[str, Any]  # name, score, label, explanation, annotator_kind, identifier
    success: bool | None = None
    source: Source = "judge"
    author: str | None = None
    at: datetime | None = None
    apart: datetime | None = None  # said again later it is another mark; None: the same one


def of_log(log: LogData, *, project: str, received_at: datetime) -> Iterator[Outcome]:
    """The outcome of an evaluation event; none where it names nothing that could be joined."""
    target = _log_target(log)
    if event_name(log) == EVENT and target is not None:
        said = _evaluated(target, log.attributes, log.at)
        yield from _outcomes([said], project, received_at)


def of_span(span: SpanData, *, project: str, received_at: datetime) -> Iterator[Outcome]:
    """The marks on a span; a carrier speaks of the span it links to, feedback of its parent."""
    said = chain(_annotated(span), _events(span), _feedback(span))
    yield from _outcomes(said, project, received_at)


def _evaluated(target: Target, own: Attributes, at: datetime | None) -> _Said:
    """An event of OpenTelemetry; pydantic-evals adds who evaluated what."""
    fields = {
        "name": own.get("gen_ai.evaluation.name"),
        "score": own.get("gen_ai.evaluation.score.value"),
        "label": own.get("gen_ai.evaluation.score.label"),
        "explanation": own.get("gen_ai.evaluation.explanation"),
        "target": own.get("gen_ai.evaluation.target"),
    }
    if own.get("error.type"):
        fields["explanation"] = None  # it tells why nothing was measured
    return _Said(target=target, fields=fields, author=_evaluator(own), at=at, apart=at)


def _evaluator(own: Attributes) -> str | None:
    """Name of an evaluator with its version, where they are told."""
    given = own.get("gen_ai.evaluation.evaluator.source")
    spec = value_of(given)
    name = spec.get("name") if isinstance(spec, Mapping) else given
    version = own.get("gen_ai.evaluation.evaluator.version")
    return "@".join(naming.mended(str(part)) for part in (name, version) if part) or None


def _log_target(log: LogData) -> Target | None:
    response = log.attributes.get("gen_ai.response.id")
    if log.span_id:
        return "span", log.span_id
    if response:
        return "response", naming.mended(str(response))
    return ("trace", log.trace_id) if log.trace_id else None


def _events(span: SpanData) -> Iterator[_Said]:
    target = _span_target(span, "")
    if target is None:
        return
    for event in span.events:
        if event.name == EVENT:
            yield _evaluated(target, event.attributes, event.at or span.ended_at)


def _annotated(span: SpanData) -> Iterator[_Said]:
    """OpenInference: what stands on the span it speaks of is one mark, however often it comes."""
    marks = {key: value for key, value in span.attributes.items() if key.startswith(_PREFIXES)}
    late = span.ended_at if _is_evaluator(span) else None
    for scope in _SCOPES if marks else ():
        target = _span_target(span, scope)
        if target is None:
            continue
        for fields in _annotations(marks, scope):
            kind = str(fields.get("annotator_kind")).upper()
            source = _SOURCES.get(kind, "judge")
            yield _Said(target=target, fields=fields, source=source, at=span.ended_at, apart=late)


def _span_target(span: SpanData, scope: str) -> Target | None:
    if scope == "session.":
        session = span.attributes.get("session.id")
        return ("conversation", naming.mended(str(session))) if session else None
    carrier = _is_evaluator(span) and len(span.links) == 1
    place: Any = span.links[0] if carrier else span
    found: Target = ("trace", place.trace_id) if scope == "trace." else ("span", place.span_id)
    return found if found[1] else None


def _is_evaluator(span: SpanData) -> bool:
    return span.attributes.get("openinference.span.kind") == "EVALUATOR"


def _annotations(attributes: Attributes, scope: str) -> Iterable[Mapping[str, Any]]:
    for word in _WORDS:
        for fields in grouped(attributes, f"{scope}{word}s.").values():
            yield {key.removeprefix(f"{word}."): value for key, value in fields.items()}


def _feedback(span: SpanData) -> Iterator[_Said]:
    """Logfire: the value stands under the name; whoever used the product gave it."""
    own, parent = span.attributes, span.parent_span_id
    name = own.get(_FEEDBACK)
    if not name or not parent or own.get("logfire.span_type") != "annotation":
        return
    value, comment = own.get(str(name)), own.get("logfire.feedback.comment")
    yield _Said(
        target=("span", parent),
        fields={
            "name": name,
            "score": None if isinstance(value, bool) else value,
            "label": value if isinstance(value, str) else None,
            "explanation": comment,
        },
        success=value if isinstance(value, bool) else None,
        source="user",
        at=span.ended_at,
        apart=span.ended_at,
    )


def _outcomes(said: Iterable[_Said], project: str, received_at: datetime) -> Iterator[Outcome]:
    for one in said:
        score, label = _number(one.fields.get("score")), one.fields.get("label")
        comment = clean(str(one.fields["explanation"])) if one.fields.get("explanation") else None
        if all(part is None for part in (one.success, score, label, comment)):
            continue
        yield Outcome(
            project=project,
            outcome_id=_identity(one),
            target_kind=one.target[0],
            target_id=one.target[1],
            name=naming.mended(str(one.fields.get("name") or "evaluation")),
            success=passed(label) if isinstance(label, str) else one.success,
            score=score,
            label=None if label is None else clean(str(label)),
            comment=comment,
            source=one.source,
            author=one.author,
            at=one.at or received_at,
            received_at=received_at,
        )


def _number(value: object) -> float | None:
    """A score; what could not be measured is absent."""
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _identity(said: _Said) -> str:
    """An identifier names the mark whatever it says by now; without one its words and time do."""
    told = {key: str(value) for key, value in said.fields.items() if value is not None}
    told |= {"success": str(said.success)} if said.success is not None else {}
    if said.fields.get("identifier"):
        named = {key: told.get(key, "") for key in ("name", "identifier")}
        return REVISED + digest(dump([*said.target, named]))
    if said.apart is not None:
        told["at"] = said.apart.isoformat()
    return digest(dump([*said.target, told]))
