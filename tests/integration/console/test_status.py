"""`headrace status`, `doctor` and `verdict` on a lake that holds something."""

import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.console import check as looked
from headrace.console import release
from headrace.flows import night
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked

Headrace = Callable[..., Any]

LATE = datetime(2026, 6, 2, 3, tzinfo=UTC)


@pytest.fixture
def spool(lake: Lake) -> Iterator[Spool]:
    """A spool in the home with one body that nobody drains."""
    with Spool.open(lake.settings) as spool:
        spool.append("traces", "application/json", None, b"{}", LATE).result()
        yield spool
    for file in lake.settings.home.glob("spool.sqlite*"):
        file.unlink()


def test_status_counts_the_episodes_of_each_project_by_resolution(headrace: Headrace) -> None:
    ran = headrace("status", "--project", "mill", "--json")
    [mill] = ran.json["projects"]
    assert mill == {
        "project": "mill",
        "spans": 0,
        "episodes": 40,
        "success": 13 + 16,
        "failure": 7 + 4,
        "pending": 0,
        "conflicting": 0,
        "unmarked": 0,
    }


def test_status_tells_of_each_release_how_often_it_went_well(headrace: Headrace) -> None:
    found = headrace("status", "--project", "mill", "--json").json
    listed = {row["release"]: row for row in found["releases"]}  # other tests add some with scores
    assert [name for name in listed if name in ("1.0", "1.1")] == ["1.1", "1.0"]
    assert found["more_releases"] == {}
    old = listed["1.0"]
    assert old["first_seen"] == "2026-04-01T08:00:00Z"
    assert (old["episodes"], old["success"]["marked"], old["success"]["successes"]) == (20, 20, 13)
    assert old["success"]["low"] < old["success"]["rate"] == 13 / 20 < old["success"]["high"]
    nothing = {"n": 0, "p50": None, "p95": None}
    assert old["latency_ms"] == old["call_ms"] == old["ttft_ms"] == nothing
    assert old["cost_usd"] == {**nothing, "estimated": 0, "total": None}
    shown = headrace("status", "--project", "mill").words
    assert "mill 1.0 2026-04-01 08:00 20 0 20 65.0 % " in shown
    assert "mill 1.0 - - - - -" in shown


def test_status_without_the_extra_for_rates_says_what_to_install(
    headrace: Headrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "headrace.evals.rate", raising=False)
    monkeypatch.delitem(sys.modules, "headrace.evals.statistics.contrast", raising=False)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    ran = headrace("status", "--project", "mill")
    assert ran.code == 0
    assert "for rates of success: pip install 'headrace[evals]'" in ran.out
    assert "mill 1.0 2026-04-01 08:00 20 0 20 - -" in ran.words


def test_status_counts_the_releases_that_it_does_not_show(
    headrace: Headrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Counter(row["project"] for row in headrace("status", "--json").json["releases"])
    monkeypatch.setattr(release, "MOST", 1)
    more = headrace("status", "--json").json["more_releases"]
    assert more == {project: count - 1 for project, count in known.items() if count > 1}
    assert f"mill: {more['mill']} earlier releases are not shown" in headrace("status").out


def test_status_of_all_projects_names_each_and_what_could_not_be_read(headrace: Headrace) -> None:
    ran = headrace("status", "--json")
    counts = {row["project"]: (row["spans"], row["episodes"]) for row in ran.json["projects"]}
    assert counts["bare"] == (1, 0) and counts["mill"] == (0, 40)
    [letter] = ran.json["dead_letters"]
    assert (letter["signal"], letter["reason"], letter["bodies"]) == ("traces", "cut short", 1)


def test_status_of_a_project_that_is_not_there_is_empty_and_no_error(headrace: Headrace) -> None:
    ran = headrace("status", "--project", "nobody", "--json")
    assert ran.code == 0
    assert ran.json["projects"] == ran.json["datasets"] == ran.json["verdicts"] == []


def test_status_for_people_says_where_the_lake_is_and_what_it_holds(
    headrace: Headrace, lake: Lake
) -> None:
    ran = headrace("status")
    assert ran.out.splitlines()[0] == f"lake sqlite:{lake.settings.home}/catalog.sqlite"
    assert "spool: no sidecar has run here" in ran.out
    assert "raw: kept (" in ran.out
    assert "mill 0 40 29 11 0 0 0" in ran.words
    assert "traces cut short 1" in ran.words


def test_status_says_what_waits_in_the_spool(headrace: Headrace, spool: Spool) -> None:
    ran = headrace("status", "--json")
    assert ran.json["spool"]["depth"] == 1
    assert "spool: 1 bodies wait, the oldest for" in headrace("status").out
    [body] = spool.take(1)
    spool.forget(body.seq)
    assert "spool: empty, all that was acknowledged is in the lake" in headrace("status").out


def test_status_shows_the_last_night(headrace: Headrace, lake: Lake) -> None:
    for name, ended in (("late", LATE), ("early", LATE - timedelta(days=1))):
        ran = night.Night(night_id=name, started_at=ended, ended_at=ended, until=ended, lines=())
        night.record(lake, ran)
    assert headrace("status", "--json").json["night"]["night_id"] == "late"
    assert "night: done 2026-06-02 03:00 UTC" in headrace("status").out
    lake.write(lambda tx: tx.run("delete from nights"))


def test_doctor_names_the_service_whose_calls_carry_no_content(headrace: Headrace) -> None:
    ran = headrace("doctor", "--json")
    found = {check["name"]: (check["state"], check["said"]) for check in ran.json}
    assert list(found) == list(looked.CHECKS)
    [content] = [check for check in ran.json if check["name"] == "content"]
    assert content["state"] == "look"
    [said] = content["lines"]
    assert said.startswith(
        "bare: 1 of 1 LLM calls of service 'billing[eu]' carry no content: turn content capture on"
    )
    state, said = found["dead letters"]
    assert (state, said.partition(" (")[0]) == ("look", "1 traces")
    assert said.endswith(": cut short. After an upgrade or a fix: headrace doctor --replay")
    assert found["secrets"] == ("ok", "none were removed")
    assert ran.code == 0, "what is worth a look stops no work"


def test_doctor_reads_the_prices(headrace: Headrace, lake: Lake) -> None:
    def told() -> tuple[str, str]:
        [check] = [one for one in headrace("doctor", "--json").json if one["name"] == "prices"]
        return check["state"], check["said"]

    table = lake.settings.prices_path
    assert told() == ("ok", "the bundled ones")
    table.write_text("")
    assert told() == ("ok", f"those in {table}, then the bundled ones")
    table.write_text("[[price]]\nmodel = 'x'\n")
    state, said = told()
    table.unlink()
    assert state == "fail" and said.startswith(f"{table}, entry 1 (x): ")


def test_doctor_finds_the_sidecar_by_its_port(
    headrace: Headrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setenv("HEADRACE_PORT", port)
        listening = headrace("doctor").words
    assert f"something listens on 127.0.0.1:{port}" in listening
    assert "billing[eu]" in listening
    assert "start `headrace serve`" in headrace("doctor").words


@pytest.mark.parametrize(
    ("check", "error", "state"),
    [
        ("disk", OSError("no such disk"), "fail"),
        ("lake", LakeLocked("the catalog stayed locked"), "fail"),
    ],
)
def test_a_check_that_breaks_has_failed_and_the_others_still_run(
    headrace: Headrace,
    monkeypatch: pytest.MonkeyPatch,
    check: str,
    error: Exception,
    state: str,
) -> None:
    def broken(_: object) -> looked.Found:
        raise error

    checks = {**dict.fromkeys(looked.CHECKS, lambda _: ("ok", "fine")), check: broken}
    monkeypatch.setattr(looked, "CHECKS", checks)
    ran = headrace("doctor", "--json")
    assert ran.code == 1
    assert {c["name"]: c["state"] for c in ran.json} == {
        **dict.fromkeys(looked.CHECKS, "ok"),
        check: state,
    }
    assert str(error) in headrace("doctor").words


def test_little_disk_is_worth_a_look(headrace: Headrace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked, "LOW_DISK", 1 << 62)
    [disk] = [check for check in headrace("doctor", "--json").json if check["name"] == "disk"]
    assert disk["state"] == "look" and "MiB free" in disk["said"]


@pytest.mark.parametrize("command", [("status",), ("doctor",), ("verdict",), ("dataset", "list")])
def test_a_setting_that_cannot_be_is_one_line_with_the_variable(
    headrace: Headrace, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("HEADRACE_PORT", "99999")
    ran = headrace(*command)
    assert (ran.code, ran.out) == (1, "")
    assert "HEADRACE_PORT" in ran.err and len(ran.err.splitlines()) == 1


def test_a_verdict_is_given_with_its_signals_and_kept(headrace: Headrace, lake: Lake) -> None:
    ran = headrace("verdict", "--project", "mill", "--json")
    assert ran.code == 0
    assert ran.json["state"] == "not_yet"
    assert {"evals", "data", "trend", "cost"} <= {signal["name"] for signal in ran.json["signals"]}
    [row] = lake.rows(
        "select state, expires_at - \"at\" as life from verdicts where project='mill'"
    )
    assert (row["state"], row["life"]) == ("not_yet", timedelta(days=30))
    [shown] = headrace("status", "--project", "mill", "--json").json["verdicts"]
    assert shown["state"] == "not_yet"


def test_a_verdict_for_people_says_no_and_what_to_do_next(headrace: Headrace) -> None:
    ran = headrace("verdict", "--project", "mill")
    assert ran.words.startswith("Not yet.")
    assert "Next: " in ran.words and "Stands until the next release" in ran.words
    assert "data against" in ran.words


def test_a_project_that_nobody_knows_gets_no_verdict(headrace: Headrace, lake: Lake) -> None:
    before = lake.rows("select count(*) as n from verdicts")
    ran = headrace("verdict", "--project", "nobody-yet", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "no project 'nobody-yet'" in ran.err and "'mill'" in ran.err
    assert lake.rows("select count(*) as n from verdicts") == before


def test_the_home_is_an_option_before_it_is_a_setting(headrace: Headrace, tmp_path: Path) -> None:
    Lake.open(tmp_path / "other").close()
    ran = headrace("status", "--home", tmp_path / "other", "--json")
    assert (ran.json["home"], ran.json["projects"]) == (str(tmp_path / "other"), [])


def test_a_mistyped_home_is_named_and_not_made(headrace: Headrace, tmp_path: Path) -> None:
    for command in (("status",), ("verdict",), ("dataset", "list"), ("eval", "trend")):
        ran = headrace(*command, "--home", tmp_path / "weel")
        assert (ran.code, ran.out) == (1, "")
        assert "no lake in" in ran.err and "--home" in ran.err
    assert not (tmp_path / "weel").exists()
