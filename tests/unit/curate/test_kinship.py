"""Which episode called a sub-agent."""

from typing import Any

import msgspec
import pytest

from headrace.curate.ancestry import calls
from headrace.curate.forest import Chain, chains
from headrace.curate.kinship import parent
from headrace.curate.likeness import Faces
from headrace.curate.toolrun import ToolRun
from tests.unit.curate.conftest import World, said, system, user

ASK = ("d1", "delegate", "{}")


def callers(world: World) -> dict[str, str | None]:
    """For each chain, by its first call, the first call of the chain above it."""
    bodies = world.library.messages
    every = calls(world.spans)
    found = chains(every, Faces(bodies))
    homes = {call.key: _name(chain) for chain in found for call in chain.calls}
    runs = {
        (span.trace_id, span.span_id): ToolRun.of(span, bodies)
        for span in world.spans
        if span.kind == "tool"
    }
    return {_name(chain): parent(chain, every, homes, runs, bodies) for chain in found}


def _name(chain: Chain) -> str:
    return chain.calls[0].span.span_id


def delegation(world: World, *asks: tuple[str, tuple[str, str, str]], run: Any = ASK) -> None:
    """Agents that each ask for something, then a tool run in which a sub-agent speaks."""
    for i, (name, ask) in enumerate(asks):
        world.call(name, [system(name), user("Do")], said(None, ask), i)
    world.tool("tool", run, "Done", 10)
    world.span("agent", "agent", 11, parent_span_id="tool")
    world.call("sub", [system("sub"), user("Do")], said("Done"), 12, parent_span_id="agent")


@pytest.mark.parametrize(
    ("asks", "run", "caller"),
    [
        ([], ASK, None),
        ([("a", ASK)], ASK, "a"),
        ([("a", ASK), ("b", ("d2", "delegate", "{}"))], ASK, "a"),
        ([("a", ("d2", "delegate", "{}")), ("b", ASK)], ASK, "b"),
        ([("a", ASK), ("b", ("x", "other", "{}"))], ("", "delegate", "{}"), "a"),
        ([("a", ("", "delegate", "{}")), ("b", ("x", "other", "{}"))], ASK, "a"),
        ([("a", ASK), ("b", ASK)], ASK, "b"),
        ([("a", ("x", "other", "{}")), ("b", ("y", "other", "{}"))], ASK, "b"),
    ],
)
def test_the_caller_is_who_asked_for_the_run_else_who_spoke_last(
    asks: list[tuple[str, tuple[str, str, str]]],
    run: tuple[str, str, str],
    caller: str | None,
    world: World,
) -> None:
    delegation(world, *asks, run=run)
    assert callers(world)["sub"] == caller


def test_a_root_agent_has_no_caller_and_a_sub_agent_is_not_its_own(world: World) -> None:
    delegation(world, ("a", ASK))
    more = [system("sub"), user("Do"), said("Done"), user("More")]
    world.call("sub2", more, said(None, ASK), 13, parent_span_id="agent")
    assert callers(world) == {"a": None, "sub": "a"}


def test_who_spoke_after_the_run_began_did_not_ask_for_it(world: World) -> None:
    delegation(world, ("a", ("x", "other", "{}")))
    world.call("late", [system("late"), user("Do")], said(None, ASK), 11)
    assert callers(world)["sub"] == "a"


def test_a_run_without_a_time_may_have_been_asked_for_by_anyone(world: World) -> None:
    delegation(world, ("a", ("x", "other", "{}")))
    world.call("late", [system("late"), user("Do")], said(None, ASK), 11)
    timeless = [
        msgspec.structs.replace(s, started_at=None) if s.kind == "tool" else s for s in world.spans
    ]
    world.spans = timeless
    assert callers(world)["sub"] == "late"


def test_two_sub_agents_in_one_run_are_called_by_the_same_and_not_by_each_other(
    world: World,
) -> None:
    delegation(world, ("a", ASK))
    world.span("agent2", "agent", 13, parent_span_id="tool")
    world.call("sub2", [system("sub2"), user("Do")], said("x"), 14, parent_span_id="agent2")
    assert callers(world) == {"a": None, "sub": "a", "sub2": "a"}
