"""The wire: HTTP connections that are cut off where a client dawdles over its headers."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024  # of a request line with its headers


class Wire(HttpToolsProtocol):
    """A connection that owes the head of its next request within a time and a size.

    The time of a body is kept by whoever reads it, that of a pause between requests by the server.
    """

    read_s = 30.0
    _deadline: asyncio.TimerHandle | None = None
    _in_body = False
    _head = 0  # bytes since the last body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        of_body = self._in_body  # what comes after its end in the same piece is at most a piece
        super().data_received(data)
        if not self._answered:
            return
        self._head = 0 if of_body or self._in_body else self._head + len(data)
        if self._head > HEAD_BYTES:
            self._cut_off()
        elif self._deadline is None:  # also for the rest of a body that was refused unread
            self._await_head()

    def on_headers_complete(self) -> None:
        self._settle()
        self._in_body, self._head = True, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    @property
    def _answered(self) -> bool:
        """Whether no request waits for its answer."""
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self.read_s, self._cut_off)

    def _settle(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        self._settle()
        if not self.transport.is_closing():
            self.transport.close()


def wire(read_s: float) -> type[Wire]:
    """The protocol of a server that waits so many seconds for a head."""
    return type("Wire", (Wire,), {"read_s": read_s})
