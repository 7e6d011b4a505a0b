"""Requests in other words: held back, judged once, and looked for both ways."""

from itertools import product
from typing import Any

import pytest

from headrace.curate.decontaminate import decontaminate, given_away, leaks
from headrace.curate.embed import embed
from headrace.curate.split import Shares, split
from headrace.curate.units import units
from headrace.lake.message import dump
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, said, short, user
from tests.unit.curate.semantic.conftest import WordEncoder

WORDS = ["".join(letters) for letters in product("bdfgklmnrst", repeat=3)]
CASE = WORDS[:12]
RIVAL = [*CASE[:6], *WORDS[100:106]]  # so like it that nothing leads far
SIMILAR = [*CASE[6::-1], WORDS[200]]
SAME = [*CASE[10::-1], WORDS[300]]
OTHER = WORDS[400:412]
BROUGHT, GROWN = dump({"from": "file"}), dump({"from": "production"})


class Judging:
    """Says the same of every pair, and notes what it was asked."""

    judge_hash = "j1"

    def __init__(self, verdict: bool | None) -> None:
        self.verdict = verdict
        self.asked: list[tuple[str, str]] = []

    def same(self, case: str, request: str) -> bool | None:
        self.asked.append((case, request))
        return self.verdict


def suite(world: World, origin: str = BROUGHT) -> None:
    world.case("k", user(" ".join(CASE)), origin=origin)
    world.case("rival", user(" ".join(RIVAL)), origin=origin)


def requests(world: World) -> None:
    for name, words in {"similar": SIMILAR, "same": SAME, "other": OTHER}.items():
        world.post(name, [user(" ".join(words)), said(f"It is {name}.")])


def night(lake: Lake, world: World, encoder: WordEncoder, **options: Any) -> None:
    world.drain(lake)
    units(lake, world.project, now=NOW)
    embed(lake, world.project, now=NOW, encoder=encoder)
    split(lake, world.project, now=NOW, shares=Shares(train=1, test=0, eval=0))
    decontaminate(lake, world.project, now=NOW, encoder=encoder, **options)


def reasons(lake: Lake, world: World) -> dict[str | None, str]:
    rows = lake.rows(
        "from decisions where project = $p and step = 'decontaminate'", {"p": world.project}
    )
    return {short(row["episode_id"]): row["reason"] for row in rows}


HELD = {"similar": "contaminated:similar", "same": "contaminated:semantic", "other": "clean"}


def test_what_may_say_a_brought_case_is_held_back(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    suite(world)
    requests(world)
    night(lake, world, words)
    assert reasons(lake, world) == HELD
    names = [episode.episode_id for episode in world.posted]
    assert {short(one.episode_id) for one in leaks(lake, world.project, names)} == {
        "similar", "same",
    }  # fmt: skip


@pytest.mark.parametrize(("origin", "hold"), [(GROWN, True), (BROUGHT, False)])
def test_of_grown_cases_and_where_it_is_not_wanted_only_what_is_sure_is_out(
    origin: str, hold: bool, lake: Lake, world: World, words: WordEncoder
) -> None:
    suite(world, origin)
    requests(world)
    night(lake, world, words, hold=hold)
    assert reasons(lake, world) == {**HELD, "similar": "clean"}


@pytest.mark.parametrize(
    ("verdict", "reason", "asked"),
    [(True, "contaminated:judged", 1), (False, "clean", 1), (None, "contaminated:similar", 2)],
)
def test_a_judge_decides_and_is_asked_once(
    verdict: bool | None, reason: str, asked: int, lake: Lake, world: World, words: WordEncoder
) -> None:
    suite(world)
    requests(world)
    judge = Judging(verdict)
    for _ in range(2):
        night(lake, world, words, judge=judge)
    assert reasons(lake, world) == {**HELD, "similar": reason}
    assert judge.asked == [(" ".join(CASE), " ".join(SIMILAR))] * asked


def test_cases_first_or_requests_first_or_both_at_once_decide_alike(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    requests(world)
    night(lake, world, words)
    assert set(reasons(lake, world).values()) == {"clean"}
    suite(world)
    night(lake, world, words)
    assert reasons(lake, world) == HELD
    snapshot = lake.snapshot_id
    decontaminate(lake, world.project, now=NOW, encoder=words)
    assert lake.snapshot_id == snapshot
    later = World(f"{world.project}/later")
    suite(later)
    night(lake, later, words)
    requests(later)
    night(lake, later, words)
    assert reasons(lake, later) == HELD


def test_a_case_that_is_not_stored_yet_is_held_against_all(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    requests(world)
    night(lake, world, words)
    suite(world)
    found = given_away(lake, world.project, world.cases, words)
    assert {(short(one.episode_id), one.rule) for one in found} == {("same", "semantic")}
