from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.curate.price import Prices
from headrace.evals.race import Race
from headrace.evals.races import racebook
from headrace.evals.races.course import Course
from headrace.evals.races.racebook import Book, Plan, RaceUnfit
from headrace.evals.scores.attempt import Attempt, Measured

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
CASES = tuple(f"c{n:02d}" for n in range(50))


@pytest.fixture
def book(tmp_path: Path) -> Book:
    lane = Course.draw({name: name for name in CASES}, np.random.default_rng(0), fresh=0)
    race = Race(candidates=("new",), incumbent="old", course=lane, delta=0.03)
    plan = Plan(name="r", project="p", suite="s", seed=0, race=race, contents=CASES, started_at=NOW)
    return Book(tmp_path / "race", plan, Prices())


def answered(**values: float | None) -> tuple[Attempt, ...]:
    return tuple(Attempt(case_id=c, scorer="match", value=v) for c, v in values.items())


def enter(book: Book, monkeypatch: pytest.MonkeyPatch, *runs: dict[str, Any]) -> None:
    """As if these stood in logs."""
    told = [
        Measured(
            **{
                "key": "k",
                "release": "new",
                "released_at": NOW,
                "started_at": NOW,
                "judge_hash": "j",
                **run,
            }
        )
        for run in runs
    ]
    monkeypatch.setattr(racebook, "read_logs", lambda _: told)
    book.add([])


def test_a_plan_comes_back_from_disk_as_it_was(book: Book) -> None:
    book.save()
    assert Book.open(book.folder, Prices()).plan == book.plan


def test_a_plan_that_cannot_be_read_is_named(book: Book) -> None:
    book.save()
    (book.folder / "race.json").write_text("{")
    with pytest.raises(RaceUnfit, match=r"race.json cannot be read.*--again"):
        Book.open(book.folder, Prices())


def test_a_log_torn_by_a_kill_is_passed_over(book: Book) -> None:
    book.save()
    (book.folder / "2026_torn.eval").write_bytes(b"PK\x03\x04 and no more")
    assert Book.open(book.folder, Prices()).answers == {"new": {}, "old": {}}


def test_scores_stand_in_the_order_of_the_course(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(book, monkeypatch, {"attempts": answered(c07=1.0, c03=None)})
    scores = book.scores()["new"]
    assert scores[book.plan.race.course.cases.index("c07")] == 1.0
    assert np.isnan(scores).sum() == 49
    assert len(book.missing("new", CASES)) == 48


def test_an_absent_score_of_a_round_that_was_killed_is_no_answer(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(book, monkeypatch, {"attempts": answered(c07=1.0, c03=None), "status": "started"})
    assert "c03" in book.missing("new", CASES)
    assert "c07" not in book.missing("new", CASES)


def test_a_later_score_takes_the_place_of_an_absent_one_and_of_no_other(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = ({"attempts": answered(c07=v, c08=w)} for v, w in ((None, 1.0), (1.0, 0.0)))
    enter(book, monkeypatch, *runs)
    assert {c: a.value for c, a in book.answers["new"].items()} == {"c07": 1.0, "c08": 1.0}


def test_a_scorer_that_changed_in_the_middle_is_refused(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RaceUnfit, match="scorer, its judge or a package has changed"):
        enter(
            book,
            monkeypatch,
            {"attempts": answered(c07=1.0)},
            {"attempts": answered(c08=1.0), "judge_hash": "other"},
        )


def test_a_scorer_that_gives_several_values_is_refused(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [Attempt(case_id="c07", scorer=name, value=1.0) for name in ("mine/a", "mine/b")]
    with pytest.raises(RaceUnfit, match="'mine/a' and of 'mine/b'"):
        enter(book, monkeypatch, {"attempts": tuple(two)})


def test_only_who_missed_a_whole_round_is_asked_again(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(
        book,
        monkeypatch,
        {"attempts": answered(**dict.fromkeys(CASES))},
        {"attempts": answered(**dict.fromkeys(CASES, 1.0) | {"c03": None}), "release": "old"},
    )
    book.forgive()
    assert len(book.missing("new", CASES)) == 50
    assert book.missing("old", CASES) == ()
