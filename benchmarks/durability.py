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
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from durable.audit import Row
from durable.faults import FAULTS
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


def main() -> int:
    given = _arguments()
    rows = []
    for row in measured(given.rounds, given.seed, given.only):
        print(f"{row.scenario}: {row.seconds:.0f} s", file=sys.stderr)
        rows.append(row)
    if given.json:
        print(msgspec.json.encode(rows).decode())
    else:
        show(rows)
    return 0 if rows and all(row.sound for row in rows) else 1


def measured(rounds: int, seed: int, only: Sequence[str] = ()) -> Iterator[Row]:
    """The count of each scenario, each with a home and a generator of its own."""
    verbs: dict[str, Callable[[Settings, random.Random], Row]] = {
        "kills": lambda settings, rng: kills(settings, rounds, rng),
        **{fault.__name__: fault for fault in FAULTS},
    }
    for name in only or verbs:
        with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
            settings = Settings(home=Path(folder) / "home", port=0, drain_interval_s=0.05)
            yield _timed(partial(verbs[name], settings, random.Random(f"{seed} {name}")))


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
    parser.add_argument("--only", action="append", default=[], help="a scenario; may be repeated")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _timed(work: Callable[[], Row]) -> Row:
    begun = time.monotonic()
    row = work()
    return msgspec.structs.replace(row, seconds=time.monotonic() - begun)


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
