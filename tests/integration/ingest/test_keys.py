"""API keys before a real sidecar, and their file before real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.ingest import keyfile
from headrace.ingest.errors import SidecarFailed
from headrace.ingest.key import Cost, Scope, minted
from headrace.lake.settings import Settings, make_home

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PATIENCE_S = 60.0
CHAT = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
TRACE = "5b8efff798038103d269b633813fc60c"

Headers = dict[str, str]


def add(settings: Settings, name: str, *scopes: Scope, project: str | None = None) -> Headers:
    """The headers that present a new key, sealed at the price that users pay."""
    make_home(settings.home)
    entry, text = minted(name, scopes, project, NOW)
    keyfile.add(settings.keys_path, entry)
    return {"authorization": f"Bearer {text}"}


def until(client: Any, headers: Headers, status: int) -> httpx.Response:
    """The first answer with a status, in time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        answer: httpx.Response = client.get("/metrics", headers=headers)
        if answer.status_code == status:
            return answer
        time.sleep(0.05)  # between two looks
    raise AssertionError(f"never {status}")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory, bench_of: Any) -> Iterator[Any]:
    """A sidecar that other machines reach, with its administrator at the client."""
    home = tmp_path_factory.mktemp("keyed") / "home"
    settings = Settings(home=home, host="0.0.0.0", port=0, drain_interval_s=0.05)
    chief = add(settings, "chief", "admin")
    with bench_of(settings).running() as client:
        client.headers.update(chief)
        yield client


def bare(client: Any, path: str) -> httpx.Response:
    """An answer to somebody without a key, who calls the sidecar by another name."""
    headers = {"host": "headrace.example.com"}
    return httpx.get(f"{client.address.url}{path}", headers=headers, trust_env=False, timeout=60)


def test_with_a_key_other_machines_may_be_served_and_need_one(keyed: Any) -> None:
    assert keyed.address.host == "0.0.0.0"
    assert keyed.get("/metrics").status_code == 200
    assert [bare(keyed, path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
    for path in ("/v1/status", "/metrics", f"/v1/traces/{TRACE}", "/v1/episodes/e"):
        assert bare(keyed, path).status_code == 401


def test_a_large_body_without_a_key_is_answered_and_the_connection_lives(keyed: Any) -> None:
    with httpx.Client(base_url=keyed.address.url, trust_env=False, timeout=60) as client:
        for _ in range(3):
            answer = client.post("/v1/traces", content=bytes(8 * 1024 * 1024))
            assert answer.status_code == 401


def test_two_projects_cannot_read_each_other(keyed: Any) -> None:
    settings = keyed.bench.settings
    both: tuple[Scope, ...] = ("ingest", "read")
    keys = {name: add(settings, name, *both, project=name) for name in ("mine", "yours")}
    for name, headers in keys.items():
        until(keyed, headers, 200)
        posted = {"id": f"of-{name}", "messages": CHAT, "project": "yours"}
        mark = {"trace_id": TRACE, "success": True, "project": "mine", "comment": name}
        assert keyed.post("/v1/episodes", json=posted, headers=headers).status_code == 200
        assert keyed.post("/v1/outcomes", json=mark, headers=headers).status_code == 200
    keyed.drained()
    for name, other in (("mine", "yours"), ("yours", "mine")):
        for given in ({}, {"x-headrace-project": other}):
            headers = keys[name] | given
            own = keyed.get(f"/v1/episodes/of-{name}", headers=headers).json()
            assert own["project"] == name
            assert keyed.get(f"/v1/episodes/of-{other}", headers=headers).status_code == 404
            trace = keyed.get(f"/v1/traces/{TRACE}", headers=headers)
            assert [row["comment"] for row in trace.json()["outcomes"]] == [name]
            assert other not in trace.text
            lake = keyed.get("/v1/status", headers=headers).json()["lake"]
            assert (lake["episodes"], lake["outcomes"]) == (1, 1)
    assert keyed.status()["lake"]["episodes"] >= 2  # the administrator sees all


def test_a_key_works_and_stops_working_while_the_sidecar_runs(keyed: Any) -> None:
    settings = keyed.bench.settings
    headers = add(settings, "guest", "read")
    until(keyed, headers, 200)
    keyfile.revoke(settings.keys_path, "guest")
    refused = until(keyed, headers, 401)
    assert refused.json()["type"] == "urn:headrace:problem:wrong_key"
    assert headers["authorization"][7:] not in keyed.bench.log


def test_the_last_key_gone_an_open_address_refuses_everybody(keyed: Any) -> None:
    path = keyed.bench.settings.keys_path
    kept = keyfile.read(path)[0]
    for entry in kept:
        keyfile.revoke(path, entry.key.id)
    until(keyed, {}, 401)  # the administrator of before
    assert bare(keyed, "/metrics").status_code == 401
    path.unlink()
    keyfile.add(path, kept[0])
    until(keyed, {}, 200)
    path.unlink()
    until(keyed, {}, 401)
    assert bare(keyed, "/metrics").status_code == 401
    for entry in kept:
        keyfile.add(path, entry)
    until(keyed, {}, 200)


def test_without_a_key_left_no_open_address_is_served(tmp_path: Path, bench_of: Any) -> None:
    settings = Settings(home=tmp_path / "home", host="0.0.0.0", port=0)
    add(settings, "only", "admin")
    keyfile.revoke(settings.keys_path, "only")
    with pytest.raises(SidecarFailed, match="without API keys"):
        with bench_of(settings).running():
            pytest.fail("it opened")


def test_a_damaged_file_is_no_reason_to_start_open(tmp_path: Path, bench_of: Any) -> None:
    settings = Settings(home=tmp_path / "home", port=0)
    add(settings, "only", "admin")
    settings.keys_path.write_text("{")
    with pytest.raises(SidecarFailed, match=r"keys\.json.* is damaged"):
        with bench_of(settings).running():
            pytest.fail("it opened")


ADDS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from headrace.ingest import keyfile
from headrace.ingest.key import Cost, minted
path, who, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    entry, _ = minted(f"{who}-{number}", ("ingest",), None, datetime.now(UTC), Cost(n=2, r=1))
    keyfile.add(path, entry)
"""


def adding(path: Path, who: str, count: int, before: str = "") -> "subprocess.Popen[str]":
    """A process that adds keys once it is told to."""
    words = [sys.executable, "-c", before + ADDS, str(path), who, str(count)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def names(path: Path) -> list[str]:
    return [entry.key.name for entry in keyfile.read(path)[0]]


def test_two_that_add_at_once_lose_no_key_and_readers_see_whole_files(tmp_path: Path) -> None:
    path, count = tmp_path / "keys.json", 40
    both = [adding(path, who, count) for who in ("a", "b")]
    seen = [0]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
    while any(process.poll() is None for process in both):
        seen.append(len(names(path)))
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(names(path)) == sorted(f"{who}-{n}" for who in "ab" for n in range(count))
    assert seen == sorted(seen)
    for process in both:
        assert process.stdout is not None
        process.stdout.close()


DIES = """
import os, signal
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
"""
MOMENTS = {
    "before it is written": "import fcntl\nfcntl.flock = die\n",
    "half written": "os.fsync = lambda fd: (os.truncate(fd, 9), die())\n",
    "written, not in place": "import pathlib\npathlib.Path.replace = die\n",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_it_adds_it_leaves_the_old_keys_and_the_next_can_add(
    tmp_path: Path, moment: str
) -> None:
    path = tmp_path / "keys.json"
    entry, _ = minted("old", ("ingest",), None, NOW, Cost(n=2, r=1))
    keyfile.add(path, entry)
    with adding(path, "new", 1, DIES + MOMENTS[moment]) as process:
        process.communicate("\n", timeout=60)
        assert process.returncode == -signal.SIGKILL
    assert names(path) == ["old"]
    entry, _ = minted("next", ("ingest",), None, NOW, Cost(n=2, r=1))
    keyfile.add(path, entry)
    assert names(path) == ["old", "next"]


def test_killed_at_any_time_it_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with adding(path, "k", 10_000) as process:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        while len(names(path)) < 20:
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
    left = names(path)
    assert left == [f"k-{number}" for number in range(len(left))]
