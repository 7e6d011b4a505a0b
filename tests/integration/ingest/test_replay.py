"""Dead letters read once more, whatever crashes, replays or drains beside it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest import reader
from headrace.ingest import replay as module
from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.bookmark import Bookmark
from headrace.ingest.drain import Drain
from headrace.ingest.replay import Replayed, remaining, replay
from headrace.ingest.spool import Spool
from headrace.ingest.works import environment
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked
from headrace.lake.record import DeadLetter
from headrace.lake.settings import Settings
from headrace.lake.store import Transaction

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture
def lake(made: Lake) -> Lake:
    """One lake for all tests, emptied: making one takes a second."""

    def empty(tx: Transaction) -> None:
        for table in ("outcomes", "episodes", "dead_letters", "drains", "spans"):
            tx.run(f"delete from {table}")

    made.write(empty)
    return made


def mark(number: int, **fields: object) -> bytes:
    fields = {"id": f"o{number}", "conversation": "c", "success": True, **fields}
    return json.dumps(fields).encode()


def letter(seq: int, body: bytes, **fields: Any) -> DeadLetter:
    plain: dict[str, Any] = {
        "project": "mill",
        "spool": "s",
        "signal": "outcomes",
        "reason": "a fault that was repaired",
        "content_type": "application/json",
        "received_at": NOON,
        "at": NOON,
    }
    return DeadLetter(seq=seq, body=body, **plain | fields)


def put(lake: Lake, *letters: DeadLetter) -> None:
    lake.write(lambda tx: tx.append("dead_letters", letters))


def again(lake: Lake, **which: Any) -> Replayed:
    return replay(lake, clock=lambda: LATER, **which)


def outcomes(lake: Lake) -> list[str]:
    rows = lake.rows("select outcome_id from outcomes order by outcome_id")
    return [row["outcome_id"] for row in rows]


def letters(lake: Lake) -> dict[int, str]:
    rows = lake.rows("select seq, reason from dead_letters order by seq")
    return {row["seq"]: row["reason"] for row in rows}


def test_what_can_be_read_now_becomes_rows_and_the_rest_stays_with_its_new_reason(
    lake: Lake,
) -> None:
    put(lake, *(letter(n, mark(n)) for n in range(5)), letter(9, mark(9, sucess=True)))
    done = again(lake)
    assert (done.replayed, done.gone, done.left) == (5, 0, 1)
    assert outcomes(lake) == [f"o{n}" for n in range(5)]
    [left] = lake.rows("select * from dead_letters")
    assert "`sucess`" in left["reason"]
    assert (left["received_at"], left["at"], left["body"]) == (NOON, LATER, mark(9, sucess=True))
    [row] = done.remaining
    assert (row.signal, row.bodies, row.first, row.last) == ("outcomes", 1, NOON, NOON)
    assert again(lake).replayed == 0
    assert outcomes(lake) == [f"o{n}" for n in range(5)]


def test_a_replay_can_be_for_one_project_and_one_reason(lake: Lake) -> None:
    put(
        lake,
        letter(1, mark(1)),
        letter(2, mark(2), reason="Unknown Part"),
        letter(3, mark(3), reason="unknown part", project="bakery"),
    )
    assert again(lake, reason="unknown part", project="mill").replayed == 1
    assert (outcomes(lake), list(letters(lake))) == (["o2"], [1, 3])
    assert again(lake, reason="100%").replayed == 0
    assert again(lake, project="bakery").replayed == 1
    rows = lake.rows("select project from outcomes order by outcome_id")
    assert [row["project"] for row in rows] == ["mill", "bakery"]
    assert sum(row.bodies for row in remaining(lake)) == 1


def test_every_signal_is_read_with_the_time_it_was_received(lake: Lake, tmp_path: Path) -> None:
    recorded = Path(__file__).parents[2] / "fixtures" / "otlp"
    wire = (recorded / "openinference_openai/tools/002-traces.bin").read_bytes()
    episode = {"id": "e", "messages": [{"role": "user", "content": "hi"}]}
    put(
        lake,
        letter(1, wire, signal="traces", content_type="application/x-protobuf", project="default"),
        letter(2, json.dumps(episode).encode(), signal="episodes"),
    )
    assert again(lake).left == 0
    [span] = lake.rows("select distinct project, received_at from spans")
    assert span == {"project": "default", "received_at": NOON}
    [episode_row] = lake.rows('select project, "at" from episodes')
    assert episode_row == {"project": "mill", "at": NOON}


def test_a_letter_does_not_overtake_what_came_after_it(lake: Lake) -> None:
    def said(text: str, at: datetime, seq: int) -> tuple[DeadLetter, DeadLetter]:
        talk = {"id": "e", "messages": [{"role": "user", "content": text}]}
        return (
            letter(seq, mark(1, comment=text), received_at=at),
            letter(seq + 10, json.dumps(talk).encode(), signal="episodes", received_at=at),
        )

    put(lake, *said("late", LATER, 2))
    again(lake)
    put(lake, *said("early", NOON, 1))
    assert (again(lake).replayed, again(lake).left) == (2, 0)
    assert lake.rows("select comment from outcomes") == [{"comment": "late"}]
    assert lake.rows("select request, revision from episodes") == [
        {"request": "late", "revision": 1}
    ]
    put(lake, *said("latest", LATER + timedelta(hours=1), 3))
    again(lake)
    assert lake.rows("select comment from outcomes") == [{"comment": "latest"}]
    assert len(lake.rows("select * from episodes")) == 2


def test_a_letter_that_cannot_be_written_holds_up_no_other(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lake, *(letter(n, mark(n)) for n in range(6)))

    def narrow(tx: Transaction, batch: Batch) -> int:
        if any(row.outcome_id == "o3" for row in batch.outcomes):
            raise ValueError("more than the column holds")
        return write(tx, batch)

    monkeypatch.setattr(module, "write", narrow)
    done = again(lake)
    assert (done.replayed, done.left) == (5, 1)
    assert letters(lake) == {3: "ValueError: more than the column holds"}


@pytest.mark.parametrize("error", [LakeLocked("too long"), OSError("the disk went")])
def test_a_lake_that_goes_away_changes_no_letter(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    put(lake, *(letter(n, mark(n)) for n in range(3)))

    def away(tx: Transaction, batch: Batch) -> int:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(module, "write", away)
        with pytest.raises(type(error)):
            again(lake)
    assert (outcomes(lake), len(letters(lake))) == ([], 3)
    assert again(lake).replayed == 3


def test_batches_are_small_and_told_as_they_are_done(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LETTERS", 2)
    monkeypatch.setattr(module, "TAKE_BYTES", 300)
    put(lake, *(letter(n, mark(n)) for n in range(5)), letter(7, mark(7, comment="x" * 300)))
    told: list[int] = []
    assert again(lake, on_progress=told.append).replayed == 6
    assert told == [2, 2, 1, 1]


def test_two_replays_at_once_write_each_body_once(lake: Lake, made: Lake) -> None:
    # spans have no natural second copy to hide behind here: letters without keys are counted
    put(lake, *(letter(n, mark(n)) for n in range(30)))
    put(lake, *(letter(100 + n, b"[" * 9, signal="traces") for n in range(10)))
    done: list[Replayed] = []

    def run() -> None:
        with Lake.open(settings=made.settings) as other:
            done.append(replay(other, clock=lambda: LATER))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes(lake) == sorted(f"o{n}" for n in range(30))
    assert sum(one.replayed for one in done) == 30
    assert list(letters(lake)) == [100 + n for n in range(10)]


def test_a_drain_beside_a_replay_loses_and_doubles_nothing(
    lake: Lake, made: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LETTERS", 5)
    put(lake, *(letter(n, mark(n)) for n in range(30)))
    there = made.settings
    settings = Settings(home=tmp_path, catalog=there.catalog_uri, data=there.data_path)

    def run() -> None:
        with (
            Lake.open(settings=settings) as other,
            Spool.open(settings) as spool,
            Bookmark(tmp_path / "mark") as bookmark,
        ):
            drain = Drain(other, spool, bookmark, limit=3, clock=lambda: LATER)
            for number in range(20, 50):  # ten of them are in the letters too
                spool.append("outcomes", "application/json", "mill", mark(number), NOON).result()
            while drain.carry():
                continue

    draining = threading.Thread(target=run)
    draining.start()
    done = again(lake)
    draining.join()
    assert (done.replayed, letters(lake)) == (30, {})
    assert outcomes(lake) == sorted(f"o{n}" for n in range(50))


KILLED = """
import os, sys
from datetime import UTC, datetime
from headrace.ingest import replay as module
from headrace.lake import Lake
from headrace.lake.settings import Settings

where, number = sys.argv[1], int(sys.argv[2])
module.LETTERS = 4
seen = 0

def dying(function):
    def work(*given):
        global seen
        seen += 1
        result = function(*given)
        if seen == number:
            os.kill(os.getpid(), 9)
        return result
    return work

if where == "writing":
    module.write = dying(module.write)
settings = Settings.load()
with Lake.open(settings=settings) as lake:
    if where == "after":
        lake.write = dying(lake.write)
    module.replay(lake, clock=lambda: datetime.now(UTC))
"""


@pytest.mark.parametrize(("where", "number", "left"), [("writing", 2, 8), ("after", 2, 4)])
def test_a_kill_in_the_middle_loses_and_doubles_nothing(
    lake: Lake, where: str, number: int, left: int
) -> None:
    put(lake, *(letter(n, mark(n)) for n in range(12)))
    command = [sys.executable, "-c", KILLED, where, str(number)]
    killed = subprocess.run(command, env=environment(lake.settings), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(letters(lake)) == left
    assert len(outcomes(lake)) == 12 - left
    assert (again(lake).replayed, letters(lake)) == (left, {})
    assert outcomes(lake) == sorted(f"o{n}" for n in range(12))


DEADLY = """
import os
from datetime import UTC, datetime
from headrace.ingest import reader
from headrace.ingest.replay import replay
from headrace.lake import Lake
from headrace.lake.settings import Settings

read = reader.read
def deadly(body):
    if b"poison" in body.payload:
        os.kill(os.getpid(), 9)
    return read(body)

reader.read = deadly
with Lake.open(settings=Settings.load()) as lake:
    replay(lake, clock=lambda: datetime.now(UTC))
"""


@pytest.mark.slow
def test_a_letter_that_kills_its_reader_holds_up_the_others_three_times(lake: Lake) -> None:
    put(lake, letter(1, mark(1)), letter(2, mark(2, comment="poison")), letter(3, mark(3)))
    command, env = [sys.executable, "-c", DEADLY], environment(lake.settings)
    codes = [subprocess.run(command, env=env, check=False).returncode for _ in range(4)]
    assert codes == [-signal.SIGKILL] * 3 + [0]
    assert outcomes(lake) == ["o1", "o3"]
    assert letters(lake) == {2: "reading it ended a replay 3 times"}


def test_a_body_that_trips_the_reader_stays_with_the_fault(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9"

    def broken(body: Body) -> Batch:
        raise RecursionError(f"too deep near {key}")

    put(lake, letter(1, mark(1, comment=key)))
    with monkeypatch.context() as patched:
        patched.setattr(reader, "read", broken)
        assert again(lake).replayed == 0
    assert letters(lake) == {1: "RecursionError: too deep near [secret:openai_key]"}
    [row] = lake.rows("select body from dead_letters")
    assert key.encode() not in row["body"], "letters of older versions lose their secrets too"
    assert again(lake).replayed == 1
    assert lake.rows("select comment from outcomes") == [{"comment": "[secret:openai_key]"}]


def test_an_empty_lake_has_nothing_to_replay(lake: Lake) -> None:
    before = lake.snapshot_id
    assert again(lake) == Replayed(replayed=0, gone=0, left=0, remaining=())
    assert lake.snapshot_id == before
    assert os.path.exists(lake.settings.home / "replay.bookmark")
