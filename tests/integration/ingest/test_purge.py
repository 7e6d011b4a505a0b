"""What was deleted leaves the disk, and nothing else; others read and write meanwhile."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE

import duckdb
import pytest

from headrace.ingest import purge as module
from headrace.ingest.purge import TABLES, purge
from headrace.ingest.spool import Spool
from headrace.ingest.vacuum import vacuum
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked, SnapshotGone
from headrace.lake.message import Message
from headrace.lake.record import DeadLetter, Outcome
from headrace.lake.store import Transaction

NOW = datetime.now(UTC)

WRITER = """
import sys
from headrace.lake import Lake
from headrace.lake.message import Message

lake, number = Lake.open(sys.argv[1]), 0
print("ready", flush=True)
while number < int(sys.argv[2]):
    row = Message.of({"role": "user", "content": f"written {number}"})
    lake.write(lambda tx: tx.add_new("messages", [row], on=["hash"]))
    number += 1
"""

KILLED = """
import os, sys
from headrace.lake import Lake
from headrace.lake.message import Message

def work(tx):
    rows = [Message.of({"role": "user", "content": f"never committed {n}"}) for n in range(2_000)]
    tx.append("messages", rows)
    os.kill(os.getpid(), 9)

Lake.open(sys.argv[1]).write(work)
"""


def tomorrow(days: int = 1) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def message(number: int) -> Message:
    return Message.of({"role": "user", "content": f"secret {number}"})


def mark(number: int) -> Outcome:
    at = datetime.now(UTC)
    return Outcome(
        project="p", outcome_id=f"{number:06}", target_kind="trace", target_id="t", source="user",
        comment=f"comment {number}", at=at, received_at=at,
    )  # fmt: skip


def put(lake: Lake, numbers: range) -> None:
    def work(tx: Transaction) -> None:
        tx.append("messages", [message(n) for n in numbers])
        tx.append("outcomes", [mark(n) for n in numbers])

    lake.write(work)


def take(lake: Lake, numbers: list[int]) -> None:
    names = {"names": [message(n).hash for n in numbers]}
    marks = {"names": [f"{n:06}" for n in numbers]}

    def work(tx: Transaction) -> None:
        tx.run("delete from messages where hash in (select unnest($names))", names)
        tx.run("delete from outcomes where outcome_id in (select unnest($names))", marks)

    lake.write(work)


def content(lake: Lake) -> list[object]:
    return [
        sorted(lake.sql("select hash, body from messages").fetchall()),
        sorted(lake.sql("select outcome_id, comment from outcomes").fetchall()),
    ]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_was_put_and_taken_the_lake_reads_the_same_before_and_after(
    seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    with Lake.open(tmp_path) as lake:
        alive: list[int] = []
        count = 0
        for night in range(1, 5):
            for _ in range(4):
                more = chance.choice([2, 9, 30, 80])
                put(lake, range(count, count + more))
                alive += range(count, count + more)
                count += more
                gone = chance.sample(alive, chance.randint(1, len(alive) // 2))
                take(lake, gone)
                alive = sorted(set(alive) - set(gone))
            before = content(lake)
            assert purge(lake, now=tomorrow(night)) is not None
            assert content(lake) == before
            for number in chance.sample(alive, 3):
                where = {"comment": f"comment {number}"}
                found = lake.rows("select outcome_id from outcomes where comment = $comment", where)
                assert found == [{"outcome_id": f"{number:06}"}]
    with Lake.open(tmp_path) as lake:
        assert content(lake) == before


def test_rows_of_before_are_found_after_the_bounds_of_texts_are_gone(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        put(lake, range(40))
        take(lake, [0, 39])
        assert purge(lake, now=tomorrow()) is not None
        put(lake, range(500, 540))
        for number in (1, 38, 500):
            given = {"comment": f"comment {number}"}
            found = lake.rows("select outcome_id from outcomes where comment = $comment", given)
            assert len(found) == 1
        [(least, greatest)] = lake.sql("select min(comment), max(comment) from outcomes").fetchall()
        assert (least, greatest) == ("comment 1", "comment 9")


def test_the_catalog_keeps_no_text_as_a_bound_of_its_column(tmp_path: Path) -> None:
    """A rewrite forgets it where it takes all files of a table, and not where some stay."""
    bounds = """
        select distinct s.min_value, s.max_value
        from __ducklake_metadata_lake.ducklake_table_column_stats s
        join __ducklake_metadata_lake.ducklake_column c using (table_id, column_id)
        join __ducklake_metadata_lake.ducklake_table t using (table_id)
        where t.table_name = 'outcomes' and c.column_type = 'varchar' and s.min_value is not null
    """
    with Lake.open(tmp_path) as lake:
        put(lake, range(80))
        assert ("comment 0", "comment 9") in lake.sql(bounds).fetchall()
        assert purge(lake, now=tomorrow()) is not None
        assert lake.sql(bounds).fetchall() == [("", chr(0x10FFFF))]


def test_the_catalog_keeps_no_json_and_no_bytes_as_a_bound_either(tmp_path: Path) -> None:
    bounds = """
        select distinct s.min_value, s.max_value
        from __ducklake_metadata_lake.ducklake_table_column_stats s
        join __ducklake_metadata_lake.ducklake_column c using (table_id, column_id)
        where c.column_type in ('json', 'blob') and s.min_value is not null
    """
    body = message(0).body
    letter = DeadLetter(
        project="p", spool="s", seq=1, signal="traces", reason="unreadable", body=body.encode(),
        content_type="x", received_at=NOW, at=NOW,
    )  # fmt: skip
    with Lake.open(tmp_path) as lake:
        put(lake, range(80))
        lake.write(lambda tx: tx.append("dead_letters", [letter]))
        assert body in {least for least, _ in lake.sql(bounds).fetchall()}
        take(lake, [0])
        assert purge(lake, now=tomorrow()) is not None
        assert lake.sql(bounds).fetchall() == [("", chr(0x10FFFF))]
        put(lake, range(80, 160))
        for number in (1, 159):
            where = {"body": message(number).body}
            assert lake.rows("select hash from messages where body = $body::json", where)
        found = lake.rows("select seq from dead_letters where body = $body", {"body": letter.body})
        assert found == [{"seq": 1}]


def test_a_writer_at_the_same_time_loses_nothing(tmp_path: Path) -> None:
    writes = 40
    with Lake.open(tmp_path) as lake:
        put(lake, range(200))
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(writes)], stdout=PIPE
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            nights = 0
            while writer.poll() is None:
                nights += 1
                take(lake, [nights])
                purge(lake, now=tomorrow(nights))
        assert writer.returncode == 0 and nights
        bodies = {body for (body,) in lake.sql("select body from messages").fetchall()}
        assert sum("written" in body for body in bodies) == writes
        assert len(bodies) == writes + 200 - nights


def test_a_snapshot_that_went_is_refused_and_never_read_in_part(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        put(lake, range(30))
        snapshot = lake.snapshot_id
        with Lake.open(tmp_path, snapshot=snapshot) as then:
            assert then.sql("select count(*) from messages").fetchall() == [(30,)]
            take(lake, [1])
            purge(lake, now=tomorrow())
            with pytest.raises(duckdb.InvalidInputException, match="No snapshot found"):
                then.sql("select count(*) from messages").fetchall()
        with pytest.raises(SnapshotGone, match=f"snapshot {snapshot}"):
            Lake.open(tmp_path, snapshot=snapshot)


def test_files_that_a_query_may_still_read_stay_for_a_day(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        put(lake, range(3_000))
        rows = iter(lake.stream("select body from messages"))
        first = next(rows)
        take(lake, list(range(100)))
        assert purge(lake, now=datetime.now(UTC) + timedelta(hours=7)) is not None
        assert len([first, *rows]) == 3_000


def test_a_lake_that_is_in_use_waits_for_another_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise LakeLocked("in use")

    monkeypatch.setattr(module, "tidy", locked)
    with Lake.open(tmp_path) as lake:
        assert purge(lake, now=tomorrow()) is None


def test_a_spool_forgets_what_the_lake_has_and_goes_on(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake, Spool.open(lake.settings) as spool:
        body = random.Random(1).randbytes(2_000)  # does not compress
        kept = random.Random(2).randbytes(2_000)
        first = spool.append("traces", "x", None, body, NOW).result()
        spool.append("traces", "x", None, kept, NOW).result()
        spool.forget(first)
        purged = purge(lake, now=tomorrow())
        assert purged is not None and purged.cleared
        told = b"".join(file.read_bytes() for file in tmp_path.glob("spool.sqlite*"))
        assert body[:500] not in told and kept[:500] in told
        assert spool.append("traces", "x", None, body, NOW).result() == first + 2
        assert [one.payload for one in spool.take(9)] == [kept, body]


def test_what_a_killed_transaction_left_is_told_after_a_week_and_left_to_the_operator(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with Lake.open(home) as lake:
        put(lake, range(2_000))
        put(lake, range(2_000, 3_000))
        take(lake, [1, 2_001])
    killed = subprocess.run([sys.executable, "-c", KILLED, str(home)], check=False)
    assert killed.returncode == -9
    before = set(home.rglob("*.parquet"))
    with Lake.open(home) as lake:
        found = [purge(lake, now=tomorrow(days)) for days in (1, 3, 8)]
        assert [one and one.strangers for one in found] == [0, 0, 1]
        listed = lake.sql("from ducklake_list_files('lake', 'messages')").fetchall()
    known = {Path(file) for row in listed for file in row if isinstance(file, str)}
    stays = {
        file for file in before & set(home.rglob("*.parquet")) if file.parent.name == "messages"
    }
    assert len(stays - known) == 1


def test_a_lake_that_was_moved_or_is_reached_by_a_link_has_no_strangers(tmp_path: Path) -> None:
    with Lake.open(tmp_path / "first") as lake:
        put(lake, range(2_000))
    (tmp_path / "first").rename(tmp_path / "moved")
    (tmp_path / "link").symlink_to(tmp_path / "moved")
    for name in ("moved", "link"):
        with Lake.open(tmp_path / name) as lake:
            found = purge(lake, now=tomorrow(30))
            assert found is not None and found.strangers == 0


def test_every_table_in_its_care_is_there(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        known = {name for (name,) in lake.sql("select table_name from duckdb_tables()").fetchall()}
    assert set(TABLES) <= known


def test_a_catalog_holds_nothing_that_was_deleted_unless_somebody_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("pragma journal_mode = wal")
        other.execute("create table t (a)")
        other.execute("insert into t values ('planted')")
        other.execute("begin")
        other.execute("select * from t").fetchall()
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("delete from t")
        assert not vacuum(str(path), busy_s=0.1)
        other.execute("commit")
        assert vacuum(str(path))
        assert b"planted" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
