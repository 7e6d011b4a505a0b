"""The host of a request: this machine under any of its names, and nobody else's page."""

from typing import Any

import pytest

from headrace.ingest.host import is_local
from headrace.lake.settings import Settings

HERE = ["127.0.0.1", "127.0.0.1:4318", "127.8.8.8:1", "localhost", "LocalHost:80", "localhost.:4",
        "[::1]", "[::1]:4318"]  # fmt: skip
ELSEWHERE = ["evil.example", "evil.example:4318", "127.0.0.1.evil.example", "10.0.0.1:4318", "[",
             "localhost.evil.example", "[::2]:1", "127.0.0.1@evil", "localhost:x"]  # fmt: skip
PATHS = ["/v1/status", "/v1/episodes/e", "/v1/traces/t", "/healthz", "/readyz", "/metrics"]


@pytest.mark.parametrize("host", HERE)
def test_a_name_of_this_machine_is_answered(door: Any, host: str) -> None:
    assert is_local(host)
    assert door.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ELSEWHERE)
def test_any_other_name_is_refused(door: Any, host: str) -> None:
    answer = door.get("/v1/status", headers={"host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "urn:headrace:problem:misdirected")
    assert answer.headers["content-type"] == "application/problem+json"
    assert door.refused() == {"misdirected": 1}


@pytest.mark.parametrize("path", PATHS)
def test_no_question_of_a_stranger_is_answered(door: Any, path: str) -> None:
    assert door.get(path, headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("path", ["traces", "logs", "metrics", "episodes", "outcomes"])
def test_nothing_of_a_stranger_is_stored(door: Any, path: str) -> None:
    mark = {"conversation": "c", "success": True}
    answer = door.post(f"/v1/{path}", json=mark, headers={"host": "evil.example"})
    assert (answer.status_code, door.spooled()) == (421, [])


def test_a_request_without_a_host_passes(door: Any) -> None:
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        said.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/healthz", "headers": []}
    scope |= {"query_string": b"", "http_version": "1.0", "scheme": "http"}
    door.runner.run(door.app(scope, receive, send))
    assert said[0]["status"] == 200


def test_the_host_that_was_configured_is_this_machine(
    tmp_path: Any, spool: Any, lake: Any, opened: Any
) -> None:
    with opened(Settings(home=tmp_path, host="MyHost"), spool, lake) as door:
        assert door.get("/healthz", headers={"host": "myhost:4318"}).status_code == 200
