"""The messages of an episode: what the calls of its chain read, said and set off."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from headrace.curate.ancestry import Call
from headrace.curate.forest import Chain
from headrace.curate.toolrun import ToolRun
from headrace.curate.unit import arguments
from headrace.lake.message import Body, Message, text_of


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message of an episode."""

    name: str  # its hash
    body: Body
    produced: bool = False  # by a call of this chain, not by history it was given
    trainable: bool = False
    untrained: str | None = None  # why a turn that was produced is not trained

    @property
    def inherited(self) -> "Turn":
        """The same turn as context: another episode trains it."""
        return msgspec.structs.replace(self, trainable=False)


def turns(
    chain: Chain, bodies: Mapping[str, Body], runs: Mapping[str, Sequence[ToolRun]]
) -> list[Turn]:
    """The input of the leaf, in it the recorded outputs, then its own output and tool results.

    `runs` holds the tool runs of each trace in the order of their start.
    """
    leaf = chain.leaf.span
    line = [Turn(name=name, body=bodies[name]) for name in (*leaf.input, *leaf.output)]
    shared = len(chain.calls) - len(chain.own)  # calls that another branch trains
    for number, call in enumerate(chain.calls):
        for offset, name in enumerate(call.span.output):
            place = len(call.span.input) + offset
            turn = _produced(call, name, bodies[name], line[place].body)
            line[place] = turn if number >= shared else turn.inherited
    return [*line, *_results(chain.leaf, line, runs.get(leaf.trace_id, ()))]


def defects(line: Sequence[Turn]) -> Iterator[str]:
    """`orphan_tool_call`, `orphan_tool_result`: calls and results that do not pair.

    Calls of the last turn may be unanswered: nobody knows yet what came of them.
    """
    unanswered: list[str | None] = []
    for turn in line:
        if turn.body["role"] == "tool":
            name = turn.body.get("tool_call_id")
            if name in unanswered:
                unanswered.remove(name)
            else:
                yield "orphan_tool_result"
            continue
        if unanswered:
            yield "orphan_tool_call"
        unanswered = [call.get("id") for call in tool_calls(turn.body)]


def tool_calls(body: Body) -> list[dict[str, Any]]:
    """The tool calls of a message; none where it has none."""
    return body.get("tool_calls") or []


def answers(run: ToolRun, call: Mapping[str, Any]) -> bool:
    """Whether a tool ran for a call: by id, else by name and arguments."""
    if run.call_id and call.get("id"):
        return bool(run.call_id == call["id"])
    function = call["function"]
    same = run.arguments is None or run.arguments == arguments(function["arguments"])
    return run.name == function["name"] and same


def _produced(call: Call, name: str, recorded: Body, echo: Body) -> Turn:
    body = _richer(recorded, echo)
    spoken = body["role"] == "assistant"
    why = _why_not(call, body)
    return Turn(
        name=name if body is recorded else Message.of(body).hash,
        body=body,
        produced=spoken,
        trainable=spoken and why is None,
        untrained=why,
    )


def _why_not(call: Call, body: Body) -> str | None:
    """Why a turn is not trained: one that was cut teaches to stop early, a blank one nothing."""
    if call.span.finish_reason == "length":
        return "unfinished"
    blank = not text_of(body.get("content")).strip() and not tool_calls(body)
    return "blank_turn" if blank and not isinstance(body.get("content"), list) else None


def _richer(recorded: Body, echo: Body) -> Body:
    """The recorded message; texts and calls that it lacks are taken from its echo."""
    lacks: Body = {}
    calls = tool_calls(recorded)
    if tool_calls(echo) and not (calls and all(call.get("id") for call in calls)):
        lacks["tool_calls"] = echo["tool_calls"]
    if not text_of(recorded.get("content")).strip() and text_of(echo.get("content")).strip():
        lacks["content"] = echo["content"]
    return {**recorded, **lacks} if lacks else recorded


def _results(leaf: Call, line: Sequence[Turn], runs: Iterable[ToolRun]) -> Iterator[Turn]:
    """What the tools answered that ran for the last turn; the model never saw it."""
    begun = leaf.span.started_at
    left = [
        run
        for run in runs
        if begun is None or run.span.started_at is None or run.span.started_at >= begun
    ]
    for call in tool_calls(line[-1].body) if leaf.span.output else []:
        run = next((run for run in left if answers(run, call)), None)
        if run is None:
            continue
        left.remove(run)
        body = run.answer(call.get("id"))
        if body is not None:
            yield Turn(name=Message.of(body).hash, body=body)
