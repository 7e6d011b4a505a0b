"""Assembly: from the stored spans of one group to its episodes. A pure function.

Order, batching and duplicate delivery of the spans do not change the result. The steps are those of
the prefix forest: link calls, fold retries, one episode per leaf, then name it by the call that
opens its chain, so that an episode grows under one id.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from headrace.curate import kinship, turns
from headrace.curate.ancestry import LAST, Call, Key, calls
from headrace.curate.forest import Chain, chains
from headrace.curate.likeness import Faces
from headrace.curate.metadata import metadata
from headrace.curate.price import UNPRICED, Prices
from headrace.curate.toolrun import ToolRun
from headrace.curate.toolset import Toolset
from headrace.curate.turns import Turn
from headrace.curate.unit import request_text
from headrace.curate.usage import Usage
from headrace.ingest.release import release_of, system_text
from headrace.lake.message import Body, Message, digest, dump
from headrace.lake.record import Episode, Span


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """The bodies that spans name by hash."""

    messages: Mapping[str, Body]
    tools: Mapping[str, Sequence[Body]]


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """What the spans of a group add up to."""

    episodes: tuple[Episode, ...]  # all revision 1, in the order of their leaves
    messages: tuple[Message, ...]  # made here: completed turns, results of tools
    empty: Mapping[str, int]  # trace id -> LLM calls without any content


def assemble(
    spans: Iterable[Span], library: Library, *, now: datetime, prices: Prices = UNPRICED
) -> Assembled:
    """The episodes of a group of spans: a trace, or all traces of a conversation."""
    group = _Group(spans, library, prices)
    found = chains(group.calls, Faces(library.messages))
    lines = [turns.turns(chain, library.messages, group.runs) for chain in found]
    homes = _homes(found)
    return Assembled(
        episodes=tuple(
            _episode(chain, line, group, homes, now)
            for chain, line in zip(found, lines, strict=True)
        ),
        messages=tuple(_made(lines, library)),
        empty=group.empty,
    )


def episode_id(chain: Chain) -> str:
    """The name of a chain: the digest of project, trace and span of the call that opens it."""
    span = chain.opener.span
    return "ep_" + digest(dump([span.project, span.trace_id, span.span_id]))


class _Group:
    """The spans of a group in order, by trace, with their tool runs read."""

    def __init__(self, spans: Iterable[Span], library: Library, prices: Prices) -> None:
        self.library = library
        self.prices = prices
        self.traces: dict[str, list[Span]] = {}
        for span in _unique(spans):
            self.traces.setdefault(span.trace_id, []).append(span)
        every = calls(span for trace in self.traces.values() for span in trace)
        self.calls = [call for call in every if _has_content(call)]
        self.empty = Counter(call.span.trace_id for call in every if not _has_content(call))
        self.runs = {
            name: [ToolRun.of(s, library.messages) for s in trace if s.kind == "tool"]
            for name, trace in self.traces.items()
        }
        self.run_of = {
            (name, run.span.span_id): run for name, runs in self.runs.items() for run in runs
        }
        self.calls_of: dict[str, list[Call]] = {}
        for call in self.calls:
            self.calls_of.setdefault(call.span.trace_id, []).append(call)

    def parent(self, chain: Chain, homes: Mapping[Key, str]) -> str | None:
        trace = self.calls_of[chain.calls[0].span.trace_id]
        return kinship.parent(chain, trace, homes, self.run_of, self.library.messages)


def _unique(spans: Iterable[Span]) -> list[Span]:
    """Each span once, in the order of their start; of two deliveries the one that says more."""
    kept: dict[Key, Span] = {}
    for span in spans:
        other = kept.setdefault((span.trace_id, span.span_id), span)
        if other is not span:
            kept[span.trace_id, span.span_id] = max(other, span, key=_richness)
    return sorted(kept.values(), key=lambda s: (s.started_at or LAST, s.trace_id, s.span_id))


def _richness(span: Span) -> tuple[object, ...]:
    ended = span.ended_at is not None, span.ended_at
    return *(ended if ended[0] else ended[:1]), len(span.attributes), str(span)


def _has_content(call: Call) -> bool:
    return bool(call.span.input or call.span.output)


def _homes(found: Sequence[Chain]) -> dict[Key, str]:
    """The episode that holds each call; of several branches the first."""
    homes: dict[Key, str] = {}
    for chain in found:
        for call in (*chain.calls, *chain.attempts):
            homes.setdefault(call.key, episode_id(chain))
    return homes


def _made(lines: Iterable[Sequence[Turn]], library: Library) -> Iterator[Message]:
    bodies = {turn.name: turn.body for line in lines for turn in line}
    for name, body in sorted(bodies.items()):
        if name not in library.messages:
            yield Message.of(body)


def _episode(
    chain: Chain, line: Sequence[Turn], group: _Group, homes: Mapping[Key, str], now: datetime
) -> Episode:
    leaf = chain.leaf
    spans = [call.span for call in (*chain.calls, *chain.attempts)]
    traces = tuple(dict.fromkeys(span.trace_id for span in spans))
    tools = Toolset.union((call.span for call in chain.calls), group.library.tools)
    usage = Usage.of(chain, group.prices)
    around = [span for name in traces for span in group.traces[name]]
    bodies = [turn.body for turn in line]
    trainable = tuple(turn.trainable for turn in line)
    return Episode(
        project=leaf.span.project,
        episode_id=episode_id(chain),
        revision=1,
        at=now,
        messages=tuple(turn.name for turn in line),
        trainable=trainable,
        trace_ids=traces,
        span_ids=tuple(span.span_id for span in spans),
        parent_episode_id=group.parent(chain, homes),
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
    if tools.changed:
        yield "tools_changed"
    if tools.body is None and any(turns.tool_calls(turn.body) for turn in line):
        yield "no_tool_definitions"
    yield from turns.defects(line)
