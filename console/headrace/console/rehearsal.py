"""The demo's acts: real runs over real HTTP, two nights with late outcomes between them."""

import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from headrace.console.replay import post_outcomes, post_traces
from headrace.console.sample import Run, observed_tools, runs
from headrace.curate.silver import key
from headrace.flows.night import Night
from headrace.flows.nightly import run as run_night
from headrace.ingest import sidecar
from headrace.lake.errors import HeadraceError
from headrace.lake.settings import Settings, make_home

KEY = bytes(range(32))  # the people of the sample are made up: every demo gives the same data sets
MARK = ".headrace-demo"  # a folder that holds it may be written anew
DRAIN_S = 300.0
PROMPT = timedelta(minutes=10)
LATE = timedelta(days=1)
# whatever stands in the environment, the demo has a sidecar of its own that lets it in
ALONE = {"port": 0, "keys": None, "key_requests_per_s": None, "key_bytes_per_s": None}

Told = Callable[[str], None]


class DemoError(HeadraceError):
    """The demo cannot run here."""


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo did, for the report."""

    settings: Settings
    sample: tuple[Run, ...]
    late: tuple[Run, ...]
    first: Night
    second: Night


def play(out: Path, *, now: datetime, told: Told) -> Played:
    """The whole wheel into `out`; `told` hears what is going on. Raises DemoError."""
    prepare(out)
    settings = Settings.load(out / "lake").model_copy(update=ALONE)
    sample = runs(now)
    make_home(settings.home)
    for project in sorted({run.project for run in sample}):
        key.lay(settings.home, project, KEY)
    late = [run for run in latest(sample) if int(run.run_id, 16) % 5 == 0]
    prompt = [run for run in sample if run not in late]
    with sidecar.running(settings) as address, _client(address) as client:
        _replay(client, sample, told)
        post_outcomes(client, prompt, delay=PROMPT)
        _drained(client, told)
        told("first night")
        first = run_night(settings, until=now, out=out / "datasets")
        post_outcomes(client, late, delay=LATE)
        _drained(client, told)
    told("second night, with the outcomes that came late")
    second = run_night(settings, until=now + LATE, out=out / "datasets")
    return Played(
        settings=settings, sample=tuple(sample), late=tuple(late), first=first, second=second
    )


def prepare(out: Path) -> None:
    """An empty folder that is ours. Raises DemoError where something else lies there."""
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise DemoError(f"{str(out)!r} holds other files: name another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()


def latest(sample: Sequence[Run]) -> list[Run]:
    """The runs of each project's newest release."""
    newest = {run.project: run.release for run in sorted(sample, key=lambda run: run.started_at)}
    return [run for run in sample if newest[run.project] == run.release]


def _client(address: sidecar.Address) -> httpx.Client:
    return httpx.Client(base_url=address.url, timeout=60.0, trust_env=False)


def _replay(client: httpx.Client, sample: Sequence[Run], told: Told) -> None:
    done = 0

    def sent() -> None:
        nonlocal done
        done += 1
        told(f"replaying runs as OTLP over HTTP: {done} of {len(sample)}")

    for project in sorted({run.project for run in sample}):
        ours = [run for run in sample if run.project == project]
        post_traces(client, ours, observed_tools(ours), sent)


def _drained(client: httpx.Client, told: Told) -> None:
    """Wait until the lake has all that was acknowledged. Raises DemoError after `DRAIN_S`."""
    deadline = time.monotonic() + DRAIN_S
    while (waiting := client.get("/v1/status").json()["spool"]["depth"]) > 0:
        told(f"the drain writes to the lake: {waiting} requests wait")
        if time.monotonic() > deadline:
            raise DemoError(f"{waiting} requests still wait in the spool after {DRAIN_S:g} s")
        time.sleep(0.2)
