"""Assembly: from the stored spans of one group to its episodes. A pure function.

Order, batching and duplicate delivery of the spans do not change the result. The steps are those of
the prefix forest: link calls, fold retries, one episode per leaf, then name it by the call that
opens its chain, so that an episode grows under one id.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from headrace.curate import kinship, turns, twin
from headrace.curate.ancestry import Key
from headrace.curate.completion import Untrained, untrained
from headrace.curate.forest import Chain, chains
from headrace.curate.group import Group, Library
from headrace.curate.metadata import metadata
from headrace.curate.price import UNPRICED, Prices
from headrace.curate.toolset import Toolset
from headrace.curate.turns import Turn
from headrace.curate.unit import request_text
from headrace.curate.usage import Usage
from headrace.ingest.release import release_of, system_text
from headrace.lake.message import Message, digest, dump
from headrace.lake.record import Episode, Span


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """What the spans of a group add up to."""

    episodes: tuple[Episode, ...]  # all revision 1, in the order of their leaves
    messages: tuple[Message, ...]  # made here: completed turns, results of tools
    empty: Mapping[str, int]  # trace id -> LLM calls without any content
    untrained: tuple[Untrained, ...] = ()  # completions that no episode trains


def assemble(
    spans: Iterable[Span],
    library: Library,
    *,
    now: datetime,
    link: bool = False,
    prices: Prices = UNPRICED,
) -> Assembled:
    """The episodes of a group of spans: a trace, or all traces of a conversation.

    With `link` calls of several traces may be joined by what they say alone.
    """
    group = Group(spans, library)
    found = chains(group.calls, group.faces, link=link)
    lines = [turns.turns(chain, group.bodies, group.runs) for chain in found]
    homes = _homes(found)
    return Assembled(
        episodes=tuple(
            _episode(chain, line, Frame(group=group, homes=homes, prices=prices, now=now))
            for chain, line in zip(found, lines, strict=True)
        ),
        messages=tuple(_made(lines, library, group.made)),
        empty=group.empty,
        untrained=tuple(untrained(found, lines, homes)),
    )


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What an episode is made in."""

    group: Group
    homes: Mapping[Key, str]  # the episode of each call
    prices: Prices
    now: datetime


def episode_id(chain: Chain) -> str:
    """The name of a chain: the digest of project, trace and span of the call that opens it."""
    span = chain.opener.span
    return "ep_" + digest(dump([span.project, span.trace_id, span.span_id]))


def _homes(found: Sequence[Chain]) -> dict[Key, str]:
    """The episode that holds each call as its own."""
    homes: dict[Key, str] = {}
    for chain in found:
        for call in (*chain.own, *chain.attempts):
            homes.setdefault(call.key, episode_id(chain))
    return homes


def _made(
    lines: Iterable[Sequence[Turn]], library: Library, made: Mapping[str, Message]
) -> Iterator[Message]:
    """The messages that no span recorded."""
    bodies = {turn.name: turn.body for line in lines for turn in line}
    for name, body in sorted(bodies.items()):
        if name not in library.messages:
            yield made.get(name) or Message.of(body)


def _episode(chain: Chain, line: Sequence[Turn], frame: Frame) -> Episode:
    leaf, group = chain.leaf, frame.group
    spans = [span for call in (*chain.calls, *chain.attempts) for span in call.spans]
    traces = tuple(dict.fromkeys(span.trace_id for span in spans))
    tools = _toolset(chain, line, group)
    usage = Usage.of(chain, frame.prices)
    around = [span for name in traces for span in group.traces[name]]
    bodies = [turn.body for turn in line]
    trainable = tuple(turn.trainable for turn in line)
    return Episode(
        project=leaf.span.project,
        episode_id=episode_id(chain),
        revision=1,
        at=frame.now,
        messages=tuple(turn.name for turn in line),
        trainable=trainable,
        trace_ids=traces,
        span_ids=tuple(span.span_id for span in spans),
        parent_episode_id=kinship.parent(
            chain, group.around(chain.calls[0]), frame.homes, group.run_of, group.bodies
        ),
        conversation_id=_last(call.conversation_id for call in chain.calls),
        user_id=_last(call.user_id for call in chain.calls),
        release=_last(call.release for call in chain.calls)
        or release_of(None, system_text(bodies), leaf.span.model, list(tools.definitions)),
        model=leaf.span.model,
        agent=leaf.agent,
        tools=tools.body,
        request=request_text(bodies, trainable),
        turns=sum(trainable),
        tool_calls=sum(len(turns.tool_calls(turn.body)) for turn in line if turn.produced),
        finish_reason=leaf.span.finish_reason,
        error=_error(leaf.span),
        defects=tuple(sorted({*_defects(chain, line, tools), *usage.defects})),
        metadata=dump(metadata(around, leaf.span.service)),
        **usage.columns,
    )


def _toolset(chain: Chain, line: Sequence[Turn], group: Group) -> Toolset:
    """The tools that the calls were given; else the schemas on the spans of those that ran."""
    given = Toolset.union((call.span for call in chain.calls), group.tools)
    if given.definitions:
        return given
    asked = {call["function"]["name"] for turn in line for call in turns.tool_calls(turn.body)}
    traces = dict.fromkeys(call.span.trace_id for call in chain.calls)
    runs = (run for name in traces for run in group.runs[name] if run.name in asked)
    return Toolset.union((run.span for run in runs), group.tools)


def _last(values: Iterable[str | None]) -> str | None:
    """What the latest call of a chain that says it at all says."""
    return next((value for value in reversed(list(values)) if value), None)


def _error(span: Span) -> str | None:
    return span.error or ("error" if span.status == "error" else None)


def _defects(chain: Chain, line: Sequence[Turn], tools: Toolset) -> Iterator[str]:
    leaf = chain.leaf.span
    for call in chain.calls:
        yield from call.span.defects
        if call.span.finish_reason == "length":
            yield "unfinished"
    if not leaf.output:
        yield "failed_call" if _error(leaf) else "unfinished"
    if any(call.twins for call in chain.calls):
        yield twin.DEFECT
    if line[0].body["role"] != "system":
        yield "no_system_prompt"
    if tools.changed:
        yield "tools_changed"
    if tools.body is None and any(turns.tool_calls(turn.body) for turn in line):
        yield "no_tool_definitions"
    yield from turns.defects(line)
