"""What became of each completion: trained in one episode, or a reason why in none."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from headrace.curate import twin
from headrace.curate.ancestry import Key
from headrace.curate.forest import Chain
from headrace.curate.turns import Turn


class Untrained(msgspec.Struct, frozen=True, kw_only=True):
    """A completion that no episode trains."""

    trace_id: str
    span_id: str
    reason: str  # duplicate_call, unfinished, blank_turn
    episode_id: str  # that holds it

    @property
    def key(self) -> str:
        """What names it among the decisions."""
        return f"{self.trace_id}:{self.span_id}"


def untrained(
    found: Sequence[Chain], lines: Sequence[Sequence[Turn]], homes: Mapping[Key, str]
) -> Iterator[Untrained]:
    """The completions that are trained nowhere; `lines` has the turns of each chain."""
    for chain, line in zip(found, lines, strict=True):
        for call in chain.own:
            home = homes[call.key]
            if call.span.output:
                turn = line[len(call.span.input)]
                if not turn.trainable:
                    yield _untrained(call.key, turn.untrained or "not_spoken", home)
            for span in call.twins:
                if span.output:
                    yield _untrained((span.trace_id, span.span_id), twin.DEFECT, home)


def _untrained(key: Key, reason: str, home: str) -> Untrained:
    return Untrained(trace_id=key[0], span_id=key[1], reason=reason, episode_id=home)
