"""Votes are added and never taken out; what stands is what was said last."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.curate.errors import RulebookError
from headrace.curate.outcomes import resolve
from headrace.curate.step import StepResult
from headrace.curate.vote import vote
from headrace.lake.record import Judgement, Outcome
from headrace.lake.store import Lake, Transaction
from tests.unit.curate.conftest import NOW, T0, World, said, user

DAY = timedelta(days=1)
HEAD = "from headrace.curate.labels.rule import rule\n\n"
ANSWERED = """
@rule(name="answered", family="shape")
def answered(episode):
    return episode.messages[-1]["role"] == "assistant"
"""
LENGTH = """
@rule(name="long")
def long(episode):
    return len(episode.messages[1]["content"]) > 3
"""


def run(lake: Lake, world: World, now: datetime = NOW) -> StepResult:
    return vote(lake, world.project, now=now)


def settings(lake: Lake, text: str) -> None:
    (lake.settings.home / "headrace.toml").write_text(text)


def rules(lake: Lake, world: World, text: str, name: str = "rules.py") -> Path:
    path = lake.settings.home / name
    path.write_text(text)
    settings(lake, f'[projects."{world.project}"]\nrules = "{name}"\n')
    return path


@pytest.fixture(autouse=True)
def undeclared(lake: Lake) -> None:
    settings(lake, "")


def rows(lake: Lake, world: World) -> list[tuple[Any, ...]]:
    sql = """
        select episode_id, name, source, author, family, value, origin, "at" from votes
        where project = $project order by all
    """
    return lake.sql(sql, {"project": world.project}).fetchall()


def standing(lake: Lake, world: World) -> dict[tuple[str, str], int | None]:
    last: dict[tuple[str, str], tuple[datetime, int | None]] = {}
    for episode, name, _, _, _, value, _, at in rows(lake, world):
        key = (episode.rpartition("/")[2], name)
        last[key] = max(last.get(key, (at, value)), (at, value), key=lambda pair: pair[0])
    return {key: value for key, (_, value) in last.items() if value is not None}


def mark(lake: Lake, world: World, episode: str, success: bool | None, **fields: Any) -> None:
    given: dict[str, Any] = {
        "outcome_id": f"{episode}-{fields}", "source": "user", "name": "thumb", "at": T0, **fields,
    }  # fmt: skip
    outcome = Outcome(
        project=world.project, target_kind="episode", target_id=f"{world.project}/{episode}",
        success=success, received_at=NOW, **given,
    )  # fmt: skip
    lake.write(lambda tx: tx.upsert("outcomes", [outcome], on=["project", "outcome_id"]))


@pytest.fixture
def talks(lake: Lake, world: World) -> World:
    """`a` was answered, `b` was not."""
    world.post("a", [user("Hi"), said("Hello")], ended_at=T0)
    world.post("b", [user("Hi")], 1, ended_at=T0)
    world.drain(lake)
    return world


def test_marks_are_votes_and_a_second_night_adds_none(lake: Lake, talks: World) -> None:
    mark(lake, talks, "a", True, author="ann")
    mark(lake, talks, "b", None, correction='{"role": "assistant", "content": "x"}')
    result = run(lake, talks)
    assert [row[:7] for row in rows(lake, talks)] == [
        (f"{talks.project}/a", "thumb", "user", "ann", None, 1, "outcome"),
        (f"{talks.project}/b", "thumb", "user", None, None, 0, "outcome"),
    ]
    assert (result.kept, result.notes["outcome"]) == (2, 2)
    snapshot = lake.snapshot_id
    assert run(lake, talks, NOW + DAY).kept == 0
    assert lake.snapshot_id == snapshot


def test_a_score_votes_by_the_rule_for_it_and_another_rule_is_a_further_vote(
    lake: Lake, talks: World
) -> None:
    mark(lake, talks, "a", None, score=0.75, name="helpful")
    run(lake, talks)
    assert rows(lake, talks) == []
    for bound, value in ((0.7, 1), (0.8, 0), (0.7, 1)):
        settings(lake, f'[thresholds]\nhelpful = ">= {bound}"')
        run(lake, talks)
        assert standing(lake, talks) == {("a", "helpful"): value}
    settings(lake, "")
    run(lake, talks)
    assert standing(lake, talks) == {}
    assert [row[5] for row in sorted(rows(lake, talks), key=lambda row: row[7])] == [1, 0, 1, None]


def test_a_mark_that_comes_late_is_a_vote_of_its_own_time(lake: Lake, talks: World) -> None:
    """Two nights give the votes that one night over both would."""
    mark(lake, talks, "a", False, at=T0 + DAY)
    run(lake, talks)
    mark(lake, talks, "a", True, at=T0)
    run(lake, talks, NOW + DAY)
    assert [(row[5], row[7]) for row in rows(lake, talks)] == [(0, T0 + DAY), (1, T0)]
    assert standing(lake, talks) == {("a", "thumb"): 0}


def test_rules_vote_and_one_that_crashes_leaves_no_vote_and_is_told(
    lake: Lake, talks: World
) -> None:
    rules(lake, talks, HEAD + ANSWERED + LENGTH)
    result = run(lake, talks)
    assert standing(lake, talks) == {("a", "answered"): 1, ("b", "answered"): 0, ("a", "long"): 1}
    assert result.dropped == {"rule long: IndexError: tuple index out of range": 1}
    assert {row[4] for row in rows(lake, talks) if row[1] == "answered"} == {"shape"}


def test_rules_see_new_episodes_alone_until_their_file_changes(lake: Lake, talks: World) -> None:
    rules(lake, talks, HEAD + ANSWERED)
    assert run(lake, talks).seen == 2
    assert run(lake, talks).seen == 0
    talks.post("c", [user("Hi"), said("Yes")], 2)
    talks.drain(lake)
    assert run(lake, talks).seen == 1
    rules(lake, talks, HEAD + ANSWERED.replace("==", "!="))
    assert run(lake, talks, NOW + DAY).seen == 3
    assert standing(lake, talks) == {
        ("a", "answered"): 0, ("b", "answered"): 1, ("c", "answered"): 0,
    }  # fmt: skip
    rules(lake, talks, HEAD + ANSWERED)
    run(lake, talks, NOW + 2 * DAY)
    assert standing(lake, talks)["a", "answered"] == 1


def test_a_rule_that_is_gone_takes_its_votes_back(lake: Lake, talks: World) -> None:
    rules(lake, talks, HEAD + ANSWERED + LENGTH)
    run(lake, talks)
    rules(lake, talks, HEAD + LENGTH)
    run(lake, talks, NOW + DAY)
    assert standing(lake, talks) == {("a", "long"): 1}
    settings(lake, "")
    run(lake, talks, NOW + 2 * DAY)
    assert standing(lake, talks) == {}


def test_queries_are_rules(lake: Lake, talks: World) -> None:
    query = "-- name: first\nselect episode_id, episode_id like '%/a' as vote from current_episodes"
    rules(lake, talks, query, "rules.sql")
    run(lake, talks)
    assert standing(lake, talks) == {("a", "first"): 1, ("b", "first"): 0}
    assert run(lake, talks, NOW + DAY).kept == 0


def test_a_query_that_broke_leaves_standing_what_it_said_before(lake: Lake, talks: World) -> None:
    query = "-- name: first\nselect episode_id, true as vote from {}"
    rules(lake, talks, query.format("current_episodes"), "rules.sql")
    run(lake, talks)
    rules(lake, talks, query.format("nowhere"), "rules.sql")
    [reason] = run(lake, talks, NOW + DAY).dropped
    assert reason.startswith("rule first: CatalogException")
    assert standing(lake, talks) == {("a", "first"): 1, ("b", "first"): 1}


def test_a_file_that_cannot_be_read_keeps_no_mark_from_being_a_vote(
    lake: Lake, talks: World
) -> None:
    mark(lake, talks, "a", True)
    rules(lake, talks, "def broken(:\n")
    with pytest.raises(RulebookError, match="line 1"):
        run(lake, talks)
    assert standing(lake, talks) == {("a", "thumb"): 1}


LATE = '[late.paid]\nwindow_days = 3\nsilence = "failure"\n'


def test_silence_votes_once_its_window_is_over_and_an_outcome_takes_it_back(
    lake: Lake, talks: World
) -> None:
    settings(lake, LATE)
    run(lake, talks, T0 + 3 * DAY)
    assert rows(lake, talks) == []
    run(lake, talks, T0 + 3 * DAY + timedelta(microseconds=1))
    assert {row[5:] for row in rows(lake, talks)} == {(0, "silence", T0 + 3 * DAY)}
    mark(lake, talks, "a", True, name="paid", source="product")
    run(lake, talks, T0 + 4 * DAY)
    quiet = [row for row in rows(lake, talks) if row[6] == "silence"]
    assert [(row[0][-1], row[5]) for row in quiet] == [("a", 0), ("a", None), ("b", 0)]


def test_only_an_outcome_of_its_name_breaks_the_silence_whenever_it_comes(
    lake: Lake, talks: World
) -> None:
    settings(lake, LATE)
    mark(lake, talks, "a", False, name="paid", source="product", at=T0 + 9 * DAY)
    mark(lake, talks, "b", True, name="thumb", source="product")
    run(lake, talks, T0 + 10 * DAY)
    quiet = [row for row in rows(lake, talks) if row[6] == "silence"]
    assert [(row[0][-1], row[5]) for row in quiet] == [("b", 0)]


def test_silence_of_a_good_kind_is_a_success(lake: Lake, talks: World) -> None:
    settings(lake, LATE.replace("failure", "success"))
    run(lake, talks, T0 + 4 * DAY)
    assert [row[5:7] for row in rows(lake, talks)] == [(1, "silence")] * 2


def test_an_episode_with_an_open_window_is_pending_however_short_the_waiting(
    lake: Lake, talks: World
) -> None:
    settings(lake, LATE)
    for passed, state in ((2 * DAY, "pending"), (4 * DAY, "failure")):
        run(lake, talks, T0 + passed)
        resolve(lake, talks.project, now=T0 + passed, waiting=DAY)
        sql = "select distinct resolution from resolutions where project = $project"
        assert lake.sql(sql, {"project": talks.project}).fetchall() == [(state,)]


def judged(lake: Lake, world: World, **fields: Any) -> None:
    given: dict[str, Any] = {
        "episode_id": f"{world.project}/a", "revision": 1, "judge_hash": "j1", "name": "m quality",
        "family": "m", "value": 1.0, "at": T0, **fields,
    }  # fmt: skip
    row = Judgement(project=world.project, **given)
    lake.write(lambda tx: tx.append("judgements", [row]))


def test_a_judgement_is_a_vote_of_its_family_and_one_without_a_value_is_none(
    lake: Lake, talks: World
) -> None:
    judged(lake, talks)
    judged(lake, talks, episode_id=f"{talks.project}/b", value=None, error="refused")
    judged(lake, talks, revision=7, name="of another revision")
    run(lake, talks)
    [row] = rows(lake, talks)
    assert row[1:7] == ("m quality", "judge", None, "m", 1, "judge")


def test_the_next_version_of_a_judge_speaks_in_place_of_the_last(lake: Lake, talks: World) -> None:
    judged(lake, talks)
    run(lake, talks)
    judged(lake, talks, judge_hash="j2", value=0.0, at=T0 + DAY)
    run(lake, talks, NOW + DAY)
    assert standing(lake, talks) == {("a", "m quality"): 0}


def _killed(at: int) -> Callable[..., None]:
    """Fails in the middle of the transaction of that number."""
    calls = iter(range(1_000))
    real = Transaction.append

    def append(self: Transaction, *args: Any) -> Any:
        found = real(self, *args)
        if next(calls) == at:
            raise KeyboardInterrupt
        return found

    return append


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_night_that_was_killed_ends_as_one_that_was_not(
    at: int, lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.curate.backlog.CHUNK", 3)
    rng = random.Random(3)
    for i in range(8):
        world.post(f"e{i}", [user("Hi"), *([said("Yes")] if rng.random() < 0.5 else [])], i)
    world.drain(lake)
    rules(lake, world, HEAD + ANSWERED)
    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "append", _killed(at))
        with pytest.raises(KeyboardInterrupt):
            run(lake, world)
    assert len(rows(lake, world)) == 3 * at
    run(lake, world)
    found = rows(lake, world)
    assert len(found) == len(set(found)) == 8
    assert run(lake, world).seen == 0
