"""Which traces are assembled together, and how what is too large is cut."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from headrace.curate import plan
from headrace.curate.feed import Feed
from headrace.curate.plan import Plan, planned
from headrace.lake.message import Body
from headrace.lake.record import AssembledTrace
from headrace.lake.store import Lake
from tests.unit.curate.conftest import T0, World, result, said, user

DAY = 24 * 3600


def due(lake: Lake, world: World, *, link: bool = False) -> Plan:
    found = planned(lake, world.project, "v", link=link)
    assert found is not None
    return found


def groups(lake: Lake, world: World, *, link: bool = False) -> list[list[str]]:
    return [[t.trace_id for t in group.traces] for group in due(lake, world, link=link)]


def pieces(found: Plan) -> list[list[str]]:
    rows = found.places.to_pylist()
    return [
        [row["trace_id"] for row in rows if row["piece"] == number]
        for number in range(rows[-1]["piece"] + 1)
    ]


def done(lake: Lake, world: World, *names: str) -> None:
    """Mark traces as assembled as they stand."""
    rows = [
        AssembledTrace(project=world.project, trace_id=t.trace_id, fingerprint=t.fingerprint)
        for group in due(lake, world)
        for t in group.traces
        if t.trace_id in names
    ]
    lake.write(lambda tx: tx.upsert("assembled_traces", rows, on=["project", "trace_id"]))


def call(world: World, name: str, at: float = 0, **fields: Any) -> None:
    world.span(name, "llm", at, **{"trace_id": name, **fields})


def test_traces_of_a_conversation_are_one_group_and_others_their_own(
    lake: Lake, world: World
) -> None:
    call(world, "a", 0, conversation_id="c")
    call(world, "b", 1)
    call(world, "d", 2, conversation_id="c")
    world.drain(lake)
    assert groups(lake, world) == [["a", "d"], ["b"]]


def test_traces_that_share_conversations_in_turn_are_one_group(lake: Lake, world: World) -> None:
    call(world, "a", 0, conversation_id="c")
    world.call("b1", [user("x")], None, 1, trace_id="b", conversation_id="c")
    world.call("b2", [user("x")], None, 2, trace_id="b", conversation_id="d")
    call(world, "e", 3, conversation_id="d")
    world.drain(lake)
    assert groups(lake, world) == [["a", "b", "e"]]


def test_a_call_that_names_a_response_is_with_the_call_that_gave_it(
    lake: Lake, world: World
) -> None:
    call(world, "a", 0, response_id="resp_1")
    call(world, "b", 1, response_id="resp_2", previous_response_id="resp_1")
    call(world, "c", 2, previous_response_id="resp_2", conversation_id="late")
    call(world, "d", 3, response_id="resp_9")
    world.drain(lake)
    assert groups(lake, world) == [["a", "b", "c"], ["d"]]


def test_a_group_is_due_with_all_its_traces_when_one_of_them_changed(
    lake: Lake, world: World
) -> None:
    for name, conversation in (("a", "c"), ("b", "c"), ("d", None)):
        call(world, name, conversation_id=conversation)
    world.drain(lake)
    done(lake, world, "a", "d")
    assert groups(lake, world) == [["a", "b"]]
    done(lake, world, "b")
    assert planned(lake, world.project, "v", link=False) is None


def test_a_span_that_is_written_again_makes_its_trace_due(lake: Lake, world: World) -> None:
    call(world, "a")
    call(world, "b", 1)
    world.drain(lake)
    done(lake, world, "a", "b")
    world.drain(lake, world.spans[1:])
    assert groups(lake, world) == [["b"]]


def test_moving_rows_into_files_and_merging_those_makes_nothing_due(
    lake: Lake, world: World
) -> None:
    for at, name in enumerate("ab"):
        call(world, name, at)
        world.drain(lake, world.spans[-1:])
        lake.write(lambda tx: tx.run("call ducklake_flush_inlined_data('lake')"))
    done(lake, world, "a", "b")
    lake.write(lambda tx: tx.run("call ducklake_merge_adjacent_files('lake', 'spans')"))
    assert planned(lake, world.project, "v", link=False) is None


def test_writing_files_again_without_what_was_deleted_makes_nothing_else_due(
    lake: Lake, world: World
) -> None:
    for at, name in enumerate("abcdefghijklmn"):
        call(world, name, at)
    world.drain(lake)
    done(lake, world, *"bcdefghijklmn")
    lake.write(
        lambda tx: tx.run(
            "delete from spans where project = $project and trace_id in "
            "(select trace_id from spans where project = $project order by started_at limit 1)",
            {"project": world.project},
        )
    )
    lake.write(
        lambda tx: tx.run(
            "call ducklake_rewrite_data_files('lake', 'spans', delete_threshold => 0.0)"
        )
    )
    assert planned(lake, world.project, "v", link=False) is None


def test_with_links_a_trace_is_with_the_one_that_said_what_it_heard(
    lake: Lake, world: World
) -> None:
    call(world, "a", 0, said="s1", service="shop")
    call(world, "b", 10, heard="s1", said="s2", service="shop", conversation_id="c")
    call(world, "d", 20, heard="s1", service="other")
    world.drain(lake)
    assert groups(lake, world, link=True) == [["a", "b"], ["d"]]
    assert groups(lake, world) == [["a"], ["b"], ["d"]]


def test_two_conversations_with_ids_are_never_linked(lake: Lake, world: World) -> None:
    call(world, "a", 0, said="s1", conversation_id="c")
    call(world, "b", 1, heard="s1", conversation_id="d")
    world.drain(lake)
    assert groups(lake, world, link=True) == [["a"], ["b"]]


@pytest.mark.parametrize(("seconds", "linked"), [(DAY - 1, True), (DAY, False), (-DAY + 1, True)])
def test_links_reach_less_than_a_day(lake: Lake, world: World, seconds: int, linked: bool) -> None:
    call(world, "a", 0, said="s1")
    call(world, "b", seconds, heard="s1")
    world.drain(lake)
    assert len(groups(lake, world, link=True)) == (1 if linked else 2)


def test_a_turn_that_everyone_says_links_nobody(lake: Lake, world: World) -> None:
    for i in range(plan.CROWD + 1):
        call(world, f"a{i:02}", i, said="hello")
        call(world, f"b{i:02}", 100 + i, heard="hello")
    world.drain(lake)
    assert all(len(group) == 1 for group in groups(lake, world, link=True))


@pytest.mark.parametrize("prompt", [[], [{"role": "system", "content": "You help."}]])
def test_what_everyone_says_links_those_who_were_asked_alike(
    lake: Lake, world: World, prompt: list[Body]
) -> None:
    for i in range(plan.CROWD + 1):
        asked = world.names([*prompt, user(f"question {i}")])
        echo = world.names([said("Your name?"), user("Ann")])
        call(world, f"a{i:02}", i, said="name", input=asked)
        call(world, f"b{i:02}", 100 + i, heard="name", input=asked + echo)
    world.drain(lake)
    pairs = [[f"a{i:02}", f"b{i:02}"] for i in range(plan.CROWD + 1)]
    assert groups(lake, world, link=True) == pairs


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only three calls are assembled at once."""
    monkeypatch.setattr(plan, "CALLS", 3)
    monkeypatch.setattr(plan, "MANY", 2)
    yield


@pytest.mark.usefixtures("small")
def test_a_conversation_too_large_is_cut_between_traces(lake: Lake, world: World) -> None:
    for at, name in enumerate("abcdefg"):
        call(world, name, at, conversation_id="c")
    call(world, "z", 9)
    world.drain(lake)
    found = due(lake, world)
    assert pieces(found) == [["a", "b", "c"], ["d", "e", "f"], ["g"], ["z"]]
    assert [list(group.pieces) for group in found] == [[0, 1, 2], [3]]


@pytest.mark.usefixtures("small")
def test_a_trace_too_large_is_cut_between_calls_and_its_agent_is_on_both_sides(
    lake: Lake, world: World
) -> None:
    root = world.span("root", "agent", 0)
    world.spans = [msgspec.structs.replace(root, ended_at=T0 + timedelta(seconds=100))]
    for at in range(7):
        world.call(f"s{at}", [user(str(at))], said("Well."), at + 1, parent_span_id="root")
        world.tool(f"t{at}", (f"call{at}", "look", "{}"), "found", at + 1.5)
    world.drain(lake)
    found = due(lake, world)
    assert pieces(found) == [["t1"]] * 3
    feed = Feed(lake, world.project, found)
    read = [sorted(span.span_id for span in feed.spans(piece)) for piece in range(3)]
    assert read == [
        ["root", "s0", "s1", "s2", "t0", "t1", "t2"],
        ["root", "s3", "s4", "s5", "t3", "t4", "t5"],
        ["root", "s6", "t6"],
    ]


@pytest.mark.usefixtures("small")
def test_every_span_is_read_in_one_piece_however_large_the_groups(lake: Lake, world: World) -> None:
    rng = np.random.default_rng(1)
    for i in range(60):
        at = int(rng.integers(0, 40))
        trace, talk = f"t{rng.integers(0, 12)}", f"c{rng.integers(0, 4)}"
        asked = [user(str(i)), said(None, (f"x{i}", "look", "{}")), result(f"x{i}", "found")]
        world.call(f"s{i}", asked, said(str(i)), at, trace_id=trace, conversation_id=talk)
    world.drain(lake)
    found = due(lake, world)
    feed = Feed(lake, world.project, found)
    read: list[str] = []
    for group in found:
        for piece in group.pieces:
            spans, library = feed.spans(piece), feed.library(piece)
            read += [span.span_id for span in spans]
            assert all({*span.input, *span.output} <= library.messages.keys() for span in spans)
    assert sorted(read) == sorted(span.span_id for span in world.spans)
