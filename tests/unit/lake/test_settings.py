from pathlib import Path

import pytest
from pydantic import ValidationError

from headrace.lake.errors import SettingsError
from headrace.lake.settings import Settings


def test_the_home_given_by_hand_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEADRACE_HOME", "/from/environment")
    assert Settings.load().home == Path("/from/environment")
    assert Settings.load("/by/hand").home == Path("/by/hand")


def test_the_default_lake_lies_in_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_HOME", raising=False)
    settings = Settings.load()
    assert settings.home == Path(".headrace")
    assert settings.catalog_uri == f"sqlite:{Path.cwd()}/.headrace/catalog.sqlite"
    assert settings.data_path == f"{Path.cwd()}/.headrace/data/"


def test_catalog_and_data_can_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_CATALOG", "postgres:dbname=lake")
    monkeypatch.setenv("HEADRACE_DATA", "s3://bucket/lake/")
    settings = Settings.load("x")
    assert (settings.catalog_uri, settings.data_path) == (
        "postgres:dbname=lake",
        "s3://bucket/lake/",
    )


def test_a_bad_setting_is_named_with_its_value_and_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEADRACE_PORT", "many")
    with pytest.raises(SettingsError, match=r"HEADRACE_PORT='many'.*integer.*unset it"):
        Settings.load()


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValidationError):
        Settings.load("x").port = 1
