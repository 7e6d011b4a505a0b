import duckdb
import pytest

from headrace.lake import extension
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
