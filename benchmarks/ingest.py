"""How much one sidecar takes: `python benchmarks/ingest.py [--seconds 10] [--sustained 60]`.

A client in a process of its own posts distinct bodies over 64 connections, to a bare FastAPI route
that only reads the body and to a sidecar with its drain, in the same run: all that it acknowledges,
half of that, and steady rates, each on a fresh lake, with what a reader of the lake sees meanwhile.
Peak memory is that of each process over all parts.
"""

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from rich.console import Console
from rich.table import Table

from headrace.ingest.sidecar import running
from headrace.lake import Lake
from headrace.lake.settings import Settings

TRAFFIC = Path(__file__).with_name("traffic.py")
PATIENCE_S = 600.0
LOOK_S = 0.5  # between two looks into the lake
Report = dict[str, Any]


def main() -> None:
    given = arguments().parse_args()
    sizes = (10, 1)
    bare = {}
    with bare_route() as (url, _):
        for spans in sizes:
            bare[spans] = traffic(url, given.seconds, spans)
    found: Report = {"bare": bare, "steady": [], "peak_mb": {}}
    with sidecar(found["peak_mb"]) as load:
        found["most"] = {spans: load(given.seconds, spans) for spans in sizes}
        found["half"] = load(given.seconds, 10, found["most"][10]["requests_s"] / 2)
    for rate in given.rates:
        with sidecar(found["peak_mb"]) as load:
            found["steady"].append(load(given.sustained, 10, rate / 10))
    print(json.dumps(found)) if given.json else show(found)


@contextmanager
def sidecar(peaks: dict[str, float]) -> Iterator[Callable[..., Report]]:
    """A fresh sidecar with a fresh lake: a function that puts a load on it.

    At the end its peaks of memory go into `peaks` where they are higher.
    """
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), port=0)
        with running(settings) as address, Lake.open(settings=settings) as lake:
            pids = {"sidecar": address.pid, "drain": drain_of(address.pid)}
            yield partial(part, f"{address.url}/v1/traces", lake, pids)
            for name, pid in pids.items():
                peaks[name] = max(peaks.get(name, 0.0), peak_mb(pid))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sustained", type=float, default=60, help="seconds of each steady rate")
    parser.add_argument("--rates", type=int, nargs="*", default=[5000, 10000], help="spans/s")
    parser.add_argument("--json", action="store_true")
    return parser


@contextmanager
def bare_route() -> Iterator[tuple[str, int]]:
    """What a FastAPI application takes that does nothing with a body: URL and process."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve_bare, args=(port,))
    process.start()
    url = f"http://127.0.0.1:{port}/v1/traces"
    while process.is_alive() and not answers(url):
        time.sleep(0.05)
    try:
        yield url, process.pid or 0
    finally:
        process.terminate()
        process.join()


def serve_bare(port: int) -> None:
    app = FastAPI()

    @app.post("/v1/traces")
    async def read(request: Request) -> dict[str, str]:
        await request.body()
        return {}

    uvicorn.run(app, port=port, access_log=False, log_level="warning")


def part(
    url: str, lake: Lake, pids: dict[str, int], seconds: float, spans: int, rate: float = 0
) -> Report:
    """One load on the sidecar, how the lake followed, and how long it took to have all."""
    before, busy = count(lake), {name: cpu_s(pid) for name, pid in pids.items()}
    process = begun(url, seconds, spans, rate)
    seen: list[tuple[float, int]] = []
    while process.poll() is None:
        seen.append((time.time(), count(lake) - before))
        time.sleep(LOOK_S)
    told, _ = process.communicate()
    report: Report = json.loads(told)
    ended = time.time()
    report["cpu_s"] = {name: cpu_s(pid) - busy[name] for name, pid in pids.items()}
    all_of_it = report["by_when"][-1][1]
    while (now := count(lake) - before) < all_of_it:
        seen.append((time.time(), now))
        if time.time() > ended + PATIENCE_S:
            raise SystemExit(f"the lake stays at {now:,} of {all_of_it:,} acknowledged spans")
        time.sleep(LOOK_S)
    report["caught_up_s"] = time.time() - ended
    lags = [lag for lag in (behind(report["by_when"], *one) for one in seen) if lag is not None]
    report["lag_s"] = max(lags, default=0.0)
    return report | {"spans": now, "extra": now - all_of_it}


def behind(by_when: list[tuple[float, int]], at: float, in_lake: int) -> float | None:
    """How old the first span is that was acknowledged and not yet to be read."""
    waiting = next((when for when, spans in by_when if spans > in_lake), None)
    return None if waiting is None or waiting > at else at - waiting


def count(lake: Lake) -> int:
    return int(lake.rows("select count(*) as spans from spans")[0]["spans"])


def traffic(url: str, seconds: float, spans: int, rate: float = 0) -> Report:
    told, _ = begun(url, seconds, spans, rate).communicate()
    report: Report = json.loads(told)
    return report


def begun(url: str, seconds: float, spans: int, rate: float) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(TRAFFIC), url, "--seed", str(time.time_ns() & 0xFFFF)]
    command += ["--seconds", str(seconds), "--spans", str(spans), "--rate", str(rate)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def drain_of(pid: int) -> int:
    """The drain of a sidecar: its only child."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return next(int(child) for task in tasks for child in (task / "children").read_text().split())


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        return httpx.post(url, content=b"", trust_env=False).is_success
    except httpx.TransportError:
        return False


def show(found: Report) -> None:
    table = Table(title="acknowledged", title_justify="left")
    for name in ("load", "requests/s", "of bare", "spans/s", "p50 ms", "p99 ms", "lag s", "CPU s"):
        table.add_column(name, justify="left" if name == "load" else "right")
    for spans, report in found["bare"].items():
        row(table, f"bare route, {spans} spans", report, report)
    for spans, report in found["most"].items():
        row(table, f"sidecar, {spans} spans", report, found["bare"][spans])
    row(table, "half of that, 10 spans", found["half"], found["bare"][10])
    for report in found["steady"]:
        row(table, f"steady, {report['seconds']:.0f} s", report, found["bare"][10])
    console = Console(width=120)
    console.print(table)
    for name, peak in found["peak_mb"].items():
        console.print(f"peak memory of the {name}: {peak:.0f} MB")
    console.print(f"together: {sum(found['peak_mb'].values()):.0f} MB")


def row(table: Table, name: str, report: Report, bare: Report) -> None:
    refused = sum(n for status, n in report["statuses"].items() if status != "200")
    busy = report.get("cpu_s", {})
    table.add_row(
        name + (f" ({refused} refused)" if refused else ""),
        f"{report['requests_s']:,.0f}",
        f"{report['requests_s'] / bare['requests_s']:.0%}",
        f"{report['spans_s']:,.0f}",
        f"{report['p50_ms']:.1f}",
        f"{report['p99_ms']:.1f}",
        f"{report['lag_s']:.1f}" if "lag_s" in report else "",
        " + ".join(f"{seconds:.1f}" for seconds in busy.values()),
    )


if __name__ == "__main__":
    main()
