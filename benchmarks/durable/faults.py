"""What can go wrong but the death of a process: the disk, the limit, the lake, the clock."""

import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from durable.audit import Row, audited
from durable.batch import Batch, batch
from durable.client import Clients, Ledger
from durable.plant import DRAIN, PATIENCE_S, SIDECAR, Plant, awaited

from headrace.lake import Lake
from headrace.lake.settings import MIB, Settings

REFUSALS = 8  # answers to see before a fault is mended
MORE = 10  # batches to see acknowledged before and after
PAUSE_S = 0.03  # of a connection between two batches
DISK = 160 * MIB

Make = Callable[[int, random.Random], Batch]
Fault = Callable[[Settings, random.Random], Row]


class Stage:
    """A plant under traffic, and what is told of it at the end."""

    def __init__(self, plant: Plant, clients: Clients) -> None:
        self.plant = plant
        self.clients = clients
        self.kills: Counter[str] = Counter()

    def settled(self) -> None:
        """Traffic goes on for a while; then all of it is in the lake and everybody has stopped."""
        self.clients.progress(MORE)
        self.clients.finish()
        self.plant.drained()
        self.plant.stop()

    def waits(self, times: int = 1) -> None:
        """Wait until the drain has told so often that something is in its way."""
        goal = self.plant.log.count("drain_waits") + times
        awaited(lambda: self.plant.log.count("drain_waits") >= goal, "the drain waits")


@contextmanager
def staged(
    settings: Settings,
    rng: random.Random,
    *,
    make: Make = batch,
    sidecar: tuple[str, ...] = SIDECAR,
    connections: int = 3,
) -> Iterator[Stage]:
    plant = Plant(settings, sidecar)
    try:
        plant.start()
        clients = Clients(plant, Ledger(), make, rng=rng, connections=connections, pause_s=PAUSE_S)
        stage = Stage(plant, clients)
        stage.clients.progress(MORE)
        awaited(plant.drained_some, "the drain works")
        yield stage
    finally:
        plant.end()


def full_disk(settings: Settings, rng: random.Random) -> Row:
    """Nothing fits any more, neither into the spool nor into the lake; then there is room again."""
    with _small_disk(settings.home) as mounted, staged(settings, rng) as stage:
        stage.plant.signal_drains(signal.SIGSTOP)
        stage.clients.progress(3 * MORE)
        full = _ballast if mounted else _file_limit
        with full(stage.plant):
            stage.plant.signal_drains(signal.SIGCONT)
            stage.clients.refused(503, REFUSALS)
            stage.waits()
        stage.settled()
        used = f"a tmpfs of {DISK // MIB} MiB" if mounted else "RLIMIT_FSIZE: no right to mount"
        return audited("full disk", stage.clients.ledger, settings, notes=(used,))


def full_spool(settings: Settings, rng: random.Random) -> Row:
    """The spool is at its limit while the drain stands still."""
    small = settings.model_copy(update={"spool_bytes": MIB})
    with staged(small, rng, make=partial(batch, noise=20_000)) as stage:
        stage.plant.signal_drains(signal.SIGSTOP)
        stage.clients.refused(503, REFUSALS)
        stage.plant.signal_drains(signal.SIGCONT)
        stage.settled()
        return audited("spool at its limit", stage.clients.ledger, small)


def locked_catalog(settings: Settings, rng: random.Random) -> Row:
    """Somebody else writes to the catalog for longer than anybody waits."""
    hasty = settings.model_copy(update={"lock_timeout_s": 0.5})
    with staged(hasty, rng) as stage:
        with closing(sqlite3.connect(settings.home / "catalog.sqlite", timeout=60.0)) as other:
            other.execute("begin immediate")
            stage.waits()
            stage.clients.progress(MORE)
            other.execute("rollback")
        stage.settled()
        return audited("catalog locked", stage.clients.ledger, settings)


def lost_catalog(settings: Settings, rng: random.Random) -> Row:
    """The catalog is moved away while a drain works and while one starts; then it is back."""
    with staged(settings, rng) as stage:
        with _away(settings.home, "catalog.sqlite*"):
            stage.waits()
            stage.kills["drain"] += stage.plant.signal_drains(signal.SIGKILL)
            stage.waits(2)
            stage.clients.progress(MORE)
        stage.settled()
        return audited("catalog away", stage.clients.ledger, settings, kills=stage.kills)


def lost_data(settings: Settings, rng: random.Random) -> Row:
    """In the place of the data folder is a file; then the folder is back."""
    with staged(settings, rng, make=partial(batch, noise=2000)) as stage:
        with _away(settings.home, "data"):
            (settings.home / "data").write_text("no folder")
            stage.waits(2)
            stage.clients.progress(MORE)
        stage.settled()
        return audited("data folder away", stage.clients.ledger, settings)


def jumping_clock(settings: Settings, rng: random.Random) -> Row:
    """The clock goes back and forth; of two marks with one name the one sent later stands."""
    jumping = (str(Path(__file__).with_name("jumping.py")),)
    with staged(settings, rng, make=_restated, sidecar=jumping, connections=1) as stage:
        stage.clients.progress(4 * MORE)
        stage.settled()
        with Lake.open(settings=settings) as lake:
            [row] = lake.rows(
                "select count(distinct received_at::date) as days, "
                "max(try_cast(outcome_id[2:] as bigint)) as last, "
                "any_value(comment) filter (outcome_id = 'latest') as stands from outcomes"
            )
        if row["days"] < 2 or str(row["last"]) != row["stands"]:
            raise RuntimeError(f"the clock did not jump, or rows changed places: {row}")
        note = f"received on {row['days']} days, in the order sent"
        return audited("clock jumps", stage.clients.ledger, settings, notes=(note,))


def crowd(settings: Settings, rng: random.Random) -> Row:
    """A second sidecar and a second drain on one home, while drains are killed."""
    with staged(settings, rng) as stage:
        second = stage.plant.spawn(SIDECAR)
        code = second.wait(PATIENCE_S)
        if code == 0:
            raise RuntimeError("two sidecars serve one home")
        other = stage.plant.spawn(DRAIN)
        awaited(lambda: len(stage.plant.drains()) == 2, "two drains")
        for _ in range(3):
            stage.clients.progress(MORE)
            stage.plant.signal(awaited(stage.plant.drains, "a drain")[0], signal.SIGKILL)
            stage.kills["drain"] += 1
        stage.settled()
        _ended(other)
        notes = (f"the second sidecar ended with {code}",)
        return audited(
            "two of each", stage.clients.ledger, settings, kills=stage.kills, notes=notes
        )


def _restated(number: int, rng: random.Random) -> Batch:
    """A mark of its own, and one that every batch makes anew."""
    trace_id = f"{number + 1:032x}"
    rows = [
        {"id": name, "trace_id": trace_id, "success": True, "comment": str(number)}
        for name in (f"o{number}", "latest")
    ]
    return Batch(
        number=number,
        path="/v1/outcomes",
        content_type="application/x-ndjson",
        body="\n".join(json.dumps(row) for row in rows).encode(),
        keys=frozenset(("outcomes", str(row["id"])) for row in rows),
    )


@contextmanager
def _small_disk(home: Path) -> Iterator[bool]:
    """A small file system at the home; False where this user may not mount one."""
    home.mkdir(mode=0o700, parents=True)
    size = f"size={DISK},mode=700"
    command = ["mount", "-t", "tmpfs", "-o", size, "headrace", str(home)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


@contextmanager
def _ballast(plant: Plant) -> Iterator[None]:
    """Files that leave not a byte of the disk."""
    file = plant.settings.home / "ballast"
    with file.open("wb", buffering=0) as ballast:
        for size in (MIB, 4096, 1):
            try:
                while True:
                    ballast.write(b"\0" * size)
            except OSError:
                continue
    yield
    file.unlink()


@contextmanager
def _file_limit(plant: Plant) -> Iterator[None]:
    """No process of the plant may make a file longer than a page."""
    pids = [plant.pid, *plant.drains()]
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
    yield
    for pid, before in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def _away(home: Path, pattern: str) -> Iterator[None]:
    """Files or folders of a home are moved out of it, and back over whatever took their place."""
    away = home.with_name(f"{home.name}-away")
    away.mkdir()
    moved = [path.rename(away / path.name) for path in sorted(home.glob(pattern))]
    yield
    for path in sorted(home.glob(pattern)):
        path.rename(away / f"{path.name}.instead")
    for path in moved:
        path.rename(home / path.name)


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(PATIENCE_S)


FAULTS: tuple[Fault, ...] = (
    full_disk,
    full_spool,
    locked_catalog,
    lost_catalog,
    lost_data,
    jumping_clock,
    crowd,
)
