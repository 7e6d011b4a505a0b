"""Groups and splits: on first sight, for ever, and eval protected when groups merge."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.assemble import assemble
from headrace.curate.decontaminate import decontaminate
from headrace.curate.errors import SharesError
from headrace.curate.scrubbing import scrub
from headrace.curate.split import Shares, assignments, split
from headrace.curate.step import StepResult
from headrace.curate.units import units
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, said, short, system, user

ALL_TRAIN = Shares(train=1, test=0, eval=0)
ALL_TEST = Shares(train=0, test=1, eval=0)
ALL_EVAL = Shares(train=0, test=0, eval=1)


def thing(number: int) -> str:
    """A word for each number; numbers themselves are masked, and all such requests one."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:04}")


def ask(world: World, name: str, request: str, answer: str = "Yes.", **fields: Any) -> None:
    world.post(name, [system(), user(request), said(answer)], len(world.posted), **fields)


def run(lake: Lake, world: World, shares: Shares | None = None) -> StepResult:
    world.drain(lake)
    units(lake, world.project, now=NOW)
    return split(lake, world.project, now=NOW, shares=shares)


def assigned(lake: Lake, world: World) -> dict[str | None, str]:
    return {short(name): side for name, side in assignments(lake, world.project).items()}


def grouped(lake: Lake, world: World) -> list[set[str | None]]:
    rows = lake.rows(
        "select list(episode_id) as members from clusters where project = $p and method = 'group' "
        "group by cluster_id order by min(episode_id)",
        {"p": world.project},
    )
    return [{short(name) for name in row["members"]} for row in rows]


def test_a_group_is_one_request_one_conversation_one_run(lake: Lake, world: World) -> None:
    ask(world, "a", "Refund")
    ask(world, "b", " refund ", "No.", conversation_id="c1")
    ask(world, "c", "And now?", "Well.", conversation_id="c1")
    ask(world, "d", "Sub task", "17", parent_episode_id=f"{world.project}/c")
    ask(world, "e", "Something else")
    result = run(lake, world)
    assert grouped(lake, world) == [{"a", "b", "c", "d"}, {"e"}]
    assert (result.notes["groups"], result.notes["largest_group"]) == (2, 4)


def test_episodes_of_one_trace_are_one_group(lake: Lake, world: World) -> None:
    ask(world, "a", "Refund", "Yes.", trace_ids=("t1",))
    ask(world, "b", "Weather", "Fine.", trace_ids=("t1", "t2"))
    ask(world, "c", "Window seat", "Here.", trace_ids=("t2",))
    ask(world, "d", "Aisle seat", "There.", trace_ids=("t3",))
    run(lake, world)
    assert grouped(lake, world) == [{"a", "b", "c"}, {"d"}]


def test_the_trace_of_a_superseded_episode_keeps_its_side(lake: Lake, world: World) -> None:
    old = world.post("old", [user("Refund"), said("Yes.")], trace_ids=("t1", "t2"))
    run(lake, world, ALL_EVAL)
    world.posted.append(msgspec.structs.replace(old, revision=2, superseded=True))
    ask(world, "new", "Weather", "Fine.", trace_ids=("t2",))
    run(lake, world, ALL_TRAIN)
    assert assigned(lake, world) == {"new": "eval"}


def test_a_group_is_one_task_and_one_text_whatever_the_task(lake: Lake, world: World) -> None:
    ask(world, "a", "Refund", "Yes.", metadata={"task": "t1"})
    ask(world, "b", "refund ", "No.", metadata={"task": "t2"})
    ask(world, "c", "Money back", "Well.", metadata={"task": "t2"})
    ask(world, "d", "", "Hello.", metadata={"task": "t3"})
    ask(world, "e", " ", "Good day.", metadata={"task": "t4"})
    run(lake, world)
    assert grouped(lake, world) == [{"a", "b", "c"}, {"d"}, {"e"}]


def test_a_user_with_many_conversations_is_not_one_group(lake: Lake, world: World) -> None:
    for i in range(1000):
        ask(
            world,
            f"e{i}",
            f"Tell me of {thing(i)}",
            f"It is {thing(i)}",
            user_id="u",
            conversation_id=f"c{i}",
        )
    assert run(lake, world).notes["groups"] == 1000


def test_a_split_is_never_drawn_again(lake: Lake, world: World) -> None:
    for i in range(30):
        ask(world, f"e{i:02}", f"Tell me of {thing(i)}", f"It is {thing(i)}")
    first = run(lake, world)
    before, snapshot = assigned(lake, world), lake.snapshot_id
    split(lake, world.project, now=NOW, seed=7, shares=ALL_EVAL)
    assert lake.snapshot_id == snapshot
    ask(world, "late", f"Tell me of {thing(3)}", "Another answer")
    run(lake, world, ALL_EVAL)
    after = assigned(lake, world)
    assert {name: after[name] for name in before} == before
    assert after["late"] == before["e03"]
    assert first.notes["train"] + first.notes["test"] + first.notes["eval"] == 30
    assert len(set(before.values())) > 1


@pytest.mark.parametrize(
    ("weak", "strong"), [(ALL_TRAIN, ALL_EVAL), (ALL_TEST, ALL_EVAL), (ALL_TRAIN, ALL_TEST)]
)
def test_a_merge_quarantines_the_weaker_side_and_leaves_the_other_untouched(
    weak: Shares, strong: Shares, lake: Lake, world: World
) -> None:
    ask(world, "t1", "Cheap flights")
    ask(world, "t2", "Cheap flights", "No.")
    run(lake, world, weak)
    ask(world, "e1", "Window seat")
    run(lake, world, strong)
    before = assigned(lake, world)
    ask(world, "j1", "Cheap flights", "Here.", conversation_id="c")
    ask(world, "j2", "Window seat", "There.", conversation_id="c")
    result = run(lake, world, weak)
    assert result.dropped == {"quarantined": 2}
    assert assigned(lake, world) == {name: before["e1"] for name in ("e1", "j1", "j2")}
    rows = lake.rows(
        "from decisions where project = $p and reason = 'quarantined' order by episode_id",
        {"p": world.project},
    )
    assert [(short(r["episode_id"]), short(r["because_of"])) for r in rows] == [
        ("t1", "e1"), ("t2", "e1")
    ]  # fmt: skip
    decontaminated = decontaminate(lake, world.project, now=NOW)
    assert decontaminated.dropped["quarantined"] == 2
    snapshot = lake.snapshot_id
    run(lake, world, weak)
    decontaminate(lake, world.project, now=NOW)
    assert lake.snapshot_id == snapshot


def test_a_merge_within_a_split_joins_the_groups(lake: Lake, world: World) -> None:
    ask(world, "a", "Cheap flights")
    ask(world, "b", "Window seat")
    run(lake, world, ALL_TRAIN)
    ask(world, "c", "Cheap flights", "Here.", conversation_id="c")
    ask(world, "d", "Window seat", "There.", conversation_id="c")
    result = run(lake, world, ALL_EVAL)
    assert grouped(lake, world) == [{"a", "b", "c", "d"}]
    assert (result.dropped, result.notes["train"]) == ({}, 4)


def test_an_episode_that_gets_a_new_name_stays_on_its_side(lake: Lake, world: World) -> None:
    world.agent_run("a", steps=3)
    late, *early = world.spans
    world.drain(lake, early)
    assemble(lake, world.project, now=NOW)
    scrub(lake, world.project, now=NOW)
    units(lake, world.project, now=NOW)
    split(lake, world.project, now=NOW, shares=ALL_EVAL)
    [old] = assignments(lake, world.project)
    world.drain(lake, [late])
    assemble(lake, world.project, now=NOW)
    scrub(lake, world.project, now=NOW)
    units(lake, world.project, now=NOW)
    split(lake, world.project, now=NOW, shares=ALL_TRAIN)
    [(new, side)] = assignments(lake, world.project).items()
    assert new != old
    assert side == "eval"


@pytest.mark.parametrize(
    "shares",
    [
        {"train": 0.5},
        {"train": 1.2, "test": -0.5},
        {"train": 0, "test": 0, "eval": 0},
        {"train": 0.6 + 1e-8},
        {"train": -1e-8, "test": 0.7 + 1e-8},
        {"train": float("nan")},
        {"train": float("inf"), "eval": float("-inf")},
    ],
)
def test_shares_must_divide_the_whole(shares: dict[str, float]) -> None:
    with pytest.raises(SharesError, match="add up to 1"):
        Shares(**shares)


def test_draws_follow_the_shares() -> None:
    drawn = [Shares().draw(f"g{i}", 0) for i in range(2000)]
    assert abs(drawn.count("train") / 2000 - 0.6) < 0.05
    assert abs(drawn.count("eval") / 2000 - 0.3) < 0.05
    assert drawn == [Shares().draw(f"g{i}", 0) for i in range(2000)]
    assert drawn != [Shares().draw(f"g{i}", 1) for i in range(2000)]


@pytest.mark.parametrize(
    "shares",
    [
        {"train": 1, "test": 0, "eval": 0},
        {"train": 0.1, "test": 0.2, "eval": 0.7},  # adds up to 0.9999999999999999
        {"train": 1 / 3, "test": 1 / 3, "eval": 1 / 3},
        {"train": 0.6 + 1e-10},
    ],
)
def test_shares_may_be_off_by_what_a_float_is_off(shares: dict[str, float]) -> None:
    assert Shares(**shares).train == shares["train"]


GROUPS = [f"gr_{i}" for i in range(300)]


@pytest.mark.parametrize("only", ["train", "test", "eval"])
def test_a_share_of_all_takes_all_and_a_share_of_nothing_nothing(only: str) -> None:
    none = dict.fromkeys(["train", "test", "eval"], 0.0)
    assert {Shares(**none | {only: 1.0}).draw(name, 3) for name in GROUPS} == {only}
    half = {name: 0.5 for name in none if name != only}
    assert {Shares(**none | half).draw(name, 3) for name in GROUPS} == set(half)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10), st.integers(0, 10), st.integers(0, 9))
def test_a_larger_share_of_train_takes_nothing_out_of_it(one: int, other: int, seed: int) -> None:
    small, large = (Shares(train=n / 10, test=0, eval=1 - n / 10) for n in sorted((one, other)))
    for name in GROUPS[:50]:
        assert large.draw(name, seed) == "train" or small.draw(name, seed) == "eval"


def test_a_draw_is_the_same_on_any_machine_for_ever() -> None:
    """A release that drew otherwise would move what was held out into training."""
    assert [Shares().draw(f"gr_{i}", 0) for i in range(8)] == [
        "train",
        "test",
        "eval",
        "train",
        "train",
        "eval",
        "train",
        "train",
    ]
