"""Recorded payloads and what the calls in them really were."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest import reader
from headrace.ingest.batch import Batch, Body, Signal
from headrace.lake import Lake

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
