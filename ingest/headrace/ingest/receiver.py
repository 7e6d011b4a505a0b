"""The receiver: from a request to acknowledged bytes in the spool."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from headrace.ingest import reader
from headrace.ingest.answer import JSON, PROTOBUF, media_type
from headrace.ingest.batch import Signal
from headrace.ingest.errors import Undecodable, UnknownType
from headrace.ingest.gate import Caller
from headrace.ingest.payload import Ration, inflate, received
from headrace.ingest.reader import NDJSON, Accepted
from headrace.ingest.spool import Spool
from headrace.ingest.tally import Tally

DECODES = 4  # at a time; each can need many times the body's size in memory
LIGHT = 64 * 1024  # bytes that are checked sooner than a thread would have taken over
FLIGHTS = 8  # bodies of full size in memory at a time

TYPES: dict[Signal, tuple[str, ...]] = {
    "traces": (PROTOBUF, JSON),
    "logs": (PROTOBUF, JSON),
    "episodes": (JSON, *NDJSON),
    "outcomes": (JSON, *NDJSON),
}

log = structlog.get_logger("headrace.ingest")


class Receiver:
    """Reads, checks and stores bodies; belongs to one event loop."""

    def __init__(self, spool: Spool, body_bytes: int, tally: Tally | None = None) -> None:
        self.spool = spool
        self.tally = tally or Tally()
        self._body_bytes = body_bytes
        self._ration = Ration(FLIGHTS * body_bytes)
        self._decodes = CapacityLimiter(DECODES)

    async def store(self, request: Request, caller: Caller, signal: Signal) -> Accepted:
        """Returns once what was accepted is on disk.

        Raises UnknownType, TooLarge, Undecodable, Busy, TimeoutError, SpoolFailed.
        """
        content_type = _content_type(request, signal)
        encoding = request.headers.get("content-encoding", "").strip().lower() or "identity"
        with self._ration.share() as take:
            wire = await received(request, self._body_bytes, take)
            self.tally.received(signal, len(wire))
            work = self._work(wire, encoding, signal, content_type, caller.project)
            if len(wire) <= LIGHT and encoding == "identity":
                accepted, stored, size = work()
            else:
                accepted, stored, size = await to_thread.run_sync(work, limiter=self._decodes)
            if stored is not None:
                await asyncio.wrap_future(stored)
                self.tally.stored(
                    signal, size, accepted=accepted.accepted, rejected=accepted.rejected
                )
        return accepted

    async def discard(self, request: Request) -> None:
        """Read a body and let it go. Raises TooLarge, Busy, TimeoutError."""
        with self._ration.share() as take:
            await received(request, self._body_bytes, take)

    def _work(
        self, wire: bytes, encoding: str, signal: Signal, content_type: str, project: str | None
    ) -> Callable[[], tuple[Accepted, "Future[int] | None", int]]:
        def work() -> tuple[Accepted, "Future[int] | None", int]:
            payload = inflate(wire, encoding, self._body_bytes)
            accepted = _checked(signal, content_type, payload, project)
            if not accepted.accepted:
                return accepted, None, 0
            kept, now = accepted.kept, datetime.now(UTC)
            stored = self.spool.append(signal, content_type, project, kept, now)
            return msgspec.structs.replace(accepted, kept=b""), stored, len(kept)

        return work


def _content_type(request: Request, signal: Signal) -> str:
    given = media_type(request)
    if given not in TYPES[signal]:
        raise UnknownType(
            f"Content-Type {given[:100]!r} is not read here: use {' or '.join(TYPES[signal])}"
        )
    return given


def _checked(signal: Signal, content_type: str, payload: bytes, project: str | None) -> Accepted:
    try:
        return reader.check(signal, content_type, payload, project)
    except Undecodable:
        raise
    except Exception as error:
        # a fault of ours must not lose the body: the drain sets it aside with the reason
        log.error("check_failed", signal=signal, bytes=len(payload), error=type(error).__name__)
        return Accepted(accepted=1, rejected=0, error="", kept=payload, ids=())
