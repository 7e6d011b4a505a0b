"""Whole projects are resolved as the policy says, and by all witnesses where they were asked."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from headrace.curate.labels.declared import PRODUCT, USER, Declared
from headrace.curate.labels.poll import poll
from headrace.curate.outcomes import Mark, resolve, rule
from headrace.curate.step import StepResult
from headrace.lake.message import dump
from headrace.lake.record import Outcome, Source, VoteRow
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, T0, World, said, user

WEEK = timedelta(days=7)
TALK = [user("Hi"), said("Hello")]
COLUMNS = ("resolution", "success", "score", "resolved_by", "p_success", "witnesses")


def run(lake: Lake, world: World, now: datetime = NOW) -> StepResult:
    return resolve(lake, world.project, now=now, waiting=WEEK)


def found(lake: Lake, world: World) -> dict[str, dict[str, Any]]:
    sql = "from resolutions where project = $project"
    rows = lake.rows(sql, {"project": world.project})
    return {
        row["episode_id"].removeprefix(f"{world.project}/"): {name: row[name] for name in COLUMNS}
        for row in rows
    }


def outcome(world: World, episode: str, source: Source, success: bool | None, **fields: Any) -> Any:
    given: dict[str, Any] = {"name": "outcome", "at": T0, **fields}
    given["outcome_id"] = f"{episode}/{source}/{fields.get('outcome_id')}"
    return Outcome(
        project=world.project, target_kind="episode", target_id=f"{world.project}/{episode}",
        source=source, success=success, received_at=NOW, **given,
    )  # fmt: skip


def vote(world: World, episode: str, name: str, value: int | None, **fields: Any) -> VoteRow:
    given: dict[str, Any] = {"source": "rule", "origin": "rule", "at": T0, **fields}
    target = f"{world.project}/{episode}"
    return VoteRow(project=world.project, episode_id=target, name=name, value=value, **given)


def put(lake: Lake, *rows: Outcome | VoteRow) -> None:
    def write(tx: Any) -> None:
        marks = [row for row in rows if isinstance(row, Outcome)]
        tx.upsert("outcomes", marks, on=["project", "outcome_id"])
        tx.append("votes", [row for row in rows if isinstance(row, VoteRow)])

    lake.write(write)


def episodes(lake: Lake, world: World, names: Sequence[str]) -> None:
    for name in names:
        world.post(name, TALK, trace_ids=(name,), ended_at=T0)
    world.drain(lake)


def drawn(rng: random.Random) -> Mark:
    return Mark(
        source=rng.choice(get_args(Source)),
        name=rng.choice("ab"),
        at=T0 + timedelta(seconds=rng.randrange(3)),
        success=rng.choice([True, False, None]),
        score=rng.choice([None, 0.0, 0.5, 1.0]),
        corrected=rng.random() < 0.2,
        author=rng.choice([None, "ann", "ben", "cai"]),
    )


def test_marks_are_resolved_as_the_policy_says(lake: Lake, world: World) -> None:
    rng = random.Random(7)
    marks = {f"e{i}": [drawn(rng) for _ in range(rng.randrange(6))] for i in range(400)}
    episodes(lake, world, list(marks))
    correction = dump({"role": "assistant", "content": "No"})
    put(
        lake,
        *(
            outcome(
                world, name, mark.source, mark.success, name=mark.name, at=mark.at,
                score=mark.score, correction=correction if mark.corrected else None,
                outcome_id=f"o{i}", author=mark.author,
            )
            for name, given in marks.items() for i, mark in enumerate(given)
        ),
    )  # fmt: skip
    run(lake, world)
    resolved = found(lake, world)
    for name, given in marks.items():
        told = rule(given)
        row = resolved[name]
        assert (row["resolution"], row["score"], row["resolved_by"]) == (
            told.resolution or "pending", told.score, told.resolved_by,
        ), given  # fmt: skip
        decisive = [mark for mark in given if mark.verdict is not None]
        assert (row["p_success"] is None) == (row["witnesses"] in (0, None))
        assert decisive or row["p_success"] is None


@pytest.mark.parametrize(
    ("source", "error"), [("human", 0.05), ("product", PRODUCT), ("user", USER)]
)
def test_a_lone_word_of_who_knows_holds_an_episode_and_passes_the_gate(
    source: Source, error: float, lake: Lake, world: World
) -> None:
    episodes(lake, world, ["good", "bad"])
    put(lake, outcome(world, "good", source, True), outcome(world, "bad", source, False))
    run(lake, world)
    rows = found(lake, world)
    assert rows["good"]["p_success"] == pytest.approx(1 - error, abs=6e-4)
    assert rows["bad"]["p_success"] == pytest.approx(error, abs=6e-4)
    assert rows["good"]["p_success"] >= 0.9 and rows["bad"]["p_success"] <= 0.1
    assert {row["witnesses"] for row in rows.values()} == {1}


def test_judges_move_no_probability_of_an_episode_that_somebody_knows_of(
    lake: Lake, world: World
) -> None:
    episodes(lake, world, ["e"])
    judges = [vote(world, "e", f"j{i}", 0, source="judge", origin="judge") for i in range(5)]
    put(lake, outcome(world, "e", "user", True), *judges)
    run(lake, world)
    row = found(lake, world)["e"]
    assert (row["resolution"], row["resolved_by"]) == ("success", "user")
    assert row["p_success"] == pytest.approx(1 - USER, abs=6e-4)
    assert row["witnesses"] == 6


def test_a_person_who_looked_is_believed_over_product_and_user_who_contradict(
    lake: Lake, world: World
) -> None:
    episodes(lake, world, ["e", "f"])
    put(lake, outcome(world, "e", "human", True), outcome(world, "e", "product", False))
    put(lake, outcome(world, "f", "user", True), outcome(world, "f", "product", False))
    run(lake, world)
    rows = found(lake, world)
    assert rows["e"]["resolution"] == "success" and rows["e"]["p_success"] >= 0.9
    # The table of sources decides; that the odds say otherwise is left to be seen by a reviewer.
    assert rows["f"]["resolution"] == "success" and rows["f"]["p_success"] < 0.5


def test_one_rule_decides_alone_and_is_not_believed_enough_for_a_gate(
    lake: Lake, world: World
) -> None:
    episodes(lake, world, ["yes", "no"])
    put(lake, vote(world, "yes", "answered", 1), vote(world, "no", "answered", 0))
    run(lake, world)
    rows = found(lake, world)
    assert (rows["yes"]["resolution"], rows["no"]["resolution"]) == ("success", "failure")
    assert rows["yes"]["resolved_by"] == "rule" and 0.1 < rows["yes"]["p_success"] < 0.9


def test_witnesses_who_disagree_conflict_and_those_who_agree_decide(
    lake: Lake, world: World
) -> None:
    """Many agree elsewhere, so that each is known to be good."""
    names = [f"e{i}" for i in range(60)]
    episodes(lake, world, [*names, "torn"])
    votes = [
        vote(world, name, rule, int(i % 2))
        for i, name in enumerate(names)
        for rule in ("answered", "polite", "brief")
    ]
    put(lake, *votes, vote(world, "torn", "answered", 1), vote(world, "torn", "polite", 0))
    run(lake, world)
    rows = found(lake, world)
    assert rows["torn"]["resolution"] == "conflicting"
    assert rows["torn"]["witnesses"] == 2
    assert [rows[name]["resolution"] for name in names[:2]] == ["failure", "success"]
    assert {rows[name]["resolved_by"] for name in names} == {"votes"}


def test_a_family_counts_once_and_is_silent_where_it_is_divided(lake: Lake, world: World) -> None:
    episodes(lake, world, ["agree", "apart"])
    judge: Any = {"source": "judge", "origin": "judge", "family": "gpt"}
    put(
        lake,
        vote(world, "agree", "a", 1, **judge), vote(world, "agree", "b", 1, **judge),
        vote(world, "apart", "a", 1, **judge), vote(world, "apart", "b", 0, **judge),
    )  # fmt: skip
    run(lake, world)
    rows = found(lake, world)
    assert (rows["agree"]["resolution"], rows["agree"]["witnesses"]) == ("success", 1)
    assert rows["apart"]["resolution"] == "conflicting"
    assert rows["apart"]["p_success"] is None


def test_a_vote_that_was_taken_back_says_nothing(lake: Lake, world: World) -> None:
    episodes(lake, world, ["e"])
    later = T0 + timedelta(seconds=1)
    put(lake, vote(world, "e", "a", 1), vote(world, "e", "a", None, at=later))
    run(lake, world)
    assert found(lake, world)["e"]["resolution"] == "pending"
    put(lake, vote(world, "e", "a", 0, at=later + timedelta(seconds=1)))
    run(lake, world)
    assert found(lake, world)["e"]["resolution"] == "failure"


def test_an_outcome_ends_the_silence_of_its_name_whenever_it_comes(
    lake: Lake, world: World
) -> None:
    episodes(lake, world, ["early", "other"])
    quiet: Any = {"source": "product", "origin": "silence", "at": T0 + WEEK}
    put(lake, vote(world, "early", "paid", 0, **quiet), vote(world, "other", "paid", 0, **quiet))
    put(lake, outcome(world, "early", "product", True, name="paid"))
    run(lake, world)
    rows = found(lake, world)
    assert (rows["early"]["resolution"], rows["other"]["resolution"]) == ("success", "failure")


def test_votes_on_an_episode_that_is_superseded_teach_nothing(lake: Lake, world: World) -> None:
    world.post("gone", TALK, trace_ids=("gone",), superseded=True)
    episodes(lake, world, ["here"])
    put(lake, vote(world, "gone", "a", 0), vote(world, "gone", "b", 0), vote(world, "here", "a", 1))
    found = poll(lake, world.project, terms=Declared(), thresholds={})
    assert (found.ballot.episodes, found.ballot.witnesses) == (1, ("rule/a",))


def test_a_second_run_writes_nothing(lake: Lake, world: World) -> None:
    episodes(lake, world, ["e", "f"])
    put(lake, vote(world, "e", "a", 1), vote(world, "e", "b", 1), outcome(world, "f", "user", True))
    run(lake, world)
    snapshot = lake.snapshot_id
    run(lake, world, now=NOW + timedelta(hours=1))
    assert lake.snapshot_id == snapshot
