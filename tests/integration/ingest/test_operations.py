"""What operators see of a running sidecar: metrics, status and log, also when things go wrong."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from headrace.lake.settings import MIB

JSON = {"content-type": "application/json"}
PLANTED = "xylophone7391"


def samples(answer: httpx.Response) -> dict[str, float]:
    """The samples by name and labels."""
    assert answer.status_code == 200
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_tell_of_receiver_and_drain(shared: Any) -> None:
    shared.outcome(1)
    shared.drained()
    found = samples(shared.get("/metrics"))
    assert found["headrace_bodies_accepted_total outcomes"] >= 1
    assert found["headrace_acknowledgement_seconds_count outcomes"] >= 1
    assert found["headrace_acknowledgement_seconds_sum outcomes"] > 0
    assert (found["headrace_drain_up"], found["headrace_drain_restarts_total"]) == (1, 0)
    assert found["headrace_drain_bodies_total"] >= 1
    assert found["headrace_drain_rows_total outcomes"] >= 1
    assert found["headrace_drain_commit_timestamp_seconds"] <= time.time() + 1
    assert found["headrace_dead_letters_kept"] >= 0
    for process in ("process", "drain_process"):
        assert found[f"headrace_{process}_resident_memory_bytes"] > MIB


def test_the_status_tells_of_the_drain(shared: Any) -> None:
    shared.outcome(2)
    drain = shared.drained()["drain"]
    assert (drain["alive"], drain["restarts"], drain["state"]) == (True, 0, "draining")
    assert drain["cause"] is None
    assert drain["received_at"] <= drain["committed_at"]


def test_no_word_of_a_body_is_in_the_log(shared: Any) -> None:
    """Whether it is taken, refused or set aside."""
    assert shared.outcome(3, comment=PLANTED, name=PLANTED).status_code == 200
    for path, body in (
        ("outcomes", f'{{"id": "{PLANTED}'),
        ("outcomes", f'{{"{PLANTED}": 1}}'),
        ("traces", f'{{"resourceSpans": "{PLANTED}"}}'),
        ("episodes", f'{{"messages": "{PLANTED}"}}'),
    ):
        assert shared.post(f"/v1/{path}", content=body, headers=JSON).status_code == 400
    wrong = {"content-type": f"text/{PLANTED}"}
    assert shared.post("/v1/traces", content=b"x", headers=wrong).status_code == 415
    before = shared.drained()["dead_letters"]
    with shared.bench.spool() as spool:
        now = datetime.now(UTC)
        spool.append("traces", "application/json", None, PLANTED.encode(), now).result()
    shared.until(lambda status: status["dead_letters"] == before + 1)
    log = shared.bench.log
    for event in ("serving", "drain_started", "drained", "refused", "dead_letter"):
        assert f"event={event}" in log
    assert PLANTED not in log


def test_a_flood_of_refusals_leaves_few_lines(shared: Any) -> None:
    for _ in range(300):
        assert shared.post("/v1/traces", content=b"{", headers=JSON).status_code == 400
    assert samples(shared.get("/metrics"))["headrace_refusals_total undecodable"] >= 300
    lines = [line for line in shared.bench.log.splitlines() if "reason=undecodable" in line]
    assert 1 <= len(lines) < 30


def test_with_the_lake_away_and_the_spool_full_it_still_tells_where_it_stands(
    bench: Any, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    changes = {"catalog": f"sqlite:{away}/catalog.sqlite", "spool_bytes": MIB}
    bench.settings = bench.settings.model_copy(update=changes)
    with bench.running() as client:
        assert client.get("/readyz").status_code == 200  # it can store
        sizes = iter(range(1000))
        while client.outcome(next(sizes), comment=os.urandom(40_000).hex()).status_code == 200:
            continue
        first = client.until(lambda status: status["drain"]["state"] == "waiting")
        ready = client.get("/readyz")
        found = samples(client.get("/metrics"))
        second = client.status()
    assert (ready.status_code, ready.json()["type"].rpartition(":")[2]) == (503, "spool_full")
    assert found["headrace_spool_depth"] == first["spool"]["depth"] > 5
    assert found["headrace_refusals_total spool_full"] >= 1
    assert (found["headrace_drain_up"], found["headrace_drain_waits"]) == (1, 1)
    assert "headrace_dead_letters_kept" not in found
    assert 0 < first["behind_s"] < second["behind_s"]
    assert first["lake"] is None and first["drain"]["cause"]
    assert "event=drain_waits" in bench.log


@pytest.mark.slow
def test_a_drain_that_is_killed_is_counted_and_replaced(bench: Any) -> None:
    with bench.running() as client:
        client.drained()
        os.kill(client.drain_pid(), signal.SIGKILL)
        client.until(lambda status: status["drain"]["restarts"] == 1)
        client.until(lambda status: status["drain"]["state"] == "draining")
        found = samples(client.get("/metrics"))
    assert (found["headrace_drain_up"], found["headrace_drain_restarts_total"]) == (1, 1)
    assert "event=drain_ended code=-9" in bench.log


def test_the_health_check_of_the_image_says_what_readiness_says(shared: Any) -> None:
    dockerfile = (Path(__file__).parents[3] / "docs" / "deploy" / "Dockerfile").read_text()
    [command] = re.findall(r"^    CMD (\[.+\])$", dockerfile, re.MULTILINE)
    _, *arguments = json.loads(command)

    def code(port: int) -> int:
        words = [word.replace("4318", str(port)) for word in arguments]
        return subprocess.run([sys.executable, *words], stderr=subprocess.DEVNULL).returncode

    assert code(shared.address.port) == 0
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert code(closed.getsockname()[1]) != 0
