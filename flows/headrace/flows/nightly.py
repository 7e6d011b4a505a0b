"""The nightly flow: curate, evaluate, decide and export, project by project.

Every step is one lake transaction or an atomic folder and finds out by itself what is left to do:
a night that died is repeated by running it again.
"""

import fcntl
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from headrace.curate.conversation import projects
from headrace.flows.context import Context
from headrace.flows.door import Door
from headrace.flows.engine import engine
from headrace.flows.errors import NightRunning, StepBroke, UnknownProject
from headrace.flows.maintain import maintain
from headrace.flows.meter import Meter, Watch, unwatched
from headrace.flows.night import Line, Night, record
from headrace.flows.retention import prepare, retain
from headrace.flows.step import STEPS
from headrace.lake import project as project_settings
from headrace.lake.errors import HeadraceError, LakeLocked
from headrace.lake.message import digest
from headrace.lake.settings import Settings, make_home


def run(
    settings: Settings,
    *,
    project: str | None = None,
    until: datetime | None = None,
    out: Path | None = None,
    watch: Watch = unwatched,
) -> Night:
    """Run the night now, over one project or all; data sets go below `out`.

    `watch` is told how far each step is. `until` (default: now) is the time the night takes as its
    own: outcomes that may still come after it leave an episode pending. Raises NightRunning,
    LakeLocked, SettingsError.
    """
    project_settings.check(settings)
    folder = out or settings.home / "datasets"
    with _alone(settings.home), engine(settings):
        return nightly(
            home=settings.home,
            project=project,
            until=until or datetime.now(UTC),
            out=folder,
            watch=watch,
        )


@flow(name="nightly", validate_parameters=False)
def nightly(
    *,
    home: Path,
    project: str | None,
    until: datetime,
    out: Path,
    watch: Watch | None = None,  # Prefect asks for a default that JSON can say
) -> Night:
    """The steps of `STEPS` in order for each project, then the page that sums them up."""
    started = datetime.now(UTC)
    with closing(Door(home)) as door:
        with door.lake() as lake:
            prepare(lake)
            names = _chosen(project, projects(lake))
        lines = tuple(
            _done(door, name, title, until, out, watch) for name in names for title in STEPS
        )
        with door.lake() as lake:
            lines += retain(lake, until=until)
        night = Night(
            night_id=f"night_{digest(f'{until.isoformat()} {names}')[:16]}",
            started_at=started,
            ended_at=datetime.now(UTC),
            until=until,
            lines=lines,
        )
        with door.lake() as lake:
            maintain(lake, now=datetime.now(UTC))
            record(lake, night)
    create_markdown_artifact(key="night", markdown=night.markdown, description="The last night")
    return night


@task(task_run_name="{project}: {title}", retries=1, retry_delay_seconds=2, cache_policy=NO_CACHE)
def step(
    door: Door, project: str, title: str, now: datetime, out: Path, watch: Watch | None = None
) -> Line:
    """One step over one project; what the step refuses is told, not raised.

    What breaks it is shown on the terminal: Prefect keeps the words of what is raised here.
    """
    try:
        return _stepped(door, project, title, now, out, watch)
    except HeadraceError:
        raise
    except Exception as error:
        traceback.print_exception(error)
        broke = StepBroke(type(error).__name__)
    raise broke  # out here it has no context


def _stepped(
    door: Door, project: str, title: str, now: datetime, out: Path, watch: Watch | None
) -> Line:
    meter = Meter(project, title, watch or unwatched)
    with door.lake() as lake:
        try:
            line = STEPS[title](Context(lake=lake, project=project, now=now, out=out, told=meter))
        except LakeLocked:
            raise
        except HeadraceError as refusal:
            return Line(project=project, step=title, state="refused", said=str(refusal))
    meter.finished()
    return line


def _done(
    door: Door, project: str, title: str, until: datetime, out: Path, watch: Watch | None
) -> Line:
    """The line of a step; one that breaks holds up neither the next step nor the next project."""
    state = step(door, project, title, until, out, watch, return_state=True)
    if state.is_completed():
        line: Line = state.result()
        return line
    error = state.result(raise_on_failure=False)
    kind = str(error) if isinstance(error, StepBroke) else type(error).__name__
    return Line(project=project, step=title, state="failed", said=f"{kind}: see the log")


def _chosen(project: str | None, known: list[str]) -> list[str]:
    if project is None:
        return known
    if project not in known:
        listed = ", ".join(map(repr, known)) or "none yet"
        raise UnknownProject(f"no project {project!r}; there are: {listed}")
    return [project]


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    make_home(home)
    with (home / "nightly.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NightRunning(
                f"another nightly is running on {str(home)!r}: wait for it, or give --home"
            ) from error
        yield
