"""What a night of curation costs as the lake grows: `python benchmarks/curate.py [--sizes N ...]`.

Made-up episodes of 8 KB (see `episodes.py`) go straight into a fresh lake; then the steps run one
after another, as a night runs them, in a process of its own for each size: CPU of it and of what
it starts, and the memory of all together, sampled. `x`: CPU an episode against the size before; a
step that is linear has 1. Then a night brings 2 % more. `--sizes 10000 100000 1000000` takes hours
and 30 GB of disk.

Beside it, on masked requests of the first size: other programs as in `near.py`, and the edges that
the step wrote, both held against planted pairs. Needs `pip install --group bench`; a program that
cannot run says why.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import msgspec
import near
import psutil
from episodes import EVERY, FIRST, Episode, episodes, tools
from planted import Planted
from rich.console import Console
from rich.table import Table

from headrace.curate.decontaminate import decontaminate
from headrace.curate.dedupe import dedupe
from headrace.curate.embed import embed
from headrace.curate.intent import intents
from headrace.curate.lead import lead
from headrace.curate.outcomes import resolve
from headrace.curate.pair import pair
from headrace.curate.screen import screen
from headrace.curate.scrubbing import scrub
from headrace.curate.split import split
from headrace.curate.units import units
from headrace.curate.vote import vote
from headrace.evals import case
from headrace.lake.message import Message, digest, dump
from headrace.lake.project import settings_of
from headrace.lake.record import Episode as Row
from headrace.lake.record import Outcome
from headrace.lake.store import Lake

PROJECT = "bench"
SIZES = (2_000, 6_000, 20_000)
NIGHT = 0.02  # of the lake, new
CHUNK = 5_000  # episodes of a transaction
MOST = 20_000  # requests that other programs are given
SAMPLE_S = 1.0  # each sample looks at all processes of the machine
GRACE = timedelta(days=2)  # after the last episode; a night runs then
METHODS = (near.BASELINE, "semhash, word vectors", "headrace, rensa")

Step = Callable[..., object]  # of a lake, a project, and `now`


def _cases(lake: Lake, project: str, *, now: datetime) -> object:
    return case.build(lake, project, now=now)


def _resolve(lake: Lake, project: str, *, now: datetime) -> object:
    told = settings_of(lake.settings, project)
    return resolve(lake, project, now=now, waiting=told.waiting, thresholds=told.thresholds)


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "scrub": scrub,
        "units": units,
        "embed": embed,
        "lead": lead,
        "intents": intents,
        "vote": vote,
        "resolve": _resolve,
        "dedupe": dedupe,
        "split": split,
        "cases": _cases,
        "decontaminate": decontaminate,
        "screen": screen,
        "pair": pair,
    }
)
MODEL = ("embed",)  # what runs a model


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one step took."""

    cpu_s: float
    wall_s: float
    peak_mib: float  # of the process and its children together
    error: str | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One size: the first load, then a night."""

    episodes: int
    fresh: int  # of the night
    idle_mib: float  # before the first step
    load_s: float  # CPU of putting the episodes into the lake, in no step
    first: dict[str, Cost]
    night: dict[str, Cost]
    near: near.Row | None  # the edges of requests that are in the lake, held against planted pairs


class Meter:
    """CPU and peak memory of this process and of all that it starts, while it is entered."""

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._began, self._wall = self._cpu(), time.perf_counter()
        self.peak_mib = self._mib()
        self._ended.clear()
        self._watch = threading.Thread(target=self._sample, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()
        self.cpu_s = self._cpu() - self._began
        self.wall_s = time.perf_counter() - self._wall

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            self.peak_mib = max(self.peak_mib, self._mib())

    def _all(self) -> Iterator[psutil.Process]:
        yield self._own
        yield from self._own.children(recursive=True)

    def _cpu(self) -> float:
        """Of the living and of those that ended: their parents add them up."""
        return sum(sum(self._told(one, "cpu_times")[:4]) for one in self._all())

    def _mib(self) -> float:
        sizes = (self._told(one, "memory_info")[:1] for one in self._all())
        return sum(sum(size) for size in sizes) / 1024**2

    def _told(self, one: psutil.Process, about: str) -> tuple[float, ...]:
        try:
            found: tuple[float, ...] = getattr(one, about)()
            return found
        except psutil.NoSuchProcess:
            return ()


def load(home: Path, start: int, count: int) -> None:
    """Put the episodes of these numbers into a lake, with an outcome for most."""
    known: set[str] = set()
    made = episodes(count, start=start)
    bodies = {project: dump(tools(project)) for project in ("taubench-airline", "tau2-service")}
    with Lake.open(home) as lake:
        while chunk := list(islice(made, CHUNK)):
            messages: dict[str, Message] = {}
            rows = [_row(one, bodies[one.project], messages) for one in chunk]
            fresh = [message for name, message in messages.items() if name not in known]
            known |= {message.hash for message in fresh}
            outcomes = [_outcome(one, row) for one, row in zip(chunk, rows, strict=True)]

            def put(tx: Any, given: Sequence[Any] = (fresh, rows, outcomes)) -> None:
                for table, own in zip(("messages", "episodes", "outcomes"), given, strict=True):
                    tx.append(table, own)

            lake.write(put)


def _row(one: Episode, definitions: str, messages: dict[str, Message]) -> Row:
    made = [Message.of(body) for body in one.messages]
    messages |= {message.hash: message for message in made}
    name = digest(f"episode {one.number}")
    turns = sum(one.trainable)
    return Row(
        project=PROJECT,
        episode_id=name,
        revision=1,
        at=one.started_at,
        messages=tuple(message.hash for message in made),
        trainable=tuple(one.trainable),
        trace_ids=(name,),
        span_ids=tuple(f"{name[:12]}{turn:04d}" for turn in range(turns)),
        conversation_id=f"c{one.number}",
        user_id=one.user,
        release=one.release,
        model="gpt-4.1",
        started_at=one.started_at,
        ended_at=one.started_at + EVERY,
        tools=definitions,
        request=one.request,
        turns=turns,
        tool_calls=sum(len(body.get("tool_calls") or ()) for body in one.messages),
    )


def _outcome(one: Episode, row: Row) -> Outcome:
    return Outcome(
        project=PROJECT,
        outcome_id=digest(f"outcome {one.number}"),
        target_kind="episode",
        target_id=row.episode_id,
        source="product",
        received_at=one.started_at + EVERY,
        at=one.started_at + EVERY,
        success=one.success,
    )


def night(home: Path, count: int, steps: Sequence[str]) -> Iterator[tuple[str, Cost]]:
    """Every step once; one that fails says so, and the next one runs."""
    now = FIRST + EVERY * count + GRACE
    with Lake.open(home) as lake:
        for name in steps:
            error = None
            with Meter() as meter:
                try:
                    STEPS[name](lake, PROJECT, now=now)
                except Exception as raised:
                    error = f"{type(raised).__name__}: {raised}"
            cost = (round(meter.cpu_s, 2), round(meter.wall_s, 2), round(meter.peak_mib))
            told = f"{count:,}: {name}, {cost[0]:.1f} CPU s, {cost[1]:.1f} s, {cost[2]} MiB"
            print(told, error or "", file=sys.stderr, flush=True)
            yield name, Cost(cpu_s=cost[0], wall_s=cost[1], peak_mib=cost[2], error=error)


def measured(home: Path, count: int, steps: Sequence[str]) -> dict[str, Any]:
    """What this process tells on its output: one night over a lake of so many episodes."""
    meter = Meter()
    found = dict(night(home, count, steps))
    return {"idle": meter._mib(), "steps": {k: msgspec.to_builtins(v) for k, v in found.items()}}


def requests(home: Path, most: int) -> tuple[Planted, near.Edges]:
    """Masked requests in the order in which they came, the planted pairs, and the edges."""
    with Lake.open(home) as lake:
        rows = lake.sql(
            "select unit_id, text from text_units where kind = 'request' order by unit_id"
        ).fetchmany(most)
        place = {unit: at for at, (unit, _) in enumerate(rows)}
        of = dict(lake.sql("select episode_id, request from episode_units").fetchall())
        found = lake.sql("select a, b, score from edges").fetchall()
    pairs = set()
    for one in episodes(len(of)):
        if one.how == "edited":
            both = [place.get(of.get(digest(f"episode {n}")) or -1) for n in (one.of, one.number)]
            if None not in both and both[0] != both[1]:
                pairs.add(tuple(sorted(both)))  # type: ignore[type-var]
    edges = {(place[a], place[b]): score for a, b, score in found if a in place and b in place}
    return Planted(texts=[text for _, text in rows], pairs=sorted(pairs)), edges  # type: ignore[arg-type]


def run(count: int, fresh: int, given: argparse.Namespace, folder: Path) -> tuple[Run, Planted]:
    """One size in processes of their own."""
    home = folder / str(count)
    load_s = 0.0 if home.exists() else _aside(["--load", str(home), "0", str(count)])[1]
    first = _night(home, count, given.steps)
    corpus, edges = requests(home, MOST)
    judged = near.judged(edges, corpus, 0.0, 0.0) if corpus.pairs else None
    _aside(["--load", str(home), str(count), str(fresh)])
    later = _night(home, count + fresh, given.steps)
    told = Run(
        episodes=count,
        fresh=fresh,
        idle_mib=first[0],
        load_s=load_s,
        first=first[1],
        night=later[1],
        near=judged,
    )
    return told, corpus


def _night(home: Path, count: int, steps: Sequence[str]) -> tuple[float, dict[str, Cost]]:
    out = _aside(["--night", str(home), str(count), *steps])[0]
    told = json.loads(out.splitlines()[-1])
    return told["idle"], msgspec.convert(told["steps"], dict[str, Cost])


def _aside(arguments: Sequence[str]) -> tuple[str, float]:
    """This script in a process of its own: what it said, and its CPU."""
    before = _ended_s()
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout, _ended_s() - before


def _ended_s() -> float:
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def steps_table(title: str, runs: Sequence[Run], costs: Callable[[Run], dict[str, Cost]]) -> Table:
    shown = Table(title=title)
    shown.add_column("step")
    for one in runs:
        for column in (f"{one.episodes:,}: CPU s", "ms each", "x", "MiB"):
            shown.add_column(column, justify="right")
    names = list(costs(runs[0]))
    for name in names:
        shown.add_row(name, *_cells([costs(one) for one in runs], _counts(runs, costs), [name]))
    counts = _counts(runs, costs)
    all_costs = [costs(one) for one in runs]
    shown.add_section()
    plain = [name for name in names if name not in MODEL]
    shown.add_row("all but the model", *_cells(all_costs, counts, plain))
    shown.add_row("all", *_cells(all_costs, counts, names))
    return shown


def _counts(runs: Sequence[Run], costs: Callable[[Run], dict[str, Cost]]) -> list[int]:
    return [one.fresh if costs(one) is one.night else one.episodes for one in runs]


def _cells(
    costs: Sequence[dict[str, Cost]], counts: Sequence[int], names: Sequence[str]
) -> Iterator[str]:
    before = None
    for own, count in zip(costs, counts, strict=True):
        failed = [own[name].error for name in names if own[name].error]
        cpu = sum(own[name].cpu_s for name in names)
        each = 1e3 * cpu / count
        yield f"{cpu:.1f}{'!' if failed else ''}"
        yield f"{each:.2f}"
        yield "" if not before else f"{each / before:.2f}"
        yield f"{max((own[name].peak_mib for name in names), default=0):.0f}"
        before = each


def near_table(judged: near.Row | None, corpus: Planted) -> Iterator[Table | str]:
    """Other programs on the same requests, each in a fresh process."""
    count = len(corpus.texts)
    shown, baseline = near.table(count), None
    if judged is not None:
        shown.add_row(
            "edges in the lake", "", "", "", "", *near.cells("", count, _one(judged), None)[5:]
        )
    for name in METHODS:
        row = near.run_on(name, corpus)
        if isinstance(row, str):
            yield row
            continue
        baseline = row if name == near.BASELINE else baseline
        shown.add_row(*near.cells(name, count, row, baseline))
    yield shown


def _one(row: near.Row) -> near.Row:
    return msgspec.structs.replace(row, cpu_s=1.0)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--share", type=float, default=NIGHT, help="of a lake, new in a night")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--alone", action="store_true", help="no other programs")
    parser.add_argument("--folder", type=Path, help="of lakes; loaded ones are taken")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--night", nargs="+", help=argparse.SUPPRESS)
    return parser


def main() -> None:
    given = arguments().parse_args()
    if given.load:
        load(Path(given.load[0]), int(given.load[1]), int(given.load[2]))
        return
    if given.night:
        home, count, *steps = given.night
        print(json.dumps(measured(Path(home), int(count), steps)))
        return
    console = Console(width=200)
    runs: list[Run] = []
    corpora: list[Planted] = []
    with tempfile.TemporaryDirectory() as kept:
        for count in sorted(given.sizes):
            fresh = max(1, round(count * given.share))
            one, corpus = run(count, fresh, given, given.folder or Path(kept))
            runs.append(one)
            corpora.append(corpus)
            console.print(f"{count:,} episodes loaded in {one.load_s:.0f} CPU s")
    console.print(steps_table("First load", runs, lambda one: one.first))
    console.print(steps_table(f"A night: {given.share:.0%} new", runs, lambda one: one.night))
    for one in runs:
        for name, cost in {**one.first, **{f"{k}, night": v for k, v in one.night.items()}}.items():
            if cost.error:
                console.print(f"{one.episodes:,} episodes, {name} failed: {cost.error}")
    if not given.alone and "units" in given.steps:
        for part in near_table(runs[0].near, corpora[0]):
            console.print(part)
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(runs)))


if __name__ == "__main__":
    main()
