"""What an answer leaves in the lake, and what it may not do."""

import threading
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from headrace.curate.errors import ReviewRefused
from headrace.curate.outcomes import resolve
from headrace.curate.review.answer import named, undo
from headrace.curate.screen import screen
from headrace.curate.vote import vote
from headrace.lake import Lake
from headrace.lake.record import Review
from tests.reviewed import NOW, Desk

SAID = {"role": "assistant", "content": "Order e left yesterday."}


@pytest.fixture
def item(desk: Desk) -> str:
    desk.add("e", p=0.5)
    name = desk.ask("e")
    desk.write()
    return name


@pytest.mark.parametrize(
    ("action", "success", "correction"),
    [("success", True, None), ("failure", False, None), ("correction", False, SAID)],
)
def test_a_label_is_an_outcome_of_a_person_on_the_episode(
    desk: Desk, item: str, action: str, success: bool, correction: Any
) -> None:
    given = desk.say(item, action, comment="looked", correction=correction)
    [outcome] = desk.rows("outcomes")
    kept = ("target_kind", "target_id", "name", "success", "comment", "source", "author", "score")
    assert {key: outcome[key] for key in kept} == {
        "target_kind": "episode", "target_id": "e", "name": "review", "success": success,
        "comment": "looked", "source": "human", "author": "ada", "score": None,
    }  # fmt: skip
    text = '{"content":"Order e left yesterday.","role":"assistant"}'
    assert outcome["correction"] == (text if correction else None)
    [review] = desk.rows("reviews")
    assert Review(**review) == given
    assert (review["action"], review["revision"]) == (action, 1)
    assert review["outcome_id"] == outcome["outcome_id"]
    assert desk.items()["e"].state == "answered"


def night(desk: Desk, days: int) -> dict[str, Any]:
    """The resolution of `e` after the steps of a night that read what reviewers said."""
    now = NOW + timedelta(days=days)
    vote(desk.lake, desk.project, now=now)
    resolve(desk.lake, desk.project, now=now, waiting=timedelta(0))
    screen(desk.lake, desk.project, now=now)
    [row] = desk.rows("resolutions")
    return row


def test_a_label_resolves_the_episode(desk: Desk, item: str) -> None:
    desk.say(item, "failure")
    found = night(desk, 1)
    assert (found["resolution"], found["resolved_by"]) == ("failure", "human")


def test_a_label_that_is_taken_back_resolves_nothing_any_more(desk: Desk, item: str) -> None:
    given = desk.say(item, "failure")
    night(desk, 1)
    undo(desk.lake, desk.project, given, now=NOW + timedelta(days=2))
    found = night(desk, 2)
    assert (found["resolution"], found["resolved_by"]) == ("unmarked", None)


def test_two_who_say_the_opposite_are_two_voters(desk: Desk, item: str) -> None:
    ask = "update review_items set asked = 2 where project = $p"
    desk.lake.write(lambda tx: tx.run(ask, {"p": desk.project}))
    desk.say(item, "success")
    desk.say(item, "failure", "ben", hours=2)
    assert night(desk, 1)["witnesses"] == 2


def test_a_flag_holds_the_episode_back(desk: Desk, item: str) -> None:
    desk.say(item, "flag", comment="rude")
    night(desk, 1)
    decided = [row for row in desk.rows("decisions") if row["step"] == "screen"]
    assert [(row["episode_id"], row["kept"], row["reason"]) for row in decided] == [
        ("e", False, "flagged")
    ]


@pytest.mark.parametrize(("action", "state"), [("skip", "open"), ("flag", "flagged")])
def test_to_skip_or_flag_is_no_outcome(desk: Desk, item: str, action: str, state: str) -> None:
    desk.say(item, action, comment="not ours")
    assert desk.rows("outcomes") == []
    [review] = desk.rows("reviews")
    assert (review["action"], review["comment"], review["outcome_id"]) == (action, "not ours", None)
    assert desk.items()["e"].state == state


def test_what_one_skipped_another_may_still_answer(desk: Desk, item: str) -> None:
    desk.say(item, "skip")
    assert desk.waiting("ada") == []
    assert [one.item_id for one in desk.waiting("ben")] == [item]
    desk.say(item, "success", "ben")
    assert desk.items()["e"].state == "answered"


def test_a_double_asks_two_and_no_third(desk: Desk) -> None:
    desk.add("e", p=0.5)
    item = desk.ask("e", asked=2)
    desk.write()
    desk.say(item, "success")
    assert desk.items()["e"].state == "open"
    with pytest.raises(ReviewRefused, match="ada has said success before"):
        desk.say(item, "failure")
    desk.say(item, "failure", "ben", hours=2)
    assert desk.items()["e"].state == "answered"
    with pytest.raises(ReviewRefused, match="answered meanwhile"):
        desk.say(item, "failure", "cyd")
    assert [row["author"] for row in desk.rows("outcomes")] == ["ada", "ben"]


@pytest.mark.parametrize(("wanted", "written"), [(1, 1), (2, 2)])
def test_two_at_once_are_asked_one_after_the_other(
    desk: Desk, item: str, wanted: int, written: int
) -> None:
    """Each begins before the other has written: whoever commits later looks again."""
    ask = "update review_items set asked = $n where project = $p"
    desk.lake.write(lambda tx: tx.run(ask, {"n": wanted, "p": desk.project}))
    together = threading.Barrier(2)
    said: list[str] = []

    def say(home: Any, name: str) -> None:
        with Lake.open(home) as lake:
            other = Desk(lake, desk.project)
            together.wait()
            try:
                other.say(item, "success", name)
                said.append("written")
            except ReviewRefused:
                said.append("refused")

    home = desk.lake.settings.home
    threads = [threading.Thread(target=say, args=(home, name)) for name in ("ada", "ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["refused"] * (2 - written) + ["written"] * written
    assert len(desk.rows("outcomes")) == len(desk.rows("reviews")) == written
    assert desk.items()["e"].state == "answered"


def test_a_transaction_that_began_before_another_answer_sees_it(desk: Desk, item: str) -> None:
    """The race, by hand: the second answer is written between the look and the commit."""
    real, tried = Lake.write, []

    with Lake.open(desk.lake.settings.home) as late:

        def write(lake: Lake, work: Any) -> Any:
            def slow(tx: Any) -> Any:
                done = work(tx)
                tried.append(1)
                if len(tried) == 1:
                    desk.say(item, "failure", "ben")
                return done

            return real(late, slow)

        late.write = write.__get__(late)  # type: ignore[method-assign]
        with pytest.raises(ReviewRefused, match="answered meanwhile"):
            Desk(late, desk.project).say(item, "success", "ada")
    assert len(tried) == 1
    assert [row["author"] for row in desk.rows("outcomes")] == ["ben"]


@pytest.mark.parametrize("place", ["outcomes", "reviews", "touch"])
def test_an_answer_that_fails_half_way_leaves_nothing(
    desk: Desk, item: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.lake.store import Transaction

    append, run = Transaction.append, Transaction.run

    def no_append(tx: Transaction, table: str, rows: Any) -> int:
        if table == place:
            raise duckdb.IOException("disk full")
        return append(tx, table, rows)

    def no_run(tx: Transaction, sql: str, parameters: Any = None) -> Any:
        if place == "touch" and sql.lstrip().startswith(("--", "update")) and "state" in sql:
            raise duckdb.IOException("disk full")
        return run(tx, sql, parameters)

    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "append", no_append)
        broken.setattr(Transaction, "run", no_run)
        with pytest.raises(duckdb.IOException):
            desk.say(item, "success")
    assert desk.rows("outcomes") == desk.rows("reviews") == []
    assert desk.items()["e"].state == "open"
    desk.say(item, "success")


def test_an_answer_that_is_taken_back_leaves_nothing(desk: Desk, item: str) -> None:
    given = desk.say(item, "correction", correction=SAID)
    undo(desk.lake, desk.project, given, now=NOW + timedelta(hours=2))
    assert desk.rows("outcomes") == desk.rows("reviews") == []
    assert [one.item_id for one in desk.waiting("ada")] == [item]
    with pytest.raises(ReviewRefused, match="taken back before"):
        undo(desk.lake, desk.project, given, now=NOW + timedelta(hours=3))


def test_to_take_back_ones_own_leaves_the_other(desk: Desk, item: str) -> None:
    ask = "update review_items set asked = 2 where project = $p"
    desk.lake.write(lambda tx: tx.run(ask, {"p": desk.project}))
    mine = desk.say(item, "success")
    desk.say(item, "failure", "ben", hours=2)
    undo(desk.lake, desk.project, mine, now=NOW + timedelta(hours=3))
    assert [row["author"] for row in desk.rows("outcomes")] == ["ben"]
    assert [one.item_id for one in desk.waiting("ada")] == [item]


def test_an_episode_that_grew_is_to_be_looked_at_again(desk: Desk, item: str) -> None:
    desk.add("e", p=0.5, revision=2)
    desk.write()
    with pytest.raises(ReviewRefused, match="has grown since"):
        desk.say(item, "success", revision=1)
    assert desk.say(item, "success", revision=2).revision == 2


def test_an_episode_that_is_gone_is_not_answered(desk: Desk, item: str) -> None:
    desk.add("e", p=0.5, revision=2, superseded=True)
    desk.write()
    with pytest.raises(ReviewRefused, match="part of another one"):
        desk.say(item, "success")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"item": "rv_none"}, "no item 'rv_none'.*--list"),
        ({"reviewer": " "}, "no reviewer.*HEADRACE_REVIEWER"),
        ({"action": "correction"}, "a correction is what should have been said"),
        ({"action": "success", "correction": SAID}, "a correction is what"),
    ],
)
def test_what_is_not_whole_is_refused(
    desk: Desk, item: str, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ReviewRefused, match=words):
        desk.say(**{"item": item, "action": "success", **fields})
    assert desk.rows("reviews") == []


def test_an_item_is_named_by_its_beginning_or_its_episode(desk: Desk, item: str) -> None:
    assert named(desk.lake, desk.project, item[:8]) == item
    assert named(desk.lake, desk.project, "e") == item
    with pytest.raises(ReviewRefused, match="no item 'f'"):
        named(desk.lake, desk.project, "f")


def test_the_beginning_of_two_items_names_none(desk: Desk) -> None:
    for name in "ab":
        desk.add(name, p=0.5)
        desk.ask(name)
    desk.write()
    with pytest.raises(ReviewRefused, match="more than one item 'rv_'"):
        named(desk.lake, desk.project, "rv_")
