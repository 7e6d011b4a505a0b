"""What an idle sidecar costs: `python benchmarks/idle.py [--seconds 30] [--runs 5]`.

Start to ready, against the bare import of its web server on the same machine; then CPU seconds and
memory of every process while nothing comes in, while a monitor asks for its metrics each second,
and while somebody asks for its status each second. Linux only: it reads /proc.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from headrace.ingest.sidecar import Address, running
from headrace.lake.settings import Settings

BARE = [sys.executable, "-c", "import fastapi, uvicorn"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    bare, ready = [], []
    for _ in range(given.runs):  # in turns: a busy machine slows both
        bare.append(seconds(lambda: subprocess.run(BARE, check=True)))
        ready.append(started())
    told, base = statistics.median(ready), statistics.median(bare)
    print(f"start to ready: median {told:.2f} s, worst {max(ready):.2f} s of {given.runs}")
    print(f"import fastapi, uvicorn: median {base:.2f} s; ratio {told / base:.2f}")
    with tempfile.TemporaryDirectory() as home, running(Settings(home=Path(home), port=0)) as at:
        settle(at)
        watch("idle", at, given.seconds, None)
        watch("scraped each second", at, given.seconds, "/metrics")
        get(at, "/v1/status")  # the first one opens the lake
        watch("status asked each second", at, given.seconds, "/v1/status")


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def started() -> float:
    """Seconds from the start of a process on a fresh home until it answers ready."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, running(Settings(home=Path(home), port=0)):
        return time.perf_counter() - begun


def settle(at: Address) -> None:
    """Wait until the drain has opened the lake."""
    while "headrace_dead_letters_kept" not in get(at, "/metrics"):
        time.sleep(0.2)
    time.sleep(2.0)


def watch(what: str, at: Address, seconds: float, path: str | None) -> None:
    names = {"receiver": at.pid, "drain": child(at.pid)}
    before = {name: cpu_s(pid) for name, pid in names.items()}
    begun = time.monotonic()
    while (left := begun + seconds - time.monotonic()) > 0:
        if path is not None:
            get(at, path)
        time.sleep(min(left, 1.0 if path else left))
    for name, pid in names.items():
        used = cpu_s(pid) - before[name]
        share = 100 * used / (time.monotonic() - begun)
        resident, own = memory_mib(pid, "Rss:"), memory_mib(pid, "Pss:")
        print(
            f"{what}: {name} {used:.2f} CPU s, {share:.2f} %, "
            f"{resident:.0f} MiB resident, {own:.0f} with shared pages divided"
        )


def get(at: Address, path: str) -> str:
    return httpx.get(at.url + path, trust_env=False, timeout=30).raise_for_status().text


def child(pid: int) -> int:
    """The drain: the only child of a sidecar."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    [found] = {int(one) for task in tasks for one in (task / "children").read_text().split()}
    return found


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int, kind: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


if __name__ == "__main__":
    main()
