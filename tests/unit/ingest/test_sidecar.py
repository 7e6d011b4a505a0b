"""Where a sidecar listens, and how it says so."""

import json
import os
import socket
from pathlib import Path

import pytest

from headrace.ingest import sidecar
from headrace.ingest.errors import OpenAddress, PortTaken
from headrace.ingest.sidecar import Address
from headrace.lake.errors import SettingsError


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:4318"),
        ("::1", "http://[::1]:4318"),
        ("localhost", "http://localhost:4318"),
    ],
)
def test_an_address_is_a_url_that_clients_can_use(host: str, url: str) -> None:
    assert Address(host=host, port=4318, pid=1).url == url


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "127.8.9.10", "::1", "localhost"])
def test_without_keys_this_machine_can_be_served(host: str) -> None:
    _, (place, port, *_) = sidecar._place(host, 4318, keyed=False)
    assert str(place).startswith("127.") or place == "::1"
    assert port == 4318


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "0", "::", "10.0.0.1", "8.8.8.8", "::ffff:0.0.0.0", "fe80::1", "0x0"]
)
def test_without_keys_no_address_is_served_that_others_reach(host: str) -> None:
    with pytest.raises(OpenAddress, match=r"without API keys.*key add.*--host 127\.0\.0\.1"):
        sidecar._place(host, 4318, keyed=False)


@pytest.mark.parametrize("host", ["", " ", "127.0.0.1:4318", "http://localhost", "a" * 300])
def test_what_is_no_address_is_told_with_the_cure(host: str) -> None:
    with pytest.raises(SettingsError, match=r"HEADRACE_HOST=.*use 127\.0\.0\.1"):
        sidecar._place(host, 4318, keyed=False)


def test_port_zero_is_any_free_port_and_a_taken_one_is_told() -> None:
    with sidecar._listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        with pytest.raises(PortTaken, match=f"port {port} .* taken .* --port"):
            with sidecar._listening("127.0.0.1", port):
                pytest.fail("two")
    with sidecar._listening("127.0.0.1", port) as again:  # it was given back
        assert again.getsockname()[1] == port


def test_an_address_that_may_not_be_used_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: socket.socket, place: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    with pytest.raises(PortTaken, match=r"\(Permission denied\): choose another"):
        with sidecar._listening("127.0.0.1", 80):
            pytest.fail("it listens")


def test_a_sidecar_announces_where_it_listens_as_long_as_it_does(tmp_path: Path) -> None:
    file = tmp_path / "sidecar.json"
    file.write_text("left by one that was killed")
    with sidecar._listening("127.0.0.1", 0) as listener:
        with pytest.raises(RuntimeError), sidecar._announced(tmp_path, listener) as address:
            told = json.loads(file.read_text())
            assert told == {"host": "127.0.0.1", "port": address.port, "pid": os.getpid()}
            assert sidecar._announcement(tmp_path) == address
            assert listener.getsockname()[1] == address.port
            raise RuntimeError("it failed")
    assert sidecar._announcement(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_an_address_where_nobody_answers_does_not_answer() -> None:
    with sidecar._listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    assert not sidecar._answers(Address(host="127.0.0.1", port=port, pid=1))


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "99999"), ("PORT", "web"), ("SPOOL_BYTES", "1"), ("DRAIN_ROWS", "0")],
)
def test_a_bad_setting_is_one_line_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(f"HEADRACE_{name}", value)
    assert sidecar.main() == 1
    told = capsys.readouterr().err
    assert told.startswith(f"HEADRACE_{name}='{value}'")
    assert (len(told.splitlines()), "Traceback" in told) == (1, False)
