"""How fast each key may send, where the settings say so."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from headrace.ingest.errors import TooFast
from headrace.ingest.limit import Limit
from headrace.lake.settings import Settings


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


def limit(path: Path, watch: Watch, **given: Any) -> Limit:
    made = Limit.of(Settings(home=path, **given), watch)
    assert made is not None
    return made


def request(size: int | str | None = None, *chunks: bytes) -> Request:
    waiting = list(chunks)

    async def receive() -> Message:
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    headers = [] if size is None else [(b"content-length", str(size).encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/traces", "headers": headers}
    return Request(scope, receive)


def passed(limit: Limit, key: str | None, count: int, size: int | None = None) -> int:
    """How many of so many requests pass."""
    done = 0
    for _ in range(count):
        try:
            limit.charge(key, request(size))
            done += 1
        except TooFast:
            pass
    return done


def test_without_a_rate_there_is_no_limit(tmp_path: Path, watch: Watch) -> None:
    assert Limit.of(Settings(home=tmp_path), watch) is None


def test_requests_pass_at_their_rate_after_a_burst(tmp_path: Path, watch: Watch) -> None:
    made = limit(tmp_path, watch, key_requests_per_s=5, key_burst_s=4)
    assert passed(made, "k", 100) == 20
    watch.now = 1
    assert passed(made, "k", 100) == 5
    watch.now = 100
    assert passed(made, "k", 100) == 20


def test_bytes_pass_at_their_rate_after_a_burst(tmp_path: Path, watch: Watch) -> None:
    made = limit(tmp_path, watch, key_bytes_per_s=1000, key_burst_s=2)
    assert passed(made, "k", 100, size=300) == 6
    watch.now = 0.1  # 200 bytes were left, 100 come
    assert passed(made, "k", 100, size=300) == 1


def test_each_key_has_its_own_and_no_key_is_one_more(tmp_path: Path, watch: Watch) -> None:
    made = limit(tmp_path, watch, key_requests_per_s=1, key_burst_s=3)
    assert [passed(made, key, 5) for key in ("a", "b", None, None)] == [3, 3, 3, 0]


def test_both_rates_hold_and_a_refused_request_takes_of_neither(
    tmp_path: Path, watch: Watch
) -> None:
    made = limit(tmp_path, watch, key_requests_per_s=1, key_bytes_per_s=100, key_burst_s=2)
    assert passed(made, "k", 9, size=200) == 1  # the bytes are gone
    assert passed(made, "k", 9, size=None) == 1  # no more than one request was taken
    watch.now = 2
    assert passed(made, "k", 9, size=10) == 2


@pytest.mark.parametrize(("rate", "retry_s"), [(1, 1), (0.1, 10), (0.3, 4), (1000, 1)])
def test_a_refusal_says_when_to_come_again(
    tmp_path: Path, watch: Watch, rate: float, retry_s: int
) -> None:
    made = limit(tmp_path, watch, key_requests_per_s=rate, key_burst_s=1 / rate)
    made.charge("k", request())
    with pytest.raises(TooFast, match=f"send again in {retry_s} s") as told:
        made.charge("k", request())
    assert told.value.retry_s == retry_s
    watch.now += retry_s
    made.charge("k", request())


def test_a_body_larger_than_the_burst_passes_and_is_waited_off(
    tmp_path: Path, watch: Watch
) -> None:
    made = limit(tmp_path, watch, key_bytes_per_s=100, key_burst_s=1)
    assert passed(made, "k", 2, size=1000) == 1
    watch.now = 9.5
    assert passed(made, "k", 1, size=0) == 1
    assert passed(made, "k", 1, size=1000) == 0
    watch.now = 10
    assert passed(made, "k", 1, size=1000) == 1


@pytest.mark.parametrize("told", [10**15, "9" * 5000, "-1", "x", "1e9"])
def test_a_length_that_is_no_length_locks_nobody_out(
    tmp_path: Path, watch: Watch, told: int | str
) -> None:
    made = limit(tmp_path, watch, key_bytes_per_s=1000, body_bytes=1000)
    made.charge("k", request(told))
    watch.now = 3
    made.charge("k", request(0))


def test_a_body_without_a_length_is_charged_as_it_comes(tmp_path: Path, watch: Watch) -> None:
    made = limit(tmp_path, watch, key_bytes_per_s=100, key_burst_s=1)
    chunks = [b"a" * 300, b"", b"b" * 200]
    given = request(None, *chunks)
    made.charge("k", given)
    assert asyncio.run(made.metered("k", given).body()) == b"".join(chunks)
    with pytest.raises(TooFast) as told:
        made.charge("k", request(0))
    assert told.value.retry_s == 4
    assert passed(made, "other", 1, size=100) == 1


def test_a_body_with_a_length_is_charged_once(tmp_path: Path, watch: Watch) -> None:
    made = limit(tmp_path, watch, key_bytes_per_s=100, key_burst_s=1)
    given = request(60, b"a" * 60)
    made.charge("k", given)
    assert made.metered("k", given) is given
    assert passed(made, "k", 2, size=40) == 1


def test_where_requests_alone_are_limited_bytes_are_not_counted(
    tmp_path: Path, watch: Watch
) -> None:
    made = limit(tmp_path, watch, key_requests_per_s=10)
    given = request(None, b"a" * 10_000_000)
    made.charge("k", given)
    assert made.metered("k", given) is given
