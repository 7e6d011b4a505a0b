"""The keys in force while a sidecar runs: changes are noticed soon, and cost next to nothing."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from headrace.ingest import keyfile
from headrace.ingest.errors import BadKeys
from headrace.ingest.key import Cost, Entry, minted
from headrace.ingest.keyring import LOOK_S, Keyring

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def entry(name: str = "ci") -> Entry:
    return minted(name, ("ingest",), None, NOW, Cost(n=2, r=1))[0]


class Watch:
    """A clock that stands until it is set on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Ring(Keyring):
    def __init__(self, path: Path, *, demanded: bool = False) -> None:
        self.watch = Watch()
        super().__init__(path, demanded=demanded, clock=self.watch)

    def names(self) -> list[str]:
        """After the time between two looks."""
        self.watch.now += LOOK_S
        self.look()
        return [entry.key.name for entry in self.entries.values()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_added_and_revoked_keys_are_noticed(path: Path) -> None:
    ring = Ring(path)
    assert (ring.names(), ring.required) == ([], False)
    keyfile.add(path, entry("a"))
    assert (ring.names(), ring.required) == (["a"], True)
    keyfile.add(path, entry("b"))
    assert ring.names() == ["a", "b"]
    keyfile.revoke(path, "a")
    assert ring.names() == ["b"]


def test_from_a_change_to_its_effect_is_less_than_a_second() -> None:
    assert LOOK_S < 1


def test_between_two_looks_nothing_is_asked_of_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Ring(path)
    looks: list[Path] = []
    monkeypatch.setattr(keyfile, "state", lambda path: looks.append(path))
    for _ in range(1000):
        ring.watch.now += LOOK_S / 100
        ring.look()
    assert 9 <= len(looks) <= 10


def test_a_file_that_stays_the_same_is_not_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyfile.add(path, entry())
    ring = Ring(path)
    monkeypatch.setattr(keyfile, "read", lambda _: pytest.fail("it was read"))
    assert ring.names() == ring.names() == ["ci"]


def test_a_key_that_stays_is_the_same_object(path: Path) -> None:
    keyfile.add(path, entry("a"))
    ring = Ring(path)
    [old] = ring.entries.values()
    keyfile.add(path, entry("b"))
    assert ring.names() == ["a", "b"]
    assert ring.entries[old.key.id] is old


def test_a_key_that_is_replaced_under_its_id_is_another(path: Path) -> None:
    old = entry("a")
    keyfile.add(path, old)
    ring = Ring(path)
    stranger = Entry(key=old.key, seal=entry().seal)
    keyfile.revoke(path, "a")
    keyfile.add(path, stranger)
    assert ring.names() == ["a"]
    assert ring.entries[old.key.id] == stranger != old


@pytest.mark.parametrize("how", ["revoked", "deleted"])
def test_without_the_last_key_the_door_stays_shut(path: Path, how: str) -> None:
    keyfile.add(path, entry())
    ring = Ring(path)
    keyfile.revoke(path, "ci") if how == "revoked" else path.unlink()
    assert (ring.names(), ring.required) == ([], True)
    keyfile.add(path, entry("new"))
    assert ring.names() == ["new"]


def damage(path: Path) -> None:
    path.write_bytes(b'{"version": 1, "keys": [')


def expose(path: Path) -> None:
    path.chmod(0o666)


def fold(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("fault", [damage, expose, fold], ids=lambda fault: str(fault.__name__))
def test_a_file_that_can_no_longer_be_read_leaves_the_last_keys(path: Path, fault: Any) -> None:
    keyfile.add(path, entry())
    ring = Ring(path)
    fault(path)
    with structlog.testing.capture_logs() as logs:
        assert [ring.names() for _ in range(3)] == [["ci"]] * 3
    [told] = logs  # once, however often it is looked at
    assert (told["event"], told["log_level"], told["in_force"]) == ("keys_unreadable", "error", 1)
    assert "keys.json" in told["error"]
    path.rmdir() if path.is_dir() else path.unlink()
    keyfile.add(path, entry("mended"))
    assert ring.names() == ["mended"]


def test_a_file_that_was_never_whole_opens_nothing(path: Path) -> None:
    ring = Ring(path)
    damage(path)
    assert (ring.names(), ring.required) == ([], False)  # as it was
    path.unlink()
    keyfile.add(path, entry())
    assert (ring.names(), ring.required) == (["ci"], True)


def test_a_fault_that_passes_is_tried_again_without_a_change(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyfile.add(path, entry("a"))
    ring = Ring(path)
    keyfile.add(path, entry("b"))

    def broken(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as short:
        short.setattr(os, "open", broken)
        assert ring.names() == ["a"]
    assert ring.names() == ["a", "b"]


def test_a_disk_that_does_not_answer_leaves_the_last_keys(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyfile.add(path, entry())
    ring = Ring(path)

    def broken(path: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as away:
        away.setattr(keyfile, "state", broken)
        assert ring.names() == ["ci"]
    assert ring.names() == ["ci"]


def test_a_mount_that_switches_its_link_is_noticed(path: Path) -> None:
    """As Kubernetes brings a new version of a secret."""
    for version in ("one", "two"):
        folder = path.parent / version
        folder.mkdir()
        keyfile.add(folder / "keys.json", entry(version))
    current = path.parent / "..data"
    current.symlink_to("one")
    path.symlink_to("..data/keys.json")
    ring = Ring(path, demanded=True)
    assert ring.names() == ["one"]
    draft = path.parent / "..data_tmp"
    draft.symlink_to("two")
    draft.replace(current)
    assert ring.names() == ["two"]


def test_what_was_named_must_exist(path: Path) -> None:
    with pytest.raises(BadKeys, match=r"HEADRACE_KEYS names does not exist.*headrace key add"):
        Ring(path, demanded=True)
    keyfile.add(path, entry())
    assert Ring(path, demanded=True).names() == ["ci"]


def test_with_a_damaged_file_there_is_no_start(path: Path) -> None:
    damage(path)
    with pytest.raises(BadKeys, match="damaged"):
        Ring(path)
