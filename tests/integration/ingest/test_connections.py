"""What clients do with a connection: offers of another protocol, requests ahead of answers."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.ingest.wire import AHEAD

PATIENCE_S = 30
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIA\r\n"
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
EPISODE = json.dumps({"messages": [{"role": "user", "content": "h2c"}]}).encode()


def post(head: bytes, body: bytes, *, chunked: bool = False) -> bytes:
    start = b"POST /v1/episodes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    if not chunked:
        return start + head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return (
        start
        + head
        + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (
            len(body),
            body,
        )
    )


@pytest.fixture
def line(shared: Any) -> Iterator[socket.socket]:
    """A connection to the sidecar."""
    place = shared.address.host, shared.address.port
    with socket.create_connection(place, timeout=PATIENCE_S) as opened:
        yield opened


def answers(line: socket.socket, count: int) -> list[bytes]:
    """The first lines of so many answers, or of those before the end."""
    said = b""
    while said.count(b"HTTP/1.1 ") < count and (more := line.recv(65_536)):
        said += more
    return [b"HTTP/1.1 " + part.partition(b"\r\n")[0] for part in said.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("offer", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
def test_the_body_of_a_request_that_offers_another_protocol_is_read(
    line: socket.socket, offer: bytes, chunked: bool
) -> None:
    asked = post(offer, EPISODE, chunked=chunked)
    line.sendall(asked[:90])
    line.sendall(asked[90:-20])
    line.sendall(asked[-20:])
    assert answers(line, 1) == [b"HTTP/1.1 200 OK"]
    line.sendall(asked + post(b"", EPISODE))
    assert answers(line, 2) == [b"HTTP/1.1 200 OK"] * 2


def test_what_offers_another_protocol_may_end_the_connection(line: socket.socket) -> None:
    offer = H2C.replace(b"Connection: ", b"Connection: close, ")
    line.sendall(post(offer, EPISODE))
    assert answers(line, 2) == [b"HTTP/1.1 200 OK"]


def test_a_few_requests_may_be_ahead_of_their_answers(line: socket.socket) -> None:
    line.sendall(post(b"", EPISODE) * AHEAD)
    assert answers(line, AHEAD) == [b"HTTP/1.1 200 OK"] * AHEAD


@pytest.mark.parametrize("offer", [b"", H2C], ids=["plain", "h2c"])
def test_many_requests_ahead_of_their_answers_are_not_kept(
    line: socket.socket, offer: bytes
) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % offer
    given = 0
    try:
        for _ in range(300):
            line.sendall(asked * 1000)
        given = len(answers(line, 300_000))
    except (ConnectionResetError, BrokenPipeError):
        pass
    assert given < 300_000
