"""Texts that episodes are compared by get numbers that stay, whatever night they come in."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate import backlog
from headrace.curate.units import units
from headrace.lake.message import Body, dump
from headrace.lake.store import Lake, Transaction
from tests.unit.curate.conftest import NOW, WEATHER, World, said, system, user

TABLES = {
    "text_units": "unit_id, kind, text_hash, text, episode_id",
    "episode_units": "episode_id, request, asked, skeleton, transcript, context, wording, words",
    "edges": "a, b, kind, score, algo",
    "unit_clusters": "method, unit_id, cluster_id",
    "minhash_signatures": "algo, unit_id, signature",
    "lsh_bands": "algo, band, key, unit_id",
    "done": "step, version, key, revision",
}
LONG = "please find me a quiet table by the window for tonight and tell the kitchen we are late"
FEW = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def talk(text: str, reply: str = "Yes.") -> list[Body]:
    return [system(), user(text), said(reply)]


def standing(lake: Lake, project: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the step wrote, names as the test gave them."""
    return {
        table: sorted(
            tuple(str(v).replace(project, "") for v in row)
            for row in lake.sql(
                f"select {columns} from {table} where project = $p", {"p": project}
            ).fetchall()
        )
        for table, columns in TABLES.items()
    }


def row(lake: Lake, world: World, name: str) -> dict[str, Any]:
    [found] = lake.rows(
        "select * from episode_units where project = $p and episode_id = $e",
        {"p": world.project, "e": f"{world.project}/{name}"},
    )
    return found


def run(lake: Lake, world: World) -> Any:
    world.drain(lake)
    return units(lake, world.project, now=NOW)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(backlog, "CHUNK", 3)
    monkeypatch.setattr(backlog, "PART", 2)
    monkeypatch.setattr("headrace.curate.units.BATCH", 4)  # of two chunks, some of one
    yield


def filled(world: World, count: int = 12) -> None:
    for i in range(count):
        text = f"{LONG} number {i // 4} {'or else the garden' if i % 4 == 3 else ''}"
        world.post(f"e{i:02}", talk(text, f"Yes, table {i % 5}."), at=i)


def test_a_rerun_adds_nothing(lake: Lake, world: World) -> None:
    filled(world)
    first = run(lake, world)
    before = standing(lake, world.project)
    again = units(lake, world.project, now=NOW)
    assert (first.seen, again.seen) == (12, 0)
    assert standing(lake, world.project) == before


@FEW
@given(data=st.data())
def test_nights_in_sequence_equal_one_night(lake: Lake, data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.sampled_from("abcd"), min_size=2, max_size=8))
    cut = data.draw(st.integers(0, len(texts)))
    worlds = [World(f"{data.draw(st.uuids())}") for _ in range(2)]
    for world, cuts in zip(worlds, ([len(texts)], [cut, len(texts)]), strict=True):
        for stop in cuts:
            for i in range(len(world.posted), stop):
                world.post(f"e{i}", talk(f"{LONG} {texts[i]}", texts[i] * 9), at=i)
            run(lake, world)
    one, two = (standing(lake, world.project) for world in worlds)
    assert one == two


def test_killed_between_and_within_chunks_it_ends_as_if_undisturbed(
    lake: Lake, world: World, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = World(f"{world.project}-calm")
    for one in (world, calm):
        filled(one)
        one.drain(lake)
    units(lake, calm.project, now=NOW)
    append, left = Transaction.append, [0]

    def dying(tx: Transaction, table: str, rows: Any) -> int:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return append(tx, table, rows)

    monkeypatch.setattr(Transaction, "append", dying)
    deaths = 0
    for writes in (1, 2, 5, 3, 7, 0):
        left[0] = writes
        try:
            units(lake, world.project, now=NOW)
        except KeyboardInterrupt:
            deaths += 1
    assert deaths >= 4
    wanted = standing(lake, calm.project)
    found = standing(lake, world.project)
    assert {k: v for k, v in found.items()} == {
        k: sorted(tuple(x.replace("-calm", "") for x in row) for row in v)
        for k, v in wanted.items()
    }


def test_a_unit_is_numbered_where_it_is_first_seen(lake: Lake, world: World) -> None:
    world.post("a", talk("Cancel order 17 now"), at=0)
    world.post("b", talk("cancel  ORDER 23 now", "No."), at=1)
    run(lake, world)
    first, again = row(lake, world, "a"), row(lake, world, "b")
    assert first["request"] == again["request"] == 0
    assert first["transcript"] < again["transcript"]
    assert first["context"] == again["context"]
    assert first["words"] != again["words"]


def test_two_runs_of_one_request_share_it_whatever_tools_they_called(
    lake: Lake, world: World
) -> None:
    """Masks hold the values a run called with; the first night's mask stands in later ones."""
    asked = user("Fly me from Rome to Oslo on Monday please, a window seat")
    flew = [asked, said(None, ("1", "book", '{"to": "Oslo", "from": "Rome"}'))]
    world.post("flew", flew, at=0)
    run(lake, world)
    world.post("failed", [asked, said("I cannot.")], at=1)
    world.post("other", [user("Bring me from Rome to Oslo"), said("No.")], at=2)
    run(lake, world)
    found = {name: row(lake, world, name)["request"] for name in ("flew", "failed", "other")}
    assert found["flew"] == found["failed"] != found["other"]


def test_a_task_names_the_request_and_the_words_stand_beside_it(lake: Lake, world: World) -> None:
    for i in (1, 2):
        world.post(f"e{i}", talk("Hi, I need help"), at=i, metadata={"task": f"airline/{i}"})
    run(lake, world)
    one, two = row(lake, world, "e1"), row(lake, world, "e2")
    assert one["request"] != two["request"]
    assert one["asked"] == two["asked"]


def test_a_later_revision_takes_the_place_of_the_first(lake: Lake, world: World) -> None:
    first = world.post("e", talk("What is this?"))
    run(lake, world)
    again = world.post("e", [*talk("What is this?"), user("And that?"), said("Nothing.")])
    world.posted = [first, type(again)(**{**_fields(again), "revision": 2})]
    run(lake, world)
    assert row(lake, world, "e")["revision"] == 2
    assert row(lake, world, "e")["request"] == 0


def test_an_episode_that_was_not_scrubbed_waits(lake: Lake, world: World) -> None:
    world.post("a", talk("One thing"))
    world.post("b", talk("Another thing"))
    world.drain(lake, scrubbed=False)
    assert units(lake, world.project, now=NOW).seen == 0
    world.drain(lake)
    assert units(lake, world.project, now=NOW).seen == 2


def test_two_projects_that_say_the_same_share_nothing(lake: Lake, world: World) -> None:
    worlds = [World(f"{world.project}-{i}") for i in range(2)]
    for one in worlds:
        one.post("e", talk(LONG))
        run(lake, one)
    for one in worlds:
        assert row(lake, one, "e")["request"] == 0
        assert standing(lake, one.project)["edges"] == []


def test_a_merge_of_older_clusters_is_an_event(lake: Lake, world: World) -> None:
    """Two that are .58 alike are apart until one comes that is .77 like either."""
    words = [f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(50)]
    first, between, last = words[:40], words[40:45] + words[5:40], words[40:45] + words[5:35]
    last += words[45:50]
    world.post("a", talk(" ".join(first), "Yes"), at=0)
    world.post("b", talk(" ".join(last), "No"), at=1)
    run(lake, world)
    apart = standing(lake, world.project)["unit_clusters"]
    world.post("c", talk(" ".join(between), "Well"), at=2)
    later = NOW.replace(year=2027)
    world.drain(lake)
    units(lake, world.project, now=later)
    events = lake.rows(
        "select event, old_id, new_id, method from cluster_events where project = $p",
        {"p": world.project},
    )
    assert apart == []
    assert {(e["method"], e["event"]) for e in events} >= {("near", "merge")}
    assert all(int(e["new_id"]) < int(e["old_id"]) for e in events)


def test_the_tools_are_part_of_the_context(lake: Lake, world: World) -> None:
    world.post("bare", talk("One thing"), at=0)
    world.post("tools", talk("One thing"), at=1, tools=dump([WEATHER]))
    run(lake, world)
    assert row(lake, world, "bare")["context"] != row(lake, world, "tools")["context"]


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
