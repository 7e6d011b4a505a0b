"""What gives an eval case away is kept out of training, and nothing else."""

from itertools import product
from typing import Any

import msgspec
import pytest

from headrace.curate.decontaminate import burned, decontaminate, leaks
from headrace.curate.split import Shares, split
from headrace.curate.units import units
from headrace.curate.wall import repeat
from headrace.lake.record import Member
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, result, said, short, user

WORDS = ["".join(letters) for letters in product("abcdefgh", repeat=3)]
ALL_TRAIN = Shares(train=1, test=0, eval=0)
ALL_EVAL = Shares(train=0, test=0, eval=1)


def text(start: int, length: int) -> str:
    return " ".join(WORDS[start : start + length])


def wall(lake: Lake, world: World, shares: Shares = ALL_TRAIN) -> None:
    """What a night does before decontamination."""
    world.drain(lake)
    units(lake, world.project, now=NOW)
    split(lake, world.project, now=NOW, shares=shares)


def decided(lake: Lake, world: World) -> dict[str | None, tuple[Any, ...]]:
    rows = lake.rows(
        "from decisions where project = $p and step = 'decontaminate'", {"p": world.project}
    )
    return {
        short(r["episode_id"]): (r["kept"], r["reason"], r["because_of"], r["similarity"])
        for r in rows
    }


def test_every_episode_gets_its_decision_and_leaks_find_the_same(lake: Lake, world: World) -> None:
    origin = world.post("held", [user("Held out"), said("Yes.")])
    wall(lake, world, ALL_EVAL)
    mate = world.post("mate", [user("Origin of a case"), said("Yes.")], conversation_id="c")
    world.post("sibling", [user("Next turn"), said("Yes.")], conversation_id="c")
    world.post("exact", [user("Promoted  question"), said("Yes.")])
    world.post("near", [user(f"Well, {text(0, 30)}"), said("Yes.")])
    world.post("ngram", [user("Look"), result("1", f"Found: {text(0, 30)}"), said("Yes.")])
    world.post("clean", [user("Weather?"), said("Fine.")])
    world.case("k1", user("Held out"), origin_episode_id=origin.episode_id)
    world.case("k2", user(text(300, 20)), origin_episode_id=mate.episode_id)
    world.case("k3", user("promoted question"))
    world.case("k4", user(text(0, 30)))
    world.case("k5", user("Weather?"), retired_at=NOW)
    wall(lake, world)
    outcome = decontaminate(lake, world.project, now=NOW)
    assert decided(lake, world) == {
        "held": (False, "eval_split", None, None),
        "mate": (False, "contaminated:group", "k2", None),
        "sibling": (False, "contaminated:group", "k2", None),
        "exact": (False, "contaminated:exact", "k3", 1.0),
        "near": (False, "contaminated:near", "k4", pytest.approx(0.95, abs=0.07)),
        "ngram": (False, "contaminated:ngram", "k4", 1.0),
        "clean": (True, "clean", None, None),
    }
    assert (outcome.kept, outcome.seen, outcome.notes["cases"]) == (1, 7, 4)
    ids = [episode.episode_id for episode in world.posted]
    found = {short(leak.episode_id): leak.case_id for leak in leaks(lake, world.project, ids)}
    assert found == {
        "held": "k1",
        "mate": "k2",
        "sibling": "k2",
        "exact": "k3",
        "near": "k4",
        "ngram": "k4",
    }
    assert leaks(lake, world.project, [world.posted[-1].episode_id]) == []


def test_a_new_case_takes_out_what_was_clean_and_a_second_run_writes_nothing(
    lake: Lake, world: World
) -> None:
    episode = world.post("a", [user("Cheap flights"), said("Here.")])
    wall(lake, world)
    decontaminate(lake, world.project, now=NOW)
    snapshot = lake.snapshot_id
    decontaminate(lake, world.project, now=NOW)
    assert lake.snapshot_id == snapshot
    assert leaks(lake, world.project, [episode.episode_id]) == []
    world.case("new", user("cheap flights"))
    world.drain(lake)
    assert len(leaks(lake, world.project, [episode.episode_id])) == 1
    assert decontaminate(lake, world.project, now=NOW).dropped == {"contaminated:exact": 1}


def test_a_decision_names_the_revision_that_it_judged(lake: Lake, world: World) -> None:
    def judged() -> list[int]:
        decontaminate(lake, world.project, now=NOW)
        rows = lake.rows("from decisions where project = $p", {"p": world.project})
        return [row["revision"] for row in rows]

    first = world.post("a", [user("Refund"), said("Yes.")])
    world.drain(lake)
    assert judged() == [1]
    world.posted.append(msgspec.structs.replace(first, revision=2, user_id="u"))
    world.drain(lake)
    assert judged() == [2]


def laid(lake: Lake, world: World) -> list[tuple[Any, ...]]:
    """What the step wrote, names as the test gave them."""
    rows = []
    for table, columns in {
        "eval_hits": "case_id, episode_id, rule, score, verdict",
        "eval_overlaps": "case_id, episode_id, rule, starts::varchar",
        "decisions": "step, episode_id, kept, reason, because_of, similarity",
    }.items():
        found = lake.sql(f"select {columns} from {table} where project = $p", {"p": world.project})
        rows += [
            (table, *(str(v).replace(world.project, "") for v in row)) for row in found.fetchall()
        ]
    return sorted(rows)


def talks(world: World, first: int, count: int) -> None:
    for i in range(first, first + count):
        asked = f"Please look into {text(8 * i, 8)} and then tell me about it"
        world.post(f"e{i:02}", [user(asked), said("Well.")], i)


def suite(world: World) -> None:
    world.case("own", user(f"Please look into {text(24, 8)} and then tell me about it"))
    world.case("part", user(text(8 * 9, 8)))
    world.case("none", user(text(300, 30)))


def test_two_nights_leave_what_one_night_over_both_leaves(lake: Lake, world: World) -> None:
    other = World(f"{world.project}/at-once")
    for each in (world, other):
        suite(each)
        talks(each, 0, 6)
    wall(lake, world)
    decontaminate(lake, world.project, now=NOW)
    for each in (world, other):
        talks(each, 6, 6)
        wall(lake, each)
        decontaminate(lake, each.project, now=NOW)
    assert laid(lake, world) == laid(lake, other)
    assert {row[3] for row in laid(lake, world) if row[0] == "eval_hits"} == {
        "exact",
        "near",
        "ngram",
    }


def test_a_case_that_comes_later_finds_what_it_would_have_found_at_first(
    lake: Lake, world: World
) -> None:
    other = World(f"{world.project}/at-first")
    suite(other)
    for each in (world, other):
        talks(each, 0, 12)
        wall(lake, each)
        decontaminate(lake, each.project, now=NOW)
    assert not any(row[0] == "eval_hits" for row in laid(lake, world))
    suite(world)
    world.drain(lake)
    decontaminate(lake, world.project, now=NOW)
    assert laid(lake, world) == laid(lake, other)


class Killed(Exception):
    """The machine went down."""


def test_a_night_that_is_killed_between_slices_is_taken_up_where_it_was(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = World(f"{world.project}/undisturbed")
    for each in (world, other):
        suite(each)
        talks(each, 0, 12)
        wall(lake, each)
    decontaminate(lake, other.project, now=NOW)
    monkeypatch.setattr(repeat, "SLICE", 5)
    monkeypatch.setattr(repeat, "PART", 2)

    def killing(done: int, total: int) -> None:
        if done == 10:
            raise Killed

    with pytest.raises(Killed):
        decontaminate(lake, world.project, now=NOW, told=killing)
    seen: list[tuple[int, int]] = []
    decontaminate(lake, world.project, now=NOW, told=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 2)]
    assert laid(lake, world) == laid(lake, other)


def test_a_new_case_that_was_exported_already_is_burned(lake: Lake, world: World) -> None:
    episode = world.post("a", [user("Cheap flights to Lisbon"), said("Here.")])
    wall(lake, world)
    rows = [
        Member(
            project=world.project, name="flights", version=version, row_id="r", split="train",
            episode_ids=(episode.episode_id,),
        )
        for version in "12"
    ]  # fmt: skip
    lake.write(lambda tx: tx.append("members", rows))
    assert "burned" not in decontaminate(lake, world.project, now=NOW).notes
    world.case("new", user("cheap flights to lisbon"))
    world.case("other", user("A window seat"))
    world.drain(lake)
    told = decontaminate(lake, world.project, now=NOW)
    assert told.notes == {"cases": 2, "burned": 1}
    [one] = burned(lake, world.project)
    assert (one.case_id, one.dataset, one.versions, one.rule) == ("new", "flights", 2, "exact")
    assert decided(lake, world)["a"][:2] == (False, "contaminated:exact")


def test_a_member_of_the_test_split_burns_nothing(lake: Lake, world: World) -> None:
    episode = world.post("a", [user("Cheap flights to Lisbon"), said("Here.")])
    world.case("new", user("cheap flights to lisbon"))
    wall(lake, world)
    row = Member(
        project=world.project, name="flights", version="1", row_id="r", split="test",
        episode_ids=(episode.episode_id,),
    )  # fmt: skip
    lake.write(lambda tx: tx.append("members", [row]))
    assert decontaminate(lake, world.project, now=NOW).notes == {"cases": 1}


def test_what_a_retired_case_took_out_comes_back(lake: Lake, world: World) -> None:
    world.post("a", [user("Cheap flights"), said("Here.")])
    world.case("k", user("cheap flights"))
    wall(lake, world)
    decontaminate(lake, world.project, now=NOW)
    world.cases = [msgspec.structs.replace(world.cases[0], retired_at=NOW)]
    world.drain(lake)
    decontaminate(lake, world.project, now=NOW)
    assert decided(lake, world)["a"][:2] == (True, "clean")


def test_a_form_of_question_that_many_cases_share_gives_none_of_them_away(
    lake: Lake, world: World
) -> None:
    form = "which of the following is not a"
    for i in range(3):
        world.case(f"k{i}", user(f"{form} {text(10 * i, 4)}"))
    world.post("a", [user(f"Tell me {form} {text(100, 6)}"), said("Hm.")])
    wall(lake, world)
    decontaminate(lake, world.project, now=NOW)
    assert decided(lake, world)["a"][:2] == (True, "clean")


def test_an_episode_that_was_not_scrubbed_waits(lake: Lake, world: World) -> None:
    world.post("a", [user("Cheap flights"), said("Here.")])
    world.drain(lake, scrubbed=False)
    decontaminate(lake, world.project, now=NOW)
    assert decided(lake, world) == {}
