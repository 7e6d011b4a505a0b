"""Outcomes that travel in or beside traces: evaluation events and annotations on spans."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from headrace.ingest import naming
from headrace.ingest.conventions.openinference import grouped
from headrace.ingest.grade import passed
from headrace.ingest.log_row import event_name
from headrace.ingest.telemetry import Attributes, LogData, SpanData
from headrace.lake.message import digest, dump
from headrace.lake.record import Outcome, Source, TargetKind

EVENT = "gen_ai.evaluation.result"

_SOURCES: Mapping[str, Source] = {"HUMAN": "human", "LLM": "judge", "CODE": "rule"}
_SCOPES = ("", "trace.", "session.")  # of OpenInference: the span, its trace, its session
_WORDS = ("annotation", "evaluation")
_PREFIXES = tuple(f"{scope}{word}s." for scope in _SCOPES for word in _WORDS)

Target = tuple[TargetKind, str]


def of_log(log: LogData, *, project: str, received_at: datetime) -> Iterator[Outcome]:
    """The outcome of an evaluation event; none where it names nothing that could be joined."""
    target = _log_target(log)
    if event_name(log) != EVENT or target is None:
        return
    own = log.attributes
    fields = {
        "name": own.get("gen_ai.evaluation.name"),
        "score": own.get("gen_ai.evaluation.score.value"),
        "label": own.get("gen_ai.evaluation.score.label"),
        "explanation": own.get("gen_ai.evaluation.explanation"),
    }
    yield from _outcome(target, fields, project, log.at or received_at, received_at)


def of_span(span: SpanData, *, project: str, received_at: datetime) -> Iterator[Outcome]:
    """The OpenInference annotations on a span; a carrier span speaks of the one it links to."""
    marks = {key: value for key, value in span.attributes.items() if key.startswith(_PREFIXES)}
    for scope in _SCOPES if marks else ():
        for fields in _annotations(marks, scope):
            target = _span_target(span, scope)
            if target is not None:
                yield from _outcome(
                    target, fields, project, span.ended_at or received_at, received_at
                )


def _log_target(log: LogData) -> Target | None:
    response = log.attributes.get("gen_ai.response.id")
    if log.span_id:
        return "span", log.span_id
    if response:
        return "response", naming.mended(str(response))
    return ("trace", log.trace_id) if log.trace_id else None


def _span_target(span: SpanData, scope: str) -> Target | None:
    if scope == "session.":
        session = span.attributes.get("session.id")
        return ("conversation", naming.mended(str(session))) if session else None
    carrier = span.attributes.get("openinference.span.kind") == "EVALUATOR" and len(span.links) == 1
    place: Any = span.links[0] if carrier else span
    found: Target = ("trace", place.trace_id) if scope == "trace." else ("span", place.span_id)
    return found if found[1] else None


def _annotations(attributes: Attributes, scope: str) -> Iterable[Mapping[str, Any]]:
    for word in _WORDS:
        for fields in grouped(attributes, f"{scope}{word}s.").values():
            yield {key.removeprefix(f"{word}."): value for key, value in fields.items()}


def _outcome(
    target: Target, fields: Mapping[str, Any], project: str, at: datetime, received_at: datetime
) -> Iterator[Outcome]:
    score, label = fields.get("score"), fields.get("label")
    number = float(score) if isinstance(score, int | float) else None
    if number is None and label is None and not fields.get("explanation"):
        return
    yield Outcome(
        project=project,
        outcome_id=_identity(target, fields),
        target_kind=target[0],
        target_id=target[1],
        name=naming.mended(str(fields.get("name") or "evaluation")),
        success=passed(label) if isinstance(label, str) else None,
        score=number,
        label=None if label is None else str(label),
        comment=str(fields["explanation"]) if fields.get("explanation") else None,
        source=_SOURCES.get(str(fields.get("annotator_kind")).upper(), "judge"),
        at=at,
        received_at=received_at,
    )


def _identity(target: Target, fields: Mapping[str, Any]) -> str:
    """An identifier names the mark whatever it says by now; without one its content does."""
    told = {key: str(value) for key, value in fields.items()}
    if fields.get("identifier"):
        told = {key: told.get(key, "") for key in ("name", "identifier")}
    return digest(dump([*target, told]))
