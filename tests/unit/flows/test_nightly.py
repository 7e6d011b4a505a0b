"""The night without Prefect: who may run it, what it is given, what it keeps."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.states import Completed, Failed

from headrace.exporters.errors import NoSuite
from headrace.flows import nightly
from headrace.flows.context import Context
from headrace.flows.door import Door
from headrace.flows.errors import NightRunning, StepBroke, UnknownProject
from headrace.flows.meter import unwatched
from headrace.flows.night import Line, Night
from headrace.flows.step import STEPS
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked, SettingsError
from headrace.lake.record import Outcome
from headrace.lake.settings import Settings

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
QUIET = Night(night_id="n", started_at=UNTIL, ended_at=UNTIL, until=UNTIL, lines=())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(tmp_path / "home")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the flow was given; no engine starts."""
    given: list[dict[str, Any]] = []

    def flow(**words: Any) -> Night:
        given.append(words)
        return QUIET

    monkeypatch.setattr(nightly, "engine", lambda settings: nullcontext())
    monkeypatch.setattr(nightly, "nightly", flow)
    return given


def test_a_night_takes_the_present_and_the_folder_of_the_home(
    settings: Settings, asked: list[dict[str, Any]]
) -> None:
    before = datetime.now(UTC)
    nightly.run(settings)
    [given] = asked
    assert before <= given.pop("until") <= datetime.now(UTC)
    assert given.pop("watch") is unwatched
    assert given == {"home": settings.home, "project": None, "out": settings.home / "datasets"}


def test_a_night_takes_the_time_and_the_folder_that_it_is_given(
    settings: Settings, asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    nightly.run(settings, project="p", until=UNTIL, out=tmp_path / "sets")
    [given] = asked
    assert (given["project"], given["until"], given["out"]) == ("p", UNTIL, tmp_path / "sets")


def test_a_home_belongs_to_one_night_at_a_time(
    settings: Settings, asked: list[dict[str, Any]]
) -> None:
    settings.home.mkdir()
    with (settings.home / "nightly.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(NightRunning, match=f"{settings.home}.*wait for it, or give --home"):
            nightly.run(settings)
    assert asked == []
    assert nightly.run(settings) == QUIET, "a lock file alone holds nobody up"


def test_no_night_begins_on_project_settings_with_a_fault(
    settings: Settings, asked: list[dict[str, Any]]
) -> None:
    settings.home.mkdir()
    (settings.home / "headrace.toml").write_text("[projects.p]\nwaiting = 1")
    with pytest.raises(SettingsError, match="no setting 'projects.p.waiting'"):
        nightly.run(settings)
    assert asked == []


def test_a_night_that_broke_lets_the_next_one_run(
    settings: Settings, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(nightly, "nightly", lambda **words: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            nightly.run(settings)
    assert nightly.run(settings) == QUIET


def refuse(error: Exception) -> Callable[[Context], Line]:
    def step(context: Context) -> Line:
        raise error

    return step


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step needs no lake to refuse."""
    monkeypatch.setattr(Door, "lake", lambda door: nullcontext(None))


@pytest.mark.usefixtures("shut")
def test_what_a_step_refuses_is_a_line_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "STEPS", {"sft": refuse(NoSuite("no suite: build one"))})
    line = nightly.step.fn(Door(tmp_path), "p", "sft", UNTIL, tmp_path)
    assert line == Line(project="p", step="sft", state="refused", said="no suite: build one")
    assert line.kept is None, "not measured, not zero"


@pytest.mark.usefixtures("shut")
def test_a_locked_lake_may_be_open_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "STEPS", {"sft": refuse(LakeLocked("locked"))})
    with pytest.raises(LakeLocked):
        nightly.step.fn(Door(tmp_path), "p", "sft", UNTIL, tmp_path)
    assert nightly.step.retries == 1


@pytest.mark.usefixtures("shut")
@pytest.mark.parametrize("error", [OSError("quoted"), KeyError("quoted")])
def test_what_breaks_a_step_is_raised_by_its_kind_and_shown_in_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    monkeypatch.setattr(nightly, "STEPS", {"sft": refuse(error)})
    with pytest.raises(StepBroke) as broke:
        nightly.step.fn(Door(tmp_path), "p", "sft", UNTIL, tmp_path)
    assert str(broke.value) == type(error).__name__
    assert broke.value.__cause__ is broke.value.__context__ is None
    assert "quoted" in capsys.readouterr().err


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake in which two projects have a mark each."""
    marks = [
        Outcome(
            project=name,
            outcome_id=name,
            target_kind="trace",
            target_id="t",
            source="human",
            at=UNTIL,
            received_at=UNTIL,
        )
        for name in ("wheel", "mill")
    ]
    with Lake.open(tmp_path_factory.mktemp("two") / "home") as lake:
        lake.write(lambda tx: tx.append("outcomes", marks))
        yield lake


@pytest.fixture
def night(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Night]:
    """The flow with steps that only say that they ran, and a lake that is open already."""
    home = lake.settings.home

    def step(
        door: Door,
        project: str,
        title: str,
        until: datetime,
        out: Path,
        watch: object,
        *,
        return_state: bool,
    ) -> State[Line]:
        assert return_state, "a step that breaks must not end the night"
        if title == broken:
            return Failed(data=StepBroke("KeyError"))
        return Completed(data=Line(project=project, step=title, said=f"{until:%d}"))

    broken: str | None = None

    def run(
        project: str | None = None, until: datetime = UNTIL, breaks: str | None = None
    ) -> Night:
        nonlocal broken
        broken = breaks
        return nightly.nightly.fn(home=home, project=project, until=until, out=home)

    monkeypatch.setattr(Door, "lake", lambda door: nullcontext(lake))
    monkeypatch.setattr(nightly, "step", step)
    monkeypatch.setattr(nightly, "create_markdown_artifact", lambda **page: None)
    return run


def test_every_project_goes_through_every_step_in_order(night: Callable[..., Night]) -> None:
    ran = [(line.project, line.step) for line in night().lines]
    assert ran == [(project, title) for project in ("mill", "wheel") for title in STEPS]


def test_a_step_that_breaks_holds_up_neither_the_next_step_nor_the_next_project(
    night: Callable[..., Night], lake: Lake
) -> None:
    made = night(breaks="dedupe")
    assert len(made.lines) == 2 * len(STEPS)
    failed = [(line.project, line.step, line.said) for line in made.lines if line.state == "failed"]
    said = "KeyError: see the log"
    assert failed == [("mill", "dedupe", said), ("wheel", "dedupe", said)]
    sql = "select status from nights where night_id = $night"
    assert lake.rows(sql, {"night": made.night_id}) == [{"status": "failed"}]


def test_a_project_of_which_nothing_is_known_gets_no_night(night: Callable[..., Night]) -> None:
    with pytest.raises(UnknownProject, match="no project 'mil'; there are: 'mill', 'wheel'"):
        night("mil")


def test_one_project_may_have_a_night_of_its_own_that_is_kept(
    night: Callable[..., Night], lake: Lake
) -> None:
    made = night("wheel")
    assert {line.project for line in made.lines} == {"wheel"}
    sql = "select summary from nights where night_id = $night"
    [row] = lake.rows(sql, {"night": made.night_id})
    assert [line["step"] for line in json.loads(row["summary"])] == list(STEPS)


def test_a_night_is_named_by_its_time_and_its_projects(night: Callable[..., Night]) -> None:
    names = [night().night_id, night().night_id, night("mill").night_id]
    later = night(until=UNTIL + timedelta(days=1)).night_id
    assert names[0] == names[1]
    assert len({names[0], names[2], later}) == 3
