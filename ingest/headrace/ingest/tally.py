"""The tally: what a sidecar counts of its own work, in plain numbers that cost next to nothing."""

from bisect import bisect_left
from collections import Counter
from typing import get_args

from headrace.ingest.batch import Signal

STORED: tuple[str, ...] = get_args(Signal)
SIGNALS = (*STORED, "metrics")
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0)


class Times:
    """How long something took: how many by upper bound, and the sum; in seconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)  # the last is above all bounds
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum += seconds


class Tally:
    """Counters since the start of a process: one event loop adds to them, any thread reads.

    A number that nobody measures here is None.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()  # by signal and status
        self.refused: Counter[str] = Counter()  # requests by reason
        self.bodies = _zeros()  # acknowledged, by signal
        self.received_bytes = _zeros()  # as they came over the wire
        self.stored_bytes = _zeros()  # decompressed, as the drain will read them
        self.accepted = _zeros()  # spans, log records or lines
        self.rejected = _zeros()  # of bodies of which the rest was accepted
        # from the head of a request to its 2xx
        self.acknowledged = {signal: Times() for signal in SIGNALS}
        self.drain_pid: int | None = None  # of the process that is kept; None: none runs
        self.drain_restarts: int | None = None  # None: no drain is kept by this process

    def received(self, signal: str, size: int) -> None:
        """A body came in, whatever becomes of it."""
        self.received_bytes[signal] += size

    def stored(self, signal: str, size: int, *, accepted: int, rejected: int) -> None:
        """What could be accepted of a body is on disk."""
        self.bodies[signal] += 1
        self.stored_bytes[signal] += size
        self.accepted[signal] += accepted
        if rejected:
            self.rejected[signal] += rejected

    def answered(self, signal: str, status: int, seconds: float | None = None) -> None:
        """A post was answered; with the time it took where that was the acknowledgement."""
        self.requests[signal, status] += 1
        if seconds is not None:
            self.acknowledged[signal].add(seconds)


def _zeros() -> Counter[str]:
    # a rate is seen from the first increase on only where a zero was seen before
    return Counter(dict.fromkeys(STORED, 0))
