"""Requests in other words: held back, judged once, and looked for both ways."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from headrace.curate import unit
from headrace.curate.decontaminate import decontaminate, given_away, leaks
from headrace.curate.embed import embed
from headrace.curate.semantic.encoder import Vectors
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

    def same(self, pairs: Sequence[tuple[str, str]]) -> list[bool | None]:
        self.asked += pairs
        return [self.verdict] * len(pairs)


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
    held = f"[projects.{dump(world.project)}]\nhold_similar = {dump(hold)}\n"
    (lake.settings.home / "headrace.toml").write_text(held)
    night(lake, world, words)
    assert reasons(lake, world) == {**HELD, "similar": "clean"}
    names = [episode.episode_id for episode in world.posted]
    assert {short(one.episode_id) for one in leaks(lake, world.project, names)} == {"same"}


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


def test_a_judge_that_is_silent_is_asked_no_more_that_night(
    lake: Lake, world: World, words: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.curate.wall.meaning.ASKED_AT_ONCE", 1)
    suite(world)
    requests(world)
    world.post("again", [user(" ".join([*SIMILAR, "indeed"])), said("It is again.")])
    judge = Judging(None)
    night(lake, world, words, judge=judge)
    assert len(judge.asked) == 1
    assert list(reasons(lake, world).values()).count("contaminated:similar") == 2


class BlindEncoder(WordEncoder):
    """To which no text is like another."""

    def _mean(self, text: str) -> Vectors:
        return super()._mean(unit.norm(text).replace(" ", ""))


def test_of_two_models_the_one_in_use_counts_and_no_judge_is_asked_twice(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    suite(world)
    requests(world)
    judge = Judging(True)
    judged = {**HELD, "similar": "contaminated:judged"}
    night(lake, world, words, judge=judge)
    assert reasons(lake, world) == judged
    night(lake, world, BlindEncoder("blind"), judge=judge)
    assert set(reasons(lake, world).values()) == {"clean"}
    assert leaks(lake, world.project, [episode.episode_id for episode in world.posted]) == []
    night(lake, world, words, judge=judge)
    assert reasons(lake, world) == judged
    night(lake, world, WordEncoder("words again"), judge=judge)
    assert reasons(lake, world)["similar"] == "contaminated:judged"
    assert len(judge.asked) == 1


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
