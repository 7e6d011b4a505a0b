from pathlib import Path

import pytest
from prefect.settings import (
    PREFECT_API_DATABASE_CONNECTION_URL,
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_LOGGING_LEVEL,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    temporary_settings,
)

from headrace.flows.engine import engine
from headrace.lake.settings import Settings

SERVER = "http://prefect.example:4200/api"


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_LOGGING_LEVEL", raising=False)


def test_without_a_server_of_the_user_all_state_lies_in_the_home(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "home")
    with temporary_settings(restore_defaults={PREFECT_API_URL}), engine(settings):
        home = tmp_path / "home" / "prefect"
        assert PREFECT_HOME.value() == home and home.is_dir()
        assert str(home / "prefect.db") in str(PREFECT_API_DATABASE_CONNECTION_URL.value())
        assert PREFECT_SERVER_ALLOW_EPHEMERAL_MODE.value() is True
        assert PREFECT_SERVER_ANALYTICS_ENABLED.value() is False


def test_a_home_named_from_here_is_meant_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with temporary_settings(restore_defaults={PREFECT_API_URL}), engine(Settings.load("home")):
        monkeypatch.chdir("/")
        assert PREFECT_HOME.value() == tmp_path / "home" / "prefect"


def test_a_server_of_the_user_is_used_and_nothing_is_made_in_the_home(tmp_path: Path) -> None:
    with temporary_settings(updates={PREFECT_API_URL: SERVER}):
        before = PREFECT_HOME.value()
        with engine(Settings.load(tmp_path / "home")):
            assert PREFECT_API_URL.value() == SERVER
            assert PREFECT_HOME.value() == before
    assert not (tmp_path / "home").exists()


def test_what_was_set_before_holds_again_after_a_night_that_broke(tmp_path: Path) -> None:
    before = PREFECT_HOME.value(), PREFECT_API_URL.value(), PREFECT_LOGGING_LEVEL.value()
    with pytest.raises(ZeroDivisionError), engine(Settings.load(tmp_path)):
        raise ZeroDivisionError
    assert (PREFECT_HOME.value(), PREFECT_API_URL.value(), PREFECT_LOGGING_LEVEL.value()) == before


@pytest.mark.parametrize("server", [SERVER, None])
@pytest.mark.parametrize(("asked", "level"), [(None, "WARNING"), ("DEBUG", "DEBUG")])
def test_prefect_is_quiet_unless_told_otherwise(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str | None,
    asked: str | None,
    level: str,
) -> None:
    if asked is not None:
        monkeypatch.setenv("PREFECT_LOGGING_LEVEL", asked)
    with temporary_settings(updates={PREFECT_API_URL: server}), engine(Settings.load(tmp_path)):
        assert PREFECT_LOGGING_LEVEL.value() == level
