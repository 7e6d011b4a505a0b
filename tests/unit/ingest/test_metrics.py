"""The metrics: what Prometheus reads."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from headrace.ingest.errors import SpoolFailed
from headrace.ingest.logbook import Logbook
from headrace.ingest.metrics import exposition, registry
from headrace.ingest.spool import Spool
from headrace.ingest.tally import Tally

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)

Read = Callable[[], dict[str, float]]


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def scraped(tmp_path: Path, spool: Spool, tally: Tally) -> Read:
    """The samples by name and labels, read as Prometheus would."""

    def work() -> dict[str, float]:
        text, media = exposition(registry(tmp_path, 1000, spool, tally), "")
        assert media.startswith("text/plain; version=0.0.4")
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }

    return work


def test_a_fresh_sidecar_measures_zeros_and_leaves_out_what_it_cannot_know(scraped: Read) -> None:
    found = scraped()
    assert found["headrace_spool_depth"] == found["headrace_behind_seconds"] == 0
    assert found["headrace_spool_limit_bytes"] == 1000
    assert found["headrace_bodies_accepted_total traces"] == 0
    assert found["headrace_disk_free_bytes"] > 0
    assert found["headrace_process_resident_memory_bytes"] > 0
    assert [name for name in found if "drain" in name or "dead" in name] == []
    assert [name for name in found if "oldest" in name or "acknowledgement" in name] == []


def test_what_came_in_is_counted_by_signal(scraped: Read, tally: Tally) -> None:
    tally.received("logs", 10)
    tally.stored("logs", 30, accepted=4, rejected=2)
    tally.answered("logs", 200, 0.002)
    tally.answered("logs", 200, 0.2)
    tally.answered("logs", 503)
    tally.answered("logs", 502)
    tally.refused["busy"] += 1
    found = scraped()
    assert found["headrace_received_bytes_total logs"] == 10
    assert found["headrace_stored_bytes_total logs"] == 30
    assert found["headrace_items_accepted_total logs"] == 4
    assert found["headrace_items_rejected_total logs"] == 2
    assert found["headrace_requests_total logs 2xx"] == 2
    assert found["headrace_requests_total logs 5xx"] == 2
    assert found["headrace_refusals_total busy"] == 1
    assert found["headrace_acknowledgement_seconds_count logs"] == 2
    assert found["headrace_acknowledgement_seconds_sum logs"] == pytest.approx(0.202)
    buckets = [v for k, v in found.items() if "_seconds_bucket" in k]
    assert buckets == sorted(buckets) and buckets[-1] == 2


def test_what_waits_is_told_with_its_age(scraped: Read, spool: Spool) -> None:
    spool.append("traces", "application/json", None, b"{}", LONG_AGO).result()
    found = scraped()
    assert found["headrace_spool_depth"] == 1
    assert found["headrace_spool_bytes"] > 0
    assert 3600 <= found["headrace_behind_seconds"] < 7200
    assert found["headrace_spool_oldest_seconds"] == pytest.approx(found["headrace_behind_seconds"])


def test_a_spool_that_cannot_be_read_is_absent_and_the_rest_is_told(
    scraped: Read, spool: Spool, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(now: datetime) -> None:
        raise SpoolFailed("the disk is gone")

    monkeypatch.setattr(spool, "depth", failed)
    tally.refused["spool_failed"] += 1
    found = scraped()
    assert found["headrace_refusals_total spool_failed"] == 1
    assert found["headrace_spool_limit_bytes"] == 1000
    assert [n for n in found if "depth" in n or "behind" in n or "oldest" in n] == []


@pytest.fixture
def logbook(tmp_path: Path, tally: Tally) -> Iterator[Logbook]:
    """Of a drain that runs: this very process stands in for it."""
    tally.drain_pid, tally.drain_restarts = os.getpid(), 2
    yield Logbook(tmp_path, pid=os.getpid(), clock=lambda: NOON)


def test_what_the_drain_tells_is_passed_on(scraped: Read, logbook: Logbook) -> None:
    logbook.counted(3)
    logbook.committed(
        bodies=5,
        received_at=NOON - timedelta(seconds=2),
        rows={"spans": 9},
        set_aside=1,
        seconds=0.25,
        removed={"api_key": 6},
    )
    found = scraped()
    assert (found["headrace_drain_up"], found["headrace_drain_restarts_total"]) == (1, 2)
    assert found["headrace_drain_waits"] == 0
    assert found["headrace_drain_bodies_total"] == 5
    assert found["headrace_drain_rows_total spans"] == 9
    assert found["headrace_drain_busy_seconds_total"] == 0.25
    assert found["headrace_drain_commit_timestamp_seconds"] == NOON.timestamp()
    assert found["headrace_drain_newest_body_timestamp_seconds"] == NOON.timestamp() - 2
    assert (found["headrace_dead_letters_total"], found["headrace_dead_letters_kept"]) == (1, 4)
    assert found["headrace_secrets_removed_total api_key"] == 6
    assert found["headrace_drain_process_resident_memory_bytes"] > 0


def test_while_the_lake_is_away_its_figures_are_absent(scraped: Read, logbook: Logbook) -> None:
    logbook.waits("LakeLocked")
    found = scraped()
    assert (found["headrace_drain_up"], found["headrace_drain_waits"]) == (1, 1)
    assert "headrace_dead_letters_kept" not in found
    assert "headrace_drain_commit_timestamp_seconds" not in found


def test_of_a_drain_that_died_only_its_death_is_told(
    scraped: Read, logbook: Logbook, tally: Tally
) -> None:
    tally.drain_pid = None
    found = scraped()
    assert (found["headrace_drain_up"], found["headrace_drain_restarts_total"]) == (0, 2)
    assert [n for n in found if n.startswith("headrace_drain_")] == [
        "headrace_drain_up",
        "headrace_drain_restarts_total",
    ]


def test_openmetrics_is_spoken_to_those_who_ask(
    tmp_path: Path, spool: Spool, tally: Tally, logbook: Logbook
) -> None:
    logbook.counted(0)
    tally.answered("traces", 200, 0.001)
    asked = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    text, media = exposition(registry(tmp_path, 1, spool, tally), asked)
    assert media.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")
    assert b"# TYPE headrace_requests counter\n" in text


def test_nothing_of_ours_is_in_the_registry_that_all_share(scraped: Read) -> None:
    assert scraped()
    shared = prometheus_client.generate_latest().decode()
    assert "headrace" not in shared


def test_an_application_answers_metrics_without_a_lake(door: Any) -> None:
    told = door.get("/metrics")
    assert told.status_code == 200
    assert "headrace_build_info" in told.text
