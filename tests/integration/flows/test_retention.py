"""The end of a night: what is old goes, where the settings say so, and the night tells of it."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.curate.retire import retire
from headrace.flows import retention
from headrace.ingest.purge import waits
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked
from headrace.lake.message import Message
from headrace.lake.record import Episode, Night
from headrace.lake.store import Transaction

NOW = datetime.now(UTC)
HI, YES = (Message.of({"role": role, "content": role}) for role in ("user", "assistant"))


def put(lake: Lake, name: str, at: datetime) -> None:
    row = Episode(
        project="p", episode_id=name, revision=1, at=at, messages=(HI.hash, YES.hash),
        trainable=(False, True), superseded=name == "over",
    )  # fmt: skip

    def write(tx: Transaction) -> None:
        tx.add_new("messages", [HI, YES], on=["hash"])
        tx.append("episodes", [row])

    lake.write(write)


def test_a_night_keeps_raw_texts_where_nothing_is_said(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        put(lake, "over", NOW - timedelta(days=400))
        before = lake.snapshot_id
        retention.prepare(lake)
        assert retention.retain(lake, until=NOW) == ()
        assert lake.snapshot_id == before


def test_a_night_says_what_went_and_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_RAW_DAYS", "30")
    with Lake.open(tmp_path) as lake:
        for name, age in (("over", 40), ("raw", 40), ("young", 20)):
            put(lake, name, NOW - timedelta(days=age))
        retention.prepare(lake)
        [line] = retention.retain(lake, until=NOW)
        assert (line.state, line.kept, line.dropped) == ("done", 1, {"not_scrubbed": 1})
        assert "went: 0 traces, 1 episodes; others wait: 1 not_scrubbed" in line.said
    with Lake.open(tmp_path) as lake:
        again = retire(lake, now=NOW)
        assert "none went; others wait: 1 not_scrubbed" in str(again)


def test_a_night_of_another_time_makes_nothing_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_RAW_DAYS", "30")
    with Lake.open(tmp_path) as lake:
        put(lake, "over", NOW - timedelta(days=20))
        [later] = retention.retain(lake, until=NOW + timedelta(days=100))
        [earlier] = retention.retain(lake, until=NOW - timedelta(days=100))
        assert (later.kept, earlier.kept) == (0, 0)


def test_a_clock_that_may_be_ahead_takes_nothing_out_and_brings_nothing_off_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nights ended daily until 400 days ago, as a clock that is 400 days ahead sees it."""
    monkeypatch.setenv("HEADRACE_RAW_DAYS", "30")
    ends = [NOW - timedelta(days=days) for days in (400, 401, 402)]
    nights = [
        Night(
            night_id=f"{at:%j}", started_at=at, ended_at=at, until=at, status="done", summary="[]"
        )
        for at in ends
    ]
    with Lake.open(tmp_path) as lake:
        put(lake, "over", NOW - timedelta(days=399))
        lake.write(lambda tx: tx.append("nights", nights))
        before = lake.snapshot_id
        [line] = retention.retain(lake, until=NOW)
        assert line.state == "refused" and "no night ended for 400.0 days" in line.said
        assert lake.snapshot_id == before
        assert lake.sql("select count(*) from messages").fetchall() == [(2,)]

        at = NOW - timedelta(hours=23)
        yesterday = Night(
            night_id="y", started_at=at, ended_at=at, until=at, status="done", summary="[]"
        )
        lake.write(lambda tx: tx.append("nights", [yesterday]))
        [line] = retention.retain(lake, until=NOW)
        assert (line.state, line.kept) == ("done", 1)


def test_a_night_counts_files_that_the_catalog_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_RAW_DAYS", "30")
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.append("messages", [HI] * 2_000))  # too many for the catalog
        file = next(tmp_path.rglob("messages/*.parquet"))
        shutil.copy(file, stray := file.with_name("ducklake-stray.parquet"))
        month = (NOW - timedelta(days=30)).timestamp()
        os.utime(stray, (month, month))
        [line] = retention.retain(lake, until=NOW)
        assert line.notes["strange_files"] == 1


def test_nights_soon_after_one_another_take_nothing_out_until_what_went_may_leave_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_RAW_DAYS", "30")
    with Lake.open(tmp_path) as lake:
        put(lake, "over", NOW - timedelta(days=40))
        [first] = retention.retain(lake, until=NOW)
        assert first.kept == 1 and {"snapshots_expired", "files_rewritten"} <= first.notes.keys()
        put(lake, "over", NOW - timedelta(days=39))
        before = lake.snapshot_id
        [second] = retention.retain(lake, until=NOW)
        assert (second.state, lake.snapshot_id) == ("refused", before)
        assert "less than six hours ago" in second.said
        assert waits(lake, now=NOW) and not waits(lake, now=NOW + timedelta(hours=7))


def test_a_lake_that_is_in_use_fails_the_line_and_not_the_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise LakeLocked("in use")

    monkeypatch.setenv("HEADRACE_RAW_DAYS", "30")
    monkeypatch.setattr(retention, "retire", locked)
    with Lake.open(tmp_path) as lake:
        [line] = retention.retain(lake, until=NOW)
        assert (line.state, line.said) == (
            "failed", "in use; what was begun goes on the next night",
        )  # fmt: skip


def test_whatever_breaks_the_night_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_RAW_DAYS", "30")
    with Lake.open(tmp_path) as lake:
        put(lake, "over", NOW - timedelta(days=40))
        lake.write(lambda tx: tx.run("drop table dead_letters"))
        [line] = retention.retain(lake, until=NOW)
        assert line.state == "failed" and "CatalogException: see the log" in line.said
        assert "dead_letters" in capsys.readouterr().err


def test_what_was_sent_again_comes_back_though_texts_are_to_stay_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_RAW_DAYS", "30")
    with Lake.open(tmp_path) as lake:
        put(lake, "over", NOW - timedelta(days=40))
        retention.retain(lake, until=NOW)
        assert lake.sql("from messages").fetchall() == []
    monkeypatch.delenv("HEADRACE_RAW_DAYS")
    with Lake.open(tmp_path) as lake:
        again = Episode(
            project="p", episode_id="again", revision=1, at=NOW, messages=(HI.hash, YES.hash),
            trainable=(False, True),
        )  # fmt: skip
        lake.write(lambda tx: tx.append("episodes", [again]))
        retention.prepare(lake)
        assert lake.sql("select count(*) from messages").fetchall() == [(2,)]
