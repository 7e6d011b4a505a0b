"""The receiver: from a request to acknowledged bytes in the spool."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from headrace.ingest import reader
from headrace.ingest.answer import JSON, PROTOBUF, media_type
from headrace.ingest.batch import Signal
from headrace.ingest.errors import Busy, Undecodable, UnknownType
from headrace.ingest.gate import Caller
from headrace.ingest.payload import READ_S, Ration, inflate, known, received
from headrace.ingest.reader import NDJSON, Accepted
from headrace.ingest.spool import Spool
from headrace.ingest.tally import Tally

DECODES = 4  # at a time; each can need many times the body's size in memory
LIGHT = 64 * 1024  # bytes that are checked sooner than a thread would have taken over
WAITING = 512  # for a decode: packed bodies weigh little until then, but each costs its time
FLIGHTS = 8  # bodies of full size in memory at a time

TYPES: dict[str, tuple[str, ...]] = {
    "traces": (PROTOBUF, JSON),
    "logs": (PROTOBUF, JSON),
    "metrics": (PROTOBUF, JSON),
    "episodes": (JSON, *NDJSON),
    "outcomes": (JSON, *NDJSON),
}

log = structlog.get_logger("headrace.ingest")


class Receiver:
    """Reads, checks and stores bodies; belongs to one event loop."""

    def __init__(
        self,
        spool: Spool,
        body_bytes: int,
        tally: Tally | None = None,
        *,
        read_s: float = READ_S,
        strict: bool = False,
    ) -> None:
        self.spool = spool
        self.tally = tally or Tally()
        self._body_bytes = body_bytes
        self._read_s = read_s
        self._strict = strict  # nothing secret is spooled
        self._waiting = 0
        self._ration = Ration(FLIGHTS * body_bytes)
        self._decodes = CapacityLimiter(DECODES)

    async def store(self, request: Request, caller: Caller, signal: Signal) -> Accepted:
        """Returns once what was accepted is on disk.

        Raises UnknownType, TooLarge, Undecodable, Busy, TimeoutError, SpoolFailed.
        """
        content_type = _content_type(request, signal)
        encoding = _encoding(request)
        with self._ration.share() as take:
            wire = await received(request, self._body_bytes, take, self._read_s)
            self.tally.received(signal, len(wire))
            check = partial(self._checked, wire, encoding, signal, content_type, caller.project)
            accepted = check() if _light(wire, encoding) else await self._threaded(check)
            if accepted.accepted:
                await self._stored(signal, caller.project, accepted)
        return accepted

    async def discard(self, request: Request) -> None:
        """Read metrics and let them go. Raises UnknownType, TooLarge, Busy, TimeoutError."""
        _content_type(request, "metrics")
        known(_encoding(request))
        with self._ration.share() as take:
            await received(request, self._body_bytes, take, self._read_s)

    async def _threaded(self, check: Callable[[], Accepted]) -> Accepted:
        """Check in a thread; waits for one, unless too many do. Raises Busy."""
        if self._waiting >= WAITING:
            raise Busy("too many requests wait to be read: send again in a moment")
        self._waiting += 1
        try:
            return await to_thread.run_sync(check, limiter=self._decodes)
        finally:
            self._waiting -= 1

    def _checked(
        self, wire: bytes, encoding: str, signal: Signal, content_type: str, project: str | None
    ) -> Accepted:
        payload = inflate(wire, encoding, self._body_bytes)
        try:
            return reader.check(signal, content_type, payload, project, strict=self._strict)
        except Undecodable:
            raise
        except Exception as error:
            if self._strict:  # what was not understood may hold a secret: refused, to be sent again
                raise
            # a fault of ours must not lose the body: the drain sets it aside with the reason
            log.error("check_failed", signal=signal, bytes=len(payload), error=type(error).__name__)
            return Accepted(
                accepted=1,
                rejected=0,
                error="",
                kept=payload,
                content_type=content_type,
                ids=(),
            )

    async def _stored(self, signal: Signal, project: str | None, accepted: Accepted) -> None:
        future = asyncio.get_running_loop().create_future()
        kept, now = accepted.kept, datetime.now(UTC)
        self.spool.append_for(future, signal, accepted.content_type, project, kept, now)
        await future
        self.tally.stored(signal, len(kept), accepted=accepted.accepted, rejected=accepted.rejected)


def _light(wire: bytes, encoding: str) -> bool:
    return len(wire) <= LIGHT and encoding == "identity"


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "").strip().lower() or "identity"


def _content_type(request: Request, signal: str) -> str:
    given = media_type(request)
    if given not in TYPES[signal]:
        raise UnknownType(
            f"Content-Type {given[:100]!r} is not read here: use {' or '.join(TYPES[signal])}"
        )
    return given
