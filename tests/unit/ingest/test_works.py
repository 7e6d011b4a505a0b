"""The works: one sidecar per home, and a drain that is kept alive."""

import errno
import io
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from headrace.ingest import works as module
from headrace.ingest.errors import AlreadyServing
from headrace.ingest.tally import Tally
from headrace.ingest.works import DrainKeeper, alone, environment
from headrace.lake.settings import Settings

PATIENCE_S = 30


def test_a_home_has_one_sidecar_at_a_time(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    with alone(home), pytest.raises(AlreadyServing, match="stop it, or give another --home"):
        with alone(home):
            pytest.fail("two")
    with alone(home), alone(tmp_path / "other"):
        assert home.is_dir()


def test_a_sidecar_that_failed_leaves_the_home_free(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), alone(tmp_path):
        raise RuntimeError("it failed")
    with alone(tmp_path):
        assert (tmp_path / "sidecar.lock").exists()


@pytest.mark.parametrize(
    ("announced", "words"),
    [
        (
            '{"host": "127.0.0.1", "port": 4318, "pid": 77}',
            r"\(process 77, http://127.0.0.1:4318\)",
        ),
        ('{"host": "127.0.0.1"', "a sidecar serves"),
        ('{"host": "127.0.0.1"}', "a sidecar serves"),
        ("\udcff", "a sidecar serves"),
        ("[]", "a sidecar serves"),
        ("null", "a sidecar serves"),
        (None, "a sidecar serves"),
    ],
)
def test_whoever_comes_second_is_told_where_the_first_is(
    tmp_path: Path, announced: str | None, words: str
) -> None:
    if announced is not None:
        (tmp_path / "sidecar.json").write_bytes(announced.encode(errors="surrogateescape"))
    with alone(tmp_path), pytest.raises(AlreadyServing, match=words):
        with alone(tmp_path):
            pytest.fail("two")


SETTINGS = [
    Settings(),
    Settings(home=Path("a b/ü"), port=0, lock_timeout_s=0.25, body_bytes=1, drain_rows=7),
    Settings(catalog="postgres:dbname=x host=y", data="s3://bucket/a=b/", host="::1"),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["default", "numbers", "texts"])
def test_another_process_reads_the_same_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stood in our own environment before."""
    for name in ("HEADRACE_CATALOG", "HEADRACE_DATA", "HEADRACE_HOST", "HEADRACE_HOME"):
        monkeypatch.setenv(name, "from elsewhere")
    monkeypatch.setenv("UNRELATED", "kept")
    given = environment(settings)
    assert given["UNRELATED"] == "kept"
    monkeypatch.setattr(os, "environ", given)
    same = settings.model_copy(update={"home": settings.home.absolute()})
    assert Settings.load() == same


class Pipe(io.BytesIO):
    def __init__(self, closing: Callable[[], None]) -> None:
        self._closing = closing

    def close(self) -> None:
        super().close()
        self._closing()


class Process:
    """A stand-in for a drain process: it ends when told, or when its stdin is closed."""

    def __init__(self, clock: "Clock", lives: float | None, deaf: bool = False) -> None:
        self.pid = 77
        self.stdin = Pipe(lambda: None if deaf else self._ended.set())
        self.killed = False
        self._clock = clock
        self._lives = lives
        self._deaf = deaf
        self._ended = threading.Event()

    def wait(self, timeout: float | None = None) -> int:
        if self._lives is not None:
            self._clock.now += self._lives
            return 9
        if timeout is None:
            assert self._ended.wait(PATIENCE_S)
            return 0
        if self._deaf:
            raise subprocess.TimeoutExpired("drain", timeout)
        return 0

    def kill(self) -> None:
        self.killed = True
        self._ended.set()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


Drains = Callable[..., list[Process]]


@pytest.fixture
def drains(monkeypatch: pytest.MonkeyPatch) -> Drains:
    """Makes each start of a drain give the next of some processes; the started ones are listed.

    A number is a drain that dies after so many seconds, an error one that cannot be started.
    """

    def work(*lives: float | OSError | None, deaf: bool = False) -> list[Process]:
        clock, left, started = Clock(), list(lives), list[Process]()

        def start(command: list[str], **given: Any) -> Process:
            assert command[1:] == ["-m", "headrace.ingest.drain", "--attached"]
            assert given["stdin"] == subprocess.PIPE
            life = left.pop(0)
            if isinstance(life, OSError):
                raise life
            process = Process(clock, life, deaf)
            started.append(process)
            return process

        fake = SimpleNamespace(
            Popen=start, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired
        )
        monkeypatch.setattr(module, "subprocess", fake)
        monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(module, "RESTART_S", (0.001, 0.004))
        return started

    return work


def kept(settings: Settings, started: list[Process], wanted: int) -> list[float]:
    """Keep a drain until so many were started; the pauses before each restart."""
    tally = Tally()
    with capture_logs() as told:
        keeper = DrainKeeper(settings, tally)
        while len(started) < wanted:
            keeper._stopping.wait(0.001)
        keeper.stop()
    assert not keeper._thread.is_alive()
    pauses = [line["restart_in_s"] for line in told if line["event"] == "drain_ended"]
    assert (tally.drain_restarts, tally.drain_pid) == (len(pauses), None)
    return pauses


def test_a_drain_that_dies_is_started_again_after_longer_and_longer_pauses(
    tmp_path: Path, drains: Drains
) -> None:
    started = drains(0, 0, 0, 0, None)
    assert kept(Settings(home=tmp_path), started, 5) == [0.001, 0.002, 0.004, 0.004]
    assert all(process.stdin.closed for process in started)


def test_a_drain_that_worked_for_a_while_is_started_again_soon(
    tmp_path: Path, drains: Drains
) -> None:
    started = drains(0, 0, 60.0, 0, None)
    assert kept(Settings(home=tmp_path), started, 5) == [0.001, 0.002, 0.001, 0.002]


def test_a_drain_that_cannot_be_started_is_tried_again(tmp_path: Path, drains: Drains) -> None:
    started = drains(0, OSError(errno.EMFILE, "handles"), OSError(errno.ENOMEM, "memory"), None)
    assert kept(Settings(home=tmp_path), started, 2) == [0.001, 0.002, 0.004]


def test_a_drain_is_asked_to_stop_and_not_started_again(tmp_path: Path, drains: Drains) -> None:
    started = drains(None)
    assert kept(Settings(home=tmp_path), started, 1) == []
    assert (started[0].stdin.closed, started[0].killed) == (True, False)


def test_a_drain_that_does_not_stop_in_time_is_killed(tmp_path: Path, drains: Drains) -> None:
    started = drains(None, deaf=True)
    assert kept(Settings(home=tmp_path), started, 1) == []
    assert started[0].killed
