"""What is one request, what is one episode, and what must never be merged."""

from typing import Any

from headrace.curate.conversation import conversations
from headrace.curate.dedupe import dedupe
from headrace.curate.step import StepResult
from headrace.curate.units import units
from headrace.lake.record import Episode, Resolution
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, result, said, short, system, user

TALK = [system(), user("Refund my order"), said("Done.")]


def run(lake: Lake, world: World, *marked: tuple[Episode, Resolution]) -> StepResult:
    for episode, resolution in marked:
        world.resolve(episode, resolution)
    world.drain(lake)
    units(lake, world.project, now=NOW)
    return dedupe(lake, world.project, now=NOW)


def decided(lake: Lake, world: World) -> dict[str | None, tuple[Any, ...]]:
    rows = lake.rows("from decisions where project = $p and step = 'dedupe'", {"p": world.project})
    return {
        short(r["episode_id"]): (r["kept"], r["reason"], short(r["because_of"]), r["similarity"])
        for r in rows
    }


def clusters(lake: Lake, world: World, method: str) -> list[set[str | None]]:
    rows = lake.rows(
        "select list(episode_id) as members from clusters where project = $p and method = $m "
        "group by cluster_id order by min(episode_id)",
        {"p": world.project, "m": method},
    )
    return [{short(name) for name in row["members"]} for row in rows]


def test_the_latest_of_equal_episodes_represents_them(lake: Lake, world: World) -> None:
    posted = [world.post(name, TALK, at) for at, name in enumerate("abc")]
    result = run(lake, world, *[(episode, "success") for episode in posted])
    assert (result.seen, result.kept, result.dropped) == (3, 1, {"duplicate": 2})
    assert decided(lake, world) == {
        "a": (False, "duplicate", "c", 1.0),
        "b": (False, "duplicate", "c", 1.0),
        "c": (True, "representative", None, None),
    }
    kept = [c.episode_id for c in conversations(lake, world.project) if c.representative]
    assert list(map(short, kept)) == ["c"]


def test_both_outcomes_of_a_request_are_kept_even_with_equal_transcripts(
    lake: Lake, world: World
) -> None:
    a, b = world.post("a", TALK), world.post("b", TALK)
    result = run(lake, world, (a, "success"), (b, "failure"))
    assert result.kept == 2
    assert clusters(lake, world, "request") == [{"a", "b"}]
    assert clusters(lake, world, "duplicate") == [{"a"}, {"b"}]


def test_a_long_run_is_one_episode_and_merges_with_no_other_of_its_request(
    lake: Lake, world: World
) -> None:
    def loop(polls: int) -> list[dict[str, Any]]:
        steps = [
            message
            for i in range(polls)
            for message in (said(None, (f"c{i}", "poll", "{}")), result(f"c{i}", "wait"))
        ]
        return [system(), user("Wait for my parcel"), *steps, said("It is here.")]

    world.post("long", loop(30))
    world.post("short", loop(2))
    result_of_run = run(lake, world)
    assert (result_of_run.seen, result_of_run.kept) == (2, 2)
    assert clusters(lake, world, "request") == [{"long", "short"}]


def test_one_flag_of_one_call_makes_another_episode(lake: Lake, world: World) -> None:
    for flag in ("true", "false"):
        call = said(None, ("1", "roaming", f'{{"on": {flag}}}'))
        world.post(flag, [user("Change roaming"), call, result("1", "ok"), said("Done.")])
    assert run(lake, world).kept == 2


def test_a_shared_system_prompt_joins_nothing(lake: Lake, world: World) -> None:
    prompt = system("policy " * 500)
    world.post("a", [prompt, user("Cancel my order"), said("Done.")])
    world.post("b", [prompt, user("Do not cancel my order"), said("Done.")])
    run(lake, world)
    assert clusters(lake, world, "request") == [{"a"}, {"b"}]
    assert clusters(lake, world, "duplicate") == [{"a"}, {"b"}]


def test_the_products_task_goes_before_the_words_of_the_request(lake: Lake, world: World) -> None:
    world.post("a", [user("Refund, please"), said("Yes.")], metadata={"task": "refund"})
    world.post("b", [user("I want my money"), said("Sure.")], metadata={"task": "refund"})
    world.post("c", [user("Refund, please"), said("No.")])
    talk = [user("Look up the order"), said("17")]
    world.post("sub", talk, metadata={"task": "refund"}, parent_episode_id="a")
    run(lake, world)
    assert clusters(lake, world, "request") == [{"a", "b"}, {"c"}, {"sub"}]


def test_episodes_in_which_nothing_was_said_are_only_themselves(lake: Lake, world: World) -> None:
    world.post("a", [system()])
    world.post("b", [system()])
    assert run(lake, world).kept == 2
    assert clusters(lake, world, "request") == [{"a"}, {"b"}]


def test_a_second_run_writes_nothing_and_a_late_outcome_parts_duplicates(
    lake: Lake, world: World
) -> None:
    a, b = world.post("a", TALK), world.post("b", TALK, 1)
    run(lake, world, (a, "success"), (b, "success"))
    snapshot = lake.snapshot_id
    dedupe(lake, world.project, now=NOW)
    assert lake.snapshot_id == snapshot
    result = run(lake, world, (a, "failure"))
    assert result.kept == 2
    assert clusters(lake, world, "duplicate") == [{"a"}, {"b"}]


def steps(count: int, flag: str = "true", tail: str = "") -> list[dict[str, Any]]:
    """A talk of many words around a few calls."""
    words = [" ".join(f"w{chr(97 + i)}{chr(97 + k)}" for k in range(20)) for i in range(count)]
    calls = [
        message
        for i, text in enumerate(words)
        for message in (said(text, (f"c{i}", "look", f'{{"deep": {flag}}}')), result(f"c{i}", "ok"))
    ]
    return [system(), user("Please look into all of these places for me"), *calls, said(tail)]


def test_nearly_equal_transcripts_are_one_example_with_its_likeness(
    lake: Lake, world: World
) -> None:
    a, b = world.post("a", steps(6, tail="All done now.")), world.post("b", steps(6), 1)
    run(lake, world, (a, "success"), (b, "success"))
    kept, reason, of, likeness = decided(lake, world)["a"]
    assert (kept, reason, of) == (False, "duplicate", "b")
    assert 0.75 <= likeness < 1


def test_failed_then_succeeded_keeps_both_however_alike_they_are(lake: Lake, world: World) -> None:
    a, b = world.post("a", steps(6, tail="All done now.")), world.post("b", steps(6), 1)
    assert run(lake, world, (a, "failure"), (b, "success")).kept == 2


def test_on_and_off_of_one_flag_are_two_examples_in_a_long_talk_too(
    lake: Lake, world: World
) -> None:
    a, b = world.post("a", steps(6, "true")), world.post("b", steps(6, "false"), 1)
    assert run(lake, world, (a, "success"), (b, "success")).kept == 2
    assert clusters(lake, world, "near") == [{"a", "b"}]


def test_members_are_ranked_by_time_and_weigh_one_together(lake: Lake, world: World) -> None:
    for at, name in enumerate("abc"):
        world.post(name, TALK, at)
    run(lake, world)
    rows = lake.rows(
        "select episode_id, rank, weight from clusters where project = $p and method = 'duplicate'",
        {"p": world.project},
    )
    found = {short(r["episode_id"]): (r["rank"], r["weight"]) for r in rows}
    assert found == {"a": (3, 1 / 3), "b": (2, 1 / 3), "c": (1, 1 / 3)}


def test_a_cluster_keeps_its_name_when_younger_members_come(lake: Lake, world: World) -> None:
    def names() -> set[str]:
        rows = lake.rows(
            "select distinct cluster_id from clusters where project = $p and method = 'duplicate'",
            {"p": world.project},
        )
        return {row["cluster_id"] for row in rows}

    world.post("a", TALK)
    run(lake, world)
    before = names()
    world.post("b", TALK, 1)
    run(lake, world)
    assert names() == before
