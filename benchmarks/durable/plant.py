"""A home with its sidecar and drain as processes that can be killed at any moment."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, TypeVar

from headrace.ingest.works import environment
from headrace.lake.settings import Settings, make_home

PATIENCE_S = 120.0
SIDECAR = ("-m", "headrace.ingest.sidecar")
DRAIN = ("-m", "headrace.ingest.drain")

T = TypeVar("T")


def awaited(look: Callable[[], T | None], what: str, seconds: float = PATIENCE_S) -> T:
    """The first result that is true of looking again and again. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.005)  # between two looks
    raise TimeoutError(f"{what}: not within {seconds:g} s")


class Plant:
    """Starts, kills and asks the processes of one home. Linux: they are found through /proc."""

    def __init__(self, settings: Settings, sidecar: tuple[str, ...] = SIDECAR) -> None:
        self.settings = settings
        self.port: int | None = None  # None: nobody serves
        self._sidecar = sidecar
        self._told = settings.home.with_name("sidecar.log")  # not in the home: its disk may be full
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self._told.read_text(errors="replace")

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("no sidecar was started")
        return self._process.pid

    def launch(self) -> None:
        """Start a sidecar without waiting for it."""
        self._process = self.spawn(self._sidecar)

    def spawn(self, arguments: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        make_home(self.settings.home)
        with self._told.open("ab") as told:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=environment(self.settings),
                stdin=subprocess.DEVNULL,
                stderr=told,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start a sidecar; returns once it is ready to receive."""
        self.launch()
        self.port = awaited(self._announced, "the sidecar is ready")

    def kill(self) -> None:
        """SIGKILL the sidecar; its drain lives on until it sees that."""
        if self._process is not None:
            self.port = None
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask the sidecar to stop and wait: its drain writes what is left."""
        if self._process is not None:
            self.port = None
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def end(self) -> None:
        """Leave no process behind."""
        self.kill()
        for pid in self.drains():
            self.signal(pid, signal.SIGKILL)

    def drains(self) -> list[int]:
        """Processes that drain this home, or wait for their turn, whoever started them."""
        home = f"HEADRACE_HOME={self.settings.home.absolute()}".encode()
        return [pid for pid in _pids() if _is_drain(pid, home)]

    def signal_drains(self, number: signal.Signals) -> int:
        """Send a signal to every drain; how many there were."""
        return sum(self.signal(pid, number) for pid in self.drains())

    def signal(self, pid: int, number: signal.Signals) -> bool:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def status(self) -> dict[str, Any] | None:
        """What the sidecar says of itself; None where it does not answer."""
        try:
            status: dict[str, Any] = json.loads(_get(self.port or 0, "/v1/status"))
        except (OSError, HTTPException, ValueError):
            return None
        return status

    def drained_some(self) -> bool:
        """Whether the drain has written something by now."""
        return any(((self.status() or {}).get("lake") or {}).values())

    def drained(self) -> None:
        """Wait until everything acknowledged is in the lake."""
        awaited(lambda: (self.status() or {}).get("spool", {}).get("depth") == 0, "drained")

    def _announced(self) -> int | None:
        process = self._process
        if process is None or process.poll() is not None:
            raise RuntimeError(f"the sidecar ended: {self.log[-500:]}")
        try:
            told = json.loads((self.settings.home / "sidecar.json").read_bytes())
            if told["pid"] != process.pid:
                return None
            _get(told["port"], "/healthz")
        except (OSError, HTTPException, ValueError):
            return None
        return int(told["port"])


def _get(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _is_drain(pid: int, home: bytes) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if DRAIN[1].encode() not in words:
            return False
        return home in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile
        return False
