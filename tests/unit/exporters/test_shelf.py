import json
from pathlib import Path

import pytest

from headrace.exporters import shelf
from headrace.exporters.errors import NotADataset


def put(home: Path, place: str, name: str, project: str = "shop") -> Path:
    """What a night leaves."""
    folder = home / "datasets" / place
    folder.mkdir(parents=True)
    held = {"project": project, "name": name, "version": "v1", "objective": "sft", "rows": [1]}
    (folder / "manifest.json").write_text(json.dumps(held))
    return folder


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert shelf.folder_of(tmp_path, tmp_path / "home") == tmp_path


def test_a_name_is_looked_for_among_what_nights_have_built(tmp_path: Path) -> None:
    place = put(tmp_path, "shop/sft", "shop-sft")
    put(tmp_path, "shop/kto", "shop-kto")
    (tmp_path / "datasets" / "shop" / "odd").mkdir()
    (tmp_path / "datasets" / "shop" / "odd" / "manifest.json").write_text("[]")
    assert shelf.folder_of(Path("shop-sft"), tmp_path) == place


def test_one_name_in_two_projects_wants_the_project(tmp_path: Path) -> None:
    put(tmp_path, "shop/sft", "same")
    other = put(tmp_path, "mill/sft", "same", "mill")
    with pytest.raises(NotADataset, match="is the name of 2 data sets: name a folder"):
        shelf.folder_of(Path("same"), tmp_path)
    assert shelf.folder_of(Path("same"), tmp_path, "mill") == other


def test_what_is_nowhere_is_told_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(NotADataset, match="name the folder that it was built into"):
        shelf.folder_of(Path("nothing"), tmp_path)
