"""What it costs to write a data set: `python benchmarks/export.py [--rows N ...] [--format F ...]`.

The recorded runs that come with Headrace, again and again with other ids in them, become rows on
disk; these are written as Parquet and in every dialect asked for, each size in its own process.
Rows a second of CPU, on one core; beside it what must be paid by anybody: pyarrow given the same
rows as they are, and one JSON text a row. Each file is written twice and must be the same bytes.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import file_digest
from itertools import cycle, islice
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from headrace.console.sample import Run, observed_tools, runs
from headrace.curate.conversation import Conversation
from headrace.exporters import table
from headrace.exporters.call import text
from headrace.exporters.formats import writer
from headrace.exporters.formats.dialect import Shape
from headrace.exporters.formats.registry import FORMATS, format_named
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import SCHEMAS
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.ingest.tools import definitions
from headrace.lake.message import Body

ROWS = (10_000, 30_000, 100_000)
FIVE = ("trl", "openai", "llamafactory", "axolotl", "ms-swift")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARQUET, PLAIN, LINES, MADE = "parquet", "pyarrow as it is", "json as it is", "rows made"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One way of writing all rows."""

    cpu_s: float
    mb: float  # of the files
    same: bool | None = None  # a second run gave the same bytes; None where it was not made


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """One number of rows."""

    rows: int
    peak_mib: float
    stages: dict[str, Stage]


def episodes(count: int) -> Iterator[Conversation]:
    """Recorded runs in turns; each has ids of its own and says its number in the request.

    Every assistant turn of them trains: a dialect without masks would write ten times the text.
    """
    sample = [run for run in runs(NOW) if all(_trains(run))]
    known = {name: _tools(sample, name) for name in {run.project for run in sample}}
    for number, run in enumerate(islice(cycle(sample), count)):
        yield _episode(run, number, known[run.project])


def _tools(sample: Sequence[Run], project: str) -> tuple[Body, ...]:
    told = observed_tools([run for run in sample if run.project == project])
    return tuple(definitions(told) or ())


def _trains(run: Run) -> Iterator[bool]:
    for message, generated in zip(run.messages, run.generated, strict=True):
        yield generated or message["role"] != "assistant"


def _episode(run: Run, number: int, tools: tuple[Body, ...]) -> Conversation:
    said = tuple(_renumbered(message, number) for message in run.messages)
    empty = dict.fromkeys(Conversation.__struct_fields__)
    known = {
        "project": run.project,
        "episode_id": f"{number:032x}",
        "messages": said,
        "scrubbed": True,
        "trainable": run.generated,
        "tools": tools,
        "resolution": "success",
        "representative": True,
    }
    return Conversation(**{**empty, **known})  # type: ignore[arg-type]


def _renumbered(message: Body, number: int) -> Body:
    made = dict(message)
    if made["role"] == "user":
        made["content"] = f"{made['content']} ({number})"
    if made.get("tool_call_id"):
        made["tool_call_id"] = f"{made['tool_call_id']}{number}"
    if made.get("tool_calls"):
        made["tool_calls"] = [
            {**call, "id": f"{call['id']}{number}"} for call in made["tool_calls"]
        ]
    return made


def made(count: int, folder: Path) -> RowFile:
    """Rows of `sft` on disk, as a selection leaves them."""
    rows = RowFile(folder)
    for episode in episodes(count):
        rows.add(Row.sft(episode, Lesson.of(episode), "train"))
    return rows


def parquet(rows: RowFile, place: Path) -> None:
    left = rows.count("train")
    side = rows.side("train")
    (place / "data").mkdir(parents=True)
    for file in table.paths("train", left):
        table.write(islice(side, table.SHARD), "sft", place / file)


def plain(rows: RowFile, place: Path) -> None:
    """What pyarrow does when it is given rows as dicts."""
    place.mkdir()
    side = rows.side("train")
    with pq.ParquetWriter(place / "plain.parquet", SCHEMAS["sft"], compression="zstd") as sink:
        while group := list(islice(side, table.GROUP)):
            columns = [row.columns for row in group]
            sink.write_table(pa.Table.from_pylist(columns, schema=SCHEMAS["sft"]))


def lines(rows: RowFile, place: Path) -> None:
    """One JSON text a row."""
    place.mkdir()
    with (place / "lines.jsonl").open("w", encoding="utf-8") as sink:
        for row in rows.side("train"):
            sink.write(f"{text(row.columns)}\n")


def dialect(name: str) -> Callable[[RowFile, Path], object]:
    format = format_named(name, "sft")

    def write(rows: RowFile, place: Path) -> None:
        writer.write(format, rows, Shape.of("bench", "sft", rows), place)

    return write


def measured(count: int, formats: Sequence[str]) -> Size:
    """All stages of one size, in this process."""
    with tempfile.TemporaryDirectory() as kept:
        folder, stages = Path(kept), {}
        start = time.process_time()
        rows = made(count, folder)
        stages[MADE] = Stage(cpu_s=time.process_time() - start, mb=rows.size / 1e6)
        ways = {PLAIN: plain, PARQUET: parquet, LINES: lines}
        for name, way in {**ways, **{name: dialect(name) for name in formats}}.items():
            stages[name] = _stage(way, rows, folder / "out", again=name not in (PLAIN, LINES))
            print(f"{count:,}: {name}, {stages[name].cpu_s:.1f} CPU s", file=sys.stderr, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Size(rows=count, peak_mib=peak, stages=stages)


def _stage(way: Callable[[RowFile, Path], object], rows: RowFile, out: Path, again: bool) -> Stage:
    cpu_s, mb, names = _once(way, rows, out)
    same = _once(way, rows, out)[2] == names if again else None
    return Stage(cpu_s=cpu_s, mb=mb, same=same)


def _once(
    way: Callable[[RowFile, Path], object], rows: RowFile, out: Path
) -> tuple[float, float, dict[str, str]]:
    """CPU seconds, megabytes, and the hash of each file; the files are gone afterwards."""
    with tempfile.TemporaryDirectory(dir=out.parent) as kept:
        place = Path(kept) / "files"
        start = time.process_time()
        way(rows, place)
        cpu_s = time.process_time() - start
        files = sorted(file for file in place.rglob("*") if file.is_file())
        names = {str(file.relative_to(place)): _hash(file) for file in files}
        return cpu_s, sum(file.stat().st_size for file in files) / 1e6, names


def _hash(file: Path) -> str:
    with file.open("rb") as source:
        return file_digest(source, "sha256").hexdigest()


def shown(sizes: Sequence[Size]) -> Table:
    made = Table(title="Rows a second of CPU; x: time against the plain way of the same run")
    made.add_column("written")
    for size in sizes:
        for column in (f"{size.rows:,}: rows/s", "x", "MB", "same bytes"):
            made.add_column(column, justify="right")
    for name in sizes[0].stages:
        made.add_row(name, *(cell for size in sizes for cell in _cells(size, name)))
    made.add_section()
    made.add_row("peak, MiB", *(c for size in sizes for c in (f"{size.peak_mib:.0f}", "", "", "")))
    return made


def _cells(size: Size, name: str) -> Iterator[str]:
    stage = size.stages[name]
    base = size.stages[PLAIN if name in (PARQUET, PLAIN) else LINES]
    yield f"{size.rows / stage.cpu_s:,.0f}"
    yield f"{stage.cpu_s / base.cpu_s:.2f}"
    yield f"{stage.mb:,.0f}"
    yield "" if stage.same is None else ("yes" if stage.same else "NO")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    able = [name for name, row in FORMATS.items() if "sft" in row.objectives]
    parser.add_argument("--format", nargs="+", choices=able, default=FIVE)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(msgspec.json.encode(measured(given.one, given.format)).decode())
        return
    sizes = []
    for count in sorted(given.rows):
        command = [sys.executable, __file__, "--one", str(count), "--format", *given.format]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        sizes.append(msgspec.convert(json.loads(done.stdout), Size))
    Console(width=200).print(shown(sizes))
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(sizes)))


if __name__ == "__main__":
    main()
