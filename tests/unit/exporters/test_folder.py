from pathlib import Path

import pytest

from headrace.exporters import folder
from headrace.exporters.errors import NotADataset, Unwritable


def read(place: Path) -> dict[str, bytes]:
    return {name: (place / name).read_bytes() for name in folder.files(place)}


def put(out: Path, contents: dict[str, bytes]) -> None:
    with folder.fresh(out) as fresh:
        for name, content in contents.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(content)


def test_a_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "set"
    put(out, {"manifest.json": b"1", "data/a": b"old"})
    put(out, {"manifest.json": b"2", "b": b"new"})
    assert read(out) == {"manifest.json": b"2", "b": b"new"}
    assert [path.name for path in out.parent.iterdir()] == ["set"]


def test_a_write_that_fails_leaves_the_old_folder_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "set"
    put(out, {"manifest.json": b"1"})
    whole = Path.write_bytes

    def fail(path: Path, content: bytes) -> int:
        if path.name == "b":
            raise OSError("disk full")
        return whole(path, content)

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="disk full"):
        put(out, {"manifest.json": b"2", "b": b"new"})
    assert read(out) == {"manifest.json": b"1"}
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_rename_that_fails_brings_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "set"
    put(out, {"manifest.json": b"1"})
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name.endswith(".partial"):
            raise OSError("gone")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(Unwritable, match="gone"):
        put(out, {"manifest.json": b"2"})
    assert read(out) == {"manifest.json": b"1"}


def test_what_a_crash_left_between_the_renames_is_put_right(tmp_path: Path) -> None:
    out = tmp_path / "set"
    put(tmp_path / ".set.old", {"manifest.json": b"1"})
    put(tmp_path / ".set.partial", {"half": b""})
    put(out, {"manifest.json": b"2"})
    assert read(out) == {"manifest.json": b"2"}
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_only_an_empty_or_a_new_folder_may_be_written(tmp_path: Path) -> None:
    folder.check_free(tmp_path / "new")
    folder.check_free(tmp_path)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(NotADataset, match=r"letter\.txt, which Headrace did not write.*new folder"):
        folder.check_free(tmp_path)
    with pytest.raises(NotADataset, match="is a file"):
        folder.check_free(tmp_path / "letter.txt")


def test_a_manifest_of_another_program_makes_no_folder_ours(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "web app"}')
    with pytest.raises(NotADataset, match=r"holds manifest\.json, which"):
        folder.check_free(tmp_path)


@pytest.mark.parametrize("out", ["../work", ".", "sub/..", "..", "here", "/"])
def test_the_working_directory_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "here").symlink_to(work)
    monkeypatch.chdir(work)
    with pytest.raises(NotADataset, match="is the working directory or holds it: name a folder"):
        folder.place(out)


def test_a_link_leads_to_the_folder_that_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "set")
    place = folder.place(tmp_path / "link")
    put(place, {"manifest.json": b"1"})
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "set") == {"manifest.json": b"1"}


@pytest.mark.parametrize("name", ["file/set", "circle", "x" * 300])
def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(Unwritable, match="cannot be written: .*: name another folder$"):
        with folder.writing(name):
            put(folder.place(tmp_path / name), {"manifest.json": b"1"})


def test_what_the_disk_forbids_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", forbid)
    with pytest.raises(Unwritable, match="set cannot be written: Permission denied: name another"):
        with folder.writing("set"):
            put(tmp_path / "set", {"manifest.json": b"1"})


def test_a_folder_left_empty_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "set"
    put(out, {"manifest.json": b"1"})
    put(out, {})
    assert read(out) == {"manifest.json": b"1"}
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_two_builds_into_one_folder_do_not_mix(tmp_path: Path) -> None:
    out = tmp_path / "set"
    with folder.fresh(out) as fresh:
        (fresh / "manifest.json").write_bytes(b"1")
        with pytest.raises(Unwritable, match="set is being written by another build: wait for it"):
            put(out, {"manifest.json": b"2"})
    put(out, {"manifest.json": b"3"})
    assert read(out) == {"manifest.json": b"3"}
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
