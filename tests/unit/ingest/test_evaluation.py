"""Outcomes beside traces: what they speak of, what they say, and when two of them are one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from headrace.ingest.evaluation import EVENT, of_log, of_span
from headrace.ingest.telemetry import LinkData, LogData, SpanData, moment
from headrace.lake.record import Outcome

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TRACE, SPAN = "a" * 32, "b" * 16
OTHER = LinkData(trace_id="c" * 32, span_id="d" * 16)
EVALUATOR = {"openinference.span.kind": "EVALUATOR"}

BARE = SpanData(
    trace_id=TRACE,
    span_id=SPAN,
    parent_span_id="e" * 16,
    name="mark",
    started_at=moment(10**9),
    ended_at=moment(2 * 10**9),
    status="unset",
    status_message="",
    attributes={},
    events=(),
    links=(),
    resource={},
    scope="",
    dropped=0,
)


def on_span(own: Mapping[str, object], *links: LinkData, **fields: Any) -> list[Outcome]:
    data = msgspec.structs.replace(BARE, attributes=own, links=links, **fields)
    return list(of_span(data, project="p", received_at=NOW))


def mark(scope: str = "", word: str = "annotation", **fields: object) -> dict[str, object]:
    return {f"{scope}{word}s.0.{word}.{key}": value for key, value in fields.items()}


def in_log(
    name: str = EVENT,
    trace_id: str | None = None,
    span_id: str | None = None,
    at: int = 0,
    **own: object,
) -> list[Outcome]:
    log = LogData(
        name=name,
        trace_id=trace_id,
        span_id=span_id,
        at=moment(at),
        attributes={f"gen_ai.{key.replace('__', '.')}": value for key, value in own.items()}
        | ({"event.name": own["event_name"]} if "event_name" in own else {}),
        body=None,
        resource={},
        scope="",
    )
    return list(of_log(log, project="p", received_at=NOW))


@pytest.mark.parametrize(
    ("ids", "target"),
    [
        ({"trace_id": TRACE, "span_id": SPAN, "response__id": "r"}, ("span", SPAN)),
        ({"trace_id": TRACE, "response__id": "r"}, ("response", "r")),
        ({"response__id": "r"}, ("response", "r")),
        ({"trace_id": TRACE}, ("trace", TRACE)),
        ({"span_id": SPAN}, ("span", SPAN)),
    ],
)
def test_an_event_speaks_of_the_nearest_thing_it_names(
    ids: dict[str, Any], target: tuple[str, str]
) -> None:
    [found] = in_log(evaluation__score__value=1.0, **ids)
    assert (found.target_kind, found.target_id) == target


def test_an_event_that_names_nothing_is_no_outcome() -> None:
    assert in_log(evaluation__score__value=1.0) == []


@pytest.mark.parametrize("name", ["gen_ai.choice", "", "gen_ai.evaluation"])
def test_another_event_is_no_outcome(name: str) -> None:
    assert in_log(name, trace_id=TRACE, evaluation__score__value=1.0) == []


def test_older_exporters_name_the_event_in_an_attribute() -> None:
    [found] = in_log("", trace_id=TRACE, event_name=EVENT, evaluation__score__value=1.0)
    assert found.score == 1.0


@pytest.mark.parametrize(
    ("own", "score", "label", "success", "comment"),
    [
        ({"score__value": 0.0}, 0.0, None, None, None),
        ({"score__value": 1}, 1.0, None, None, None),
        ({"score__label": "pass"}, None, "pass", True, None),
        ({"score__label": "FAILED", "score__value": 0.2}, 0.2, "FAILED", False, None),
        ({"score__label": "toxic"}, None, "toxic", None, None),
        ({"explanation": "too long"}, None, None, None, "too long"),
        ({"score__value": "nan", "score__label": "pass"}, None, "pass", True, None),
    ],
)
def test_a_score_is_never_read_as_success(
    own: dict[str, Any],
    score: float | None,
    label: str | None,
    success: bool | None,
    comment: str | None,
) -> None:
    [found] = in_log(trace_id=TRACE, **{f"evaluation__{key}": value for key, value in own.items()})
    assert (found.score, found.label, found.success, found.comment) == (
        score,
        label,
        success,
        comment,
    )


@pytest.mark.parametrize(
    "own", [{}, {"score__value": "nan"}, {"score__value": "high"}, {"explanation": ""}]
)
def test_an_evaluation_that_failed_is_absent_and_not_zero(own: dict[str, Any]) -> None:
    said = {f"evaluation__{key}": value for key, value in own.items()}
    assert in_log(trace_id=TRACE, evaluation__name="q", **said) == []


def test_an_outcome_is_of_the_time_of_its_event_or_of_its_arrival() -> None:
    [timed] = in_log(trace_id=TRACE, at=10**18, evaluation__score__value=1)
    [bare] = in_log(trace_id=TRACE, evaluation__score__value=1)
    assert (timed.at.year, timed.received_at, bare.at) == (2001, NOW, NOW)
    [late] = on_span(mark(score=1.0), ended_at=None)
    assert late.at == NOW


@pytest.mark.parametrize("word", ["annotation", "evaluation"])
@pytest.mark.parametrize(
    ("scope", "target"),
    [("", ("span", SPAN)), ("trace.", ("trace", TRACE)), ("session.", ("conversation", "s"))],
)
def test_an_annotation_on_a_span_speaks_of_its_scope(
    word: str, scope: str, target: tuple[str, str]
) -> None:
    own = {**mark(scope, word, name="q", score=0.5), "session.id": "s"}
    [found] = on_span(own)
    assert (found.target_kind, found.target_id) == target
    assert (found.name, found.score) == ("q", 0.5)


@pytest.mark.parametrize(("scope", "kind"), [("", "span"), ("trace.", "trace")])
def test_a_carrier_speaks_of_what_it_links_to_and_never_of_its_parent(
    scope: str, kind: str
) -> None:
    [found] = on_span({**EVALUATOR, **mark(scope, score=1.0)}, OTHER)
    linked = OTHER.span_id if kind == "span" else OTHER.trace_id
    assert (found.target_kind, found.target_id) == (kind, linked)


@pytest.mark.parametrize(
    ("own", "links"), [(EVALUATOR, ()), (EVALUATOR, (OTHER, OTHER)), ({}, (OTHER,))]
)
def test_without_exactly_one_link_of_an_evaluator_a_span_speaks_of_itself(
    own: dict[str, object], links: tuple[LinkData, ...]
) -> None:
    [found] = on_span({**own, **mark(score=1.0)}, *links)
    assert found.target_id == SPAN


@pytest.mark.parametrize("scope", ["", "trace."])
def test_a_carrier_whose_link_names_nothing_is_no_outcome(scope: str) -> None:
    nowhere = LinkData(trace_id="", span_id="")
    assert on_span({**EVALUATOR, **mark(scope, score=1.0)}, nowhere) == []


def test_a_mark_on_a_session_without_a_name_is_no_outcome() -> None:
    assert on_span(mark("session.", score=1.0)) == []
    assert on_span({**mark("session.", score=1.0), "session.id": ""}) == []


@pytest.mark.parametrize(
    ("kind", "source"),
    [("HUMAN", "human"), ("human", "human"), ("LLM", "judge"), ("CODE", "rule"), (None, "judge")],
)
def test_who_annotated_is_the_source(kind: str | None, source: str) -> None:
    [found] = on_span(mark(score=1.0, annotator_kind=kind))
    assert found.source == source


def test_many_annotations_are_many_outcomes_in_the_order_of_their_numbers() -> None:
    own = {f"annotations.{n}.annotation.score": float(n) for n in (10, 2, 1)}
    assert [found.score for found in on_span(own)] == [1.0, 2.0, 10.0]


def test_the_same_annotation_delivered_twice_is_one() -> None:
    own = {**mark(name="q", score=0.5), **mark("trace.", name="q", score=0.5)}
    first, again = on_span(own), on_span(dict(reversed(own.items())))
    assert {found.outcome_id for found in first} == {found.outcome_id for found in again}
    assert len({found.outcome_id for found in first}) == 2


def test_a_later_mark_under_the_same_identifier_takes_the_place_of_the_first() -> None:
    def identity(
        name: str = "q", identifier: str = "ann-1", score: float = 0.0, **more: object
    ) -> str:
        [found] = on_span(mark(name=name, identifier=identifier, score=score, explanation=more))
        return found.outcome_id

    assert identity() == identity(score=1.0, thought="second")
    others = {identity(name="other"), identity(identifier="ann-2"), identity(identifier="")}
    assert len(others | {identity()}) == 4


def test_marks_without_an_identifier_stand_beside_each_other() -> None:
    ids = {on_span(mark(name="q", score=score))[0].outcome_id for score in (0.0, 1.0)}
    assert len(ids) == 2
