import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from headrace.console import cli
from headrace.flows import nightly
from headrace.flows.errors import NightRunning
from headrace.flows.night import Line, Night

RUNNER = CliRunner()
AT = datetime(2026, 6, 1, tzinfo=UTC)
LINES = (
    Line(project="b[1]", step="dedupe", said="kept", seen=1200, kept=1190, dropped={"twice": 10}),
    Line(project="a", step="sft", said="no suite: --without-evals", state="refused"),
    Line(project="b[1]", step="trend", said="Cannot tell."),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the night was asked to do; it is over at once."""
    heard: list[dict[str, Any]] = []

    def run(settings: object, **given: Any) -> Night:
        heard.append(given)
        return Night(night_id="n", started_at=AT, ended_at=AT, until=AT, lines=LINES)

    monkeypatch.setattr(nightly, "run", run)
    return heard


def test_the_night_is_one_table_a_project_in_the_order_of_their_lines(
    asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    ran = RUNNER.invoke(cli.app, ["nightly", "--home", str(tmp_path)])
    words = " ".join(ran.stdout.split())
    assert ran.exit_code == 0
    assert words.index("b[1]") < words.index("a step")
    assert "dedupe done 1,200 1,190 10 twice kept" in words
    assert "trend done - - Cannot tell." in words
    assert "sft refused - - no suite: --without-evals" in words


def test_the_night_as_json_is_every_line(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    ran = RUNNER.invoke(cli.app, ["nightly", "--home", str(tmp_path), "--json"])
    document = json.loads(ran.stdout)
    states = [(line["project"], line["step"], line["state"]) for line in document["lines"]]
    assert states == [
        ("b[1]", "dedupe", "done"),
        ("a", "sft", "refused"),
        ("b[1]", "trend", "done"),
    ]
    assert document["until"] == "2026-06-01T00:00:00Z"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), {"project": None, "until": None, "out": None}),
        (("--until", "2026-06-01T03:30:00"), {"until": datetime(2026, 6, 1, 3, 30, tzinfo=UTC)}),
        (("--until", "2026-06-01"), {"until": AT}),
        (("--until", "2026-06-01T02:00:00+02:00"), {"until": AT}),
        (("--project", "p", "--out", "sets"), {"project": "p", "out": Path("sets")}),
    ],
)
def test_what_is_asked_reaches_the_night_with_times_in_utc(
    asked: list[dict[str, Any]], tmp_path: Path, words: tuple[str, ...], wanted: dict[str, Any]
) -> None:
    ran = RUNNER.invoke(cli.app, ["nightly", "--home", str(tmp_path), *words])
    assert ran.exit_code == 0, ran.output
    [given] = asked
    assert {name: given[name] for name in wanted} == wanted


@pytest.mark.parametrize("until", ["yesterday", "2026-13-01"])
def test_a_time_that_is_none_is_a_usage_error(asked: list[dict[str, Any]], until: str) -> None:
    ran = RUNNER.invoke(cli.app, ["nightly", "--until", until])
    assert (ran.exit_code, asked) == (2, [])


def test_a_night_that_is_refused_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(settings: object, **given: Any) -> Night:
        raise NightRunning("another nightly is running: wait for it")

    monkeypatch.setattr(nightly, "run", run)
    ran = RUNNER.invoke(cli.app, ["nightly", "--home", str(tmp_path), "--json"])
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert isinstance(ran.exception, NightRunning)
