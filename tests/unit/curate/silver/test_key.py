"""The key of a project: made once, whole, for its owner alone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from headrace.curate.errors import ScrubKeyError
from headrace.curate.silver import key
from headrace.lake.settings import Settings

NAMES = ["support", "", "a/b", "../../etc", "..", "~", "A", "a", "é 字", "x" * 500, "x" * 501]


def lake(home: Path, *known: str, given: str | None = None) -> Any:
    """A lake of which only settings and fingerprints are asked."""
    settings = Settings(home=home, scrub_key=None if given is None else SecretStr(given))
    rows = [{"fingerprint": name} for name in known]
    return SimpleNamespace(settings=settings, rows=lambda *_: rows)


def test_a_key_is_made_once_and_is_the_same_ever_after(tmp_path: Path) -> None:
    first = key.key_of(lake(tmp_path), "p")
    assert len(first) == 32
    assert key.key_of(lake(tmp_path), "p") == first
    assert key.key_of(lake(tmp_path, key.fingerprint(first)), "p") == first
    assert key.key_of(lake(tmp_path / "other"), "p") != first


def test_a_key_may_be_laid_where_none_lies(tmp_path: Path) -> None:
    first, second = bytes(range(32)), bytes(32)
    key.lay(tmp_path, "p", first)
    key.lay(tmp_path, "p", second)
    assert key.key_of(lake(tmp_path), "p") == first
    with pytest.raises(ScrubKeyError, match="a key of 8 bytes: give 32 or more"):
        key.lay(tmp_path, "q", bytes(8))


def test_a_key_and_its_folder_are_their_owners_alone(tmp_path: Path) -> None:
    key.key_of(lake(tmp_path), "p")
    [path] = (tmp_path / "scrub").iterdir()  # no draft is left
    assert path == key.place(tmp_path, "p")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_every_project_has_a_file_of_its_own_in_the_folder(tmp_path: Path) -> None:
    keys = {key.key_of(lake(tmp_path), name) for name in NAMES}
    files = list((tmp_path / "scrub").iterdir())
    assert len(keys) == len(files) == len(NAMES)
    assert len({path.name.lower() for path in files}) == len(NAMES)
    assert all(len(path.name) < 100 for path in files)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_project_is_called_its_file_lies_in_the_folder(project: str) -> None:
    place = key.place(Path("/home"), project)
    assert place.parent == Path("/home/scrub")
    assert place.name.isprintable() and place.name.isascii()


def test_of_many_that_make_a_key_at_once_all_have_the_same_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: key.key_of(lake(tmp_path), "p"), range(64)))
    assert len(found) == 1
    assert len(list((tmp_path / "scrub").iterdir())) == 1


def test_a_draft_of_a_process_that_died_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "scrub").mkdir()
    key.place(tmp_path, "p").with_suffix(".x.draft").write_text("ab" * 10)
    assert len(key.key_of(lake(tmp_path), "p")) == 32


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key.key_of(lake(tmp_path), "p")
    key.place(tmp_path, "p").chmod(0o640)
    with pytest.raises(ScrubKeyError, match=r"other users .*: chmod 600"):
        key.key_of(lake(tmp_path), "p")


@pytest.mark.parametrize("text", ["", "ab" * 31, "no key\n"])
def test_a_damaged_key_is_refused_and_stays(text: str, tmp_path: Path) -> None:
    key.key_of(lake(tmp_path), "p")
    key.place(tmp_path, "p").write_text(text)
    with pytest.raises(ScrubKeyError, match="is damaged"):
        key.key_of(lake(tmp_path), "p")
    assert key.place(tmp_path, "p").read_text() == text


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "scrub").write_text("a file")
    with pytest.raises(ScrubKeyError, match=r"cannot be used .*HEADRACE_SCRUB_KEY"):
        key.key_of(lake(tmp_path), "p")


def test_a_key_is_never_made_anew_for_a_project_that_was_scrubbed(tmp_path: Path) -> None:
    with pytest.raises(ScrubKeyError, match="is gone"):
        key.key_of(lake(tmp_path, "f" * 32), "p")
    assert not (tmp_path / "scrub").exists()


def test_one_key_for_several_machines_gives_each_project_its_own(tmp_path: Path) -> None:
    one, other = lake(tmp_path / "1", given="ab" * 32), lake(tmp_path / "2", given="AB" * 32)
    assert key.key_of(one, "p") == key.key_of(other, "p") != key.key_of(one, "q")
    assert key.key_of(one, "p") != bytes.fromhex("ab" * 32)
    assert not (tmp_path / "1" / "scrub").exists()
    with pytest.raises(ScrubKeyError, match=r"HEADRACE_SCRUB_KEY holds"):
        key.key_of(lake(tmp_path, "f" * 32, given="ab" * 32), "p")


def test_a_fingerprint_tells_keys_apart_and_is_no_surrogate_of_anything() -> None:
    one, two = bytes(32), bytes(31) + b"\1"
    assert key.fingerprint(one) == key.fingerprint(one) != key.fingerprint(two)
    assert one.hex() not in key.fingerprint(one)
