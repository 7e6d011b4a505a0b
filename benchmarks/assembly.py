"""How long assembly takes: `python benchmarks/assembly.py [--spans 100000 300000 1000000]`.

Fills a fresh lake with conversations of about 10 LLM calls (`agents.py`; not counted) and lets
`assemble` do three nights: everything; nothing new; a late batch of 1 % of the LLM spans, the last
calls of 2 % of the conversations, those that the first night cut through. Each night runs in a
process of its own. Printed are seconds, LLM spans a second (agent and tool spans come on top and
are not counted), CPU seconds, the peak of memory, seconds a span compared with the smallest size,
and the ratio to a bare floor measured in the same run: DuckDB reads the same columns of the same
spans and messages, Python decodes them.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec
from agents import CALLS, PROJECT, Said, World

from headrace.curate.assemble import assemble
from headrace.curate.step import StepResult
from headrace.lake import Lake
from headrace.lake.message import Message
from headrace.lake.store import Relation

SIZES = (100_000, 300_000, 1_000_000)
QUICK = (2_000, 6_000)
NIGHT = datetime(2026, 12, 1, tzinfo=UTC)
CHUNK = 1_000  # pairs of conversations that are written at once
LATE_EVERY = 50  # conversations, of which one is late with half of its calls
ROWS = 5_000  # read at a time by the floor
MIB = 1024  # KiB
COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "kind", "name", "received_at", "started_at"),
    *("ended_at", "status", "error", "model", "release", "service", "conversation_id", "user_id"),
    *("agent", "response_id", "input", "output", "tools_hash", "input_tokens", "output_tokens"),
    *("cost_usd", "finish_reason", "defects"),
)

T = TypeVar("T")


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in the lake."""

    llm: int
    other: int
    messages: int
    late: int  # LLM spans that come later
    late_conversations: int


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    wall_s: float
    cpu_s: float  # of all threads
    peak_mib: float  # of the process, its own start included
    result: StepResult | None = None


def fill(home: Path, spans: int, seed: int, bare: bool, scattered: bool) -> Fill:
    """Make a lake of so many LLM spans, those that are late in a file beside it."""
    whole = spans // CALLS
    rng = Random(seed)
    world = World(rng)
    pairs = (list(world.pair(number, rng)) for number in range(whole // 2))
    late: list[Said] = []
    llm = other = messages = gone = 0
    with Lake.open(home) as lake:
        _write_agents(lake, world)
        while chunk := list(islice(pairs, CHUNK)):
            ready: list[Said] = []
            for said in (said for pair in chunk for said in pair):
                gone += 1
                said = _plain(said) if bare else said
                is_late = (
                    gone % LATE_EVERY == 0 if scattered else gone > whole - whole // LATE_EVERY
                )
                cut = _half(said, gone % 2) if is_late else len(said)
                ready += said[:cut]
                late += said[cut:]
            _write(lake, ready)
            llm += sum(one.span.kind == "llm" for one in ready)
            other += sum(one.span.kind != "llm" for one in ready)
            messages += len({m.hash for one in ready for m in one.fresh})
    (home / "late.msgpack").write_bytes(msgspec.msgpack.encode(late))
    return Fill(
        llm=llm,
        other=other,
        messages=messages,
        late=sum(one.span.kind == "llm" for one in late),
        late_conversations=gone // LATE_EVERY,
    )


def floor(home: Path) -> Cost:
    """Read and decode what assembly must read."""
    with Lake.open(home) as lake:
        return measured(lambda: _scan(lake))


def night(home: Path, number: int) -> Cost:
    with Lake.open(home) as lake:
        now = NIGHT + timedelta(days=number)
        return measured(lambda: assemble(lake, PROJECT, now=now))


def late_night(home: Path, number: int) -> tuple[Cost, int]:
    """The night after the late spans came, and how many conversations have new revisions."""
    late = msgspec.msgpack.decode((home / "late.msgpack").read_bytes(), type=list[Said])
    with Lake.open(home) as lake:
        _write(lake, late)
    cost = night(home, number)
    with Lake.open(home) as lake:
        [row] = lake.rows(
            'select count(distinct trace_ids[1][:24]) as n from episodes where "at" = $at',
            {"at": NIGHT + timedelta(days=number)},
        )
    return cost, row["n"]


def measured(work: Callable[[], object]) -> Cost:
    begun, cpu = time.perf_counter(), time.process_time()
    result = work()
    return Cost(
        wall_s=time.perf_counter() - begun,
        cpu_s=time.process_time() - cpu,
        peak_mib=_peak_kib() / MIB,
        result=result if isinstance(result, StepResult) else None,
    )


def apart(work: Callable[..., T], *arguments: object) -> T:
    """Run in a process of its own, so that its peak of memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def main() -> None:
    given = arguments()
    first: float | None = None
    for spans in QUICK if given.quick else given.spans:
        with tempfile.TemporaryDirectory(dir=given.dir) as folder:
            each = measure(Path(folder), spans, given)
        first = first or each
        print(f"  seconds a span, the smallest size = 1: {each / first:.2f}", flush=True)


def measure(home: Path, spans: int, given: argparse.Namespace) -> float:
    """Print what one size takes; the seconds of a span in the full run."""
    filled = apart(fill, home, spans, given.seed, given.bare, given.scattered)
    print(f"{spans:,} LLM spans, {filled.other:,} others, {filled.messages:,} messages", flush=True)
    bare = apart(floor, home)
    tell("floor", bare, filled.llm)
    full = apart(night, home, 0)
    tell("everything", full, filled.llm)
    print(f"  {full.wall_s / bare.wall_s:.1f} times the floor, {_counts(full)}")
    again = apart(night, home, 1)
    tell("nothing new", again, filled.llm)
    late, revised = apart(late_night, home, 2)
    tell("late batch", late, filled.late)
    print(
        f"  {late.wall_s / full.wall_s:.1%} of the full run ({late.cpu_s / full.cpu_s:.1%} of its "
        f"CPU) for {filled.late / spans:.1%} of the spans; conversations revised: {revised:,} of "
        f"{filled.late_conversations:,} that were late; {_counts(late)}"
    )
    return full.wall_s / filled.llm


def tell(name: str, cost: Cost, spans: int) -> None:
    print(
        f"  {name:<12}{cost.wall_s:8.2f} s{cost.cpu_s:9.2f} CPU s"
        f"{spans / cost.wall_s:9,.0f} spans/s{spans / cost.cpu_s:9,.0f} spans/CPU s"
        f"{cost.peak_mib:8,.0f} MiB",
        flush=True,
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, nargs="+", default=SIZES)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a try")
    parser.add_argument("--bare", action="store_true", help="LLM spans alone")
    parser.add_argument(
        "--scattered", action="store_true", help="late calls of any time, not of the last hours"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", help="where the lake is made and thrown away")
    return parser.parse_args()


def _counts(cost: Cost) -> str:
    notes = cost.result.notes if cost.result else {}
    return ", ".join(f"{name} {count:,}" for name, count in notes.items())


def _plain(said: list[Said]) -> list[Said]:
    """The LLM calls alone, with the messages of all."""
    kept: list[Said] = []
    fresh: tuple[Message, ...] = ()
    for one in said:
        fresh += one.fresh
        if one.span.kind == "llm":
            kept.append(Said(span=one.span, fresh=fresh))
            fresh = ()
    return kept


def _half(said: list[Said], up: int) -> int:
    """Where the second half of the LLM calls begins; of an odd number it is the larger or not."""
    places = [i for i, one in enumerate(said) if one.span.kind == "llm"]
    return places[(len(places) + up) // 2]


def _write(lake: Lake, said: Sequence[Said]) -> None:
    messages = {m.hash: m for one in said for m in one.fresh if m.role != "system"}
    spans = sorted((one.span for one in said), key=lambda span: span.received_at)
    lake.write(lambda tx: (tx.append("messages", messages.values()), tx.append("spans", spans)))


def _write_agents(lake: Lake, world: World) -> None:
    systems = {agent.system.hash: agent.system for agent in world.agents}
    tools = {agent.tools.hash: agent.tools for agent in world.agents}
    lake.write(
        lambda tx: (
            tx.append("messages", systems.values()),
            tx.append("toolsets", tools.values()),
        )
    )


def _scan(lake: Lake) -> None:
    for _ in _rows(lake.sql(f"select {', '.join(COLUMNS)} from spans")):
        pass
    for (body,) in _rows(lake.sql("select body from messages")):
        msgspec.json.decode(body)


def _rows(relation: Relation) -> Iterator[tuple[Any, ...]]:
    for batch in relation.to_arrow_reader(ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _peak_kib() -> int:
    """The most that this process ever held; `ru_maxrss` would count its parent too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)


if __name__ == "__main__":
    main()
