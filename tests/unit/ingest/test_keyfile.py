"""The file of API keys: whole at every moment, for its owner alone, closed when in doubt."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.ingest import keyfile
from headrace.ingest.errors import BadKeys, UnfitKey, UnknownKey
from headrace.ingest.key import Cost, Entry, minted

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def entry(name: str = "ci", project: str | None = None) -> Entry:
    return minted(name, ("ingest",), project, NOW, Cost(n=2, r=1))[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def umask() -> Iterator[None]:
    """Of a person who lets everybody in."""
    old = os.umask(0)
    yield
    os.umask(old)


def names(path: Path) -> list[str]:
    return [found.key.name for found in keyfile.read(path)[0]]


def test_what_was_added_is_read_in_its_order(path: Path) -> None:
    made = [entry("b"), entry("a", "support"), entry("c")]
    for one in made:
        keyfile.add(path, one)
    assert keyfile.read(path)[0] == tuple(made)


def test_where_there_is_no_file_there_are_no_keys(path: Path) -> None:
    assert keyfile.read(path) == ((), None)
    assert keyfile.state(path) is None


@pytest.mark.usefixtures("umask")
def test_the_file_is_for_its_owner_alone_whatever_the_umask(path: Path) -> None:
    keyfile.add(path, entry())
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {file.name for file in path.parent.iterdir()} == {"keys.json", "keys.json.lock"}


@pytest.mark.usefixtures("umask")
def test_a_draft_that_was_left_behind_lends_its_mode_to_nothing(path: Path) -> None:
    path.with_name("keys.json.draft").write_text("left by one that was killed")
    keyfile.add(path, entry())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path) == ["ci"]


def test_a_key_goes_by_id_by_name_or_by_its_text(path: Path) -> None:
    made = [minted(name, ("ingest",), None, NOW, Cost(n=2, r=1)) for name in "abcd"]
    for one, _ in made:
        keyfile.add(path, one)
    assert keyfile.revoke(path, made[0][0].key.id) == (made[0][0], 3)
    assert keyfile.revoke(path, "b") == (made[1][0], 2)
    assert keyfile.revoke(path, made[2][1]) == (made[2][0], 1)
    assert names(path) == ["d"]
    assert keyfile.revoke(path, "d") == (made[3][0], 0)
    assert names(path) == []


def test_an_unknown_key_is_told_without_its_secret(path: Path) -> None:
    keyfile.add(path, entry())
    _, text = minted("x", ("read",), None, NOW, Cost(n=2, r=1))
    with pytest.raises(UnknownKey, match=f"no key '{text[3:15]}': `headrace key list`") as told:
        keyfile.revoke(path, text)
    assert text[16:] not in str(told.value)
    assert names(path) == ["ci"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a" * 201, "hr_1", "\x00", "my hr_key"])
def test_a_name_that_cannot_be_told_is_refused(path: Path, name: str) -> None:
    with pytest.raises(UnfitKey, match="1 to 200 printable characters"):
        keyfile.add(path, entry(name))
    assert not path.exists()


@pytest.mark.parametrize("project", ["a\nb", "a" * 201])
def test_a_project_that_the_lake_cannot_have_is_refused(path: Path, project: str) -> None:
    with pytest.raises(UnfitKey, match="a project has at most 200"):
        keyfile.add(path, entry("ci", project))


def test_a_name_is_given_once(path: Path) -> None:
    first = entry("ci")
    keyfile.add(path, first)
    for name in ("ci", first.key.id):
        with pytest.raises(UnfitKey, match=f"exists.*headrace key revoke {name}"):
            keyfile.add(path, entry(name))
    assert names(path) == ["ci"]
    keyfile.revoke(path, "ci")
    keyfile.add(path, entry("ci"))


def whole(*entries: Entry) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(keyfile.KeyFile(keys=entries))
    return document


def changed(**fields: Any) -> dict[str, Any]:
    document = whole(entry())
    for name, value in fields.items():
        document["keys"][0][name] |= value
    return document


DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "cut": msgspec.json.encode(whole(entry()))[:-20],
    "no JSON": b"keys:\n- ci\n",
    "zeros": bytes(4096),
    "no UTF-8": b'{"version":1,"keys":[{"key":{"name":"\xff"}}]}',
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "newer": msgspec.json.encode(whole() | {"version": 2}),
    "more than is known": msgspec.json.encode(whole() | {"groups": []}),
    "one id twice": msgspec.json.encode(whole() | {"keys": whole(entry())["keys"] * 2}),
    "unknown scope": msgspec.json.encode(changed(key={"scopes": ["s3cret"]})),
    "scope missing": msgspec.json.encode(changed(key={"scopes": None})),
    "a hash of no base64": msgspec.json.encode(changed(seal={"hash": "s3cret!"})),
    "scrypt that eats the machine": msgspec.json.encode(
        changed(seal={"cost": {"n": 2**30, "r": 8, "p": 1}})
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_no_keys_file(path: Path, name: str) -> None:
    path.write_bytes(DAMAGED[name])
    path.chmod(0o600)
    works = (
        lambda: keyfile.read(path),
        lambda: keyfile.add(path, entry("new")),
        lambda: keyfile.revoke(path, "ci"),
    )
    for work in works:
        with pytest.raises(BadKeys, match=r"keys\.json' is damaged \(.*headrace key add") as told:
            work()
        assert "s3cret" not in str(told.value)
        assert len(str(told.value).splitlines()) == 1
    assert path.read_bytes() == DAMAGED[name]


def test_a_file_beyond_all_measure_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyfile, "BYTES", 100)
    keyfile.add(path, entry())
    with pytest.raises(BadKeys, match="more than 100 bytes"):
        keyfile.read(path)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_trusted(path: Path, mode: int) -> None:
    keyfile.add(path, entry())
    path.chmod(mode)
    with pytest.raises(BadKeys, match="give themselves keys: chmod 600"):
        keyfile.read(path)


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o444, 0o640])
def test_a_file_as_secrets_are_mounted_is_read(path: Path, mode: int) -> None:
    keyfile.add(path, entry())
    path.chmod(mode)
    assert names(path) == ["ci"]


def test_a_pipe_is_no_keys_file_and_nobody_waits_for_it(path: Path) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(BadKeys, match="is no file: name a keys file with HEADRACE_KEYS"):
        keyfile.read(path)


def test_a_folder_is_no_keys_file(path: Path) -> None:
    path.mkdir()
    for work in (lambda: keyfile.read(path), lambda: keyfile.add(path, entry())):
        with pytest.raises(BadKeys, match="HEADRACE_KEYS"):
            work()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_file_that_may_not_be_read_is_told(path: Path) -> None:
    keyfile.add(path, entry())
    path.chmod(0)
    with pytest.raises(BadKeys, match=r"cannot be read \(Permission denied\)"):
        keyfile.read(path)


def test_without_its_folder_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadKeys, match=r"cannot be written \(No such file.*HEADRACE_KEYS"):
        keyfile.add(tmp_path / "no" / "keys.json", entry())


def test_a_link_stays_a_link(path: Path) -> None:
    real = path.with_name("real.json")
    path.symlink_to(real.name)
    keyfile.add(path, entry("a"))
    keyfile.add(real, entry("b"))
    assert path.is_symlink() and not real.is_symlink()
    assert names(path) == names(real) == ["a", "b"]


@pytest.mark.parametrize("fault", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_keys(
    path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    keyfile.add(path, entry("old"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    owner = os if fault == "fsync" else Path
    with monkeypatch.context() as broken:
        broken.setattr(owner, fault, full)
        with pytest.raises(BadKeys, match=r"cannot be written \(No space left"):
            keyfile.add(path, entry("new"))
    assert names(path) == ["old"]
    keyfile.add(path, entry("newer"))
    assert names(path) == ["old", "newer"]


def test_every_change_is_seen_in_the_state(path: Path) -> None:
    seen = [keyfile.state(path)]
    keyfile.add(path, entry("a"))
    seen.append(keyfile.state(path))
    keyfile.add(path, entry("b"))
    seen.append(keyfile.state(path))
    keyfile.revoke(path, "b")
    seen.append(keyfile.state(path))
    assert seen[-1] == keyfile.read(path)[1]
    assert len(set(seen)) == 4
