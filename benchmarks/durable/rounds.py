"""Rounds of traffic, each with a kill at a random moment."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from durable.audit import Row, audited
from durable.batch import batch
from durable.client import Clients, Ledger
from durable.plant import Plant, awaited

from headrace.lake.settings import Settings

START_S = 1.5  # about what a sidecar needs to come up: kills fall anywhere within
COMMIT_S = 0.03  # a commit of the lake goes on for about so long after its first write
SYNC_S = 0.003  # one of the spool
SOON_S = 3.0  # to wait for a drain, or for a commit to begin


def kills(settings: Settings, rounds: int, rng: random.Random) -> Row:
    """Every kind of kill in turn, in an order drawn anew for each turn."""
    plant, ledger, count = Plant(settings), Ledger(), Counter[str]()
    plant.start()
    clients = Clients(plant, ledger, batch, rng=rng)
    try:
        for kind in _drawn(rounds, rng):
            clients.progress(rng.randint(1, 12))
            time.sleep(rng.uniform(0, 0.1))  # a random moment is what this is about
            count[KILLS[kind](plant, rng)] += 1
        clients.finish()
        plant.drained()
        plant.stop()
    finally:
        plant.end()
    return audited("kills", ledger, settings, rounds=rounds, kills=count)


def _drawn(rounds: int, rng: random.Random) -> list[str]:
    kinds: list[str] = []
    while len(kinds) < rounds:
        kinds += rng.sample(sorted(KILLS), len(KILLS))
    return kinds[:rounds]


def _sidecar(plant: Plant, rng: random.Random) -> str:
    plant.kill()
    plant.start()
    return "sidecar"


def _drain(plant: Plant, rng: random.Random) -> str:
    if _soon(lambda: plant.signal_drains(signal.SIGKILL)):
        return "drain"
    return _both(plant, rng)  # it waits to be started again: a fresh sidecar starts one at once


def _both(plant: Plant, rng: random.Random) -> str:
    if rng.random() < 0.5:
        plant.signal_drains(signal.SIGKILL)
    plant.kill()
    plant.signal_drains(signal.SIGKILL)
    plant.start()
    return "both"


def _start(plant: Plant, rng: random.Random) -> str:
    """Kill a sidecar and its drain while they come up."""
    plant.kill()
    plant.launch()
    time.sleep(rng.uniform(0, START_S))
    plant.kill()
    if rng.random() < 0.5:
        plant.signal_drains(signal.SIGKILL)
    plant.start()
    return "during start"


def _lake_commit(plant: Plant, rng: random.Random) -> str:
    """Kill the drain within a commit: between the first write to the catalog and forgetting."""
    if not _soon(_change(plant.settings.home / "catalog.sqlite-wal")):
        return _both(plant, rng)
    time.sleep(rng.uniform(0, COMMIT_S))
    return "drain at commit" if plant.signal_drains(signal.SIGKILL) else _both(plant, rng)


def _spool_commit(plant: Plant, rng: random.Random) -> str:
    """Kill the sidecar between the write of a body and the answer."""
    _soon(_change(plant.settings.home / "spool.sqlite-wal"))
    time.sleep(rng.uniform(0, SYNC_S))
    plant.kill()
    plant.start()
    return "sidecar at commit"


KILLS: Mapping[str, Callable[[Plant, random.Random], str]] = {
    "sidecar": _sidecar,
    "drain": _drain,
    "both": _both,
    "start": _start,
    "lake_commit": _lake_commit,
    "spool_commit": _spool_commit,
}


def _soon(look: Callable[[], object]) -> bool:
    try:
        awaited(lambda: look() or None, "soon", SOON_S)
    except TimeoutError:
        return False
    return True


def _change(path: Path) -> Callable[[], bool]:
    before = _stamp(path)
    return lambda: _stamp(path) != before


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size
