"""Recorded payloads and what the calls in them really were."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from headrace.ingest import reader
from headrace.ingest.app import create_app
from headrace.ingest.batch import Batch, Body, Signal
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.settings import MIB, Settings

RECORDED = Path(__file__).parents[2] / "fixtures" / "otlp"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

Entry = Mapping[str, Any]
Read = Callable[..., Batch]


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """One lake for all tests, a project for each: making one takes a second."""
    with Lake.open(tmp_path_factory.mktemp("lake")) as opened:
        yield opened


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses."""
    return f"{request.node.module.__name__}.{request.node.name}"[-200:]


@pytest.fixture
def recorded() -> Path:
    """The folder of the recorded payloads."""
    return RECORDED


@pytest.fixture
def read() -> Read:
    """Read one body as the drain does."""

    def work(
        signal: Signal, content_type: str, payload: bytes, project: str | None = None
    ) -> Batch:
        return reader.read(
            Body(
                seq=1,
                signal=signal,
                content_type=content_type,
                payload=payload,
                received_at=NOW,
                project=project,
            )
        )

    return work


@pytest.fixture
def read_entry(read: Read) -> Callable[[Path, Entry], Batch]:
    """All files of a manifest's entry, read in order."""

    def work(folder: Path, entry: Entry) -> Batch:
        return Batch.union(
            read(file["signal"], file["content_type"], (folder / file["file"]).read_bytes())
            for file in entry["files"]
            if file["signal"] in ("traces", "logs")  # not metrics, nor a vendor's own calls
        )

    return work


@pytest.fixture
def entry_of() -> Callable[[str], tuple[Path, Entry]]:
    """The folder and manifest entry of an id like `otel_genai_span/tools`."""

    def work(name: str) -> tuple[Path, Entry]:
        folder = RECORDED / name.split("/")[0]
        entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["fixtures"]
        [entry] = [entry for entry in entries if entry["id"] == name]
        return folder, entry

    return work


class Door:
    """Requests to an application on one event loop."""

    def __init__(self, settings: Settings, spool: Spool | None, lake: Lake | None) -> None:
        self.app = create_app(settings, spool, lake)
        self.runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.runner.run(self.http.post(path, **given))

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.runner.run(self.http.get(path, **given))

    def spooled(self) -> list[Body]:
        spool: Spool = self.app.state.receiver.spool
        return spool.take(1000)

    def refused(self) -> dict[str, int]:
        """What `/metrics` says was refused, by reason."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        samples = (sample for family in families for sample in family.samples)
        return {s.labels["reason"]: int(s.value) for s in samples if "reason" in s.labels}


@contextmanager
def _opened(settings: Settings, spool: Spool | None, lake: Lake | None) -> Iterator[Door]:
    door = Door(settings, spool, lake)
    with door.runner as runner:
        life = door.app.router.lifespan_context(door.app)
        runner.run(life.__aenter__())
        try:
            yield door
        finally:
            runner.run(life.__aexit__(None, None, None))
            runner.run(door.http.aclose())


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(Settings(home=tmp_path)) as made:
        yield made


@pytest.fixture
def door(tmp_path: Path, spool: Spool, lake: Lake) -> Iterator[Door]:
    with _opened(Settings(home=tmp_path, body_bytes=4 * MIB), spool, lake) as made:
        yield made


@pytest.fixture
def narrow(tmp_path: Path, spool: Spool, lake: Lake) -> Iterator[Door]:
    """A door for bodies of at most 2,000 bytes."""
    with _opened(Settings(home=tmp_path, body_bytes=2000), spool, lake) as made:
        yield made


@pytest.fixture
def opened() -> Callable[[Settings, Spool | None, Lake | None], AbstractContextManager[Door]]:
    """Open a door of one's own."""
    return _opened
