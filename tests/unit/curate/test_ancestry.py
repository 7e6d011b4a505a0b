"""What a call inherits: the nearest that says it, and the tool above its agent."""

from typing import Any

import pytest

from headrace.curate.ancestry import DEPTH, Call, calls
from tests.unit.curate.conftest import World, said, user


def leaf(*above: dict[str, Any], **fields: Any) -> Call:
    """The call under a line of spans, given from the root down."""
    world = World()
    parent = None
    for i, given in enumerate(above):
        world.span(f"s{i}", given.get("kind", "other"), i, parent_span_id=parent,
                   **{k: v for k, v in given.items() if k != "kind"})  # fmt: skip
        parent = f"s{i}"
    world.call("call", [user("Hi")], said("Hello"), 50, parent_span_id=parent, **fields)
    [found] = calls(world.spans)
    return found


AGENT, TOOL = {"kind": "agent"}, {"kind": "tool"}


@pytest.mark.parametrize("name", ["conversation_id", "user_id"])
@pytest.mark.parametrize(
    ("above", "own", "found"),
    [
        ([], None, None),
        ([], "own", "own"),
        (["root"], "own", "own"),
        (["root", "near"], None, "near"),
        (["root", None], None, "root"),
        (["root", ""], "", "root"),
        ([None, None], None, None),
    ],
)
def test_the_nearest_that_says_it_is_inherited(
    name: str, above: list[str | None], own: str | None, found: str | None
) -> None:
    call = leaf(*({name: value} for value in above), **{name: own})
    assert getattr(call, name) == found


@pytest.mark.parametrize(
    ("above", "own", "found"),
    [
        ([], "h:1", "h:1"),
        (["v1"], "h:1", "v1"),
        (["v1", "h:2"], "h:1", "v1"),
        (["v1"], "v2", "v2"),
        (["h:2"], "h:1", "h:1"),
        (["h:2"], None, None),
    ],
)
def test_a_release_that_was_given_beats_every_hash(
    above: list[str], own: str | None, found: str | None
) -> None:
    assert leaf(*({"release": value} for value in above), release=own).release == found


@pytest.mark.parametrize(
    ("above", "own", "agent", "tool"),
    [
        ([], None, None, None),
        ([AGENT], None, "s0", None),
        ([{**AGENT, "agent": "lead"}], None, "lead", None),
        ([AGENT], "own", "own", None),
        ([TOOL], None, None, "s0"),
        ([TOOL, TOOL], None, None, "s1"),
        ([AGENT, TOOL], None, "s0", None),  # ran in a tool of its own agent: no sub-agent
        ([AGENT, TOOL, AGENT], None, "s2", "s1"),
        ([AGENT, TOOL, AGENT, TOOL], None, "s2", "s1"),
        ([AGENT, TOOL, {}, AGENT, {}], None, "s3", "s1"),
        ([TOOL, AGENT, AGENT], None, "s2", "s0"),
    ],
)
def test_the_tool_is_the_one_in_which_the_agent_ran(
    above: list[dict[str, Any]], own: str | None, agent: str | None, tool: str | None
) -> None:
    call = leaf(*above, agent=own)
    assert call.agent == agent
    assert (call.tool.span_id if call.tool else None) == tool


def test_a_missing_parent_ends_the_walk_and_another_trace_is_no_parent(world: World) -> None:
    world.span("root", "agent", 0, trace_id="other", user_id="stranger")
    world.call("call", [user("Hi")], said("Hello"), 1, parent_span_id="root")
    [call] = calls(world.spans)
    assert (call.agent, call.user_id) == (None, None)


def test_a_span_that_is_its_own_parent_ends_the_walk(world: World) -> None:
    world.call("call", [user("Hi")], said("Hello"), 1, parent_span_id="call", user_id="u")
    assert [call.user_id for call in calls(world.spans)] == ["u"]


def test_a_circle_of_parents_ends_where_it_closes(world: World) -> None:
    world.span("a", parent_span_id="b")
    world.span("b", "tool", parent_span_id="a", user_id="u")
    world.call("call", [user("Hi")], said("Hello"), 1, parent_span_id="a")
    [call] = calls(world.spans)
    assert (call.user_id, call.tool and call.tool.span_id) == ("u", "b")


@pytest.mark.parametrize(("between", "found"), [(DEPTH - 1, "u"), (DEPTH, None)])
def test_the_walk_up_ends_at_a_depth_that_no_agent_reaches(between: int, found: str | None) -> None:
    assert leaf({"user_id": "u"}, *[{}] * between).user_id == found


def test_calls_are_ordered_by_time_then_history_then_name(world: World) -> None:
    short, long = [user("Hi")], [user("Hi"), said("Hello"), user("More")]
    for name, heard, at in [("e", long, 5), ("d", short, 5), ("c", short, 5), ("z", long, 1)]:
        world.call(name, heard, said("x"), at)
    world.spans.append(
        type(world.spans[0])(project="p", trace_id="t1", span_id="a", kind="llm", name="timeless",
                             received_at=world.spans[0].received_at)
    )  # fmt: skip
    ordered = [call.span.span_id for call in calls(world.spans)]
    assert ordered == ["z", "c", "d", "e", "a"]
    assert [call.span.span_id for call in calls(reversed(world.spans))] == ordered
