"""Requests of one meaning and one skeleton stand behind the oldest; looking alone shows nothing."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate import lead as step
from headrace.curate.embed import embed
from headrace.curate.lead import lead
from headrace.curate.semantic.encoder import Encoder
from headrace.curate.step import StepResult
from headrace.curate.units import units
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, result, said, short, user
from tests.unit.curate.semantic.conftest import WordEncoder

CANCEL = ("cancel_order", {"id": "o-1"})
LOOK = ("get_order", {"id": "o-1"})
FEW = settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def run_of(world: World, name: str, text: str, *calls: tuple[str, Any], **fields: Any) -> None:
    made = [(f"{name}{n}", tool, json.dumps(given)) for n, (tool, given) in enumerate(calls)]
    steps = [turn for call in made for turn in (said(None, call), result(call[0], "fine"))]
    at = len(world.posted)
    world.post(name, [user(text), *steps, said("Done.")], at=at, **fields)


def night(lake: Lake, world: World, encoder: Encoder) -> StepResult:
    world.drain(lake)
    units(lake, world.project, now=NOW)
    embed(lake, world.project, now=NOW, encoder=encoder)
    return lead(lake, world.project, now=NOW, encoder=encoder)


def clusters(lake: Lake, world: World) -> list[list[str | None]]:
    """Members, the representative first."""
    rows = lake.rows(
        "select list(episode_id order by rank) as members from clusters "
        "where project = $p and method = 'semantic' group by cluster_id order by min(episode_id)",
        {"p": world.project},
    )
    return [[short(name) for name in row["members"]] for row in rows]


def leaders(lake: Lake, world: World) -> list[tuple[Any, ...]]:
    return lake.sql(
        "select unit_id, skeleton_id, leader_id, cosine from leaders where project = $p",
        {"p": world.project},
    ).fetchall()


def test_other_words_for_one_thing_done_are_one_cluster(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    run_of(world, "a", "cancel my whole order please", CANCEL)
    run_of(world, "b", "please cancel my order", CANCEL)
    run_of(world, "c", "where is the nearest shop", CANCEL)
    found = night(lake, world, words)
    assert clusters(lake, world) == [["a", "b"], ["c"]]
    assert (found.seen, found.notes) == (3, {"clusters": 2, "showing_no_intent": 0})
    [row] = lake.rows(
        "from clusters where project = $p and method = 'semantic' and episode_id = $e",
        {"p": world.project, "e": f"{world.project}/b"},
    )
    assert row["cluster_id"].startswith("sm_")
    assert not row["representative"]
    assert 0.7 <= row["similarity"] < 1
    assert row["weight"] == 0.5


def test_other_steps_are_another_cluster(lake: Lake, world: World, words: WordEncoder) -> None:
    run_of(world, "a", "cancel my whole order please", CANCEL)
    run_of(world, "b", "please cancel my order", LOOK, CANCEL)
    night(lake, world, words)
    assert clusters(lake, world) == [["a"], ["b"]]


def test_on_and_off_of_one_flag_of_one_tool_never_merge(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    run_of(world, "on", "change the heating in the hall", ("set_heating", {"on": True}))
    run_of(world, "off", "change the heating in the hall now", ("set_heating", {"on": False}))
    night(lake, world, words)
    assert clusters(lake, world) == [["off"], ["on"]]


def test_chats_and_read_only_steps_never_merge_by_meaning(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    run_of(world, "a", "cancel my whole order please", LOOK)
    run_of(world, "b", "please cancel my order", LOOK)
    run_of(world, "c", "tell me a long joke please")
    run_of(world, "d", "please tell me a joke")
    found = night(lake, world, words)
    assert clusters(lake, world) == []
    assert [row[2] for row in leaders(lake, world)] == [None, None]
    assert found.notes == {"clusters": 0, "showing_no_intent": 2}


def test_a_definition_that_says_read_only_is_believed(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    tools = json.dumps([{"name": "cancel_order", "annotations": {"readOnlyHint": True}}])
    run_of(world, "a", "cancel my whole order please", CANCEL, tools=tools)
    night(lake, world, words)
    assert clusters(lake, world) == []


def test_opposites_of_one_skeleton_stay_apart_whatever_the_model_thinks(
    lake: Lake, world: World, encoder: Encoder
) -> None:
    """At a cosine of .97, and the tool was called alike."""
    run_of(world, "a", "please cancel my order 7654321", ("change_order", {"id": 1}))
    run_of(world, "b", "please do not cancel my order 1234567", ("change_order", {"id": 1}))
    run_of(world, "c", "could you cancel my order 1234567", ("change_order", {"id": 1}))
    night(lake, world, encoder)
    assert clusters(lake, world) == [["a", "c"], ["b"]]


def test_a_rerun_changes_nothing(lake: Lake, world: World, words: WordEncoder) -> None:
    run_of(world, "a", "cancel my whole order please", CANCEL)
    run_of(world, "b", "please cancel my order", LOOK)
    night(lake, world, words)
    before = leaders(lake, world)
    assert lead(lake, world.project, now=NOW, encoder=words).seen == 0
    assert leaders(lake, world) == before


def test_leaders_of_another_recipe_stand_beside(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    run_of(world, "a", "cancel my whole order please", CANCEL)
    night(lake, world, words)
    night(lake, world, WordEncoder("other"))
    models = lake.sql("select distinct model from leaders where project = $p", {"p": world.project})
    assert {row[0] for row in models.fetchall()} == {"words", "other"}
    assert clusters(lake, world) == [["a"]]


def test_a_request_without_a_vector_waits(lake: Lake, world: World, words: WordEncoder) -> None:
    run_of(world, "a", "cancel my whole order of today please", CANCEL)
    world.drain(lake)
    units(lake, world.project, now=NOW)
    late = WordEncoder("late")
    assert lead(lake, world.project, now=NOW, encoder=late).seen == 0
    embed(lake, world.project, now=NOW, encoder=late)
    assert lead(lake, world.project, now=NOW, encoder=late).seen == 1


SAYINGS = [
    ("cancel my whole order please", CANCEL), ("please cancel my order", CANCEL),
    ("cancel my big order please now", CANCEL), ("cancel my whole order please", LOOK),
    ("do cancel the order please please", CANCEL), ("never cancel my order please", CANCEL),
]  # fmt: skip


@FEW
@given(data=st.data())
def test_nights_in_sequence_equal_one_night(lake: Lake, data: st.DataObject) -> None:
    told = data.draw(st.lists(st.sampled_from(SAYINGS), min_size=2, max_size=7))
    cut = data.draw(st.integers(0, len(told)))
    one, two = (World(f"{data.draw(st.uuids())}") for _ in range(2))
    fill(one, told)
    night(lake, one, WordEncoder())
    fill(two, told[:cut])
    night(lake, two, WordEncoder())
    fill(two, told[cut:])
    night(lake, two, WordEncoder())
    assert leaders(lake, one) == leaders(lake, two)
    assert clusters(lake, one) == clusters(lake, two)


def fill(world: World, told: Sequence[tuple[str, Any]]) -> None:
    for text, call in told:
        run_of(world, f"e{len(world.posted):02}", text, call)


@pytest.mark.parametrize("after", [1, 2])
def test_a_night_cut_short_ends_as_if_it_had_not_been(
    lake: Lake, world: World, words: WordEncoder, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    undisturbed = World(f"{world.project} undisturbed")
    for made in (world, undisturbed):
        fill(made, SAYINGS)
    night(lake, undisturbed, words)
    monkeypatch.setattr(step, "CHUNK", 2)

    def killed(done: int, total: int) -> None:
        if done == 2 * after:
            raise KeyboardInterrupt

    world.drain(lake)
    units(lake, world.project, now=NOW)
    with pytest.raises(KeyboardInterrupt):
        lead(lake, world.project, now=NOW, encoder=words, told=killed)
    assert lead(lake, world.project, now=NOW, encoder=words).seen == len(SAYINGS) - 2 * after
    assert sorted(leaders(lake, world)) == sorted(leaders(lake, undisturbed))
    assert clusters(lake, world) == clusters(lake, undisturbed)
