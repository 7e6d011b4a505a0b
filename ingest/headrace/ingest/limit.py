"""How fast each key may send: requests and bytes a second, where the settings say so."""

import math
from collections.abc import Callable
from typing import NamedTuple, Self

from starlette.requests import Request
from starlette.types import Message

from headrace.ingest.bucket import Bucket
from headrace.ingest.errors import TooFast
from headrace.lake.settings import Settings


class Limit:
    """A meter for each key that was used, and one for all requests without a key.

    Belongs to one event loop. Only keys in force get here: their number bounds the memory.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._requests = settings.key_requests_per_s
        self._bytes = settings.key_bytes_per_s
        self._burst_s = settings.key_burst_s
        self._most = 2 * settings.body_bytes  # a body that announces more is not read at all
        self._clock = clock
        self._meters: dict[str | None, _Meter] = {}

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], float]) -> Self | None:
        """The limit that the settings ask for; None where they ask for none."""
        asked = settings.key_requests_per_s or settings.key_bytes_per_s
        return cls(settings, clock) if asked else None

    def charge(self, key: str | None, request: Request) -> None:
        """Take one request and the bytes that it announces. Raises TooFast, and takes nothing."""
        now = self._clock()
        size = min(_announced(request) or 0, self._most)
        meter = self._meter(key, now)
        charges = [(b, cost) for b, cost in ((meter.requests, 1), (meter.bytes, size)) if b]
        wait = max(bucket.wait(cost, now) for bucket, cost in charges)
        if wait > 0:
            retry_s = math.ceil(wait)
            raise TooFast(f"over the rate: send again in {retry_s} s", retry_s=retry_s)
        for bucket, cost in charges:
            bucket.take(cost, now)

    def metered(self, key: str | None, request: Request) -> Request:
        """The request; where it does not tell its bytes, they are charged as they come."""
        bucket = self._meter(key, self._clock()).bytes
        if bucket is None or _announced(request) is not None:
            return request

        async def receive() -> Message:
            message = await request.receive()
            bucket.take(len(message.get("body", b"")), self._clock())
            return message

        return Request(request.scope, receive)

    def _meter(self, key: str | None, now: float) -> "_Meter":
        found = self._meters.get(key)
        if found is None:
            full = (self._full(rate, now) for rate in (self._requests, self._bytes))
            found = self._meters[key] = _Meter(*full)
        return found

    def _full(self, rate: float | None, now: float) -> Bucket | None:
        if rate is None:
            return None
        return Bucket(rate=rate, capacity=rate * self._burst_s, now=now)


class _Meter(NamedTuple):
    requests: Bucket | None
    bytes: Bucket | None


def _announced(request: Request) -> int | None:
    told = request.headers.get("content-length", "")
    return int(told) if told.isdecimal() and len(told) < 19 else None
