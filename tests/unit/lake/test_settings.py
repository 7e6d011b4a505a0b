from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from headrace.lake.errors import SettingsError
from headrace.lake.settings import MIB, Settings, key_bytes, make_home


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


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "-1", "greater than or equal to 0"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("LOCK_TIMEOUT_S", "0", "greater than 0"),
        ("LOCK_TIMEOUT_S", "nan", "greater than 0"),
        ("BODY_BYTES", "0", "greater than 0"),
        ("BODY_BYTES", "1.5", "integer"),
        ("SPOOL_BYTES", str(MIB - 1), f"greater than or equal to {MIB}"),
        ("DRAIN_ROWS", "0", "greater than 0"),
        ("DRAIN_INTERVAL_S", "0", "greater than 0"),
        ("WAITING_DAYS", "-0.1", "greater than or equal to 0"),
        ("WAITING_DAYS", "36500.1", "less than or equal to 36500"),
        ("WAITING_DAYS", "inf", "less than or equal to 36500"),
        ("WAITING_DAYS", "nan", "less than or equal to 36500"),
        ("SCRUB_EXTRA", "spacy", "presidio"),
    ],
)
def test_a_setting_beyond_its_bound_is_refused_by_name(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HEADRACE_{name}", value)
    with pytest.raises(SettingsError) as refused:
        Settings.load("x")
    assert f"HEADRACE_{name}='{value}'" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("PORT", "0", 0),
        ("PORT", "65535", 65535),
        ("SPOOL_BYTES", str(MIB), MIB),
        ("DRAIN_ROWS", "1", 1),
        ("WAITING_DAYS", "0", 0.0),
        ("WAITING_DAYS", "36500", 36500.0),
        ("HOST", "::1", "::1"),
    ],
)
def test_a_setting_at_its_bound_is_taken(
    name: str, value: str, read: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HEADRACE_{name}", value)
    assert getattr(Settings.load("x"), name.lower()) == read


def test_all_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_PORT", "many")
    monkeypatch.setenv("HEADRACE_DRAIN_ROWS", "none")
    with pytest.raises(SettingsError, match="HEADRACE_PORT.*HEADRACE_DRAIN_ROWS"):
        Settings.load("x")


@pytest.mark.parametrize("name", ["HOME", "CATALOG", "DATA", "PORT", "WAITING_DAYS"])
def test_an_empty_variable_is_an_unset_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"HEADRACE_{name}", raising=False)
    usual = Settings.load()
    monkeypatch.setenv(f"HEADRACE_{name}", "")
    assert Settings.load() == usual


def test_a_variable_of_another_part_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_NO_SUCH_SETTING", "x")
    assert Settings.load("x").home == Path("x")


def test_the_longest_waiting_can_still_be_added_to_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_WAITING_DAYS", "36500")
    assert (datetime(2026, 1, 1, tzinfo=UTC) + Settings.load("x").waiting).year == 2125


@pytest.mark.parametrize(
    ("catalog", "shown"),
    [
        ("postgres:dbname=lake host=db", "postgres:dbname=lake host=db"),
        ("postgres:password=s3cret dbname=lake", "postgres:password=*** dbname=lake"),
        ("postgres:dbname=lake PASSWORD = s3cret@x", "postgres:dbname=lake PASSWORD = ***"),
        (r"postgres:password='s3 \'cret' user=u", "postgres:password=*** user=u"),
        ("postgres:postgresql://u:s3cret@db/lake", "postgres:postgresql://u:***@db/lake"),
        ("postgres:postgresql://u:s3/c@ret@db/lake", "postgres:postgresql://u:***@db/lake"),
        ("postgres:postgresql://u@db/lake", "postgres:postgresql://u@db/lake"),
        ("postgres:postgresql://db/?password=s3cret&x=1", "postgres:postgresql://db/?password=***&x=1"),
        ("sqlite:/srv/a@b/catalog.sqlite", "sqlite:/srv/a@b/catalog.sqlite"),
    ],
)  # fmt: skip
def test_a_password_is_never_shown(catalog: str, shown: str) -> None:
    settings = Settings(catalog=catalog)
    assert settings.catalog_shown == shown
    assert settings.catalog_uri == catalog


def test_a_new_home_is_for_its_owner_alone_and_one_that_stands_keeps_its_mode(
    tmp_path: Path,
) -> None:
    home, shared = tmp_path / "new" / "home", tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o750)
    for folder in (home, home, shared):
        make_home(folder)
    assert [folder.stat().st_mode & 0o777 for folder in (home, shared)] == [0o700, 0o750]


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        (" , ", ()),
        ("https://App.example.com", ("https://app.example.com",)),
        ("https://a.example, http://[::1]:3000 ", ("https://a.example", "http://[::1]:3000")),
    ],
)
def test_origins_are_a_list_with_commas(text: str, origins: tuple[str, ...]) -> None:
    assert Settings(cors_origins=text).origins == origins


@pytest.mark.parametrize(
    "text",
    ["*", "app.example.com", "https://a.example/", "https://*.a.example", "null", "https://a b"],
)
def test_an_origin_is_explicit(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HEADRACE_CORS_ORIGINS", text)
    with pytest.raises(SettingsError, match="HEADRACE_CORS_ORIGINS.*give scheme://host"):
        Settings.load()


def test_keys_lie_in_the_home_unless_a_file_is_named(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).keys_path == tmp_path / "keys.json"
    named = Settings(home=tmp_path, keys=tmp_path / "mounted" / "keys.json")
    assert named.keys_path == tmp_path / "mounted" / "keys.json"


@pytest.mark.parametrize("name", ["KEY_REQUESTS_PER_S", "KEY_BYTES_PER_S", "KEY_BURST_S"])
@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "many"])
def test_a_rate_is_a_number_above_zero(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"HEADRACE_{name}", value)
    with pytest.raises(SettingsError, match=f"^HEADRACE_{name}='{value}'"):
        Settings.load()


@pytest.mark.parametrize("key", [bytes(range(32)), bytes(range(255, 219, -1))])
def test_a_key_to_scrub_with_may_be_hex_or_base64(key: bytes) -> None:
    plain = b64encode(key).decode()
    written = [key.hex(), key.hex().upper(), plain, plain.rstrip("="), f" {plain}\n"]
    assert {key_bytes(text) for text in [*written, urlsafe_b64encode(key).decode()]} == {key}


@pytest.mark.parametrize("text", ["deadbeef" * 7, "not a key!", "hunter2" * 8 + "é", "===="])
def test_a_key_that_is_short_or_no_key_is_refused_and_not_shown(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_SCRUB_KEY", text)
    with pytest.raises(SettingsError, match=r"HEADRACE_SCRUB_KEY=\*\*\*.*openssl") as told:
        Settings.load()
    assert text.strip() not in str(told.value)


def test_a_key_is_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SCRUB_KEY", "ab" * 32)
    settings = Settings.load()
    assert "abab" not in f"{settings!r} {settings.model_dump_json()}"
    assert settings.scrub_key is not None
    assert settings.scrub_key.get_secret_value() == "ab" * 32
