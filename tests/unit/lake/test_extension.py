from importlib import metadata
from pathlib import Path

import duckdb
import pytest

from headrace.lake import extension
from headrace.lake.attachment import CATALOGS
from headrace.lake.errors import MissingExtension


def test_the_wheel_of_an_installed_extension_is_found() -> None:
    file = extension.wheel_file("ducklake")
    assert file is not None and file.is_file()


def test_a_missing_extension_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extension.WHEELS, "no_such_extension", "duckdb-extension-no-such")
    with duckdb.connect() as connection:
        connection.execute("set custom_extension_repository = 'http://127.0.0.1:9'")
        with pytest.raises(MissingExtension, match=r"pip install duckdb-extension-no-such==1\.5"):
            extension.load(connection, "no_such_extension")


def test_an_extension_without_its_wheel_is_looked_for_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(extension.WHEELS, "no_such_extension", "duckdb-extension-no-such")
    assert extension.wheel_file("no_such_extension") is None


def test_a_broken_file_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "ducklake.duckdb_extension"
    broken.write_bytes(b"half a download")
    monkeypatch.setattr(extension, "wheel_file", lambda name: broken)
    with duckdb.connect() as connection:
        with pytest.raises(MissingExtension, match=r"'ducklake'.*pip install duckdb-extension"):
            extension.load(connection, "ducklake")


def test_every_kind_of_catalog_has_an_extension_with_a_wheel() -> None:
    assert {*CATALOGS.values(), "postgres_scanner", "ducklake", "httpfs"} == set(extension.WHEELS)


def test_the_wheels_of_the_default_lake_are_of_the_running_engine() -> None:
    for name in ("ducklake", CATALOGS["sqlite"]):
        assert metadata.version(extension.WHEELS[name]) == duckdb.__version__
