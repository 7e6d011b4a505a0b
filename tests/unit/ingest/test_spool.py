import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from headrace.ingest import reader
from headrace.ingest.batch import Body
from headrace.ingest.errors import SpoolFailed, SpoolFull, Undecodable
from headrace.ingest.spool import Spool
from headrace.ingest.writer import Entry, Room, Writer
from headrace.lake.settings import MIB, Settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def put(spool: Spool, payload: bytes, *, at: datetime = NOON) -> "Future[int]":
    return spool.append("traces", "application/json", "shop", payload, at)


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", spool_bytes=MIB)


@pytest.fixture
def spool(settings: Settings) -> Iterator[Spool]:
    with Spool.open(settings) as opened:
        yield opened


def test_what_is_appended_is_taken_in_order(spool: Spool) -> None:
    numbers = [put(spool, b"%d" % i).result() for i in range(3)]
    assert numbers == [1, 2, 3]
    assert spool.take(2) == [
        Body(
            seq=number,
            signal="traces",
            content_type="application/json",
            project="shop",
            payload=payload,
            received_at=NOON,
        )
        for number, payload in ((1, b"0"), (2, b"1"))
    ]
    assert [body.seq for body in spool.take(9, after=2)] == [3]


def test_an_empty_payload_and_no_project_come_back_as_they_were(spool: Spool) -> None:
    spool.append("logs", "application/x-protobuf", None, b"", NOON).result()
    [body] = spool.take(1)
    assert (body.payload, body.project) == (b"", None)


def test_taking_is_bounded_by_bytes_but_gives_one_body_at_least(spool: Spool) -> None:
    for size in (5000, 10, 10):
        put(spool, b"x" * size).result()
    assert [body.seq for body in spool.take(9, most_bytes=100)] == [1]
    assert [body.seq for body in spool.take(9, after=1, most_bytes=100)] == [2, 3]


def test_the_spool_is_its_owners_alone(spool: Spool) -> None:
    put(spool, b"secret").result()
    files = list(spool.path.parent.glob("spool.sqlite*"))
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_the_id_stays_and_numbers_go_on_after_a_restart(settings: Settings) -> None:
    with Spool.open(settings) as first:
        put(first, b"a").result()
        first.forget(1)
    with Spool.open(settings) as second:
        assert second.id == first.id
        assert put(second, b"b").result() == 2
    other = settings.model_copy(update={"home": settings.home / "other"})
    with Spool.open(other) as stranger:
        assert stranger.id != first.id


def test_a_copy_of_the_file_is_another_spool(settings: Settings, tmp_path: Path) -> None:
    with Spool.open(settings) as spool:
        put(spool, b"one").result()
    there = settings.model_copy(update={"home": tmp_path / "copy"})
    shutil.copytree(settings.home, there.home)
    with Spool.open(there) as copy, Spool.open(settings) as first:
        assert copy.id != first.id == spool.id
        assert [body.payload for body in copy.take(9)] == [b"one"]
        name = copy.id
    with Spool.open(there) as again:
        assert again.id == name


def test_a_spool_knows_what_it_gave_and_what_it_dropped(settings: Settings) -> None:
    with Spool.open(settings) as spool:
        assert (spool.given, spool.forgotten) == (0, 0)
        for text in (b"1", b"2", b"3"):
            put(spool, text).result()
        assert (spool.given, spool.forgotten) == (3, 0)
        spool.forget(2)
        assert (spool.given, spool.forgotten) == (3, 2)
        spool.forget(3)
    with Spool.open(settings) as again:
        assert (again.given, again.forgotten) == (3, 3)


def test_a_new_id_stays(settings: Settings) -> None:
    with Spool.open(settings) as spool:
        before = spool.id
        spool.rename()
        assert spool.id != before
    with Spool.open(settings) as again:
        assert again.id == spool.id


def test_two_that_append_to_one_file_get_numbers_without_a_gap(settings: Settings) -> None:
    with Spool.open(settings) as one, Spool.open(settings) as other:
        numbers = [put(spool, b"x").result() for spool in (one, other, other, one)]
        assert numbers == [1, 2, 3, 4]
        assert [body.seq for body in one.take(9)] == numbers


def test_depth_tells_bodies_bytes_and_age(spool: Spool) -> None:
    nothing = spool.depth(NOON)
    assert (nothing.depth, nothing.bytes, nothing.oldest_s) == (0, 0, None)
    put(spool, noise(10_000), at=NOON).result()
    put(spool, b"b", at=NOON + timedelta(seconds=5)).result()
    some = spool.depth(NOON + timedelta(seconds=9))
    assert (some.depth, some.oldest_s) == (2, 9.0)
    assert 10_000 < some.bytes < 100_000
    spool.forget(1)
    assert spool.depth(NOON + timedelta(seconds=9)).oldest_s == 4.0


def test_a_future_is_done_only_after_the_bytes_are_committed(spool: Spool) -> None:
    with sqlite3.connect(spool.path, isolation_level=None) as other:
        other.execute("begin immediate")  # nobody else can commit
        future = put(spool, b"a")
        assert not future.done()
        other.execute("rollback")
    future.result(timeout=30)
    assert len(spool.take(9)) == 1
    other.close()


def test_appends_that_wait_share_one_commit(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    commit: Callable[[Writer, list[Entry]], list[int]] = Writer._commit

    def counted(writer: Writer, group: list[Entry]) -> list[int]:
        sizes.append(len(group))
        return commit(writer, group)

    monkeypatch.setattr(Writer, "_commit", counted)
    with sqlite3.connect(spool.path, isolation_level=None) as other:
        other.execute("begin immediate")
        futures = [put(spool, b"%d" % i) for i in range(200)]
        other.execute("rollback")
    assert [future.result(timeout=30) for future in futures] == list(range(1, 201))
    assert sum(sizes) == 200
    assert len(sizes) <= 3
    other.close()


def test_an_append_that_is_cancelled_in_time_is_not_stored(spool: Spool) -> None:
    with sqlite3.connect(spool.path, isolation_level=None) as other:
        other.execute("begin immediate")
        first = put(spool, b"the writer waits with this one")
        while not first.running():
            continue
        second, third = put(spool, b"second"), put(spool, b"third")
        assert second.cancel()
        other.execute("rollback")
    assert (first.result(timeout=30), third.result(timeout=30)) == (1, 2)
    assert [body.payload for body in spool.take(9, after=1)] == [b"third"]
    other.close()


def test_a_full_spool_refuses_and_goes_on_when_there_is_room(spool: Spool) -> None:
    stored = 0
    with pytest.raises(SpoolFull, match="HEADRACE_SPOOL_BYTES"):
        for stored in range(100):
            put(spool, noise(100_000, stored)).result()
    assert 5 <= stored <= 10
    assert put(spool, b"small bodies still fit").result() == stored + 1
    spool.forget(stored)
    assert put(spool, noise(100_000)).result() == stored + 2


def test_of_a_group_that_does_not_fit_whatever_fits_is_stored(spool: Spool) -> None:
    with sqlite3.connect(spool.path, isolation_level=None) as other:
        other.execute("begin immediate")
        first = put(spool, b"the writer waits with this one")
        futures = [put(spool, noise(2 * MIB)), put(spool, b"small")]
        other.execute("rollback")
    assert first.result(timeout=30) == 1
    with pytest.raises(SpoolFull):
        futures[0].result(timeout=30)
    assert futures[1].result(timeout=30) == 2
    other.close()


def test_a_probe_fails_as_an_append_would(settings: Settings) -> None:
    room = Room(folder=settings.home, limit=settings.spool_bytes, reserve=1 << 60)
    with Spool.open(settings, room=room) as spool:
        with pytest.raises(SpoolFull, match="make room"):
            spool.probe().result()
        with pytest.raises(SpoolFull, match="make room"):
            put(spool, b"a").result()
    with Spool.open(settings) as spool:
        assert spool.probe().result() == 0
        assert spool.depth(NOON).depth == 0


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """Writes that make a file longer than `size` fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_refuses_is_told_and_recovered_from(spool: Spool) -> None:
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN  # Python's default
    put(spool, b"before").result()
    with files_at_most(100_000):
        with pytest.raises(SpoolFailed):
            put(spool, noise(300_000)).result()
    assert put(spool, noise(300_000)).result() == 2
    assert spool.take(1)[0].payload == b"before"


def test_a_file_that_is_no_spool_says_what_to_do(settings: Settings) -> None:
    settings.home.mkdir()
    settings.spool_path.write_bytes(b"this is no database" * 100)
    with pytest.raises(SpoolFailed, match="move it aside"):
        Spool.open(settings)


def test_a_page_damaged_on_disk_gives_bodies_that_nobody_reads(spool: Spool) -> None:
    with sqlite3.connect(spool.path, isolation_level=None) as other:
        other.execute("begin immediate")
        first = put(spool, b"the writer waits with this one")
        while not first.running():
            continue
        rest = [put(spool, noise(5000, n)) for n in range(2)]
        other.execute("rollback")
        assert [future.result(timeout=30) for future in (first, *rest)] == [1, 2, 3]
        other.execute("update pages set payload = substr(payload, 1, 20) where last = 3")
    other.close()
    whole, lost, more = spool.take(9)
    assert whole.payload == b"the writer waits with this one"
    assert (lost.content_type, more.content_type) == ("application/zstd", "application/zstd")
    assert (len(lost.payload), more.payload) == (20, b"")
    for body in (lost, more):
        with pytest.raises(Undecodable):
            reader.read(body)


@pytest.mark.parametrize(
    "damage",
    ["x'c1' || substr(heads, 2)", "x'90'", "replace(heads, cast('tra' as blob), x'ff0a0d')"],
    ids=["no_msgpack", "too_few", "no_text"],
)
def test_a_page_that_forgot_its_heads_holds_up_no_other(spool: Spool, damage: str) -> None:
    for text in (b"a", b"sk-proj-" + b"b" * 40, b"c"):
        put(spool, text).result(timeout=30)
    with closing(sqlite3.connect(spool.path, isolation_level=None)) as other:
        other.execute(f"update pages set heads = cast({damage} as blob) where last = 2")
    first, lost, third = spool.take(9)
    assert (first.payload, third.payload, third.seq) == (b"a", b"c", 3)
    assert (lost.seq, lost.payload, lost.received_at) == (2, b"sk-proj-" + b"b" * 40, NOON)
    with pytest.raises(Undecodable):
        reader.read(lost)


@pytest.mark.parametrize("at", [0, 4, 5, 6, 8])
def test_a_page_of_an_unlikely_size_is_not_unpacked(spool: Spool, at: int) -> None:
    put(spool, noise(100_000)).result(timeout=30)
    with closing(sqlite3.connect(spool.path, isolation_level=None)) as other:
        [packed] = other.execute("select payload from pages").fetchone()
        torn = packed[:at] + bytes([packed[at] ^ 0x80]) + packed[at + 1 :]
        other.execute("update pages set payload = ?", (torn,))
    [lost] = spool.take(9)
    assert (lost.content_type, lost.payload) == ("application/zstd", torn)


def test_sizes_that_do_not_add_up_give_no_body_a_part_of_another(spool: Spool) -> None:
    put(spool, b"12345").result(timeout=30)
    with closing(sqlite3.connect(spool.path, isolation_level=None)) as other:
        shorter = "cast(substr(heads, 1, length(heads) - 1) || x'04' as blob)"
        other.execute(f"update pages set heads = {shorter}")
    [lost] = spool.take(9)
    assert (lost.content_type, lost.payload) == ("application/octet-stream", b"12345")


def test_of_a_page_only_what_is_asked_for_is_taken(spool: Spool) -> None:
    with sqlite3.connect(spool.path, isolation_level=None) as other:
        other.execute("begin immediate")
        futures = [put(spool, b"%d" % n) for n in range(10)]
        other.execute("rollback")
    other.close()
    assert [future.result(timeout=30) for future in futures] == list(range(1, 11))
    assert [body.payload for body in spool.take(3, after=4)] == [b"4", b"5", b"6"]
    spool.forget(9)
    assert [body.seq for body in spool.take(99, after=9)] == [10]
    spool.forget(10)
    assert (spool.take(99), spool.depth(NOON).depth) == ([], 0)


def test_a_file_that_was_taken_away_is_acknowledged_nothing(spool: Spool) -> None:
    aside = spool.path.with_name("aside.sqlite")
    put(spool, b"before").result(timeout=30)
    spool.path.rename(aside)
    for future in (put(spool, b"lost"), spool.probe()):
        with pytest.raises(SpoolFailed, match="removed or replaced"):
            future.result(timeout=30)
    assert not spool.path.exists()
    spool.path.touch()
    with pytest.raises(SpoolFailed, match="removed or replaced"):
        put(spool, b"lost").result(timeout=30)
    aside.replace(spool.path)
    put(spool, b"after").result(timeout=30)
    assert [body.payload for body in spool.take(9)] == [b"before", b"after"]


def test_a_closed_spool_takes_no_more(settings: Settings) -> None:
    spool = Spool.open(settings)
    future = put(spool, b"a")
    spool.close()
    assert future.result() == 1
    with pytest.raises(SpoolFailed, match="closed"):
        put(spool, b"b")


def test_an_emptied_spool_gives_its_disk_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.ingest.spool.SHRINK_BYTES", 200_000)
    with Spool.open(settings) as spool:
        numbers = [put(spool, noise(100_000, i)).result() for i in range(5)]
        spool.forget(numbers[-1])
    assert settings.spool_path.stat().st_size < 100_000


KILLED = """
import os, sys
from datetime import UTC, datetime
from headrace.ingest.spool import Spool
from headrace.lake.settings import Settings
spool = Spool.open(Settings(home=sys.argv[1]))
for i in range(50):
    seq = spool.append("logs", "t", None, b"%d" % i, datetime.now(UTC)).result()
    os.write(1, b"%d\\n" % seq)
os.kill(os.getpid(), 9)
"""


def test_what_was_acknowledged_survives_a_kill(settings: Settings) -> None:
    command = [sys.executable, "-c", KILLED, str(settings.home)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    with Spool.open(settings) as spool:
        assert [body.seq for body in spool.take(99)] == [int(n) for n in done.stdout.split()]
        assert put(spool, b"next").result() == 51


class SpoolMachine(RuleBasedStateMachine):
    """Against a plain list: order, numbers and depth whatever comes in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.settings = Settings(home=Path(self.folder.name))
        self.spool = Spool.open(self.settings)
        self.model: list[tuple[int, bytes]] = []
        self.given = 0

    @rule(payload=st.binary(max_size=50))
    def append(self, payload: bytes) -> None:
        self.given += 1
        assert put(self.spool, payload).result() == self.given
        self.model.append((self.given, payload))

    @rule(payloads=st.lists(st.binary(max_size=50), min_size=2, max_size=5))
    def append_together(self, payloads: list[bytes]) -> None:
        with closing(sqlite3.connect(self.spool.path, isolation_level=None)) as other:
            other.execute("begin immediate")
            futures = [put(self.spool, payload) for payload in payloads]
            other.execute("rollback")
        for future, payload in zip(futures, payloads, strict=True):
            self.given += 1
            assert future.result() == self.given
            self.model.append((self.given, payload))

    @precondition(lambda self: self.model)
    @rule(share=st.floats(0, 1))
    def forget(self, share: float) -> None:
        with closing(sqlite3.connect(self.spool.path)) as other:
            ends = [last for (last,) in other.execute("select last from pages order by last")]
        upto = ends[int(share * (len(ends) - 1))]
        self.spool.forget(upto)
        self.model = [item for item in self.model if item[0] > upto]

    @rule()
    def reopen(self) -> None:
        self.spool.close()
        self.spool = Spool.open(self.settings)

    @invariant()
    def the_same(self) -> None:
        assert [(body.seq, body.payload) for body in self.spool.take(1000)] == self.model
        assert self.spool.depth(NOON).depth == len(self.model)

    def teardown(self) -> None:
        self.spool.close()
        self.folder.cleanup()


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = budget(max_examples=15, stateful_step_count=12, deadline=None)
