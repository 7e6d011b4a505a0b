"""The sidecar: one process that receives, one that drains, on one address for one home."""

import errno
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec
import structlog
import uvicorn

from headrace.ingest import log as logs
from headrace.ingest.app import create_app
from headrace.ingest.errors import OpenAddress, PortTaken, SidecarFailed
from headrace.ingest.gate import Gate
from headrace.ingest.tally import Tally
from headrace.ingest.wire import wire
from headrace.ingest.works import alone, environment, stop_s, works
from headrace.lake.errors import HeadraceError, SettingsError
from headrace.lake.settings import Settings, make_home

KEEP_ALIVE_S = 75  # exporters send every few seconds up to a minute
START_S = 60.0
STOP_S = 5.0  # beyond what the requests in flight, the drain and its grace take

log = structlog.get_logger("headrace.ingest")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sidecar listens."""

    host: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def serve(settings: Settings) -> None:
    """Receive and drain until SIGTERM or SIGINT; then drain what is left, within a deadline.

    To be called from the main thread. Raises BadKeys, OpenAddress, AlreadyServing, PortTaken,
    SpoolFailed, SettingsError.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _quit)
    logs.configure(settings.log_format)
    gate, tally = Gate(settings), Tally()
    with (
        alone(settings.home),
        _listening(settings.host, settings.port, keyed=gate.keyed) as listener,
        works(settings, tally) as spool,
        _announced(settings.home, listener) as address,
    ):
        config = uvicorn.Config(
            create_app(settings, spool, gate=gate, tally=tally),
            log_config=None,
            access_log=False,
            server_header=False,
            http=wire(settings.read_timeout_s),
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=settings.stop_requests_s,
        )
        _run(uvicorn.Server(config), listener, address)
    log.info("stopped", url=address.url)


@contextmanager
def running(settings: Settings) -> Iterator[Address]:
    """A sidecar in a process of its own, ready to receive; stopped at the end.

    With port 0 it takes a free port. Its log is `sidecar.log` in the home.
    Raises SidecarFailed with its last words.
    """
    make_home(settings.home)
    with (settings.home / "sidecar.log").open("ab") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "headrace.ingest.sidecar"],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,
        )
    try:
        yield _ready(process, settings.home)
    finally:
        process.terminate()
        try:
            process.wait(stop_s(settings) + STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _run(server: uvicorn.Server, listener: socket.socket, address: Address) -> None:
    def leave(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn raises the signal once more when it has stopped: only the drain is left to do then
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    log.info("serving", url=address.url)
    server.run(sockets=[listener])


def _quit(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(0)


@contextmanager
def _listening(host: str, port: int, *, keyed: bool = False) -> Iterator[socket.socket]:
    family, place = _place(host, port, keyed=keyed)
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen(2048)
        except OSError as error:
            raise _taken(host, port, error) from error
        yield listener


def _place(
    host: str, port: int, *, keyed: bool
) -> tuple[socket.AddressFamily, tuple[str | int | bytes, ...]]:
    """The first address of a host; without keys all of them must be this machine's own."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a label over 63 characters is a UnicodeError
        raise SettingsError(
            f"HEADRACE_HOST={host!r} is no address of this machine: use 127.0.0.1"
        ) from error
    for *_, place in found:
        if not (keyed or ipaddress.ip_address(str(place[0]).partition("%")[0]).is_loopback):
            raise OpenAddress(
                f"{host!r} can be reached from other machines, and without API keys anyone there "
                "could write: make a key with `headrace key add NAME`, or use --host 127.0.0.1"
            )
    family, _, _, _, place = found[0]
    return family, place


def _taken(host: str, port: int, error: OSError) -> PortTaken:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"port {port} of {host} is taken by another program (another sidecar, an "
            "OpenTelemetry collector?): stop it, or choose a port with --port"
        )
    return PortTaken(f"port {port} of {host} cannot be used ({error.strerror}): choose another")


@contextmanager
def _announced(home: Path, listener: socket.socket) -> Iterator[Address]:
    """Write where the sidecar listens to `sidecar.json` in its home."""
    host, port = listener.getsockname()[:2]
    address = Address(host=host, port=port, pid=os.getpid())
    file = home / "sidecar.json"
    draft = file.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(address))
    draft.replace(file)
    try:
        yield address
    finally:
        file.unlink(missing_ok=True)


def _ready(process: "subprocess.Popen[bytes]", home: Path) -> Address:
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        address = _announcement(home)
        if address is not None and address.pid == process.pid and _answers(address):
            return address
        time.sleep(0.05)
    lines = (home / "sidecar.log").read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it said nothing"
    raise SidecarFailed(f"the sidecar of {str(home)!r} did not come up: {last}")


def _announcement(home: Path) -> Address | None:
    try:
        return msgspec.json.decode((home / "sidecar.json").read_bytes(), type=Address)
    except FileNotFoundError:
        return None


def _answers(address: Address) -> bool:
    import httpx  # a sidecar serves, it asks nobody: a tenth of a second of its start

    try:
        return httpx.get(f"{address.url}/readyz", timeout=10.0, trust_env=False).is_success
    except httpx.TransportError:
        return False


def main() -> int:
    """`python -m headrace.ingest.sidecar`, settings from the environment."""
    try:
        serve(Settings.load())
    except HeadraceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
