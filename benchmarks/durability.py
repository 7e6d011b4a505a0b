"""Whether anything acknowledged gets lost: `python benchmarks/durability.py [--rounds 100]`.

Clients post numbered batches to a real sidecar while its processes are killed at random moments,
then while the disk is full, the spool at its limit, the lake out of reach, the clock jumping.
Whatever was answered 200 must be in the lake, once. Exits with 1 where it is not. Linux only.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec
from durable.audit import Row
from durable.faults import FAULTS, Fault
from durable.rounds import kills
from rich.console import Console
from rich.table import Table

from headrace.lake.settings import Settings

COLUMNS = (
    "scenario",
    "rounds",
    "kills",
    "batches",
    "acknowledged",
    "refused by status",
    "resent",
    "spans acknowledged",
    "spans in lake",
    "rows acknowledged",
    "lost",
    "duplicates",
    "unasked",
    "dead letters",
    "seconds",
)


def _once(fault: Fault, settings: Settings, rounds: int, rng: random.Random) -> Row:
    return fault(settings, rng)


Scenario = Callable[[Settings, int, random.Random], Row]
SCENARIOS: dict[str, Scenario] = {
    "kills": kills,
    **{fault.__name__: partial(_once, fault) for fault in FAULTS},
}


def main() -> int:
    given = _arguments()
    names = given.only or list(SCENARIOS)
    with ThreadPoolExecutor(given.jobs) as pool:
        rows = list(pool.map(lambda name: measured(name, given.rounds, given.seed), names))
    if given.json:
        told = dict(zip(names, rows, strict=True))
        print(msgspec.json.encode(told).decode())
    else:
        show(rows)
    return 0 if all(row.sound for row in rows) else 1


def measured(name: str, rounds: int, seed: int) -> Row:
    """The count of one scenario, with a home and a generator of its own."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        settings = Settings(home=Path(folder) / "home", port=0, drain_interval_s=0.05)
        rng = random.Random(f"{seed} {name}")
        row = SCENARIOS[name](settings, rounds, rng)
    print(f"{row.scenario}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return msgspec.structs.replace(row, seconds=time.monotonic() - begun)


def show(rows: Sequence[Row]) -> None:
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*_cells(row))
    console = Console(width=max(Console().width, 200))
    console.print(table)
    for row in rows:
        for note in row.notes:
            console.print(f"{row.scenario}: {note}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="may be repeated")
    parser.add_argument("--jobs", type=int, default=1, help="scenarios at a time")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _cells(row: Row) -> list[str]:
    figures = (
        row.spans_acknowledged,
        row.spans_in_lake,
        row.rows_acknowledged,
        row.lost,
        row.duplicates,
        row.unasked,
        row.dead_letters,
    )
    return [
        row.scenario,
        str(row.rounds),
        "\n".join(f"{count} {kind}" for kind, count in row.kills.items()),
        str(row.batches),
        str(row.accepted),
        "\n".join(f"{status}: {count}" for status, count in row.statuses.items()),
        str(row.resent),
        *map(str, figures),
        f"{row.seconds:.0f}",
    ]


if __name__ == "__main__":
    sys.exit(main())
