"""The works of a sidecar: its lock, its spool, and the drain process it keeps alive."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from headrace.ingest import frugal
from headrace.ingest.errors import AlreadyServing
from headrace.ingest.spool import Spool
from headrace.ingest.tally import Tally
from headrace.lake.settings import Settings, make_home

GRACE_S = 10.0  # to a drain that should have ended by itself: a commit can take seconds
RESTART_S = (0.2, 10.0)  # first and longest pause before a dead drain is started again

log = structlog.get_logger("headrace.ingest")


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Be the only sidecar of a home. Raises AlreadyServing."""
    make_home(home)
    with (home / "sidecar.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyServing(
                f"a sidecar{_where(home)} serves {str(home)!r} already: use that one, stop it, "
                "or give another --home"
            ) from None
        yield


@contextmanager
def works(settings: Settings, tally: Tally) -> Iterator[Spool]:
    """The spool with its drain; at the end what can be drained is. Raises SpoolFailed."""
    with Spool.open(settings) as spool:
        keeper = DrainKeeper(settings, tally)
        try:
            yield spool
        finally:
            keeper.stop()


def stop_s(settings: Settings) -> float:
    """Seconds after a request to stop within which a sidecar has ended."""
    return settings.stop_requests_s + settings.stop_drain_s + GRACE_S


class DrainKeeper:
    """Runs the drain as a process and starts it again whenever it dies."""

    def __init__(self, settings: Settings, tally: Tally) -> None:
        self._settings = settings
        self._tally = tally
        tally.drain_restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drain-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the drain finish, within a deadline; what is left waits in the spool."""
        self._stopping.set()
        with self._changing:
            process = self._process
        if process is not None:
            _let_go(process)
            try:
                process.wait(self._settings.stop_drain_s + GRACE_S)
            except subprocess.TimeoutExpired:
                log.warning("drain_killed", pid=process.pid)
                process.kill()
        self._thread.join()

    def _run(self) -> None:
        first, longest = RESTART_S
        pause = first
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._lived()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > longest:  # it worked well for a while
                pause = first
            log.warning("drain_ended", code=code, restart_in_s=pause)
            self._tally.drain_restarts = (self._tally.drain_restarts or 0) + 1
            self._stopping.wait(pause)
            pause = min(pause * 2, longest)

    def _lived(self) -> int | str | None:
        """How a drain that was started ended; what kept it from starting."""
        try:
            process = self._started()
        except OSError as error:  # no memory or no file handle was left: there may be later
            return errno.errorcode.get(error.errno or 0, type(error).__name__)
        if process is None:
            return None
        code = process.wait()
        self._tally.drain_pid = None
        _let_go(process)
        return code

    def _started(self) -> "subprocess.Popen[bytes] | None":
        with self._changing:
            if self._stopping.is_set():
                return None
            # a session of its own: Ctrl-C reaches the sidecar, which stops the drain last
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headrace.ingest.drain", "--attached"],
                env=frugal.ENVIRONMENT | environment(self._settings),
                stdin=subprocess.PIPE,  # closed to stop it, or by our own death
                start_new_session=True,
            )
            self._tally.drain_pid = self._process.pid
            return self._process


def _let_go(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process reads the same settings."""
    names = {field: f"HEADRACE_{field.upper()}" for field in type(settings).model_fields}
    given = {names[field]: value for field, value in settings.model_dump().items()}
    given["HEADRACE_HOME"] = settings.home.absolute()
    kept = {name: value for name, value in os.environ.items() if name not in names.values()}
    return kept | {name: str(value) for name, value in given.items() if value is not None}


def _where(home: Path) -> str:
    try:
        told = json.loads((home / "sidecar.json").read_text())
        return f" (process {told['pid']}, http://{told['host']}:{told['port']})"
    except (OSError, ValueError, KeyError, TypeError):  # it is only just starting
        return ""
