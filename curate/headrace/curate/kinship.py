"""Which episode called a sub-agent: the one whose tool call the sub-agent ran in."""

from collections.abc import Mapping, Sequence

from headrace.curate.ancestry import Call, Key
from headrace.curate.forest import Chain
from headrace.curate.toolrun import ToolRun
from headrace.curate.turns import tool_calls
from headrace.lake.message import Body


def parent(
    chain: Chain,
    calls: Sequence[Call],
    homes: Mapping[Key, str],
    runs: Mapping[Key, ToolRun],
    bodies: Mapping[str, Body],
) -> str | None:
    """The episode that holds the tool call above a chain; None for a root agent.

    `calls` of the trace in their order, `homes` the episode of each, `runs` by their span.
    """
    tool = chain.calls[0].tool
    if tool is None:
        return None
    run = runs[tool.trace_id, tool.span_id]
    before = [call for call in calls if _may_have_called(call, chain, run)]
    named = [call for call in before if _asked(call, run, bodies)]
    latest = next(reversed(named or before), None)
    return homes.get(latest.key) if latest else None


def _may_have_called(call: Call, chain: Chain, run: ToolRun) -> bool:
    begun, ran = call.span.started_at, run.span.started_at
    inside = call.tool is not None and call.tool.span_id == run.span.span_id
    return not inside and call not in chain.calls and (begun is None or ran is None or begun <= ran)


def _asked(call: Call, run: ToolRun, bodies: Mapping[str, Body]) -> bool:
    asked = [body for name in call.span.output for body in tool_calls(bodies[name])]
    if run.call_id and any(one.get("id") == run.call_id for one in asked):
        return True
    return any(not one.get("id") or not run.call_id for one in asked if _named(one, run))


def _named(asked: Body, run: ToolRun) -> bool:
    return bool(asked["function"]["name"] == run.name)
