"""Every request has its intent; intents stand, and keep id and name when they are found anew."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate import intent as step
from headrace.curate.embed import embed
from headrace.curate.intent import intents
from headrace.curate.intents import cluster
from headrace.curate.semantic.encoder import Encoder
from headrace.curate.step import StepResult
from headrace.curate.units import units
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, said, short, user
from tests.unit.curate.semantic.conftest import WordEncoder

FEW = settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CANCEL = ["cancel flight", "please cancel flight", "cancel flight today", "cancel flight now"]
REFUND = ["refund money", "refund money please", "give refund money", "refund money back"]
HOTEL = ["hotel room", "hotel room please", "a hotel room", "hotel room tonight"]


def ask(world: World, *texts: str) -> None:
    for text in texts:
        at = len(world.posted)
        world.post(f"e{at:02}", [user(text), said("Yes.")], at=at)


def night(lake: Lake, world: World, encoder: Encoder) -> StepResult:
    world.drain(lake)
    units(lake, world.project, now=NOW)
    embed(lake, world.project, now=NOW, encoder=encoder)
    return intents(lake, world.project, now=NOW, encoder=encoder)


def members(lake: Lake, world: World) -> dict[str, list[str | None]]:
    rows = lake.rows(
        "select cluster_id, list(episode_id order by episode_id) as members from clusters "
        "where project = $p and method = 'intent' group by cluster_id",
        {"p": world.project},
    )
    return {row["cluster_id"]: [short(name) for name in row["members"]] for row in rows}


def known(lake: Lake, world: World) -> dict[str, str]:
    rows = lake.rows("from intents where project = $p", {"p": world.project})
    return {row["intent_id"]: row["name"] for row in rows}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intents are sought after eight episodes, then after twelve."""
    monkeypatch.setattr(step, "FIRST", 8)


def numbers(*given: int) -> list[str]:
    return [f"e{number:02}" for number in given]


def test_requests_are_gathered_and_named(lake: Lake, world: World, words: WordEncoder) -> None:
    ask(world, *CANCEL, *REFUND, "cancel flight")
    found = night(lake, world, words)
    assert members(lake, world) == {
        "cancel_flight": numbers(0, 1, 2, 3, 8),
        "refund_money": numbers(4, 5, 6, 7),
    }
    assert known(lake, world) == {
        "cancel_flight": "cancel flight", "refund_money": "refund money",
    }  # fmt: skip
    assert found.notes == {"intents": 2, "waiting": 0, "clustered": 1}
    shown = lake.sql(
        "select count(*) from clusters where project = $p and method = 'intent' and representative",
        {"p": world.project},
    ).fetchall()
    assert shown == [(2,)]


def test_new_requests_join_what_stands_and_unlike_ones_wait(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    ask(world, *CANCEL, *REFUND)
    night(lake, world, words)
    before = standing(lake, world)
    ask(world, "cancel the flight", "sing a song")
    found = night(lake, world, words)
    assert found.notes == {"intents": 2, "waiting": 1, "clustered": 0}
    assert members(lake, world)["cancel_flight"] == numbers(0, 1, 2, 3, 8)
    assert standing(lake, world) == before


def test_a_rerun_changes_nothing(lake: Lake, world: World, words: WordEncoder) -> None:
    ask(world, *CANCEL, *REFUND, "sing a song")
    night(lake, world, words)
    snapshot = lake.snapshot_id
    assert intents(lake, world.project, now=NOW, encoder=words).notes["clustered"] == 0
    assert lake.snapshot_id == snapshot


def test_when_half_as_many_more_have_come_all_are_clustered_anew_and_names_stay(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    ask(world, *CANCEL, *REFUND)
    night(lake, world, words)
    ask(world, *HOTEL, "cancel flight today")
    found = night(lake, world, words)
    assert found.notes == {"intents": 3, "waiting": 0, "clustered": 1}
    assert members(lake, world) == {
        "cancel_flight": numbers(0, 1, 2, 3, 12),
        "refund_money": numbers(4, 5, 6, 7),
        "hotel_room": numbers(8, 9, 10, 11),
    }
    assert sorted(known(lake, world)) == ["cancel_flight", "hotel_room", "refund_money"]


@FEW
@given(data=st.data())
def test_nights_in_sequence_equal_one_night(lake: Lake, data: st.DataObject) -> None:
    texts = data.draw(st.permutations([*CANCEL, *REFUND, *HOTEL, "sing a song"]))
    cuts = sorted(data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=2)))
    one, two = (World(f"{data.draw(st.uuids())}") for _ in range(2))
    ask(one, *texts)
    night(lake, one, WordEncoder())
    for start, stop in pairwise([0, *cuts, len(texts)]):
        ask(two, *texts[start:stop])
        night(lake, two, WordEncoder())
    assert everything(lake, one) == everything(lake, two)


def test_a_new_model_keeps_ids_and_names(lake: Lake, world: World, words: WordEncoder) -> None:
    ask(world, *CANCEL, *REFUND)
    night(lake, world, words)
    before = members(lake, world), known(lake, world)
    assert night(lake, world, WordEncoder("other")).notes["clustered"] == 1
    assert (members(lake, world), known(lake, world)) == before
    models = lake.sql(
        "select distinct model from centroids where project = $p", {"p": world.project}
    )
    assert models.fetchall() == [("other",)]


def test_an_intent_that_went_into_another_is_told(
    lake: Lake, world: World, words: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(world, *CANCEL, *CANCEL, *REFUND)
    night(lake, world, words)
    monkeypatch.setattr(cluster, "WIDEST", -1.0)
    monkeypatch.setattr(cluster, "NEAR", -1.0)
    night(lake, world, WordEncoder("other"))
    events = lake.sql(
        "select old_id, new_id, event from cluster_events where project = $p and method = 'intent'",
        {"p": world.project},
    ).fetchall()
    assert events == [("refund_money", "cancel_flight", "merge")]


def test_without_vectors_nothing_is_clustered(lake: Lake, world: World, words: WordEncoder) -> None:
    ask(world, "never embedded before")
    world.drain(lake)
    units(lake, world.project, now=NOW)
    found = intents(lake, world.project, now=NOW, encoder=WordEncoder("absent"))
    assert found.notes == {"intents": 0, "waiting": 1, "clustered": 0}


def test_a_model_that_names_is_asked_once(lake: Lake, world: World, words: WordEncoder) -> None:
    class Says:
        asked = 0

        @property
        def model(self) -> str:
            return "some/model"

        def __call__(self, requests: Sequence[str]) -> str:
            self.asked += 1
            return "Cancel a flight"

    says = Says()
    ask(world, *CANCEL, *CANCEL)
    world.drain(lake)
    units(lake, world.project, now=NOW)
    embed(lake, world.project, now=NOW, encoder=words)
    for _ in range(2):
        intents(lake, world.project, now=NOW, encoder=words, namer=says)
    assert (says.asked, known(lake, world)) == (1, {"Cancel_a_flight": "Cancel a flight"})


def everything(lake: Lake, world: World) -> list[list[tuple[Any, ...]]]:
    """What the step wrote, times and project apart."""
    columns = {
        "clusters": "cluster_id, split_part(episode_id, '/', -1), representative, similarity",
        "intents": "intent_id, name, terms, named_by",
        "centroids": "intent_id, vector, episodes",
        "cluster_events": "old_id, new_id, event",
    }
    own = {"clusters": "and method = 'intent'", "cluster_events": "and method = 'intent'"}
    return [
        lake.sql(
            f"select {told} from {table} where project = $p {own.get(table, '')} order by all",
            {"p": world.project},
        ).fetchall()
        for table, told in columns.items()
    ]


def standing(lake: Lake, world: World) -> list[tuple[Any, ...]]:
    return lake.sql(
        "select intent_id, vector from centroids where project = $p", {"p": world.project}
    ).fetchall()
