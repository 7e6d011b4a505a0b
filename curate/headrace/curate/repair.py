"""Histories that lost messages on their way, made whole from the calls before them.

A loss must be proven by the span itself: otherwise a history that the product compacted would be
overwritten with the one before.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence

from headrace.curate.ancestry import Call
from headrace.curate.likeness import Faces
from headrace.curate.toolrun import ToolRun
from headrace.curate.turns import answers, tool_calls
from headrace.lake.message import Body, Message

DEFECT = "repaired_history"
LOSSES = frozenset(("dropped_attributes", "truncated_value"))

_LEAST = 2  # messages that must overlap: one alone may stand anywhere

Runs = Mapping[str, Sequence[ToolRun]]  # by trace, in the order of their start


class Repaired:
    """Calls with whole histories, and the messages that had to be made for them."""

    def __init__(self, faces: Faces, runs: Runs) -> None:
        self.messages: dict[str, Message] = {}
        self._faces = faces
        self._runs = runs
        self._known: dict[Hashable, tuple[str, ...]] = {}  # scope -> its history so far

    def calls(self, calls: Iterable[Call]) -> list[Call]:
        """The calls in their order, those with a proven loss repaired as far as it can be shown."""
        given = list(calls)
        if not any(_is_lossy(call) for call in given):
            return given
        return [self._call(call) for call in given]

    def _call(self, call: Call) -> Call:
        scope = _scope(call)
        known = self._known.get(scope)
        history = call.span.input if known is None else self._history(call, known)
        if history != call.span.input:
            defects = tuple(sorted({*call.span.defects, DEFECT}))
            call = call.evolve(input=history, defects=defects)
        elif known is not None and len(history) < len(known):
            history = known  # a call of another shape: what was known stays known
        self._known[scope] = (*history, *call.span.output, *self._results(call))
        return call

    def _history(self, call: Call, known: tuple[str, ...]) -> tuple[str, ...]:
        given = call.span.input
        if not _is_lossy(call):
            return given
        for part in (given, given[1:]):  # the first message may be damaged
            start = self._overlap(known, part)
            if start is not None:
                return known[:start] + part
        opens = bool(given) and self._faces[given[0]].role in ("system", "user")
        return known if not opens or len(given) < len(known) else given

    def _overlap(self, known: Sequence[str], part: Sequence[str]) -> int | None:
        """The first place in the known history whose rest is the head of a part."""
        for start in range(max(0, len(known) - len(part)), len(known) - _LEAST + 1):
            if self._faces.alike(known[start:], part[: len(known) - start]):
                return start
        return None

    def _results(self, call: Call) -> list[str]:
        """What the tools answered that the call asked for."""
        left = list(self._runs.get(call.span.trace_id, ()))
        found: list[str] = []
        for name in call.span.output:
            for asked in tool_calls(self._faces.body(name)):
                run = next((run for run in left if answers(run, asked)), None)
                body = run.answer(asked.get("id")) if run else None
                if run is not None and body is not None:
                    left.remove(run)
                    found.append(self._kept(body))
        return found

    def _kept(self, body: Body) -> str:
        message = Message.of(body)
        self._faces.learn(message, body)
        self.messages[message.hash] = message
        return message.hash


def _is_lossy(call: Call) -> bool:
    return not LOSSES.isdisjoint(call.span.defects)


def _scope(call: Call) -> Hashable:
    """Within what a history grows."""
    if call.conversation_id:
        return "conversation", call.conversation_id, call.agent
    if call.agent_span:
        return "agent", call.span.trace_id, call.agent_span
    return "service", call.span.service
