"""`headrace key`: a key is shown once, listed without its hash, and gone when revoked."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headrace.console import check, cli
from headrace.ingest import key as keys
from headrace.ingest import keyfile
from headrace.lake.errors import HeadraceError

RUNNER = CliRunner()


class Desk:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "keys.json"

    def run(self, *words: str, **environment: str) -> Result:
        given = ["key", *words, "--home", str(self.home)]
        return RUNNER.invoke(cli.app, given, env=environment)

    def said(self, *words: str) -> str:
        ran = self.run(*words)
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    def document(self, *words: str) -> Any:
        return json.loads(self.said(*words, "--json"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


def test_a_new_key_is_all_that_stands_on_stdout(desk: Desk) -> None:
    ran = desk.run("add", "agent")
    text = ran.stdout.strip()
    parts = keys.parted(text)
    assert parts is not None
    assert "not shown again" in ran.stderr and parts[0] in ran.stderr
    [entry] = keyfile.read(desk.path)[0]
    assert entry.seal.fits(parts[1])
    assert parts[1] not in ran.stderr + desk.path.read_text() + desk.said("list")


def test_a_new_home_is_its_owners_alone(desk: Desk) -> None:
    desk.said("add", "agent")
    assert desk.home.stat().st_mode & 0o777 == 0o700
    assert not (desk.home / "catalog.sqlite").exists()  # keys need no lake


@pytest.mark.parametrize(
    ("words", "scopes", "project"),
    [
        ((), ["ingest"], None),
        (("--scope", "read"), ["read"], None),
        (("--scope", "read", "--scope", "ingest"), ["ingest", "read"], None),
        (("--scope", "admin", "--scope", "admin", "--project", "p"), ["admin"], "p"),
    ],
)
def test_scopes_and_project_are_those_asked_for(
    desk: Desk, words: tuple[str, ...], scopes: list[str], project: str | None
) -> None:
    made = desk.document("add", "agent", *words)
    assert (made["scopes"], made["project"], made["name"]) == (scopes, project, "agent")
    assert made["key"].startswith(f"hr_{made['id']}_")
    [listed] = desk.document("list")
    assert listed == {name: value for name, value in made.items() if name != "key"}


def test_the_list_shows_what_each_key_may(desk: Desk) -> None:
    assert "headrace key add" in desk.said("list")
    assert desk.document("list") == []
    desk.said("add", "agent", "--project", "support")
    desk.said("add", "grafana", "--scope", "read")
    lines = desk.said("list").splitlines()
    assert "ingest" in lines[-2] and "support" in lines[-2]
    assert "read" in lines[-1] and "every project" in lines[-1]
    for kept in ("hash", "salt", "mark"):
        assert kept not in desk.said("list", "--json")


@pytest.mark.parametrize("by", ["name", "id", "key"])
def test_a_key_is_revoked_by_what_is_at_hand(desk: Desk, by: str) -> None:
    made = desk.document("add", "agent")
    desk.said("add", "other")
    assert "1 left" in desk.said("revoke", made[by])
    assert [one["name"] for one in desk.document("list")] == ["other"]


def test_the_last_one_gone_it_says_what_follows(desk: Desk) -> None:
    desk.said("add", "agent")
    ran = desk.run("revoke", "agent")
    assert (ran.exit_code, "0 left" in ran.stdout) == (0, True)
    assert "refuses everybody until a key is added" in ran.stderr
    desk.said("add", "agent")
    assert desk.document("revoke", "agent")["left"] == 0


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("revoke", "nobody"), "headrace key list"),
        (("add", "agent"), "headrace key revoke agent"),
        (("add", " "), "1 to 200 printable"),
        (("add", "x", "--project", "a\nb"), "at most 200 printable"),
    ],
)
def test_a_refusal_says_what_to_do(desk: Desk, words: tuple[str, ...], cure: str) -> None:
    desk.said("add", "agent")
    ran = desk.run(*words)
    assert ran.exit_code == 1
    assert isinstance(ran.exception, HeadraceError)
    assert cure in str(ran.exception)


@pytest.mark.parametrize(
    "words",
    [("add",), ("add", "x", "--scope", "write"), ("add", "x", "--project", ""), ("revoke",)],
)
def test_bad_use_is_exit_2_and_leaves_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    ran = desk.run(*words)
    assert ran.exit_code == 2
    assert not desk.home.exists()
    if "write" in words:
        assert "choose from ingest, read, admin" in " ".join(ran.output.replace("│", " ").split())


def test_a_file_elsewhere_is_named_by_the_setting(desk: Desk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "secrets.json"
    ran = desk.run("add", "agent", HEADRACE_KEYS=str(elsewhere))
    assert ran.exit_code == 0, ran.output
    assert len(keyfile.read(elsewhere)[0]) == 1
    assert not desk.home.exists()
    gone = desk.run("add", "agent", HEADRACE_KEYS=str(tmp_path / "no" / "keys.json"))
    assert "HEADRACE_KEYS" in str(gone.exception)


@pytest.mark.parametrize("words", [("list",), ("add", "new"), ("revoke", "agent")])
def test_a_damaged_file_is_left_as_it_is(desk: Desk, words: tuple[str, ...]) -> None:
    desk.said("add", "agent")
    desk.path.write_text("{")
    ran = desk.run(*words)
    assert (ran.exit_code, desk.path.read_text()) == (1, "{")
    assert "is damaged" in str(ran.exception)


def checked(desk: Desk, **environment: str) -> tuple[str, str]:
    """What the doctor says of the keys."""
    words = ["doctor", "--home", str(desk.home), "--json"]
    found = json.loads(RUNNER.invoke(cli.app, words, env=environment).stdout)
    [one] = [check for check in found if check["name"] == "keys"]
    return one["state"], one["said"]


def test_the_doctor_looks_at_the_keys(desk: Desk, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(check, "CHECKS", {"keys": check.CHECKS["keys"]})
    assert checked(desk) == ("ok", "no API keys: the sidecar serves this machine alone")
    desk.said("add", "agent")
    assert checked(desk) == ("ok", f"API keys in {desk.path}: 1")
    desk.path.chmod(0o666)
    assert checked(desk)[0] == "fail"
    assert checked(desk, HEADRACE_KEYS=str(tmp_path / "none.json"))[0] == "fail"
