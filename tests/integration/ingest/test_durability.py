"""Nothing acknowledged is lost, and nothing arrives twice, whatever dies or fills up."""

import json
import os
import random
import resource
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.lake.settings import MIB

EPISODE = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]


def outcomes(bench: Any) -> list[str]:
    with bench.lake() as lake:
        return [row["outcome_id"] for row in lake.rows("select outcome_id from outcomes")]


def noise(number: int, size: int = 100_000) -> str:
    return random.Random(number).randbytes(size // 2).hex()


def test_a_kill_right_after_the_answer_loses_nothing(bench: Any) -> None:
    with bench.running() as client:
        for number in range(20):
            assert client.outcome(number).status_code == 200
        client.kill()
    with bench.running() as client:
        assert client.drained()["lake"]["outcomes"] == 20
    assert sorted(outcomes(bench)) == sorted(f"o{number}" for number in range(20))


@pytest.mark.slow
def test_a_drain_that_is_killed_again_and_again_writes_everything_once(bench: Any) -> None:
    now = datetime.now(UTC)
    with bench.running() as client, bench.spool() as spool:
        acknowledged, kills = 0, 0
        while kills < 4 or acknowledged < 60:
            assert client.outcome(acknowledged).status_code == 200
            # dead letters have no key that would hide a second copy
            spool.append("traces", "application/json", None, b"[" * 9, now).result()
            acknowledged += 1
            if acknowledged % 15 == 0 and (pid := client.drain_pid()) is not None:
                os.kill(pid, signal.SIGKILL)
                kills += 1
        status = client.drained()
        assert status["lake"]["outcomes"] == acknowledged
        assert status["dead_letters"] == acknowledged
    assert len(set(outcomes(bench))) == acknowledged


@pytest.mark.slow
def test_both_processes_killed_at_once_come_back_to_the_same(bench: Any) -> None:
    with bench.running() as client:
        client.drained()
        for number in range(30):
            client.outcome(number)
        pid = client.drain_pid()
        client.kill()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
    with bench.running() as client:
        assert client.drained()["lake"]["outcomes"] == 30


@pytest.mark.slow
def test_while_the_lake_is_away_the_spool_fills_then_refuses_then_recovers(
    bench: Any, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    changes = {"catalog": f"sqlite:{away}/catalog.sqlite", "spool_bytes": MIB}
    bench.settings = bench.settings.model_copy(update=changes)
    with bench.running() as client:
        answers = [client.outcome(number, comment=noise(number)) for number in range(25)]
        codes = [answer.status_code for answer in answers]
        kept = codes.count(200)
        assert codes == [200] * kept + [503] * (25 - kept)
        assert 5 < kept < 25
        assert int(answers[-1].headers["retry-after"]) > 0
        assert answers[-1].json()["type"].endswith("spool_full")
        status = client.status()
        assert (status["lake"], status["dead_letters"]) == (None, None)
        assert status["spool"]["depth"] == kept
        assert status["behind_s"] > 0
        away.mkdir()
        assert client.drained()["lake"]["outcomes"] == kept
        assert client.outcome(99, comment=noise(99)).status_code == 200
    expected = [f"o{number}" for number in [*range(kept), 99]]
    assert sorted(outcomes(bench)) == sorted(expected)


def test_a_disk_that_refuses_is_a_503_and_what_was_acknowledged_is_safe(bench: Any) -> None:
    with bench.running() as client:
        assert client.outcome(0).status_code == 200
        client.drained()
        _, hard = resource.prlimit(client.address.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(client.address.pid, resource.RLIMIT_FSIZE, (150_000, hard))
        answer = client.outcome(1, comment=noise(1, 400_000))
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("spool_failed")
        assert int(answer.headers["retry-after"]) > 0
        resource.prlimit(client.address.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert client.outcome(2, comment=noise(2, 400_000)).status_code == 200
        assert client.get("/readyz").status_code == 200
    assert sorted(outcomes(bench)) == ["o0", "o2"]


def test_the_sidecar_is_not_ready_while_it_cannot_store(bench: Any) -> None:
    with bench.running() as client:
        assert client.outcome(0).status_code == 200
        _, hard = resource.prlimit(client.address.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(client.address.pid, resource.RLIMIT_FSIZE, (0, hard))
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, 503)
        assert client.get("/healthz").status_code == 200
        resource.prlimit(client.address.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert client.get("/readyz").json() == {"status": "ready"}


def test_being_stopped_it_drains_what_it_has(bench: Any) -> None:
    lines = "\n".join(json.dumps({"id": f"e{n}", "messages": EPISODE}) for n in range(50))
    with bench.running() as client:
        client.post(
            "/v1/episodes", content=lines, headers={"content-type": "application/x-ndjson"}
        ).raise_for_status()
    with bench.spool() as spool:
        assert spool.depth(datetime.now(UTC)).depth == 0
    with bench.lake() as lake:
        assert lake.rows("select count(*) as n from current_episodes") == [{"n": 50}]
