"""What a machine asks of the sidecar: is it alive, can it store, where does it stand."""

import asyncio
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from headrace.ingest import answer
from headrace.ingest.errors import SpoolFailed
from headrace.ingest.gate import Caller
from headrace.ingest.lookup import Lookup
from headrace.ingest.receiver import Receiver

PROBE_S = 10.0


async def healthz(request: Request, caller: Caller) -> Response:
    return answer.document({"status": "ok"})


async def readyz(request: Request, caller: Caller) -> Response:
    """Ready as long as a small write reaches the disk."""
    receiver: Receiver = request.app.state.receiver
    try:
        async with asyncio.timeout(PROBE_S):
            await asyncio.wrap_future(receiver.spool.probe())
    except TimeoutError:
        raise SpoolFailed(f"the disk took more than {PROBE_S:g} s for a small write") from None
    return answer.document({"status": "ready"})


def status(request: Request, caller: Caller) -> Response:
    """Where the wheel stands; null is what cannot be told."""
    lookup: Lookup = request.app.state.lookup
    receiver: Receiver = request.app.state.receiver
    try:
        spool = receiver.spool.depth(datetime.now(UTC))
    except SpoolFailed:
        spool = None
    behind = None if spool is None else spool.oldest_s or 0.0
    return answer.document({"spool": spool, "behind_s": behind, **lookup.facts()})


def metrics(request: Request, caller: Caller) -> Response:
    """Prometheus text format 0.0.4."""
    receiver: Receiver = request.app.state.receiver
    depth = receiver.spool.depth(datetime.now(UTC))
    accepted, refused = receiver.accepted.copy(), receiver.refused.copy()
    lines = [
        *_metric("headrace_spool_depth", "gauge", "Bodies that wait.", {"": depth.depth}),
        *_metric("headrace_spool_bytes", "gauge", "Bytes on disk.", {"": depth.bytes}),
        *_metric(
            "headrace_spool_oldest_seconds", "gauge", "Oldest body.", {"": depth.oldest_s or 0}
        ),
        *_metric(
            "headrace_bodies_accepted_total",
            "counter",
            "Bodies acknowledged.",
            {f'{{signal="{signal}"}}': count for signal, count in sorted(accepted.items())},
        ),
        *_metric(
            "headrace_bodies_refused_total",
            "counter",
            "Requests refused.",
            {f'{{reason="{reason}"}}': count for reason, count in sorted(refused.items())},
        ),
    ]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _metric(name: str, kind: str, about: str, values: dict[str, float]) -> list[str]:
    series = [f"{name}{labels} {value}" for labels, value in values.items()]
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *series]
