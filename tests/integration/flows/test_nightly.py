"""The night with a real Prefect server, a real lake, and deaths in the middle."""

import fcntl
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.flows.step import STEPS
from headrace.ingest.load import load
from headrace.ingest.picks import Picks
from headrace.lake import Lake

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
PICKS = Picks(
    messages="messages",
    tools="tools",
    success="passed",
    release="release",
    started_at="started_at",
    task="task",
)
NIGHT = """
import os, sys
from datetime import datetime
from pathlib import Path
from headrace.flows import nightly
from headrace.flows.step import STEPS
from headrace.lake.settings import Settings

home, until, deadly = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), sys.argv[3]
steps = dict(STEPS)

def quoting(context):
    context.lake.sql("select 'Zebulon Quimbleton'::int").fetchall()

def die_after(step):
    def dying(context):
        step(context)
        os.kill(os.getpid(), 9)
    return dying

if deadly == "quoting":
    steps = {"scrub": quoting}
elif deadly:
    steps[deadly] = die_after(steps[deadly])
nightly.STEPS = steps
print(nightly.run(Settings.load(home), until=until).markdown)
"""
TABLES = {
    "resolutions": "project, episode_id, resolution, success, resolved_by",
    "decisions": "project, step, version, episode_id, kept, reason, because_of, similarity",
    "clusters": "project, method, cluster_id, episode_id, representative",
    "splits": "project, group_id, split",
    "cases": "project, suite, case_id, input, target, scorer, content_hash",
    "runs": "project, run_id, suite, release, status",
    "scores": "run_id, case_id, epoch, scorer, value, error",
    "verdicts": "project, verdict_id, state, inputs_hash",
    "datasets": "project, name, version, objective, rows",  # the manifest names a snapshot
    "members": "project, name, version, row_id, split, episode_ids",
    "nights": "night_id, until, status, summary",
}


def night(
    home: Path, environment: dict[str, str], deadly: str = ""
) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", NIGHT, str(home), UNTIL.isoformat(), deadly]
    return subprocess.run(words, env=environment, capture_output=True, text=True)


def loaded(home: Path, runs: Path) -> Path:
    with Lake.open(home) as lake:
        done = load(lake, [runs], PICKS, project="mill", now=UNTIL)
        assert (done.added, done.marked, done.refused) == (120, 120, 0)
    return home


def contents(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every table that a night writes, without times; paths of the home left out."""
    with Lake.open(home) as lake:
        found = {
            table: lake.sql(f"select {columns} from {table} order by all").fetchall()
            for table, columns in TABLES.items()
        }
    text = json.dumps(found, default=str).replace(str(home), "HOME")
    return {table: rows for table, rows in json.loads(text).items()}


@pytest.fixture(scope="module")
def quiet_night(
    tmp_path_factory: pytest.TempPathFactory, runs: Path, prefect: dict[str, str]
) -> tuple[Path, str]:
    """A lake after one undisturbed night, and what the night said."""
    home = loaded(tmp_path_factory.mktemp("quiet") / "home", runs)
    done = night(home, prefect)
    assert done.returncode == 0, done.stderr
    return home, done.stdout


def test_a_night_goes_from_episodes_to_data_sets(quiet_night: tuple[Path, str]) -> None:
    home, _ = quiet_night
    with Lake.open(home) as lake:
        [row] = lake.rows("select summary, status from nights")
        steps = {line["step"]: line for line in json.loads(row["summary"])}
        sets = dict(lake.sql("select objective, rows from datasets").fetchall())
    assert list(steps) == list(STEPS)
    assert steps["dedupe"]["seen"] == 120
    assert {name: line["said"] for name, line in steps.items() if line["state"] != "done"} == {}
    assert sets.keys() == {"sft", "kto", "dpo"} and min(sets.values()) > 0
    for objective in sets:
        assert (home / "datasets" / "mill" / objective / "manifest.json").is_file()


def test_training_rows_and_evaluation_cases_share_no_request(
    quiet_night: tuple[Path, str],
) -> None:
    home, _ = quiet_night
    with Lake.open(home) as lake:
        [(trained,)] = lake.sql(
            "select count(distinct episode) from (select unnest(episode_ids) episode from members)"
        ).fetchall()
        [(shared,)] = lake.sql(
            "with task as (select episode_id, metadata->>'$.task' as task from current_episodes)"
            "select count(*) from (select unnest(episode_ids) as episode_id from members) "
            "join task using (episode_id) where task.task in ("
            "select o.task from cases join task o on o.episode_id = cases.origin_episode_id)"
        ).fetchall()
    assert trained > 0
    assert shared == 0


def test_the_night_is_summed_up_in_a_prefect_artifact(
    quiet_night: tuple[Path, str], prefect: dict[str, str]
) -> None:
    _, said = quiet_night
    answer = httpx.post(
        f"{prefect['PREFECT_API_URL']}/artifacts/filter",
        json={"artifacts": {"key": {"any_": ["night"]}}},
        trust_env=False,
    )
    pages = [artifact["data"] for artifact in answer.json()]
    assert said.strip() in [page.strip() for page in pages]


def test_the_same_night_again_changes_nothing(
    quiet_night: tuple[Path, str], prefect: dict[str, str]
) -> None:
    home, _ = quiet_night
    before = contents(home)
    assert night(home, prefect).returncode == 0
    after = contents(home)
    assert {t: after[t] for t in after if t != "nights"} == {
        t: before[t] for t in before if t != "nights"
    }


def test_a_night_that_died_twice_ends_as_one_that_never_did(
    tmp_path: Path, runs: Path, prefect: dict[str, str], quiet_night: tuple[Path, str]
) -> None:
    home = loaded(tmp_path / "home", runs)
    for deadly in ("dedupe", "kto"):
        assert night(home, prefect, deadly).returncode == -9
    assert night(home, prefect).returncode == 0
    wanted, found = contents(quiet_night[0]), contents(home)
    assert {table for table in TABLES if found[table] != wanted[table]} - {"nights"} == set()


def test_a_second_night_on_the_same_home_says_so(
    quiet_night: tuple[Path, str], prefect: dict[str, str]
) -> None:
    home, _ = quiet_night
    with (home / "nightly.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = night(home, prefect)
    assert done.returncode != 0
    assert "another nightly is running" in done.stderr


def test_what_an_error_quotes_is_shown_and_not_kept_by_prefect(
    tmp_path: Path, runs: Path, prefect: dict[str, str]
) -> None:
    home = loaded(tmp_path / "home", runs)
    done = night(home, prefect, "quoting")
    assert "ConversionException: see the log" in done.stdout
    assert "Zebulon Quimbleton" in done.stderr
    kept = [file for file in Path(prefect["PREFECT_HOME"]).rglob("*") if file.is_file()]
    assert any(b"ConversionException" in file.read_bytes() for file in kept)
    assert [file.name for file in kept if b"Quimbleton" in file.read_bytes()] == []


TERMINATED = """
import os, signal, sys
from pathlib import Path
from headrace.console import cli
from headrace.flows import nightly

def terminated(context):
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    print(*(task.read_text() for task in tasks), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

nightly.STEPS = {"assemble": terminated}
sys.argv = ["headrace", "nightly", "--home", sys.argv[1]]
cli.main()
"""


def test_what_a_night_started_ends_with_it_when_it_is_told_to(tmp_path: Path, runs: Path) -> None:
    home = loaded(tmp_path / "home", runs)
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED, str(home)], capture_output=True, text=True
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    started = [int(word) for word in done.stdout.split() if word.isdigit()]
    assert started, "the night has a server of its own"
    assert [child for child in started if Path(f"/proc/{child}/cmdline").exists()] == []
