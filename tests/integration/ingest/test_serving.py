"""Starting and stopping: one sidecar per home and address, in words one can act on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.ingest.errors import SidecarFailed
from headrace.ingest.sidecar import running
from headrace.ingest.works import environment
from headrace.lake import Lake
from headrace.lake.settings import Settings

HEAVY = ("torch", "prefect", "inspect_ai", "datasets")


def serve(settings: Settings) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "headrace.ingest.sidecar"],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_sidecar_of_a_home_or_a_port_says_so(bench: Any, tmp_path: Path) -> None:
    with bench.running() as client:
        again = serve(bench.settings)
        assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)
        assert f"process {client.address.pid}, {client.address.url}" in again.stderr
        taken = {"home": tmp_path / "other", "port": client.address.port}
        other = serve(bench.settings.model_copy(update=taken))
        assert (other.returncode, len(other.stderr.splitlines())) == (1, 1)
        assert f"port {client.address.port} of 127.0.0.1 is taken" in other.stderr
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("host", "words"),
    [("0.0.0.0", "without API keys"), ("no.such.host.", "no address of this machine")],
)
def test_other_addresses_than_loopback_are_refused_with_the_cure(
    tmp_path: Path, host: str, words: str
) -> None:
    done = serve(Settings(home=tmp_path, host=host, port=0))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert words in done.stderr
    assert "127.0.0.1" in done.stderr


def test_localhost_is_loopback(tmp_path: Path) -> None:
    with running(Settings(home=tmp_path, host="localhost", port=0)) as address:
        assert httpx.get(f"{address.url}/healthz", trust_env=False).status_code == 200


def test_a_sidecar_that_does_not_come_up_tells_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(SidecarFailed, match="move it aside"):
        with running(Settings(home=tmp_path, port=0)):
            pytest.fail("came up")


@contextmanager
def process(arguments: list[str], settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with process(["-m", "headrace.ingest.sidecar"], Settings(home=tmp_path, port=0)) as sidecar:
        assert sidecar.stderr is not None
        assert "event=serving" in sidecar.stderr.readline()
        assert json.loads((tmp_path / "sidecar.json").read_text())["pid"] == sidecar.pid
        sidecar.send_signal(number)
        rest = sidecar.stderr.read()
        assert sidecar.wait(timeout=60) == 0
    assert "event=stopped" in rest
    assert "Traceback" not in rest
    assert not (tmp_path / "sidecar.json").exists()


def test_the_application_imports_nothing_heavy_and_opens_nothing(tmp_path: Path) -> None:
    code = "import sys, headrace.ingest.app, headrace.ingest.drain; print(*sys.modules)"
    env = os.environ | {"HEADRACE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "headrace.ingest.app" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert not (tmp_path / "home").exists()


def test_any_server_can_run_the_application(tmp_path: Path) -> None:
    """`uvicorn headrace.ingest.app:app` is the whole sidecar, its drain included."""
    door, home = tmp_path / "door", tmp_path / "home"
    arguments = ["-m", "uvicorn", "headrace.ingest.app:app", "--uds", str(door)]
    with process(arguments, Settings(home=home)) as server:
        assert server.stderr is not None
        assert any("running on" in line for line in server.stderr)
        transport = httpx.HTTPTransport(uds=str(door))
        with httpx.Client(transport=transport, base_url="http://localhost", timeout=60) as http:
            mark = {"id": "o1", "conversation": "c", "success": True}
            assert http.post("/v1/outcomes", json=mark).status_code == 200
        server.terminate()
        server.stderr.read()
    with Lake.open(home) as lake:
        assert lake.rows("select outcome_id from outcomes") == [{"outcome_id": "o1"}]
