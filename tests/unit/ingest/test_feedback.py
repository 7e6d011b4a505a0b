"""Feedback as SDKs spell it: Logfire's spans, events on spans, what pydantic-evals adds."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.ingest.evaluation import EVENT
from headrace.ingest.telemetry import EventData, moment
from headrace.lake.record import Outcome
from tests.unit.ingest.test_evaluation import (
    EVALUATOR,
    NOW,
    OTHER,
    SPAN,
    TRACE,
    in_log,
    mark,
    on_span,
)

PARENT = "e" * 16


def feedback(value: object, name: str = "helpful", **more: object) -> dict[str, object]:
    own = {"logfire.span_type": "annotation", "logfire.feedback.name": name, name: value}
    return own | {f"logfire.{key}": told for key, told in more.items()}


@pytest.mark.parametrize(
    ("value", "success", "score", "label"),
    [
        (True, True, None, None),
        (False, False, None, None),
        (0.25, None, 0.25, None),
        (1, None, 1.0, None),
        ("pass", True, None, "pass"),
        ("so so", None, None, "so so"),
    ],
)
def test_feedback_says_what_its_value_is(
    value: object, success: bool | None, score: float | None, label: str | None
) -> None:
    [found] = on_span(feedback(value))
    assert (found.success, found.score, found.label) == (success, score, label)
    assert (found.name, found.source, found.comment) == ("helpful", "user", None)


def test_feedback_speaks_of_its_parent_at_its_own_time() -> None:
    [found] = on_span(feedback(True, **{"feedback.comment": "quick"}))
    assert (found.target_kind, found.target_id, found.comment) == ("span", PARENT, "quick")
    assert found.at == moment(2 * 10**9)


def test_feedback_of_words_alone_is_a_comment() -> None:
    [found] = on_span(feedback(None, **{"feedback.comment": "quick"}))
    assert (found.success, found.score, found.comment) == (None, None, "quick")


@pytest.mark.parametrize(
    ("own", "parent"),
    [
        (feedback(True), None),
        (feedback(None), PARENT),
        (feedback(True, span_type="span"), PARENT),
        ({"logfire.span_type": "annotation", "helpful": True}, PARENT),
        ({"logfire.feedback.name": "helpful", "helpful": True}, PARENT),
    ],
)
def test_what_is_no_feedback_or_names_nobody_is_no_outcome(
    own: Mapping[str, object], parent: str | None
) -> None:
    assert on_span(own, parent_span_id=parent) == []


def event(at: int = 0, name: str = EVENT, **own: object) -> EventData:
    told = {f"gen_ai.evaluation.{key.replace('__', '.')}": value for key, value in own.items()}
    return EventData(name=name, at=moment(at), attributes=told)


def test_an_event_on_a_span_speaks_of_that_span() -> None:
    [found] = on_span({}, events=(event(10**18, score__value=0.5),))
    assert (found.target_kind, found.target_id, found.score) == ("span", SPAN, 0.5)
    assert found.at.year == 2001
    [bare] = on_span({}, events=(event(score__value=0.5),))
    assert bare.at == moment(2 * 10**9)


def test_an_event_on_a_carrier_speaks_of_what_it_links_to() -> None:
    [found] = on_span(EVALUATOR, OTHER, events=(event(score__value=0.5),))
    assert found.target_id == OTHER.span_id


def test_another_event_on_a_span_is_no_outcome() -> None:
    assert on_span({}, events=(event(name="exception", score__value=0.5),)) == []


@pytest.mark.parametrize(
    ("source", "version", "author"),
    [
        ('{"name": "Brevity", "arguments": null}', None, "Brevity"),
        ('{"name": "Brevity"}', "2", "Brevity@2"),
        ({"name": "Brevity"}, None, "Brevity"),
        ("Brevity", 2, "Brevity@2"),
        ("[1]", None, "[1]"),
        (None, None, None),
    ],
)
def test_an_evaluator_is_the_author(source: object, version: object, author: str | None) -> None:
    own: dict[str, Any] = {"evaluation__evaluator__source": source}
    own |= {"evaluation__evaluator__version": version}
    [found] = in_log(trace_id=TRACE, evaluation__score__value=1.0, **own)
    assert (found.author, found.source) == (author, "judge")


def test_an_evaluation_that_broke_measured_nothing_and_its_message_is_no_comment() -> None:
    assert len(in_log(trace_id=TRACE, evaluation__explanation="too long")) == 1
    told = {
        "gen_ai.evaluation.explanation": "timed out",
        "gen_ai.evaluation.name": "q",
        "error.type": "Timeout",
    }
    assert on_span({}, events=(EventData(name=EVENT, at=NOW, attributes=told),)) == []


@pytest.mark.parametrize("score", [float("nan"), float("inf"), 10**400, "0.5", None])
def test_a_score_that_is_no_finite_number_is_absent(score: object) -> None:
    [found] = on_span(mark(score=score, label="pass"))
    assert (found.score, found.label, found.success) == (None, "pass", True)


def identities(*found: list[Outcome]) -> set[str]:
    return {outcome.outcome_id for outcomes in found for outcome in outcomes}


def test_a_thumb_that_goes_up_down_and_up_again_is_three_marks_in_any_order() -> None:
    def thumb(value: bool, at: int) -> list[Outcome]:
        return on_span(feedback(value), ended_at=moment(at * 10**9))

    assert len(identities(thumb(True, 1), thumb(False, 2), thumb(True, 3))) == 3
    assert identities(thumb(True, 1)) == identities(thumb(True, 1))
    assert len(identities(thumb(True, 1), thumb(False, 1))) == 2


def test_an_evaluation_that_is_repeated_is_another_mark_and_one_that_is_sent_again_is_not() -> None:
    def judged(at: int) -> list[Outcome]:
        return in_log(trace_id=TRACE, at=at, evaluation__name="q", evaluation__score__value=1.0)

    assert len(identities(judged(10**18), judged(2 * 10**18))) == 2
    assert len(identities(judged(10**18), judged(10**18))) == 1


def test_a_carrier_sent_anew_is_another_mark_unless_an_identifier_names_it() -> None:
    def carried(at: int, **fields: Any) -> list[Outcome]:
        own = {**EVALUATOR, **mark("trace.", name="q", score=1.0, **fields)}
        return on_span(own, OTHER, ended_at=moment(at * 10**9))

    assert len(identities(carried(1), carried(2))) == 2
    named = carried(1, identifier="fb-1"), carried(2, identifier="fb-1")
    assert len(identities(*named)) == 1


SPANS = st.lists(
    st.tuples(st.sampled_from([True, False, 0.0, 0.4, 1.0, "pass", "odd"]), st.integers(1, 4)),
    max_size=6,
    unique_by=lambda said: said[1],
)


@given(SPANS, st.randoms(use_true_random=False))
def test_marks_are_the_same_rows_in_whatever_order_and_however_often_they_come(
    said: list[tuple[object, int]], rng: Random
) -> None:
    sent = [on_span(feedback(value), ended_at=moment(at * 10**9)) for value, at in said]
    again = [*sent, *sent[::2]]
    rng.shuffle(again)
    rows = [{row.outcome_id: row for found in spans for row in found} for spans in (sent, again)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == len(said)
