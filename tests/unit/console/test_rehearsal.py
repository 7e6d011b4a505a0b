import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from headrace.console import rehearsal
from headrace.console.rehearsal import LATE, MARK, DemoError, latest, play, prepare
from headrace.console.sample import Run, runs
from headrace.flows.night import Night
from headrace.ingest import sidecar as sidecar_module
from headrace.ingest.sidecar import Address
from headrace.lake.settings import Settings

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ADDRESS = Address(host="127.0.0.1", port=9, pid=1)


class Sidecar:
    """Takes what the demo sends and says how much of it waits."""

    def __init__(self, depths: list[int], refuses: int | None = None) -> None:
        self.depths = depths
        self.refuses = refuses
        self.heard: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/status":
            depth = self.depths.pop(0) if self.depths else 0
            return httpx.Response(200, json={"spool": {"depth": depth}})
        if self.refuses is not None:
            return httpx.Response(self.refuses)
        if request.url.path == "/v1/traces":
            export = ExportTraceServiceRequest.FromString(gzip.decompress(request.content))
            span = export.resource_spans[0].scope_spans[0].spans[0]
            self.heard.append(("trace", span.trace_id.hex()))
        else:
            lines = [json.loads(line) for line in request.content.splitlines()]
            self.heard.append(("outcomes", {line["trace_id"]: line["at"] for line in lines}))
        return httpx.Response(200, json={})

    def client(self) -> httpx.Client:
        transport = httpx.MockTransport(self)
        return httpx.Client(base_url=ADDRESS.url, transport=transport)


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Every eighth of the bundled runs."""
    few = runs(NOW)[::8]
    monkeypatch.setattr(rehearsal, "runs", lambda now: few)
    return few


@pytest.fixture
def sidecar(monkeypatch: pytest.MonkeyPatch) -> Sidecar:
    """A sidecar without a server behind it, and nights that only take note."""
    made = Sidecar([2, 1])

    @contextmanager
    def running(settings: Settings) -> Iterator[Address]:
        assert settings.port == 0, "any free port: the user's sidecar may be running"
        yield ADDRESS

    def night(settings: Settings, *, until: datetime, out: Path) -> Night:
        made.heard.append(("night", until))
        return Night(night_id="n", started_at=NOW, ended_at=NOW, until=until, lines=())

    monkeypatch.setattr(sidecar_module, "running", running)
    monkeypatch.setattr(rehearsal, "_client", lambda address: made.client())
    monkeypatch.setattr(rehearsal, "run_night", night)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return made


def test_a_folder_with_somebody_elses_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DemoError, match="--out"):
        prepare(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_folder_of_an_earlier_demo_is_written_anew(tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(out)
    (out / "old").touch()
    prepare(out)
    assert [path.name for path in out.iterdir()] == [MARK]


def test_late_outcomes_concern_the_newest_release_of_each_project() -> None:
    newest = latest(runs(datetime(2026, 6, 1, tzinfo=UTC)))
    assert {(run.project, run.release) for run in newest} == {
        ("taubench-airline", "1.3"),
        ("tau2-service", "2-sft"),
    }
    assert len(newest) == 35 + 60


def test_the_demo_is_traces_outcomes_night_late_outcomes_night(
    sample: list[Run], sidecar: Sidecar, tmp_path: Path
) -> None:
    told: list[str] = []
    played = play(tmp_path / "out", now=NOW, told=told.append)
    kinds = [kind for kind, _ in sidecar.heard]
    assert kinds == ["trace"] * len(sample) + ["outcomes", "night", "outcomes", "night"]
    assert {name for kind, name in sidecar.heard if kind == "trace"} == {r.run_id for r in sample}
    assert [until for kind, until in sidecar.heard if kind == "night"] == [NOW, NOW + LATE]
    assert f"replaying runs as OTLP over HTTP: {len(sample)} of {len(sample)}" in told
    assert played.settings.home == tmp_path / "out" / "lake"


def test_every_run_is_marked_once_and_late_marks_come_after_the_first_night(
    sample: list[Run], sidecar: Sidecar, tmp_path: Path
) -> None:
    played = play(tmp_path / "out", now=NOW, told=lambda said: None)
    prompt, late = (marks for kind, marks in sidecar.heard if kind == "outcomes")
    assert prompt.keys() | late.keys() == {run.run_id for run in sample}
    assert prompt.keys() & late.keys() == set()
    assert late.keys() == {run.run_id for run in played.late} != set()
    started = {run.run_id: run.started_at for run in sample}
    delays = {datetime.fromisoformat(at) - started[name] for name, at in prompt.items()}
    assert delays == {timedelta(minutes=10)}
    assert all(datetime.fromisoformat(at) - started[n] == LATE for n, at in late.items())


def test_the_demo_waits_until_the_spool_is_empty(
    sample: list[Run], sidecar: Sidecar, tmp_path: Path
) -> None:
    told: list[str] = []
    play(tmp_path / "out", now=NOW, told=told.append)
    waits = [said for said in told if said.startswith("the drain writes")]
    assert waits == [f"the drain writes to the lake: {n} requests wait" for n in (2, 1)]
    assert sidecar.depths == []


def test_a_spool_that_never_empties_ends_the_demo(
    sample: list[Run], sidecar: Sidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "DRAIN_S", -1.0)
    sidecar.depths = [7]
    with pytest.raises(DemoError, match="7 requests still wait"):
        play(tmp_path / "out", now=NOW, told=lambda said: None)
    assert not any(kind == "night" for kind, _ in sidecar.heard)


@pytest.mark.parametrize("status", [400, 413, 503])
def test_a_run_that_is_not_acknowledged_ends_the_demo(
    sample: list[Run], sidecar: Sidecar, tmp_path: Path, status: int
) -> None:
    sidecar.refuses = status
    with pytest.raises(httpx.HTTPStatusError, match=str(status)):
        play(tmp_path / "out", now=NOW, told=lambda said: None)
    assert sidecar.heard == []


def test_an_empty_or_a_new_folder_may_be_taken(tmp_path: Path) -> None:
    for out in (tmp_path / "deep" / "new", tmp_path / "deep" / "new"):
        prepare(out)
        assert [path.name for path in out.iterdir()] == [MARK]


def test_the_newest_release_is_that_of_the_last_run_in_any_order(sample: list[Run]) -> None:
    assert {run.run_id for run in latest(sample)} == {
        run.run_id for run in latest(list(reversed(sample)))
    }
    assert latest([]) == []
