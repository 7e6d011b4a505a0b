"""A lake that was moved or copied with its home is the same lake; any other way is refused."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.lake import Lake
from headrace.lake.errors import LakeElsewhere
from headrace.lake.message import Message
from headrace.lake.settings import Settings

MANY = 40  # rows at once: more than the catalog holds itself


@pytest.fixture
def old(tmp_path: Path) -> Path:
    home = tmp_path / "old"
    with Lake.open(home, rng=random.Random(1)) as lake:
        say(lake, "before")
    return home


def say(lake: Lake, word: str) -> None:
    messages = [Message.of({"role": "user", "content": f"{word} {n}"}) for n in range(MANY)]
    lake.write(lambda tx: tx.add_new("messages", messages, on=["hash"]))


def heard(home: Path) -> dict[str, int]:
    with Lake.open(home, rng=random.Random(1), create=False) as lake:
        sql = "select split_part(body ->> '$.content', ' ', 1), count(*) from messages group by 1"
        return dict(lake.sql(sql).fetchall())


def paths(home: Path) -> Iterator[str]:
    """What the catalog tells of places: the data folder, and files by how they are named."""
    with sqlite3.connect(home / "catalog.sqlite") as catalog:
        yield from (v for (v,) in catalog.execute("select path from ducklake_data_file"))


def test_a_home_that_was_moved_is_read_and_written_and_may_go_back(
    old: Path, tmp_path: Path
) -> None:
    new = tmp_path / "deep" / "new"
    new.parent.mkdir()
    shutil.move(old, new)
    assert heard(new) == {"before": MANY}
    with Lake.open(new, rng=random.Random(2)) as lake:
        say(lake, "moved")
        lake.write(lambda tx: tx.run("delete from messages where body ->> '$.content' = 'moved 0'"))
    assert heard(new) == {"before": MANY, "moved": MANY - 1}
    shutil.move(new, old)
    assert heard(old) == {"before": MANY, "moved": MANY - 1}
    assert not new.exists()
    assert [path for path in paths(old) if Path(path).is_absolute()] == []


def test_a_copy_and_what_it_was_copied_from_go_their_own_ways(old: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(old, copy)
    for home, word in ((copy, "copied"), (old, "stayed")):
        with Lake.open(home, rng=random.Random(2)) as lake:
            say(lake, word)
    assert heard(copy) == {"before": MANY, "copied": MANY}
    assert heard(old) == {"before": MANY, "stayed": MANY}


def test_a_catalog_whose_files_are_elsewhere_says_where_they_should_be(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, home = tmp_path / "files", tmp_path / "another"
    shutil.copytree(old / "data", files)
    monkeypatch.setenv("HEADRACE_DATA", f"{files}/")
    with pytest.raises(LakeElsewhere, match=rf"HEADRACE_DATA={old}/data/"):
        Lake.open(settings=Settings.load(old))
    monkeypatch.delenv("HEADRACE_DATA")
    monkeypatch.setenv("HEADRACE_CATALOG", f"sqlite:{old / 'catalog.sqlite'}")
    with pytest.raises(LakeElsewhere, match="HEADRACE_DATA is not set"):
        Lake.open(settings=Settings.load(home))
    monkeypatch.setenv("HEADRACE_DATA", f"{old}/data/")
    with Lake.open(settings=Settings.load(home)) as lake:
        assert lake.rows("select count(*) as n from messages") == [{"n": MANY}]
