"""What gives an eval case away is kept out of training, and nothing else."""

from itertools import product
from typing import Any

import msgspec
import pytest

from headrace.curate.decontaminate import decontaminate, leaks
from headrace.curate.split import Shares, split
from headrace.curate.units import units
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
