"""What assembly reads of a plan: whole spans, their bodies, the episodes that stand."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from headrace.curate import block, feed, plan
from headrace.curate.assemble import assemble
from headrace.curate.feed import Feed
from headrace.curate.plan import planned
from headrace.lake.record import Episode, Span
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, WEATHER, World, said, system, user

UNREAD: dict[str, Any] = {
    "scope": None, "request": None, "reasoning_tokens": None, "ttft_ms": None,
    "convention": "none", "attributes": "{}", "resource": "{}", "events": "[]",
}  # fmt: skip


def opened(lake: Lake, world: World) -> tuple[Feed, list[plan.Due]]:
    found = planned(lake, world.project, "v", link=False)
    assert found is not None
    return Feed(lake, world.project, found), list(found)


def read(lake: Lake, world: World) -> list[Span]:
    rows, due = opened(lake, world)
    return [span for group in due for piece in group.pieces for span in rows.spans(piece)]


def rich(world: World) -> None:
    """Spans with something in most fields."""
    world.agent_run(
        "a", steps=4, conversation_id="c", user_id="u", agent="helper", response_id="r",
        previous_response_id="q", tools_hash=world.tools(WEATHER),
        input_tokens=7, cached_tokens=3, finish_reason="stop", defects=("late", "no_usage"),
    )  # fmt: skip
    world.spans = [msgspec.structs.replace(s, said="s", heard="h") for s in world.spans]
    world.span("root", "agent", 0, trace_id="a")
    world.spans.append(msgspec.structs.replace(world.spans[0], span_id="bare", started_at=None))


def test_spans_are_read_as_they_were_stored(lake: Lake, world: World) -> None:
    rich(world)
    world.drain(lake)
    assert sorted(read(lake, world), key=lambda span: span.span_id) == sorted(
        (msgspec.structs.replace(span, **UNREAD) for span in world.spans),
        key=lambda span: span.span_id,
    )


def test_long_histories_are_read_as_they_were_stored(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rich(world)
    world.drain(lake)
    whole = read(lake, world)
    monkeypatch.setattr(feed, "LONG", 2)
    assert read(lake, world) == whole


def test_what_the_product_says_of_a_run_is_read_and_other_attributes_are_not(
    lake: Lake, world: World
) -> None:
    world.span("a", attributes={"headrace.task": "t", "x": 1})
    world.span("b", attributes={"x": 1})
    world.drain(lake)
    said_so = {span.span_id: msgspec.json.decode(span.attributes) for span in read(lake, world)}
    assert said_so == {"a": {"headrace.task": "t", "x": 1}, "b": {}}


@pytest.mark.parametrize("few", [0, feed.FEW])
def test_bodies_are_there_with_the_piece_that_names_them_and_gone_on_the_next_shelf(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(plan, "SHELF", 1)
    monkeypatch.setattr(feed, "FEW", few)
    tools = world.tools(WEATHER)
    for at, name in enumerate("abc"):
        world.call(name, [system(), user(name)], said("Well."), at, trace_id=name, tools_hash=tools)
    world.drain(lake)
    rows, due = opened(lake, world)
    for group in due:
        [piece] = group.pieces
        [span] = rows.spans(piece)
        library = rows.library(piece)
        assert library.messages.keys() == {*span.input, *span.output}
        assert library.tools == {tools: [WEATHER]}


def test_a_few_bodies_are_found_wherever_they_lie_among_many(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block, "ROWS", 1)
    world.call("old", [system(), user("Hi")], said("Hello"), 0, trace_id="old")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    with_old = [system(), user("Hi"), said("Hello"), user("Bye")]
    for at, name in enumerate("xy", 1):
        world.call(name, [user(name * 9)], said(name), at, trace_id=name)
    world.call("new", with_old, said("Bye"), 9, trace_id="new")
    world.drain(lake, world.spans[1:])
    again = [m for m in world.messages.values() if m.role == "system"]
    lake.write(lambda tx: tx.append("messages", again))
    rows, due = opened(lake, world)
    library = rows.library(due[-1].pieces[-1])
    assert [library.messages[name] for name in world.spans[-1].input] == with_old


def test_the_last_revisions_of_the_episodes_of_a_group_stand(lake: Lake, world: World) -> None:
    for name in "ab":
        world.agent_run(name, steps=3)
    world.drain(lake, world.spans[:2] + world.spans[3:])
    assemble(lake, world.project, now=NOW)
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    posted = msgspec.structs.replace(
        world.post("mine", [user("x")]), trace_ids=("a",), started_at=datetime.fromtimestamp(0)
    )
    lake.write(lambda tx: tx.append("episodes", [posted]))
    rows, due = opened(lake, world)
    standing: list[list[Episode]] = [rows.standing(group.number) for group in due]
    assert [[episode.revision for episode in found] for found in standing] == [[2], [1]]
    [[a], [b]] = standing
    assert (a.trace_ids, b.trace_ids) == (("a",), ("b",))
