"""The wire: HTTP connections that are cut off where a client dawdles over its headers."""

import asyncio
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024  # of a request line with its headers
AHEAD = 100  # requests sent before the one ahead of them is answered; each weighs kilobytes


class Parser(HttpRequestParser):
    """A parser for a server that stays with HTTP/1.1 whatever a client offers to change to.

    Of a request with the header `Upgrade` httptools leaves out the body: curl and Java send one to
    ask for HTTP/2. Such a head is parsed once more without it.
    """

    def __init__(self, protocol: "Wire") -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        """Raises HttpParserError, and HttpParserUpgrade for CONNECT."""
        parser = self
        while data := parser._left(data):
            parser = self._protocol.parser = Parser(self._protocol)

    def _left(self, data: bytes) -> bytes:
        """Parse up to an offer of another protocol; what is left, from the head that made it on."""
        try:
            super().feed_data(data)
        except HttpParserUpgrade as offer:
            head = self._protocol.bare_head()
            if head is None:
                raise
            return head + data[offer.args[0] :]
        return b""


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
        self.parser = Parser(self)
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
        if len(self.pipeline) >= AHEAD:
            raise HttpParserError("too many requests ahead of their answers")
        if self._offered:
            return
        self._settle()
        self._in_body, self._head = True, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self._offered:
            return
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._answered:
            super().send_400_response(msg)
        else:  # it would be taken for the answer to a request that is sound
            self._cut_off()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    @property
    def _answered(self) -> bool:
        """Whether no request waits for its answer."""
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    @property
    def _offered(self) -> bool:
        """Whether the client offers another protocol: its request is parsed once more."""
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

    def bare_head(self) -> bytes | None:
        """The head of a request without the offer of another protocol; None where is none."""
        if not self._offered:
            return None
        names = (b"upgrade", b"connection")
        lines = [b"%s: %s" % header for header in self.headers if header[0] not in names]
        if not self.parser.should_keep_alive():
            lines.append(b"connection: close")
        version = self.parser.get_http_version().encode()
        start = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)
        return b"\r\n".join([start, *lines, b"", b""])

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
