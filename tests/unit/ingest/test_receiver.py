"""The receiver in this process: nothing acknowledged unstored, nothing stored unbounded."""

import asyncio
import gzip
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest import reader
from headrace.ingest.receiver import FLIGHTS
from headrace.ingest.spool import Spool
from headrace.lake.settings import Settings

JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
SMALL = 2000  # bytes of a body at the narrow door
MARK = {"conversation": "c", "success": True}
SPAN = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
EXPORT = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}


def mark_of(size: int) -> bytes:
    """An outcome of so many bytes."""
    return json.dumps(MARK).encode().ljust(size)


@pytest.mark.parametrize(
    ("given", "spooled"),
    [
        ({"content-type": "Application/JSON; charset=UTF-8"}, "application/json"),
        ({**JSON, "content-encoding": " GZIP "}, "application/json"),
        ({**JSON, "content-encoding": ""}, "application/json"),
        (NDJSON, "application/x-ndjson"),
        ({"content-type": "application/jsonl"}, "application/jsonl"),
    ],
)
def test_headers_are_compared_in_lower_case_and_without_parameters(
    door: Any, given: dict[str, str], spooled: str
) -> None:
    content = json.dumps({**MARK, "id": "m"}).encode()
    packed = gzip.compress(content) if "GZIP" in str(given) else content
    answer = door.post("/v1/outcomes", content=packed, headers=given)
    assert answer.json() == {"accepted": 1, "rejected": 0, "ids": ["m"], "errors": []}
    assert [(body.content_type, body.payload) for body in door.spooled()] == [(spooled, content)]


@pytest.mark.parametrize(
    ("named", "status", "project"),
    [
        (None, 200, None),
        ("", 200, None),
        ("   ", 200, None),
        (" shop ", 200, "shop"),
        ("x" * 200, 200, "x" * 200),
        ("x" * 201, 400, None),
        ("a\tb", 400, None),
    ],
)
def test_the_header_names_the_project_of_a_body(
    door: Any, named: str | None, status: int, project: str | None
) -> None:
    headers = {} if named is None else {"x-headrace-project": named}
    answer = door.post("/v1/outcomes", json=MARK, headers=headers)
    assert answer.status_code == status
    assert [body.project for body in door.spooled()] == ([project] if status == 200 else [])
    if status == 400:
        assert "200 printable characters" in answer.json()["detail"]
        assert door.refused() == {"bad_header": 1}


@pytest.mark.parametrize(
    ("size", "status"), [(SMALL, 200), (SMALL + 1, 413), (2 * SMALL, 413), (9 * SMALL, 413)]
)
def test_the_limit_of_a_body_is_its_last_byte(narrow: Any, size: int, status: int) -> None:
    answer = narrow.post("/v1/outcomes", content=mark_of(size), headers=JSON)
    assert (answer.status_code, len(narrow.spooled())) == (status, int(status == 200))


@pytest.mark.parametrize(("size", "status"), [(SMALL, 200), (SMALL + 1, 413)])
def test_the_limit_holds_for_what_comes_out_of_a_packing(
    narrow: Any, size: int, status: int
) -> None:
    packed = gzip.compress(mark_of(size))
    headers = {**JSON, "content-encoding": "gzip"}
    assert narrow.post("/v1/outcomes", content=packed, headers=headers).status_code == status


def test_nothing_is_acknowledged_before_it_is_on_disk(
    door: Any, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[object] = []
    append = spool.append_for

    def noted(*given: Any) -> None:
        append(*given)
        handed.append(given)

    monkeypatch.setattr(spool, "append_for", noted)

    async def post(other: sqlite3.Connection) -> tuple[bool, int]:
        task = asyncio.create_task(door.http.post("/v1/traces", json=EXPORT))
        while not handed:
            await asyncio.sleep(0)
        for _ in range(20):  # time enough for an answer that does not wait
            await asyncio.sleep(0)
        early = task.done()
        other.execute("rollback")
        return early, (await task).status_code

    with sqlite3.connect(spool.path, isolation_level=None) as other:
        other.execute("begin immediate")  # the disk cannot be written
        assert door.runner.run(post(other)) == (False, 200)
    other.close()
    assert len(door.spooled()) == 1


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/episodes"])
def test_a_body_that_trips_the_check_is_kept_for_the_drain(
    door: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def broken(*given: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(reader, "check", broken)
    assert door.post(path, content=b"{}  ", headers=JSON).status_code == 200
    assert [body.payload for body in door.spooled()] == [b"{}  "]


async def _endless() -> AsyncIterator[bytes]:
    yield b" " * SMALL
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/outcomes", 408), ("/v1/traces", 503), ("/v1/metrics", 503), ("/old/v1/logs", 503)],
)
def test_a_body_that_never_ends_is_given_up_in_words_its_sender_heeds(
    tmp_path: Path, spool: Spool, opened: Any, path: str, status: int
) -> None:
    """An exporter would drop what is answered with 408."""
    with opened(Settings(home=tmp_path, read_timeout_s=1e-9), spool, None) as door:
        answer = door.post(path, content=_endless(), headers=JSON)
        assert (answer.status_code, door.refused()) == (status, {"slow": 1})
    assert (answer.headers["connection"], answer.headers["retry-after"]) == ("close", "1")
    assert "HEADRACE_READ_TIMEOUT_S" in answer.json()["cure"]


def _sends(*messages: dict[str, Any]) -> Any:
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(left, {"type": "http.disconnect"})

    return receive


def _hang_up(door: Any) -> None:
    """Send a body of full size but for its end."""
    headers = [(b"content-type", b"application/json")]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/v1/outcomes"}
    scope |= {"headers": headers, "query_string": b"", "http_version": "1.1", "scheme": "http"}
    part = {"type": "http.request", "body": mark_of(SMALL), "more_body": True}

    async def send(message: object) -> None:
        return None

    door.runner.run(door.app(scope, _sends(part), send))


def test_a_client_that_hangs_up_leaves_nothing(narrow: Any) -> None:
    _hang_up(narrow)
    assert (narrow.spooled(), narrow.refused()) == ([], {})


BAD: dict[str, dict[str, Any] | None] = {
    "too large": {"content": b" " * 2 * SMALL, "headers": JSON},
    "undecodable": {"content": b"[" * SMALL, "headers": JSON},
    "no stream": {"content": b"x" * SMALL, "headers": {**JSON, "content-encoding": "gzip"}},
    "unknown encoding": {"content": b"x" * SMALL, "headers": {**JSON, "content-encoding": "br"}},
    "hang-up": None,
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_refused_gives_its_memory_back(narrow: Any, kind: str) -> None:
    for _ in range(FLIGHTS + 2):
        given = BAD[kind]
        if given is None:
            _hang_up(narrow)
        else:
            assert narrow.post("/v1/outcomes", **given).status_code in (400, 413, 415)
    answer = narrow.post("/v1/outcomes", content=mark_of(SMALL), headers=JSON)
    assert answer.status_code == 200


def test_only_so_many_bodies_are_in_memory_at_a_time(narrow: Any) -> None:
    async def together() -> tuple[int, list[int], int]:
        arrived, go = asyncio.Semaphore(0), asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield mark_of(SMALL)
            arrived.release()
            await go.wait()

        def post(content: Any) -> Any:
            return narrow.http.post("/v1/outcomes", content=content, headers=JSON)

        flying = [asyncio.create_task(post(body())) for _ in range(FLIGHTS)]
        for _ in flying:
            await arrived.acquire()
        refused = await post(b" ")
        assert refused.headers["retry-after"] == "1"
        go.set()
        landed = [answer.status_code for answer in await asyncio.gather(*flying)]
        return refused.status_code, landed, (await post(mark_of(SMALL))).status_code

    assert narrow.runner.run(together()) == (503, [200] * FLIGHTS, 200)
