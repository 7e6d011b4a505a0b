"""The guard of the house: five lists of rooms that must agree."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ["lake", "ingest", "curate", "evals", "exporters", "flows", "console"]
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]


def test_every_room_is_shipped_importable_and_checked() -> None:
    build = TOOL["hatch"]["build"]
    assert build["targets"]["wheel"]["packages"] == [f"{room}/headrace" for room in ROOMS]
    assert build["dev-mode-dirs"] == ROOMS
    assert TOOL["mypy"]["mypy_path"].split(":") == ROOMS
    assert TOOL["mypy"]["files"] == [*ROOMS, "tests"]


def test_no_module_lies_outside_the_namespace() -> None:
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    where = {path: path.relative_to(ROOT).parts for path in files}
    assert [path for path, (room, *rest) in where.items() if rest[:2] != ["headrace", room]] == []


def test_every_room_says_that_it_is_typed() -> None:
    assert [r for r in ROOMS if not (ROOT / r / "headrace" / r / "py.typed").is_file()] == []


def test_no_room_has_an_init_that_would_close_the_namespace() -> None:
    assert [room for room in ROOMS if (ROOT / room / "headrace" / "__init__.py").exists()] == []
