"""A case that was edited under its id is another case; one that was not stays the same."""

from datetime import UTC, datetime

import pytest

from headrace.evals.scores.attempt import Attempt, Measured
from headrace.evals.scores.edition import Settled, base, known_by, settle

T0 = datetime(2026, 11, 1, 8, tzinfo=UTC)
A, B = "a" * 32, "b" * 32
EDITED = "q1@bbbbbbbb"


def run(*given: tuple[str, str | None], key: str = "k") -> Measured:
    attempts = [Attempt(case_id=name, scorer="s", value=1.0, content=text) for name, text in given]
    return Measured(key=key, release="v1", released_at=T0, started_at=T0, attempts=tuple(attempts))


def ids(settled: Settled) -> list[list[str]]:
    return [[attempt.case_id for attempt in one.attempts] for one in settled.runs]


def test_the_first_content_keeps_the_id_and_another_one_gets_its_own() -> None:
    found = settle([run(("q1", A)), run(("q1", B)), run(("q1", A), ("q2", A))], {})
    assert ids(found) == [["q1"], [EDITED], ["q1", "q2"]]
    assert list(found.new) == ["q1", EDITED, "q2"]
    assert found.edited == (EDITED,)


def test_what_the_lake_knows_stands_before_what_comes() -> None:
    known = {"q1": str(known_by(A))}
    found = settle([run(("q1", B)), run(("q1", A))], known)
    assert ids(found) == [[EDITED], ["q1"]]
    assert (list(found.new), found.edited) == ([EDITED], (EDITED,))


def test_an_edition_that_the_lake_knows_is_not_news() -> None:
    known = {"q1": str(known_by(A)), EDITED: str(known_by(B))}
    found = settle([run(("q1", B))], known)
    assert (ids(found), dict(found.new), found.edited) == ([[EDITED]], {}, ())


@pytest.mark.parametrize(
    ("known", "content"),
    [
        ({"q1": "0123456789abcdef0123456789abcdef"}, B),  # a case of a suite, hashed by other rules
        ({"q1": str(known_by(A))}, None),  # rows that tell no content
        ({}, None),
    ],
)
def test_what_cannot_be_compared_is_taken_by_its_id(
    known: dict[str, str], content: str | None
) -> None:
    found = settle([run(("q1", content))], known)
    assert (ids(found), found.edited) == ([["q1"]], ())


def test_a_case_first_known_by_its_id_alone_stays_so() -> None:
    assert ids(settle([run(("q1", None)), run(("q1", B)), run(("q1", A))], {})) == [["q1"]] * 3


def test_cases_are_the_same_by_their_id_where_that_is_asked_for() -> None:
    found = settle([run(("q1", A)), run(("q1", B))], {}, by_id=True)
    assert (ids(found), list(found.new), found.edited) == ([["q1"], ["q1"]], ["q1"], ())


@pytest.mark.parametrize(
    ("name", "found"),
    [("q1", "q1"), (EDITED, "q1"), ("q1@home", "q1@home"), ("a@b@0123abcd", "a@b")],
)
def test_the_base_of_an_edition_is_the_id_it_was_given(name: str, found: str) -> None:
    assert base(name) == found
