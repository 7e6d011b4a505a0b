"""A sidecar as users meet it: a process of its own, reached over HTTP."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.ingest.sidecar import Address, running
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.settings import Settings

PATIENCE_S = 90.0  # for a machine that does much else

Status = dict[str, Any]


class Bench:
    """A home and what a test does with its sidecar."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @contextmanager
    def running(self) -> Iterator["Client"]:
        with running(self.settings) as address, Client(address, self) as client:
            yield client

    def lake(self) -> Lake:
        return Lake.open(settings=self.settings)

    def spool(self) -> Spool:
        return Spool.open(self.settings)

    @property
    def log(self) -> str:
        return (self.settings.home / "sidecar.log").read_text()


class Client(httpx.Client):
    def __init__(self, address: Address, bench: Bench) -> None:
        super().__init__(base_url=address.url, timeout=PATIENCE_S, trust_env=False)
        self.address = address
        self.bench = bench

    def outcome(self, number: int, **fields: object) -> httpx.Response:
        mark = {"id": f"o{number}", "trace_id": f"{number + 1:032x}", "success": True}
        return self.post("/v1/outcomes", json=mark | fields)

    def status(self) -> Status:
        status: Status = self.get("/v1/status").raise_for_status().json()
        return status

    def until(self, true: Callable[[Status], bool]) -> Status:
        """The first status for which something holds."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            status = self.status()
            if true(status):
                return status
            time.sleep(0.05)  # between two looks
        raise AssertionError(f"never came true; the last status: {status}")

    def drained(self) -> Status:
        """The status once everything acknowledged is in the lake."""
        return self.until(lambda s: s["spool"]["depth"] == 0 and s["lake"] is not None)

    def kill(self) -> None:
        os.kill(self.address.pid, signal.SIGKILL)

    def drain_pid(self) -> int | None:
        """The process that drains, if one runs now."""
        pid = self.address.pid
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
        return children[0] if children else None


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(Settings(home=tmp_path / "home", port=0, drain_interval_s=0.05))


@pytest.fixture(scope="session")
def bench_of() -> type[Bench]:
    """To start a sidecar with settings of one's own."""
    return Bench


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One sidecar for tests that leave nothing behind that others could trip over."""
    home = tmp_path_factory.mktemp("shared")
    settings = Settings(home=home, port=0, body_bytes=256 * 1024, drain_interval_s=0.05)
    with Bench(settings).running() as client:
        yield client
