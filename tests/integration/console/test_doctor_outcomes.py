"""`headrace doctor` on evaluations that name nothing, and on the file of project settings."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.lake import Lake
from headrace.lake.message import dump
from headrace.lake.record import LogEvent

Headrace = Callable[..., Any]

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def event(evaluation: str, response: str = "", **ids: Any) -> LogEvent:
    own = {"gen_ai.evaluation.name": evaluation, "gen_ai.response.id": response}
    name = "gen_ai.evaluation.result"
    return LogEvent(project="shop[eu]", name=name, received_at=NOW, attributes=dump(own), **ids)


@pytest.fixture
def config(home: Path) -> Iterator[Path]:
    yield home / "headrace.toml"
    (home / "headrace.toml").unlink()


def check(headrace: Headrace, name: str) -> tuple[str, str]:
    [found] = [one for one in headrace("doctor", "--json").json if one["name"] == name]
    return found["state"], found["said"]


def test_evaluations_without_a_target_are_counted_by_project(
    headrace: Headrace, lake: Lake
) -> None:
    joined = [
        event("a", trace_id="t"),
        event("b", span_id="s"),
        event("c", response="r"),
        LogEvent(project="shop[eu]", name="gen_ai.choice", received_at=NOW),
    ]
    lake.write(lambda tx: tx.append("log_events", joined))
    assert check(headrace, "evaluations")[0] == "ok"
    orphans = [event("tone"), event("brevity"), event("tone")]
    lake.write(lambda tx: tx.append("log_events", orphans))
    state, said = check(headrace, "evaluations")
    assert state == "look"
    assert "mark nothing, shop[eu]: 3 (brevity, tone); evaluate inside the traced call" in said


def test_a_fault_in_the_project_settings_is_told_before_the_night_meets_it(
    headrace: Headrace, config: Path
) -> None:
    assert check(headrace, "project settings")[0] == "ok"
    config.write_text("waitingdays = 1")
    state, said = check(headrace, "project settings")
    assert (state, "did you mean 'waiting_days'?" in said) == ("fail", True)
    config.write_text("waiting_days = 1")
    assert check(headrace, "project settings") == ("ok", f"{config.absolute()} can be used")
