"""What a machine asks of the sidecar: is it alive, can it store, where does it stand."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from headrace.ingest import answer
from headrace.ingest.errors import SpoolFailed
from headrace.ingest.gate import Caller
from headrace.ingest.logbook import of_drain
from headrace.ingest.lookup import Lookup
from headrace.ingest.receiver import Receiver
from headrace.ingest.tally import Tally
from headrace.ingest.writer import Room
from headrace.lake.settings import MIB

PROBE_S = 10.0
PROBE_BYTES = MIB  # a sidecar is ready that could store so much; of small spools a sixteenth


async def healthz(request: Request, caller: Caller) -> Response:
    return answer.document({"status": "ok"})


async def readyz(request: Request, caller: Caller) -> Response:
    """Ready as long as a small write reaches the disk and a body of common size has room."""
    receiver: Receiver = request.app.state.receiver
    limit: int = request.app.state.spool_bytes
    try:
        async with asyncio.timeout(PROBE_S):
            await asyncio.wrap_future(receiver.spool.probe())
    except TimeoutError:
        raise SpoolFailed(f"the disk took more than {PROBE_S:g} s for a small write") from None
    depth = await run_in_threadpool(receiver.spool.depth, datetime.now(UTC))
    Room(folder=request.app.state.home, limit=limit).check(
        depth.bytes, min(PROBE_BYTES, limit // 16)
    )
    return answer.document({"status": "ready"})


def status(request: Request, caller: Caller) -> Response:
    """Where the wheel stands, its counts for the caller's project; null is what cannot be told."""
    state = request.app.state
    lookup: Lookup = state.lookup
    receiver: Receiver = state.receiver
    try:
        spool = receiver.spool.depth(datetime.now(UTC))
    except SpoolFailed:
        spool = None
    behind = None if spool is None else spool.oldest_s or 0.0
    drain = _drain(state.home, receiver.tally)
    facts = lookup.facts(caller.project)
    return answer.document({"spool": spool, "behind_s": behind, **facts, "drain": drain})


def metrics(request: Request, caller: Caller) -> Response:
    """Prometheus text, or OpenMetrics for those who ask for it."""
    from headrace.ingest import metrics  # brings an HTTP server with it: not before it is asked

    state = request.app.state
    receiver: Receiver = state.receiver
    registry = metrics.registry(state.home, state.spool_bytes, receiver.spool, receiver.tally)
    text, media = metrics.exposition(registry, request.headers.get("accept", ""))
    return Response(text, headers={"content-type": media})


def _drain(home: Path, tally: Tally) -> dict[str, object]:
    told = of_drain(home, tally)
    return {
        "alive": None if tally.drain_restarts is None else tally.drain_pid is not None,
        "restarts": tally.drain_restarts,
        "state": told and told.state,
        "cause": told and told.cause,
        "committed_at": told and told.committed_at,
        "received_at": told and told.received_at,
        "removed": told and told.removed,
    }
