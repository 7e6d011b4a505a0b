"""One lake for every command: forty conversations loaded and curated, its door held open."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from headrace.console import cli
from headrace.flows.context import Context
from headrace.flows.step import STEPS
from headrace.lake import Lake
from headrace.lake.record import DeadLetter, Span
from headrace.lake.settings import Settings

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
    },
}
PICKS = (
    "--messages messages --tools tools --success passed --id id --release release "
    "--started-at at --task task --user user"
).split()


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What a shell sees of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """stdout as one line."""
        return " ".join(self.out.split())


Headrace = Callable[..., Ran]


def asked(task: int) -> str:
    """The words of a request; its number in letters, as a number would be masked."""
    number = "".join("abcdefghij"[int(digit)] for digit in f"{task:02d}")
    return f"Where did parcel number {number} of the mill go?"


def conversation(task: int, release: int) -> dict[str, Any]:
    """Task 3 n of the first release failed, as did task 5 n of the second; all others passed."""
    call = {"name": "look", "arguments": json.dumps({"id": str(task)})}
    return {
        "id": f"run-{task}-{release}",
        "task": f"task-{task}",
        "release": f"1.{release}",
        "user": f"user-{task % 4}",
        "at": f"2026-0{release + 4}-01T08:{task:02d}:00Z",
        "passed": task % (3 if release == 0 else 5) != 0,
        "tools": [TOOL],
        "messages": [
            {"role": "system", "content": "You look things up."},
            {"role": "user", "content": asked(task)},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": f"shelf {task * 7}"},
            {"role": "assistant", "content": f"Release {release}: it lies on shelf {task * 7}."},
        ],
    }


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty tasks, each asked of two releases."""
    file = tmp_path_factory.mktemp("runs") / "runs.jsonl"
    made = [conversation(task, release) for task in range(20) for release in range(2)]
    file.write_text("".join(json.dumps(one) + "\n" for one in made))
    return file


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console") / "home"


@pytest.fixture(scope="session")
def first_load(home: Path, runs: Path) -> Any:
    """What the very first command on this machine printed."""
    words = ["load", str(runs), *PICKS, "--project", "mill", "--home", str(home), "--json"]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


# All of a night that these tests look at; what requests mean is none of it.
NIGHT = (
    "scrub",
    "units",
    "resolve",
    "dedupe",
    "split",
    "cases",
    "decontaminate",
    "screen",
    "pair",
    "replay",
)


@pytest.fixture(scope="session")
def lake(first_load: Any, home: Path) -> Iterator[Lake]:
    """The lake after the steps of a night, with a call without content and a body that failed."""
    with Lake.open(home) as lake:
        context = Context(lake=lake, project="mill", now=NOW, out=home)
        for step in NIGHT:
            STEPS[step](context)
        bare = Span(
            project="bare",
            trace_id="0" * 32,
            span_id="1" * 16,
            kind="llm",
            name="chat",
            service="billing[eu]",
            received_at=NOW,
        )
        letter = DeadLetter(
            project="bare",
            spool="s",
            seq=1,
            signal="traces",
            reason="cut short",
            body=b"x",
            received_at=NOW,
            at=NOW,
        )
        lake.write(lambda tx: [tx.append("spans", [bare]), tx.append("dead_letters", [letter])])
        yield lake


@pytest.fixture
def headrace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lake: Lake
) -> Headrace:
    """Run a command on the shared lake, as a shell would: its exit code and what it prints.

    Opening a lake takes ten times as long as most commands, so this one is open already.
    """
    really = Lake.open

    def open(
        home: Path | None = None,
        *,
        settings: Settings | None = None,
        snapshot: int | None = None,
        create: bool = True,
    ) -> AbstractContextManager[Lake]:
        asked = settings or Settings.load(home)
        if asked.home == lake.settings.home and snapshot is None:
            return nullcontext(lake)
        return really(settings=asked, snapshot=snapshot, create=create)

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["headrace", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        printed = capsys.readouterr()
        return Ran(code=int(left.value.code or 0), out=printed.out, err=printed.err)

    monkeypatch.setattr(Lake, "open", open)
    monkeypatch.setenv("HEADRACE_HOME", str(lake.settings.home))
    monkeypatch.setenv("TERM", "dumb")
    return run
