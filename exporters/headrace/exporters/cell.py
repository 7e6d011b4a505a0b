"""Where the SQL of a recipe runs: a process of its own, with no files, little memory, little time.

`python -m headrace.exporters.cell` reads an expression and the episodes from stdin, and tells on
stdout for which of them it is true. An expression may be pure and still grow without end, and no
engine ends it in time or in memory; a process can be ended.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

if TYPE_CHECKING:
    import pyarrow as pa

SECONDS = 60  # of CPU for one expression; a million episodes take one or two
MEMORY = 2 << 30  # bytes beside those that the episodes take

_ASKED = "select episode_id, (\n{}\n) from episodes"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The episodes for which an expression is true, or why there is no answer."""

    kept: tuple[str, ...] = ()
    bad: str | None = None


def ask(text: str, episodes: "pa.Table", *, seconds: int = SECONDS) -> Answer:
    """What the expression says of these episodes, asked in another process."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    sink.write(json.dumps([text, seconds]).encode() + b"\n")
    with pa.ipc.new_stream(sink, episodes.schema) as stream:
        stream.write_table(episodes)
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        input=sink.getvalue(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    if done.returncode < 0:  # ended by a signal
        return Answer(bad=f"it takes more than {seconds} s or {MEMORY >> 30} GiB")
    if done.returncode:
        return Answer(bad=done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return msgspec.json.decode(done.stdout, type=Answer)


def true_of(text: str, episodes: "pa.Table") -> Answer:
    """The same in this process; unknown is not true."""
    with engine() as walled:
        walled.register("episodes", episodes)
        try:
            asked = walled.execute(_ASKED.format(text))
            kind = str((asked.description or [])[1][1])
            if kind != "BOOLEAN":
                return Answer(bad=f"it gives {kind}, not true or false")
            return Answer(kept=tuple(name for name, true in asked.fetchall() if true))
        except (duckdb.Error, MemoryError) as error:
            return Answer(bad=str(error))


def engine() -> duckdb.DuckDBPyConnection:
    """A DuckDB that reaches nothing: what it is not given it does not see."""
    made = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "memory_limit": "1GB",
            "temp_directory": "",
            "threads": "1",
        },
    )
    made.execute("set timezone = 'UTC'")
    made.execute("set lock_configuration = true")
    return made


def _confine(seconds: int) -> None:
    """From here on this process writes no file and ends before it takes too much."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    limits: dict[int, int] = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CPU: spent + seconds,
    }
    sizes = Path("/proc/self/statm")
    if sizes.exists():  # elsewhere the limit is not kept either
        limits[resource.RLIMIT_AS] = (
            int(sizes.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") + MEMORY
        )
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


def main() -> None:
    """Answer what stdin asks."""
    import pyarrow as pa

    source: Any = sys.stdin.buffer
    text, seconds = json.loads(source.readline())
    episodes = pa.ipc.open_stream(source).read_all()
    _confine(seconds)
    sys.stdout.buffer.write(msgspec.json.encode(true_of(text, episodes)))


if __name__ == "__main__":
    main()
