"""The metrics: what a sidecar measures, for Prometheus. What could not be measured is absent."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from headrace.ingest.errors import SpoolFailed
from headrace.ingest.logbook import Told, of_drain
from headrace.ingest.spool import Spool
from headrace.ingest.tally import BOUNDS_S, Tally, Times

Values = Mapping[tuple[str, ...], float]  # by the values of the labels


class Figures(Collector):
    """Reads the numbers of one sidecar whenever it is asked; keeps none."""

    def __init__(self, home: Path, limit: int, spool: Spool, tally: Tally) -> None:
        self._home = home
        self._limit = limit  # bytes of the spool
        self._spool = spool
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        yield _gauge("build_info", "The version that runs.", {(version("headrace"),): 1}, "version")
        yield from _of_requests(self._tally)
        yield from self._of_spool()
        yield from _of_keeper(self._tally)
        if (told := of_drain(self._home, self._tally)) is not None:
            yield from _of_drain(told)

    def _of_spool(self) -> Iterator[Metric]:
        yield _gauge("spool_limit_bytes", "HEADRACE_SPOOL_BYTES.", {(): self._limit})
        try:
            depth = self._spool.depth(datetime.now(UTC))
            free = shutil.disk_usage(self._home).free
        except (SpoolFailed, OSError):
            return
        yield _gauge("spool_depth", "Bodies that wait for the drain.", {(): depth.depth})
        yield _gauge("spool_bytes", "Of the spool on disk; 0: nothing waits.", {(): depth.bytes})
        if depth.oldest_s is not None:
            yield _gauge("spool_oldest_seconds", "Age of the oldest.", {(): depth.oldest_s})
        yield _gauge("behind_seconds", "The same; 0: nothing waits.", {(): depth.oldest_s or 0})
        yield _gauge("disk_free_bytes", "Left on the disk of the home.", {(): free})


def registry(home: Path, limit: int, spool: Spool, tally: Tally) -> CollectorRegistry:
    """All metrics of a sidecar, with memory and CPU of both its processes."""
    made = CollectorRegistry()
    made.register(Figures(home, limit, spool, tally))
    ProcessCollector(namespace="headrace", registry=made)
    # no process has the number 0, so that a drain that does not run has no metrics
    ProcessCollector(namespace="headrace_drain", pid=lambda: tally.drain_pid or 0, registry=made)
    return made


def exposition(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The text of all metrics and its media type, in the format that the client prefers."""
    encode, media = choose_encoder(accept)
    return encode(registry), media


def _of_requests(tally: Tally) -> Iterator[Metric]:
    for name, about, counts in (
        ("bodies_accepted", "Bodies acknowledged: on disk.", tally.bodies),
        ("received_bytes", "Bytes of bodies as they came over the wire.", tally.received_bytes),
        ("stored_bytes", "Bytes of acknowledged bodies, unpacked.", tally.stored_bytes),
        ("items_accepted", "Spans, log records and lines acknowledged.", tally.accepted),
        ("items_rejected", "Spans and lines refused of bodies taken in part.", tally.rejected),
    ):
        yield _counter(name, about, _by_one(counts), "signal")
    yield _counter("requests", "Posts answered.", _by_class(tally.requests), "signal", "status")
    yield _counter("refusals", "Requests refused.", _by_one(tally.refused), "reason")
    yield _times(tally.acknowledged)


def _of_keeper(tally: Tally) -> Iterator[Metric]:
    if tally.drain_restarts is None:
        return
    yield _gauge("drain_up", "Whether the drain runs.", {(): tally.drain_pid is not None})
    yield _counter("drain_restarts", "Times a dead drain was started.", {(): tally.drain_restarts})


def _of_drain(told: Told) -> Iterator[Metric]:
    """Counts start again with every drain process, as Prometheus expects of a restart."""
    yield _gauge("drain_waits", "Whether something is in its way.", {(): told.state == "waiting"})
    yield _counter("drain_commits", "Transactions in the lake.", {(): told.commits})
    yield _counter("drain_bodies", "Bodies brought into the lake.", {(): told.bodies})
    yield _counter("drain_rows", "Rows offered to a table.", _by_one(told.rows), "table")
    yield _counter("drain_busy_seconds", "Spent on reading and writing.", {(): told.seconds})
    yield _counter("dead_letters", "Bodies set aside as unreadable.", {(): told.set_aside})
    yield _counter("secrets_removed", "Rows that lost secrets.", _by_one(told.removed), "kind")
    for name, about, at in (
        ("drain_commit", "When it last committed.", told.committed_at),
        ("drain_newest_body", "When the newest body in the lake was received.", told.received_at),
    ):
        if at is not None:
            yield _gauge(f"{name}_timestamp_seconds", about, {(): at.timestamp()})
    if told.dead_letters is not None:
        yield _gauge("dead_letters_kept", "Dead letters in the lake.", {(): told.dead_letters})


def _times(times: Mapping[str, Times]) -> Metric:
    family = HistogramMetricFamily(
        "headrace_acknowledgement_seconds", "From a request to its 2xx.", labels=["signal"]
    )
    names = [*map(str, BOUNDS_S), "+Inf"]
    for signal, seen in times.items():
        buckets = list(zip(names, accumulate(seen.counts), strict=True))
        if buckets[-1][1]:
            family.add_metric([signal], buckets, seen.sum)
    return family


def _counter(name: str, about: str, values: Values, *labels: str) -> Metric:
    family = CounterMetricFamily(f"headrace_{name}", about, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _gauge(name: str, about: str, values: Values, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"headrace_{name}", about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _by_class(requests: Mapping[tuple[str, int], int]) -> Values:
    sums: Counter[tuple[str, ...]] = Counter()
    for (signal, status), count in dict(requests).items():
        sums[signal, f"{status // 100}xx"] += count
    return sums


def _by_one(counts: Mapping[str, int]) -> Values:
    # dict() copies in one step: the event loop adds to it meanwhile
    return {(name,): count for name, count in dict(counts).items()}
