"""The spans that are assembled together: calls with whole histories, and runs of their tools."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headrace.curate import server_state, twin
from headrace.curate.ancestry import LAST, Call, Key, calls
from headrace.curate.likeness import Faces
from headrace.curate.repair import Repaired
from headrace.curate.toolrun import ToolRun
from headrace.lake.message import Body, Message
from headrace.lake.record import Span


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """The bodies that spans name by hash."""

    messages: Mapping[str, Body]
    tools: Mapping[str, Sequence[Body]]


class Group:
    """A trace, or all traces of a conversation, in order."""

    def __init__(self, spans: Iterable[Span], library: Library) -> None:
        self.tools = library.tools
        self.traces: dict[str, list[Span]] = {}
        for span in _unique(spans):
            self.traces.setdefault(span.trace_id, []).append(span)
        self.runs = {
            name: [ToolRun.of(s, library.messages) for s in trace if s.kind == "tool"]
            for name, trace in self.traces.items()
        }
        self.run_of = {
            (name, run.span.span_id): run for name, runs in self.runs.items() for run in runs
        }
        self.faces = Faces(library.messages)
        every = self._whole(library)
        self.calls = [call for call in every if _has_content(call)]
        self.empty = Counter(call.span.trace_id for call in every if not _has_content(call))
        self.bodies = self.faces.bodies
        self.calls_of: dict[str, list[Call]] = {}
        for call in self.calls:
            self.calls_of.setdefault(call.span.trace_id, []).append(call)

    def around(self, call: Call) -> Sequence[Call]:
        """The calls of the same trace."""
        return self.calls_of[call.span.trace_id]

    def _whole(self, library: Library) -> list[Call]:
        """Each request once, with all of the history that the model saw."""
        told = calls(span for trace in self.traces.values() for span in trace)
        once = twin.merged(told, self.faces)
        repair = Repaired(self.faces, self.runs)
        whole = repair.calls(server_state.stitched(once, library.messages))
        self.made: Mapping[str, Message] = repair.messages
        return whole


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
