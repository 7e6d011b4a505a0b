"""Hostile and clumsy clients of a real sidecar: cut off or refused, in little memory, alone."""

import gzip
import json
import select
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest.wire import HEAD_BYTES
from headrace.lake.settings import MIB, Settings

EDGE = Path(__file__).parents[2] / "fixtures" / "otlp" / "receiver_edge"
JSON, PROTOBUF = "application/json", "application/x-protobuf"
PATIENCE_S = 60.0
GROWTH = 200 * MIB  # of a process over all of `HEAVY`, one after another
BOMB_GROWTH = 100 * MIB
SPAN = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}

Drip = Callable[[int], bytes]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, bench_of: Any) -> Iterator[Any]:
    """A sidecar that waits half a second for a head or a body."""
    settings = Settings(
        home=tmp_path_factory.mktemp("hasty"), port=0, read_timeout_s=0.5, drain_interval_s=0.05
    )
    with bench_of(settings).running() as client:
        yield client


@pytest.fixture
def roomy(tmp_path: Path, bench_of: Any) -> Iterator[Any]:
    """A sidecar that takes bodies of the default size."""
    with bench_of(Settings(home=tmp_path, port=0, drain_interval_s=0.05)).running() as client:
        yield client


def _connect(client: Any) -> socket.socket:
    made = socket.create_connection((client.address.host, client.address.port), PATIENCE_S)
    return made


def _dribbled(client: Any, head: bytes, drip: Drip) -> bytes:
    """What the server says to a client that sends a few bytes at a time, until it hangs up."""
    heard = b""
    with _connect(client) as wire:
        try:
            wire.sendall(head)
            for number in range(10_000):
                if select.select([wire], [], [], 0.02)[0]:
                    said = wire.recv(65_536)
                    if not said:
                        return heard
                    heard += said
                else:
                    wire.sendall(drip(number))
        except (ConnectionResetError, BrokenPipeError):
            return heard
    raise AssertionError("it was heard out")


def _body_head(path: str, size: int = 1000) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {size}\r\n\r\n"
    ).encode()


def test_who_says_nothing_is_hung_up_on(hasty: Any) -> None:
    with _connect(hasty) as wire:
        assert wire.recv(1) == b""


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"", lambda n: b"POST /v1/traces HTTP/1.1\r\n"[n : n + 1] or b"x"),
        (b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n", lambda n: f"x-{n}: y\r\n".encode()),
        (b"\r\n", lambda n: b"\r\n"),
    ],
    ids=["request line", "headers", "empty lines"],
)
def test_a_head_that_comes_byte_by_byte_is_not_waited_for(
    hasty: Any, head: bytes, drip: Drip
) -> None:
    heard = _dribbled(hasty, head, drip)
    assert b" 200 " not in heard
    assert hasty.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/traces", b" 503 "), ("/v1/outcomes", b" 408 ")],
)
def test_a_body_that_comes_byte_by_byte_is_answered_and_closed(
    hasty: Any, path: str, status: bytes
) -> None:
    heard = _dribbled(hasty, _body_head(path), lambda n: b" ")
    assert status in heard.partition(b"\r\n")[0]
    assert b"connection: close" in heard
    assert heard.count(b"HTTP/1.1") == 1


def test_the_second_request_of_a_connection_is_not_waited_for_either(hasty: Any) -> None:
    first = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    heard = _dribbled(hasty, first, lambda n: b"GET /healthz HTTP/1.1"[n : n + 1] or b"x")
    assert heard.count(b"HTTP/1.1 200") == 1


def test_a_refused_body_is_not_listened_to_for_ever(hasty: Any) -> None:
    head = _body_head("/v1/traces", 10**9).replace(b"application/json", b"text/plain")
    heard = _dribbled(hasty, head, lambda n: b" " * 1000)
    assert b"HTTP/1.1 4" in heard


def test_endless_headers_are_cut_off_before_they_fill_the_memory(hasty: Any) -> None:
    sent = 0
    with _connect(hasty) as wire, pytest.raises((ConnectionResetError, BrokenPipeError)):
        wire.sendall(b"POST /v1/traces HTTP/1.1\r\n")
        while sent < 64 * MIB:
            wire.sendall(b"x-filler: " + b"y" * 8_000 + b"\r\n")
            sent += 8_000
    assert HEAD_BYTES < sent < 64 * MIB


def test_slow_clients_do_not_hold_up_the_others(hasty: Any) -> None:
    slow = [_connect(hasty) for _ in range(100)]
    try:
        for number, wire in enumerate(slow):
            wire.sendall(_body_head("/v1/traces") if number % 2 else b"POST /v1/tra")
        for number in range(20):
            assert hasty.outcome(number).status_code == 200
        for wire in slow:
            assert b" 200 " not in wire.recv(65_536)
    finally:
        for wire in slow:
            wire.close()
    assert hasty.drained()["lake"]["outcomes"] >= 20


def _nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "bottom"}
    for _ in range(levels):
        value = {"kvlistValue": {"values": [{"key": "k", "value": value}]}}
    span = {**SPAN, "attributes": [{"key": "a", "value": value}]}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def _within(tag: bytes, inner: bytes) -> bytes:
    return tag + _varint(len(inner)) + inner


def _span_of(fields: bytes) -> bytes:
    ids = _within(b"\x0a", b"\1" * 16) + _within(b"\x12", b"\1" * 8)
    return _within(b"\x0a", _within(b"\x12", _within(b"\x12", ids + fields)))


def _listed(items: bytes) -> bytes:
    """An attribute whose value is a list."""
    return _within(b"\x4a", _within(b"\x12", _within(b"\x2a", items)))


def _edge(name: str) -> bytes:
    data = (EDGE / name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


def _spans(inside: bytes) -> bytes:
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + inside + b"]}]}]}"


MANY = 5_000_000
HEAVY: dict[str, tuple[str, Callable[[], bytes], int]] = {
    "200k attributes": (PROTOBUF, lambda: _edge("attrs_200k.bin.gz"), 200),
    "300k spans": (PROTOBUF, lambda: _edge("empty_spans_300k.bin.gz"), 400),
    "attributes": (PROTOBUF, lambda: _span_of(b"\x4a\x00" * MANY), 400),
    "list items": (PROTOBUF, lambda: _span_of(_listed(b"\x0a\x00" * MANY)), 400),
    "500k JSON objects": (JSON, lambda: b'{"x":[' + b"{}," * 500_000 + b"{}]}", 200),
    "500k JSON spans": (JSON, lambda: _spans(b"{}," * 500_000 + b"{}"), 400),
    "JSON objects": (JSON, lambda: _spans(b"{}," * MANY + b"{}"), 400),
    "deep JSON": (JSON, lambda: b"[" * 200_000, 400),
    "deep value": (JSON, lambda: json.dumps(_nested(100)).encode(), 200),
    "JSON in text": (JSON, lambda: _edge("deep_json_in_string_attribute.json"), 200),
}


def _peak(pid: int) -> int:
    """Bytes of memory a process had at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


@pytest.mark.usefixtures("all_cores")
def test_what_is_built_to_fill_the_memory_is_refused_in_little_of_it(roomy: Any) -> None:
    """The bound that docs/protocol.md names, over one body of each kind, sidecar and drain."""
    client = roomy
    client.drained()
    drain = client.drain_pid()
    receiver_before, drain_before = _peak(client.address.pid), _peak(drain)
    bomb = gzip.compress(bytes(MIB)) * 256
    headers = {"content-type": PROTOBUF, "content-encoding": "gzip"}
    assert client.post("/v1/traces", content=bomb, headers=headers).status_code == 413
    assert _peak(client.address.pid) - receiver_before < BOMB_GROWTH
    for kind, (content_type, body, status) in HEAVY.items():
        headers = {"content-type": content_type, "content-encoding": "gzip"}
        told = client.post("/v1/traces", content=gzip.compress(body(), 1), headers=headers)
        assert (kind, told.status_code) == (kind, status)
    crowd = b'{"conversation":"c","success":true,"correction":{"content":[' + b"[]," * MANY
    headers = {"content-type": JSON, "content-encoding": "gzip"}
    packed = gzip.compress(crowd + b"[]]}}", 1)
    assert client.post("/v1/outcomes", content=packed, headers=headers).status_code == 400
    assert _peak(client.address.pid) - receiver_before < GROWTH
    assert client.drained()["dead_letters"] == 0
    assert client.drain_pid() == drain  # it lived through all of it
    assert _peak(drain) - drain_before < GROWTH
