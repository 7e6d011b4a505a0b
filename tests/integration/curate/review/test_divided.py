"""Reviewers who disagree: no label until they agree or a third settles it, and a third is asked."""

from datetime import timedelta
from typing import Any

import pytest

from headrace.curate.labels.declared import Declared
from headrace.curate.labels.poll import poll
from headrace.curate.outcomes import resolve
from headrace.curate.review.answer import undo
from headrace.curate.review.reason import DIVIDED
from headrace.curate.vote import vote
from headrace.lake.record import ReviewItem
from tests.reviewed import NOW, Desk

Row = dict[str, Any]


def night(desk: Desk, days: float, size: int = 5) -> Row:
    """Votes, resolutions, queue; the notes of the last."""
    now = NOW + timedelta(days=days)
    vote(desk.lake, desk.project, now=now)
    resolve(desk.lake, desk.project, now=now, waiting=timedelta(days=7))
    return dict(desk.queue(size, days=days).notes)


def resolved(desk: Desk, name: str) -> tuple[str, str | None]:
    [row] = [row for row in desk.rows("resolutions") if row["episode_id"] == name]
    return row["resolution"], row["resolved_by"]


@pytest.fixture
def divided(desk: Desk) -> ReviewItem:
    """An item that was drawn for two, and on which they do not agree."""
    desk.add("e")
    item = desk.ask("e", asked=2, selection_probability=0.5, drawn_at=NOW)
    desk.write()
    desk.say(item, "success", "ada", hours=1)
    desk.say(item, "failure", "ben", hours=2)
    night(desk, 1)
    return desk.items()["e"]


def test_two_who_disagree_conflict_and_somebody_else_is_asked(
    desk: Desk, divided: ReviewItem
) -> None:
    assert resolved(desk, "e") == ("conflicting", "human")
    assert (divided.state, divided.stratum, divided.asked) == ("open", "disagreement", 3)
    assert (divided.why, divided.selection_probability) == (DIVIDED, 0.5)
    assert desk.waiting("ada") == desk.waiting("ben") == []
    assert [one.item_id for one in desk.waiting("cai")] == [divided.item_id]


def test_a_third_settles_it(desk: Desk, divided: ReviewItem) -> None:
    desk.say(divided.item_id, "correction", "cai", hours=30, correction={"role": "assistant"})
    assert desk.items()["e"].state == "answered"
    assert night(desk, 2)["asked_again"] == 0
    assert resolved(desk, "e") == ("failure", "human")
    assert (desk.items()["e"].state, desk.items()["e"].asked) == ("answered", 3)


def test_it_waits_night_after_night_and_nothing_is_written_again(
    desk: Desk, divided: ReviewItem
) -> None:
    night(desk, 2)
    before = desk.lake.snapshot_id
    night(desk, 3)
    assert desk.lake.snapshot_id == before
    assert desk.items()["e"] == divided


def test_one_who_comes_round_ends_it(desk: Desk, divided: ReviewItem) -> None:
    desk.outcome("episode", "e", "human", name="review", success=True, author="ben")
    desk.write()
    later = {"p": desk.project, "at": NOW + timedelta(days=1)}
    sql = "update outcomes set \"at\" = $at where project = $p and author = 'ben' and success"
    desk.lake.write(lambda tx: tx.run(sql, later))
    night(desk, 2)
    assert resolved(desk, "e") == ("success", "human")
    assert desk.items()["e"].state == "answered"
    assert desk.waiting("cai") == []


def test_a_tie_of_four_conflicts_still(desk: Desk, divided: ReviewItem) -> None:
    desk.say(divided.item_id, "success", "cai", hours=30)
    desk.outcome("episode", "e", "human", name="mark", success=False, author="dan")
    desk.write()
    night(desk, 2)
    assert resolved(desk, "e") == ("conflicting", "human")
    assert desk.waiting("dan") == []
    [item] = desk.waiting("eve")
    assert (item.asked, item.answers) == (4, 3)


def test_an_answer_that_is_taken_back_settles_nothing(desk: Desk, divided: ReviewItem) -> None:
    review = desk.say(divided.item_id, "success", "cai", hours=30)
    undo(desk.lake, desk.project, review, now=NOW + timedelta(hours=31))
    night(desk, 2)
    assert resolved(desk, "e") == ("conflicting", "human")
    assert len(desk.waiting("cai")) == 1


def test_marks_from_elsewhere_that_disagree_are_asked_for_and_never_drawn(desk: Desk) -> None:
    desk.add("e")
    desk.outcome("episode", "e", "human", name="a", success=True, author="ada")
    desk.outcome("episode", "e", "human", name="a", success=False, author="ben")
    desk.write()
    notes = night(desk, 1)
    assert (notes["new"], notes["disagreement"], notes["random"]) == (1, 1, 0)
    item = desk.items()["e"]
    assert (item.stratum, item.why, item.asked) == ("disagreement", DIVIDED, 1)
    assert desk.waiting("ada") == desk.waiting("ben") == []
    assert night(desk, 2)["drawn_again"] == 0  # its p holds what people said
    assert desk.items()["e"] == item
    desk.say(item.item_id, "success", "cai", hours=60)
    night(desk, 3)
    assert resolved(desk, "e") == ("success", "human")
    assert desk.items()["e"].selection_probability is None


def test_what_people_find_hard_fills_no_more_than_its_share(desk: Desk) -> None:
    for i in range(6):
        desk.add(f"e{i}")
        desk.outcome("episode", f"e{i}", "human", name="a", success=True, author="ada")
        desk.outcome("episode", f"e{i}", "human", name="a", success=False, author="ben")
    desk.write()
    assert night(desk, 1, size=10)["new"] == 2
    assert night(desk, 2, size=10)["new"] == 0
    desk.say(desk.waiting("cai")[0].item_id, "success", "cai", hours=60)
    assert night(desk, 3, size=10)["new"] == 1


def test_who_skips_leaves_it_to_others(desk: Desk, divided: ReviewItem) -> None:
    desk.say(divided.item_id, "skip", "cai", hours=30)
    night(desk, 2)
    assert desk.waiting("cai") == []
    assert len(desk.waiting("dan")) == 1


def test_whoever_settles_does_not_make_the_two_look_worse(desk: Desk) -> None:
    for i in range(20):
        desk.add(f"e{i}")
        for author, success in (("ada", True), ("ben", i > 1)):
            desk.outcome("episode", f"e{i}", "human", name="review", success=success, author=author)
    desk.write()
    before = poll(desk.lake, desk.project, terms=Declared(), thresholds={}).auditor_error
    for i in range(2):
        desk.outcome("episode", f"e{i}", "human", name="review", success=True, author="cai")
    desk.write()
    after = poll(desk.lake, desk.project, terms=Declared(), thresholds={})
    assert after.auditor_error == before
    assert min(after.weighed["success"].to_pylist()) > 0.9
